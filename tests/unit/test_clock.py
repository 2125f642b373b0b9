"""The clock of a process: real, or running on from a given start."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
import time_machine

from digest.clock import Clock, parse_moment

BERLIN_SUMMER = timezone(timedelta(hours=2))


def test_without_a_start_it_is_the_real_time() -> None:
    with time_machine.travel(datetime(2026, 3, 1, 12, tzinfo=UTC), tick=False):
        assert Clock()() == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_it_runs_on_from_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: passed[0])
    clock = Clock(datetime(2030, 1, 1, 8, tzinfo=BERLIN_SUMMER))
    first = clock()
    passed[0] += 90

    assert first == datetime(2030, 1, 1, 6, tzinfo=UTC)
    assert first.tzinfo is UTC
    assert clock() == datetime(2030, 1, 1, 6, 1, 30, tzinfo=UTC)


def test_a_changed_wall_clock_does_not_move_a_given_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 5.0)
    clock = Clock(datetime(2030, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(time, "time", lambda: 0.0)

    assert clock() == datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T09:00:00Z", datetime(2026, 11, 24, 9, tzinfo=UTC)),
        ("2026-11-24T09:00:00+02:00", datetime(2026, 11, 24, 7, tzinfo=UTC)),
        (" 2026-11-24T09:00 ", datetime(2026, 11, 24, 9, tzinfo=UTC)),
        ("2026-11-24 09:00", datetime(2026, 11, 24, 9, tzinfo=UTC)),
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read(text: str, moment: datetime) -> None:
    found = parse_moment(text)

    assert found == moment
    assert found.tzinfo is UTC


@pytest.mark.parametrize("text", ["", "now", "tomorrow", "24.11.2026", "2026-13-01", "2026-11-24T25:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_moment(text)
