"""When issues are due: parses schedules and derives their slots.

A slot is named by its local wall-clock label ("2026-10-25T02:30" in Europe/Berlin),
and each label exists exactly once, whatever the clocks do: one that is skipped in
spring is due at the first instant after the gap; one that occurs twice in autumn is
due the first time.  What happens to a slot is decided elsewhere, except for whether
it is too late for it.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from digest.errors import SettingsError
from digest.model.newsletter import Newsletter
from digest.model.slot import Schedule, Slot

FORMS = (
    "Write “Tue 09:00”, “Mon,Thu 09:00”, “Mon-Fri 7:30”, “daily 08:00” or a cron line such as “0 9 * * TUE”."
)

# How long after its due time a slot still counts as on time: ten checks of the scheduler.
ON_TIME = timedelta(minutes=5)

# The longest wait between two due days of any schedule: 29 February around a century
# year that is not a leap year (1896 to 1904, 2096 to 2104).
_LONGEST_WAIT = timedelta(days=8 * 366)


class SlotDecision(StrEnum):
    EARLY = "early"  # not due yet
    DUE = "due"  # due now
    LATE = "late"  # found late, but still sent
    MISSED = "missed"  # found too late to be sent


def parse_schedule(text: str) -> Schedule:
    """Parse a schedule: days and a time, or a cron line of five fields.

    Raises:
        SettingsError: the text is neither; the message says what is wrong with it.
    """
    if plain := re.fullmatch(r"\s*(.+?)\s+([0-9]{1,2}:[0-9]{2})\s*", text):
        days, clock = plain.groups()
        return _plain(text, days=re.sub(r"\s*([,-])\s*", r"\1", days), clock=clock)
    fields = text.split()
    if len(fields) != 5:
        raise SettingsError(f"“{text}” is not a schedule.", mend=FORMS)
    return _cron(text, fields)


def slots_between(
    schedule: Schedule, *, newsletter: str, timezone: str, after: datetime, until: datetime
) -> tuple[Slot, ...]:
    """All slots due later than `after` and not later than `until`, in order.

    Adjacent intervals share no slot and miss none.  Two labels can be due at the same
    instant: one inside a gap and the one that follows the gap.
    """
    return tuple(_slots(schedule, newsletter=newsletter, timezone=timezone, after=after, until=until))


def next_slots(
    schedule: Schedule, *, newsletter: str, timezone: str, after: datetime, count: int
) -> tuple[Slot, ...]:
    """The first `count` slots due later than `after`, in order."""
    horizon = after + _LONGEST_WAIT * count
    slots = _slots(schedule, newsletter=newsletter, timezone=timezone, after=after, until=horizon)
    return tuple(islice(slots, count))


def next_slot(newsletter: Newsletter, *, after: datetime) -> Slot | None:
    """The newsletter's first slot due later than `after`; None if its schedule never comes due."""
    slots = next_slots(
        newsletter.schedule, newsletter=newsletter.name, timezone=newsletter.timezone, after=after, count=1
    )
    return slots[0] if slots else None


def decide_slot(slot: Slot, *, now: datetime, late: timedelta) -> SlotDecision:
    """What to do with this slot now; one that is overdue by more than `late` is missed and not sent."""
    overdue = now - slot.due
    if overdue < timedelta(0):
        return SlotDecision.EARLY
    if overdue > late:
        return SlotDecision.MISSED
    return SlotDecision.DUE if overdue <= ON_TIME else SlotDecision.LATE


def moving_hours(timezone: str, *, year: int) -> frozenset[int]:
    """The local hours that a clock change skips or repeats on any day of this year."""
    zone = ZoneInfo(timezone)
    first = datetime(year, 1, 1, tzinfo=UTC)
    days = [first + timedelta(days=n) for n in range(367)]
    moved: set[int] = set()
    for before, after in pairwise(days):
        step = _offset(after, zone) - _offset(before, zone)
        if step:
            # No zone changes twice in a day: bisection finds the moment between the two.
            change = _change(zone, low=before, high=after) + _offset(before, zone)
            moved |= _hours_between(change + min(step, timedelta(0)), abs(step))
    return frozenset(moved)


# --- reading schedules ------------------------------------------------------------


_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ALL_DAYS = frozenset(range(1, 32))
_ALL_MONTHS = frozenset(range(1, 13))
_ALL_WEEKDAYS = frozenset(range(7))


def _plain(text: str, *, days: str, clock: str) -> Schedule:
    hour, minute = (int(part) for part in clock.split(":"))
    if hour > 23 or minute > 59:
        raise SettingsError(f"“{clock}” is not a time of day.", mend="Write 00:00 to 23:59.")
    is_daily = days.casefold() == "daily"
    return Schedule(
        text=text,
        minutes=frozenset({minute}),
        hours=frozenset({hour}),
        days=_ALL_DAYS,
        months=_ALL_MONTHS,
        weekdays=_ALL_WEEKDAYS if is_daily else _weekdays(days),
        any_day=True,
        any_weekday=is_daily,
    )


def _cron(text: str, fields: Sequence[str]) -> Schedule:
    minute, hour, day, month, weekday = fields
    schedule = Schedule(
        text=text,
        minutes=_numbers(minute, low=0, high=59, what="minute"),
        hours=_numbers(hour, low=0, high=23, what="hour"),
        days=_numbers(day, low=1, high=31, what="day of the month"),
        months=_numbers(month, low=1, high=12, what="month", names=_MONTHS),
        weekdays=_ALL_WEEKDAYS if weekday == "*" else _weekdays(weekday),
        any_day=day == "*",
        any_weekday=weekday == "*",
    )
    if schedule.any_weekday and not _exists(schedule):
        raise SettingsError(f"“{text}” is never due: none of its months has such a day.", mend=FORMS)
    return schedule


def _exists(schedule: Schedule) -> bool:
    leap_year = 2024
    return any(monthrange(leap_year, month)[1] >= min(schedule.days) for month in schedule.months)


def _weekdays(field: str) -> frozenset[int]:
    """Names only, because cron and other schedulers number the weekdays differently."""
    if re.search(r"[\d*/]", field):
        raise SettingsError(
            f"“{field}” gives weekdays as numbers or steps, which different tools count differently.",
            mend="Write their names: Mon, Tue, Wed, Thu, Fri, Sat, Sun.",
        )
    return frozenset(day for part in field.split(",") for day in _weekday_range(part))


def _weekday_range(part: str) -> Iterator[int]:
    first, dash, last = part.partition("-")
    low = _weekday(first)
    length = (_weekday(last) - low) % 7 if dash else 0
    return ((low + n) % 7 for n in range(length + 1))


def _weekday(name: str) -> int:
    folded = name.casefold().rstrip(".")
    for number, full in enumerate(_WEEKDAYS):
        if len(folded) >= 3 and full.startswith(folded):
            return number
    raise SettingsError(f"“{name}” is not a day of the week.", mend=FORMS)


def _numbers(field: str, *, low: int, high: int, what: str, names: tuple[str, ...] = ()) -> frozenset[int]:
    """One field of a cron line: `*`, numbers, ranges, lists and steps of the first two."""
    found: set[int] = set()
    for part in field.split(","):
        match = re.fullmatch(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
        if not match:
            raise SettingsError(f"“{field}” is not a valid {what} field in a cron line.", mend=FORMS)
        first, last, step = match.groups()
        if step is not None and first is not None and last is None:
            raise SettingsError(
                f"“{part}” has a step without a range.", mend=f"Write “{first}-{high}/{step}”."
            )
        start = low if first is None else _number(first, low=low, high=high, what=what, names=names)
        end = start if first is not None else high
        end = end if last is None else _number(last, low=low, high=high, what=what, names=names)
        if start > end or (step is not None and int(step) == 0):
            raise SettingsError(f"“{part}” is an empty range in the {what} field of a cron line.", mend=FORMS)
        found.update(range(start, end + 1, int(step or 1)))
    return frozenset(found)


def _number(text: str, *, low: int, high: int, what: str, names: tuple[str, ...]) -> int:
    if text.casefold() in names:
        return low + names.index(text.casefold())
    if not re.fullmatch(r"[0-9]{1,2}", text) or not low <= int(text) <= high:
        raise SettingsError(f"There is no {what} “{text}”.", mend=f"Use a value from {low} to {high}.")
    return int(text)


# --- from labels to instants ------------------------------------------------------


def _slots(
    schedule: Schedule, *, newsletter: str, timezone: str, after: datetime, until: datetime
) -> Iterator[Slot]:
    zone = ZoneInfo(timezone)
    clocks = [time(h, m) for h in sorted(schedule.hours) for m in sorted(schedule.minutes)]
    for day in _days(schedule, after=after.astimezone(zone), until=until.astimezone(zone)):
        for clock in clocks:
            label = datetime.combine(day, clock)
            due = _instant(label, zone)
            if after < due <= until:
                key = f"{label.isoformat(timespec='minutes')}[{timezone}]"
                yield Slot(newsletter=newsletter, key=key, due=due)


def _days(schedule: Schedule, *, after: datetime, until: datetime) -> Iterator[date]:
    """The local days of the schedule around an interval.

    It starts a day early, because a label on a day that a zone skipped entirely
    (Samoa, 30 December 2011) is due on the next day.
    """
    day = after.date() - timedelta(days=1)
    while day <= until.date():
        if day.month in schedule.months and _falls_on(schedule, day):
            yield day
        day += timedelta(days=1)


def _falls_on(schedule: Schedule, day: date) -> bool:
    by_date = day.day in schedule.days
    by_weekday = day.weekday() in schedule.weekdays
    if schedule.any_day or schedule.any_weekday:
        return by_date and by_weekday
    return by_date or by_weekday


def _instant(label: datetime, zone: ZoneInfo) -> datetime:
    """The single instant of a local label (PEP 495: fold 0 is the first of two)."""
    due = label.replace(tzinfo=zone).astimezone(UTC)
    if due.astimezone(zone).replace(tzinfo=None) == label:
        return due
    # In a gap, fold 1 reads the label by the clock after the change: an instant before the change.
    return _change(zone, low=label.replace(tzinfo=zone, fold=1).astimezone(UTC), high=due)


def _change(zone: ZoneInfo, *, low: datetime, high: datetime) -> datetime:
    """The first second of the new offset, which takes effect somewhere in (low, high]."""
    new = _offset(high, zone)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (low, middle) if _offset(middle, zone) == new else (middle, high)
    return high


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta(0)


def _hours_between(start: datetime, length: timedelta) -> set[int]:
    minutes = range(0, int(length.total_seconds() // 60), 10)
    return {(start + timedelta(minutes=m)).hour for m in minutes}
