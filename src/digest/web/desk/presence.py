"""Who else has an issue open now, as the pages report every two seconds.

Kept only in this process and for seconds; no text depends on it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

_FRESH = timedelta(seconds=8)  # pages in the background report less often


class Presence:
    """Names by issue, with when each was last heard of."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._seen: dict[str, dict[str, datetime]] = {}
        self._lock = threading.Lock()

    def here(self, ref: str, name: str) -> None:
        """Note that somebody has this issue open now."""
        now = self._clock()
        with self._lock:
            self._seen.setdefault(ref, {})[name] = now
            for other in [other for other, seen in self._seen.items() if not _fresh(seen, now)]:
                del self._seen[other]

    def others(self, ref: str, name: str) -> tuple[str, ...]:
        """Who else has it open, by name."""
        with self._lock:
            fresh = _fresh(self._seen.get(ref, {}), self._clock())
        return tuple(sorted(fresh - {name}))


def _fresh(seen: dict[str, datetime], now: datetime) -> set[str]:
    return {name for name, at in seen.items() if now - at < _FRESH}
