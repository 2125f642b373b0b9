"""Lists of people come in from files: the good rows, once each, and an account of the others."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from digest.errors import StorageError
from digest.model.subscriber import SuppressionReason
from digest.rules.email_addresses import InvalidAddress, parse_address
from digest.storage import subscribers
from digest.storage.database import Database
from digest.storage.import_spool import ImportRow, ImportSpool
from digest.storage.tables import consent_entry, subscriber, subscription, suppression
from digest.workflows.people import subscribers as subscribe
from digest.workflows.people.subscriber_csv import PeopleFile, Rows
from digest.workflows.people.subscribers import Imported, import_file, read_files
from fakes.activity import actor
from fakes.databases import NOW, newsletter

WEEKLY = newsletter()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a handful of people are several transactions."""
    monkeypatch.setattr(subscribe, "_AT_ONCE", 3)
    monkeypatch.setattr(subscribe, "_TELL_EVERY", 2)


@pytest.fixture
def load(tmp_path: Path, database: Database) -> Callable[..., Imported]:
    def load(content: str | bytes, **more: Any) -> Imported:
        path = tmp_path / "people.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_file(WEEKLY, path, database=database, by=actor("a test"), now=NOW, **more)

    return load


def stored(database: Database) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Name, language and topics by address."""
    with database.read() as connection:
        people = list(subscribers.all_of(connection, "weekly"))
    return {p.address: (p.name, p.language, p.topics) for p in people}


# -- what comes in ---------------------------------------------------------------


def test_good_rows_come_in_and_bad_ones_are_listed_with_their_line(
    load: Callable[..., Imported], database: Database
) -> None:
    done = load(
        "Email,Name,Language,Topics\n"
        "ann@example.org,Ann,de,python; web\n"
        "nobody\n"
        "\n"
        "ANN@example.org,Ann Again,,\n"
        '"bob@example.org","Lee, Bob"\n'
        ",Somebody,,\n"
        ",,,\n"
        "jürgen@münchen.de,Jürgen,,\n"
    )

    assert (done.rows, done.added, done.repeated, done.bad_count) == (6, 3, 1, 2)
    assert [line for line, _ in done.bad] == [3, 7]
    assert done.bad[1][1] == "The address is missing."
    assert stored(database) == {
        "ann@example.org": ("Ann", "de", ("python", "web")),
        "bob@example.org": ("Lee, Bob", "", ()),
        "jürgen@xn--mnchen-3ya.de": ("Jürgen", "", ()),
    }


@pytest.mark.parametrize(
    "raw",
    [
        "email,name\nann@example.org,Jürgen\n".encode(),
        "email,name\nann@example.org,Jürgen\n".encode("utf-8-sig"),
        "email,name\nann@example.org,Jürgen\n".encode("utf-16"),
        b"\xfe\xff" + "email,name\nann@example.org,Jürgen\n".encode("utf-16-be"),
        "email,name\nann@example.org,Jürgen\n".encode("latin-1"),
        "email;name\r\nann@example.org;Jürgen\r\n".encode(),
        "email\tname\rann@example.org\tJürgen\r".encode(),
        "name,E-Mail \nJürgen, ann@example.org".encode(),
        "email,name\nann@\0example.org,Jür\0gen\n".encode(),
        # The octet that is no UTF-8 lies far behind the first look at the file.
        "email,name,note\nann@example.org,Jürgen,\n".encode("latin-1") + b"ann@example.org,,\xfc\n" * 90_000,
        "email,name\nann@example.org,Jürgen\n".encode() + b"ann@example.org,\n" * 90_000,
    ],
)
def test_every_usual_way_to_write_a_file(
    raw: bytes, load: Callable[..., Imported], database: Database
) -> None:
    load(raw)

    assert stored(database) == {"ann@example.org": ("Jürgen", "", ())}


def test_a_last_letter_that_is_no_utf8_makes_the_file_latin(
    load: Callable[..., Imported], database: Database
) -> None:
    """Only the end of the file tells: the octet could have begun a letter of three."""
    load(b"email,name\nann@example.org,Jos\xe9")

    assert stored(database) == {"ann@example.org": ("José", "", ())}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no column “email”"),
        (b"\n\nann@example.org\n", "no column “email”"),
        (b"name,age\nAnn,7\n", "names: name, age"),
        (b'"' + b"x," * 200_000 + b'"\nann@example.org\n', "its first line cannot be read"),
        (b"email\n" + b"x" * 3_000_000, "a line of more than a million"),
    ],
)
def test_what_is_no_list_is_refused_in_words(
    content: bytes, words: str, load: Callable[..., Imported], database: Database
) -> None:
    done = load(content)

    assert words in done.problem
    assert done.problem.startswith("people.csv cannot be read: ")
    assert stored(database) == {}


def test_a_file_that_is_not_there_is_told(tmp_path: Path, database: Database) -> None:
    done = import_file(WEEKLY, tmp_path / "none.csv", database=database, by=actor("a test"), now=NOW)

    assert done.problem == f"{tmp_path / 'none.csv'} cannot be read: No such file or directory."


def test_a_pipe_is_read_like_a_file(tmp_path: Path, database: Database) -> None:
    """`digest subscribers import /dev/stdin`: it can be read only once."""
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=["email\nann@example.org\n"])
    writer.start()
    done = import_file(WEEKLY, tmp_path / "pipe", database=database, by=actor("a test"), now=NOW)
    writer.join()

    assert done.added == 1


def test_a_forgotten_quotation_mark_is_told_and_hides_nobody_in_silence(
    load: Callable[..., Imported], database: Database
) -> None:
    """What lies between two marks is one row to the format: it is listed, and reading goes on behind it."""
    lost = "".join(f"p{n}@example.org,\n" for n in range(80))
    done = load(f'email,name\nann@example.org,"Ann\n{lost}bob@example.org,Bob"\ncid@example.org,Cid\n')

    assert set(stored(database)) == {"cid@example.org"}
    [(line, words)] = done.bad
    assert line == 83
    assert "opens on line 2" in words


def test_a_file_that_is_changed_meanwhile_is_told(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was UTF-8 when it was looked through, and is not any more when its rows are read."""
    path = tmp_path / "people.csv"
    path.write_text("email\n" + "ann@example.org\n" * 9)
    rows = PeopleFile.rows

    def changed(self: PeopleFile) -> Rows:
        path.write_bytes(b"email\n" + b"b\xfcb@example.org\n" * 9)
        return rows(self)

    monkeypatch.setattr(PeopleFile, "rows", changed)
    done = import_file(WEEKLY, path, database=database, by=actor("a test"), now=NOW)

    assert done.problem == "people.csv cannot be read: it was changed while it was being read."
    assert stored(database) == {}


def test_a_row_over_a_few_lines_is_a_row(load: Callable[..., Imported], database: Database) -> None:
    done = load('email,address,name\nann@example.org,"1 Row\nClocktown",Ann\nnobody,,\n')

    assert [line for line, _ in done.bad] == [4]
    assert stored(database) == {"ann@example.org": ("Ann", "", ())}


def test_a_cell_beyond_all_measure_is_a_bad_row(load: Callable[..., Imported], database: Database) -> None:
    done = load(f"email,name\nann@example.org,{'x' * 200_000}\nbob@example.org,Bob\n")

    assert [line for line, _ in done.bad] == [2]
    assert set(stored(database)) == {"bob@example.org"}


def test_a_thousand_bad_rows_are_listed_and_all_are_counted(load: Callable[..., Imported]) -> None:
    done = load("email\n" + "nobody\n" * 1500)

    assert (done.rows, done.bad_count, len(done.bad)) == (1500, 1500, 1000)
    assert done.bad[-1][0] == 1001


def test_the_first_row_of_an_address_counts_wherever_the_others_stand(
    load: Callable[..., Imported], database: Database
) -> None:
    rows = [f"p{n % 5}@example.org,Name {n}" for n in range(40)]
    done = load("\n".join(["email,name", *rows]))

    assert (done.added, done.repeated) == (5, 35)
    assert [name for name, _, _ in stored(database).values()] == [f"Name {n}" for n in range(5)]


# -- who does not come in, and who is there already -----------------------------------


def test_who_left_or_is_barred_stays_out(load: Callable[..., Imported], database: Database) -> None:
    file = "email,name\n" + "".join(f"{name}@example.org,New\n" for name in ("ann", "bob", "cid", "dan"))
    load("email,name\nann@example.org,Ann\ncid@example.org,Cid\n")
    with database.write() as connection:
        [ann] = subscribers.by_address(connection, "ann@example.org")
        subscribers.end(connection, ann.id, at=NOW, why="unsubscribed", how="one-click")
        subscribers.suppress(connection, "bob@example.org", reason=SuppressionReason.BOUNCED, at=NOW)
        subscribers.erase(connection, "cid@example.org", at=NOW)
    done = load(file)

    assert (done.added, done.bad_count, done.repeated) == (1, 0, 0)
    with database.read() as connection:
        assert subscribers.count(connection, "weekly") == {"confirmed": 1, "ended": 1}
        assert subscribers.by_address(connection, "bob@example.org") == []
        assert subscribers.by_address(connection, "cid@example.org") == []
        assert [h.what for h in subscribers.history(connection, "ann@example.org")] == ["subscribed", "left"]


def test_what_the_file_says_is_brought_up_to_date_and_what_it_does_not_say_stays(
    load: Callable[..., Imported], database: Database
) -> None:
    load("email,name,language,topics\nann@example.org,Ann,de,python\nbob@example.org,Bob,de,web\n")
    done = load("email,name,language,topics\nAnn@example.org,,en,\nbob@example.org,Robert,,news;web\n")

    assert done.added == 0
    assert stored(database) == {
        "Ann@example.org": ("Ann", "en", ("python",)),
        "bob@example.org": ("Robert", "de", ("news", "web")),
    }


def test_the_newest_spelling_of_an_address_is_kept(load: Callable[..., Imported], database: Database) -> None:
    load("email,name\nann@example.org,Ann\n")
    load("email\nAnn@example.org\n")

    assert stored(database) == {"Ann@example.org": ("Ann", "", ())}


def test_consent_has_its_history_once(load: Callable[..., Imported], database: Database) -> None:
    load("email\nann@example.org\n")
    load("email\nann@example.org\nbob@example.org\n")
    with database.read() as connection:
        [entry] = subscribers.history(connection, "ann@example.org")

    assert (entry.newsletter, entry.what, entry.how) == ("weekly", "subscribed", "file people.csv")
    assert entry.at == NOW


# -- again, and cut off in the middle ---------------------------------------------------


def test_a_file_is_read_again_only_when_it_has_changed(tmp_path: Path, database: Database) -> None:
    path = tmp_path / "people.csv"
    weekly = replace(WEEKLY, subscriber_files=(path, tmp_path / "none.csv"))

    def read() -> Imported:
        first, missing = read_files(weekly, database=database, by=actor("a test"), now=NOW)
        assert missing.problem
        return first

    path.write_text("email\nann@example.org\n")
    assert read().added == 1
    assert read().unchanged
    path.write_text("email\nann@example.org\nbob@example.org\n")
    assert read().added == 1
    path.write_text("address unknown\n")
    assert read().problem
    assert read().problem, "what could not be read is not taken as read"


def test_what_was_cut_off_is_completed_by_the_next_reading(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever transaction it was cut off in; nobody gets a second line of history."""
    path = tmp_path / "people.csv"
    path.write_text("email\n" + "".join(f"p{n}@example.org\n" for n in range(14)))
    weekly = replace(WEEKLY, subscriber_files=(path,))
    take_in, count = subscribe.bulk_add, 0

    def fails_in_the_third(connection: Connection, *given: Any, **more: Any) -> int:
        nonlocal count
        count += 1
        added = take_in(connection, *given, **more)
        if count == 3:
            raise KeyboardInterrupt
        return added

    monkeypatch.setattr(subscribe, "bulk_add", fails_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        read_files(weekly, database=database, by=actor("a test"), now=NOW)
    assert len(stored(database)) == 6
    [done] = read_files(weekly, database=database, by=actor("a test"), now=NOW)

    assert (done.rows, done.added) == (14, 8)
    assert len(stored(database)) == 14
    with database.read() as connection:
        keys = list(connection.execute(select(consent_entry.c.address_key)).scalars())
    assert sorted(keys) == sorted(stored(database))


def test_progress_ends_with_all_people(load: Callable[..., Imported]) -> None:
    told: list[tuple[int, int, str]] = []
    load(
        "email\n" + "".join(f"p{n}@example.org\n" for n in range(8)),
        progress=lambda *now: told.append(now),
    )

    assert told[-1] == (8, 8, "people.csv (storing)")
    assert {what for _, _, what in told} == {"people.csv (reading)", "people.csv (storing)"}
    assert all(0 < done <= total for done, total, _ in told)


def test_a_long_list_needs_no_more_memory_than_a_short_one(
    load: Callable[..., Imported], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribe, "_AT_ONCE", 200)
    load("email\nfirst@example.org\n")  # what is made once
    content = b"email,name,topics\n" + b"".join(b"p%d@example.org,Name,web\n" % n for n in range(10_000))
    tracemalloc.start()
    try:
        assert load(content).added == 10_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2_000_000


def test_a_full_disk_for_what_is_put_in_order_is_told() -> None:
    with ImportSpool() as arrivals:
        arrivals._spool.execute("PRAGMA max_page_count=3")
        with pytest.raises(StorageError, match=r"cannot be put in order: database or disk is full\.") as full:
            arrivals.take((f"p{n}@example.org", "x" * 100, "", "", "") for n in range(1000))

    assert "TMPDIR" in full.value.mend


# -- SQLite's own words and everybody's give the same --------------------------------------


_NAMES = st.sampled_from(
    ["", "Ann", "Ann", "Bob Lee", "Jürgen", "=1+1", "\u202eeve", "a\nb", 'say "hi"', "x" * 130]
)
_ADDRESSES = st.one_of(
    st.builds(
        "{}@{}".format,
        st.sampled_from(["ann", "Ann", "bob", "cid", "dan", "eve", "o'neil", "jürgen", "a.b", "a..b", ""]),
        st.sampled_from(["example.org", "Example.ORG", "münchen.de", "xn--mnchen-3ya.de", "host.test", "x"]),
    ),
    st.sampled_from(
        ["", " ", "left@example.org", "barred@example.org", "Erased@example.org", "there@example.org"]
    ),
    st.text(max_size=12),
)
_LANGUAGES = st.sampled_from(["", "de", "en-GB", " pt ", "x" * 50])
_TOPICS = st.sampled_from(["", "web", "web;python", "web, python", ";", "ünï", '"', "web"])
_ROWS = st.lists(st.tuples(_ADDRESSES, _NAMES, _LANGUAGES, _TOPICS), max_size=25)
_ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])
_TABLES = {
    subscriber: ("address_key", "address", "name", "language", "created_at"),
    suppression: ("address_key", "reason", "at"),
    consent_entry: ("address_key", "newsletter", "at", "what", "how"),
}


@pytest.fixture(scope="module")
def known_people(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Path:
    """A database in which somebody is there, left, is barred, is erased, or gets another newsletter."""
    file = tmp_path_factory.mktemp("known") / "digest.db"
    shutil.copy(template, file)
    database = Database(f"sqlite:///{file}")
    path = file.with_name("first.csv")
    path.write_text("email,name,topics\nthere@example.org,There,web\nleft@example.org\nerased@example.org\n")
    import_file(WEEKLY, path, database=database, by=actor("a test"), now=NOW)
    path.write_text("email\nann@example.org\n")
    import_file(newsletter("monthly"), path, database=database, by=actor("a test"), now=NOW)
    with database.write() as connection:
        [left] = subscribers.by_address(connection, "left@example.org")
        subscribers.end(connection, left.id, at=NOW, why="unsubscribed", how="one-click")
        subscribers.suppress(connection, "barred@example.org", reason=SuppressionReason.BOUNCED, at=NOW)
        subscribers.erase(connection, "erased@example.org", at=NOW)
    database.close()
    return file


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(rows=[("ann@example.org", "", "", "")] * 7, delimiter=",", encoding="utf-8")
@example(
    rows=[(f"{n % 4}@example.org", f"N{n}", "", f"t{n}") for n in range(13)], delimiter=";", encoding="utf-16"
)
@given(rows=_ROWS, delimiter=st.sampled_from([",", ";", "\t"]), encoding=_ENCODINGS)
def test_the_fast_way_and_the_way_of_every_database_agree(
    tmp_path: Path,
    known_people: Path,
    rows: list[tuple[str, str, str, str]],
    delimiter: str,
    encoding: str,
) -> None:
    """One file, one report, one content of all tables; and the report is that of a plain reading."""
    text = _written(rows, delimiter)
    path = tmp_path / "people.csv"
    path.write_bytes(text.encode(encoding, "replace"))

    fast = _imported(tmp_path, known_people, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subscribe, "bulk_add", _by_every_databases_words)
        slow = _imported(tmp_path, known_people, path)

    assert fast == slow
    assert _report(fast[0]) == _plainly_read(path.read_bytes().decode(encoding))


def _written(rows: list[tuple[str, str, str, str]], delimiter: str) -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(["Email", "name", "language", "topics"])
    writer.writerows(rows)
    return file.getvalue()


def _imported(folder: Path, known_people: Path, path: Path) -> tuple[Imported, dict[str, list[Any]]]:
    file = folder / "digest.db"
    for old in folder.glob("digest.db*"):
        old.unlink()
    shutil.copy(known_people, file)
    database = Database(f"sqlite:///{file}")
    try:
        done = import_file(
            WEEKLY,
            path,
            database=database,
            by=actor("a test"),
            now=datetime.fromisoformat("2027-01-02T03:04:05Z"),
        )
        with database.read() as connection:
            return done, dict(_dump(connection))
    finally:
        database.close()


def _dump(connection: Connection) -> Iterator[tuple[str, list[Any]]]:
    """What is stored, down to how it is spelled, but for the numbers of rows."""
    for table, columns in _TABLES.items():
        words = f"SELECT {', '.join(columns)} FROM {table.name} ORDER BY {', '.join(columns)}"
        yield table.name, [tuple(row) for row in connection.exec_driver_sql(words)]
    words = (
        "SELECT address_key, newsletter, state, topics, since, ended_at, ended_why "
        "FROM subscription JOIN subscriber ON subscriber.id = subscriber_id ORDER BY 1, 2"
    )
    yield subscription.name, [tuple(row) for row in connection.exec_driver_sql(words)]


def _by_every_databases_words(
    connection: Connection, newsletter: str, people: list[ImportRow], *, at: datetime, how: str
) -> int:
    told = [
        dict(zip(("address_key", "address", "name", "language"), person[:4], strict=True))
        | {"topics": json.loads(person[4] or "[]")}
        for person in people
    ]
    return subscribers.add(connection, newsletter, told, at=at, how=how)


def _report(done: Imported) -> tuple[int, int, list[int]]:
    assert not done.problem
    return done.rows, done.repeated, [line for line, _ in done.bad]


def _plainly_read(text: str) -> tuple[int, int, list[int]]:
    """The report of a reader that has the whole file before it."""
    text = text.removeprefix("\ufeff").replace("\0", "")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    keys: list[str] = []
    bad: list[int] = []
    for row in reader:
        if not any(cell and cell.strip() for cell in row.values()):
            continue
        try:
            keys.append(parse_address(row["Email"]).key)
        except InvalidAddress:
            bad.append(reader.line_num)
    return len(keys) + len(bad), len(keys) - len(set(keys)), bad
