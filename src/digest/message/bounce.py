"""Reads mail that comes back: delivery status notifications, complaints, and replies that are neither.

Only what the standards define is read (RFC 3464 and 6533 for notifications, RFC 5965
for complaints).  Nothing is ever guessed from text written for people, in which a
vacation reply looks just like a bounce.  Which delivery it is about, and what follows,
is decided elsewhere.
"""

from __future__ import annotations

import email
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from digest.model.delivery import EventKind
from digest.rules.feedback import complaint_kind, reported_kind, status_code, strongest, without_addresses

MAX_BYTES = 1_048_576  # of a report; anything beyond is the mail it quotes

# Headers that may contain the address a mail was actually delivered to, most reliable first.
_DELIVERED_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Return-Path")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"\\]+@[^\s<>()\[\],;:\"\\]+")
_DEEPEST = 10
_MOST_PARTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """What one mail reports."""

    kind: EventKind  # unknown if it reports nothing
    detail: str  # one line, without addresses
    addresses: tuple[str, ...]  # candidates for our own return path, most reliable first
    fingerprint: str  # identical for the same mail, even if it is delivered twice


def read_bounce(raw: bytes) -> Bounce:
    """Parse a mail that came to the return path.  Never raises, whatever the bytes."""
    try:
        message = email.message_from_bytes(raw[:MAX_BYTES])
        parts = list(_parts(message))
        kind, detail = _report(parts) or (EventKind.UNKNOWN, _no_report(message))
        addresses = tuple(dict.fromkeys(_addresses(message, parts)))
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError):
        # The library promises to parse anything, but does not keep that promise for all input.
        message, addresses = Message(), ()
        kind, detail = EventKind.UNKNOWN, "this mail cannot be read"
    return Bounce(kind=kind, detail=detail, addresses=addresses, fingerprint=_fingerprint(message, raw))


def _parts(message: Message) -> Iterator[Message]:
    """The parts of the mail itself, never those of a mail that it quotes."""
    waiting = [(message, 0)]
    for _ in range(_MOST_PARTS):
        if not waiting:
            return
        part, depth = waiting.pop(0)
        yield part
        inner = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inner, list) and depth < _DEEPEST:
            waiting += [(one, depth + 1) for one in inner if isinstance(one, Message)]


def _report(parts: list[Message]) -> tuple[EventKind, str] | None:
    for part in parts:
        if part.get_content_type() in {"message/delivery-status", "message/global-delivery-status"}:
            return _notification(_blocks(part))
        if part.get_content_type() == "message/feedback-report":
            return _complaint(_blocks(part))
    return None


def _notification(blocks: list[Message]) -> tuple[EventKind, str] | None:
    """RFC 3464: the first block is about the message, each further one about one recipient."""
    about = [block for block in blocks if "Action" in block]
    found = [_of_recipient(block) for block in about]
    if not found:
        return None
    kind = strongest([one for one, _ in found])
    return next((one, detail) for one, detail in found if one is kind)


def _of_recipient(block: Message) -> tuple[EventKind, str]:
    action, status = _field(block, "Action"), _field(block, "Status")
    diagnostic = _field(block, "Diagnostic-Code")
    code = status_code(status, diagnostic)
    words = without_addresses(f"{action} {code} {diagnostic}")
    return reported_kind(action, status, diagnostic), words


def _complaint(blocks: list[Message]) -> tuple[EventKind, str] | None:
    kinds = [_field(block, "Feedback-Type") for block in blocks if "Feedback-Type" in block]
    return (complaint_kind(kinds[0]), without_addresses(f"feedback: {kinds[0]}")) if kinds else None


def _no_report(message: Message) -> str:
    automatic = _field(message, "Auto-Submitted") or _field(message, "X-Autoreply")
    return without_addresses(f"no report; Auto-Submitted: {automatic}" if automatic else "no report")


def _blocks(part: Message) -> list[Message]:
    """Groups of fields, separated by empty lines.  The library only splits the oldest kind of report."""
    inner = part.get_payload()
    blocks = [one for one in inner if isinstance(one, Message)] if isinstance(inner, list) else []
    if part.get_content_type() == "message/delivery-status":
        return blocks
    rest = blocks[0].get_payload() if blocks else inner
    texts = re.split(r"\r?\n\r?\n", rest) if isinstance(rest, str) else []
    return [*blocks, *(email.message_from_string(text) for text in texts[:_MOST_PARTS])]


def _addresses(message: Message, parts: list[Message]) -> Iterator[str]:
    yield from _in_fields(message, *_DELIVERED_TO)
    for part in parts:
        if part.get_content_type() == "message/feedback-report":
            for block in _blocks(part):
                yield from _in_fields(block, "Original-Mail-From")
        for quoted in _quoted(part):
            yield from _in_fields(quoted, "Return-Path")


def _quoted(part: Message) -> list[Message]:
    """The mail that was returned, or its headers."""
    kind, inner = part.get_content_type(), part.get_payload()
    if kind in {"message/rfc822", "message/global"} and isinstance(inner, list):
        return [one for one in inner[:1] if isinstance(one, Message)]
    if kind in {"text/rfc822-headers", "message/global-headers"}:
        raw = part.get_payload(decode=True)
        return [email.message_from_bytes(raw)] if isinstance(raw, bytes) else []
    return []


def _in_fields(message: Message, *names: str) -> Iterator[str]:
    for name in names:
        for value in message.get_all(name, [])[:20]:
            yield from _ADDRESS.findall(str(value)[:10_000])


def _field(message: Message, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())


def _fingerprint(message: Message, raw: bytes) -> str:
    """Based on the Message-ID, since each hop adds lines of its own."""
    own = _field(message, "Message-ID")
    known = f"{own}\n{_field(message, 'Date')}".encode("utf-8", "replace") if own else raw
    return hashlib.sha256(known).hexdigest()
