"""Parses a message as a mail app would, for the pre-flight checks and the tests.

Python's `email` package does the parsing.  Nothing in this file writes a message,
and nothing judges one: that is the job of `digest.checks`.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage
from functools import lru_cache
from typing import cast

_LINE_END = re.compile(rb"\r?\n")
_BARE_NEWLINE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFacts:
    """What one leaf part looks like on the wire, before its transfer encoding is decoded."""

    content_type: str  # "text/html", lower case
    charset: str  # lower case; empty if the part names none
    encoding: str  # transfer encoding, lower case; "7bit" if the part names none
    longest_line: int  # octets, without the line end
    has_bare_newline: bool  # a CR without LF, or an LF without CR


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedMessage:
    """A message as the recipient sees it, together with its raw bytes."""

    raw: bytes
    headers: tuple[tuple[str, str], ...]  # decoded and unfolded, in order
    raw_headers: tuple[tuple[str, bytes], ...]  # the whole field, "Name: value", with its folds
    subject: str
    sender_name: str
    sender_address: str
    text: str  # decoded, lines end with "\n"; empty if there is no such part
    html: str
    parts: tuple[PartFacts, ...]

    def header(self, name: str) -> str | None:
        """The first header with that name, ignoring case; None if there is none."""
        return next(iter(self.headers_named(name)), None)

    def headers_named(self, name: str) -> list[str]:
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]


def parse(raw: bytes) -> ParsedMessage:
    """Take a whole message apart.  Never fails on bad content: it shows what a reader would see."""
    message = email.message_from_bytes(raw, policy=_POLICY)
    name, address = _sender(message)
    return ParsedMessage(
        raw=raw,
        headers=tuple((key, str(value)) for key, value in message.items()),
        raw_headers=tuple(_raw_fields(raw)),
        subject=str(message["subject"] or ""),
        sender_name=name,
        sender_address=address,
        text=_content(message, "plain"),
        html=_content(message, "html"),
        parts=tuple(_part_facts(part, body) for part, body in _leaves(message, raw)),
    )


# The same few headers are asked for again and again, of one message and of the next version of it;
# taking one apart by the RFC's grammar is slow, and what comes out is never changed.
_POLICY = email.policy.default.clone(header_factory=lru_cache(maxsize=256)(HeaderRegistry()))


def _sender(message: EmailMessage) -> tuple[str, str]:
    addresses = getattr(message["from"], "addresses", ())
    if not addresses:
        return "", ""
    return addresses[0].display_name, addresses[0].addr_spec


def _raw_fields(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Each field of the header block; a line that starts with whitespace continues the one before."""
    block = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    for field in re.split(rb"\r?\n(?![ \t])", block):
        name, colon, _ = field.partition(b":")
        if colon:
            yield name.decode("ascii", "replace"), field


def _content(message: EmailMessage, kind: str) -> str:
    body = message.get_body(preferencelist=(kind,))
    if body is None:
        return ""
    return str(body.get_content()).replace("\r\n", "\n")


def _leaves(message: EmailMessage, raw: bytes) -> Iterator[tuple[EmailMessage, bytes]]:
    """Every part that is not a container, with its body as raw bytes."""
    pieces = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)
    body = pieces[1] if len(pieces) > 1 else b""
    if not message.is_multipart():
        yield message, body
        return
    for part, piece in zip(message.iter_parts(), _split(body, message), strict=False):
        yield from _leaves(cast("EmailMessage", part), piece)


def _split(body: bytes, message: EmailMessage) -> list[bytes]:
    """The parts of a multipart body (RFC 2046, 5.1.1), without preamble and epilogue."""
    boundary = re.escape(message.get_boundary("").encode("ascii", "replace"))
    delimiter = rb"(?:^|\r?\n)--" + boundary + rb"(?:[ \t]*\r?\n|(?=--))"
    pieces = re.split(delimiter, body)[1:]
    return [piece for piece in pieces if not piece.startswith(b"--")]


def _part_facts(part: EmailMessage, body: bytes) -> PartFacts:
    return PartFacts(
        content_type=part.get_content_type(),
        charset=str(part.get_content_charset("")),
        encoding=str(part["content-transfer-encoding"] or "7bit").strip().lower(),
        longest_line=max(len(line) for line in _LINE_END.split(body)),
        has_bare_newline=_BARE_NEWLINE.search(body) is not None,
    )
