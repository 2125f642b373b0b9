"""The alarm clock over a real APScheduler, at short intervals."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from digest.jobs import timer


def now() -> datetime:
    return datetime.now(UTC)


class Ticks:
    """Writes down every look, and stops the clock after some."""

    def __init__(self, *, until: int, answer: Callable[[int], datetime | None] = lambda _: None) -> None:
        self.at: list[float] = []
        self.stop = threading.Event()
        self._until = until
        self._answer = answer

    def __call__(self, moment: datetime) -> datetime | None:
        assert moment.tzinfo is UTC
        self.at.append(time.monotonic())
        if len(self.at) >= self._until:
            self.stop.set()
        return self._answer(len(self.at))

    @property
    def gaps(self) -> list[float]:
        return [b - a for a, b in zip(self.at, self.at[1:], strict=False)]


def test_it_looks_at_once_and_then_every_so_often() -> None:
    ticks = Ticks(until=4)
    began = time.monotonic()

    timer.run(ticks, now=now, stop=ticks.stop, every=0.1)

    assert len(ticks.at) == 4
    assert ticks.at[0] - began < 0.5
    assert all(0.08 < gap < 0.6 for gap in ticks.gaps)


def test_it_looks_again_when_the_tick_asks_for_it() -> None:
    """A slot that is due before the next look is not late by it."""
    ticks = Ticks(until=2, answer=lambda _: now() + timedelta(seconds=1.1))

    timer.run(ticks, now=now, stop=ticks.stop, every=20)

    assert 1.0 < ticks.gaps[0] < 2


def test_a_far_moment_does_not_keep_it_from_looking() -> None:
    ticks = Ticks(until=3, answer=lambda _: now() + timedelta(days=7))

    timer.run(ticks, now=now, stop=ticks.stop, every=0.1)

    assert max(ticks.gaps) < 0.6


def test_a_moment_in_the_past_does_not_spin() -> None:
    ticks = Ticks(until=3, answer=lambda _: now() - timedelta(hours=1))

    timer.run(ticks, now=now, stop=ticks.stop, every=0.2)

    assert min(ticks.gaps) > 0.15


def test_a_shifted_clock_is_waited_for_in_real_seconds() -> None:
    """`--now` sets where the command's clock starts; waiting runs on from there."""
    shift = timedelta(days=-400)
    ticks = Ticks(until=2, answer=lambda _: now() + shift + timedelta(seconds=1.1))

    timer.run(ticks, now=lambda: now() + shift, stop=ticks.stop, every=20)

    assert 1.0 < ticks.gaps[0] < 2


def test_a_failing_tick_is_logged_and_the_clock_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    def fail_twice(count: int) -> None:
        if count < 3:
            raise RuntimeError("the disk is full")

    ticks = Ticks(until=3, answer=fail_twice)
    with caplog.at_level(logging.ERROR):
        timer.run(ticks, now=now, stop=ticks.stop, every=0.05)

    assert len(ticks.at) == 3
    assert [r.message for r in caplog.records] == [
        "scheduler.tick_failed: the next tick is in 0.05 seconds"
    ] * 2
    assert "the disk is full" in caplog.text


def test_two_ticks_never_run_together_and_a_slow_one_ends_before_the_clock_does() -> None:
    running, most, ended = 0, 0, 0
    stop = threading.Event()

    def slow(_: datetime) -> None:
        nonlocal running, most, ended
        running += 1
        most = max(most, running)
        if ended == 1:
            stop.set()
        time.sleep(0.3)
        running -= 1
        ended += 1

    timer.run(slow, now=now, stop=stop, every=0.05)

    assert (most, running) == (1, 0)
    assert ended >= 2


def test_a_wall_clock_that_is_set_back_does_not_stop_the_looks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The alarm then lies a day ahead; the monotonic loop notices."""
    real = timer._Timer._set_alarm
    ticks = Ticks(until=3)

    def a_day_ahead(clock: timer._Timer, seconds: float) -> None:
        real(clock, seconds + 86_400 if seconds else 0)

    monkeypatch.setattr(timer._Timer, "_set_alarm", a_day_ahead)
    timer.run(ticks, now=now, stop=ticks.stop, every=0.1)

    assert len(ticks.at) == 3
    assert "scheduler.overslept" in caplog.text


def test_it_runs_beside_a_web_server_without_touching_signals() -> None:
    """In a thread other than the main one, only `stop` ends it."""
    before = signal.getsignal(signal.SIGTERM)
    ticks = Ticks(until=2)
    beside = threading.Thread(
        target=timer.run, args=(ticks,), kwargs={"now": now, "stop": ticks.stop, "every": 0.05}
    )

    beside.start()
    beside.join(timeout=5)

    assert not beside.is_alive()
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_running_tick_end(number: signal.Signals) -> None:
    """The process ends by itself with 0, after what it was doing."""
    program = """
import threading, time
from datetime import UTC, datetime
from digest.jobs.timer import run

def tick(moment):
    print("began", flush=True)
    time.sleep(0.8)
    print("ended", flush=True)

run(tick, now=lambda: datetime.now(UTC), stop=threading.Event(), every=30)
print("stopped", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "began\n"
        os.kill(process.pid, number)
        rest = process.stdout.read()

    assert (process.returncode, rest) == (0, "ended\nstopped\n")
