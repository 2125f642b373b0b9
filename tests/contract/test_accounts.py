"""What accounts, sessions and the audit log promise, on every kind of database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

from digest.errors import NotAllowed, NotFound
from digest.model.activity import ActivityKind, Actor, Door
from digest.model.editor import Role
from digest.passwords import Cost, Passwords
from digest.rules.accounts import FAILURES_OF_A_NAME, FAILURES_OF_A_NETWORK, LONGEST, token_hash
from digest.storage import activity_log, editors, login_attempts, sessions
from digest.storage.database import Database
from digest.workflows.operating import accounts
from digest.workflows.operating.accounts import Login
from fakes.activity import actor
from fakes.activity import logged as entries
from fakes.databases import NOW

CHEAP = Passwords(Cost(memory=64, rounds=1, lanes=1))
PASSWORD = "tin roof, old rain"
HOME = "203.0.113.9"
MINUTE = timedelta(minutes=1)


def add(database: Database, name: str = "Ann", role: Role = Role.EDITOR, password: str = PASSWORD) -> None:
    accounts.add(
        name, role=role, password=password, database=database, passwords=CHEAP, by=actor("root"), now=NOW
    )


def log_in(database: Database, name: str = "Ann", password: str = PASSWORD, **given: Any) -> Login:
    values = {"address": HOME, "passwords": CHEAP, "now": NOW} | given
    return accounts.log_in(name, password, database=database, **values)


def name_of(database: Database, session: str, *, now: datetime = NOW) -> str:
    editor = accounts.editor_of(session, database=database, now=now)
    return editor.name if editor else ""


def logged(database: Database) -> list[tuple[str, str, str, str]]:
    """Oldest first."""
    return [(e.who, e.detail, e.subject, e.where) for e in reversed(entries(database))]


def record(database: Database, detail: str, *, by: Actor, subject: str = "") -> None:
    with database.write() as connection:
        activity_log.record(connection, ActivityKind.APPROVED, detail, by=by, at=NOW, subject=subject)


# -- accounts ----------------------------------------------------------------------


def test_an_account_is_made_once_whatever_the_spelling(database: Database) -> None:
    assert not accounts.any_exist(database=database)
    add(database, "Ann")

    for name in ("Ann", "ANN", "ann"):
        with pytest.raises(NotAllowed, match="already"):
            add(database, name)
    assert accounts.any_exist(database=database)
    assert [(e.name, e.role, seen) for e, seen in accounts.all_of(database=database)] == [
        ("Ann", Role.EDITOR, None)
    ]


@pytest.mark.parametrize(("name", "password"), [(" ", PASSWORD), ("a\nb", PASSWORD), ("Ann", "short")])
def test_a_bad_name_or_password_makes_no_account(database: Database, name: str, password: str) -> None:
    with pytest.raises(NotAllowed):
        add(database, name, password=password)

    assert not accounts.any_exist(database=database)


def test_nobody_can_be_changed_who_is_not_there(database: Database) -> None:
    how: dict[str, Any] = {"database": database, "by": actor("root"), "now": NOW}
    with pytest.raises(NotFound, match="“Bob”"):
        accounts.change_password("Bob", PASSWORD, passwords=CHEAP, **how)
    with pytest.raises(NotFound):
        accounts.change_role("Bob", Role.ADMIN, **how)
    with pytest.raises(NotFound):
        accounts.remove("Bob", **how)
    assert logged(database) == []


def test_the_password_is_nowhere_in_the_database(database: Database) -> None:
    add(database)
    with database.read() as connection:
        found = editors.by_name(connection, "ann")
    assert found
    assert found[1].startswith("$argon2id$")
    assert PASSWORD not in repr(found)
    assert found[1] not in repr(found[0])


# -- sessions ----------------------------------------------------------------------


def test_each_login_begins_a_session_of_its_own(database: Database) -> None:
    add(database)
    first, second = log_in(database).session, log_in(database, " ANN ").session

    assert first != second
    assert name_of(database, first) == name_of(database, second) == "Ann"
    assert name_of(database, "") == name_of(database, "guessed") == name_of(database, token_hash(first)) == ""


def test_only_a_hash_of_the_token_is_kept(database: Database) -> None:
    add(database)
    token = log_in(database).session
    with database.read() as connection:
        assert sessions.by_hash(connection, token) is None
        kept = sessions.by_hash(connection, token_hash(token))
    assert kept
    assert token not in repr(kept)


def test_logging_out_ends_this_session_only(database: Database) -> None:
    add(database)
    here, there = log_in(database).session, log_in(database).session
    accounts.log_out(here, address=HOME, database=database, now=NOW)

    assert (name_of(database, here), name_of(database, there)) == ("", "Ann")


def test_every_session_ends_with_the_password_the_role_and_the_account(database: Database) -> None:
    how: dict[str, Any] = {"database": database, "by": actor("root"), "now": NOW}
    add(database)
    add(database, "Bob")
    bob = log_in(database, "Bob").session

    one, two = log_in(database).session, log_in(database).session
    accounts.change_password("ann", "old rain, tin roof", passwords=CHEAP, **how)
    assert (name_of(database, one), name_of(database, two)) == ("", "")
    assert log_in(database).session == ""

    three = log_in(database, password="old rain, tin roof").session
    accounts.change_role("ann", Role.ADMIN, **how)
    assert name_of(database, three) == ""

    four = log_in(database, password="old rain, tin roof").session
    accounts.remove("ann", **how)
    add(database)
    assert name_of(database, four) == ""
    assert name_of(database, bob) == "Bob"


def test_a_session_that_outlived_its_generation_is_dead(database: Database) -> None:
    """Also where its row is still there: a login that raced with a new password."""
    add(database)
    token = log_in(database).session
    with database.write() as connection:
        found = editors.by_name(connection, "Ann")
        assert found
        editors.change_password(connection, found[0].id, password_hash=found[1], at=NOW)

    assert name_of(database, token) == ""


def test_an_old_password_that_is_looked_at_while_it_is_changed_opens_nothing(database: Database) -> None:
    class Slow(Passwords):
        def verify(self, password: str, kept: str | None) -> bool:
            fitted = CHEAP.verify(password, kept)
            accounts.change_password(
                "Ann", "old rain, tin roof", database=database, passwords=CHEAP, by=actor("root"), now=NOW
            )
            return fitted

    add(database)

    assert log_in(database, passwords=Slow()) == Login()


def test_being_seen_keeps_a_session_awake_until_its_last_day(database: Database) -> None:
    add(database)
    token = log_in(database).session
    now = NOW
    while now + timedelta(hours=11) < NOW + LONGEST:
        now += timedelta(hours=11)
        assert name_of(database, token, now=now) == "Ann"

    assert name_of(database, token, now=NOW + LONGEST) == ""
    idle = log_in(database).session
    assert name_of(database, idle, now=NOW + timedelta(hours=12)) == ""


def test_ended_sessions_are_swept_out(database: Database) -> None:
    add(database)
    token = log_in(database).session
    log_in(database, now=NOW + LONGEST)
    with database.read() as connection:
        assert sessions.by_hash(connection, token_hash(token)) is None


def test_a_hash_that_got_cheap_is_renewed_and_nobody_is_logged_out(database: Database) -> None:
    add(database)
    dearer = Passwords(Cost(memory=128, rounds=1, lanes=1))
    before = log_in(database).session
    assert log_in(database, passwords=dearer).session
    with database.read() as connection:
        found = editors.by_name(connection, "Ann")

    assert found
    assert not dearer.is_outdated(found[1])
    assert name_of(database, before) == "Ann"


# -- limits ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Ann", "nobody"])
def test_after_five_failures_a_name_waits_whether_it_is_known_or_not(database: Database, name: str) -> None:
    add(database)
    for number in range(FAILURES_OF_A_NAME):
        assert log_in(database, name, "wrong", address=f"198.51.{number}.1") == Login()

    assert log_in(database, name, address=HOME).wait == MINUTE, "also with the right password"
    assert log_in(database, "Bob", "wrong") == Login(), "others do not wait"
    assert bool(log_in(database, name, now=NOW + MINUTE).session) is (name == "Ann")


def test_a_success_forgives_the_failures_before_it(database: Database) -> None:
    add(database)
    for _ in range(3):
        for _ in range(FAILURES_OF_A_NAME - 1):
            log_in(database, password="wrong")
        assert log_in(database).session


def test_one_range_of_addresses_has_twenty_failures(database: Database) -> None:
    add(database)
    for number in range(FAILURES_OF_A_NETWORK):
        log_in(database, f"name {number}", "wrong", address=f"203.0.113.{number}")

    assert log_in(database).wait == MINUTE
    assert log_in(database, address="198.51.100.1").session


def test_a_hundred_at_once_find_no_gap(database: Database) -> None:
    """Attempts count before the password is looked at."""
    add(database)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: log_in(database, password=f"wrong {n}"), range(30)))

    assert sum(login.wait == timedelta(0) for login in found) == FAILURES_OF_A_NAME


def test_an_unknown_name_costs_a_look_at_a_password_too(database: Database) -> None:
    looked: list[bool] = []

    class Watched(Passwords):
        def verify(self, password: str, kept: str | None) -> bool:
            looked.append(kept is not None)
            return CHEAP.verify(password, kept)

    add(database)
    log_in(database, "Ann", "wrong", passwords=Watched())
    log_in(database, "nobody", "wrong", passwords=Watched())

    assert looked == [True, False]


def test_old_attempts_are_forgotten(database: Database) -> None:
    log_in(database, "nobody", "wrong")
    log_in(database, "nobody", "wrong", now=NOW + timedelta(days=2))
    with database.read() as connection:
        found = login_attempts.failures_of_name(connection, "nobody", since=NOW - timedelta(days=9))
    assert found == [NOW + timedelta(days=2)]


# -- the log -----------------------------------------------------------------------


def test_everything_is_on_record_and_nothing_secret(database: Database) -> None:
    """A name that nobody has may be a password in the wrong field."""
    how: dict[str, Any] = {"database": database, "by": actor("root"), "now": NOW}
    add(database)
    log_in(database, password="wrong")
    log_in(database, "my secret password", "x")
    session = log_in(database, address="2001:db8:1:2::3").session
    record(database, "approved", by=Actor("Ann", Door.DESK, "203.0.113.0/24"), subject="weekly/3")
    accounts.log_out(session, address=HOME, database=database, now=NOW)
    accounts.change_password("ANN", "old rain, tin roof", passwords=CHEAP, **how)
    accounts.change_role("ann", Role.PUBLISHER, **how)
    accounts.remove("ann", **how)

    assert logged(database) == [
        ("root", "added with the role editor", "Ann", "command line"),
        ("Ann", "login failed", "", "203.0.113.0/24"),
        ("", "login failed, unknown name", "", "203.0.113.0/24"),
        ("Ann", "logged in", "", "2001:db8:1::/48"),
        ("Ann", "approved", "weekly/3", "203.0.113.0/24"),
        ("Ann", "logged out", "", "203.0.113.0/24"),
        ("root", "new password", "Ann", "command line"),
        ("root", "role publisher instead of editor", "Ann", "command line"),
        ("root", "removed", "Ann", "command line"),
    ]


def test_the_log_gives_the_newest_first_and_no_more_than_asked(database: Database) -> None:
    for number in range(5):
        record(database, f"thing {number}", by=Actor("Ann", Door.DESK))

    assert [e.detail for e in entries(database, limit=2)] == ["thing 4", "thing 3"]
