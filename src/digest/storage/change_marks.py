"""How far everything goes that is only ever added to: if a mark is unchanged, nothing has changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, literal, select

from digest.model.issue import IssueId
from digest.model.subscriber import SubscriptionState
from digest.storage.tables import (
    activity,
    article,
    consent_entry,
    delivery_event,
    source,
    subscription,
    suppression,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMarks:
    """Numbers of the newest rows; 0 where there is none."""

    activity: int = 0  # of the activity log
    told: int = 0  # of what providers told
    article: int = 0
    looked: datetime | None = None  # the last time that a source was read
    audience: tuple[int, int, int] = (0, 0, 0)  # nobody has come, left or been erased
    readers: int = 0  # confirmed ones of the newsletter that was asked about


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedIssues:
    """Issues that the records since some marks are about."""

    refs: frozenset[str]
    ids: frozenset[IssueId]


def read(connection: Connection, *, newsletter: str = "") -> ChangeMarks:
    """All of them, in one statement; `readers` only where a newsletter is named."""
    mine = select(func.count()).where(
        subscription.c.newsletter == newsletter, subscription.c.state == SubscriptionState.CONFIRMED.value
    )
    found = connection.execute(
        select(
            select(func.max(activity.c.id)).scalar_subquery(),
            select(func.max(delivery_event.c.id)).scalar_subquery(),
            select(func.max(article.c.id)).scalar_subquery(),
            select(func.max(source.c.last_fetched)).scalar_subquery(),
            select(func.max(consent_entry.c.id)).scalar_subquery(),
            select(func.count()).select_from(suppression).scalar_subquery(),
            select(func.count()).select_from(subscription).scalar_subquery(),
            mine.scalar_subquery() if newsletter else literal(0),
        )
    ).one()
    return ChangeMarks(
        activity=found[0] or 0,
        told=found[1] or 0,
        article=found[2] or 0,
        looked=found[3],
        audience=(found[4] or 0, found[5], found[6]),
        readers=found[7],
    )


def changed_issues(connection: Connection, *, since: ChangeMarks) -> ChangedIssues:
    """Whatever was done or told since then."""
    done = select(activity.c.subject).where(activity.c.id > since.activity).distinct()
    told = (
        select(delivery_event.c.issue_id)
        .where(delivery_event.c.id > since.told, delivery_event.c.issue_id.is_not(None))
        .distinct()
    )
    return ChangedIssues(
        refs=frozenset(connection.execute(done).scalars()),
        ids=frozenset(IssueId(number) for number in connection.execute(told).scalars()),
    )
