"""Slots: the due times of a schedule, in the newsletter's own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The fields of a cron line as sets of allowed values; `text` is what the owner wrote.

    Weekdays count from Monday = 0, as in `datetime.weekday`.  As in cron, when both
    days of the month and weekdays are restricted, either may match.
    """

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool  # the day-of-month field was "*"
    any_weekday: bool  # the weekday field was "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One due time.  `key` is the local wall-clock label, so that a slot can exist only once."""

    newsletter: str
    key: str  # 2026-10-25T02:30[Europe/Berlin]
    due: datetime  # UTC


class SlotState(StrEnum):
    DUE = "due"  # recorded before any work began
    DONE = "done"  # an issue was made
    SKIPPED = "skipped"  # nothing to send; see the reason
    MISSED = "missed"  # found too late to send under the policy
    COALESCED = "coalesced"  # replaced by a later slot that was due in the same check
    FAILED = "failed"  # stopped by an error; see the reason


def described(state: SlotState, reason: str) -> str:
    """The state with its reason, for people: “skipped: replaced by a later slot”."""
    word = "skipped" if state is SlotState.COALESCED else state.value
    if not reason or reason.startswith(word):
        return reason or word
    return f"{word}: {reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRecord:
    """A slot as stored in the database."""

    slot: Slot
    state: SlotState
    reason: str = ""
    issue: int | None = None
