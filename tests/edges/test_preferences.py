"""What a reader chooses with the link of a mail, down to the database and what the next issue makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.model.subscriber import Subscription, SubscriptionState, SuppressionReason
from digest.rules.signed_links import sign
from digest.storage import subscribers
from digest.storage.database import Database
from digest.workflows.people import feedback
from fakes.databases import NOW, subscribe

KEYS = ("a key for tests",)
OFFERED = ("weekly", "monthly", "incidents")


@pytest.fixture
def database(tmp_path: Path, template: Path) -> Iterator[Database]:
    (tmp_path / "digest.db").write_bytes(template.read_bytes())
    opened = Database(f"sqlite:///{tmp_path / 'digest.db'}")
    with opened.write() as connection:
        subscribe(connection, "ann", "bob")
        subscribe(connection, "ann", newsletter="monthly")
    yield opened
    opened.close()


def token(database: Database, name: str = "ann") -> str:
    with database.read() as connection:
        mine = subscribers.by_address(connection, f"{name}@example.org")
    weekly = next(one for one in mine if one.newsletter == "weekly")
    return sign(weekly.id, purpose="unsubscribe", keys=KEYS)


def choose(
    database: Database, *wanted: str, name: str = "Ann", link: str | None = None
) -> list[Subscription] | None:
    return feedback.choose(
        link or token(database),
        wanted=wanted,
        offered=OFFERED,
        name=name,
        keys=KEYS,
        database=database,
        now=NOW,
    )


def chosen(database: Database, name: str = "ann") -> set[str]:
    with database.read() as connection:
        mine = subscribers.by_address(connection, f"{name}@example.org")
    return {one.newsletter for one in mine if one.state is SubscriptionState.CONFIRMED}


def test_one_is_left_and_another_joined_in_one_go(database: Database) -> None:
    """Nobody else's subscriptions move, and the history says how it came about."""
    choose(database, "weekly", "incidents")

    assert chosen(database) == {"weekly", "incidents"}
    assert chosen(database, "bob") == {"weekly"}
    with database.read() as connection:
        history = subscribers.history(connection, "ann@example.org")
    ways = {(entry.newsletter, entry.what) for entry in history if entry.how == "the page of preferences"}
    assert ways == {("monthly", "left"), ("incidents", "subscribed")}


def test_who_has_left_comes_back_by_ticking_it_again(database: Database) -> None:
    choose(database)
    assert chosen(database) == set()

    choose(database, "weekly")
    assert chosen(database) == {"weekly"}


def test_the_same_choice_twice_changes_nothing(database: Database) -> None:
    choose(database, "weekly", "monthly")
    with database.read() as connection:
        before = subscribers.history(connection, "ann@example.org")
    choose(database, "weekly", "monthly")

    with database.read() as connection:
        assert subscribers.history(connection, "ann@example.org") == before


def test_what_is_not_offered_is_neither_joined_nor_left(database: Database) -> None:
    """A newsletter that is gone from the settings keeps its people; an invented one gets none."""
    with database.write() as connection:
        subscribe(connection, "ann", newsletter="gone")
    choose(database, "weekly", "invented")

    assert chosen(database) == {"weekly", "gone"}


def test_a_suppressed_address_may_leave_and_not_join(database: Database) -> None:
    with database.write() as connection:
        subscribers.suppress(connection, "ann@example.org", reason=SuppressionReason.COMPLAINED, at=NOW)
    choose(database, "incidents")

    assert chosen(database) == set()


def test_a_name_is_one_clean_line(database: Database) -> None:
    choose(database, "weekly", name="  Ann\r\nBcc: x@y.z  ")

    with database.read() as connection:
        names = {one.name for one in subscribers.by_address(connection, "ann@example.org")}
    assert names == {"Ann Bcc: x@y.z"}


def test_a_forged_link_changes_nothing(database: Database) -> None:
    forged = sign(1, purpose="unsubscribe", keys=("another key",))

    assert choose(database, link=forged) is None
    assert chosen(database) == {"weekly", "monthly"}
