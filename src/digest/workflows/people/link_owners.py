"""Whose link is this?  What the signed links of a mail lead to; nothing is changed here."""

from __future__ import annotations

from collections.abc import Sequence

from digest.model.subscriber import Subscription
from digest.rules.signed_links import verify
from digest.rules.unsubscribe_probe import NOBODY, is_probe
from digest.storage import subscribers
from digest.storage.database import Database


def subscription_of(token: str, *, keys: Sequence[str], database: Database) -> Subscription | None:
    """Whose unsubscribe link this is; None for a link that we did not make.  Changes nothing."""
    number = verify(token, purpose="unsubscribe", keys=keys)
    if number is None:
        return None
    with database.read() as connection:
        return subscribers.by_id(connection, number)


def subscriptions_of(token: str, *, keys: Sequence[str], database: Database) -> list[Subscription] | None:
    """All that the person of this link ever subscribed to; None for a link that we did not make."""
    found = subscription_of(token, keys=keys, database=database)
    if found is None:
        return None
    with database.read() as connection:
        return subscribers.by_address(connection, found.address_key)


def is_answered_probe(token: str, *, keys: Sequence[str], database: Database) -> bool:
    """Whether this is the probe of the pre-flight.  Changes nothing.

    Raises:
        StorageError: a real link could not be answered now, so this one is not either.
    """
    if not is_probe(token, keys=keys):
        return False
    with database.read() as connection:
        return subscribers.by_id(connection, NOBODY) is None
