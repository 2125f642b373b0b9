"""Slots of the schedule.  A slot is recorded before any work begins, and can only exist once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select, update

from digest.model.slot import Slot, SlotRecord, SlotState
from digest.storage.dialect import insert_or_ignore
from digest.storage.tables import slot, watch


def record(connection: Connection, due: Slot, state: SlotState, *, at: datetime, reason: str = "") -> bool:
    """Record a slot; False if another scheduler was faster."""
    row = {
        "newsletter": due.newsletter,
        "key": due.key,
        "due": due.due,
        "state": state.value,
        "reason": reason,
        "recorded_at": at,
    }
    done = connection.execute(insert_or_ignore(connection, slot).returning(slot.c.key), row)
    return done.first() is not None


def settle(connection: Connection, due: Slot, state: SlotState, *, reason: str, issue: int | None) -> None:
    """Record the result of a slot."""
    which = and_(slot.c.newsletter == due.newsletter, slot.c.key == due.key)
    values = {"state": state.value, "reason": reason, "issue_number": issue}
    connection.execute(update(slot).where(which).values(**values))


def recorded_until(connection: Connection, newsletter: str, *, now: datetime) -> datetime:
    """The time up to which slots are recorded: the newest slot, or the first check, possibly this one."""
    connection.execute(insert_or_ignore(connection, watch), {"newsletter": newsletter, "since": now})
    begin: datetime = connection.execute(
        select(watch.c.since).where(watch.c.newsletter == newsletter)
    ).scalar_one()
    newest: datetime | None = connection.scalar(
        select(func.max(slot.c.due)).where(slot.c.newsletter == newsletter)
    )
    return max(begin, newest) if newest is not None else begin


def unfinished(connection: Connection, newsletter: str, *, failed: bool = False) -> list[SlotRecord]:
    """Slots recorded but never settled because a scheduler died; with `failed`, also those that failed."""
    states = [SlotState.DUE.value, *([SlotState.FAILED.value] if failed else [])]
    rows = select(slot).where(slot.c.newsletter == newsletter, slot.c.state.in_(states))
    return [_record(row) for row in connection.execute(rows.order_by(slot.c.due))]


def recent(connection: Connection, newsletter: str, *, limit: int = 10) -> Sequence[SlotRecord]:
    """The most recent slots, newest first."""
    rows = select(slot).where(slot.c.newsletter == newsletter).order_by(slot.c.due.desc()).limit(limit)
    return [_record(row) for row in connection.execute(rows)]


def was_missed(connection: Connection, newsletter: str, key: str) -> bool:
    """Whether the slot was found too late to be served."""
    passed_by = [SlotState.MISSED.value, SlotState.COALESCED.value]
    rows = select(slot.c.key).where(
        slot.c.newsletter == newsletter, slot.c.key == key, slot.c.state.in_(passed_by)
    )
    return connection.execute(rows).first() is not None


def _record(row: Row[Any]) -> SlotRecord:
    return SlotRecord(
        slot=Slot(newsletter=row.newsletter, key=row.key, due=row.due),
        state=SlotState(row.state),
        reason=row.reason,
        issue=row.issue_number,
    )
