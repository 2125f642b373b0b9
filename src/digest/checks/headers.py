"""Headers: there once, written as the RFCs want, from one address that may send (rules 1 to 7, 9, 19, 21)."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterator
from email.utils import getaddresses

from digest.checks.finding import Check, Facts, Message, Problem, Severity

_REQUIRED = ("From", "To", "Date", "Message-ID", "Subject", "MIME-Version")
_STRUCTURED = re.compile(
    r"(list-.*|message-id|feedback-id|references|in-reply-to|auto-submitted)", re.IGNORECASE
)
_ADDRESSES = {"from", "to", "reply-to", "sender"}
_ENCODED_WORD = re.compile(rb"=\?([^?\s]*)\?([^?\s]*)\?([^?\s]*)\?=")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_LIST_ID = re.compile(r"(.*\s)?<[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+>", re.DOTALL)
# Their DMARC policies refuse mail from them that others send.
_FREEMAIL = frozenset(
    "gmail.com googlemail.com yahoo.com ymail.com aol.com outlook.com hotmail.com live.com msn.com "
    "icloud.com me.com gmx.de gmx.net gmx.com web.de mail.ru yandex.ru proton.me protonmail.com".split()
)


def required(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 5322, 3.6."""
    for name in _REQUIRED:
        count = len(message.headers_named(name))
        if count != 1:
            said = "is missing" if count == 0 else f"is there {count} times"
            yield Problem(f"The header {name} {said}; a message needs it exactly once.", name)


def lines(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 5322, 2.1.1; long addresses of pages may stand on long lines."""
    longest = max(len(line) for line in re.split(rb"\r?\n", message.raw))
    if longest > 998:
        yield Problem(f"A line is {longest} octets long; servers may cut it after 998.")
    for name, field in message.raw_headers:
        for line in re.split(rb"\r?\n", field):
            if 78 < len(line) <= 998 and b"://" not in line and b" " in line.strip():
                yield Problem(
                    f"A line of {name} is {len(line)} octets long; 78 is the custom.", name, Severity.WARN
                )


def encoded_structure(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 2047, 5: encoded words stand for text; in addresses and lists nobody decodes them."""
    for name, field in message.raw_headers:
        value = field.partition(b":")[2]
        inside = b"".join(re.findall(rb"<[^<>]*>", value)) if name.lower() in _ADDRESSES else value
        is_structured = name.lower() in _ADDRESSES or _STRUCTURED.fullmatch(name)
        if is_structured and b"=?" in inside:
            yield Problem(
                f"{name} holds encoded words where none are read: mail programs will not understand it.", name
            )


def encoded_words(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 2047, 2."""
    for name, field in message.raw_headers:
        for word in _ENCODED_WORD.finditer(field):
            fault = _fault_of_word(word)
            if fault:
                yield Problem(f"An encoded word in {name} {fault}.", name)


def _fault_of_word(word: re.Match[bytes]) -> str:
    if len(word[0]) > 75:
        return f"is {len(word[0])} characters long; 75 is the limit"
    if word[1].lower() != b"utf-8":
        return f"is in {word[1].decode('ascii', 'replace')}, not in UTF-8"
    try:
        _decoded(word).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return "cannot be decoded"
    return ""


def _decoded(word: re.Match[bytes]) -> bytes:
    if word[2].lower() == b"b":
        return base64.b64decode(word[3], validate=True)
    if word[2].lower() == b"q":
        return quopri.decodestring(word[3], header=True)
    raise ValueError("an encoding that RFC 2047 does not know")


def injection(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """Nothing of the content may have become a header."""
    for name, value in message.headers:
        if _CONTROL.search(value):
            yield Problem(f"{name} holds a line break or a control character.", name)
    for name in ("Bcc", "Resent-To", "Resent-From"):
        if message.headers_named(name):
            yield Problem(f"There is a header {name}, which digest never writes.", name)


def body_lines(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 2045, 6.7."""
    if _BARE.search(message.raw):
        yield Problem("A line does not end with CR LF; some servers refuse such a message.")
    for part in message.parts:
        if part.encoding == "quoted-printable" and part.longest_line > 76:
            yield Problem(
                f"A line of {part.content_type} is {part.longest_line} characters long; 76 is the limit."
            )


def shape(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 2046, 5.1.4: the plainest first."""
    kind = (message.header("Content-Type") or "").partition(";")[0].strip().lower()
    if kind != "multipart/alternative":
        yield Problem(f"The message is {kind or 'of no stated type'}, not multipart/alternative.")
    types = [part.content_type for part in message.parts]
    if types != ["text/plain", "text/html"]:
        yield Problem(f"The parts are {', '.join(types) or 'none'}; they must be text/plain, then text/html.")
    for part in message.parts:
        if part.charset not in {"utf-8", "utf8"}:
            yield Problem(f"{part.content_type} is in {part.charset or 'no stated charset'}, not in UTF-8.")


def one_sender(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """One address of a domain of one's own; a name that does not pose as another address."""
    mailboxes = [mailbox for mailbox in getaddresses(message.headers_named("From")) if any(mailbox)]
    if len(mailboxes) > 1:
        yield Problem("From holds more than one address.", "From")
    address, name = message.sender_address, message.sender_name
    domain = address.rpartition("@")[2].lower()
    if not address.isascii() or "@" not in address:
        yield Problem(f"The sender “{address}” is no plain ASCII address.", "From")
    if domain in _FREEMAIL:
        yield Problem(
            f"{domain} tells receivers to refuse what others send in its name. Use a domain of yours.", "From"
        )
    posed = re.search(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)", name)
    if posed and posed[1].lower() != domain:
        yield Problem(f"The sender's name poses as an address of {posed[1]}.", "From")
    elif re.search(r'[,;@"<>]', name):
        yield Problem(
            "The sender's name holds a comma or another sign that some providers refuse.",
            "From",
            Severity.WARN,
        )


def list_id(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 2919, 2."""
    value = message.header("List-ID")
    if value is None:
        yield Problem("There is no List-ID: readers cannot sort by it.", "List-ID")
    elif not _LIST_ID.fullmatch(value.strip()):
        yield Problem(f"“{value}” is no List-ID; it should read: Name <list.example.com>.", "List-ID")


def automatic(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 3834: who is away must not answer a newsletter."""
    for name, wanted in (("Auto-Submitted", "auto-generated"), ("Precedence", "bulk")):
        if (message.header(name) or "").strip().lower() != wanted:
            yield Problem(f"{name} does not say {wanted}: automatic replies will come back.", name)


CHECKS = (
    Check("hdr-required", Severity.BLOCK, "Every required header is there once.", required),
    Check("hdr-line", Severity.BLOCK, "No line is too long.", lines),
    Check(
        "hdr-encoded-struct", Severity.BLOCK, "Lists and addresses are written plainly.", encoded_structure
    ),
    Check("hdr-ew", Severity.BLOCK, "Every encoded word can be read.", encoded_words),
    Check("hdr-inject", Severity.BLOCK, "No content has become a header.", injection),
    Check("qp-76", Severity.BLOCK, "The bodies have short lines that end with CR LF.", body_lines),
    Check("mime-shape", Severity.BLOCK, "There is a plain text and an HTML part, both in UTF-8.", shape),
    Check("from-one", Severity.BLOCK, "It comes from one address of a domain of its own.", one_sender),
    Check("list-id", Severity.WARN, "The List-ID is well-formed.", list_id),
    Check("auto-sub", Severity.WARN, "Automatic replies are turned off.", automatic),
)
