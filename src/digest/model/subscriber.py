"""Subscribers, their subscriptions and the addresses that are never to be mailed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

SubscriptionId = NewType("SubscriptionId", int)


class SubscriptionState(StrEnum):
    PENDING = "pending"  # asked for, not confirmed
    CONFIRMED = "confirmed"
    ENDED = "ended"  # left, or was taken out; never comes back by import


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One person's subscription to one newsletter."""

    id: SubscriptionId
    newsletter: str
    address: str  # as to be written in To, the domain in A-label form
    address_key: str  # case folded: one mailbox, one key
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
    """An address never to be mailed, by any newsletter."""

    address_key: str
    reason: SuppressionReason
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One thing that happened to a subscriber's consent."""

    at: datetime
    newsletter: str
    what: str
    how: str
