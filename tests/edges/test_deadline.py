"""Drafts that wait for a person: made ahead, told to the editors once, decided on at their slot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from digest.errors import TransportDown
from digest.model.issue import Issue, IssueState, Selection
from digest.model.newsletter import Mailbox, Newsletter, Site
from digest.model.slot import SlotState
from digest.package_data import templates_folder
from digest.rules import approval
from digest.storage import articles, issues, slots
from digest.storage.database import Database
from digest.transports.outbox.transport import Outbox
from digest.workflows.composing.compose import Composer
from digest.workflows.drafting.draft import draft
from digest.workflows.sending.approve import approve, cancel
from digest.workflows.sending.deliver import SendOptions, Sent, deliver
from digest.workflows.sending.remind import tell_editors
from digest.workflows.sending.schedule import ScheduleActions, ScheduleEvent, Scheduler
from digest.workflows.sending.send import send
from fakes.activity import actor
from fakes.databases import newsletter, store, subscribe

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TUESDAY = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)  # nine o'clock in Berlin: the slot
KEY = "2026-11-24T09:00[Europe/Berlin]"


class Down(Outbox):
    def submit(self, *_: object, **__: object):
        raise TransportDown("The server cannot be reached.")
        yield


def weekly(**values: object) -> Newsletter:
    given: dict[str, object] = {
        "needs_approval": True,
        "draft_ahead": DAY,
        "editors": (Mailbox("Ann", "ann@example.net"), Mailbox("", "bob@example.net")),
    }
    return newsletter(**(given | values))


@dataclass
class House:
    """All of it together, with a clock that is set by hand."""

    database: Database
    folder: Path
    letter: Newsletter
    now: datetime = TUESDAY - 2 * DAY
    transport: type[Outbox] = Outbox
    told: list[ScheduleEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        actions = ScheduleActions(
            collect=lambda _: [],
            send=self._send,
            resume=self._resume,
            draft=self._draft,
            tell_editors=self._tell,
        )
        self._schedule = Scheduler(
            [self.letter], database=self.database, actions=actions, tell=self.told.append
        )

    @property
    def composer(self) -> Composer:
        return Composer(
            site=Site(
                name="Example Engineering",
                url="https://blog.example.com",
                public_url="https://news.example.com",
                postal_address="Example Ltd, 1 Example Street, Example Town",
            ),
            newsletter=self.letter,
            folders=(templates_folder(),),
            secret_keys=("a key for tests",),
        )

    def at(self, moment: datetime) -> datetime | None:
        self.now = moment
        return self._schedule.tick(moment)

    def _send(self, letter: Newsletter, key: str) -> Sent:
        return send(
            letter,
            composer=self.composer,
            database=self.database,
            options=SendOptions(open=lambda: Outbox(self.folder / "outbox")),
            clock=lambda: self.now,
            by=actor("the schedule"),
            slot_key=key,
        )

    def _resume(self, _letter: Newsletter, issue: Issue) -> Sent:
        options = SendOptions(open=lambda: Outbox(self.folder / "outbox"))
        return deliver(
            issue, composer=self.composer, database=self.database, options=options, clock=lambda: self.now
        )

    def _draft(self, letter: Newsletter, key: str) -> Issue | None:
        made = draft(letter, database=self.database, by=actor("a test"), now=self.now, slot_key=key)
        return None if isinstance(made, Selection) else made

    def _tell(self, _letter: Newsletter, issue: Issue) -> str:
        return tell_editors(
            issue,
            composer=self.composer,
            database=self.database,
            open_transport=lambda: self.transport(self.folder / "letters"),
            now=self.now,
        )

    def issue(self, number: int = 1) -> Issue | None:
        with self.database.read() as connection:
            return issues.by_number(connection, "weekly", number)

    def states(self) -> list[IssueState]:
        with self.database.read() as connection:
            return [issue.state for issue in issues.all_of(connection, "weekly")][::-1]

    def slot(self) -> SlotState:
        with self.database.read() as connection:
            return slots.recent(connection, "weekly")[0].state

    def mails(self, folder: str) -> int:
        return len(list((self.folder / folder).glob("*.eml")))


@pytest.fixture
def database(tmp_path: Path, template: Path) -> Iterator[Database]:
    (tmp_path / "digest.db").write_bytes(template.read_bytes())
    opened = Database(f"sqlite:///{tmp_path / 'digest.db'}")
    with opened.write() as connection:
        subscribe(connection, "ann", "bob")
        seen = TUESDAY - 3 * DAY
        store(connection, 4, 5, teaser="What it is about.", author="Ann", seen=seen)
    yield opened
    opened.close()


def house(database: Database, tmp_path: Path, **values: object) -> House:
    return House(database, tmp_path, weekly(**values))


# -- ahead --------------------------------------------------------------------------


def test_a_draft_is_made_ahead_and_the_editors_are_told_once(database: Database, tmp_path: Path) -> None:
    home = house(database, tmp_path)
    assert home.at(TUESDAY - DAY - HOUR) == TUESDAY - DAY
    assert home.states() == []
    for minutes in (0, 1, 90):
        home.at(TUESDAY - DAY + timedelta(minutes=minutes))
    home.restart()
    home.at(TUESDAY - HOUR)

    assert home.states() == [IssueState.DRAFT]
    made = home.issue()
    assert made is not None
    assert (made.slot_key, made.created_at) == (KEY, TUESDAY - DAY)
    assert home.mails("letters") == 2
    assert home.mails("outbox") == 0


def test_the_letter_says_what_waits_and_until_when(database: Database, tmp_path: Path) -> None:
    home = house(database, tmp_path, on_deadline="skip")
    home.at(TUESDAY - DAY)
    [first, _] = [
        message_from_bytes(file.read_bytes(), policy=policy.default)
        for file in sorted((tmp_path / "letters").glob("*.eml"), reverse=True)
    ]
    text = first.get_body(("plain",)).get_content().replace("\r\n", "\n")

    assert first["Subject"] == "Example Weekly 1 needs your review"
    assert first["Auto-Submitted"] == "auto-generated"
    assert not [name for name in first if name.startswith("List-")]
    assert "https://news.example.com/desk/weekly/1" in text
    assert "* Story 4\n* Story 5" in text
    assert (
        "If nobody approves it by Tuesday, 24 November, 09:00 (Europe/Berlin), it will be skipped"
        in text.replace("\n", " ")
    )


def test_a_draft_that_was_cancelled_is_not_drafted_again(database: Database, tmp_path: Path) -> None:
    home = house(database, tmp_path)
    home.at(TUESDAY - DAY)
    made = home.issue()
    assert made is not None
    cancel(made, database=database, by=actor("ann"), now=home.now)
    home.at(TUESDAY - 2 * HOUR)
    home.restart()
    home.at(TUESDAY)

    assert home.states() == [IssueState.CANCELLED]


def test_nothing_new_is_looked_for_again_after_each_collecting(database: Database, tmp_path: Path) -> None:
    home = house(database, tmp_path)
    with database.write() as connection:
        ids = [a.id for a in articles.all_of(connection, "weekly")]
        for number in ids:
            articles.exclude(connection, number, at=TUESDAY - 3 * DAY, why="")
    home.at(TUESDAY - DAY)
    assert home.states() == []
    with database.write() as connection:
        store(connection, 3, seen=TUESDAY - DAY + timedelta(minutes=1))
    home.at(TUESDAY - DAY + timedelta(minutes=2))
    assert home.states() == []
    home.at(TUESDAY - DAY + HOUR)
    assert home.states() == [IssueState.DRAFT]


def test_an_approved_draft_goes_at_its_slot_and_not_before(database: Database, tmp_path: Path) -> None:
    home = house(database, tmp_path)
    home.at(TUESDAY - DAY)
    made = home.issue()
    assert made is not None
    approve(made, composer=home.composer, database=database, by=actor("ann"), now=home.now)
    home.at(TUESDAY - HOUR)
    assert (home.states(), home.mails("outbox")) == ([IssueState.APPROVED], 0)
    home.at(TUESDAY)

    assert (home.states(), home.mails("outbox"), home.slot()) == ([IssueState.SENT], 2, SlotState.DONE)


def test_an_approved_draft_whose_slot_was_missed_waits_for_a_person(
    database: Database, tmp_path: Path
) -> None:
    """As every slot that was found too late: it is not sent in the middle of the night after."""
    home = house(database, tmp_path)
    home.at(TUESDAY - DAY)
    made = home.issue()
    assert made is not None
    approve(made, composer=home.composer, database=database, by=actor("ann"), now=home.now)
    home.restart()
    home.at(TUESDAY + 2 * DAY)
    home.at(TUESDAY + 2 * DAY + HOUR)

    assert (home.states(), home.mails("outbox"), home.slot()) == ([IssueState.APPROVED], 0, SlotState.MISSED)


# -- at the slot -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy_", "state", "slot", "mails"),
    [
        ("hold", IssueState.HELD, SlotState.DONE, 0),
        ("skip", IssueState.SKIPPED, SlotState.SKIPPED, 0),
        ("send", IssueState.SENT, SlotState.DONE, 2),
    ],
)
def test_what_nobody_approved_by_its_slot(
    database: Database, tmp_path: Path, policy_: str, state: IssueState, slot: SlotState, mails: int
) -> None:
    home = house(database, tmp_path, on_deadline=policy_)
    home.at(TUESDAY - DAY)
    home.at(TUESDAY)
    home.at(TUESDAY + HOUR)

    assert (home.states(), home.slot(), home.mails("outbox")) == ([state], slot, mails)
    with database.read() as connection:
        freed = {a.last_issue for a in articles.all_of(connection, "weekly")} == {None}
    assert freed is (policy_ == "skip")


@pytest.mark.parametrize("policy_", ["skip", "send"])
def test_a_draft_that_nobody_could_look_at_is_held(database: Database, tmp_path: Path, policy_: str) -> None:
    """No scheduler ran when it was to be drafted: an hour is not the day that was promised."""
    home = house(database, tmp_path, on_deadline=policy_)
    home.at(TUESDAY - HOUR)
    home.at(TUESDAY)

    assert home.states() == [IssueState.HELD]


def test_a_skipped_issues_stories_come_into_the_next_one(database: Database, tmp_path: Path) -> None:
    home = house(database, tmp_path, on_deadline="skip")
    home.at(TUESDAY - DAY)
    home.at(TUESDAY)
    home.at(TUESDAY + 6 * DAY)

    assert home.states() == [IssueState.SKIPPED, IssueState.DRAFT]
    second = home.issue(2)
    assert second is not None
    assert {t.headline for t in second.layout.teasers} == {"Story 4", "Story 5"}


@pytest.mark.parametrize(
    ("why", "waited", "expected"),
    [
        (approval.NEEDS_APPROVAL, DAY, "send"),
        (approval.NEEDS_APPROVAL, DAY / 2, "send"),
        (approval.NEEDS_APPROVAL, DAY / 2 - timedelta(seconds=1), "hold"),
        ("26 articles that look old appeared as new at once.", DAY, "hold"),
    ],
)
def test_only_what_waits_for_approval_is_decided_by_the_deadline(
    why: str, waited: timedelta, expected: str
) -> None:
    assert approval.at_deadline("send", why=why, waited=waited, ahead=DAY) == expected
    assert approval.at_deadline("send", why=why, waited=waited, ahead=None) == "hold"


# -- letters that do not arrive ----------------------------------------------------------


def test_a_letter_that_cannot_be_sent_stops_nothing_and_is_tried_again(
    database: Database, tmp_path: Path
) -> None:
    home = house(database, tmp_path, on_deadline="send")
    home.transport = Down
    home.at(TUESDAY - DAY)
    home.at(TUESDAY - DAY + timedelta(minutes=1))
    troubles = [h.what for h in home.told if h.is_trouble]
    assert troubles == [
        "The editors could not be notified that weekly/1 needs review: The server cannot be reached."
    ]
    home.transport = Outbox
    home.at(TUESDAY - DAY + HOUR)
    assert home.mails("letters") == 2
    home.at(TUESDAY)
    assert home.states() == [IssueState.SENT]


def test_nobody_is_told_of_what_waits_for_nobody(database: Database, tmp_path: Path) -> None:
    """A draft that goes by itself, and a newsletter without editors."""
    home = house(database, tmp_path, needs_approval=False)
    home.at(TUESDAY - DAY)
    assert home.states() == [IssueState.DRAFT]
    assert home.mails("letters") == 0
    home.letter = weekly(editors=())
    home.restart()
    home.at(TUESDAY - HOUR)

    assert home.mails("letters") == 0
