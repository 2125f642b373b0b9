"""When a source has been silent for too long."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from digest.rules.quiet_sources import is_silent, usual_gap

BEGIN = date(2026, 6, 1)


def days(*numbers: int) -> list[date]:
    return [BEGIN + timedelta(days=number) for number in numbers]


@pytest.mark.parametrize(
    ("on", "gap"),
    [
        (days(), None),
        (days(0), None),
        (days(0, 7, 14), None),  # two gaps are no habit
        (days(0, 7, 14, 21), 7),
        (days(21, 0, 14, 7), 7),
        (days(0, 0, 7, 7, 14, 21), 7),  # many on one day are one sign of life
        (days(0, 1, 2, 60), 1),  # one long silence does not make it usual
    ],
)
def test_what_is_usual_is_the_median_gap(on: list[date], gap: int | None) -> None:
    assert usual_gap(on) == (timedelta(days=gap) if gap else None)


@pytest.mark.parametrize(
    ("quiet", "usual", "silent"),
    [
        (14, 1, False),
        (15, 1, True),  # two weeks at least, however lively it was
        (27, 9, False),
        (28, 9, True),
        (14, None, False),
        (15, None, True),
    ],
)
def test_silent_is_three_usual_gaps_and_two_weeks(quiet: int, usual: int | None, silent: bool) -> None:
    gap = timedelta(days=usual) if usual else None

    assert is_silent(timedelta(days=quiet), usual=gap) is silent
