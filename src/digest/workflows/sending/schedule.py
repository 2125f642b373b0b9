"""The schedule's work: what is to be done at one look at the clock.

A slot is written into the database before its work begins, so that two
schedulers, a restart or a clock change cannot make two issues of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.errors import Busy, DigestError, NotAllowed
from digest.model.activity import SCHEDULER, ActivityKind
from digest.model.issue import Issue, IssueState
from digest.model.newsletter import Newsletter
from digest.model.slot import Slot, SlotState
from digest.rules.slots import SlotDecision, decide_slot, next_slots, slots_between
from digest.storage import activity_log, issues, slots
from digest.storage.database import Connection, Database
from digest.workflows.sending.deliver import Sent

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleEvent:
    """One thing that a look at the clock led to, for the log."""

    newsletter: str
    what: str
    is_trouble: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleHandlers:
    """What the schedule can set going."""

    collect: Callable[[Newsletter], Sequence[ScheduleEvent]]
    send: Callable[[Newsletter, str], Sent]  # with the slot's key
    resume: Callable[[Newsletter, Issue], Sent]
    draft: Callable[[Newsletter, str], Issue | None] | None = None  # ahead of the slot of this key
    tell_editors: Callable[[Newsletter, Issue], str] | None = None  # what went wrong, or empty


class Scheduler:
    """Keeps in mind when each newsletter was collected last; everything else is in the database."""

    def __init__(
        self,
        newsletters: Sequence[Newsletter],
        *,
        database: Database,
        handlers: ScheduleHandlers,
        tell: Callable[[ScheduleEvent], None],
    ) -> None:
        self._newsletters = newsletters
        self._database = database
        self._handlers = handlers
        self._tell = tell
        self._collected: dict[str, datetime] = {}
        self._found_nothing: dict[str, tuple[str, datetime]] = {}  # slot and look without a draft
        self._not_told: dict[str, datetime] = {}  # when the editors could not be told
        self.had_trouble = False  # a slot was missed, failed, or waits for a person

    def tick(self, now: datetime) -> datetime | None:
        """Do what is due; when the next thing will be.  One newsletter's trouble is not another's."""
        times = []
        for newsletter in self._newsletters:
            try:
                times.append(self._look(newsletter, now))
            except DigestError as error:
                self._tell(ScheduleEvent(newsletter=newsletter.name, what=str(error), is_trouble=True))
            except Exception as error:
                log.exception("schedule.look_failed: %s", newsletter.name)
                what = f"{type(error).__name__}: {error}. This is a bug in digest: please report it."
                self._tell(ScheduleEvent(newsletter=newsletter.name, what=what, is_trouble=True))
        return min(times, default=None)

    def _look(self, newsletter: Newsletter, now: datetime) -> datetime:
        due = self._due(newsletter, now)
        if self._is_time_to_collect(newsletter, due, now):
            self._collect(newsletter, now)
        for slot in due:
            self._send(newsletter, slot)
        waits_until = self._resume(newsletter, now)
        following = next_slots(
            newsletter.schedule, newsletter=newsletter.name, timezone=newsletter.timezone, after=now, count=1
        )
        ahead = newsletter.draft_ahead or timedelta(0)
        for slot in following:
            if newsletter.draft_ahead and now >= slot.due - ahead:
                self._draft_ahead(newsletter, slot)
        self._tell_editors(newsletter, now)
        times = [moment for slot in following for moment in (slot.due - ahead, slot.due) if moment > now]
        times += [waits_until] if waits_until is not None else []
        return min([self._collected[newsletter.name] + newsletter.collect_every, *times])

    def _draft_ahead(self, newsletter: Newsletter, slot: Slot) -> None:
        """Once for each slot: one that was drafted and cancelled is not drafted again.

        Where there was nothing new, it is tried again after each collecting.
        """
        nothing = (slot.key, self._collected[newsletter.name])
        if self._handlers.draft is None or self._found_nothing.get(newsletter.name) == nothing:
            return
        with self._database.read() as connection:
            made = issues.by_slot(connection, newsletter.name, slot.key)
            if made is not None or issues.open_one(connection, newsletter.name) is not None:
                return
        try:
            drafted = self._handlers.draft(newsletter, slot.key)
        except NotAllowed:
            return  # another scheduler was faster
        if drafted is None:
            self._found_nothing[newsletter.name] = nothing
            return
        self._tell(
            ScheduleEvent(newsletter=newsletter.name, what=f"issue {drafted.ref} drafted for {slot.key}")
        )

    def _tell_editors(self, newsletter: Newsletter, now: datetime) -> None:
        last = self._not_told.get(newsletter.name)
        if self._handlers.tell_editors is None or (
            last is not None and now - last < newsletter.collect_every
        ):
            return
        with self._database.read() as connection:
            begun = issues.open_one(connection, newsletter.name)
            if begun is None or issues.are_editors_told(connection, begun.id):
                return
        if trouble := self._handlers.tell_editors(newsletter, begun):
            self._not_told[newsletter.name] = now
            self._tell(ScheduleEvent(newsletter=newsletter.name, what=trouble, is_trouble=True))

    def _is_time_to_collect(self, newsletter: Newsletter, due: Sequence[Slot], now: datetime) -> bool:
        last = self._collected.get(newsletter.name)
        if last is None or now - last >= newsletter.collect_every:
            return True
        return any(slot.due > last for slot in due)

    def _collect(self, newsletter: Newsletter, now: datetime) -> None:
        self._collected[newsletter.name] = now
        for happened in self._handlers.collect(newsletter):
            self._tell(happened)

    def _due(self, newsletter: Newsletter, now: datetime) -> list[Slot]:
        """The slots this scheduler is to serve now: at most the newest one that is not too late.

        Slots of before the very first look are nobody's: a newsletter that was
        set up on Wednesday has not missed Tuesday.
        """
        with self._database.write() as connection:
            return [
                *self._left_over(connection, newsletter, now),
                *self._newly_due(connection, newsletter, now),
            ]

    def _left_over(self, connection: Connection, newsletter: Newsletter, now: datetime) -> Iterator[Slot]:
        """A scheduler died over these: their issue resumes, or begins only now if it is not too late.

        Those that failed are tried again with every collecting, until they are too late.
        """
        again = self._is_time_to_collect(newsletter, (), now)
        for record in slots.unfinished(connection, newsletter.name, failed=again):
            state, reason = _judge(record.slot, now=now, late=newsletter.late, is_newest=True)
            is_begun = issues.by_slot(connection, newsletter.name, record.slot.key) is not None
            if is_begun or state is SlotState.DUE:
                yield record.slot
                continue
            slots.settle(connection, record.slot, state, reason=reason, issue=None)
            self._tell_passed(connection, record.slot, state, reason, now=now)

    def _newly_due(self, connection: Connection, newsletter: Newsletter, now: datetime) -> Iterator[Slot]:
        passed = slots_between(
            newsletter.schedule,
            newsletter=newsletter.name,
            timezone=newsletter.timezone,
            after=slots.recorded_until(connection, newsletter.name, now=now),
            until=now,
        )
        for slot in passed:
            state, reason = _judge(slot, now=now, late=newsletter.late, is_newest=slot is passed[-1])
            if not slots.record(connection, slot, state, at=now, reason=reason):
                continue
            if state is SlotState.DUE:
                yield slot
            else:
                self._tell_passed(connection, slot, state, reason, now=now)

    def _tell_passed(
        self, connection: Connection, slot: Slot, state: SlotState, reason: str, *, now: datetime
    ) -> None:
        what = f"slot {slot.key} {state.value}: {reason}"
        activity_log.record(
            connection, ActivityKind.SLOT, what, by=SCHEDULER, at=now, newsletter=slot.newsletter
        )
        self.had_trouble = True
        self._tell(ScheduleEvent(newsletter=slot.newsletter, what=what, is_trouble=True))

    def _send(self, newsletter: Newsletter, slot: Slot) -> None:
        sent, trouble = None, ""
        try:
            sent = self._handlers.send(newsletter, slot.key)
        except Busy:
            return  # another scheduler has it in hand, and will settle the slot
        except DigestError as error:
            trouble = str(error)
        number = sent.issue.number if sent is not None and sent.issue is not None else None
        state = SlotState.FAILED if sent is None else SlotState.DONE if number else SlotState.SKIPPED
        if sent is not None and sent.state == IssueState.SKIPPED.value:
            state = SlotState.SKIPPED
        reason = trouble or (_came_to(sent) if sent is not None else "")
        with self._database.write() as connection:
            slots.settle(connection, slot, state, reason=reason, issue=number)
            what = f"slot {slot.key} {state.value}" + (f": {reason}" if reason else "")
            activity_log.record(
                connection, ActivityKind.SLOT, what, by=SCHEDULER, at=slot.due, newsletter=newsletter.name
            )
        went_well = sent is not None and (sent.issue is None or sent.state == IssueState.SENT.value)
        self.had_trouble |= not went_well
        self._tell(ScheduleEvent(newsletter=newsletter.name, what=what, is_trouble=not went_well))

    def _resume(self, newsletter: Newsletter, now: datetime) -> datetime | None:
        """Go on with an issue under way: deferred recipients, a send that was interrupted, a time that came.

        The time that a person has chosen for it, where that is still to come.
        """
        from digest.storage import ledger

        with self._database.read() as connection:
            begun = issues.open_one(connection, newsletter.name)
            if begun is None or begun.state not in {IssueState.SENDING, IssueState.APPROVED}:
                return None
            counts = ledger.counts(connection, begun.id, now=now)
            chosen = begun.send_at if begun.state is IssueState.APPROVED else None
            if chosen is not None and chosen > now:
                return chosen
            is_approved = begun.state is IssueState.APPROVED and chosen is None
            if is_approved and not _is_at_its_slot(connection, newsletter, begun, now):
                return None  # it waits for its slot, or for the person who approved it
        if chosen is not None and now - chosen > newsletter.late:
            self._hold_late(newsletter, begun, late=now - chosen, now=now)
            return None
        if not (counts.pending or counts.in_flight):
            return None
        try:
            sent = self._handlers.resume(newsletter, begun)
        except Busy:
            return None  # another scheduler goes on with it
        self._tell(
            ScheduleEvent(
                newsletter=newsletter.name, what=f"issue {begun.ref} went on: {sent.state} {sent.reason}"
            )
        )
        return None

    def _hold_late(self, newsletter: Newsletter, issue: Issue, *, late: timedelta, now: datetime) -> None:
        """Nothing ran at the chosen time: whether it still goes is for a person to say."""
        reason = (
            f"it was approved for a time that was found {_hours(late)} late, "
            f"and late_hours is {_hours(newsletter.late)}"
        )
        with self._database.write() as connection:
            if not issues.move(
                connection, issue.id, to=IssueState.HELD, among=[IssueState.APPROVED], reason=reason
            ):
                return
            activity_log.record_of_issue(
                connection, issue, ActivityKind.HELD, f"held: {reason}", by=SCHEDULER, at=now
            )
        self.had_trouble = True
        self._tell(
            ScheduleEvent(
                newsletter=newsletter.name, what=f"issue {issue.ref} is held: {reason}", is_trouble=True
            )
        )


def _is_at_its_slot(connection: Connection, newsletter: Newsletter, issue: Issue, now: datetime) -> bool:
    """Its slot has come and was not found too late: whoever approves it now sends it."""
    if not issue.slot_key or slots.was_missed(connection, newsletter.name, issue.slot_key):
        return False
    following = next_slots(
        newsletter.schedule, newsletter=newsletter.name, timezone=newsletter.timezone, after=now, count=1
    )
    return all(slot.key != issue.slot_key for slot in following)


def _came_to(sent: Sent) -> str:
    if sent.issue is None:
        return sent.reason  # that it was skipped is the slot's own state
    return f"{sent.issue.ref} {sent.state}" + (f": {sent.reason}" if sent.reason else "")


def _judge(slot: Slot, *, now: datetime, late: timedelta, is_newest: bool) -> tuple[SlotState, str]:
    if not is_newest:
        return SlotState.COALESCED, "a later slot was due at the same look"
    if decide_slot(slot, now=now, late=late) is SlotDecision.MISSED:
        return (
            SlotState.MISSED,
            f"it was found {_hours(now - slot.due)} late, and late_hours is {_hours(late)}",
        )
    return SlotState.DUE, ""


def _hours(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours:.0f} hours" if hours >= 2 else f"{hours:.1f} hours"
