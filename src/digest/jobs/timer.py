"""The timer: calls one function when it is next due, and at a regular interval in any case.

It knows no schedule.  `rules.slots` and the database decide when something is
due, and that it happens once: APScheduler loses and doubles runs at clock
changes and over restarts, so it only holds a single alarm in memory.
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

_SHORTEST = 1.0  # seconds between two ticks, in case a tick keeps asking for "at once"


def run(tick: Tick, *, now: Callable[[], datetime], stop: threading.Event, every: float = 30.0) -> None:
    """Call `tick(now())` at once and then repeatedly, until `stop` is set or a signal arrives.

    `tick` returns the time of its next call, if that is sooner than in `every`
    seconds.  Two ticks never run at once.  A tick that raises is logged, and the
    timer keeps running.  SIGTERM and SIGINT let a running tick finish; a second
    signal has its usual effect.
    """
    timer = _Timer(tick, now=now, every=every)
    with _signals_set(stop):
        timer.start()
        # The alarm follows the wall clock.  If that is set back by a day, this
        # monotonic loop notices that no tick has run for too long.
        while not stop.wait(every):
            timer.wake_if_overslept()
        timer.stop()


class _Timer:
    """One alarm, set again after every tick."""

    def __init__(self, tick: Tick, *, now: Callable[[], datetime], every: float) -> None:
        self._tick = tick
        self._now = now
        self._every = every
        self._ticking = threading.Lock()
        self._last_tick = time.monotonic()
        self._alarms: Any = _alarms()

    def start(self) -> None:
        self._alarms.start()
        self._set_alarm(0)

    def stop(self) -> None:
        """Wait for the running tick, then end."""
        # While APScheduler's shutdown waits for the running job, it holds the lock that setting
        # an alarm needs, so the last tick must finish first.
        with self._ticking:
            self._alarms.shutdown(wait=True)

    def wake_if_overslept(self) -> None:
        if time.monotonic() - self._last_tick > 2 * self._every and not self._ticking.locked():
            log.warning("scheduler.overslept: the machine's clock was changed; running a tick now")
            self._set_alarm(0)

    def _wake(self) -> None:
        if not self._ticking.acquire(blocking=False):
            return  # the timer is being stopped
        try:
            self._set_alarm(self._run_tick())
        finally:
            self._ticking.release()

    def _run_tick(self) -> float:
        """Do the work; return seconds until the next tick."""
        try:
            wake = self._tick(self._now())
        except Exception:
            log.exception("scheduler.tick_failed: the next tick is in %g seconds", self._every)
            wake = None
        self._last_tick = time.monotonic()
        return self._every if wake is None else self._seconds_until(wake)

    def _seconds_until(self, wake: datetime) -> float:
        wait = (wake - self._now()).total_seconds()
        return min(max(wait, min(_SHORTEST, self._every)), self._every)

    def _set_alarm(self, seconds: float) -> None:
        moment = datetime.now(UTC) + timedelta(seconds=seconds)
        self._alarms.add_job(self._wake, "date", run_date=moment, id="tick", replace_existing=True)


def _alarms() -> Any:
    library: Any = BackgroundScheduler  # it ships no types
    return library(
        timezone=UTC,
        jobstores={"default": {"type": "memory"}},
        executors={"default": {"type": "threadpool", "max_workers": 1}},
        # By default it drops a run that is one second late.
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
