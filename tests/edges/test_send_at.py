"""An issue that was approved for a time: nothing goes before, nothing twice, and too late is not silent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.clock import Clock
from digest.errors import NotAllowed
from digest.model.edit import IssueText, SetText
from digest.model.issue import Issue, IssueState
from digest.model.slot import SlotState
from digest.storage import issues, slots
from digest.storage.database import Database
from digest.transports.outbox.transport import Outbox
from digest.workflows.drafting.draft import draft
from digest.workflows.drafting.edit import edit
from digest.workflows.sending.approve import approve
from digest.workflows.sending.deliver import SendOptions, Sent, deliver
from digest.workflows.sending.schedule import ScheduleActions, ScheduleEvent, Scheduler
from digest.workflows.sending.send import send
from edges.test_pause import COMPOSER
from fakes.activity import actor
from fakes.databases import newsletter, store, subscribe

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)  # the slot: nine in Berlin
THURSDAY = MONDAY + timedelta(days=3)
WEEK = timedelta(weeks=1)


@pytest.fixture
def database(tmp_path: Path, template: Path) -> Iterator[Database]:
    (tmp_path / "digest.db").write_bytes(template.read_bytes())
    opened = Database(f"sqlite:///{tmp_path / 'digest.db'}")
    with opened.write() as connection:
        subscribe(connection, "ann", "bo", "cy", at=MONDAY)
        store(connection, 1, 2, seen=MONDAY, teaser="What it is about.", author="Ann")
    yield opened
    opened.close()


class World:
    """A schedule that really sends, into an outbox."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.told: list[ScheduleEvent] = []
        self.clock = Clock(MONDAY)
        self.schedule = self.restarted()

    def restarted(self) -> Scheduler:
        actions = ScheduleActions(collect=lambda _: [], send=self._send, resume=self._resume)
        self.schedule = Scheduler(
            (newsletter(),), database=self.database, actions=actions, tell=self.told.append
        )
        return self.schedule

    def look(self, now: datetime) -> datetime | None:
        self.clock = Clock(now)
        return self.schedule.tick(now)

    def issue(self) -> Issue:
        with self.database.read() as connection:
            found = issues.latest(connection, "weekly")
        assert found
        return found

    @property
    def mails(self) -> int:
        return len(list(self.folder.glob("*.eml")))

    def _options(self) -> SendOptions:
        return SendOptions(open=lambda: Outbox(self.folder))

    def _send(self, of, key: str) -> Sent:
        return send(
            of,
            composer=COMPOSER,
            database=self.database,
            options=self._options(),
            clock=self.clock,
            by=actor("x"),
            slot_key=key,
        )

    def _resume(self, _, issue: Issue) -> Sent:
        return deliver(
            issue, composer=COMPOSER, database=self.database, options=self._options(), clock=self.clock
        )


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    return World(database, tmp_path / "outbox")


def approved(world: World, at: datetime) -> Issue:
    world.look(MONDAY)  # the first look: slots of before are nobody's
    made = draft(newsletter(), database=world.database, by=actor("a test"), now=MONDAY)
    assert isinstance(made, Issue)
    return approve(made, composer=COMPOSER, database=world.database, by=actor("ann"), send_at=at, now=MONDAY)


def test_it_goes_at_its_time_and_the_clock_is_woken_for_it(world: World) -> None:
    assert approved(world, MONDAY + timedelta(hours=3)).send_at == MONDAY + timedelta(hours=3)

    woken = world.look(MONDAY + timedelta(hours=2, minutes=30))
    assert (world.mails, woken) == (0, MONDAY + timedelta(hours=3))
    world.look(MONDAY + timedelta(hours=3))

    assert (world.mails, world.issue().state) == (3, IssueState.SENT)


def test_a_slot_before_its_time_sends_nothing_and_makes_no_other_issue(world: World) -> None:
    approved(world, THURSDAY)

    world.look(TUESDAY)

    with world.database.read() as connection:
        (record,) = slots.recent(connection, "weekly", limit=5)
    assert (world.mails, world.issue().number, record.state) == (0, 1, SlotState.SKIPPED)
    assert record.reason == "issue weekly/1 is approved for 26 November 2026, 09:00 (Europe/Berlin)"
    world.look(THURSDAY)
    assert (world.mails, world.issue().state) == (3, IssueState.SENT)


def test_the_slot_after_its_time_makes_the_next_issue(world: World) -> None:
    approved(world, THURSDAY)
    world.look(THURSDAY)
    with world.database.write() as connection:
        store(connection, 3, seen=THURSDAY, teaser="What it is about.", author="Ann")

    world.look(TUESDAY + WEEK)

    assert (world.issue().number, world.issue().state) == (2, IssueState.SENT)


def test_a_restart_a_little_late_still_sends(world: World) -> None:
    approved(world, THURSDAY)
    world.restarted()

    world.look(THURSDAY + timedelta(hours=11))

    assert (world.mails, world.issue().state) == (3, IssueState.SENT)


def test_found_too_late_it_waits_for_a_person(world: World) -> None:
    approved(world, THURSDAY)
    world.restarted()

    world.look(THURSDAY + timedelta(hours=13))

    held = world.issue()
    assert (world.mails, held.state) == (0, IssueState.HELD)
    assert held.reason == "it missed the time it was approved for by 13 hours (late_hours = 12)"
    assert held.content_hash, "what was approved is kept: somebody may send it on"
    assert world.schedule.had_trouble


def test_an_edit_takes_the_time_back_with_the_approval(world: World) -> None:
    made = approved(world, THURSDAY)
    change = SetText(text=IssueText.SUBJECT, value="Another", was="")

    edit(
        made,
        change,
        newsletter=newsletter(),
        by=actor("bo"),
        seen_revision=0,
        database=world.database,
        now=MONDAY,
    )

    assert (world.issue().state, world.issue().send_at) == (IssueState.DRAFT, None)


@pytest.mark.parametrize(
    ("at", "why"),
    [(MONDAY - timedelta(hours=1), "past"), (MONDAY + timedelta(days=91), "90 days")],
)
def test_a_time_that_makes_no_sense_is_refused(world: World, at: datetime, why: str) -> None:
    with pytest.raises(NotAllowed, match=why):
        approved(world, at)
    assert world.issue().state is IssueState.DRAFT
