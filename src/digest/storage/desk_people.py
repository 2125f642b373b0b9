"""Subscriptions begun and ended per day in recent weeks, for the desk's home page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from digest.storage.desk_home import day_of
from digest.storage.tables import subscription

Days = dict[str, dict[date, int]]  # by newsletter


def by_state(connection: Connection, newsletters: Sequence[str]) -> dict[tuple[str, str], int]:
    """How many subscriptions each newsletter has in each state."""
    rows = (
        select(subscription.c.newsletter, subscription.c.state, func.count())
        .where(subscription.c.newsletter.in_(newsletters))
        .group_by(subscription.c.newsletter, subscription.c.state)
    )
    return {(name, state): number for name, state, number in connection.execute(rows)}


def came(connection: Connection, newsletters: Sequence[str], *, since: datetime) -> Days:
    """How many subscriptions began on each day (UTC), whether or not they have ended since."""
    return _by_day(connection, newsletters, subscription.c.since, ("confirmed", "ended"), since)


def left(connection: Connection, newsletters: Sequence[str], *, since: datetime) -> Days:
    """How many subscriptions ended on each day (UTC), for whatever reason."""
    return _by_day(connection, newsletters, subscription.c.ended_at, ("ended",), since)


def _by_day(
    connection: Connection,
    newsletters: Sequence[str],
    moment: ColumnElement[Any],
    states: Sequence[str],
    since: datetime,
) -> Days:
    day = day_of(connection, moment)
    rows = (
        select(subscription.c.newsletter, day, func.count())
        .where(
            subscription.c.newsletter.in_(newsletters),
            subscription.c.state.in_(states),
            moment >= since,
        )
        .group_by(subscription.c.newsletter, day)
    )
    found: Days = defaultdict(dict)
    for name, on, number in connection.execute(rows):
        found[name][date.fromisoformat(on)] = number
    return found
