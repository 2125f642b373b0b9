"""What the activity log promises, on every kind of database: filters, pages, and what never gets in."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from digest.model.activity import DIGEST, Activity, ActivityFilter, ActivityKind, Actor, Door
from digest.storage import activity_log, migrations
from digest.storage.database import Database
from digest.views.activity import activity
from fakes.databases import NOW

ANN = Actor("ann", Door.DESK, "203.0.113.0/24")
CMS = Actor("cms (API)", Door.API, "198.51.100.0/24")
DAY = timedelta(days=1)

ENTRIES = (
    (ActivityKind.DRAFTED, ANN, "weekly", "weekly/1"),
    (ActivityKind.MARKED, CMS, "weekly", "https://blog.example.com/one"),
    (ActivityKind.APPROVED, ANN, "weekly", "weekly/1"),
    (ActivityKind.APPROVED, CMS, "monthly", "monthly/1"),
    (ActivityKind.SENT, DIGEST, "weekly", "weekly/1"),
    (ActivityKind.LOGIN, ANN, "", ""),
    (ActivityKind.ACCOUNT_ADDED, Actor("root", Door.COMMAND_LINE), "", "ann"),
)


@pytest.fixture
def filled(database: Database) -> Database:
    """An entry a day; what each says is its place, from 0."""
    with database.write() as connection:
        for day, (what, by, newsletter, subject) in enumerate(ENTRIES):
            activity_log.record(
                connection, what, str(day), by=by, at=NOW + day * DAY, newsletter=newsletter, subject=subject
            )
    return database


def days(database: Database, **which: Any) -> list[int]:
    return [int(entry.detail) for entry in activity(ActivityFilter(**which), database=database).entries]


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ({}, [6, 5, 4, 3, 2, 1, 0]),
        ({"newsletter": "weekly"}, [4, 2, 1, 0]),
        ({"newsletter": "weekly", "issue": "weekly/1"}, [4, 2, 0]),
        ({"who": "ann"}, [5, 2, 0]),
        ({"door": Door.API}, [3, 1]),
        ({"door": Door.NONE}, [4]),
        ({"kinds": frozenset({ActivityKind.APPROVED, ActivityKind.SENT})}, [4, 3, 2]),
        ({"since": NOW + 2 * DAY, "until": NOW + 4 * DAY}, [3, 2]),
        ({"of_editors": True}, [6, 5, 3, 2, 1, 0]),
        ({"who": "ann", "kinds": frozenset({ActivityKind.APPROVED}), "since": NOW + 3 * DAY}, []),
    ],
)
def test_a_filter_shows_what_matches_and_the_newest_first(
    filled: Database, which: dict[str, Any], expected: list[int]
) -> None:
    assert days(filled, **which) == expected


def test_an_entry_comes_back_whole(filled: Database) -> None:
    [newest, *_] = activity(ActivityFilter(newsletter="monthly"), database=filled).entries

    assert newest == Activity(
        id=newest.id,
        at=NOW + 3 * DAY,
        what=ActivityKind.APPROVED,
        detail="3",
        newsletter="monthly",
        subject="monthly/1",
        who="cms (API)",
        door=Door.API,
        network="198.51.100.0/24",
    )


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_pages_show_every_entry_once_also_when_others_are_added_meanwhile(
    filled: Database, limit: int
) -> None:
    seen: list[int] = []
    before: int | None = None
    while True:
        page = activity(ActivityFilter(), database=filled, before=before, limit=limit)
        seen += [int(entry.detail) for entry in page.entries]
        assert len(page.entries) <= limit
        if page.next is None:
            break
        before = page.next
        with filled.write() as connection:
            activity_log.record(connection, ActivityKind.LOGIN, "99", at=NOW)

    assert seen == [6, 5, 4, 3, 2, 1, 0]


def test_an_address_in_somebody_elses_words_is_blacked_out(database: Database) -> None:
    answer = "sending stopped: 550 <ann.reader@example.org> unknown; see ANN%40example.org"
    with database.write() as connection:
        activity_log.record(connection, ActivityKind.STOPPED, answer, at=NOW)
        [entry] = activity_log.entries(connection, limit=1)

    assert entry.detail == "sending stopped: 550 <…> unknown; see …"


def test_an_entry_goes_with_the_transaction_of_what_was_done(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            activity_log.record(connection, ActivityKind.APPROVED, "approved", at=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert days(database) == []


def test_the_newest_entry_of_a_newsletter_moves_with_it_alone(filled: Database) -> None:
    with filled.write() as connection:
        before = activity_log.newest(connection, "weekly")
        activity_log.record(connection, ActivityKind.PAUSED, "7", at=NOW, newsletter="monthly")
        activity_log.record(connection, ActivityKind.LOGIN, "8", at=NOW)
        assert activity_log.newest(connection, "weekly") == before
        activity_log.record(connection, ActivityKind.PAUSED, "9", at=NOW, newsletter="weekly")
        assert activity_log.newest(connection, "weekly") > before


# -- from the two logs of before -----------------------------------------------------

EVENTS = [
    ("08:00", "weekly", "weekly/1", "drafted with 3 articles", ""),
    ("08:05", "weekly", "weekly/1", "took out “Story 2”", "ann"),
    ("08:10:01", "weekly", "weekly/1", "approved for 3 people", "cms (API)"),
    ("08:20", "weekly", "weekly/1", "approval of cms (API) withdrawn: ann moved a story", "ann"),
    ("08:30", "weekly", "https://blog.example.com/1", "excluded: One (ask ann@example.org)", "root"),
    ("08:40", "weekly", "weekly/1", "2 uncertain: skip", "somebody at this machine"),
    ("09:00", "weekly", "", "slot 2026-11-24T09:00 missed: late", ""),
]
AUDIT = [
    ("07:00", "root", "added with the role editor", "Ann", "command line"),
    ("07:30", "Ann", "logged in", "", "203.0.113.0/24"),
    ("08:10:02", "cms (API)", "approved", "weekly/1", "198.51.100.0/24"),
    ("08:50", "cms (API)", "collected", "weekly", "198.51.100.0/24"),
    ("08:55", "Ann", "made a share link until 2026-12-01 09:00 UTC", "weekly/1", "command line"),
]
MOVED = [
    ("account-added", "root", "command-line", "", "Ann", "added with the role editor"),
    ("login", "Ann", "desk", "203.0.113.0/24", "", "logged in"),
    ("drafted", "", "", "", "weekly/1", "drafted with 3 articles"),
    ("edited", "ann", "", "", "weekly/1", "took out “Story 2”"),
    ("approved", "cms (API)", "api", "198.51.100.0/24", "weekly/1", "approved for 3 people"),
    (
        "withdrew-approval",
        "ann",
        "",
        "",
        "weekly/1",
        "approval of cms (API) withdrawn: ann moved a story",
    ),
    ("marked", "root", "", "", "https://blog.example.com/1", "excluded: One (ask …)"),
    ("resolved", "somebody at this machine", "desk", "", "weekly/1", "2 uncertain: skip"),
    ("collected", "cms (API)", "api", "198.51.100.0/24", "weekly", "collected"),
    ("shared", "Ann", "", "", "weekly/1", "made a share link until 2026-12-01 09:00 UTC"),
    ("slot", "", "", "", "", "slot 2026-11-24T09:00 missed: late"),
]


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """A database of the schema before, with rows in both logs."""
    from sqlalchemy import create_engine

    file = tmp_path / "old.db"
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        migrations.upgrade(connection, "0008")
    engine.dispose()
    with sqlite3.connect(file) as old:
        old.executemany(
            "INSERT INTO event (at, newsletter, subject, what, who) VALUES ('2026-11-24 ' || ?, ?, ?, ?, ?)",
            [(f"{time}:00"[:8], *rest) for time, *rest in EVENTS],
        )
        old.executemany(
            "INSERT INTO audit_entry (at, who, what, subject, place) VALUES ('2026-11-24 ' || ?, ?, ?, ?, ?)",
            [(f"{time}:00"[:8], *rest) for time, *rest in AUDIT],
        )
    old.close()
    return file


def test_both_old_logs_become_one_with_what_is_known(old_file: Path) -> None:
    database = Database(f"sqlite:///{old_file}")
    entries = activity(ActivityFilter(), database=database).entries[::-1]
    with database.write() as connection:
        activity_log.record(connection, ActivityKind.PAUSED, "paused", at=NOW, newsletter="weekly")
        assert activity_log.newest(connection, "weekly") > entries[-1].id
    database.close()

    assert [(e.what.value, e.who, e.door.value, e.network, e.subject, e.detail) for e in entries] == MOVED
    assert [entry.at.strftime("%H:%M") for entry in entries] == sorted(
        entry.at.strftime("%H:%M") for entry in entries
    )
    assert {entry.newsletter for entry in entries[2:]} == {"weekly"}
    with sqlite3.connect(old_file) as look:
        tables = {name for (name,) in look.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    look.close()
    assert not tables & {"event", "audit_entry"}
    assert old_file.with_name("old.db.backup-0008").exists()
