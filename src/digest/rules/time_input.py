"""Moments that people write down, in the newsletter's zone where they name none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from digest.errors import NotAllowed

FARTHEST = timedelta(days=90)
_JUST_NOW = timedelta(minutes=2)


def parse_moment(written: str, *, timezone: str) -> datetime:
    """A date and a time as ISO 8601 writes them, in UTC.

    Raises:
        NotAllowed: it is none, or the clocks of the zone skip that hour.
    """
    written = written.strip()
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise NotAllowed(
            f"“{written[:40]}” is not a date and a time." if written else "Say when it shall go out.",
            mend="Write it like 2026-10-06T09:00.",
        ) from None
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    local = moment.replace(tzinfo=ZoneInfo(timezone))
    if local.astimezone(UTC).astimezone(ZoneInfo(timezone)).replace(tzinfo=None) != moment:
        raise NotAllowed(
            f"There is no {moment:%H:%M} on {moment:%Y-%m-%d} in {timezone}: the clocks go forward.",
            mend="Choose an hour earlier or later.",
        )
    return local.astimezone(UTC)


def check_send_at(moment: datetime, *, now: datetime) -> datetime:
    """The moment, if an issue can be approved for it; one of this very minute is now.

    Raises:
        NotAllowed: it is over, or too far away for anybody to remember.
    """
    if moment < now - _JUST_NOW:
        raise NotAllowed("That time is over.", mend="Choose a later one, or approve it for now.")
    if moment > now + FARTHEST:
        raise NotAllowed(
            f"That is more than {FARTHEST.days} days away.", mend="Approve it nearer to its time."
        )
    return max(moment, now)
