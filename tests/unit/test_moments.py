"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from digest.errors import NotAllowed
from digest.rules.time_input import check_send_at, parse_moment

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-12-01T09:00", datetime(2026, 12, 1, 8, 0, tzinfo=UTC)),
        (" 2026-07-01 09:00 ", datetime(2026, 7, 1, 7, 0, tzinfo=UTC)),
        ("2026-12-01T09:00+00:00", datetime(2026, 12, 1, 9, 0, tzinfo=UTC)),
        ("2026-12-01T09:00Z", datetime(2026, 12, 1, 9, 0, tzinfo=UTC)),
        ("2026-10-25T02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # twice that night: the first
    ],
)
def test_without_a_zone_it_is_the_newsletter_s(written: str, moment: datetime) -> None:
    assert parse_moment(written, timezone="Europe/Berlin") == moment


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "Choose when"),
        ("soon", "“soon” is not a date"),
        ("2026-13-01T09:00", "is not a date"),
        ("2026-03-29T02:30", "clocks go forward"),
    ],
)
def test_what_is_no_moment_is_refused(written: str, why: str) -> None:
    with pytest.raises(NotAllowed, match=why):
        parse_moment(written, timezone="Europe/Berlin")


def test_the_minute_that_has_just_begun_is_now() -> None:
    assert check_send_at(NOW - timedelta(seconds=50), now=NOW) == NOW
    assert check_send_at(NOW + timedelta(days=90), now=NOW) == NOW + timedelta(days=90)
    for moment in (NOW - timedelta(minutes=3), NOW + timedelta(days=90, minutes=1)):
        with pytest.raises(NotAllowed):
            check_send_at(moment, now=NOW)
