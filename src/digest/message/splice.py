"""Fills a compiled message's slots with one recipient's values.

This runs once per recipient, so everything that can be done earlier is done in
`compile`.  It is pure: nothing here knows how the bytes are sent.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from digest.message import headers
from digest.message.compile import Compiled, WireSlot
from digest.message.quoted import encode_value
from digest.model.delivery import Envelope

# Neither quoted-printable nor HTML changes these anywhere: no "=", no "From ", no leading dot.
_UNTOUCHED = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9:/@._+~-]{0,74})?")

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def splice(compiled: Compiled, envelope: Envelope) -> list[bytes]:
    """The whole message as buffers, in order, for one gathering write.

    Raises:
        UnsafeAddress: the recipient's address is not allowed in a header.
        UnsafeValue: the message id or the unsubscribe address is not.
    """
    return filled(compiled, slot_values(compiled, envelope))


def message_bytes(compiled: Compiled, envelope: Envelope) -> bytes:
    """The whole message as one byte string; raises like `splice`."""
    return b"".join(splice(compiled, envelope))


def filled(compiled: Compiled, values: Mapping[WireSlot, bytes]) -> list[bytes]:
    return [part if type(part) is bytes else values[part] for part in compiled.segments]  # type: ignore[index]


def slot_values(compiled: Compiled, envelope: Envelope) -> dict[WireSlot, bytes]:
    """A value for every slot, as sent over the wire; raises like `splice`."""
    name, address, url = headers.one_line(envelope.name), envelope.address, envelope.unsubscribe_url
    text_url, html_url = _text_and_html(url)
    text_address, html_address = _text_and_html(address)
    text_name, html_name = _text_and_html(name)
    return {
        WireSlot.TO: headers.mailbox(name, address, column=4),
        WireSlot.DATE: _date(envelope.date),
        WireSlot.MESSAGE_ID: headers.message_id(envelope.message_id),
        WireSlot.LIST_UNSUBSCRIBE: _unsubscribe(url, compiled.facts.mailto_unsubscribe),
        WireSlot.TEXT_UNSUBSCRIBE_URL: text_url,
        WireSlot.TEXT_ADDRESS: text_address,
        WireSlot.TEXT_NAME: text_name,
        WireSlot.HTML_UNSUBSCRIBE_URL: html_url,
        WireSlot.HTML_ADDRESS: html_address,
        WireSlot.HTML_NAME: html_name,
    }


def _text_and_html(value: str) -> tuple[bytes, bytes]:
    """The value encoded for both bodies; mostly it needs no encoding and is the same in both."""
    if _UNTOUCHED.fullmatch(value):
        same = value.encode("ascii")
        return same, same
    plain, escaped = encode_value(value), html.escape(value)
    return plain, plain if escaped == value else encode_value(escaped)


def _unsubscribe(url: str, mailto: str) -> bytes:
    """Verbatim, one address per line: it must never be cut or encoded."""
    return headers.list_unsubscribe(url, mailto).replace(", ", ",\r\n ").encode("ascii")


@lru_cache(maxsize=64)
def _date(moment: datetime) -> bytes:
    """RFC 5322, 3.3, in UTC and independent of the locale.  Cached twice, since many messages share it."""
    return _date_of_second(moment.astimezone(UTC).replace(microsecond=0))


@lru_cache(maxsize=64)
def _date_of_second(at: datetime) -> bytes:
    day = f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year:04}"
    return f"{day} {at.hour:02}:{at.minute:02}:{at.second:02} +0000".encode("ascii")
