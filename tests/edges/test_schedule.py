"""What one look at the clock sets going, with a real database: every slot once, none missed in silence."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.errors import Busy, NotAllowed, SourceError
from digest.model.issue import Issue, IssueState
from digest.model.newsletter import Newsletter
from digest.model.slot import SlotRecord, SlotState
from digest.rules.slots import parse_schedule
from digest.storage import issues, ledger, slots
from digest.storage.database import Database
from digest.workflows.sending.deliver import Sent
from digest.workflows.sending.schedule import ScheduleActions, ScheduleEvent, Scheduler
from fakes.databases import drafted, newsletter, store, subscribe

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TUESDAY = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)  # nine o'clock in Berlin
KEY = "2026-11-24T09:00[Europe/Berlin]"


@dataclass
class Work:
    """Duties that note what was asked of them; each may be told to fail."""

    collected: list[str] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)
    told: list[ScheduleEvent] = field(default_factory=list)
    on_collect: Callable[[Newsletter], None] = lambda _: None
    on_send: Callable[[Newsletter, str], Sent] = lambda _n, _k: Sent(
        issue=None, state="skipped", reason="none"
    )
    on_resume: Callable[[Newsletter, Issue], Sent] = lambda _n, i: Sent(issue=i, state="sent")

    def actions(self) -> ScheduleActions:
        return ScheduleActions(collect=self._collect, send=self._send, resume=self._resume)

    def _collect(self, letter: Newsletter) -> list[ScheduleEvent]:
        self.collected.append(letter.name)
        self.on_collect(letter)
        return []

    def _send(self, letter: Newsletter, key: str) -> Sent:
        self.sent.append((letter.name, key))
        return self.on_send(letter, key)

    def _resume(self, letter: Newsletter, issue: Issue) -> Sent:
        self.resumed.append(issue.ref)
        return self.on_resume(letter, issue)

    @property
    def troubles(self) -> list[str]:
        return [happened.what for happened in self.told if happened.is_trouble]


@pytest.fixture
def database(tmp_path: Path, template: Path) -> Iterator[Database]:
    (tmp_path / "digest.db").write_bytes(template.read_bytes())
    opened = Database(f"sqlite:///{tmp_path / 'digest.db'}")
    yield opened
    opened.close()


@pytest.fixture
def work() -> Work:
    return Work()


def schedule(database: Database, work: Work, *newsletters: Newsletter) -> Scheduler:
    letters = newsletters or (newsletter(),)
    return Scheduler(letters, database=database, actions=work.actions(), tell=work.told.append)


def recorded(database: Database, name: str = "weekly") -> list[tuple[str, SlotState]]:
    """Local day and time of each slot, and what became of it, oldest first."""
    return [(r.slot.key.partition("[")[0], r.state) for r in reversed(records(database, name))]


def records(database: Database, name: str = "weekly") -> list[SlotRecord]:
    with database.read() as connection:
        return list(slots.recent(connection, name, limit=50))


def an_issue(database: Database, *, state: IssueState, slot_key: str = "") -> Issue:
    """An issue for two people, in the state asked for."""
    with database.write() as connection:
        subscribe(connection, "ann", "bob")
        draft = drafted(connection, store(connection, 1), slot_key=slot_key)
        ledger.freeze_audience(connection, draft.id, "weekly", at=TUESDAY)
        issues.move(connection, draft.id, to=state, among=[IssueState.DRAFT])
        return issues.by_id(connection, draft.id)


# -- when ------------------------------------------------------------------------


def test_a_slot_is_served_when_it_is_due(database: Database, work: Work) -> None:
    clock = schedule(database, work)
    clock.tick(TUESDAY - HOUR)
    assert work.sent == []
    clock.tick(TUESDAY)
    clock.tick(TUESDAY + timedelta(seconds=30))

    assert work.sent == [("weekly", KEY)]
    assert recorded(database) == [("2026-11-24T09:00", SlotState.SKIPPED)]


def test_the_sources_are_read_just_before(database: Database, work: Work) -> None:
    clock = schedule(database, work)
    clock.tick(TUESDAY - timedelta(minutes=1))
    order: list[str] = []
    work.on_collect = lambda _: order.append("collect")

    def send(letter: Newsletter, key: str) -> Sent:
        order.append("send")
        return Sent(issue=None, state="skipped")

    work.on_send = send
    clock.tick(TUESDAY)

    assert order == ["collect", "send"]


def test_the_first_start_has_missed_nothing(database: Database, work: Work) -> None:
    """A newsletter that was set up on Tuesday at noon does not begin with Tuesday's nine o'clock."""
    schedule(database, work).tick(TUESDAY + 3 * HOUR)

    assert work.sent == []
    assert records(database) == []
    assert work.troubles == []


def test_it_wakes_for_the_next_thing(database: Database, work: Work) -> None:
    clock = schedule(database, work)

    assert clock.tick(TUESDAY - 5 * HOUR) == TUESDAY - 4 * HOUR  # collect_every is an hour
    assert clock.tick(TUESDAY - HOUR / 2) == TUESDAY
    assert clock.tick(TUESDAY) == TUESDAY + HOUR


def test_nothing_to_look_after_wakes_nobody(database: Database, work: Work) -> None:
    empty = Scheduler([], database=database, actions=work.actions(), tell=work.told.append)

    assert empty.tick(TUESDAY) is None


def test_sources_are_read_as_often_as_wanted(database: Database, work: Work) -> None:
    clock = schedule(database, work, newsletter(collect_every=2 * HOUR))
    for minutes in range(0, 301, 30):
        clock.tick(TUESDAY - DAY + timedelta(minutes=minutes))

    assert len(work.collected) == 3


# -- being late ------------------------------------------------------------------


def test_after_a_short_downtime_the_slot_is_served_late(database: Database, work: Work) -> None:
    schedule(database, work).tick(TUESDAY - HOUR)
    schedule(database, work).tick(TUESDAY + 11 * HOUR)

    assert work.sent == [("weekly", KEY)]


def test_after_a_long_downtime_it_is_missed_and_told(database: Database, work: Work) -> None:
    """Yesterday's news in the middle of the night is worse than none: a person decides."""
    schedule(database, work).tick(TUESDAY - HOUR)
    schedule(database, work).tick(TUESDAY + 13 * HOUR)

    assert work.sent == []
    [record] = records(database)
    assert record.state is SlotState.MISSED
    assert record.reason == "missed by 13 hours (late_hours = 12)"
    assert any("missed" in trouble for trouble in work.troubles)


def test_lateness_is_the_newsletters_own(database: Database, work: Work) -> None:
    letter = newsletter(late=timedelta(minutes=10))
    schedule(database, work, letter).tick(TUESDAY - HOUR)
    schedule(database, work, letter).tick(TUESDAY + timedelta(minutes=11))

    assert work.sent == []
    assert recorded(database) == [("2026-11-24T09:00", SlotState.MISSED)]


def test_of_several_missed_slots_the_newest_is_served(database: Database, work: Work) -> None:
    """A daily newsletter after a week of downtime sends once."""
    letter = newsletter(schedule=parse_schedule("daily 09:00"))
    schedule(database, work, letter).tick(TUESDAY - 3 * DAY - HOUR)
    schedule(database, work, letter).tick(TUESDAY + HOUR)

    assert work.sent == [("weekly", KEY)]
    assert recorded(database) == [
        ("2026-11-21T09:00", SlotState.COALESCED),
        ("2026-11-22T09:00", SlotState.COALESCED),
        ("2026-11-23T09:00", SlotState.COALESCED),
        ("2026-11-24T09:00", SlotState.SKIPPED),
    ]


def test_a_clock_that_goes_back_makes_no_second_slot(database: Database, work: Work) -> None:
    clock = schedule(database, work)
    for moment in (TUESDAY - HOUR, TUESDAY, TUESDAY - 2 * HOUR, TUESDAY, TUESDAY + HOUR):
        clock.tick(moment)

    assert work.sent == [("weekly", KEY)]


# -- changes of the clocks -------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "begin", "labels"),
    [
        # Berlin goes from 02:00 to 03:00 on 28 March 2027: 02:30 does not exist, and is due at three.
        (3, datetime(2027, 3, 26, 12, tzinfo=UTC), ["27T02:30", "28T02:30", "29T02:30"]),
        # Back from 03:00 to 02:00 on 25 October 2026: 02:30 comes twice, and is due the first time.
        (3, datetime(2026, 10, 23, 12, tzinfo=UTC), ["24T02:30", "25T02:30", "26T02:30"]),
    ],
)
def test_every_day_has_one_slot_also_when_clocks_change(
    database: Database, work: Work, days: int, begin: datetime, labels: list[str]
) -> None:
    clock = schedule(database, work, newsletter(schedule=parse_schedule("daily 02:30")))
    for quarter in range(days * 96 + 1):
        clock.tick(begin + quarter * timedelta(minutes=15))

    assert [key[8:16] for _, key in work.sent] == labels
    assert {state for _, state in recorded(database)} == {SlotState.SKIPPED}


# -- several at once, and after a crash ------------------------------------------


def test_two_schedulers_serve_a_slot_once(database: Database, work: Work) -> None:
    """Looking at the very same moment, on connections of their own."""
    file = database._url.database
    for day in range(4):
        due = TUESDAY + day * 7 * DAY
        databases = [Database(f"sqlite:///{file}") for _ in range(2)]
        clocks = [schedule(one, work) for one in databases]
        start = threading.Barrier(2)

        def look(clock: Scheduler, due: datetime = due, start: threading.Barrier = start) -> None:
            clock.tick(due - HOUR)
            start.wait()
            clock.tick(due)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(look, clocks))
        for one in databases:
            one.close()

    keys = [key for _, key in work.sent]
    assert len(set(keys)) == 4
    # A second one may look into a slot that the first is just serving; `send` then finds its issue.
    assert [state for _, state in recorded(database)] == [SlotState.SKIPPED] * 4


def test_a_slot_that_was_recorded_before_a_crash_is_served(database: Database, work: Work) -> None:
    schedule(database, work).tick(TUESDAY - HOUR)

    def crash(_letter: Newsletter, _key: str) -> Sent:
        raise SystemExit(9)

    work.on_send = crash
    with pytest.raises(SystemExit):
        schedule(database, work).tick(TUESDAY)
    assert recorded(database) == [("2026-11-24T09:00", SlotState.DUE)]

    work.on_send = lambda _l, _k: Sent(issue=None, state="skipped", reason="There are no new articles.")
    schedule(database, work).tick(TUESDAY + 2 * HOUR)
    assert work.sent == [("weekly", KEY), ("weekly", KEY)]
    assert recorded(database) == [("2026-11-24T09:00", SlotState.SKIPPED)]


def test_a_slot_that_made_no_issue_before_a_crash_can_be_missed(database: Database, work: Work) -> None:
    """`late_hours` counts for it as for any other: nothing is sent three days late."""
    schedule(database, work).tick(TUESDAY - HOUR)
    with database.write() as connection:
        slots.record(connection, _slot(), SlotState.DUE, at=TUESDAY)
    schedule(database, work).tick(TUESDAY + 3 * DAY)

    assert work.sent == []
    assert recorded(database) == [("2026-11-24T09:00", SlotState.MISSED)]
    assert any("missed" in trouble for trouble in work.troubles)


def test_a_slot_whose_issue_is_begun_goes_on_however_late(database: Database, work: Work) -> None:
    """Half of the readers have it: the others get it too."""
    schedule(database, work).tick(TUESDAY - HOUR)
    with database.write() as connection:
        slots.record(connection, _slot(), SlotState.DUE, at=TUESDAY)
    made = an_issue(database, state=IssueState.SENDING, slot_key=KEY)
    work.on_send = lambda _l, _k: Sent(issue=replace(made, state=IssueState.SENT), state="sent")
    schedule(database, work).tick(TUESDAY + 3 * DAY)

    assert work.sent == [("weekly", KEY)]
    assert [(r.state, r.issue) for r in records(database)] == [(SlotState.DONE, 1)]


def _slot():
    from digest.model.slot import Slot

    return Slot(newsletter="weekly", key=KEY, due=TUESDAY)


def test_who_finds_another_at_work_leaves_the_slot_to_it(database: Database, work: Work) -> None:
    def busy(_letter: Newsletter, _key: str) -> Sent:
        raise Busy("Issue weekly/1 is being sent by another process.")

    work.on_send = busy
    clock = schedule(database, work)
    clock.tick(TUESDAY - HOUR)
    clock.tick(TUESDAY)

    assert recorded(database) == [("2026-11-24T09:00", SlotState.DUE)]
    assert work.troubles == []


# -- what becomes of a slot ------------------------------------------------------


def test_an_issue_that_waits_for_a_person_is_told(database: Database, work: Work) -> None:
    draft = an_issue(database, state=IssueState.HELD, slot_key=KEY)
    work.on_send = lambda _l, _k: Sent(issue=draft, state="held", reason="a flood of old articles")
    clock = schedule(database, work)
    clock.tick(TUESDAY - HOUR)
    clock.tick(TUESDAY)

    [record] = records(database)
    assert (record.state, record.issue) == (SlotState.DONE, 1)
    assert record.reason.endswith("held: a flood of old articles")
    assert any("held" in trouble for trouble in work.troubles)


def test_an_issue_that_did_not_get_through_is_told(database: Database, work: Work) -> None:
    """Uncertain deliveries wait for a person: that is no quiet success."""
    stuck = an_issue(database, state=IssueState.SENDING, slot_key=KEY)
    reason = "1 person may or may not have it."
    work.on_send = lambda _l, _k: Sent(issue=stuck, state="sending", reason=reason)
    clock = schedule(database, work)
    clock.tick(TUESDAY - HOUR)
    clock.tick(TUESDAY)

    assert any("1 person may" in trouble for trouble in work.troubles)


def failing(_letter: Newsletter, _key: str) -> Sent:
    raise NotAllowed("Nobody would get issue weekly/1.", mend="Add some.")


def test_a_failed_slot_says_why(database: Database, work: Work) -> None:
    work.on_send = failing
    clock = schedule(database, work)
    clock.tick(TUESDAY - HOUR)
    clock.tick(TUESDAY)
    clock.tick(TUESDAY + timedelta(seconds=30))

    [record] = records(database)
    assert (record.state, record.reason) == (SlotState.FAILED, "Nobody would get issue weekly/1. Add some.")
    assert len(work.sent) == 1
    assert len(work.troubles) == 1
    assert clock.had_trouble


def test_a_failed_slot_is_tried_again_with_every_collecting(database: Database, work: Work) -> None:
    """Its owner mends the cause, and the week is not lost."""
    works = work.on_send
    work.on_send = failing
    clock = schedule(database, work)
    clock.tick(TUESDAY - HOUR)
    clock.tick(TUESDAY)
    work.on_send = works
    clock.tick(TUESDAY + HOUR)

    assert [record.state for record in records(database)] == [SlotState.SKIPPED]  # there was nothing new
    assert len(work.sent) == 2


def test_a_failed_slot_is_missed_in_the_end(database: Database, work: Work) -> None:
    """What is too late is not tried for ever."""
    work.on_send = failing
    clock = schedule(database, work)
    clock.tick(TUESDAY - HOUR)
    clock.tick(TUESDAY)
    clock.tick(TUESDAY + 13 * HOUR)
    clock.tick(TUESDAY + 14 * HOUR)

    assert [record.state for record in records(database)] == [SlotState.MISSED]
    assert len(work.sent) == 1


@pytest.mark.parametrize("error", [SourceError("The feed is gone."), ValueError("a bug"), OSError("no disk")])
@pytest.mark.parametrize("duty", ["on_collect", "on_send"])
def test_one_newsletters_trouble_is_not_anothers(
    database: Database, work: Work, error: Exception, duty: str
) -> None:
    """Whatever goes wrong with the first one, also a bug: the second is served, and it is told."""

    def fail(letter: Newsletter, *_: object) -> Sent:
        if letter.name == "broken":
            raise error
        return Sent(issue=None, state="skipped")

    setattr(work, duty, fail)
    clock = schedule(database, work, newsletter("broken"), newsletter("weekly"))
    clock.tick(TUESDAY - HOUR)
    wake = clock.tick(TUESDAY)

    assert ("weekly", KEY) in work.sent
    assert recorded(database) == [("2026-11-24T09:00", SlotState.SKIPPED)]
    assert any(str(error) in h.what for h in work.told if h.newsletter == "broken" and h.is_trouble)
    assert wake is not None


# -- going on --------------------------------------------------------------------


def test_an_interrupted_send_goes_on(database: Database, work: Work) -> None:
    an_issue(database, state=IssueState.SENDING)
    schedule(database, work).tick(TUESDAY + HOUR)

    assert work.resumed == ["weekly/1"]


def test_an_issue_that_was_approved_for_its_slot_goes_out(database: Database, work: Work) -> None:
    """It was held at nine; an editor approved it at ten."""
    an_issue(database, state=IssueState.APPROVED, slot_key=KEY)
    schedule(database, work).tick(TUESDAY + HOUR)

    assert work.resumed == ["weekly/1"]


@pytest.mark.parametrize("state", [IssueState.DRAFT, IssueState.HELD, IssueState.APPROVED, IssueState.SENT])
def test_what_a_person_began_is_left_to_the_person(database: Database, work: Work, state: IssueState) -> None:
    an_issue(database, state=state)
    schedule(database, work).tick(TUESDAY + HOUR)

    assert work.resumed == []


def test_a_send_with_nothing_due_is_left_alone(database: Database, work: Work) -> None:
    """Deferred ones rest until their time; uncertain ones wait for a person."""
    from sqlalchemy import update

    from digest.storage.tables import delivery

    an_issue(database, state=IssueState.SENDING)
    with database.write() as connection:
        connection.execute(update(delivery).where(delivery.c.id == 1).values(state="uncertain"))
        connection.execute(update(delivery).where(delivery.c.id == 2).values(not_before=TUESDAY + 2 * HOUR))
    clock = schedule(database, work)
    clock.tick(TUESDAY + HOUR)
    assert work.resumed == []

    clock.tick(TUESDAY + 2 * HOUR)
    assert work.resumed == ["weekly/1"]


def test_a_send_in_another_process_is_no_trouble(database: Database, work: Work) -> None:
    """The other scheduler is busy with it: that is as it should be, and not told again and again."""

    def busy(_letter: Newsletter, _issue: Issue) -> Sent:
        raise Busy("Issue weekly/1 is being sent by another process.")

    an_issue(database, state=IssueState.SENDING)
    work.on_resume = busy
    wake = schedule(database, work).tick(TUESDAY + HOUR)

    assert work.troubles == []
    assert wake is not None
