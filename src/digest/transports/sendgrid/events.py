"""Converts the events that SendGrid reports later into our own.

Events arrive late, twice and out of order; `rules.feedback` decides what they mean for a delivery.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from digest.model.delivery import DeliveryEvent, DeliveryId, EventKind
from digest.rules.feedback import without_addresses

# Every event name of SendGrid's event webhook (docs of the Event Webhook, 2026).
# `bounce` has two types, see `_kind`.
SENDGRID_WORDS: Mapping[str, EventKind] = {
    "processed": EventKind.PROCESSED,
    "deferred": EventKind.DEFERRED,
    "delivered": EventKind.DELIVERED,
    "bounce": EventKind.BOUNCED,
    "dropped": EventKind.DROPPED,
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
    "spamreport": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "group_unsubscribe": EventKind.UNSUBSCRIBED,
    "group_resubscribe": EventKind.RESUBSCRIBED,
}

# SendGrid's reasons for dropping a mail that concern the address, not the mail or the account.
_DROPPED: Mapping[str, EventKind] = {
    "bounced address": EventKind.BOUNCED,
    "invalid": EventKind.BOUNCED,
    "spam reporting address": EventKind.COMPLAINED,
    "unsubscribed address": EventKind.UNSUBSCRIBED,
}

_LOOKED_AT = 4000  # characters of each text
_BATCH = re.compile(r"[0-9A-Za-z_-]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,18}")
_EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)


def sendgrid_event(told: object, *, now: datetime) -> DeliveryEvent:
    """Convert one element of the array that the webhook posts; never raises, whatever it is.

    `d`, `b` and `i` are the custom arguments from `request_body`; SendGrid adds
    them to its own fields.
    """
    fields = told if isinstance(told, Mapping) else {}
    word = _text(fields.get("event"))
    kind = _kind(word, _text(fields.get("type")))
    detail = _detail(fields, word=word if kind is EventKind.UNKNOWN else "")
    number, batch = _text(fields.get("d")), _text(fields.get("b"))
    return DeliveryEvent(
        key=_key(told, fields),
        provider="sendgrid",
        kind=kind,
        at=_moment(fields.get("timestamp"), now=now),
        delivery_id=DeliveryId(int(number)) if _NUMBER.fullmatch(number) else None,
        batch_id=batch if _BATCH.fullmatch(batch) else "",
        issue_ref=_text(fields.get("i")),
        address=_text(fields.get("email")).strip(),
        detail=detail,
        reason=_DROPPED.get(detail.casefold()) if kind is EventKind.DROPPED else None,
    )


def _kind(word: str, bounce_type: str) -> EventKind:
    """A bounce of a type other than "bounce" is temporary: SendGrid says "blocked"."""
    if word == "bounce" and bounce_type not in {"", "bounce"}:
        return EventKind.BLOCKED
    return SENDGRID_WORDS.get(word, EventKind.UNKNOWN)


def _key(told: object, fields: Mapping[str, Any]) -> str:
    """Identifies the event.

    `sg_event_id` is only used if there is nothing better: repeated posts have been
    seen with new ids for the same events.
    """
    names = ("sg_message_id", "event", "timestamp", "email", "d", "url", "attempt", "reason")
    if _text(fields.get("sg_message_id")) and _text(fields.get("timestamp")):
        return _hashed("sendgrid", *(_text(fields.get(name)) for name in names))
    if own := _text(fields.get("sg_event_id")):
        return _hashed("sendgrid-id", own)
    return _hashed("sendgrid-whole", json.dumps(told, sort_keys=True, default=str))


def _hashed(*parts: str) -> str:
    whole = json.dumps(parts)  # so that different lists of parts never give the same text
    return hashlib.sha256(whole.encode()).hexdigest()


def _moment(value: object, *, now: datetime) -> datetime:
    """From Unix seconds; an impossible time becomes `now`."""
    number = _text(value)
    if not re.fullmatch(r"[0-9]{1,11}", number):
        return now
    at = datetime.fromtimestamp(int(number), UTC)
    return at if _EARLIEST <= at <= now + _AHEAD else now


def _detail(fields: Mapping[str, Any], *, word: str) -> str:
    said = _text(fields.get("reason")) or _text(fields.get("response"))
    return without_addresses(": ".join(part for part in (word, said) if part))


def _text(value: object) -> str:
    """As text, without lone surrogates, which JSON allows but no database stores."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)[:_LOOKED_AT].encode("utf-8", "replace").decode().replace("\0", "")
