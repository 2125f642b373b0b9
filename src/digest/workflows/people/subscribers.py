"""Subscribers: lists from files, single people, and a person's history.

Files only add.  People who unsubscribed stay unsubscribed whatever a file says, a
suppressed address stays suppressed, and a row that disappears changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from digest.errors import NotAllowed, NotFound
from digest.model.activity import ActivityKind, Actor
from digest.model.newsletter import Newsletter
from digest.model.subscriber import HistoryEntry, Subscription, SubscriptionState
from digest.rules.email_addresses import InvalidAddress, address_and_key, clean_name, parse_address
from digest.storage import activity_log, subscribers
from digest.storage.database import Connection, Database
from digest.storage.import_spool import ImportRow, ImportSpool
from digest.storage.import_sqlite import bulk_add
from digest.workflows import ReportProgress, no_progress
from digest.workflows.people.subscriber_csv import NotReadable, PeopleFile, Rows, opened

_AT_ONCE = 5000  # people per transaction, which blocks others for about 50 ms
_TELL_EVERY = 5000
_MOST_BAD_ROWS = 1000
_EMAIL_COLUMNS = ("email", "e-mail", "email address", "address", "mail")
T = TypeVar("T")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The result of reading one file."""

    path: Path
    rows: int = 0
    added: int = 0
    repeated: int = 0  # addresses that occur earlier in the file
    bad: tuple[tuple[int, str], ...] = ()  # line number and what is wrong; the first thousand
    bad_count: int = 0
    unchanged: bool = False
    problem: str = ""  # why the file could not be read at all


def read_files(
    newsletter: Newsletter,
    *,
    database: Database,
    by: Actor,
    now: datetime,
    progress: ReportProgress = no_progress,
) -> list[Imported]:
    """Read those of the newsletter's files that have changed since they were last read."""
    return [
        _read(newsletter, path, database=database, by=by, now=now, progress=progress, only_changed=True)
        for path in newsletter.subscriber_files
    ]


def import_file(
    newsletter: Newsletter,
    path: Path,
    *,
    database: Database,
    by: Actor,
    now: datetime,
    progress: ReportProgress = no_progress,
) -> Imported:
    """Import the subscribers of a CSV file; invalid rows are listed with their line number.

    Columns: email (required), name, language, topics (separated by `;` or `,`).
    UTF-8 with or without a byte order mark, UTF-16 with one, else Latin-1.  If an
    address occurs twice, the first row counts.

    They are stored after the last row is read, in several transactions.  If that is
    interrupted, those already stored stay; reading the file again adds the rest.
    """
    return _read(newsletter, path, database=database, by=by, now=now, progress=progress, only_changed=False)


def _read(
    newsletter: Newsletter,
    path: Path,
    *,
    database: Database,
    by: Actor,
    now: datetime,
    progress: ReportProgress,
    only_changed: bool,
) -> Imported:
    try:
        with opened(path) as file:
            if only_changed and _is_known(newsletter, path, file.fingerprint, database=database):
                return Imported(path=path, unchanged=True)
            done = _add_people(newsletter, path, file, database=database, by=by, now=now, progress=progress)
            if only_changed:
                _remember(newsletter, path, file.fingerprint, database=database, now=now)
            return done
    except OSError as error:
        return Imported(path=path, problem=f"{path} cannot be read: {error.strerror}.")
    except NotReadable as error:
        return Imported(path=path, problem=f"{path.name} cannot be read: {error}.")


def _is_known(newsletter: Newsletter, path: Path, fingerprint: str, *, database: Database) -> bool:
    with database.read() as connection:
        return subscribers.file_fingerprint(connection, newsletter.name, str(path)) == fingerprint


def _remember(
    newsletter: Newsletter, path: Path, fingerprint: str, *, database: Database, now: datetime
) -> None:
    with database.write() as connection:
        subscribers.remember_file(connection, newsletter.name, str(path), fingerprint=fingerprint, at=now)


def _add_people(
    newsletter: Newsletter,
    path: Path,
    file: PeopleFile,
    *,
    database: Database,
    by: Actor,
    now: datetime,
    progress: ReportProgress,
) -> Imported:
    with ImportSpool() as arrivals:
        reading = _Reading(file.rows())
        tell_rows = _telling(progress, file, f"{path.name} (reading)")
        good = arrivals.take(reading.people(tell_rows))
        stored = added = 0
        for batch, is_last in _with_last(arrivals.batches(_AT_ONCE)):
            with database.write() as connection:
                added += bulk_add(connection, newsletter.name, batch, at=now, how=f"file {path.name}")
                if is_last:
                    _record_import(connection, newsletter, path, added, by=by, now=now)
            stored += len(batch)
            progress(stored, good, f"{path.name} (storing)")
    return Imported(
        path=path,
        rows=reading.rows,
        added=added,
        repeated=good - stored,
        bad=tuple(reading.bad),
        bad_count=reading.bad_count,
    )


def _with_last(batches: Iterable[T]) -> Iterator[tuple[T, bool]]:
    """Each batch, and whether it is the last."""
    remaining = iter(batches)
    batch = next(remaining, None)
    while batch is not None:
        following = next(remaining, None)
        yield batch, following is None
        batch = following


def _record_import(
    connection: Connection, newsletter: Newsletter, path: Path, added: int, *, by: Actor, now: datetime
) -> None:
    people = "1 subscriber" if added == 1 else f"{added} subscribers"
    what = f"imported {people} from {path.name}"
    kind = ActivityKind.SUBSCRIBERS_IMPORTED
    activity_log.record(connection, kind, what, by=by, at=now, newsletter=newsletter.name)


def _telling(progress: ReportProgress, file: PeopleFile, what: str) -> Callable[[int], None]:
    """Progress in rows; their total is estimated from how much of the file has been read."""
    return lambda rows: progress(rows, round(rows / file.part_read()), what)


class _Reading:
    """Turns rows into subscribers, and keeps a record of the invalid ones.

    Raises:
        NotReadable: there is no column with addresses.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = self.bad_count = 0
        self.bad: list[tuple[int, str]] = []
        self._rows = rows
        self._places = {name.strip().casefold(): place for place, name in enumerate(rows.columns)}
        self._email = next((self._places[name] for name in _EMAIL_COLUMNS if name in self._places), -1)
        if self._email < 0:
            raise NotReadable(
                "it has no column “email”; its first line must name the columns "
                f"(email, name, language, topics), but names: {', '.join(rows.columns) or 'nothing'}"
            )

    def people(self, tell: Callable[[int], None]) -> Iterator[ImportRow]:
        """The valid rows as subscribers, in the order of the file."""
        email, width = self._email, len(self._rows.columns)
        # An absent column is read from index -1: the last of the empty cells added to each row.
        name, language, topics = (self._places.get(n, -1) for n in ("name", "language", "topics"))
        absent = [""] * (width + 1)
        for line, row in self._rows:
            if isinstance(row, str):
                self._count_bad(line, row)
                continue
            row.extend(absent)
            try:
                address, key = address_and_key(row[email])
            except InvalidAddress as error:
                if any(cell.strip() for cell in row[:width]):
                    self._count_bad(line, str(error))
                continue
            self.rows += 1
            if not self.rows % _TELL_EVERY:
                tell(self.rows)
            called = clean_name(row[name]) if row[name] else ""
            yield key, address, called, _language(row[language]), _topics(row[topics])

    def _count_bad(self, line: int, what: str) -> None:
        self.rows += 1
        self.bad_count += 1
        if len(self.bad) < _MOST_BAD_ROWS:
            self.bad.append((line, what))


@lru_cache(maxsize=100)
def _language(cell: str) -> str:
    return clean_name(cell)[:35]


@lru_cache(maxsize=100)
def _topics(cell: str) -> str:
    found = [clean_name(topic) for topic in cell.replace(";", ",").split(",") if topic.strip()]
    return json.dumps(found) if found else ""


def add(
    newsletter: Newsletter,
    address: str,
    *,
    name: str = "",
    database: Database,
    again: bool = False,
    by: Actor,
    now: datetime,
) -> Subscription:
    """Subscribe one person who asked for it.

    Raises:
        InvalidAddress: the address is not one.
        NotAllowed: the person has unsubscribed (pass `again` to resubscribe), or is suppressed.
    """
    parsed = parse_address(address)
    person = {
        "address": parsed.address,
        "address_key": parsed.key,
        "name": clean_name(name),
        "language": "",
        "topics": [],
    }
    with database.write() as connection:
        if again:
            subscribers.readmit(connection, parsed.key)
        if barred := subscribers.suppression_of(connection, parsed.key):
            raise NotAllowed(f"{address} is suppressed ({barred.reason.value}) and cannot be subscribed.")
        subscribers.add(connection, newsletter.name, [person], at=now, how=f"added by {by.name}")
        mine = _of(subscribers.by_address(connection, parsed.key), newsletter)
        if mine.state is SubscriptionState.ENDED:
            if not again:
                raise NotAllowed(
                    f"{address} has unsubscribed from {newsletter.name}.",
                    mend="If the person asked to be subscribed again, use --again.",
                )
            subscribers.renew(connection, mine.id, at=now, how=f"resubscribed by {by.name}")
        kind = ActivityKind.SUBSCRIBER_ADDED
        activity_log.record(connection, kind, "added 1 subscriber", by=by, at=now, newsletter=newsletter.name)
        return _of(subscribers.by_address(connection, parsed.key), newsletter)


def remove(newsletter: Newsletter, address: str, *, database: Database, by: Actor, now: datetime) -> None:
    """End a subscription; no import renews it.

    Raises:
        NotFound: there is no such subscription.
    """
    key = parse_address(address).key
    with database.write() as connection:
        mine = _of(subscribers.by_address(connection, key), newsletter)
        how, kind = f"removed by {by.name}", ActivityKind.SUBSCRIBER_REMOVED
        if not subscribers.end(connection, mine.id, at=now, why=how, how=how):
            return
        activity_log.record(
            connection, kind, "removed 1 subscriber", by=by, at=now, newsletter=newsletter.name
        )


def erase(address: str, *, database: Database, by: Actor, now: datetime) -> bool:
    """Erase a person for good; a hash of the address stays, so that no import can add it again."""
    key = parse_address(address).key
    with database.write() as connection:
        was_known = subscribers.erase(connection, key, at=now)
        what = "erased 1 subscriber" if was_known else "barred an address that was not known"
        activity_log.record(connection, ActivityKind.SUBSCRIBER_ERASED, what, by=by, at=now)
        return was_known


def history(address: str, *, database: Database) -> tuple[list[Subscription], list[HistoryEntry]]:
    """A person's subscriptions and their history, oldest first.

    Raises:
        NotFound: the address is not known.
    """
    key = parse_address(address).key
    with database.read() as connection:
        mine = subscribers.by_address(connection, key)
        if not mine:
            raise NotFound(f"{address} is not known.")
        return mine, subscribers.history(connection, key)


def export(newsletter: Newsletter, *, database: Database) -> Iterator[list[str]]:
    """Rows of a CSV file, the header first, safe to open in a spreadsheet."""
    yield ["email", "name", "language", "topics", "state", "since"]
    with database.read() as connection:
        for person in subscribers.all_of(connection, newsletter.name):
            row = [
                person.address,
                person.name,
                person.language,
                ";".join(person.topics),
                person.state.value,
                person.since.date().isoformat() if person.since else "",
            ]
            yield [_no_formula(cell) for cell in row]


def _no_formula(cell: str) -> str:
    """Makes a spreadsheet show a cell as text that it would otherwise run as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _of(mine: list[Subscription], newsletter: Newsletter) -> Subscription:
    for subscription in mine:
        if subscription.newsletter == newsletter.name:
            return subscription
    raise NotFound(f"{newsletter.name} has no such subscriber.")
