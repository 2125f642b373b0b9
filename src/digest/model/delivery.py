"""Deliveries: one row of the ledger per issue and recipient, and what a transport answers.

The states and the legal moves between them are drawn in docs/decisions/ledger.md.
What is made for every message is a NamedTuple: that costs a third of a frozen dataclass.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, NewType

DeliveryId = NewType("DeliveryId", int)


class DeliveryState(StrEnum):
    PENDING = "pending"  # to be sent, perhaps not before a certain time
    CLAIMED = "claimed"  # one sender has taken it, nothing has left yet
    SUBMITTING = "submitting"  # the bytes that can cause delivery may have left
    ACCEPTED = "accepted"  # the provider took responsibility; not yet delivered
    REFUSED = "refused"  # the provider said no, for good
    UNCERTAIN = "uncertain"  # asked, and never heard the answer
    SUPPRESSED = "suppressed"  # the address may not be mailed any more
    ABANDONED = "abandoned"  # uncertain, and a person or the policy let it be


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"  # a definite no, for good
    DEFERRED = "deferred"  # a definite "later": certainly not taken
    UNCERTAIN = "uncertain"  # asked, and never heard the answer


class Delivery(NamedTuple):
    """A row that a sender has claimed."""

    id: DeliveryId
    address: str
    name: str
    language: str
    subscription_id: int
    epoch: int  # of the claim: the fence against a sender that lost its lease
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
    detail: str = ""  # the server's own words, or ours; never a secret
    provider_ref: str = ""
    batch_id: str = ""  # of the request that it went with, where the provider's events name it
    retry_after: timedelta | None = None  # for deferred ones, where the server says


class Settlement(NamedTuple):
    """What a receipt makes of a row of the ledger; decided by `rules.sending`."""

    delivery_id: DeliveryId
    state: DeliveryState
    detail: str = ""
    provider_ref: str = ""
    batch_id: str = ""
    not_before: datetime | None = None  # for a deferred one that is pending again


class EventKind(StrEnum):
    """What a provider can tell after it took a message; its own words are read in its folder."""

    UNKNOWN = "unknown"  # a word that we do not know, or mail that reports nothing
    PROCESSED = "processed"  # it is about to try, or has passed it on
    DEFERRED = "deferred"  # the receiver said "later"; the provider tries again
    DELIVERED = "delivered"  # the receiver's server took it
    OPENED = "opened"
    CLICKED = "clicked"
    DROPPED = "dropped"  # the provider took it and never tried
    BLOCKED = "blocked"  # turned away this time: mailbox full, policy, tried for too long
    BOUNCED = "bounced"  # turned away for good: there is no such mailbox
    COMPLAINED = "complained"  # the reader pressed "spam"
    UNSUBSCRIBED = "unsubscribed"  # by a link of the provider's own
    RESUBSCRIBED = "resubscribed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryEvent:
    """One thing that a provider tells later about one delivery.  Holds no address in clear but its own."""

    key: str  # the same for the same event, however often it is told
    provider: str  # its name in the settings
    kind: EventKind
    at: datetime  # as the provider dates it
    delivery_id: DeliveryId | None = None
    batch_id: str = ""
    issue_ref: str | None = None  # weekly/3, as the event claims; None where it makes no claim
    address: str | None = None  # the same of the recipient; stored as a hash only
    detail: str = ""  # the server's words, without addresses
    reason: EventKind | None = (
        None  # of a drop: what it holds against the address, if that was it; not stored
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The account of an issue: candidates = audience + excluded; audience = the sum of the rest."""

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
    delivered: int = 0  # the last three are parts of accepted: what the provider told later
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
