"""Compiles an issue once: everything that is the same for every recipient, as bytes for the wire.

Values that differ (To, Date, Message-ID, List-Unsubscribe, and the slots in the two
bodies) are represented by a `WireSlot` between the bytes; `splice` fills them in.  A
provider that builds the message itself gets `subject`, `text`, `html` and
`fixed_headers` instead.  One hash covers both forms: what was approved is
what is sent, whichever form is used.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from digest.errors import TemplateError
from digest.message import headers
from digest.message.merge_slots import pattern
from digest.message.quoted import SOFT_BREAK, encode_lines
from digest.model.issue import Rendered
from digest.model.newsletter import Mailbox


class WireSlot(StrEnum):
    """A place in the wire form that differs between recipients."""

    TO = "to"
    DATE = "date"
    MESSAGE_ID = "message-id"
    LIST_UNSUBSCRIBE = "list-unsubscribe"
    TEXT_UNSUBSCRIBE_URL = "text:unsubscribe-url"
    TEXT_ADDRESS = "text:address"
    TEXT_NAME = "text:name"
    HTML_UNSUBSCRIBE_URL = "html:unsubscribe-url"  # the html slots are HTML-escaped
    HTML_ADDRESS = "html:address"
    HTML_NAME = "html:name"


Segment = bytes | WireSlot


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFacts:
    """What a message says about its newsletter and issue, besides the rendered content."""

    issue_ref: str  # "weekly/3"
    sender: Mailbox
    reply_to: Mailbox | None = None
    list_name: str
    list_id: str  # "weekly.news.example.com", without angle brackets
    feedback_id: str  # at most four fields separated by colons; the last one is the sender's
    language: str  # BCP 47
    archive_url: str = ""
    mailto_unsubscribe: str = ""  # "leave@news.example.com", with or without "mailto:"
    is_proof: bool = False  # a test copy, marked in the subject and by a header
    is_letter: bool = False  # to one person outside any list: no list headers, no unsubscribe link


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """One variant of an issue, ready for any transport."""

    facts: MessageFacts
    subject: str  # one clean line, as the recipient sees it
    text: str  # with markers; lines end with "\n"
    html: str  # with markers; lines end with "\n"
    nonce: str
    fixed_headers: tuple[tuple[str, str], ...]  # plain ASCII, the same on every transport
    segments: tuple[Segment, ...]  # with slots filled and joined: the message, CRLF, no dot-stuffing needed
    content_hash: str  # "sha256:…"


def compile_message(rendered: Rendered, facts: MessageFacts) -> Compiled:
    """Compile a message; equal input gives equal bytes.

    Raises:
        TemplateError: the subject is empty or contains a recipient's slot.
        UnsafeValue: a fact is not allowed in a header, such as a List-ID with a line break.
    """
    subject = _subject(rendered, facts)
    text, html = (_clean_body(body) for body in (rendered.text, rendered.html))
    fixed = tuple(_fixed_headers(facts))
    bodies = _part("plain", text, rendered.nonce), _part("html", html, rendered.nonce)
    boundary = f"=_{_digest([subject, fixed, bodies])[:40]}"  # "=_" cannot occur in quoted-printable
    segments = _joined(
        [*_header_segments(subject, facts, fixed, boundary), *_body_segments(bodies, boundary)]
    )
    return Compiled(
        facts=facts,
        subject=subject,
        text=text,
        html=html,
        nonce=rendered.nonce,
        fixed_headers=fixed,
        segments=segments,
        content_hash="sha256:" + _digest([subject, *_addresses(facts), fixed, segments, text, html]),
    )


def _subject(rendered: Rendered, facts: MessageFacts) -> str:
    subject = headers.one_line(rendered.subject)
    if not subject:
        raise TemplateError("The subject is empty.", mend="Check the newsletter's `subject` setting.")
    if pattern(rendered.nonce).search(subject):
        raise TemplateError(
            "The subject contains a value that differs between recipients.",
            mend="Remove it from `subject`, which is the same for every recipient.",
        )
    if facts.is_proof and not subject.startswith("[Proof]"):
        return f"[Proof] {subject}"
    return subject


def _clean_body(body: str) -> str:
    """Lines that end with "\\n", without lone surrogates, which no charset can encode."""
    body = body.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"[\ud800-\udfff]", "\ufffd", body)


def _fixed_headers(facts: MessageFacts) -> Iterator[tuple[str, str]]:
    """Fields whose value is verbatim ASCII on every transport, in the order of the message."""
    if not facts.is_letter:
        yield from _list_headers(facts)
    yield "Auto-Submitted", "auto-generated"  # RFC 3834: suppresses vacation replies
    if not facts.is_letter:
        yield "Precedence", "bulk"
    yield "X-Auto-Response-Suppress", "OOF, AutoReply"
    if facts.language:
        yield "Content-Language", facts.language
    if facts.is_proof:
        yield "X-Digest-Proof", "yes"


def _list_headers(facts: MessageFacts) -> Iterator[tuple[str, str]]:
    yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"  # RFC 8058, 3.1: exactly this value
    yield "List-ID", _list_id(facts)
    if facts.archive_url:
        yield "List-Archive", f"<{facts.archive_url}>"
    yield "List-Post", "NO"  # RFC 2369, 3.4: an announcement list
    if facts.feedback_id:
        yield "Feedback-ID", facts.feedback_id


def _list_id(facts: MessageFacts) -> str:
    """RFC 2919: the name in quotes if it is plain ASCII; omitted if it would need encoding."""
    name = headers.one_line(facts.list_name)
    if not name or not name.isascii() or re.search(r'["\\]|=\?', name):
        return f"<{facts.list_id}>"
    return f'"{name}" <{facts.list_id}>'


def _header_segments(
    subject: str, facts: MessageFacts, fixed: tuple[tuple[str, str], ...], boundary: str
) -> Iterator[Segment]:
    """The header block and the empty line after it."""
    yield b"From: " + headers.mailbox(facts.sender.name, facts.sender.address, column=6)
    yield from (b"\r\nTo: ", WireSlot.TO, b"\r\n")
    if facts.reply_to:
        yield b"Reply-To: %b\r\n" % headers.mailbox(facts.reply_to.name, facts.reply_to.address, column=10)
    yield headers.unstructured("Subject", subject)
    yield from (b"\r\nDate: ", WireSlot.DATE, b"\r\nMessage-ID: ", WireSlot.MESSAGE_ID)
    yield b"\r\nMIME-Version: 1.0"
    if not facts.is_letter:
        yield from (b"\r\nList-Unsubscribe: ", WireSlot.LIST_UNSUBSCRIBE)
    for name, value in fixed:
        yield b"\r\n" + headers.structured(name, value)
    yield b'\r\nContent-Type: multipart/alternative;\r\n boundary="%b"\r\n\r\n' % boundary.encode("ascii")


def _body_segments(bodies: Iterable[tuple[Segment, ...]], boundary: str) -> Iterator[Segment]:
    delimiter = b"--" + boundary.encode("ascii")
    for body in bodies:
        yield delimiter + b"\r\n"
        yield from body
        yield b"\r\n"
    yield delimiter + b"--\r\n"


def _part(subtype: str, body: str, nonce: str) -> tuple[Segment, ...]:
    """One leaf part: its header, and its body in quoted-printable with slots at the start of lines.

    Soft line breaks surround each slot, so that its value is wrapped on its own and
    no line can become too long.
    """
    prefix = "html" if subtype == "html" else "text"
    segments: list[Segment] = [
        b"Content-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        % subtype.encode("ascii")
    ]
    literals = pattern(nonce).split(body)  # text, slot name, text, slot name, …, text
    for literal, slot in zip(literals[::2], [*literals[1::2], None], strict=True):
        encoded = encode_lines(literal)
        if slot is None:
            segments.append(encoded)
            break
        is_mid_line = encoded and not encoded.endswith(b"\r\n")
        segments.append(encoded + SOFT_BREAK if is_mid_line else encoded)
        segments.extend((WireSlot(f"{prefix}:{slot}"), SOFT_BREAK))
    return tuple(segments)


def _joined(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Merge neighbouring bytes, so that splicing handles as few pieces as possible."""
    joined: list[Segment] = []
    for segment in segments:
        if joined and isinstance(segment, bytes) and isinstance(joined[-1], bytes):
            joined[-1] += segment
        elif segment:
            joined.append(segment)
    return tuple(joined)


def _addresses(facts: MessageFacts) -> Iterator[object]:
    yield (facts.sender.name, facts.sender.address)
    yield (facts.reply_to.name, facts.reply_to.address) if facts.reply_to else ()
    yield facts.mailto_unsubscribe


def _digest(value: object) -> str:
    """SHA-256 over nested sequences; kind and length are included, so that no value can pose as two."""
    state = hashlib.sha256()
    _feed(state, value)
    return state.hexdigest()


def _feed(state: hashlib._Hash, value: object) -> None:
    if isinstance(value, list | tuple):
        state.update(b"sequence %d\n" % len(value))
        for item in value:
            _feed(state, item)
        return
    octets = value if isinstance(value, bytes) else str(value).encode("utf-8")
    state.update(b"%s %d\n" % (type(value).__name__.encode("ascii"), len(octets)))
    state.update(octets)
