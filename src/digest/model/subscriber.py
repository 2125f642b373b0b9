"""Subscribers, their subscriptions and the addresses that must never be mailed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

SubscriptionId = NewType("SubscriptionId", int)


class SubscriptionState(StrEnum):
    PENDING = "pending"  # requested, not yet confirmed
    CONFIRMED = "confirmed"
    ENDED = "ended"  # unsubscribed or removed; an import never reactivates it


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One subscriber's subscription to one newsletter."""

    id: SubscriptionId
    newsletter: str
    address: str  # as written in To; the domain in A-label form
    address_key: str  # case-folded, so that each mailbox has one key
    name: str = ""
    language: str = ""
    topics: tuple[str, ...] = ()
    state: SubscriptionState = SubscriptionState.CONFIRMED
    since: datetime | None = None
    ended_at: datetime | None = None
    ended_why: str = ""


class SuppressionReason(StrEnum):
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address that no newsletter may mail."""

    address_key: str
    reason: SuppressionReason
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One change to a subscriber's consent."""

    at: datetime
    newsletter: str
    what: str
    how: str
