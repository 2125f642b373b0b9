"""Days without a time.

Where a source gives only a day, its reader gives midnight in UTC.  For a reader
west of Greenwich that would be the day before, so it becomes midnight in the
newsletter's time zone.  Feeds that write such days as times ("2026-07-20T00:00:00Z",
as Pelican and Jekyll do) mean the same; an article really published at midnight
UTC moves by a few hours, which does no harm.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from digest.model.article import FoundArticle


def on_its_day(found: FoundArticle, zone: ZoneInfo) -> FoundArticle:
    """The article; a day without a time becomes that day in the newsletter's zone."""
    if found.published is None or not is_a_day(found.published):
        return found
    return replace(found, published=_midnight(found.published, zone))


def is_a_day(moment: datetime) -> bool:
    """Whether this is midnight in UTC; never at the very ends of the calendar."""
    try:
        return moment.astimezone(UTC).time() == time(0)
    except OverflowError:
        return False


def _midnight(day: datetime, zone: ZoneInfo) -> datetime:
    local = datetime.combine(day.astimezone(UTC).date(), time(0), tzinfo=zone)
    return local.astimezone(UTC)
