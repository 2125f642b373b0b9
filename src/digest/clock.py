"""The clock of one process: real time, or time that runs on from a given start.

`--now` starts it elsewhere for plans, replays and tests.  Leases and rates use
the monotonic clock instead and are not moved by this one.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Call it for the time now: aware, in UTC."""

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start.astimezone(UTC) if start is not None else None
        self._began = time.monotonic()

    def __call__(self) -> datetime:
        if self._start is None:
            return datetime.now(UTC)
        return self._start + timedelta(seconds=time.monotonic() - self._began)


def parse_moment(text: str) -> datetime:
    """An ISO 8601 time; without a zone it is taken as UTC.

    Raises:
        ValueError: it is not one.
    """
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
