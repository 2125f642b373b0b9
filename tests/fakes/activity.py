"""Somebody who does something, and what the activity log says of it."""

from __future__ import annotations

from digest.model.activity import Activity, ActivityFilter, Actor, Door
from digest.storage import activity_log
from digest.storage.database import Database
from digest.views.activity import activity


def actor(name: str, door: Door = Door.COMMAND_LINE) -> Actor:
    return Actor(name, door)


def logged(database: Database, *, limit: int = 1000, of_editors: bool = True) -> tuple[Activity, ...]:
    """Newest first; as `digest editors log` shows them, or all."""
    return activity(ActivityFilter(of_editors=of_editors), database=database, limit=limit).entries


def told(database: Database, newsletter: str = "weekly", *, limit: int = 100) -> list[tuple[str, str]]:
    """What and who, newest first."""
    with database.read() as connection:
        found = activity_log.entries(connection, ActivityFilter(newsletter=newsletter), limit=limit)
    return [(entry.detail, entry.who) for entry in found]
