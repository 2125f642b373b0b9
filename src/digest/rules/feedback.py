"""What an event that a provider told makes of a delivery and of the person.

Events come late, twice, out of order and sometimes for nobody of ours.  So
every decision here looks at one event alone and only ever moves forward: any
order and any repetition of the same events ends in the same place.  Whether an
event really belongs to a delivery is decided where the rows are.  The words of
a provider are read in its folder in `transports`; those of reports by mail are
standards, and read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.model.delivery import DeliveryEvent, EventKind
from digest.model.subscriber import SuppressionReason
from digest.rules.cleaning import plain

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

# A provider's clock may be slow.
SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an event changes for the subscriber, beyond the one delivery."""

    suppresses: SuppressionReason | None = None
    ends: str = ""  # why the subscription ends; empty if it does not


def effect_of_event(event: DeliveryEvent) -> Effect:
    """Only a permanent fact has an effect: a full mailbox does not stop later mails."""
    return _EFFECTS.get(event.reason or event.kind, _NONE)


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


def without_addresses(words: str) -> str:
    """A server's words on one line, without addresses: the delivery already identifies the recipient."""
    return plain(hide_addresses(words), limit=_DETAIL_KEPT)


def hide_addresses(words: str) -> str:
    """The words with an ellipsis for each email address; no more than 4000 characters of them."""
    return _ADDRESS.sub("…", words[:_LOOKED_AT])


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
