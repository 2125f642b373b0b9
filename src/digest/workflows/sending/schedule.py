"""The scheduler: collects, drafts and sends what is due at each check of the clock.

A slot is recorded in the database before its work begins, so that two schedulers,
a restart or a clock change cannot make two issues of it.
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
from digest.model.slot import Slot, SlotState, described
from digest.rules.slots import SlotDecision, decide_slot, next_slot, slots_between
from digest.storage import activity_log, issues, slots
from digest.storage.database import Connection, Database
from digest.workflows.sending.deliver import Sent

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleEvent:
    """One thing the scheduler did or noticed, for the log."""

    newsletter: str
    what: str
    is_trouble: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleActions:
    """The actions that the scheduler can start."""

    collect: Callable[[Newsletter], Sequence[ScheduleEvent]]
    send: Callable[[Newsletter, str], Sent]  # with the slot's key
    resume: Callable[[Newsletter, Issue], Sent]
    draft: Callable[[Newsletter, str], Issue | None] | None = None  # ahead of the slot of this key
    tell_editors: Callable[[Newsletter, Issue], str] | None = None  # what went wrong, or empty


class Scheduler:
    """Remembers when each newsletter was last collected; everything else is in the database."""

    def __init__(
        self,
        newsletters: Sequence[Newsletter],
        *,
        database: Database,
        actions: ScheduleActions,
        tell: Callable[[ScheduleEvent], None],
    ) -> None:
        self._newsletters = newsletters
        self._database = database
        self._actions = actions
        self._tell = tell
        self._collected: dict[str, datetime] = {}
        self._found_nothing: dict[
            str, tuple[str, datetime]
        ] = {}  # slot, and the time of the collection that found nothing for it
        self._not_notified: dict[str, datetime] = {}  # when notifying the editors failed
        self.had_trouble = False  # a slot was missed or failed, or an issue needs review

    def tick(self, now: datetime) -> datetime | None:
        """Do what is due; returns the next due time.  A problem with one newsletter stops no other."""
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
        following = next_slot(newsletter, after=now)
        ahead = newsletter.draft_ahead or timedelta(0)
        if following is not None and newsletter.draft_ahead and now >= following.due - ahead:
            self._draft_ahead(newsletter, following)
        self._tell_editors(newsletter, now)
        steps = (following.due - ahead, following.due) if following is not None else ()
        times = [moment for moment in steps if moment > now]
        times += [waits_until] if waits_until is not None else []
        return min([self._collected[newsletter.name] + newsletter.collect_every, *times])

    def _draft_ahead(self, newsletter: Newsletter, slot: Slot) -> None:
        """Draft once for each slot: a draft that was cancelled is not drafted again.

        If there was nothing new, the scheduler tries again after each collection.
        """
        nothing = (slot.key, self._collected[newsletter.name])
        if self._actions.draft is None or self._found_nothing.get(newsletter.name) == nothing:
            return
        with self._database.read() as connection:
            made = issues.by_slot(connection, newsletter.name, slot.key)
            if made is not None or issues.open_one(connection, newsletter.name) is not None:
                return
        try:
            drafted = self._actions.draft(newsletter, slot.key)
        except NotAllowed:
            return  # another scheduler was faster
        if drafted is None:
            self._found_nothing[newsletter.name] = nothing
            return
        self._tell(
            ScheduleEvent(newsletter=newsletter.name, what=f"issue {drafted.ref} drafted for {slot.key}")
        )

    def _tell_editors(self, newsletter: Newsletter, now: datetime) -> None:
        last = self._not_notified.get(newsletter.name)
        if self._actions.tell_editors is None or (last is not None and now - last < newsletter.collect_every):
            return
        with self._database.read() as connection:
            begun = issues.open_one(connection, newsletter.name)
            if begun is None or issues.are_editors_told(connection, begun.id):
                return
        if trouble := self._actions.tell_editors(newsletter, begun):
            self._not_notified[newsletter.name] = now
            self._tell(ScheduleEvent(newsletter=newsletter.name, what=trouble, is_trouble=True))

    def _is_time_to_collect(self, newsletter: Newsletter, due: Sequence[Slot], now: datetime) -> bool:
        last = self._collected.get(newsletter.name)
        if last is None or now - last >= newsletter.collect_every:
            return True
        return any(slot.due > last for slot in due)

    def _collect(self, newsletter: Newsletter, now: datetime) -> None:
        self._collected[newsletter.name] = now
        for happened in self._actions.collect(newsletter):
            self._tell(happened)

    def _due(self, newsletter: Newsletter, now: datetime) -> list[Slot]:
        """The slots this scheduler must serve now: at most the newest one that is not too late.

        Slots before the very first check do not count: a newsletter set up on
        Wednesday has not missed Tuesday.
        """
        with self._database.write() as connection:
            return [
                *self._left_over(connection, newsletter, now),
                *self._newly_due(connection, newsletter, now),
            ]

    def _left_over(self, connection: Connection, newsletter: Newsletter, now: datetime) -> Iterator[Slot]:
        """Slots whose scheduler died: their issue resumes, or begins now unless it is too late.

        Slots that failed are tried again with every collection, until they are too late.
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
        what = f"slot {slot.key} {described(state, reason)}"
        activity_log.record(
            connection, ActivityKind.SLOT, what, by=SCHEDULER, at=now, newsletter=slot.newsletter
        )
        self.had_trouble = True
        self._tell(ScheduleEvent(newsletter=slot.newsletter, what=what, is_trouble=True))

    def _send(self, newsletter: Newsletter, slot: Slot) -> None:
        sent, trouble = None, ""
        try:
            sent = self._actions.send(newsletter, slot.key)
        except Busy:
            return  # another scheduler is working on it, and will settle the slot
        except DigestError as error:
            trouble = str(error)
        number = sent.issue.number if sent is not None and sent.issue is not None else None
        state = SlotState.FAILED if sent is None else SlotState.DONE if number else SlotState.SKIPPED
        if sent is not None and sent.state == IssueState.SKIPPED.value:
            state = SlotState.SKIPPED
        reason = trouble or (_came_to(sent) if sent is not None else "")
        with self._database.write() as connection:
            slots.settle(connection, slot, state, reason=reason, issue=number)
            what = f"slot {slot.key} {described(state, reason)}"
            activity_log.record(
                connection, ActivityKind.SLOT, what, by=SCHEDULER, at=slot.due, newsletter=newsletter.name
            )
        went_well = sent is not None and (sent.issue is None or sent.state == IssueState.SENT.value)
        self.had_trouble |= not went_well
        self._tell(ScheduleEvent(newsletter=newsletter.name, what=what, is_trouble=not went_well))

    def _resume(self, newsletter: Newsletter, now: datetime) -> datetime | None:
        """Resume an issue: deferred recipients, an interrupted send, or a chosen time that has come.

        Returns the time a person has chosen for it, if that is still in the future.
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
                return None  # it waits for its slot, or for the person who approved it to send it
        if chosen is not None and now - chosen > newsletter.late:
            self._hold_late(newsletter, begun, late=now - chosen, now=now)
            return None
        if not (counts.pending or counts.in_flight):
            return None
        try:
            sent = self._actions.resume(newsletter, begun)
        except Busy:
            return None  # another scheduler resumes it
        self._tell(
            ScheduleEvent(
                newsletter=newsletter.name,
                what=f"issue {begun.ref} resumed: {sent.state} {sent.reason}".rstrip(),
            )
        )
        return None

    def _hold_late(self, newsletter: Newsletter, issue: Issue, *, late: timedelta, now: datetime) -> None:
        """Nothing was running at the chosen time: a person decides whether to send it now."""
        reason = (
            f"it missed the time it was approved for by {_hours(late)} "
            f"(late_hours = {_number_of_hours(newsletter.late)})"
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
    """Whether its slot has come and was not missed: then it is sent as soon as somebody approves it."""
    if not issue.slot_key or slots.was_missed(connection, newsletter.name, issue.slot_key):
        return False
    following = next_slot(newsletter, after=now)
    return following is None or following.key != issue.slot_key


def _came_to(sent: Sent) -> str:
    if sent.issue is None:
        return sent.reason  # the slot's own state says that it was skipped
    return f"{sent.issue.ref} {sent.state}" + (f": {sent.reason}" if sent.reason else "")


def _judge(slot: Slot, *, now: datetime, late: timedelta, is_newest: bool) -> tuple[SlotState, str]:
    if not is_newest:
        return SlotState.COALESCED, "replaced by a later slot"
    if decide_slot(slot, now=now, late=late) is SlotDecision.MISSED:
        return (
            SlotState.MISSED,
            f"missed by {_hours(now - slot.due)} (late_hours = {_number_of_hours(late)})",
        )
    return SlotState.DUE, ""


def _number_of_hours(span: timedelta) -> str:
    """As it is written in the settings: 12, 0.5."""
    return f"{span.total_seconds() / 3600:g}"


def _hours(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours:.0f} hours" if hours >= 2 else f"{hours:.1f} hours"
