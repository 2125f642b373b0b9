"""The ledger's promises, on every kind of database: nobody twice, nobody lost, the account adds up."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from digest.model.delivery import (
    Counts,
    Delivery,
    DeliveryId,
    DeliveryState,
    Outcome,
    Receipt,
    Settlement,
)
from digest.model.issue import Issue, IssueId, IssueState
from digest.model.subscriber import SuppressionReason
from digest.rules.sending import MAX_ATTEMPTS, settlement
from digest.storage import issues, ledger, subscribers
from digest.storage.database import Database
from digest.storage.ledger_sqlite import SqliteLedgerWriter, _CoreRows
from digest.storage.tables import delivery
from fakes.databases import NOW, drafted, fresh_url, make_template, store, subscribe, under_way

LEASE = timedelta(minutes=15)
LATER = NOW + timedelta(minutes=1)
PEOPLE = ("ann", "bob", "cid", "dee", "eve", "fay")


class Way:
    """Which statements move the rows: SQLite's driver, or SQLAlchemy as on every other database."""

    is_core = False


@pytest.fixture(params=["hot", "core"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every promise is kept by both."""
    monkeypatch.setattr(Way, "is_core", request.param == "core")


@pytest.fixture
def database(way: None, url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


@contextmanager
def hot(database: Database, which: IssueId, owner: str) -> Iterator[SqliteLedgerWriter]:
    rows = SqliteLedgerWriter(database, which, owner=owner)
    if Way.is_core:
        rows._rows.close()
        rows._rows = _CoreRows(database, which, owner)
    try:
        yield rows
    finally:
        rows.close()


def claim(database: Database, issue: Issue, *, owner: str = "a", limit: int = 100, now=NOW) -> list[Delivery]:
    with hot(database, issue.id, owner) as rows:
        return rows.claim(limit, now=now, lease_until=now + LEASE)


def declare(
    database: Database, issue: Issue, rows: Sequence[Delivery], *, owner: str = "a"
) -> set[DeliveryId]:
    with hot(database, issue.id, owner) as ours:
        return ours.exchange([], rows, now=NOW)


def settle(
    database: Database,
    rows: Sequence[Delivery],
    outcome: Outcome = Outcome.ACCEPTED,
    *,
    owner: str = "a",
    wait: timedelta | None = timedelta(minutes=1),
) -> None:
    receipts = [Receipt(delivery_id=r.id, outcome=outcome, detail="words", provider_ref="ref") for r in rows]
    with hot(database, IssueId(0), owner) as ours:
        ours.exchange([settled(r, wait) for r in receipts], [], now=NOW)


def withdraw(database: Database, rows: Sequence[Delivery], *, owner: str = "a", now=NOW) -> None:
    with hot(database, IssueId(0), owner) as ours:
        ours.release([row.id for row in rows], now=now)


def settled(receipt: Receipt, wait: timedelta | None = timedelta(minutes=1)) -> Settlement:
    """What a receipt makes of a first try; `wait` instead of the rule's back-off, None for the last try."""
    made = settlement(receipt, attempt=1 if wait else MAX_ATTEMPTS, now=NOW)
    return made._replace(not_before=NOW + wait) if wait and made.not_before else made


def recover(database: Database, issue: Issue, *dead: str, now=NOW) -> tuple[int, int]:
    with database.write() as connection:
        return ledger.recover(connection, issue.id, dead=dead, now=now)


def states(database: Database, issue: Issue) -> dict[str, int]:
    with database.read() as connection:
        rows = connection.execute(select(delivery.c.state).where(delivery.c.issue_id == issue.id)).scalars()
        return dict(Counter(rows))


def counts(database: Database, issue: Issue, *, now=NOW) -> Counts:
    with database.read() as connection:
        return ledger.counts(connection, issue.id, now=now)


def suppress(database: Database, name: str) -> None:
    with database.write() as connection:
        subscribers.suppress(connection, f"{name}@example.org", reason=SuppressionReason.COMPLAINED, at=NOW)


def leave(database: Database, name: str) -> None:
    with database.write() as connection:
        [mine] = subscribers.by_address(connection, f"{name}@example.org")
        subscribers.end(connection, mine.id, at=NOW, why="unsubscribed", how="one-click")


# -- the audience ----------------------------------------------------------------


def test_the_audience_is_everybody_who_may_be_mailed(database: Database) -> None:
    from sqlalchemy import update

    from digest.storage.tables import subscription

    with database.write() as connection:
        subscribe(connection, *PEOPLE)
        subscribe(connection, "zoe", newsletter="monthly")
        subscribers.suppress(connection, "ann@example.org", reason=SuppressionReason.BOUNCED, at=NOW)
        [bob] = subscribers.by_address(connection, "bob@example.org")
        subscribers.end(connection, bob.id, at=NOW, why="", how="")
        [cid] = subscribers.by_address(connection, "cid@example.org")
        connection.execute(update(subscription).where(subscription.c.id == cid.id).values(state="pending"))
        draft = drafted(connection, store(connection, 1))
        candidates = ledger.freeze_audience(connection, draft.id, "weekly", at=NOW)
        issues.move(connection, draft.id, to=IssueState.SENDING, among=[IssueState.DRAFT])

    account = counts(database, draft)
    assert candidates == account.candidates == 5
    assert account.exclusions == {"suppressed": 1, "unconfirmed": 1}
    assert account.pending == account.audience == 3
    assert account.adds_up
    assert [d.address for d in claim(database, draft)] == [
        "dee@example.org",
        "eve@example.org",
        "fay@example.org",
    ]


def test_a_frozen_audience_can_be_forgotten_and_frozen_anew(database: Database) -> None:
    with database.write() as connection:
        subscribe(connection, *PEOPLE)
        draft = drafted(connection, store(connection, 1))
        for _ in range(2):
            assert ledger.freeze_audience(connection, draft.id, "weekly", at=NOW) == 6
            ledger.delete_audience(connection, draft.id)

    assert counts(database, draft) == Counts()


@pytest.mark.parametrize("same", ["address_key", "subscription_id"])
def test_the_database_itself_lets_nobody_be_in_an_issue_twice(database: Database, same: str) -> None:
    """By a unique key, not by good behaviour: neither one mailbox twice nor one subscription."""
    issue = under_way(database, "ann")
    with database.read() as connection:
        ann = dict(connection.execute(select(delivery)).mappings().one())
    again = ann | {"id": None, "address_key": "other@example.org", "subscription_id": 4711}
    again[same] = ann[same]

    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(delivery.insert().values({k: v for k, v in again.items() if k != "id"}))

    assert counts(database, issue).audience == 1


def test_who_comes_later_is_not_in_the_audience(database: Database) -> None:
    issue = under_way(database, "ann")
    with database.write() as connection:
        subscribe(connection, "late")

    assert counts(database, issue).audience == 1


# -- claiming --------------------------------------------------------------------


def test_nobody_is_claimed_twice(url: str, database: Database) -> None:
    """Six senders with connections of their own, all at once."""
    issue = under_way(database, *(f"p{n}" for n in range(120)))
    databases = [Database(url) for _ in range(3)]
    start = threading.Barrier(6)

    def work(number: int) -> list[int]:
        mine: list[int] = []
        start.wait()
        while rows := claim(databases[number % 3], issue, owner=f"owner {number}", limit=7):
            mine += [row.id for row in rows]
        return mine

    with ThreadPoolExecutor(6) as pool:
        taken = [number for numbers in pool.map(work, range(6)) for number in numbers]
    for one in databases:
        one.close()

    assert len(taken) == len(set(taken)) == 120
    assert states(database, issue) == {"claimed": 120}


def test_a_claim_counts_epoch_and_attempt_up(database: Database) -> None:
    issue = under_way(database, "ann")
    [first] = claim(database, issue)
    recover(database, issue, "a")
    [second] = claim(database, issue, owner="b")

    assert (first.epoch, first.attempt) == (1, 1)
    assert (second.epoch, second.attempt) == (2, 2)


def test_only_an_issue_in_sending_is_claimed(database: Database) -> None:
    issue = under_way(database, "ann")
    for state in IssueState:
        with database.write() as connection:
            issues.move(connection, issue.id, to=state, among=list(IssueState))
        assert bool(claim(database, issue)) is (state is IssueState.SENDING)
        recover(database, issue, "a")


def test_a_deferred_row_is_not_claimed_before_its_time(database: Database) -> None:
    issue = under_way(database, "ann")
    rows = claim(database, issue)
    declare(database, issue, rows)
    settle(database, rows, Outcome.DEFERRED, wait=timedelta(minutes=5))

    assert claim(database, issue, now=NOW + timedelta(minutes=4)) == []
    account = counts(database, issue)
    assert (account.deferred, account.pending) == (1, 0)
    with database.read() as connection:
        assert ledger.next_due(connection, issue.id) == NOW + timedelta(minutes=5)

    account = counts(database, issue, now=NOW + timedelta(minutes=5))
    assert (account.deferred, account.pending) == (0, 1)
    assert len(claim(database, issue, now=NOW + timedelta(minutes=5))) == 1


def test_who_is_deferred_too_often_is_refused(database: Database) -> None:
    issue = under_way(database, "ann")
    rows = claim(database, issue)
    declare(database, issue, rows)
    settle(database, rows, Outcome.DEFERRED, wait=None)

    assert states(database, issue) == {"refused": 1}


# -- the fence -------------------------------------------------------------------


def test_what_another_owner_holds_does_not_go(database: Database) -> None:
    issue = under_way(database, "ann", "bob")
    [ann] = claim(database, issue, owner="a", limit=1)
    [bob] = claim(database, issue, owner="b", limit=1)

    assert declare(database, issue, [ann, bob], owner="a") == {ann.id}
    assert states(database, issue) == {"submitting": 1, "claimed": 1}


def test_what_was_not_claimed_does_not_go(database: Database) -> None:
    issue = under_way(database, "ann")
    rows = claim(database, issue)
    recover(database, issue, "a")

    assert declare(database, issue, rows) == set()
    assert states(database, issue) == {"pending": 1}


def test_what_is_declared_already_does_not_go_again(database: Database) -> None:
    issue = under_way(database, "ann")
    rows = claim(database, issue)

    assert len(declare(database, issue, rows)) == 1
    assert declare(database, issue, rows) == set()


def test_a_claim_that_was_lost_and_taken_anew_is_another_claim(database: Database) -> None:
    """Also by the same owner: the epoch tells them apart, and the newer claim is not touched."""
    issue = under_way(database, "ann")
    old = claim(database, issue)
    recover(database, issue, "a")
    new = claim(database, issue)

    assert declare(database, issue, old) == set()
    assert states(database, issue) == {"claimed": 1}
    assert declare(database, issue, new) == {new[0].id}


def test_who_is_suppressed_in_the_middle_is_not_mailed(database: Database) -> None:
    issue = under_way(database, "ann", "bob")
    rows = claim(database, issue)
    suppress(database, "ann")

    assert declare(database, issue, rows) == {rows[1].id}
    assert states(database, issue) == {"suppressed": 1, "submitting": 1}


def test_who_leaves_in_the_middle_is_not_mailed(database: Database) -> None:
    issue = under_way(database, "ann", "bob", "cid")
    rows = claim(database, issue)
    leave(database, "ann")
    with database.write() as connection:
        subscribers.erase(connection, "cid@example.org", at=NOW)

    assert declare(database, issue, rows) == {rows[1].id}
    assert states(database, issue) == {"suppressed": 2, "submitting": 1}


def test_who_is_erased_but_pending_is_not_mailed_later(database: Database) -> None:
    issue = under_way(database, "ann")
    with database.write() as connection:
        subscribers.erase(connection, "ann@example.org", at=NOW)
    rows = claim(database, issue)

    assert "ann" not in rows[0].address
    assert declare(database, issue, rows) == set()
    assert states(database, issue) == {"suppressed": 1}


@pytest.mark.parametrize("state", [s for s in IssueState if s is not IssueState.SENDING])
def test_of_an_issue_that_does_not_send_nothing_goes(database: Database, state: IssueState) -> None:
    issue = under_way(database, "ann")
    rows = claim(database, issue)
    with database.write() as connection:
        issues.move(connection, issue.id, to=state, among=[IssueState.SENDING])

    assert declare(database, issue, rows) == set()
    assert states(database, issue) == {"claimed": 1}


def test_rows_of_another_issue_do_not_go(database: Database) -> None:
    """An id of elsewhere cannot pass by an issue that sends."""
    issue = under_way(database, "ann")
    rows = claim(database, issue)
    with database.write() as connection:
        other = drafted(connection, store(connection, 2), newsletter="monthly")
        issues.move(connection, other.id, to=IssueState.SENDING, among=[IssueState.DRAFT])

    assert declare(database, other, rows) == set(), "though its own sends too"
    with database.write() as connection:
        issues.move(connection, issue.id, to=IssueState.CANCELLED, among=[IssueState.SENDING])
    assert declare(database, other, rows) == set()


def test_nothing_declares_nothing(database: Database) -> None:
    issue = under_way(database, "ann")

    assert declare(database, issue, []) == set()


# -- settling --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.ACCEPTED, "accepted"),
        (Outcome.REFUSED, "refused"),
        (Outcome.DEFERRED, "pending"),
        (Outcome.UNCERTAIN, "uncertain"),
    ],
)
@pytest.mark.parametrize("declared", [True, False])
def test_a_receipt_settles_its_row(
    database: Database, outcome: Outcome, state: str, *, declared: bool
) -> None:
    issue = under_way(database, "ann", "bob")
    rows = claim(database, issue)
    if declared:
        declare(database, issue, rows)
    settle(database, rows[:1], outcome)

    assert states(database, issue) == {state: 1, "submitting" if declared else "claimed": 1}


def test_only_its_owner_settles_a_row(database: Database) -> None:
    issue = under_way(database, "ann")
    rows = claim(database, issue, owner="a")
    declare(database, issue, rows, owner="a")
    settle(database, rows, owner="b")

    assert states(database, issue) == {"submitting": 1}


@pytest.mark.parametrize("first", list(Outcome))
def test_a_row_is_settled_once(database: Database, first: Outcome) -> None:
    """What a late receipt says changes no row that is not in flight."""
    issue = under_way(database, "ann")
    rows = claim(database, issue)
    declare(database, issue, rows)
    settle(database, rows, first)
    before = states(database, issue)
    for other in Outcome:
        settle(database, rows, other)
        assert states(database, issue) == before


def test_the_servers_words_are_kept_for_the_operator(database: Database) -> None:
    issue = under_way(database, "ann", "bob", "cid")
    rows = claim(database, issue)
    declare(database, issue, rows)
    receipts = [
        Receipt(delivery_id=rows[0].id, outcome=Outcome.REFUSED, detail="550 no such user " + "x" * 5000),
        Receipt(delivery_id=rows[1].id, outcome=Outcome.DEFERRED, detail="451 later"),
        Receipt(delivery_id=rows[2].id, outcome=Outcome.ACCEPTED, detail="250 ok"),
    ]
    with database.write() as connection:
        ledger.record(connection, [settled(r, LEASE) for r in receipts], owner="a", now=NOW)
        told = ledger.problems(connection, issue.id)

    assert [(address, state) for address, state, _ in told] == [
        ("ann@example.org", "refused"),
        ("bob@example.org", "pending"),
    ]
    assert told[0][2].startswith("550 no such user")
    assert len(told[0][2]) == 1000


def test_what_was_not_submitted_is_given_back(database: Database) -> None:
    """As if it had never been tried: it does not count as an attempt."""
    issue = under_way(database, "ann", "bob", "cid")
    rows = claim(database, issue)
    declare(database, issue, rows[:2])
    settle(database, rows[:1])
    withdraw(database, rows, owner="b")
    assert states(database, issue) == {"accepted": 1, "submitting": 1, "claimed": 1}
    withdraw(database, rows)
    withdraw(database, [])

    assert states(database, issue) == {"accepted": 1, "pending": 2}
    assert [r.attempt for r in claim(database, issue)] == [1, 1]


# -- recovering ------------------------------------------------------------------


def test_what_a_dead_sender_left_is_taken_back(database: Database) -> None:
    """Without intent it was not submitted; with it nobody knows, and it never waits again by itself."""
    issue = under_way(database, "ann", "bob", "cid")
    rows = claim(database, issue, owner="a", limit=2)
    claim(database, issue, owner="b")
    declare(database, issue, rows[:1], owner="a")
    with database.read() as connection:
        assert ledger.owners(connection, issue.id) == {"a", "b"}

    assert recover(database, issue, "a") == (1, 1)
    assert states(database, issue) == {"uncertain": 1, "pending": 1, "claimed": 1}
    assert recover(database, issue, "a") == (0, 0)
    with database.read() as connection:
        assert ledger.owners(connection, issue.id) == {"b"}


def test_a_lease_that_ran_out_is_taken_back(database: Database) -> None:
    issue = under_way(database, "ann", "bob")
    rows = claim(database, issue)
    declare(database, issue, rows[:1])

    assert recover(database, issue, now=NOW + LEASE) == (0, 0)
    assert recover(database, issue, now=NOW + LEASE + timedelta(seconds=1)) == (1, 1)


def test_the_living_are_not_robbed(database: Database) -> None:
    issue = under_way(database, "ann")
    claim(database, issue)

    assert recover(database, issue, "somebody else") == (0, 0)
    assert recover(database, issue) == (0, 0)


def test_other_issues_are_left_alone(database: Database) -> None:
    issue = under_way(database, "ann")
    claim(database, issue)
    with database.write() as connection:
        other = drafted(connection, store(connection, 9), newsletter="monthly")

    assert recover(database, other, "a") == (0, 0)


def test_a_person_decides_on_what_is_uncertain(database: Database) -> None:
    issue = under_way(database, "ann", "bob")
    rows = claim(database, issue)
    declare(database, issue, rows)
    settle(database, rows[:1], Outcome.UNCERTAIN)

    def resolve(to: DeliveryState) -> int:
        with database.write() as connection:
            return ledger.resolve(connection, issue.id, to=to, detail="d", not_before=None, now=NOW)

    assert resolve(DeliveryState.PENDING) == 1
    assert states(database, issue) == {"pending": 1, "submitting": 1}
    assert resolve(DeliveryState.ABANDONED) == 0
    recover(database, issue, "a")
    assert resolve(DeliveryState.ABANDONED) == 1
    assert states(database, issue) == {"pending": 1, "abandoned": 1}


def test_cancelling_abandons_who_was_not_served(database: Database) -> None:
    """Who may have it already keeps its state."""
    issue = under_way(database, *PEOPLE)
    rows = claim(database, issue, limit=4)
    declare(database, issue, rows[:3])
    settle(database, rows[:1])
    settle(database, rows[1:2], Outcome.UNCERTAIN)
    with database.write() as connection:
        assert ledger.abandon_pending(connection, issue.id, detail="cancelled", now=NOW) == 3

    assert states(database, issue) == {"accepted": 1, "uncertain": 1, "submitting": 1, "abandoned": 3}
    assert counts(database, issue).adds_up


# -- any order -------------------------------------------------------------------


OWNERS = st.sampled_from(["a", "b"])


class Senders(RuleBasedStateMachine):
    """Senders, a provider that remembers what it took, and people who do things in between.

    The provider is the truth: it takes a message whenever a sender may submit
    it, whether or not its answer is ever heard.
    """

    def __init__(self) -> None:
        super().__init__()
        self._url = fresh_url("sqlite", Path(_folder()), template=_template())
        self.database = Database(self._url.__enter__())
        self.taken: Counter[int] = Counter()  # by the provider
        self.resent: Counter[int] = Counter()  # by somebody's decision
        self.claimed: dict[str, list[Delivery]] = {}
        self.on_wire: dict[str, list[Delivery]] = {}
        self.barred: set[str] = set()  # names that must not be mailed from now on
        self.was: dict[int, str] = {}
        self.now = NOW
        self.is_cancelled = False

    def teardown(self) -> None:
        self.database.close()
        self._url.__exit__(None, None, None)

    @initialize()
    def freeze(self) -> None:
        self.issue = under_way(self.database, *PEOPLE)

    def _rows(self) -> dict[int, tuple[str, str]]:
        with self.database.read() as connection:
            rows = connection.execute(select(delivery.c.id, delivery.c.state, delivery.c.address))
            return {number: (state, address) for number, state, address in rows}

    @precondition(lambda self: not self.is_cancelled)
    @rule(owner=OWNERS, limit=st.integers(1, 4))
    def claim(self, owner: str, limit: int) -> None:
        if self.claimed.get(owner) or self.on_wire.get(owner):
            return  # a sender finishes its window first
        self.claimed[owner] = claim(self.database, self.issue, owner=owner, limit=limit, now=self.now)

    @precondition(lambda self: any(self.claimed.values()))
    @rule(owner=OWNERS, some=st.integers(1, 4))
    def declare(self, owner: str, some: int) -> None:
        """The provider takes what may go."""
        rows, self.claimed[owner] = self.claimed.get(owner, [])[:some], self.claimed.get(owner, [])[some:]
        allowed = declare(self.database, self.issue, rows, owner=owner)
        gone = [row for row in rows if row.id in allowed]
        for row in gone:
            assert row.address.partition("@")[0] not in self.barred
            assert not self.is_cancelled
            self.taken[row.id] += 1
        self.on_wire.setdefault(owner, []).extend(gone)

    @precondition(lambda self: any(self.on_wire.values()))
    @rule(owner=OWNERS, is_heard=st.booleans())
    def answer(self, owner: str, is_heard: bool) -> None:
        rows = self.on_wire.pop(owner, [])
        settle(self.database, rows, Outcome.ACCEPTED if is_heard else Outcome.UNCERTAIN, owner=owner)

    @precondition(lambda self: any(self.on_wire.values()))
    @rule(owner=OWNERS, outcome=st.sampled_from([Outcome.DEFERRED, Outcome.REFUSED]))
    def turn_away(self, owner: str, outcome: Outcome) -> None:
        """A definite no: the provider did not take it."""
        rows = self.on_wire.pop(owner, [])
        for row in rows:
            self.taken[row.id] -= 1
        settle(self.database, rows, outcome, owner=owner)

    @rule(owner=OWNERS)
    def withdraw(self, owner: str) -> None:
        """What was claimed and never left."""
        withdraw(self.database, self.claimed.pop(owner, []), owner=owner, now=self.now)

    @rule(owner=OWNERS, forgets=st.booleans())
    def die(self, owner: str, forgets: bool) -> None:
        """A sender stops; or it only looked dead, and goes on with what it holds."""
        recover(self.database, self.issue, owner, now=self.now)
        if forgets:
            self.claimed.pop(owner, None)
            self.on_wire.pop(owner, None)

    @rule(minutes=st.sampled_from([1, 20]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        recover(self.database, self.issue, now=self.now)

    @precondition(lambda self: len(self.barred) < 3)
    @rule(name=st.sampled_from(PEOPLE), leaves=st.booleans())
    def bar(self, name: str, leaves: bool) -> None:
        (leave if leaves else suppress)(self.database, name)
        self.barred.add(name)

    @rule(resend=st.booleans())
    def resolve(self, resend: bool) -> None:
        uncertain = [number for number, (state, _) in self._rows().items() if state == "uncertain"]
        with self.database.write() as connection:
            ledger.resolve(
                connection,
                self.issue.id,
                to=DeliveryState.PENDING if resend else DeliveryState.ABANDONED,
                detail="",
                not_before=None,
                now=self.now,
            )
        if resend:
            self.resent.update(uncertain)

    @precondition(lambda self: sum(self.taken.values()) >= 5)
    @rule()
    def cancel(self) -> None:
        """Not too early, or nothing else happens."""
        with self.database.write() as connection:
            ledger.abandon_pending(connection, self.issue.id, detail="", now=self.now)
            issues.cancel(connection, self.issue, reason="", frees_articles=False)
        self.is_cancelled = True

    @invariant()
    def nobody_gets_it_twice_without_a_decision(self) -> None:
        assert all(count <= 1 + self.resent[number] for number, count in self.taken.items())

    @invariant()
    def the_account_adds_up(self) -> None:
        if hasattr(self, "issue"):
            account = counts(self.database, self.issue, now=self.now)
            assert account.adds_up
            assert account.candidates == len(PEOPLE)

    @invariant()
    def what_is_final_stays(self) -> None:
        """And what is called accepted was taken, as what was taken and never decided on is not waiting."""
        if not hasattr(self, "issue"):
            return
        rows = self._rows()
        for number, (state, _) in rows.items():
            if self.was.get(number) in {"accepted", "refused", "suppressed", "abandoned"}:
                assert state == self.was[number]
            if state == "accepted":
                assert self.taken[number] >= 1
            if self.taken[number] > self.resent[number]:
                assert state not in {"pending", "claimed", "suppressed"}
        self.was = {number: state for number, (state, _) in rows.items()}


_cache: dict[str, str] = {}


def _folder() -> str:
    from tempfile import mkdtemp

    _cache.setdefault("folder", mkdtemp(prefix="digest-ledger-"))
    return _cache["folder"]


def _template() -> Path:
    if "template" not in _cache:
        _cache["template"] = str(make_template(Path(_folder())))
    return Path(_cache["template"])


@pytest.fixture(scope="module", autouse=True)
def _no_folder_stays():
    import shutil

    yield
    if folder := _cache.pop("folder", None):
        shutil.rmtree(folder, ignore_errors=True)
        _cache.clear()


class SendersElsewhere(Senders):
    """The same by SQLAlchemy, which on other databases does this work too."""

    def __init__(self) -> None:
        super().__init__()
        Way.is_core = True

    def teardown(self) -> None:
        Way.is_core = False
        super().teardown()


TestSenders, TestSendersElsewhere = Senders.TestCase, SendersElsewhere.TestCase
TestSenders.settings = TestSendersElsewhere.settings = settings(
    max_examples=50,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
