"""Parses times that people type, in the newsletter's zone if they name none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from digest.errors import NotAllowed

FARTHEST = timedelta(days=90)
_JUST_NOW = timedelta(minutes=2)


def parse_moment(written: str, *, timezone: str) -> datetime:
    """The moment of an ISO 8601 date and time, in UTC.

    Raises:
        NotAllowed: it is not a date and time, or the zone's clocks skip that hour.
    """
    written = written.strip()
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise NotAllowed(
            f"“{written[:40]}” is not a date and time." if written else "Choose when to send it.",
            mend="Write it like 2026-10-06T09:00.",
        ) from None
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    local = moment.replace(tzinfo=ZoneInfo(timezone))
    if local.astimezone(UTC).astimezone(ZoneInfo(timezone)).replace(tzinfo=None) != moment:
        raise NotAllowed(
            f"{moment:%H:%M} does not exist on {moment.day} {moment:%B %Y} in {timezone}: "
            "the clocks go forward.",
            mend="Choose an hour earlier or later.",
        )
    return local.astimezone(UTC)


def check_send_at(moment: datetime, *, now: datetime) -> datetime:
    """The moment, if an issue can be approved for it; a moment within the last two minutes becomes now.

    Raises:
        NotAllowed: it is in the past or more than 90 days away.
    """
    if moment < now - _JUST_NOW:
        raise NotAllowed("That time is in the past.", mend="Choose a later one, or approve it for now.")
    if moment > now + FARTHEST:
        raise NotAllowed(
            f"That is more than {FARTHEST.days} days away.", mend="Approve it closer to its time."
        )
    return max(moment, now)
