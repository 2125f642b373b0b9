"""Deliveries: one row of the ledger per issue and recipient, and the transport's answers.

docs/operation.md shows the states and the legal transitions between them;
docs/decisions/ledger.md gives the reasons.
Types created once per message are NamedTuples, which cost a third of a frozen dataclass.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, NewType

DeliveryId = NewType("DeliveryId", int)


class DeliveryState(StrEnum):
    PENDING = "pending"  # waiting to be sent, possibly not before a given time
    CLAIMED = "claimed"  # taken by one sender; nothing has been handed over yet
    SUBMITTING = "submitting"  # the bytes that can cause delivery may have left
    ACCEPTED = "accepted"  # the provider has taken responsibility; not yet delivered
    REFUSED = "refused"  # permanently refused by the provider
    UNCERTAIN = "uncertain"  # submitted, but the answer never arrived
    SUPPRESSED = "suppressed"  # unsubscribed or suppressed since the approval; dropped before sending
    ABANDONED = "abandoned"  # uncertain and not resent, or the issue was cancelled


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"  # definitely and permanently refused
    DEFERRED = "deferred"  # definitely not taken; try again later
    UNCERTAIN = "uncertain"  # submitted, but the answer never arrived


class Delivery(NamedTuple):
    """A row that a sender has claimed."""

    id: DeliveryId
    address: str
    name: str
    language: str
    subscription_id: int
    epoch: int  # of the claim: fences off a sender that has lost its lease
    attempt: int


class Envelope(NamedTuple):
    """Sender and recipient of one message, and the values of its slots."""

    delivery_id: DeliveryId
    address: str
    name: str
    return_path: str  # the envelope sender (VERP)
    message_id: str  # without angle brackets; the same on every attempt
    unsubscribe_url: str
    date: datetime


class Receipt(NamedTuple):
    """The transport's answer for one envelope."""

    delivery_id: DeliveryId
    outcome: Outcome
    detail: str = ""  # the server's own words, or ours; never contains a secret
    provider_ref: str = ""
    batch_id: str = ""  # of the request that carried it, if the provider's events name it
    retry_after: timedelta | None = None  # for a deferred message, if the server gives one


class Settlement(NamedTuple):
    """The new state of a ledger row after a receipt; decided by `rules.sending`."""

    delivery_id: DeliveryId
    state: DeliveryState
    detail: str = ""
    provider_ref: str = ""
    batch_id: str = ""
    not_before: datetime | None = None  # for a deferred delivery that is pending again


class EventKind(StrEnum):
    """What a provider can tell after it took a message; its own words are read in its folder."""

    UNKNOWN = "unknown"  # a word we do not know, or a mail that reports nothing
    PROCESSED = "processed"  # about to be delivered, or passed on to another server
    DEFERRED = "deferred"  # the receiving server said "later"; the provider will retry
    DELIVERED = "delivered"  # accepted by the receiving server
    OPENED = "opened"
    CLICKED = "clicked"
    DROPPED = "dropped"  # accepted by the provider, which never tried to deliver it
    BLOCKED = "blocked"  # rejected this time: mailbox full, policy, retried for too long
    BOUNCED = "bounced"  # rejected for good: no such mailbox
    COMPLAINED = "complained"  # the recipient pressed "spam"
    UNSUBSCRIBED = "unsubscribed"  # through the provider's own link
    RESUBSCRIBED = "resubscribed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent:
    """One later report about one delivery.  `address` is the only field that may hold an email address."""

    key: str  # identical for the same event, however often it is reported
    provider: str  # its name in the settings
    kind: EventKind
    at: datetime  # the provider's timestamp
    delivery_id: DeliveryId | None = None
    batch_id: str = ""
    issue_ref: str | None = None  # weekly/3, as the event states; None if it does not
    address: str | None = None  # the recipient's, as the event states; stored only as a hash
    detail: str = ""  # the server's words, with addresses removed
    reason: EventKind | None = (
        None  # of a drop: what it holds against the address, if that was it; not stored
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The delivery counts of an issue: candidates = audience + excluded; audience = the sum of the rest."""

    candidates: int = 0
    excluded: int = 0
    audience: int = 0
    pending: int = 0
    deferred: int = 0
    in_flight: int = 0
    accepted: int = 0
    refused: int = 0
    uncertain: int = 0
    suppressed: int = 0
    abandoned: int = 0
    delivered: int = 0  # the last three are parts of accepted: what the provider reported later
    bounced: int = 0
    complained: int = 0
    exclusions: dict[str, int] = field(default_factory=dict)

    @property
    def adds_up(self) -> bool:
        parts = (
            self.pending
            + self.deferred
            + self.in_flight
            + self.accepted
            + self.refused
            + self.uncertain
            + self.suppressed
            + self.abandoned
        )
        return self.candidates == self.audience + self.excluded and self.audience == parts
