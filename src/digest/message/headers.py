"""Writes header fields: free text, mailboxes, and values that must stay verbatim.

We have our own writer because the standard library's turns a long List-Unsubscribe
into encoded-words, and lets a title that looks like an encoded-word forge fields of
its own.  Everything written here is ASCII except the local part of an
internationalised address (RFC 6532), no line is longer than 998 octets
(RFC 5322, 2.1.1), and CR or LF occur only where we fold.

`compile` decides which fields a message has, and in what order.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from functools import lru_cache

LINE_LIMIT = 998  # RFC 5322, 2.1.1: octets without CRLF
FOLD_AT = 76  # RFC 2047, 2: a line that contains an encoded-word
WORD_LIMIT = 75  # RFC 2047, 2: one encoded-word
ADDRESS_LIMIT = 254  # RFC 5321, 4.5.3.1.3: a path of 256 less its angle brackets

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_ASCII_LOCAL = re.compile(rf"[{_ATEXT}]+(?:\.[{_ATEXT}]+)*")
_WIDE_LOCAL = re.compile(rf"[{_ATEXT}\u00a0-\U0010ffff]+(?:\.[{_ATEXT}\u00a0-\U0010ffff]+)*")
_DOMAIN = re.compile(
    r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*"
)
# C0 and C1 controls, line and paragraph separators, and lone surrogates.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_UNSAFE_WIDE = re.compile(
    r"[\s\u0080-\u009f\u2028\u2029\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_VISIBLE = re.compile(r"[ -~]*")
_MESSAGE_ID = re.compile(rf"[{_ATEXT}.]+@[{_ATEXT}.]+")
_WEB_ADDRESS = re.compile(r"https?://[^\x00-\x20\x7f-\U0010ffff<>,]+")
_MAILTO = re.compile(r"mailto:[^\x00-\x20\x7f-\U0010ffff<>,]+")
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")  # RFC 2047, 5 (3)
_Q_LETTERS = tuple(
    chr(octet) if octet in _Q_SAFE else "_" if octet == 0x20 else f"={octet:02X}" for octet in range(256)
)


class UnsafeValue(ValueError):
    """A value is not allowed in a header field; the message names the field, never a secret."""


class UnsafeAddress(UnsafeValue):
    """An address that cannot be written: not a valid addr-spec, or one that parsers read differently."""


def encode_unstructured(text: str, *, column: int = 0) -> bytes:
    """Encode free text (RFC 5322, 2.2.1) for a line that already has `column` octets.

    A parser decodes it to exactly `one_line(text)`.  Plain ASCII stays plain;
    anything else, and anything that looks like an encoded-word, is written entirely
    in encoded-words.
    """
    text = one_line(text)
    if _is_plain(text):
        folded = _fold_at_spaces(text, column)
        first, *rest = folded.split("\r\n ")
        if column + len(first) <= FOLD_AT and all(len(line) < FOLD_AT for line in rest):
            return folded.encode("ascii")
    return encoded_words(text, column=column)


def mailbox(name: str, address: str, *, column: int = 0) -> bytes:
    """A display name and an address (RFC 5322, 3.4): `"Ann Example" <ann@example.org>`.

    Raises:
        UnsafeAddress: the address is not allowed in a header.
    """
    addr_spec = checked_address(address).encode("utf-8")
    name = " ".join(one_line(name).split())
    if not name:
        return addr_spec
    phrase = _phrase(name, column)
    last_line = len(phrase) - (phrase.rfind(b"\n") + 1) + (column if b"\n" not in phrase else 0)
    gap = b" " if last_line + len(addr_spec) + 3 <= FOLD_AT else b"\r\n "
    return phrase + gap + b"<" + addr_spec + b">"


def structured(name: str, value: str) -> bytes:
    """The whole field `Name: value`, with the value verbatim and folded only at whitespace.

    Raises:
        UnsafeValue: the value is not plain ASCII, looks like an encoded-word, or has too long a line.
    """
    if not _VISIBLE.fullmatch(value) or "=?" in value or value != value.strip():
        raise UnsafeValue(f"The value of {name} must be plain ASCII text on one line.")
    folded = _fold_at_spaces(value, len(name) + 2)
    if any(len(line) > LINE_LIMIT - len(name) - 2 for line in folded.split("\r\n ")):
        raise UnsafeValue(f"The value of {name} has more than {LINE_LIMIT} octets without whitespace.")
    return f"{name}: {folded}".encode("ascii")


def unstructured(name: str, text: str) -> bytes:
    """The whole field `Name: text`; see `encode_unstructured`."""
    return name.encode("ascii") + b": " + encode_unstructured(text, column=len(name) + 2)


def message_id(value: str) -> bytes:
    """`<value>`, for a value without angle brackets.

    Raises:
        UnsafeValue: it is not a msg-id (RFC 5322, 3.6.4), or longer than the 500 octets Gmail accepts.
    """
    if not _MESSAGE_ID.fullmatch(value) or "=?" in value or len(value) > 500:
        raise UnsafeValue(f"Not a message id: {value!r}.")
    return b"<%b>" % value.encode("ascii")


def list_unsubscribe(url: str, mailto: str = "") -> str:
    """The value of List-Unsubscribe (RFC 2369, 3.2; RFC 8058): the web address comes first.

    Raises:
        UnsafeValue: the web address is not http(s), or a character is not allowed there.
    """
    if not _WEB_ADDRESS.fullmatch(url) or "=?" in url or len(url) > LINE_LIMIT - len("List-Unsubscribe: <>,"):
        raise UnsafeValue(f"Not a web address for List-Unsubscribe: {url!r}.")
    return f"<{url}>, <{_mailto(mailto)}>" if mailto else f"<{url}>"


@lru_cache(maxsize=16)
def _mailto(address: str) -> str:
    uri = address if address.startswith("mailto:") else f"mailto:{address}"
    if not _MAILTO.fullmatch(uri) or "=?" in uri or len(uri) > LINE_LIMIT - len(" <>"):
        raise UnsafeValue(f"Not a mail address for List-Unsubscribe: {address!r}.")
    return uri


def one_line(text: str) -> str:
    """The text without control characters: each run of them and its surrounding space become one space."""
    if not _UNSAFE.search(text):
        return text.strip()
    pieces = (piece.strip() for piece in _UNSAFE.split(text))
    return " ".join(piece for piece in pieces if piece)


def checked_address(address: str) -> str:
    """The address, if it is a dot-atom at a domain of A-labels.

    Quoted local parts and address literals are refused: no subscriber's mailbox
    needs them, and every second program reads them differently.

    Raises:
        UnsafeAddress: it has another form, is too long or looks encoded.
    """
    local, at, domain = address.rpartition("@")
    is_local = _ASCII_LOCAL.fullmatch(local) if local.isascii() else _is_wide_local(local)
    if not (at and is_local and _is_domain(domain)):
        raise UnsafeAddress(f"This address cannot be written in a message: {address!r}.")
    # "=?utf-8?q?…?=" is a legal local part, but some programs decode it all the same.
    if "=?" in address or len(address.encode("utf-8")) > ADDRESS_LIMIT:
        raise UnsafeAddress(f"This address is too long or looks encoded: {address!r}.")
    return address


def encoded_words(text: str, *, column: int = 0) -> bytes:
    """The whole text as encoded-words (RFC 2047), one per line; B or Q, whichever is shorter.

    A character is never split between two words (5 (3) there).
    """
    q_word, b_word = _q_word(text), _b_word(text)
    encode = _b_word if len(b_word) < len(q_word) else _q_word
    return b"\r\n ".join(_words(text, encode, column))


def _is_plain(text: str) -> bool:
    return "=?" not in text and _VISIBLE.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _is_domain(text: str) -> bool:
    """Cached, because most subscribers are at the same few domains."""
    return _DOMAIN.fullmatch(text) is not None


def _is_wide_local(local: str) -> bool:
    return bool(_WIDE_LOCAL.fullmatch(local)) and not _UNSAFE_WIDE.search(local)


def _fold_at_spaces(text: str, column: int) -> str:
    """Break lines before a space, to stay within 76 columns where the words allow it."""
    lines = [""]
    room = FOLD_AT - column
    for word in re.findall(r" *[^ ]+", text):
        if len(lines[-1]) + len(word) > room and lines[-1].strip() and word.startswith(" "):
            lines.append(word[1:])
            room = FOLD_AT - 1
        else:
            lines[-1] += word
    return "\r\n ".join(lines)


def _phrase(name: str, column: int) -> bytes:
    if _is_plain(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        if column + len(escaped) + 2 <= FOLD_AT:
            return f'"{escaped}"'.encode("ascii")
    return encoded_words(name, column=column)


def _words(text: str, encode: Callable[[str], bytes], column: int) -> Iterator[bytes]:
    """Encoded-words of at most 75 octets each; the first one also fits the rest of its line."""
    room = min(WORD_LIMIT, max(FOLD_AT - column, 32))
    while text:
        taken = len(text)
        while taken > 1 and len(word := encode(text[:taken])) > room:
            taken = max(1, min(taken - 1, taken * room // len(word) + 1))
        yield encode(text[:taken])
        text, room = text[taken:], WORD_LIMIT


def _q_word(text: str) -> bytes:
    return f"=?utf-8?q?{''.join([_Q_LETTERS[octet] for octet in text.encode('utf-8')])}?=".encode("ascii")


def _b_word(text: str) -> bytes:
    return b"=?utf-8?b?" + binascii.b2a_base64(text.encode("utf-8"), newline=False) + b"?="
