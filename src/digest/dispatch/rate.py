"""A rate limit shared by all senders of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Rate:
    """Lets at most `per_second` units through, evenly spaced; it delays rather than refuses.

    Uses monotonic time, so a change of the wall clock neither stops nor floods the wire.
    """

    def __init__(
        self,
        per_second: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._step = 1.0 / per_second
        self._monotonic = monotonic
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = monotonic()

    def take(self, units: int = 1) -> None:
        """Wait until `units` more may be sent."""
        with self._lock:
            begin = max(self._next, self._monotonic())
            self._next = begin + units * self._step
        wait = begin - self._monotonic()
        if wait > 0:
            self._sleep(wait)
