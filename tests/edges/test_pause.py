"""A running send is paused and resumed: nobody is lost, nobody gets it twice, and the senders stop soon."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from digest.errors import Busy, NotAllowed
from digest.model.edit import IssueText, SetText
from digest.model.issue import Issue, IssueState
from digest.model.newsletter import Site
from digest.package_data import templates_folder
from digest.storage import issues, ledger
from digest.storage.database import Database
from digest.transports.outbox.transport import Outbox
from digest.workflows.composing.compose import Composer
from digest.workflows.drafting.draft import draft
from digest.workflows.drafting.edit import edit
from digest.workflows.sending.approve import approve, cancel
from digest.workflows.sending.deliver import SendOptions, Sent, deliver
from digest.workflows.sending.pause import pause, resume
from digest.workflows.sending.send import send
from fakes.activity import actor, told
from fakes.databases import NOW, newsletter, store, subscribe

PEOPLE = 30
WINDOW = 4
COMPOSER = Composer(
    site=Site(
        name="Example Engineering",
        url="https://blog.example.com",
        public_url="https://news.example.com",
        postal_address="Example Ltd, 1 Example Street, Example Town",
    ),
    newsletter=newsletter(),
    folders=(templates_folder(),),
    secret_keys=("a key for tests",),
)


@pytest.fixture
def database(tmp_path: Path, template: Path) -> Iterator[Database]:
    (tmp_path / "digest.db").write_bytes(template.read_bytes())
    opened = Database(f"sqlite:///{tmp_path / 'digest.db'}")
    with opened.write() as connection:
        subscribe(connection, *(f"p{number}" for number in range(PEOPLE)))
        store(connection, 1, 2, teaser="What it is about.", author="Ann")
    yield opened
    opened.close()


@pytest.fixture
def issue(database: Database) -> Issue:
    made = draft(newsletter(), database=database, by=actor("a test"), now=NOW)
    assert isinstance(made, Issue)
    return approve(made, composer=COMPOSER, database=database, by=actor("ann"), now=NOW)


def delivered(database: Database, issue: Issue, transport: type[Outbox], outbox: Path) -> Sent:
    options = SendOptions(open=lambda: transport(outbox))
    return deliver(issue, composer=COMPOSER, database=database, options=options, clock=lambda: NOW)


def pausing(database: Database, issue: Issue, *, after: int) -> type[Outbox]:
    """An outbox during which, after so many messages, somebody pauses the issue."""

    class Pausing(Outbox):
        window = WINDOW

        def submit(self, compiled, envelopes, *, on_wire):
            for number, receipt in enumerate(super().submit(compiled, envelopes, on_wire=on_wire), start=1):
                if number == after:
                    pause(issue, database=database, by=actor("ann"), now=NOW)
                yield receipt

    return Pausing


def elsewhere(database: Database, issue: Issue, outbox: Path) -> Sent:
    """By another sender: each thread is one."""
    with ThreadPoolExecutor(max_workers=1) as other:
        return other.submit(delivered, database, issue, Outbox, outbox).result()


def addresses(outbox: Path) -> list[str]:
    return sorted(path.stem.rpartition("-")[2] for path in outbox.glob("*.eml"))


@pytest.mark.parametrize("after", [1, WINDOW, 9])
def test_a_paused_send_stops_within_one_window_and_goes_on(
    database: Database, issue: Issue, tmp_path: Path, after: int
) -> None:
    outbox = tmp_path / "outbox"
    paused = delivered(database, issue, pausing(database, issue, after=after), outbox)

    assert (paused.state, paused.reason) == ("held", "paused by ann")
    assert after <= paused.counts.accepted < after + WINDOW
    assert paused.counts.pending == PEOPLE - paused.counts.accepted
    assert (paused.counts.in_flight, paused.counts.uncertain) == (0, 0)

    resumed = resume(issue, database=database, by=actor("bob"), now=NOW)
    assert (resumed.state, resumed.reason, resumed.content_hash) == (
        IssueState.SENDING,
        "",
        issue.content_hash,
    )
    sent = delivered(database, resumed, Outbox, outbox)
    assert (sent.state, sent.counts.accepted) == ("sent", PEOPLE)
    assert addresses(outbox) == sorted(f"p{number}@example.org" for number in range(PEOPLE))
    assert ("paused", "ann") in told(database)
    assert ("resumed", "bob") in told(database)


def test_one_that_is_resumed_elsewhere_while_its_sender_ends_is_sent_to_the_end(
    database: Database, issue: Issue, tmp_path: Path
) -> None:
    """The other process finds this one alive and leaves the send to it, so this one has to look again."""
    outbox = tmp_path / "outbox"
    refused: list[Busy] = []

    class Ending(pausing(database, issue, after=9)):  # type: ignore[misc]
        def submit(self, compiled, envelopes, *, on_wire):
            """Its rows are not given back yet when somebody resumes elsewhere."""
            if refused:  # it is paused once only
                yield from Outbox.submit(self, compiled, envelopes, on_wire=on_wire)
                return
            yield from super().submit(compiled, envelopes, on_wire=on_wire)
            resumed = resume(issue, database=database, by=actor("bob"), now=NOW)
            with pytest.raises(Busy) as busy:
                elsewhere(database, resumed, outbox)
            refused.append(busy.value)

    sent = delivered(database, issue, Ending, outbox)

    assert len(refused) == 1
    assert (sent.state, sent.counts.accepted) == ("sent", PEOPLE)
    assert addresses(outbox) == sorted(f"p{number}@example.org" for number in range(PEOPLE))


def test_one_that_is_paused_after_its_last_message_is_sent_when_resumed(
    database: Database, issue: Issue, tmp_path: Path
) -> None:
    outbox = tmp_path / "outbox"
    paused = delivered(database, issue, pausing(database, issue, after=PEOPLE), outbox)
    assert (paused.state, paused.counts.accepted) == ("held", PEOPLE)

    sent = delivered(database, resume(issue, database=database, by=actor("ann"), now=NOW), Outbox, outbox)
    assert (sent.state, len(addresses(outbox))) == ("sent", PEOPLE)


def test_the_schedule_leaves_a_paused_issue_alone_and_a_person_goes_on(
    database: Database, issue: Issue, tmp_path: Path
) -> None:
    """Without --yes nothing goes; with it, as after `resume`."""
    outbox = tmp_path / "outbox"
    delivered(database, issue, pausing(database, issue, after=1), outbox)
    done = []
    for yes in (False, True):
        done.append(
            send(
                newsletter(),
                composer=COMPOSER,
                database=database,
                options=SendOptions(open=lambda: Outbox(outbox)),
                clock=lambda: NOW,
                by=actor("ann"),
                yes=yes,
            ).state
        )

    assert done == ["held", "sent"]
    assert len(addresses(outbox)) == PEOPLE


def test_a_paused_issue_is_neither_edited_nor_approved_again_but_can_be_cancelled(
    database: Database, issue: Issue, tmp_path: Path
) -> None:
    delivered(database, issue, pausing(database, issue, after=1), tmp_path / "outbox")
    with database.read() as connection:
        held = issues.by_id(connection, issue.id)
    with pytest.raises(NotAllowed, match="paused partway through sending"):
        edit(
            held,
            SetText(text=IssueText.SUBJECT, value="x", was=""),
            newsletter=newsletter(),
            by=actor("ann"),
            seen_revision=0,
            database=database,
            now=NOW,
        )
    with pytest.raises(NotAllowed, match="approved before it was held"):
        approve(held, composer=COMPOSER, database=database, by=actor("ann"), now=NOW)

    cancel(held, database=database, by=actor("ann"), now=NOW)
    with database.read() as connection:
        counts = ledger.counts(connection, issue.id, now=NOW)
    assert counts.abandoned == PEOPLE - counts.accepted


def test_only_a_running_send_is_paused(database: Database, issue: Issue) -> None:
    with pytest.raises(NotAllowed, match="is approved: only a running send"):
        pause(issue, database=database, by=actor("ann"), now=NOW)
    with pytest.raises(NotAllowed, match="is approved: only a paused send"):
        resume(issue, database=database, by=actor("ann"), now=NOW)


def test_a_draft_that_is_held_is_not_resumed(database: Database) -> None:
    made = draft(newsletter(), database=database, by=actor("a test"), now=NOW)
    assert isinstance(made, Issue)
    with database.write() as connection:
        issues.move(connection, made.id, to=IssueState.HELD, among=[IssueState.DRAFT], reason="a flood")
    with pytest.raises(NotAllowed, match="not approved before"):
        resume(made, database=database, by=actor("ann"), now=NOW)
