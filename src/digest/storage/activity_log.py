"""Who did what, and what digest decided by itself; an entry is never changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select

from digest.model.activity import (
    ACCOUNT_KINDS,
    DIGEST,
    Activity,
    ActivityFilter,
    ActivityKind,
    Actor,
    Door,
)
from digest.model.issue import Issue
from digest.rules.feedback import hide_addresses
from digest.storage.tables import activity

_EVERYTHING = ActivityFilter()


def record(
    connection: Connection,
    what: ActivityKind,
    detail: str,
    *,
    by: Actor = DIGEST,
    at: datetime,
    newsletter: str = "",
    subject: str = "",
) -> None:
    """Add an entry, in the transaction of what was done: either both are kept, or neither.

    Email addresses in `detail` are blacked out: a mail server's answer can name a subscriber.
    """
    row = {
        "at": at,
        "newsletter": newsletter,
        "subject": subject,
        "what": what.value,
        "detail": hide_addresses(detail),
        "who": by.name,
        "door": by.door.value,
        "network": by.network,
    }
    connection.execute(insert(activity).values(**row))


def record_of_issue(
    connection: Connection, issue: Issue, what: ActivityKind, detail: str, *, by: Actor = DIGEST, at: datetime
) -> None:
    """`record`, with the issue as its subject."""
    record(connection, what, detail, by=by, at=at, newsletter=issue.newsletter, subject=issue.ref)


def entries(
    connection: Connection, which: ActivityFilter = _EVERYTHING, *, before: int | None = None, limit: int
) -> list[Activity]:
    """Newest first, at most `limit`; only those older than the entry with the id `before`, if it is given."""
    rows = select(activity).where(*_conditions(which)).order_by(activity.c.id.desc()).limit(limit)
    if before is not None:
        rows = rows.where(activity.c.id < before)
    return [
        Activity(
            id=row.id,
            at=row.at,
            what=ActivityKind(row.what),
            detail=row.detail,
            newsletter=row.newsletter,
            subject=row.subject,
            who=row.who,
            door=Door(row.door),
            network=row.network,
        )
        for row in connection.execute(rows)
    ]


def newest(connection: Connection, newsletter: str) -> int:
    """The id of its newest entry: another one as soon as anybody has done anything to the newsletter."""
    found = select(func.max(activity.c.id)).where(activity.c.newsletter == newsletter)
    return int(connection.scalar(found) or 0)


def _conditions(which: ActivityFilter) -> Iterator[ColumnElement[bool]]:
    columns = activity.c
    equal = (
        (columns.newsletter, which.newsletter),
        (columns.subject, which.issue),
        (columns.who, which.who),
    )
    yield from (column == value for column, value in equal if value)
    if which.door is not None:
        yield columns.door == which.door.value
    if which.kinds:
        yield columns.what.in_(sorted(kind.value for kind in which.kinds))
    if which.since is not None:
        yield columns.at >= which.since
    if which.until is not None:
        yield columns.at < which.until
    if which.of_editors:
        yield or_(
            columns.door.in_([Door.DESK.value, Door.API.value]),
            columns.what.in_(sorted(kind.value for kind in ACCOUNT_KINDS)),
        )
