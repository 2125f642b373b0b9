"""The clock of one process: real time, or time that runs on from a given start.

`--now` sets the start for plans, replays and tests.  Leases and rates use the
monotonic clock, which `--now` does not affect.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """Call it to get the current time: aware, in UTC."""

    def __init__(self, start: datetime | None = None) -> None:
        self._start = start.astimezone(UTC) if start is not None else None
        self._began = time.monotonic()

    def __call__(self) -> datetime:
        if self._start is None:
            return datetime.now(UTC)
        return self._start + timedelta(seconds=time.monotonic() - self._began)


def parse_moment(text: str) -> datetime:
    """Parse an ISO 8601 time; without a zone it is taken as UTC.

    Raises:
        ValueError: the text is not an ISO 8601 time.
    """
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
