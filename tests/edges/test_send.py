"""From an issue to settled deliveries, with a real database, press and outbox."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from digest.dispatch import process_identity
from digest.errors import Busy, DigestError, NotAllowed, StorageError, TransportDown
from digest.model.delivery import DeliveryState, Settlement
from digest.model.issue import Issue, IssueState
from digest.model.newsletter import Newsletter, Site
from digest.package_data import templates_folder
from digest.storage import articles, issues, ledger, subscribers
from digest.storage.database import Database
from digest.storage.ledger_sqlite import SqliteLedgerWriter
from digest.transports.outbox.transport import Outbox
from digest.workflows.composing.compose import Composer
from digest.workflows.composing.preflight import check
from digest.workflows.drafting.draft import draft
from digest.workflows.sending.approve import approve, cancel
from digest.workflows.sending.deliver import SendOptions, Sent, reclaim_rows
from digest.workflows.sending.send import resolve, send
from fakes.activity import actor
from fakes.databases import NOW, drafted, newsletter, store, subscribe

KEY = "2026-11-24T09:00[Europe/Berlin]"
SITE = Site(
    name="Example Engineering",
    url="https://blog.example.com",
    public_url="https://news.example.com",
    postal_address="Example Ltd, 1 Example Street, Example Town",
)


class Down(Outbox):
    """An outbox whose disk is full."""

    def submit(self, *_: object, **__: object):
        raise TransportDown("The outbox cannot be written.")
        yield


@pytest.fixture
def database(tmp_path: Path, template: Path) -> Iterator[Database]:
    (tmp_path / "digest.db").write_bytes(template.read_bytes())
    opened = Database(f"sqlite:///{tmp_path / 'digest.db'}")
    with opened.write() as connection:
        subscribe(connection, "ann", "bob", "cid")
        store(connection, 1, 2, teaser="What it is about.", author="Ann")
    yield opened
    opened.close()


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def composer(letter: Newsletter | None = None) -> Composer:
    return Composer(
        site=SITE,
        newsletter=letter or newsletter(),
        folders=(templates_folder(),),
        secret_keys=("a key for tests",),
    )


def sent(
    database: Database,
    outbox: Path,
    *,
    yes: bool = True,
    slot_key: str = "",
    letter: Newsletter | None = None,
    transport: type[Outbox] = Outbox,
) -> Sent:
    letter = letter or newsletter()
    return send(
        letter,
        composer=composer(letter),
        database=database,
        options=SendOptions(open=lambda: transport(outbox)),
        clock=lambda: NOW,
        by=actor("a test"),
        yes=yes,
        slot_key=slot_key,
    )


def begun(database: Database) -> Issue:
    made = draft(newsletter(), database=database, by=actor("a test"), now=NOW)
    assert isinstance(made, Issue)
    return made


def approved(database: Database, issue: Issue) -> Issue:
    return approve(issue, composer=composer(), database=database, by=actor("a test"), now=NOW)


def reserved(database: Database) -> set[int | None]:
    with database.read() as connection:
        return {a.last_issue for a in articles.all_of(connection, "weekly")}


def mails(outbox: Path) -> list[str]:
    """Addresses, one for each file."""
    return sorted(path.stem.rpartition("-")[2] for path in outbox.glob("*.eml"))


def test_everybody_gets_one(database: Database, outbox: Path) -> None:
    first = sent(database, outbox)
    second = sent(database, outbox)

    assert (first.state, first.reason, first.counts.accepted) == ("sent", "", 3)
    assert (second.issue, second.state) == (None, "skipped")
    assert mails(outbox) == ["ann@example.org", "bob@example.org", "cid@example.org"]


def test_two_who_approve_at_once(database: Database) -> None:
    """The slower one is told, and the account of the audience stays right."""
    issue = begun(database)
    approved(database, issue)
    with pytest.raises(Busy, match="somebody else was faster"):
        approved(database, issue)

    with database.read() as connection:
        counts = ledger.counts(connection, issue.id, now=NOW)
    assert counts.audience == 3
    assert counts.adds_up


def test_the_pre_flight_knows_who_gets_it_and_how(database: Database) -> None:
    issue = begun(database)

    def failed(how: Composer) -> set[str]:
        report = check(issue, composer=how, database=database, now=NOW)
        return {finding.id for finding in report.findings if not finding.passed}

    elsewhere = replace(composer(), bounce_address="bounce@mailhouse.example")
    known = {"recipients", "sg-limits", "dmarc-align", "lu-unique"}

    assert failed(composer()) & known == set()
    assert failed(elsewhere) & known == {"dmarc-align"}
    assert failed(replace(elsewhere, signs_dkim=True)) & known == set()
    assert failed(replace(elsewhere, signed_by_provider=True)) & known == set()  # which signs by itself
    with database.write() as connection:
        for person in list(subscribers.all_of(connection, "weekly")):
            subscribers.end(connection, person.id, at=NOW, why="", how="")
    assert failed(composer()) & known == {"recipients"}


def test_an_issue_without_readers_stays_a_draft(database: Database) -> None:
    with database.write() as connection:
        for person in list(subscribers.all_of(connection, "weekly")):
            subscribers.end(connection, person.id, at=NOW, why="", how="")
    issue = begun(database)
    with pytest.raises(NotAllowed, match="Nobody would get"):
        approved(database, issue)

    with database.read() as connection:
        assert issues.by_id(connection, issue.id).state is IssueState.DRAFT
        assert ledger.counts(connection, issue.id, now=NOW).audience == 0


@pytest.mark.parametrize("slot_key", ["", KEY])
def test_two_who_send_at_once_make_one_issue(database: Database, outbox: Path, slot_key: str) -> None:
    """Neither fails for being second; who has nothing left to do says Busy or how it stands."""
    start = threading.Barrier(2)
    databases = [Database(str(database._url)) for _ in range(2)]

    def one(mine: Database) -> object:
        start.wait()
        try:
            return sent(mine, outbox, slot_key=slot_key).state
        except Busy as busy:
            return busy

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(one, databases))
    for mine in databases:
        mine.close()

    assert "sent" in answers
    with database.read() as connection:
        assert [i.state for i in issues.all_of(connection, "weekly")] == [IssueState.SENT]
    assert mails(outbox) == ["ann@example.org", "bob@example.org", "cid@example.org"]


def test_a_slot_takes_up_the_open_draft_and_keeps_it(database: Database, outbox: Path) -> None:
    """Asked again for the same slot, as after a crash, there is no second issue, whatever is new by then."""
    begun(database)
    first = sent(database, outbox, yes=False, slot_key=KEY)
    with database.write() as connection:
        store(connection, 3, seen=NOW + timedelta(minutes=1))
    second = sent(database, outbox, yes=False, slot_key=KEY)

    assert first.issue is not None
    assert second.issue is not None
    assert first.issue.number == second.issue.number == 1
    assert len(mails(outbox)) == 3


def test_the_next_slot_does_not_take_an_issue_from_the_last(database: Database, outbox: Path) -> None:
    """Last week's issue is held still: this week's slot finds it, and it stays last week's."""
    letter = newsletter(needs_approval=True)
    sent(database, outbox, yes=False, slot_key=KEY, letter=letter)
    other = sent(database, outbox, yes=False, slot_key=KEY.replace("24", "31"), letter=letter)

    assert other.issue is not None
    assert (other.state, other.issue.slot_key) == ("held", KEY)


def test_cancelling_a_draft_frees_its_articles(database: Database) -> None:
    cancel(begun(database), database=database, by=actor("ann"), now=NOW)

    assert reserved(database) == {None}


def test_cancelling_an_approved_issue_frees_its_articles(database: Database) -> None:
    issue = approved(database, begun(database))
    cancel(issue, database=database, by=actor("ann"), now=NOW)

    assert reserved(database) == {None}
    with database.read() as connection:
        assert ledger.counts(connection, issue.id, now=NOW).adds_up


def test_cancelling_before_the_first_hand_over_frees_the_articles(database: Database, outbox: Path) -> None:
    """The server was down all the time: nobody has anything of it."""
    stuck = sent(database, outbox, transport=Down)
    assert (stuck.state, stuck.counts.pending) == ("sending", 3)
    assert stuck.issue is not None
    done = cancel(stuck.issue, database=database, by=actor("ann"), now=NOW)

    assert done.state is IssueState.CANCELLED
    assert reserved(database) == {None}
    again = sent(database, outbox)
    assert (again.state, again.counts.accepted) == ("sent", 3)


def _in_the_middle(database: Database, *, holder: str, lease: timedelta = timedelta(minutes=15)) -> Issue:
    """Of three people one has it, one is submitting, one is claimed, all by `holder`."""
    issue = approved(database, begun(database))
    with database.write() as connection:
        issues.move(connection, issue.id, to=IssueState.SENDING, among=[IssueState.APPROVED])
        # Leases run by the wall clock, whatever day the story plays on.
        left = datetime.now(UTC) - NOW + lease
        rows = ledger.claim(connection, issue.id, limit=9, owner=holder, lease=left, now=NOW)
        ledger.mark_submitting(connection, issue.id, rows[:2], owner=holder, now=NOW)
        accepted = Settlement(delivery_id=rows[0].id, state=DeliveryState.ACCEPTED)
        ledger.record(connection, [accepted], owner=holder, now=NOW)
        return issues.by_id(connection, issue.id)


@pytest.fixture
def alive() -> Iterator[str]:
    """Another thread of this process, which is sending."""
    named, ended = queue.SimpleQueue[str](), threading.Event()

    def work() -> None:
        named.put(process_identity.this_process())
        ended.wait()

    thread = threading.Thread(target=work)
    thread.start()
    yield named.get()
    ended.set()
    thread.join()


def _dead() -> str:
    host, boot, pid, _, thread = process_identity.this_process().split("/")
    return f"{host}/{boot}/{pid}/1/{thread}"


def test_cancelling_after_a_crash_leaves_nothing_in_flight(database: Database) -> None:
    """What a dead sender had on the wire is uncertain, and says so."""
    issue = _in_the_middle(database, holder=_dead())
    cancel(issue, database=database, by=actor("ann"), now=NOW)

    with database.read() as connection:
        counts = ledger.counts(connection, issue.id, now=NOW)
    assert (counts.accepted, counts.uncertain, counts.abandoned, counts.in_flight) == (1, 1, 1, 0)
    assert reserved(database) == {1}


def test_a_living_sender_is_not_robbed_by_cancelling(database: Database, alive: str) -> None:
    issue = _in_the_middle(database, holder=alive)
    cancel(issue, database=database, by=actor("ann"), now=NOW)

    with database.read() as connection:
        counts = ledger.counts(connection, issue.id, now=NOW)
    assert (counts.accepted, counts.in_flight, counts.abandoned) == (1, 1, 1)


def test_what_a_cancelled_issue_left_uncertain_is_not_sent_again(database: Database) -> None:
    issue = _in_the_middle(database, holder=_dead())
    done = cancel(issue, database=database, by=actor("ann"), now=NOW)
    with pytest.raises(NotAllowed, match="cancelled"):
        resolve(done, decision="resend", database=database, by=actor("ann"), now=NOW)

    assert resolve(done, decision="skip", database=database, by=actor("ann"), now=NOW) == 1


@pytest.mark.parametrize(
    ("policy", "state", "account"),
    [("hold", "sending", (2, 1, 0)), ("skip", "sent", (2, 0, 1)), ("resend", "sent", (3, 0, 0))],
)
def test_the_policy_decides_on_what_is_uncertain(
    database: Database, outbox: Path, policy: str, state: str, account: tuple[int, int, int]
) -> None:
    """The account: accepted, uncertain, abandoned."""
    _in_the_middle(database, holder=_dead())
    done = sent(database, outbox, letter=newsletter(on_uncertain=policy))

    assert done.state == state
    assert (done.counts.accepted, done.counts.uncertain, done.counts.abandoned) == account
    assert bool(done.reason) is (state == "sending")


def test_a_living_sender_keeps_others_out(database: Database, outbox: Path, alive: str) -> None:
    _in_the_middle(database, holder=alive)
    with pytest.raises(Busy, match="being sent by another process"):
        sent(database, outbox)

    assert mails(outbox) == []


def test_a_living_sender_keeps_its_rows_beyond_its_lease(database: Database, alive: str) -> None:
    """A slow server may take longer for an answer than any lease: nobody else may send meanwhile."""
    issue = _in_the_middle(database, holder=alive, lease=timedelta(minutes=-1))
    with database.write() as connection:
        reclaim_rows(connection, issue, database=database)

    with database.read() as connection:
        counts = ledger.counts(connection, issue.id, now=NOW)
    assert (counts.accepted, counts.in_flight, counts.uncertain) == (1, 2, 0)


def test_what_this_thread_left_behind_is_taken_back_at_once(database: Database, outbox: Path) -> None:
    """A job of this process that failed holds nothing any more: the next one need not wait for a lease."""
    _in_the_middle(database, holder=process_identity.this_process())
    done = sent(database, outbox)

    assert (done.counts.accepted, done.counts.uncertain) == (2, 1)


def test_what_a_thread_left_behind_is_taken_back_by_another(database: Database, outbox: Path) -> None:
    """A server sends each time in a new thread, and one of them failed."""
    thread = threading.Thread(target=lambda: _in_the_middle(database, holder=process_identity.this_process()))
    thread.start()
    thread.join()
    done = sent(database, outbox)

    assert (done.counts.accepted, done.counts.uncertain) == (2, 1)


class Failing(Outbox):
    """An outbox that ends with an error of no kind that is known, after two receipts."""

    def submit(self, *given: Any, **more: Any):
        for number, receipt in enumerate(super().submit(*given, **more)):
            if number == 2:
                raise LookupError("something else is broken")
            yield receipt


def test_an_error_that_nobody_knows_loses_no_account(database: Database, outbox: Path) -> None:
    """What was answered is written down, the rest is free again, and the error is told."""
    with pytest.raises(LookupError):
        sent(database, outbox, transport=Failing)

    again = sent(database, outbox)
    assert (again.state, again.counts.accepted, again.counts.uncertain) == ("sent", 3, 0)


def test_results_stay_known_when_they_cannot_be_written(
    database: Database, outbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full for a moment, just when two answers are to be written down."""
    exchange = SqliteLedgerWriter.exchange
    failures = iter([True])

    def full(self: SqliteLedgerWriter, known: Any, declared: Any, **more: Any) -> Any:
        if known and next(failures, False):
            raise StorageError("The database cannot be written: disk full.")
        return exchange(self, known, declared, **more)

    monkeypatch.setattr(SqliteLedgerWriter, "exchange", full)
    with pytest.raises(StorageError):
        sent(database, outbox)

    again = sent(database, outbox)
    assert (again.state, again.counts.accepted, again.counts.uncertain) == ("sent", 3, 0)


def test_what_was_approved_is_what_is_sent(database: Database, outbox: Path) -> None:
    """The sender's name was changed after approval: it does not go out so."""
    approved(database, begun(database))
    letter = newsletter()
    letter = replace(letter, sender=replace(letter.sender, name="Somebody Else"))
    with pytest.raises(DigestError, match="would not go out as approved"):
        sent(database, outbox, letter=letter)

    assert mails(outbox) == []


def test_resending_waits_for_the_next_send(database: Database, outbox: Path) -> None:
    issue = _in_the_middle(database, holder=_dead())

    assert resolve(issue, decision="resend", database=database, by=actor("ann"), now=NOW) == 1
    with database.read() as connection:
        assert ledger.counts(connection, issue.id, now=NOW).pending == 2
    done = sent(database, outbox)
    assert (done.state, done.counts.accepted) == ("sent", 3)


def test_many_senders_share_the_work(database: Database, outbox: Path) -> None:
    with database.write() as connection:
        subscribe(connection, *(f"p{n}" for n in range(60)))

    class Narrow(Outbox):
        window = 3

    done = send(
        newsletter(),
        composer=composer(),
        database=database,
        options=SendOptions(open=lambda: Narrow(outbox), senders=6),
        clock=lambda: NOW,
        by=actor("a test"),
        yes=True,
    )
    assert (done.state, done.counts.accepted) == ("sent", 63)
    assert len(mails(outbox)) == len(set(mails(outbox))) == 63


def test_a_draft_of_nothing_says_so(database: Database) -> None:
    with database.write() as connection:
        with_all = [a.id for a in articles.all_of(connection, "weekly")]
        issue = drafted(connection, with_all)
        issues.move(connection, issue.id, to=IssueState.SENT, among=[IssueState.DRAFT])
    nothing = draft(newsletter(), database=database, by=actor("a test"), now=NOW)

    assert not isinstance(nothing, Issue)
    assert nothing.nothing == "There are no new articles."


def _in_doubt(database: Database, outbox: Path) -> Issue:
    """Issue 1 is done but for one delivery of which nobody knows."""
    _in_the_middle(database, holder=_dead())
    done = sent(database, outbox)
    assert (done.state, done.counts.uncertain) == ("sending", 1)
    assert done.issue is not None
    return done.issue


def test_a_doubt_is_told_again_until_it_is_decided(database: Database, outbox: Path) -> None:
    """With nothing new to send, that is what there is to say: not "nothing to do"."""
    _in_doubt(database, outbox)
    again = sent(database, outbox)

    assert (again.state, again.counts.uncertain) == ("sending", 1)
    assert "1 person may or may not have received it" in again.reason


def test_the_next_issue_does_not_wait_for_a_decision(database: Database, outbox: Path) -> None:
    _in_doubt(database, outbox)
    with database.write() as connection:
        store(connection, 3, seen=NOW + timedelta(minutes=1))
    following = sent(database, outbox)

    assert following.issue is not None
    assert (following.issue.number, following.state) == (2, "sent")
    assert following.counts.accepted == 3
