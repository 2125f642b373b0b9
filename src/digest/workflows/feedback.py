"""Feedback: what readers say with a link of their mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from digest.model.subscriber import Subscription
from digest.rules.tokens import verify
from digest.storage import subscribers
from digest.storage.database import Database


def subscription_of(token: str, *, keys: Sequence[str], database: Database) -> Subscription | None:
    """Whose unsubscribe link this is; None for a link that we did not make.  Changes nothing."""
    number = verify(token, purpose="unsubscribe", keys=keys)
    if number is None:
        return None
    with database.read() as connection:
        return subscribers.by_id(connection, number)


def unsubscribe(
    token: str, *, keys: Sequence[str], database: Database, how: str, now: datetime
) -> Subscription | None:
    """End the subscription of this link; again and again gives the same answer (RFC 8058)."""
    found = subscription_of(token, keys=keys, database=database)
    if found is None:
        return None
    with database.write() as connection:
        subscribers.end(connection, found.id, at=now, why="unsubscribed", how=how)
        return subscribers.by_id(connection, found.id)


def come_back(token: str, *, keys: Sequence[str], database: Database, now: datetime) -> Subscription | None:
    """Take the subscription up again: "that was a mistake"."""
    found = subscription_of(token, keys=keys, database=database)
    if found is None:
        return None
    with database.write() as connection:
        if subscribers.suppression_of(connection, found.address_key) is None:
            subscribers.renew(connection, found.id, at=now, how="the button on the unsubscribe page")
        return subscribers.by_id(connection, found.id)
