"""Bulk import of subscribers with raw SQLite statements; same contract as `subscribers.add`.

A batch takes a handful of statements here, however many people it has.  Other
databases use `subscribers.add`; a test holds both to the same result.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from digest.model.subscriber import SubscriptionState
from digest.storage import subscribers
from digest.storage.import_spool import ImportRow
from digest.storage.tables import subscription

_TABLE = (
    "CREATE TEMP TABLE IF NOT EXISTS arrival "
    "(address_key TEXT, address TEXT, name TEXT, language TEXT, topics TEXT, erased_key TEXT)"
)
_ARRIVE = "INSERT INTO temp.arrival VALUES (?, ?, ?, ?, ?, NULL)"
_ARRIVE_WITH_ERASED_KEY = "INSERT INTO temp.arrival VALUES (?, ?, ?, ?, ?, ?)"

_ANY_ERASED = "SELECT EXISTS (SELECT 1 FROM suppression WHERE address_key BETWEEN 'sha256:' AND 'sha256:g')"

_TURN_AWAY = """
DELETE FROM temp.arrival
WHERE EXISTS (SELECT 1 FROM suppression AS s WHERE s.address_key = arrival.address_key)
   OR EXISTS (SELECT 1 FROM suppression AS s WHERE s.address_key = arrival.erased_key)
"""

# An upsert that changes nothing writes nothing, so importing a list again writes no pages.
_PERSONS = """
INSERT INTO subscriber (address, address_key, name, language, created_at)
SELECT address, address_key, name, language, ? FROM temp.arrival WHERE true
ON CONFLICT (address_key) DO UPDATE SET
  address = excluded.address,
  name = coalesce(nullif(excluded.name, ''), name),
  language = coalesce(nullif(excluded.language, ''), language)
WHERE address <> excluded.address
   OR excluded.name NOT IN ('', name)
   OR excluded.language NOT IN ('', language)
"""

_HISTORY = """
INSERT INTO consent_entry (address_key, newsletter, at, what, how)
SELECT a.address_key, ?1, ?2, 'subscribed', ?3
FROM temp.arrival AS a CROSS JOIN subscriber AS s ON s.address_key = a.address_key
WHERE NOT EXISTS (SELECT 1 FROM subscription AS n WHERE n.subscriber_id = s.id AND n.newsletter = ?1)
"""

_SUBSCRIPTIONS = """
INSERT INTO subscription (subscriber_id, newsletter, state, topics, since)
SELECT s.id, ?, ?, coalesce(nullif(a.topics, ''), '[]'), ?
FROM temp.arrival AS a CROSS JOIN subscriber AS s ON s.address_key = a.address_key
WHERE true
ON CONFLICT (subscriber_id, newsletter) DO UPDATE SET topics = excluded.topics
WHERE excluded.topics <> '[]' AND topics <> excluded.topics
"""


def bulk_add(
    connection: Connection, newsletter: str, people: Sequence[ImportRow], *, at: datetime, how: str
) -> int:
    """Subscribe people, each only once; returns how many are new to the newsletter.

    Makes the same promises as `subscribers.add`.
    """
    if not people:
        return 0
    if connection.dialect.name == "sqlite":
        return _bulk_add_sqlite(connection, newsletter, people, at=at, how=how)
    return subscribers.add(connection, newsletter, [_told(person) for person in people], at=at, how=how)


def _bulk_add_sqlite(
    connection: Connection, newsletter: str, people: Sequence[ImportRow], *, at: datetime, how: str
) -> int:
    say = connection.exec_driver_sql
    say(_TABLE)
    say("DELETE FROM temp.arrival")
    if say(_ANY_ERASED).scalar():  # only then, because hashing every address takes time
        say(_ARRIVE_WITH_ERASED_KEY, [(*person, subscribers.erased_key(person[0])) for person in people])
    else:
        say(_ARRIVE, list(people))
    say(_TURN_AWAY)
    moment = _as_stored(connection, at)
    say(_PERSONS, (moment,))
    added = say(_HISTORY, (newsletter, moment, how)).rowcount
    say(_SUBSCRIPTIONS, (newsletter, SubscriptionState.CONFIRMED.value, moment))
    say("DELETE FROM temp.arrival")
    return added


def _told(person: ImportRow) -> dict[str, Any]:
    key, address, name, language, topics = person
    return {
        "address_key": key,
        "address": address,
        "name": name,
        "language": language,
        "topics": json.loads(topics or "[]"),
    }


def _as_stored(connection: Connection, at: datetime) -> Any:
    convert = subscription.c.since.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    return convert(at) if convert else at
