"""All issues, a page at a time, for the desk; read as narrowly as in `desk_home`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from digest.model.issue import IssueState
from digest.storage.desk_home import IssueLine, line_columns, line_of
from digest.storage.tables import issue


def counts(connection: Connection, newsletters: Sequence[str]) -> Counter[IssueState]:
    """How many issues these newsletters have in each state."""
    rows = (
        select(issue.c.state, func.count()).where(issue.c.newsletter.in_(newsletters)).group_by(issue.c.state)
    )
    return Counter({IssueState(state): number for state, number in connection.execute(rows)})


def page(
    connection: Connection,
    newsletters: Sequence[str],
    *,
    state: IssueState | None,
    offset: int,
    limit: int,
) -> list[tuple[IssueLine, datetime | None]]:
    """One page of issues, newest first, each with the time when the next one was sent."""
    # Ordered by key: sorting by a time would read every row including its mail.
    which = select(issue.c.id).where(issue.c.newsletter.in_(newsletters))
    if state is not None:
        which = which.where(issue.c.state == state.value)
    chosen = which.order_by(issue.c.id.desc()).limit(limit).offset(offset).subquery()
    later = issue.alias("later")
    next_sent = (
        select(later.c.sent_at)
        .where(
            later.c.newsletter == issue.c.newsletter,
            later.c.number > issue.c.number,
            later.c.sent_at.is_not(None),
        )
        .order_by(later.c.number)
        .limit(1)
        .scalar_subquery()
        .label("next_sent")
    )
    rows = (
        select(*line_columns(), next_sent)
        .where(issue.c.id.in_(select(chosen.c.id)))
        .order_by(issue.c.id.desc())
    )
    return [(line_of(row), row.next_sent) for row in connection.execute(rows)]
