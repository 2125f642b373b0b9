"""Schedules and their slots: every local label once, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import SettingsError
from digest.model.slot import Schedule, Slot
from digest.rules.slots import (
    SlotDecision,
    decide_slot,
    moving_hours,
    next_slots,
    parse_schedule,
    slots_between,
)

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # moves by 30 minutes
    "Africa/Cairo",  # moves at midnight
    "America/Santiago",  # moves at midnight, in the other half of the year
    "Asia/Beirut",  # skips 00:00 in spring
    "Asia/Kathmandu",  # 5:45 ahead
    "UTC",
]
ALL = frozenset(range(7))


def due(text: str, zone: str, after: datetime, until: datetime) -> list[tuple[str, str]]:
    """Labels and instants, short enough to stand in a test."""
    slots = slots_between(parse_schedule(text), newsletter="weekly", timezone=zone, after=after, until=until)
    return [(s.key, s.due.isoformat(timespec="seconds").removesuffix("+00:00")) for s in slots]


# --- reading ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "weekdays", "hour", "minute"),
    [
        ("Tue 09:00", {1}, 9, 0),
        ("tuesday 9:05", {1}, 9, 5),
        ("Mon,Thu 09:00", {0, 3}, 9, 0),
        ("Mon, Tue, Wed, Thu 09:00", {0, 1, 2, 3}, 9, 0),
        ("Mon-Fri 7:30", {0, 1, 2, 3, 4}, 7, 30),
        ("Sat - Mon 23:59", {5, 6, 0}, 23, 59),
        ("Mon,Fri-Sun 00:00", {0, 4, 5, 6}, 0, 0),
        ("daily 08:00", set(ALL), 8, 0),
        ("0 9 * * TUE", {1}, 9, 0),
        ("30 7 * * mon-fri", {0, 1, 2, 3, 4}, 7, 30),
    ],
)
def test_a_weekly_schedule_is_read(text: str, weekdays: set[int], hour: int, minute: int) -> None:
    schedule = parse_schedule(text)

    assert schedule.weekdays == weekdays
    assert (schedule.hours, schedule.minutes) == ({hour}, {minute})
    assert schedule.text == text


@pytest.mark.parametrize(
    ("line", "field", "expected"),
    [
        ("*/20 * * * *", "minutes", {0, 20, 40}),
        ("0 8-18/5 * * *", "hours", {8, 13, 18}),
        ("5,10-12 * * * *", "minutes", {5, 10, 11, 12}),
        ("0 9 1,15 * *", "days", {1, 15}),
        ("0 9 1 jan,JUL *", "months", {1, 7}),
        ("0 9 1 */3 *", "months", {1, 4, 7, 10}),
    ],
)
def test_the_fields_of_a_cron_line_are_read(line: str, field: str, expected: set[int]) -> None:
    assert getattr(parse_schedule(line), field) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a schedule"),
        ("weekly", "is not a schedule"),
        ("@daily", "is not a schedule"),
        ("09:00", "is not a schedule"),
        ("Tue 24:00", "“24:00” is not a time of day"),
        ("Tue 09:60", "“09:60” is not a time of day"),
        ("Thx 09:00", "“Thx” is not a day of the week"),
        ("T 09:00", "“T” is not a day of the week"),
        ("Mon, 09:00", "is not a day of the week"),
        ("0 9 * * 1", "which different tools count differently"),
        ("0 9 * * 1-5", "which different tools count differently"),
        ("0 9 * * */2", "which different tools count differently"),
        ("60 9 * * TUE", "no minute “60”"),
        ("0 24 * * TUE", "no hour “24”"),
        ("0 9 0 * *", "no day of the month “0”"),
        ("0 9 31 2 *", "is never due"),
        ("0 9 30-31 FEB *", "is never due"),
        ("0 9 * 13 *", "no month “13”"),
        ("0 17-9 * * *", "empty range"),
        ("*/0 * * * *", "empty range"),
        ("5/10 * * * *", "Write “5-59/10”"),
        ("0 9 ? * TUE", "is not a valid day of the month"),
        ("٠ 9 * * TUE", "no minute"),
    ],
)
def test_what_is_no_schedule_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse_schedule(text)

    assert says in str(refused.value)


def test_day_and_weekday_together_mean_either_as_in_cron() -> None:
    january = due("0 9 13 * FRI", "UTC", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 31, tzinfo=UTC))

    assert [key[8:10] for key, _ in january] == ["02", "09", "13", "16", "23", "30"]


# --- clock changes --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day", "label", "instant"),
    [
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:00:00"),  # skipped: 03:00 CEST
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30:00"),  # twice: the CEST one
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08T07:00:00"),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30:00"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30:00"),
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45:00"),
        ("Asia/Beirut", "2026-03-29", "00:00", "2026-03-28T22:00:00"),
        ("Africa/Cairo", "2026-04-24", "00:30", "2026-04-23T22:00:00"),
        ("America/Santiago", "2026-09-06", "00:00", "2026-09-06T04:00:00"),
        ("Pacific/Apia", "2011-12-30", "09:00", "2011-12-30T10:00:00"),  # the day that Samoa left out
    ],
)
def test_a_label_at_a_clock_change_is_due_at_one_known_instant(
    zone: str, day: str, label: str, instant: str
) -> None:
    around = datetime.fromisoformat(f"{day}T12:00+00:00")

    found = dict(due(f"daily {label}", zone, around - timedelta(days=3), around + timedelta(days=3)))

    assert found[f"{day}T{label}[{zone}]"] == instant


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("clock", ["00:00", "00:30", "02:30", "09:00"])
def test_every_local_date_has_exactly_one_slot(zone: str, clock: str) -> None:
    """And it shows that time on the wall, or the first moment after the gap it falls into."""
    start, end = date(2024, 1, 1), date(2028, 1, 1)
    midnight = [datetime.combine(day, time(0), ZoneInfo(zone)) for day in (start, end)]
    slots = slots_between(
        parse_schedule(f"daily {clock}"),
        newsletter="weekly",
        timezone=zone,
        after=midnight[0] - timedelta(seconds=1),
        until=midnight[1] - timedelta(seconds=1),
    )

    labels = [f"{start + timedelta(days=n)}T{clock}[{zone}]" for n in range((end - start).days)]
    assert [s.key for s in slots] == labels
    assert all(_is_on_the_wall(s, clock, zone) for s in slots)


def _is_on_the_wall(slot: Slot, clock: str, zone: str) -> bool:
    """Checked by the zone alone: the label reads there, or the clock has just jumped over it."""
    wall = slot.due.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    label = datetime.fromisoformat(f"{slot.key[:10]}T{clock}")
    a_second_before = (slot.due - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    an_hour_before = (slot.due - timedelta(hours=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    is_first = an_hour_before != wall
    return (wall == label and is_first) or (a_second_before < label < wall)


@given(
    zone=st.sampled_from(ZONES),
    text=st.sampled_from(["Tue 09:00", "daily 02:30", "0 0 * * SUN", "*/30 * * * *", "15 1-3 * * *"]),
    start=st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 1)),
    length=st.integers(0, 21 * 86_400),
    cut=st.floats(0, 1),
)
@settings(max_examples=80, deadline=None)
def test_splitting_an_interval_loses_no_slot_and_doubles_none(
    *, zone: str, text: str, start: datetime, length: int, cut: float
) -> None:
    after = start.replace(tzinfo=UTC)
    until = after + timedelta(seconds=length)
    middle = after + timedelta(seconds=int(length * cut))

    whole = due(text, zone, after, until)

    assert due(text, zone, after, middle) + due(text, zone, middle, until) == whole
    assert len({key for key, _ in whole}) == len(whole)
    assert [instant for _, instant in whole] == sorted(instant for _, instant in whole)


def test_a_slot_belongs_to_the_interval_that_ends_with_it() -> None:
    moment = datetime(2026, 11, 24, 8, tzinfo=UTC)

    assert len(due("Tue 09:00", "Europe/Berlin", moment - timedelta(1), moment)) == 1
    assert due("Tue 09:00", "Europe/Berlin", moment, moment + timedelta(1)) == []


# --- looking ahead --------------------------------------------------------------------


def test_the_next_slots_follow_in_order() -> None:
    after = datetime(2026, 10, 20, 12, tzinfo=UTC)

    slots = next_slots(
        parse_schedule("Tue 09:00"), newsletter="weekly", timezone="Europe/Berlin", after=after, count=3
    )

    assert [s.due.isoformat() for s in slots] == [
        "2026-10-27T08:00:00+00:00",
        "2026-11-03T08:00:00+00:00",
        "2026-11-10T08:00:00+00:00",
    ]
    assert slots[0] == Slot(
        newsletter="weekly", key="2026-10-27T09:00[Europe/Berlin]", due=datetime(2026, 10, 27, 8, tzinfo=UTC)
    )


def test_a_leap_day_is_found_over_a_century_without_one() -> None:
    slots = next_slots(
        parse_schedule("0 9 29 2 *"),
        newsletter="weekly",
        timezone="UTC",
        after=datetime(2096, 3, 1, tzinfo=UTC),
        count=1,
    )

    assert [s.key for s in slots] == ["2104-02-29T09:00[UTC]"]


def test_a_long_absence_is_looked_through_by_days() -> None:
    """Thirty years of a weekly slot take well under a second."""
    began = datetime.now(UTC)

    found = due(
        "Tue 09:00", "Europe/Berlin", datetime(1996, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    )

    assert len(found) == 1566
    assert (datetime.now(UTC) - began).total_seconds() < 1


# --- too late? -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (-1, SlotDecision.EARLY),
        (0, SlotDecision.DUE),
        (5, SlotDecision.DUE),
        (6, SlotDecision.LATE),
        (12 * 60, SlotDecision.LATE),
        (12 * 60 + 1, SlotDecision.MISSED),
    ],
)
def test_a_slot_is_late_and_then_missed(minutes: int, expected: SlotDecision) -> None:
    slot = Slot(newsletter="weekly", key="2026-11-24T09:00[UTC]", due=datetime(2026, 11, 24, 9, tzinfo=UTC))

    assert decide_slot(slot, now=slot.due + timedelta(minutes=minutes), late=timedelta(hours=12)) is expected


def test_a_short_patience_is_stronger_than_being_on_time() -> None:
    slot = Slot(newsletter="weekly", key="2026-11-24T09:00[UTC]", due=datetime(2026, 11, 24, 9, tzinfo=UTC))
    now = slot.due + timedelta(minutes=2)

    assert decide_slot(slot, now=now, late=timedelta(minutes=1)) is SlotDecision.MISSED


@pytest.mark.parametrize(
    ("zone", "hours"),
    [
        ("Europe/Berlin", {2}),
        ("America/New_York", {1, 2}),
        ("Asia/Beirut", {0, 23}),
        ("Australia/Lord_Howe", {1, 2}),
        ("Asia/Kathmandu", set()),
    ],
)
def test_the_hours_that_clock_changes_touch_are_known(zone: str, hours: set[int]) -> None:
    assert moving_hours(zone, year=2026) == hours


def test_a_schedule_with_no_restricted_day_is_due_daily() -> None:
    schedule: Schedule = parse_schedule("0 9 * * *")

    assert schedule.any_day
    assert schedule.any_weekday
    assert (
        len(due("0 9 * * *", "UTC", datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))) == 28
    )
