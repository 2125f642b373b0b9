"""Times, dates, numbers and shares as people write them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def day_and_city(moment: datetime, timezone: str, *, now: datetime) -> str:
    """Tuesday 09:00 in Berlin; with the date if it is more than six days away."""
    local, today = moment.astimezone(ZoneInfo(timezone)), now.astimezone(ZoneInfo(timezone))
    clock = f"{local:%H:%M} {_city(timezone)}"
    weekday = _WEEKDAYS[local.weekday()]
    if abs(local.date() - today.date()) <= timedelta(days=6):
        return f"{weekday} {clock}"
    return f"{weekday} {_date(local, today)}, {clock}"


def distance(moment: datetime, *, now: datetime) -> str:
    """in 20 hours, 8 minutes ago, now"""
    length = _length(abs(moment - now))
    if not length:
        return "now"
    return f"in {length}" if moment > now else f"{length} ago"


def clock_time(moment: datetime, timezone: str) -> str:
    """Tue 09:00, as an inbox shows it."""
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{_WEEKDAYS[local.weekday()][:3]} {local:%H:%M}"


def hour(moment: datetime, timezone: str) -> str:
    """13:04"""
    return f"{moment.astimezone(ZoneInfo(timezone)):%H:%M}"


def initials(name: str) -> str:
    """A person's initials: the first letters of the first two words, or the first two letters of one."""
    words = name.split()
    letters = [word[0] for word in words[:2]] if len(words) > 1 else list(name.strip()[:2])
    return "".join(letters).upper()


def short_date(moment: datetime) -> str:
    return f"{moment.day} {_MONTHS[moment.month - 1][:3]}"


def list_date(moment: datetime, *, now: datetime) -> str:
    """29 Sep; with the year if it is not obvious"""
    year = f" {moment.year}" if abs(moment.date() - now.astimezone(moment.tzinfo).date()).days > 180 else ""
    return f"{short_date(moment)}{year}"


def day(moment: datetime) -> str:
    """30 September"""
    return f"{moment.day} {_MONTHS[moment.month - 1]}"


def full_date(moment: datetime) -> str:
    return f"{_WEEKDAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]}"


def count(number: int, one: str, many: str = "") -> str:
    """1 story, 12,418 people"""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def kilobytes(size: int) -> str:
    """Kilobytes of 1,000 bytes, the unit of mail apps' clipping limits."""
    return f"{size / 1000:.1f} KB"


def sentence(text: str) -> str:
    """The text with a capital letter and a full stop; a leading URL or path stays as it is."""
    first = text.split(maxsplit=1)[:1]
    if not first:
        return ""
    text = text.strip()
    begin = text[0] if {":", "/"} & set(first[0]) else text[0].upper()
    return f"{begin}{text[1:]}{'' if text[-1] in '.!?…' else '.'}"


def share(part: int, whole: int) -> str:
    """99.7 %; never rounded up to 100 % or down to 0 %."""
    if not whole:
        return ""
    shown = 100 * part / whole
    if 0 < part < whole:
        shown = min(max(shown, 0.1), 99.9)
    return f"{shown:.0f} %" if part in {0, whole} else f"{shown:.1f} %"


def days(length: timedelta) -> str:
    """41 days, 1 day"""
    return count(length.days, "day")


def about(length: timedelta) -> str:
    """about 1 minute, less than a minute"""
    said = _length(length)
    return f"about {said}" if said else "less than a minute"


def source_kind(kind: str) -> str:
    """As people call it; kinds of third parties by their own name."""
    known = {"feed": "Feed", "listing": "Page", "markdown": "Markdown"}
    return known.get(kind, kind.replace("_", " ").capitalize())


def new_when(moment: datetime, number: int, *, now: datetime) -> str:
    """3 new today, 1 new yesterday, last new 30 September"""
    ago = (now.astimezone(moment.tzinfo).date() - moment.date()).days
    if ago <= 1 and number:
        return f"{number:,} new {'today' if ago <= 0 else 'yesterday'}"
    said = {0: "today", 1: "yesterday"}.get(ago) or _date(moment, now.astimezone(moment.tzinfo))
    return f"last new {said}"


def _length(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    if minutes < 60:
        return count(minutes, "minute") if minutes else ""
    if minutes < 48 * 60:
        return count(minutes // 60, "hour")
    return count(minutes // (24 * 60), "day")


def _date(local: datetime, today: datetime) -> str:
    year = f" {local.year}" if abs(local.date() - today.date()) > timedelta(days=180) else ""
    return f"{local.day} {_MONTHS[local.month - 1]}{year}"


def _city(timezone: str) -> str:
    area, _, city = timezone.rpartition("/")
    return f"in {city.replace('_', ' ')}" if area and area != "Etc" else city
