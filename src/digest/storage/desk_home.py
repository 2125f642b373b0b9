"""Data for the desk's home page, read narrowly: no layouts or rendered mails are loaded.

Each function asks once for all newsletters.  The page is opened many times a
day, and must stay fast with hundreds of issues and a hundred thousand articles.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, literal_column, select, union

from digest.model.article import SourceHealth
from digest.model.delivery import Counts
from digest.model.issue import IssueId, IssueState
from digest.storage.tables import (
    article,
    delivery,
    issue,
    source,
    subscription,
)

_UNFINISHED = (
    IssueState.DRAFT.value,
    IssueState.HELD.value,
    IssueState.APPROVED.value,
    IssueState.SENDING.value,
)
_NEVER_WAS = (IssueState.CANCELLED.value, IssueState.SKIPPED.value)
_OPEN_DELIVERIES = ("pending", "claimed", "submitting")
_BOUNCED = ("bounced", "blocked", "dropped")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueLine:
    """An issue without its content."""

    id: IssueId
    newsletter: str
    number: int
    state: IssueState
    reason: str
    created_at: datetime
    sent_at: datetime | None
    send_at: datetime | None
    subject: str
    content_hash: str
    approved_by: str
    revision: int

    @property
    def ref(self) -> str:
        return f"{self.newsletter}/{self.number}"

    @property
    def at(self) -> datetime:
        """When it was sent, or else when it was created."""
        return self.sent_at or self.created_at


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySummary:
    """Delivery counts and times of one issue."""

    counts: Counts  # without candidates, exclusions and deferred ones, which count as pending
    begun: datetime | None = None  # when the first delivery was settled
    moved: datetime | None = None  # when the last one was
    uncertain_since: datetime | None = None
    uncertain: tuple[str, ...] = ()  # the first few addresses


def line_columns() -> tuple[ColumnElement[Any], ...]:
    """The columns that `line_of` needs; of the mail itself, only its subject is read."""
    return (
        issue.c.id,
        issue.c.newsletter,
        issue.c.number,
        issue.c.state,
        issue.c.reason,
        issue.c.created_at,
        issue.c.sent_at,
        issue.c.send_at,
        issue.c.content_hash,
        issue.c.approved_by,
        issue.c.revision,
        issue.c.rendered["subject"].as_string().label("printed"),
        issue.c.texts["subject"].as_string().label("written"),
        issue.c.layout[("lead", "headline")].as_string().label("headline"),
    )


def line_of(row: Any) -> IssueLine:
    """The issue in a row with the columns of `line_columns`."""
    return IssueLine(
        id=IssueId(row.id),
        newsletter=row.newsletter,
        number=row.number,
        state=IssueState(row.state),
        reason=row.reason,
        created_at=row.created_at,
        sent_at=row.sent_at,
        send_at=row.send_at,
        subject=row.printed or row.written or row.headline or "",
        content_hash=row.content_hash,
        approved_by=row.approved_by,
        revision=row.revision,
    )


def lines(connection: Connection, newsletters: Sequence[str], *, limit: int) -> list[IssueLine]:
    """The last `limit` issues of each newsletter and all unfinished ones, newest first."""
    if not newsletters:
        return []
    recent = [
        select(
            select(issue.c.id)
            .where(issue.c.newsletter == name)
            .order_by(issue.c.number.desc())
            .limit(limit)
            .subquery()
        )
        for name in newsletters
    ]
    unfinished = select(issue.c.id).where(issue.c.newsletter.in_(newsletters), issue.c.state.in_(_UNFINISHED))
    rows = select(*line_columns()).where(issue.c.id.in_(union(*recent, unfinished)))
    found = [line_of(row) for row in connection.execute(rows)]
    return sorted(found, key=lambda line: (line.at, line.number), reverse=True)


# -- deliveries ----------------------------------------------------------------


def delivery_summaries(connection: Connection, which: Collection[IssueId]) -> dict[IssueId, DeliverySummary]:
    """Counted from the current ledger, like `ledger.counts` for a single issue."""
    if not which:
        return {}
    rows = (
        select(
            delivery.c.issue_id,
            delivery.c.state,
            func.count().label("number"),
            func.min(delivery.c.updated_at).label("first"),
            func.max(delivery.c.updated_at).label("last"),
        )
        .where(delivery.c.issue_id.in_(which))
        .group_by(delivery.c.issue_id, delivery.c.state)
    )
    states: dict[int, dict[str, Row[Any]]] = defaultdict(dict)
    for row in connection.execute(rows):
        states[row.issue_id][row.state] = row
    told = _told(connection, which)
    doubtful = [number for number, of in states.items() if "uncertain" in of]
    addresses = _uncertain(connection, doubtful) if doubtful else {}
    return {number: _summary(states[number], told[number], addresses.get(number, ())) for number in which}


def _told(connection: Connection, which: Collection[IssueId]) -> dict[int, dict[str, int]]:
    """Like `delivery_events.outcome_counts`, for several issues at once."""
    rows = (
        select(delivery.c.issue_id, delivery.c.event, func.count())
        .where(
            delivery.c.issue_id.in_(which),
            # Written as a literal, or SQLite does not notice that the index covers the query.
            delivery.c.event != literal_column("''"),
            delivery.c.state == "accepted",
        )
        .group_by(delivery.c.issue_id, delivery.c.event)
    )
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for number, kind, count in connection.execute(rows):
        found[number][kind] = count
    return found


def _uncertain(connection: Connection, which: Collection[int]) -> dict[int, tuple[str, ...]]:
    rows = (
        select(delivery.c.issue_id, delivery.c.address)
        .where(delivery.c.issue_id.in_(which), delivery.c.state == "uncertain")
        .order_by(delivery.c.issue_id, delivery.c.id)
        .limit(_ADDRESSES)
    )
    found: dict[int, tuple[str, ...]] = defaultdict(tuple)
    for number, address in connection.execute(rows):
        found[number] += (address,)
    return found


_ADDRESSES = 50


def _summary(
    states: Mapping[str, Row[Any]], told: Mapping[str, int], uncertain: tuple[str, ...]
) -> DeliverySummary:
    def number(*names: str) -> int:
        return sum(states[name].number for name in names if name in states)

    ended = [row for name, row in states.items() if name not in _OPEN_DELIVERIES]
    counts = Counts(
        audience=sum(row.number for row in states.values()),
        pending=number("pending"),
        in_flight=number("claimed", "submitting"),
        accepted=number("accepted"),
        refused=number("refused"),
        uncertain=number("uncertain"),
        suppressed=number("suppressed"),
        abandoned=number("abandoned"),
        delivered=told.get("delivered", 0),
        bounced=sum(told.get(kind, 0) for kind in _BOUNCED),
        complained=told.get("complained", 0),
    )
    return DeliverySummary(
        counts=counts,
        begun=min((row.first for row in ended), default=None),
        moved=max((row.last for row in ended), default=None),
        uncertain_since=states["uncertain"].first if "uncertain" in states else None,
        uncertain=uncertain,
    )


# -- people --------------------------------------------------------------------


def confirmed_counts(connection: Connection, newsletters: Sequence[str]) -> dict[str, int]:
    """How many confirmed subscriptions each newsletter has."""
    rows = (
        select(subscription.c.newsletter, func.count())
        .where(subscription.c.newsletter.in_(newsletters), subscription.c.state == "confirmed")
        .group_by(subscription.c.newsletter)
    )
    return dict(connection.execute(rows).all())


def unsubscribes(
    connection: Connection, newsletters: Sequence[str], *, since: datetime
) -> dict[str, list[datetime]]:
    """When people unsubscribed from each newsletter by their own choice since then, in order."""
    rows = (
        select(subscription.c.newsletter, subscription.c.ended_at)
        .where(
            subscription.c.newsletter.in_(newsletters),
            subscription.c.state == "ended",
            subscription.c.ended_why == "unsubscribed",
            subscription.c.ended_at >= since,
        )
        .order_by(subscription.c.ended_at)
    )
    found: dict[str, list[datetime]] = defaultdict(list)
    for name, at in connection.execute(rows):
        found[name].append(at)
    return found


# -- sources -------------------------------------------------------------------


def sources(connection: Connection, newsletters: Sequence[str]) -> dict[tuple[str, str], SourceHealth]:
    """The health of every source that was ever read, by newsletter and key; without its articles."""
    rows = select(
        source.c.newsletter,
        source.c.key,
        source.c.ok,
        source.c.last_fetched,
        source.c.last_new,
        source.c.message,
        source.c.failures,
    ).where(source.c.newsletter.in_(newsletters))
    return {
        (row.newsletter, row.key): SourceHealth(
            key=row.key,
            name="",
            ok=row.ok,
            last_fetched=row.last_fetched,
            last_new=row.last_new,
            message=row.message,
            failures=row.failures,
        )
        for row in connection.execute(rows)
    }


def new_articles_by_day(
    connection: Connection, newsletters: Sequence[str], *, since: datetime
) -> dict[tuple[str, str], dict[date, int]]:
    """New articles of each source by the day (UTC) they were first seen; without backlog."""
    day = day_of(connection, article.c.first_seen)
    rows = (
        select(article.c.newsletter, article.c.source, day, func.count())
        .where(
            article.c.newsletter.in_(newsletters),
            article.c.first_seen >= since,
            ~article.c.is_backlog,
        )
        .group_by(article.c.newsletter, article.c.source, day)
    )
    found: dict[tuple[str, str], dict[date, int]] = defaultdict(dict)
    for name, key, on, number in connection.execute(rows):
        found[name, key][date.fromisoformat(on)] = number
    return found


def day_of(connection: Connection, moment: ColumnElement[Any]) -> ColumnElement[str]:
    """The day of a moment in UTC, as text; SQLite stores moments in UTC."""
    if connection.dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", moment), "YYYY-MM-DD")
    return func.date(moment)
