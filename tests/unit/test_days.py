"""A day without a time is that day where the newsletter is at home."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from digest.model.article import FoundArticle
from digest.rules.date_only import on_its_day


@pytest.mark.parametrize(
    ("zone", "given", "meant"),
    [
        ("America/Los_Angeles", datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 19, 23, tzinfo=UTC)),
        ("UTC", datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 11, 20, 7, 30, tzinfo=UTC), None),
        ("America/Los_Angeles", datetime(2026, 11, 20, 0, 0, 1, tzinfo=UTC), None),
    ],
)
def test_the_day_stays_the_day(zone, given, meant):
    """What has a time keeps it to the second."""
    found = FoundArticle(url="https://x.example/a", title="A", published=given)

    moved = on_its_day(found, ZoneInfo(zone))

    assert moved.published == (meant or given)
    assert meant is None or moved.published.astimezone(ZoneInfo(zone)).date() == given.date()


def test_an_undated_article_stays_undated():
    found = FoundArticle(url="https://x.example/a", title="A")
    assert on_its_day(found, ZoneInfo("UTC")) is found
