"""The activity log as the command line, the API and the desk show it: newest first, in pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from digest.model.activity import Activity, ActivityFilter
from digest.storage import activity_log
from digest.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPage:
    """Some entries, newest first."""

    entries: tuple[Activity, ...]
    next: int | None  # pass it as `before` to get older entries; None if there are none


def activity(
    which: ActivityFilter, *, database: Database, before: int | None = None, limit: int = 50
) -> ActivityPage:
    """The newest `limit` entries, or the newest `limit` of those older than the entry `before`."""
    with database.read() as connection:
        found = activity_log.entries(connection, which, before=before, limit=limit + 1)
    page = tuple(found[:limit])
    return ActivityPage(entries=page, next=page[-1].id if len(found) > limit else None)


def activity_json(page: ActivityPage) -> dict[str, Any]:
    """The same document for `digest log --json` and the API."""
    return {"entries": [_entry_json(entry) for entry in page.entries], "next": page.next}


def _entry_json(entry: Activity) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": entry.at,
        "newsletter": entry.newsletter,
        "subject": entry.subject,
        "action": entry.what.value,
        "detail": entry.detail,
        "who": entry.who,
        "door": entry.door.value,
        "network": entry.network,
    }
