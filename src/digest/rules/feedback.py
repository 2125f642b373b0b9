"""What a provider's event means: translates its words to ours and says how it changes a delivery.

Events come late, twice, out of order and sometimes for recipients we do not know.  So
each decision here looks at a single event and only ever moves forward: the same events
lead to the same result in any order and however often they are repeated.  Whether an
event really belongs to a delivery is decided where the rows are.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from digest.model.delivery import DeliveryEvent, DeliveryId, EventKind
from digest.model.subscriber import SuppressionReason
from digest.rules.cleaning import plain

# Every event name of SendGrid's Event Webhook (its documentation as of 2026).
# `bounce` has two types; see `_kind`.
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

# How far each event moves a delivery.  Anything a recipient did proves that the mail arrived.
_STANDS_FOR: Mapping[EventKind, EventKind] = {
    EventKind.OPENED: EventKind.DELIVERED,
    EventKind.CLICKED: EventKind.DELIVERED,
    EventKind.UNSUBSCRIBED: EventKind.DELIVERED,
}
_FORWARD = (
    EventKind.PROCESSED,
    EventKind.DEFERRED,
    EventKind.DELIVERED,
    EventKind.DROPPED,
    EventKind.BLOCKED,
    EventKind.BOUNCED,
    EventKind.COMPLAINED,
)

# Why SendGrid drops a mail, if the reason is the address rather than the mail or the account.
_DROPPED: Mapping[str, EventKind] = {
    "bounced address": EventKind.BOUNCED,
    "invalid": EventKind.BOUNCED,
    "spam reporting address": EventKind.COMPLAINED,
    "unsubscribed address": EventKind.UNSUBSCRIBED,
}

# Enhanced status codes (RFC 3463) of class 5 that blame the mail, the moment or the
# sender, and say nothing against the address: mailbox full, too long, retried for too
# long, content, policy.
_NOT_THE_ADDRESS = re.compile(r"5\.(?:2\.[23]|3\.4|4\.7|6\.\d+|7\.\d+)$")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.])([45])\d\d(?![\d.])")

# Addresses may also be percent-encoded or quoted-printable, as bounces quote them.
_ADDRESS = re.compile(r"[^\s<>\"'(),;:\[\]]+(?:@|%40|=40)[^\s<>\"'(),;:\[\]]+", re.IGNORECASE)
_DETAIL_KEPT = 300
_LOOKED_AT = 4000  # characters of a provider's text that are examined

_BATCH = re.compile(r"[0-9A-Za-z_-]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,18}")
_EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)

# A provider's clock may be slow.
SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an event changes for the subscriber, beyond the one delivery."""

    suppresses: SuppressionReason | None = None
    ends: str = ""  # why the subscription ends; empty if it does not


def effect_of_event(event: DeliveryEvent) -> Effect:
    """Only a permanent fact has an effect: a full mailbox does not stop later mails."""
    kind = event.kind
    if kind is EventKind.DROPPED:
        kind = _DROPPED.get(event.detail.casefold(), kind)
    return _EFFECTS.get(kind, _NONE)


_NONE = Effect()
_EFFECTS: Mapping[EventKind, Effect] = {
    EventKind.BOUNCED: Effect(suppresses=SuppressionReason.BOUNCED),
    EventKind.COMPLAINED: Effect(suppresses=SuppressionReason.COMPLAINED, ends="complained"),
    EventKind.UNSUBSCRIBED: Effect(ends="unsubscribed"),
}


def ends_subscription(event: DeliveryEvent, *, since: datetime | None) -> bool:
    """Whether the event ends a subscription that began at `since`.

    A late event does not end the subscription of someone who unsubscribed through an
    old mail and has resubscribed since; a complaint always counts, however late.
    """
    its = effect_of_event(event)
    if not its.ends:
        return False
    return its.suppresses is not None or since is None or event.at + SKEW >= since


def progress(kind: EventKind) -> EventKind | None:
    """The state a delivery may show after this event; None if the event says nothing about delivery."""
    shown = _STANDS_FOR.get(kind, kind)
    return shown if shown in _FORWARD else None


def states_before(kind: EventKind) -> tuple[str, ...]:
    """The states from which a row may move to `kind`; a row never moves back."""
    return ("", *(one.value for one in _FORWARD[: _FORWARD.index(kind)]))


# -- SendGrid ----------------------------------------------------------------------


def sendgrid_event(told: object, *, now: datetime) -> DeliveryEvent:
    """The event for one element of the array that the webhook posts; never raises, whatever the element.

    `d`, `b` and `i` are the custom arguments that `transports.sendgrid.transport` sends;
    SendGrid adds them to its own fields.
    """
    fields = told if isinstance(told, Mapping) else {}
    word = _text(fields.get("event"))
    kind = _kind(word, _text(fields.get("type")))
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
        detail=_detail(fields, word=word if kind is EventKind.UNKNOWN else ""),
    )


def _kind(word: str, bounce_type: str) -> EventKind:
    """A bounce of any type but "bounce" was rejected only this time: SendGrid calls it "blocked"."""
    if word == "bounce" and bounce_type not in {"", "bounce"}:
        return EventKind.BLOCKED
    return SENDGRID_WORDS.get(word, EventKind.UNKNOWN)


def _key(told: object, fields: Mapping[str, Any]) -> str:
    """A key that identifies this event and no other.

    `sg_event_id` is the last resort: repeated posts have been seen to carry new ids for
    the same events.
    """
    names = ("sg_message_id", "event", "timestamp", "email", "d", "url", "attempt", "reason")
    if _text(fields.get("sg_message_id")) and _text(fields.get("timestamp")):
        return _hashed("sendgrid", *(_text(fields.get(name)) for name in names))
    if own := _text(fields.get("sg_event_id")):
        return _hashed("sendgrid-id", own)
    return _hashed("sendgrid-whole", json.dumps(told, sort_keys=True, default=str))


def _hashed(*parts: str) -> str:
    whole = json.dumps(parts)  # so that two different lists of parts never hash the same text
    return hashlib.sha256(whole.encode()).hexdigest()


def _moment(value: object, *, now: datetime) -> datetime:
    """The time from Unix seconds; an impossible time becomes `now`."""
    number = _text(value)
    if not re.fullmatch(r"[0-9]{1,11}", number):
        return now
    at = datetime.fromtimestamp(int(number), UTC)
    return at if _EARLIEST <= at <= now + _AHEAD else now


def _detail(fields: Mapping[str, Any], *, word: str) -> str:
    said = _text(fields.get("reason")) or _text(fields.get("response"))
    return without_addresses(": ".join(part for part in (word, said) if part))


def _text(value: object) -> str:
    """As text, without lone surrogates, which JSON can encode and no database stores."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)[:_LOOKED_AT].encode("utf-8", "replace").decode().replace("\0", "")


def without_addresses(words: str) -> str:
    """A server's words on one line, without addresses: the delivery already identifies the recipient."""
    return plain(_ADDRESS.sub("…", words[:_LOOKED_AT]), limit=_DETAIL_KEPT)


# -- reports by mail ---------------------------------------------------------------


def reported_kind(action: str, status: str, diagnostic: str) -> EventKind:
    """What a delivery status notification says about one recipient (RFC 3464, 2.3.3, 2.3.4 and 2.3.6)."""
    action = action.strip().casefold()
    if action != "failed":
        return _ACTIONS.get(action, EventKind.UNKNOWN)
    code = status_code(status, diagnostic)
    # "Failed" with class 4: it was retried for days, which says nothing about later mails.
    is_hard = code.startswith("5") and not _NOT_THE_ADDRESS.match(code)
    return EventKind.BOUNCED if is_hard else EventKind.BLOCKED


_ACTIONS: Mapping[str, EventKind] = {
    "delayed": EventKind.DEFERRED,
    "delivered": EventKind.DELIVERED,
    "relayed": EventKind.PROCESSED,  # passed on to a server that reports nothing further
    "expanded": EventKind.PROCESSED,
}


def status_code(status: str, diagnostic: str) -> str:
    """The enhanced code (RFC 3463); taken from the server's own reply if the report gives only the class."""
    given, replied = _STATUS.search(status), _STATUS.search(diagnostic)
    if given and not given[1].endswith(".0.0"):
        return given[1]
    if replied and (not given or replied[1][0] == given[1][0]):
        return replied[1]
    if given:
        return given[1]
    plain_reply = _REPLY.search(diagnostic)
    return f"{plain_reply[1]}.0.0" if plain_reply else ""


def complaint_kind(feedback_type: str) -> EventKind:
    """A feedback report (RFC 5965, 7.3): only "abuse" is a complaint; "not-spam" is the opposite."""
    known = {"abuse": EventKind.COMPLAINED, "opt-out": EventKind.UNSUBSCRIBED}
    return known.get(feedback_type.strip().casefold(), EventKind.UNKNOWN)


def strongest(kinds: list[EventKind]) -> EventKind:
    """The furthest of several recipients' events in one report: the one the report was sent for."""
    return max(kinds, key=lambda kind: _FORWARD.index(kind) if kind in _FORWARD else -1)
