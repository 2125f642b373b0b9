"""A rate for all senders of a process: even, and monotonic."""

from __future__ import annotations

import threading

import pytest

from digest.dispatch.rate import Rate


class Time:
    """A clock that only moves while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def rate(per_second: float, time: Time) -> Rate:
    return Rate(per_second, monotonic=lambda: time.now, sleep=time.sleep)


def test_the_first_goes_at_once_and_the_rest_evenly() -> None:
    time = Time()
    limit = rate(4, time)
    for _ in range(9):
        limit.take()

    assert time.slept == pytest.approx([0.25] * 8)


def test_many_at_once_are_paid_for_by_the_next() -> None:
    """A batch goes as one request: the wait comes after it."""
    time = Time()
    limit = rate(50, time)
    limit.take(500)
    assert time.slept == []

    limit.take(1)
    assert sum(time.slept) == pytest.approx(10)


def test_a_pause_is_not_saved_up() -> None:
    """After an idle hour the wire is not flooded with what could have gone."""
    time = Time()
    limit = rate(10, time)
    limit.take()
    time.now += 3600
    for _ in range(11):
        limit.take()

    assert sum(time.slept) == pytest.approx(1)


def test_nobody_waits_for_nothing() -> None:
    time = Time()
    limit = rate(1000, time)
    for _ in range(5):
        limit.take()
        time.now += 1

    assert time.slept == []


def test_threads_share_one_rate() -> None:
    """Whoever comes when, the places in the line are evenly apart and each is given once."""
    places: list[float] = []
    limit = Rate(100, monotonic=lambda: 0.0, sleep=places.append)
    threads = [threading.Thread(target=lambda: [limit.take() for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(places) == pytest.approx([n / 100 for n in range(1, 200)])
