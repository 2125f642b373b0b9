"""Finds the subscription behind a signed link of a mail; changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from digest.model.subscriber import Subscription
from digest.rules.signed_links import verify
from digest.rules.unsubscribe_probe import NOBODY, is_probe
from digest.storage import subscribers
from digest.storage.database import Database


def subscription_of(token: str, *, keys: Sequence[str], database: Database) -> Subscription | None:
    """The subscription of an unsubscribe link; None for a link that we did not make."""
    number = verify(token, purpose="unsubscribe", keys=keys)
    if number is None:
        return None
    with database.read() as connection:
        return subscribers.by_id(connection, number)


def subscriptions_of(token: str, *, keys: Sequence[str], database: Database) -> list[Subscription] | None:
    """All subscriptions the person of this link ever had; None for a link that we did not make."""
    found = subscription_of(token, keys=keys, database=database)
    if found is None:
        return None
    with database.read() as connection:
        return subscribers.by_address(connection, found.address_key)


def is_answered_probe(token: str, *, keys: Sequence[str], database: Database) -> bool:
    """Whether this is the probe link of the pre-flight check.

    Raises:
        StorageError: a real link would fail now, so the probe must fail too.
    """
    if not is_probe(token, keys=keys):
        return False
    with database.read() as connection:
        return subscribers.by_id(connection, NOBODY) is None
