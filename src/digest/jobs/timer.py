"""The alarm clock: wakes one function at its next due moment, and every so often in any case.

It knows no schedule.  When something is due, and that it happens once, is
decided by `rules.slots` and the database: APScheduler loses and doubles runs
at clock changes and over restarts, so it holds a single alarm in memory.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler

log = logging.getLogger(__name__)

Tick = Callable[[datetime], datetime | None]

_SHORTEST = 1.0  # seconds between two looks, should a tick keep saying "at once"


def run(tick: Tick, *, now: Callable[[], datetime], stop: threading.Event, every: float = 30.0) -> None:
    """Call `tick(now())` at once and then again and again, until `stop` is set or a signal comes.

    `tick` answers with the moment when it wants to be woken, if that is sooner
    than in `every` seconds.  Two ticks never run together.  A tick that raises
    is logged and the clock goes on.  SIGTERM and SIGINT let a running tick end;
    a second one has its usual effect.
    """
    clock = _Clock(tick, now=now, every=every)
    with _signals_set(stop):
        clock.start()
        # The alarm hangs on the wall clock.  Should that be set back by a day,
        # this loop, which is monotonic, finds that nobody has looked for long.
        while not stop.wait(every):
            clock.wake_if_overslept()
        clock.stop()


class _Clock:
    """One alarm, set anew after every look."""

    def __init__(self, tick: Tick, *, now: Callable[[], datetime], every: float) -> None:
        self._tick = tick
        self._now = now
        self._every = every
        self._looking = threading.Lock()
        self._looked_at = time.monotonic()
        self._alarms: Any = _alarms()

    def start(self) -> None:
        self._alarms.start()
        self._set_alarm(0)

    def stop(self) -> None:
        """Wait for the running look, then end."""
        # APScheduler's own shutdown holds the lock that setting an alarm needs while it waits
        # for the running job, so the last look must be over before.
        with self._looking:
            self._alarms.shutdown(wait=True)

    def wake_if_overslept(self) -> None:
        if time.monotonic() - self._looked_at > 2 * self._every and not self._looking.locked():
            log.warning("scheduler.overslept: the machine's clock was changed; looking now")
            self._set_alarm(0)

    def _look(self) -> None:
        if not self._looking.acquire(blocking=False):
            return  # the clock is being stopped
        try:
            self._set_alarm(self._looked())
        finally:
            self._looking.release()

    def _looked(self) -> float:
        """Do the work; seconds until the next look."""
        try:
            wake = self._tick(self._now())
        except Exception:
            log.exception("scheduler.tick_failed: the next look is in %g seconds", self._every)
            wake = None
        self._looked_at = time.monotonic()
        return self._every if wake is None else self._seconds_until(wake)

    def _seconds_until(self, wake: datetime) -> float:
        wait = (wake - self._now()).total_seconds()
        return min(max(wait, min(_SHORTEST, self._every)), self._every)

    def _set_alarm(self, seconds: float) -> None:
        moment = datetime.now(UTC) + timedelta(seconds=seconds)
        self._alarms.add_job(self._look, "date", run_date=moment, id="look", replace_existing=True)


def _alarms() -> Any:
    library: Any = BackgroundScheduler  # it ships no types
    return library(
        timezone=UTC,
        jobstores={"default": {"type": "memory"}},
        executors={"default": {"type": "threadpool", "max_workers": 1}},
        # Its defaults drop what is a second late.
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
    )


@contextmanager
def _signals_set(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`, once; only the main thread may ask for them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask_to_stop(number: int, _: FrameType | None) -> None:
        signal.signal(number, before[number])
        stop.set()

    before: dict[int, Any] = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, ask_to_stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
