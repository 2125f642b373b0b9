"""Dates in feeds and front matter: RFC 822, ISO 8601 and their usual variants."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

OLDEST, NEWEST = 1990, 2100  # years; anything outside is a default value or a typo

# Hours from UTC.  RFC 822 defines only the American ones; the rest is what feeds
# use.  Parsers that treat an unknown name ("CET") as UTC are wrong by that much.
_ZONES = {
    "UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "IST": 5.5, "CET": 1, "CEST": 2,
    "MET": 1, "MEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2, "EEST": 3, "SAST": 2, "MSK": 3, "TRT": 3,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9,
    "AKDT": -8, "HST": -10, "AST": -4, "ADT": -3, "NST": -3.5, "NDT": -2.5, "BRT": -3, "ART": -3, "CLT": -4,
    "PKT": 5, "ICT": 7, "WIB": 7, "HKT": 8, "SGT": 8, "AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5,
    "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip
_MONTHS = {name: number for number, name in enumerate(
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1
)}  # fmt: skip

_CLOCK = r"(?:[T\s]\s*(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,]\d+)?)?"
_ZONE = r"\s*((?:UTC|GMT)?[+-]\d{1,2}:?(?:\d{2})?|[A-Za-z]{1,5})?(?:\s*\([^)]*\))?"
_ISO = re.compile(rf"(\d{{4}})-(\d{{1,2}})(?:-(\d{{1,2}}))?{_CLOCK}{_ZONE}")
_RFC_822 = re.compile(
    rf"(?:[A-Za-z]{{3,9}}\.?,?\s+)?(\d{{1,2}})[\s-]+([A-Za-z]{{3,9}})\.?,?[\s-]+(\d{{4}}"
    rf"|\d{{2}}){_CLOCK}{_ZONE}"
)
_AMERICAN = re.compile(
    rf"(?:[A-Za-z]{{3,9}},?\s+)?([A-Za-z]{{3,9}})\.?\s+(\d{{1,2}}),?\s+(\d{{4}}){_CLOCK}{_ZONE}"
)


def moment_of(text: str) -> datetime | None:
    """The moment in UTC that a date means; None if it is not a date, or not a plausible one.

    A date without a zone counts as UTC, without a time as midnight.
    """
    line = " ".join(text.split())[:80]
    if match := _ISO.fullmatch(line):
        year, month, day, *clock, zone = match.groups()
        return _moment(int(year), int(month), int(day or 1), clock=clock, zone=zone)
    if match := _RFC_822.fullmatch(line):
        day, name, year, *clock, zone = match.groups()
        return _moment(_full_year(year), _MONTHS.get(name[:3].lower(), 0), int(day), clock=clock, zone=zone)
    if match := _AMERICAN.fullmatch(line):
        name, day, year, *clock, zone = match.groups()
        return _moment(int(year), _MONTHS.get(name[:3].lower(), 0), int(day), clock=clock, zone=zone)
    return None


def within_our_time(moment: datetime) -> datetime | None:
    """An aware moment in UTC, or None when its year cannot be that of an article."""
    try:
        utc = moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return utc if OLDEST <= utc.year <= NEWEST else None


def _full_year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (1900 if year >= 69 else 2000)  # as POSIX reads two digits


def _moment(year: int, month: int, day: int, *, clock: list[str | None], zone: str | None) -> datetime | None:
    hour, minute, second = (int(part or 0) for part in clock)
    try:
        # Python does not support leap seconds.
        naive = datetime(year, month, day, hour, minute, min(second, 59))  # noqa: DTZ001 - the zone follows
        return within_our_time(naive.replace(tzinfo=_zone(zone or "")))
    except (ValueError, OverflowError):
        return None


def _zone(text: str) -> timezone:
    """The offset of a zone; an unknown name counts as UTC."""
    if match := re.fullmatch(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?", text):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        return timezone(-offset if match[1] == "-" else offset)
    return timezone(timedelta(hours=_ZONES.get(text.upper(), 0)))
