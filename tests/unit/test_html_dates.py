"""Dates and reading times as people write them on pages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from digest.sources.html_dates import (
    find_date,
    find_minutes,
    is_day_first,
    read_datetime,
    without_dates,
    without_minutes,
    year_alone,
)

NOW = datetime(2026, 7, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Posted on: Mon 20 July 2026 by Qi Zhu", "2026-07-20"),
        ("2026-05-01 — Title", "2026-05-01"),
        ("2026/05/01", "2026-05-01"),
        ("2026.5.1", "2026-05-01"),
        ("May 5, 2026 at 10:30 AM", "2026-05-05"),
        ("Sept. 3rd, 2025", "2025-09-03"),
        ("3rd of September 2025", "2025-09-03"),
        ("05-May-2026", "2026-05-05"),
        ("2026 May 5", "2026-05-05"),
        ("5 May '26", "2026-05-05"),
        ("Thu, 07/16/2026 - 09:30", "2026-07-16"),
        ("20. Juli 2026", "2026-07-20"),
        ("3. März 2026", "2026-03-03"),
        ("05.06.2026", "2026-06-05"),
        ("le 1er juillet 2026", "2026-07-01"),
        ("12 août 2025", "2025-08-12"),
        ("5 de mayo de 2026", "2026-05-05"),
        ("5 maggio 2026", "2026-05-05"),
        ("8 mei 2026", "2026-05-08"),
        ("5 de março de 2026", "2026-03-05"),
        ("5 maj 2026", "2026-05-05"),
        ("5 мая 2026 г.", "2026-05-05"),
        ("2026. május 5.", "2026-05-05"),
        ("2026年5月1日", "2026-05-01"),
        ("13/06/2026", "2026-06-13"),
        ("3 days ago", "2026-07-22"),
        ("Ann · yesterday · 5 min read", "2026-07-24"),
        ("vor 3 Tagen", "2026-07-22"),
        ("il y a 2 jours", "2026-07-23"),
        ("hace una semana", "2026-07-18"),
        ("há 3 dias", "2026-07-22"),
        ("3 giorni fa", "2026-07-22"),
        ("een week geleden", "2026-07-18"),
        ("heute", "2026-07-25"),
    ],
)
def test_a_date_is_found(text: str, day: str) -> None:
    """In many languages and notations; without a time it is midnight UTC."""
    found = find_date(text, now=NOW)
    assert found is not None
    assert found.value == datetime.fromisoformat(day).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Comet 0.17.0 Release",
        "Version 1.2.24",
        "10.20.2024.5",
        "May 2026",  # a month is no day
        "2026",
        "May the fourth be with you",
        "for a year",
        "for 3 years",
        "today we talk about ropes and other things",
        "31 February 2026",
        "1 January 1970",
        "1 January 3000",
        "0001-01-01",
        "call 555-2026-12",
        "3 of 5",
    ],
)
def test_what_is_no_date(text: str) -> None:
    assert find_date(text, now=NOW) is None


def test_hours_ago_keep_their_hour() -> None:
    found = find_date("5 hours ago", now=NOW)
    assert found is not None
    assert found.value == datetime(2026, 7, 25, 7, tzinfo=UTC)


def test_where_the_date_stands_is_told_with_its_weekday() -> None:
    text = "Posted on Mon 20 July 2026 by Ann"
    found = find_date(text, now=NOW)
    assert found is not None
    assert text[found.start : found.end] == "Mon 20 July 2026"


@pytest.mark.parametrize(
    ("text", "year", "day"),
    [
        ("Dec 30", 2025, "2025-12-30"),
        ("30. Dez.", 2025, "2025-12-30"),
        ("05-12", 2024, "2024-05-12"),
        ("Jul 24", None, "2026-07-24"),  # the latest that is not in the future
        ("Dec 30", None, "2025-12-30"),
    ],
)
def test_a_day_without_a_year(text: str, year: int | None, day: str) -> None:
    """The surroundings say the year, else it is the latest possible one; never without being asked."""
    found = find_date(text, now=NOW, year=year, yearless=True)
    assert found is not None
    assert found.value.date().isoformat() == day
    assert find_date(text, now=NOW) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-05-01T23:30:00-05:00", "2026-05-02T04:30:00+00:00"),
        ("2026-05-01T10:00:00Z", "2026-05-01T10:00:00+00:00"),
        ("2026-05-01T10:00:00.000+0200", "2026-05-01T08:00:00+00:00"),
        ("2026-05-01 10:00:00 +0000 UTC", "2026-05-01T10:00:00+00:00"),
        ("2026-05-01", "2026-05-01T00:00:00+00:00"),
        ("Mon, 20 Jul 2026 10:00:00 GMT", "2026-07-20T10:00:00+00:00"),
        ("July 20, 2026 10:00 PM", "2026-07-20T22:00:00+00:00"),
        ("20 juillet 2026", "2026-07-20T00:00:00+00:00"),
        ("2026", None),
        ("2026-05", None),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        ("soon", None),
        ("9999-12-31T23:59:59-14:00", None),
    ],
)
def test_dates_for_machines(value: str, expected: str | None) -> None:
    found = read_datetime(value, now=NOW)
    assert (found.isoformat() if found else None) == expected


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("8 min read", 8),
        ("8-minute read", 8),
        ("Ann · 12 mins read", 12),
        ("Reading time: 5 minutes", 5),
        ("Lesezeit: ca. 8 Minuten", 8),
        ("8 Min. Lesezeit", 8),
        ("5 minutes de lecture", 5),
        ("Lectura de 8 min", 8),
        ("4 min di lettura", 4),
        ("July 4 · 7 min · 1420 words", 7),
        ("约 5 分钟", 5),
        ("wait 8 minutes before reading", None),
        ("the 5 minute rule", None),
        ("999 min read", None),
        ("read", None),
    ],
)
def test_reading_time(text: str, minutes: int | None) -> None:
    assert find_minutes(text) == minutes


def test_dates_and_times_can_be_taken_out() -> None:
    """Prose keeps its numbers; "5 May" goes only when asked."""
    assert without_dates("Posted on Mon 20 July 2026 by Ann") == "Posted on by Ann"
    assert without_dates("1 out of 5 may read it") == "1 out of 5 may read it"
    assert without_dates("Dec 5 · Ann", yearless=True) == "· Ann"
    assert without_minutes("Ann · 8 min read") == "Ann ·"


@pytest.mark.parametrize(
    ("texts", "language", "expected"),
    [
        (["05/06/2026", "28/05/2026"], "en-US", True),
        (["05/06/2026", "05/28/2026"], "de", False),
        (["05/06/2026"], "en", False),
        (["05/06/2026"], "en-GB", True),
        (["05/06/2026"], "fr", True),
        (["05/06/2026"], "", False),
    ],
)
def test_the_order_of_day_and_month(texts: list[str], language: str, expected: bool) -> None:
    """Proved by another date of the page, else by its language."""
    assert is_day_first(texts, language=language) is expected


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("2026", 2026),
        ("Posts in 2025", 2025),
        ("May 2024", 2024),
        ("2026 and 2025", None),
        ("20260", None),
        ("A history of the mill from 2024 on", None),
    ],
)
def test_a_heading_that_names_a_year(text: str, year: int | None) -> None:
    assert year_alone(text) == year
