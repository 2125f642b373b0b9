"""What providers tell later, on every kind of database: once, forward only, and never for somebody else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from digest.model.delivery import DeliveryEvent, DeliveryId, DeliveryState, EventKind
from digest.model.issue import Issue, IssueState
from digest.model.subscriber import SubscriptionState, SuppressionReason
from digest.storage import delivery_events, issues, ledger, subscribers
from digest.storage.database import Database
from digest.storage.subscribers import erased_key
from digest.storage.tables import delivery, delivery_event
from digest.workflows.people.feedback import Received, receive
from fakes.databases import KINDS, NOW, drafted, fresh_url, make_template, store, subscribe, under_way

SECOND = timedelta(seconds=1)
NAMES = ("ann", "bob", "cid")


def sent(database: Database, *names: str, state: str = "accepted", batch: str = "b1") -> Issue:
    """An issue whose deliveries are all in one state and went in one batch."""
    issue = under_way(database, *(names or NAMES))
    put(database, issue, state=state, batch_id=batch)
    return issue


def put(database: Database, issue: Issue, *, name: str = "", **values: object) -> None:
    which = delivery.c.issue_id == issue.id
    if name:
        which = which & (delivery.c.address_key == f"{name}@example.org")
    with database.write() as connection:
        connection.execute(update(delivery).where(which).values(**values))


def rows(database: Database) -> dict[str, Any]:
    """The deliveries by the name before the @."""
    with database.read() as connection:
        return {row.address.partition("@")[0]: row for row in connection.execute(select(delivery))}


def states(database: Database) -> dict[str, str]:
    return {name: row.state for name, row in rows(database).items()}


def shown(database: Database) -> dict[str, str]:
    return {name: row.event for name, row in rows(database).items()}


def event(
    database: Database, name: str, kind: EventKind = EventKind.DELIVERED, **values: Any
) -> DeliveryEvent:
    """As SendGrid tells it of this person, with all claims right."""
    made = DeliveryEvent(
        key=f"{name} {kind.value} {values.get('at', NOW)}",
        provider="sendgrid",
        kind=kind,
        at=NOW,
        delivery_id=DeliveryId(rows(database)[name].id),
        batch_id="b1",
        issue_ref="weekly/1",
        address=f"{name.title()}@example.org",
    )
    return replace(made, **values)


def tell(database: Database, *events: DeliveryEvent) -> Received:
    return receive(events, database=database, now=NOW)


def recorded(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(select(delivery_event).order_by(delivery_event.c.id)))


def everything(database: Database) -> list[Any]:
    """All that events can change."""
    from digest.storage.tables import consent_entry, issue, subscription, suppression

    tables = (delivery, delivery_event, subscription, suppression, consent_entry, issue)
    with database.read() as connection:
        return [sorted(map(repr, connection.execute(select(table)))) for table in tables]


# -- kept once -----------------------------------------------------------------------


def test_an_event_is_kept_with_its_own_fields(database: Database) -> None:
    issue = sent(database)
    told = event(database, "ann", EventKind.BLOCKED, detail="552 full", at=NOW - SECOND)

    assert tell(database, told) == Received(told=1, kept=1, belonging=1)

    [row] = recorded(database)
    assert (row.delivery_id, row.issue_id, row.batch_id) == (told.delivery_id, issue.id, "b1")
    assert (row.provider, row.kind, row.event_key) == ("sendgrid", "blocked", told.key)
    assert (row.at, row.received_at, row.detail) == (NOW - SECOND, NOW, "552 full")
    assert row.address_key == erased_key("ann@example.org")


def test_an_event_told_46_times_is_kept_once(database: Database) -> None:
    sent(database)
    told = event(database, "ann", EventKind.COMPLAINED)

    first, *others = [tell(database, *[told] * 23) for _ in range(2)]

    assert first == Received(told=23, kept=1, belonging=1, suppressed=1, ended=1)
    assert others == [Received(told=23)]
    assert len(recorded(database)) == 1


def test_thousands_of_events_come_in_one_post(database: Database) -> None:
    """More than a statement has places for values."""
    names = [f"p{n}" for n in range(300)]
    sent(database, *names)
    ids = {name: row.id for name, row in rows(database).items()}
    base = event(database, "p0")
    events = [
        replace(base, key=f"{name} {n}", delivery_id=DeliveryId(ids[name]), address=f"{name}@example.org")
        for name in names
        for n in range(12)
    ]

    assert tell(database, *events).belonging == 3600
    assert set(shown(database).values()) == {"delivered"}


# -- for nobody of ours ----------------------------------------------------------------


@pytest.mark.parametrize(
    "claim",
    [
        {"issue_ref": "weekly/2"},
        {"issue_ref": "monthly/1"},
        {"issue_ref": ""},
        {"address": "bob@example.org"},
        {"address": ""},
        {"delivery_id": DeliveryId(999_999)},
        {"delivery_id": None},
    ],
    ids=lambda claim: " ".join(f"{k}={v}" for k, v in claim.items()),
)
def test_an_event_with_a_wrong_claim_is_recorded_and_changes_nothing(
    database: Database, claim: dict[str, Any]
) -> None:
    """Not the delivery, not the person, and it is no evidence for its batch."""
    sent(database, state="uncertain")
    before = rows(database)

    received = tell(database, event(database, "ann", EventKind.COMPLAINED, **claim))

    assert received == Received(told=1, kept=1)
    assert rows(database) == before
    [row] = recorded(database)
    assert (row.delivery_id, row.issue_id, row.batch_id, row.kind) == (None, None, "", "complained")
    with database.read() as connection:
        assert subscribers.suppression_of(connection, "ann@example.org") is None
        assert subscribers.count(connection, "weekly") == {"confirmed": 3}


def test_a_report_by_mail_claims_only_its_delivery(database: Database) -> None:
    """The token of its return path is all that it needs."""
    sent(database)

    told = event(
        database, "ann", EventKind.BOUNCED, provider="smtp", issue_ref=None, address=None, batch_id=""
    )

    assert tell(database, told).suppressed == 1
    assert shown(database)["ann"] == "bounced"


# -- forward only ------------------------------------------------------------------------


def test_the_furthest_event_is_shown_with_its_time(database: Database) -> None:
    """The earliest of those of that kind; what comes late and says less changes nothing."""
    sent(database)
    late, early = NOW + SECOND, NOW - SECOND
    tell(database, event(database, "ann", EventKind.DELIVERED, at=late))
    tell(database, event(database, "ann", EventKind.DELIVERED, at=early))
    tell(database, event(database, "ann", EventKind.PROCESSED, at=late))
    tell(database, event(database, "ann", EventKind.DEFERRED, at=late))

    assert (rows(database)["ann"].event, rows(database)["ann"].event_at) == ("delivered", early)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("events"))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.parametrize("kind", KINDS)
def test_any_order_and_repetition_ends_in_the_same_place(kind: str, empty: Path, data: st.DataObject) -> None:
    """The events themselves decide, and not when and how often they were told.

    Only the words of a reason are those of who came first.
    """
    posts = st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(list(EventKind)), st.integers(0, 3)), max_size=8
    )
    told = data.draw(posts)
    shuffled = data.draw(st.permutations([*told, *told]))
    cut = data.draw(st.integers(0, len(shuffled)))

    ends = [_told_all(kind, empty, some) for some in ([told], [shuffled[:cut], shuffled[cut:]])]

    assert ends[0] == ends[1]


def _told_all(kind: str, template: Path, posts: Iterable[list[tuple[str, EventKind, int]]]) -> object:
    """Deliveries, people and counts after these posts."""
    with TemporaryDirectory() as folder, fresh_url(kind, Path(folder), template=template) as url:
        database = Database(url)
        issue = sent(database, state="uncertain")
        put(database, issue, name="cid", batch_id="b2")
        for post in posts:
            batch = {"ann": "b1", "bob": "b1", "cid": "b2"}
            tell(
                database,
                *(
                    event(database, name, what, at=NOW + seconds * SECOND, batch_id=batch[name])
                    for name, what, seconds in post
                ),
            )
        with database.read() as connection:
            people = {
                name: (
                    [s.state for s in subscribers.by_address(connection, f"{name}@example.org")],
                    subscribers.suppression_of(connection, f"{name}@example.org") is not None,
                )
                for name in NAMES
            }
            counts = delivery_events.outcome_counts(connection, issue.id)
        ends = ({n: (r.state, r.event, r.event_at) for n, r in rows(database).items()}, people, counts)
        database.close()
        return ends


def test_all_posts_played_again_change_nothing(database: Database) -> None:
    """Invariant I10, over every kind of event and every table that events can touch."""
    sent(database, *NAMES, "dee", "eve", state="uncertain")
    posts = [
        [event(database, name, kind, at=NOW + n * SECOND) for name in (*NAMES, "dee")]
        for n, kind in enumerate(EventKind)
    ]
    for post in posts:
        tell(database, *post)
    once = everything(database)

    for post in [*posts, *reversed(posts)]:
        assert tell(database, *post) == Received(told=len(post))

    assert everything(database) == once


# -- what it does to the person ------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "reason", "state"),
    [
        (EventKind.BOUNCED, SuppressionReason.BOUNCED, SubscriptionState.CONFIRMED),
        (EventKind.COMPLAINED, SuppressionReason.COMPLAINED, SubscriptionState.ENDED),
        (EventKind.UNSUBSCRIBED, None, SubscriptionState.ENDED),
        (EventKind.BLOCKED, None, SubscriptionState.CONFIRMED),
        (EventKind.DEFERRED, None, SubscriptionState.CONFIRMED),
        (EventKind.DROPPED, None, SubscriptionState.CONFIRMED),
        (EventKind.UNKNOWN, None, SubscriptionState.CONFIRMED),
    ],
)
def test_only_what_is_certain_is_held_against_the_address(
    database: Database, kind: EventKind, reason: SuppressionReason | None, state: SubscriptionState
) -> None:
    sent(database)
    tell(database, event(database, "ann", kind, detail="550 no such user"))

    with database.read() as connection:
        found = subscribers.suppression_of(connection, "ann@example.org")
        [mine] = subscribers.by_address(connection, "ann@example.org")
        history = [(e.what, e.how) for e in subscribers.history(connection, "ann@example.org")][1:]
        others = subscribers.by_address(connection, "bob@example.org")
    assert (found.reason if found else None) is reason
    assert mine.state is state
    how = f"{kind.value}, reported by sendgrid: 550 no such user"
    expected = [("suppressed", how)] * bool(reason) + [("left", how)] * (state is SubscriptionState.ENDED)
    assert history == expected
    assert [s.state for s in others] == [SubscriptionState.CONFIRMED]


def test_a_suppressed_address_gets_no_next_issue(database: Database) -> None:
    sent(database)
    tell(database, event(database, "ann", EventKind.BOUNCED), event(database, "bob", EventKind.COMPLAINED))

    with database.write() as connection:
        following = drafted(connection, store(connection, 2))
        ledger.freeze_audience(connection, following.id, "weekly", at=NOW)
        issues.move(connection, following.id, to=IssueState.SENDING, among=[IssueState.DRAFT])
        claimed = ledger.claim(
            connection, following.id, limit=10, owner="a", lease=timedelta(minutes=1), now=NOW
        )
        excluded = ledger.counts(connection, following.id, now=NOW).exclusions

    assert [row.address for row in claimed] == ["cid@example.org"]
    assert excluded == {"suppressed": 1}  # who complained has left besides, and is no candidate


def test_who_came_back_stays_when_old_news_arrives(database: Database) -> None:
    sent(database)
    late = NOW + timedelta(hours=3)
    with database.write() as connection:
        [mine] = subscribers.by_address(connection, "ann@example.org")
        subscribers.end(connection, mine.id, at=NOW, why="unsubscribed", how="page")
        subscribers.renew(connection, mine.id, at=late, how="the button")

    old = tell(database, event(database, "ann", EventKind.UNSUBSCRIBED, at=NOW))
    new = tell(database, event(database, "ann", EventKind.UNSUBSCRIBED, at=late + SECOND))

    assert (old.ended, new.ended) == (0, 1)


def test_a_subscription_that_is_somebody_elses_by_now_is_not_ended(database: Database) -> None:
    """The person was erased, and the number of the subscription went to the next one."""
    sent(database, "ann")
    with database.write() as connection:
        number = subscribers.by_address(connection, "ann@example.org")[0].id
        subscribers.erase(connection, "ann@example.org", at=NOW)
        subscribe(connection, "zoe")
        from digest.storage.tables import subscription

        connection.execute(update(subscription).values(id=number))
    told = DeliveryEvent(
        key="late",
        provider="sendgrid",
        kind=EventKind.COMPLAINED,
        at=NOW,
        delivery_id=DeliveryId(next(iter(rows(database).values())).id),
        issue_ref="weekly/1",
        address="ann@example.org",
    )

    assert tell(database, told) == Received(told=1, kept=1, belonging=1)
    with database.read() as connection:
        assert subscribers.count(connection, "weekly") == {"confirmed": 1}


# -- evidence --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(EventKind))
def test_any_event_proves_its_own_delivery(database: Database, kind: EventKind) -> None:
    issue = sent(database, state="uncertain", batch="")

    assert tell(database, event(database, "ann", kind, batch_id="b9")).proven == 1
    assert states(database) == {"ann": "accepted", "bob": "uncertain", "cid": "uncertain"}
    assert rows(database)["ann"].detail == delivery_events.EVIDENCE
    with database.read() as connection:
        assert issues.by_id(connection, issue.id).state is IssueState.SENDING


def test_one_event_proves_the_whole_batch_and_closes_the_issue(database: Database) -> None:
    """A batch is one request: it was taken whole or not at all."""
    issue = sent(database, state="uncertain")

    assert tell(database, event(database, "bob", EventKind.PROCESSED)).proven == 3
    assert set(states(database).values()) == {"accepted"}
    with database.read() as connection:
        assert issues.by_id(connection, issue.id).state is IssueState.SENT


def test_another_batch_stays_in_doubt(database: Database) -> None:
    issue = sent(database, state="uncertain")
    put(database, issue, name="cid", batch_id="b2")

    assert tell(database, event(database, "ann")).proven == 2
    assert states(database)["cid"] == "uncertain"


def test_a_batch_of_another_issue_is_another_batch(database: Database) -> None:
    sent(database)
    with database.write() as connection:
        other = drafted(connection, store(connection, 2))
        row = {
            "issue_id": other.id,
            "subscription_id": 99,
            "address": "zoe@example.org",
            "address_key": "zoe@example.org",
            "state": "uncertain",
            "batch_id": "b1",
            "updated_at": NOW,
        }
        connection.execute(insert(delivery), row)

    tell(database, event(database, "ann"))
    with database.write() as connection:
        assert delivery_events.accept_on_evidence(connection, other.id, now=NOW) == 0

    assert states(database)["zoe"] == "uncertain"


@pytest.mark.parametrize("state", [s for s in DeliveryState if s is not DeliveryState.UNCERTAIN])
def test_evidence_moves_nothing_that_is_not_in_doubt(database: Database, state: DeliveryState) -> None:
    """A row that a person has decided to send again is pending, and goes; what is accepted stays so."""
    sent(database, state=state.value)

    assert tell(database, event(database, "ann")).proven == 0
    assert set(states(database).values()) == {state.value}
    assert shown(database)["ann"] == "delivered"


def test_evidence_that_came_before_the_doubt_counts(database: Database) -> None:
    """The provider tells of it while the sender still waits for its answer, which is then lost."""
    issue = sent(database, state="submitting")
    tell(database, event(database, "ann", EventKind.PROCESSED))
    put(database, issue, state="uncertain")

    with database.write() as connection:
        assert delivery_events.accept_on_evidence(connection, issue.id, now=NOW) == 3

    assert set(states(database).values()) == {"accepted"}


# -- counting ----------------------------------------------------------------------------------


def test_what_was_told_is_counted_among_the_accepted(database: Database) -> None:
    names = ("ann", "bob", "cid", "dee", "eve", "fay", "gus")
    issue = sent(database, *names)
    kinds = (
        EventKind.DELIVERED,
        EventKind.OPENED,
        EventKind.BOUNCED,
        EventKind.BLOCKED,
        EventKind.DROPPED,
        EventKind.COMPLAINED,
        EventKind.PROCESSED,
    )
    tell(database, *(event(database, name, kind) for name, kind in zip(names, kinds, strict=True)))
    put(database, issue, name="bob", state="abandoned")

    with database.read() as connection:
        assert delivery_events.outcome_counts(connection, issue.id) == {
            "delivered": 1,
            "bounced": 3,
            "complained": 1,
        }


def test_counting_reads_only_what_was_told(database: Database, url: str) -> None:
    """With a million recipients `status` must not read a million rows."""
    if not url.startswith("sqlite"):
        pytest.skip("the plan of SQLite")
    import sqlite3

    issue = sent(database)
    seen: list[str] = []
    with database.read() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.set_trace_callback(seen.append)
        delivery_events.outcome_counts(connection, issue.id)
        raw.set_trace_callback(None)
        [statement] = [s for s in seen if "FROM delivery" in s]
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()

    assert "USING COVERING INDEX ix_delivery_told" in repr(plan)
