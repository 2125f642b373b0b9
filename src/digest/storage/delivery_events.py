"""What providers reported about deliveries: each event once; only events of a delivery have effects.

Ledger rows change here in two ways only: reports move them forward, and `uncertain`
becomes `accepted` on evidence.  Both name the state they start from, like every move
in the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, exists, func, literal_column, or_, select, update

from digest.model.delivery import DeliveryEvent, DeliveryId, DeliveryState, EventKind
from digest.model.issue import IssueId
from digest.rules.feedback import progress, states_before
from digest.storage.dialect import chunks, insert_or_ignore
from digest.storage.subscribers import erased_key
from digest.storage.tables import delivery, delivery_event, issue

EVIDENCE = "the answer was lost, but an event of the provider proves that the message was accepted"

_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedEvent:
    """A new event, and the delivery it is about."""

    event: DeliveryEvent
    delivery_id: DeliveryId
    issue_id: IssueId
    subscription_id: int
    address_key: str


def add(
    connection: Connection, events: Iterable[DeliveryEvent], *, received_at: datetime
) -> tuple[int, list[MatchedEvent]]:
    """Store events that are new; returns how many, and those of them that belong to a delivery.

    An event belongs to the delivery it names if the issue and the address that it
    names are that delivery's.  Any other event is stored too, but must change
    nothing.
    """
    kept, belonging = 0, []
    for some in chunks({event.key: event for event in events}.values(), _AT_ONCE):
        owned = _owned(connection, some)
        rows = [_row(event, owned.get(event.key), received_at) for event in some]
        new = _inserted(connection, rows)
        kept += len(new)
        belonging += [owned[key] for key in owned if key in new]
    return kept, belonging


def advance(connection: Connection, told: Iterable[MatchedEvent]) -> None:
    """Move rows as far as these events say, never back; of equal events the earliest time is kept."""
    by_kind: dict[EventKind, list[dict[str, Any]]] = defaultdict(list)
    for one in told:
        shown = progress(one.event.kind)
        if shown is not None:
            by_kind[shown].append({"row_id": one.delivery_id, "row_at": one.event.at})
    at = bindparam("row_at", type_=delivery.c.event_at.type)
    for kind, rows in by_kind.items():
        is_earlier = or_(*(delivery.c.event == word for word in states_before(kind)))
        is_same = and_(delivery.c.event == kind.value, delivery.c.event_at > at)
        moved = (
            update(delivery)
            .where(delivery.c.id == bindparam("row_id"), or_(is_earlier, is_same))
            .values(event=kind.value, event_at=at)
        )
        connection.execute(moved, rows)


def accept_on_evidence(connection: Connection, which: IssueId, *, now: datetime) -> int:
    """Accept uncertain rows that an event proves to have been accepted; returns how many.

    Any event of its own proves a row.  A batch is accepted as one request, so an event
    of any row in it proves all.  Rows in other states stay as they are: what a person
    has decided to resend is pending, and is sent.
    """
    of_its_own = exists().where(delivery_event.c.delivery_id == delivery.c.id)
    of_its_batch = exists().where(
        delivery.c.batch_id != "",
        delivery_event.c.issue_id == delivery.c.issue_id,
        delivery_event.c.batch_id == delivery.c.batch_id,
    )
    proven = (
        update(delivery)
        .where(
            delivery.c.issue_id == which,
            delivery.c.state == DeliveryState.UNCERTAIN.value,
            or_(of_its_own, of_its_batch),
        )
        .values(state=DeliveryState.ACCEPTED.value, detail=EVIDENCE, updated_at=now)
    )
    return connection.execute(proven).rowcount


def outcome_counts(connection: Connection, which: IssueId) -> dict[str, int]:
    """How many of the accepted deliveries the provider reports as delivered, bounced and complained."""
    return by_outcome(dict(connection.execute(select_outcomes(which)).all()))


def select_outcomes(which: IssueId) -> Select[str, int]:
    """Selects the number of accepted deliveries per kind of event that the provider has reported."""
    # As a literal, or SQLite does not see that the index covers the query.
    is_reported = delivery.c.event != literal_column("''")
    return (
        select(delivery.c.event, func.count())
        .where(
            delivery.c.issue_id == which,
            is_reported,
            delivery.c.state == DeliveryState.ACCEPTED.value,
        )
        .group_by(delivery.c.event)
    )


def by_outcome(found: Mapping[str, int]) -> dict[str, int]:
    """How many are delivered, bounced and complained (the names of `Counts`), from `select_outcomes`.

    Whatever did not arrive counts as bounced: refused for good, refused this time,
    or dropped by the provider.
    """
    return {name: sum(found.get(kind.value, 0) for kind in kinds) for name, kinds in _COUNTED.items()}


_COUNTED = {
    "delivered": (EventKind.DELIVERED,),
    "bounced": (EventKind.BOUNCED, EventKind.BLOCKED, EventKind.DROPPED),
    "complained": (EventKind.COMPLAINED,),
}


def _owned(connection: Connection, events: Sequence[DeliveryEvent]) -> dict[str, MatchedEvent]:
    """The events that belong to a delivery, by event key."""
    named = {event.delivery_id for event in events if event.delivery_id is not None}
    columns = (
        delivery.c.id,
        delivery.c.issue_id,
        delivery.c.subscription_id,
        delivery.c.address_key,
        issue.c.newsletter,
        issue.c.number,
    )
    rows = select(*columns).join(issue, issue.c.id == delivery.c.issue_id).where(delivery.c.id.in_(named))
    found = {row.id: row for row in connection.execute(rows)} if named else {}
    owned = {}
    for event in events:
        row = found.get(event.delivery_id)
        if row is not None and _belongs(event, row):
            owned[event.key] = MatchedEvent(
                event=event,
                delivery_id=DeliveryId(row.id),
                issue_id=IssueId(row.issue_id),
                subscription_id=row.subscription_id,
                address_key=row.address_key,
            )
    return owned


def _belongs(event: DeliveryEvent, row: Any) -> bool:
    if event.issue_ref is not None and event.issue_ref != f"{row.newsletter}/{row.number}":
        return False
    if event.address is None:
        return True
    key = event.address.casefold()
    return bool(row.address_key in {key, erased_key(key)})


def _row(event: DeliveryEvent, owned: MatchedEvent | None, received_at: datetime) -> dict[str, Any]:
    return {
        "delivery_id": owned.delivery_id if owned else None,
        "issue_id": owned.issue_id if owned else None,
        "batch_id": event.batch_id if owned else "",
        "provider": event.provider,
        "kind": event.kind.value,
        "event_key": event.key,
        "at": event.at,
        "received_at": received_at,
        "address_key": erased_key(event.address.casefold()) if event.address else "",
        "detail": event.detail,
    }


def _inserted(connection: Connection, rows: list[dict[str, Any]]) -> set[str]:
    """The keys of the rows that were new."""
    statement = insert_or_ignore(connection, delivery_event).returning(delivery_event.c.event_key)
    return set(connection.execute(statement, rows).scalars())
