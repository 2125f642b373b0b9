"""Subscribers, subscriptions, suppressions, and the history of consent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from digest.model.subscriber import (
    HistoryEntry,
    Subscription,
    SubscriptionId,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)
from digest.storage.dialect import chunks, insert_or_ignore, insert_or_update
from digest.storage.tables import (
    consent_entry,
    delivery,
    subscriber,
    subscriber_file,
    subscription,
    suppression,
)

_AT_ONCE = 500


def erased_key(address_key: str) -> str:
    """What is kept of an erased address: enough to recognise it, not enough to read it."""
    return "sha256:" + hashlib.sha256(address_key.encode()).hexdigest()


def add(
    connection: Connection, newsletter: str, people: Sequence[Mapping[str, Any]], *, at: datetime, how: str
) -> int:
    """Subscribe these people as confirmed; returns how many are new to the newsletter.

    Each of `people` has address, address_key, name, language and topics.  People who
    unsubscribed are not re-added, and suppressed addresses stay suppressed; for existing
    subscribers, name, language and topics are updated where a value is given.
    """
    added = 0
    for some in chunks(people, _AT_ONCE):
        added += _add(connection, newsletter, some, at=at, how=how)
    return added


def _add(
    connection: Connection, newsletter: str, people: list[Mapping[str, Any]], *, at: datetime, how: str
) -> int:
    barred = _suppressed(connection, [p["address_key"] for p in people])
    allowed = [p for p in people if p["address_key"] not in barred]
    if not allowed:
        return 0
    ids = _with_ids(connection, allowed, at=at)
    topics = dict(
        connection.execute(
            select(subscription.c.subscriber_id, subscription.c.topics).where(
                subscription.c.newsletter == newsletter, subscription.c.subscriber_id.in_(ids.values())
            )
        ).all()
    )
    fresh = [p for p in allowed if ids[p["address_key"]] not in topics]
    if fresh:
        _subscribe(connection, newsletter, fresh, ids, at=at)
        _record(connection, newsletter, [p["address_key"] for p in fresh], at=at, what="subscribed", how=how)
    _update_topics(connection, newsletter, allowed, ids, topics)
    return len(fresh)


def _with_ids(connection: Connection, people: Sequence[Mapping[str, Any]], *, at: datetime) -> dict[str, int]:
    """Store or update these people; returns their ids by address key."""
    persons = [
        {name: p[name] for name in ("address", "address_key", "name", "language")} | {"created_at": at}
        for p in people
    ]
    statement = insert_or_update(
        connection,
        subscriber,
        key=["address_key"],
        update=["address"],
        update_unless_empty=["name", "language"],
    )
    connection.execute(statement, persons)
    keys = [p["address_key"] for p in people]
    rows = select(subscriber.c.address_key, subscriber.c.id).where(subscriber.c.address_key.in_(keys))
    return dict(connection.execute(rows).all())


def _subscribe(
    connection: Connection,
    newsletter: str,
    people: Sequence[Mapping[str, Any]],
    ids: Mapping[str, int],
    *,
    at: datetime,
) -> None:
    rows = [
        {
            "subscriber_id": ids[p["address_key"]],
            "newsletter": newsletter,
            "state": SubscriptionState.CONFIRMED.value,
            "topics": list(p["topics"]),
            "since": at,
        }
        for p in people
    ]
    connection.execute(insert_or_ignore(connection, subscription), rows)


def _update_topics(
    connection: Connection,
    newsletter: str,
    people: Sequence[Mapping[str, Any]],
    ids: Mapping[str, int],
    known: Mapping[int, list[str]],
) -> None:
    """Store the topics that differ from the `known` ones of existing subscriptions."""
    for p in people:
        number, topics = ids[p["address_key"]], list(p["topics"])
        # Compared here, because PostgreSQL cannot compare JSON.
        if topics and topics != known.get(number, topics):
            which = and_(subscription.c.newsletter == newsletter, subscription.c.subscriber_id == number)
            connection.execute(update(subscription).where(which).values(topics=topics))


def _suppressed(connection: Connection, keys: Sequence[str]) -> set[str]:
    hashed = {erased_key(key): key for key in keys}
    found = connection.execute(
        select(suppression.c.address_key).where(suppression.c.address_key.in_([*keys, *hashed]))
    ).scalars()
    return {hashed.get(key, key) for key in found}


def by_id(connection: Connection, number: int) -> Subscription | None:
    row = connection.execute(_subscriptions().where(subscription.c.id == number)).first()
    return _subscription(row) if row else None


def by_address(connection: Connection, address_key: str) -> list[Subscription]:
    """All subscriptions of one person, ordered by newsletter."""
    rows = _subscriptions().where(subscriber.c.address_key == address_key).order_by(subscription.c.newsletter)
    return [_subscription(row) for row in connection.execute(rows)]


def all_of(
    connection: Connection, newsletter: str, *, state: SubscriptionState | None = None
) -> Iterator[Subscription]:
    """All subscriptions of a newsletter, ordered by address and streamed."""
    rows = _subscriptions().where(subscription.c.newsletter == newsletter).order_by(subscriber.c.address_key)
    if state is not None:
        rows = rows.where(subscription.c.state == state.value)
    for row in connection.execution_options(yield_per=1000).execute(rows):
        yield _subscription(row)


def count(connection: Connection, newsletter: str) -> dict[str, int]:
    """The number of subscriptions in each state."""
    rows = (
        select(subscription.c.state, func.count())
        .where(subscription.c.newsletter == newsletter)
        .group_by(subscription.c.state)
    )
    return dict(connection.execute(rows).all())


def starting_with(connection: Connection, newsletter: str, words: str, *, limit: int) -> list[Subscription]:
    """Confirmed subscribers whose address or name begins with these words, ordered by address."""
    begins = words.strip().casefold()
    mine = and_(subscription.c.newsletter == newsletter, subscription.c.state == "confirmed")
    if begins:
        mine = and_(
            mine,
            or_(
                subscriber.c.address_key.startswith(begins, autoescape=True),
                func.lower(subscriber.c.name).startswith(begins, autoescape=True),
            ),
        )
    rows = connection.execute(_subscriptions().where(mine).order_by(subscriber.c.address_key).limit(limit))
    return [_subscription(row) for row in rows]


def end(connection: Connection, number: SubscriptionId, *, at: datetime, why: str, how: str) -> bool:
    """End a subscription; False, without any change, if it has already ended."""
    active = and_(subscription.c.id == number, subscription.c.state != SubscriptionState.ENDED.value)
    values = {"state": SubscriptionState.ENDED.value, "ended_at": at, "ended_why": why}
    if connection.execute(update(subscription).where(active).values(**values)).rowcount == 0:
        return False
    _record_for(connection, number, at=at, what="left", how=how)
    return True


def renew(connection: Connection, number: SubscriptionId, *, at: datetime, how: str) -> bool:
    """Reactivate an ended subscription at the person's own request; False if it is not ended."""
    ended = and_(subscription.c.id == number, subscription.c.state == SubscriptionState.ENDED.value)
    values = {"state": SubscriptionState.CONFIRMED.value, "since": at, "ended_at": None, "ended_why": ""}
    if connection.execute(update(subscription).where(ended).values(**values)).rowcount == 0:
        return False
    _record_for(connection, number, at=at, what="came back", how=how)
    return True


def rename(connection: Connection, address_key: str, name: str) -> None:
    """Set the name a person wants to be addressed by; may be empty."""
    connection.execute(update(subscriber).where(subscriber.c.address_key == address_key).values(name=name))


def suppress(
    connection: Connection, address_key: str, *, reason: SuppressionReason, at: datetime, how: str = ""
) -> bool:
    """Never mail this address again, for any newsletter; the first reason is kept.

    False if it was already suppressed.  With `how`, it is recorded in the person's history.
    """
    row = {"address_key": address_key, "reason": reason.value, "at": at}
    if connection.execute(insert_or_ignore(connection, suppression), row).rowcount == 0:
        return False
    if how:
        _record(connection, "", [address_key], at=at, what="suppressed", how=how)
    return True


def suppression_of(connection: Connection, address_key: str) -> Suppression | None:
    keys = [address_key, erased_key(address_key)]
    row = connection.execute(select(suppression).where(suppression.c.address_key.in_(keys))).first()
    if row is None:
        return None
    return Suppression(address_key=address_key, reason=SuppressionReason(row.reason), at=row.at)


def erase(connection: Connection, address_key: str, *, at: datetime) -> bool:
    """Delete a person's rows and history, keeping a hash so that no import brings them back.

    Counts of past issues stay right: deliveries remain, with the hash in place of the address.
    """
    gone = connection.execute(delete(subscriber).where(subscriber.c.address_key == address_key)).rowcount
    connection.execute(delete(consent_entry).where(consent_entry.c.address_key == address_key))
    connection.execute(delete(suppression).where(suppression.c.address_key == address_key))
    forgotten = erased_key(address_key)
    connection.execute(
        update(delivery)
        .where(delivery.c.address_key == address_key)
        .values(address=forgotten, address_key=forgotten, name="", detail="", provider_ref="")
    )
    suppress(connection, forgotten, reason=SuppressionReason.ERASED, at=at)
    return gone > 0


def readmit(connection: Connection, address_key: str) -> None:
    """Lift the suppression of an erased person who asked to come back; other reasons remain."""
    connection.execute(delete(suppression).where(suppression.c.address_key == erased_key(address_key)))


def history(connection: Connection, address_key: str) -> list[HistoryEntry]:
    """The changes of this person's consent, oldest first."""
    rows = (
        select(consent_entry)
        .where(consent_entry.c.address_key == address_key)
        .order_by(consent_entry.c.at, consent_entry.c.id)
    )
    return [
        HistoryEntry(at=row.at, newsletter=row.newsletter, what=row.what, how=row.how)
        for row in connection.execute(rows)
    ]


def file_fingerprint(connection: Connection, newsletter: str, path: str) -> str:
    """The fingerprint of the file when it was last read; empty if it never was."""
    which = and_(subscriber_file.c.newsletter == newsletter, subscriber_file.c.path == path)
    return connection.scalar(select(subscriber_file.c.fingerprint).where(which)) or ""


def remember_file(
    connection: Connection, newsletter: str, path: str, *, fingerprint: str, at: datetime
) -> None:
    statement = insert_or_update(
        connection, subscriber_file, key=["newsletter", "path"], update=["fingerprint", "read_at"]
    )
    row = {"newsletter": newsletter, "path": path, "fingerprint": fingerprint, "read_at": at}
    connection.execute(statement, row)


def _record(
    connection: Connection, newsletter: str, keys: Sequence[str], *, at: datetime, what: str, how: str
) -> None:
    rows = [
        {"address_key": key, "newsletter": newsletter, "at": at, "what": what, "how": how} for key in keys
    ]
    connection.execute(insert(consent_entry), rows)


def _record_for(connection: Connection, number: SubscriptionId, *, at: datetime, what: str, how: str) -> None:
    person = by_id(connection, number)
    if person is not None:
        _record(connection, person.newsletter, [person.address_key], at=at, what=what, how=how)


def _subscriptions() -> Any:
    return select(
        subscription.c.id,
        subscription.c.newsletter,
        subscriber.c.address,
        subscriber.c.address_key,
        subscriber.c.name,
        subscriber.c.language,
        subscription.c.topics,
        subscription.c.state,
        subscription.c.since,
        subscription.c.ended_at,
        subscription.c.ended_why,
    ).join(subscriber, subscriber.c.id == subscription.c.subscriber_id)


def _subscription(row: Sequence[Any]) -> Subscription:
    return Subscription(
        id=SubscriptionId(row[0]),
        newsletter=row[1],
        address=row[2],
        address_key=row[3],
        name=row[4],
        language=row[5],
        topics=tuple(row[6]),
        state=SubscriptionState(row[7]),
        since=row[8],
        ended_at=row[9],
        ended_why=row[10],
    )
