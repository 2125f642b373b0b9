"""Subscribers: lists from files, single people, and what is known of a person.

Files only add.  Who has left stays out whatever a file says, a suppressed
address stays suppressed, and a row that disappears changes nothing.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from digest.errors import NotAllowed, NotFound
from digest.model.newsletter import Newsletter
from digest.model.subscriber import HistoryEntry, Subscription, SubscriptionState
from digest.rules.mailboxes import InvalidAddress, clean_name, parse_address
from digest.storage import subscribers
from digest.storage.database import Database
from digest.workflows import Progress, silent

_AT_ONCE = 2000
_EMAIL_COLUMNS = ("email", "e-mail", "email address", "address", "mail")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What reading one file came to."""

    path: Path
    rows: int = 0
    added: int = 0
    repeated: int = 0  # addresses that stood in the file before
    bad: tuple[tuple[int, str], ...] = ()  # line number and what is wrong
    unchanged: bool = False
    problem: str = ""  # why the file could not be read at all


def read_files(newsletter: Newsletter, *, database: Database, now: datetime) -> list[Imported]:
    """Read the newsletter's files that changed since they were last read."""
    done = []
    for path in newsletter.subscriber_files:
        try:
            fingerprint = _fingerprint(path)
        except OSError as error:
            done.append(Imported(path=path, problem=f"{path} cannot be read: {error.strerror}."))
            continue
        with database.read() as connection:
            known = subscribers.file_fingerprint(connection, newsletter.name, str(path))
        if known == fingerprint:
            done.append(Imported(path=path, unchanged=True))
            continue
        result = import_file(newsletter, path, database=database, now=now)
        done.append(result)
        if not result.problem:
            with database.write() as connection:
                subscribers.remember_file(
                    connection, newsletter.name, str(path), fingerprint=fingerprint, at=now
                )
    return done


def import_file(
    newsletter: Newsletter, path: Path, *, database: Database, now: datetime, progress: Progress = silent
) -> Imported:
    """Add the people of a CSV file; good rows come in, bad ones are listed with their line.

    Columns: email (required), name, language, topics (separated by `;` or `,`).
    UTF-8 with or without a byte order mark, UTF-16 with one, else Latin-1.
    """
    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        return Imported(path=path, problem=f"{path} cannot be read: {error.strerror}.")
    rows = csv.DictReader(io.StringIO(text), dialect=_dialect(text))
    column = _email_column(rows.fieldnames or [])
    if column is None:
        return Imported(
            path=path,
            problem=f"{path.name} has no column “email”: its first line must name the columns "
            f"(email, name, language, topics). It names: {', '.join(rows.fieldnames or ['nothing'])}.",
        )
    return _add_rows(newsletter, path, rows, column, database=database, now=now, progress=progress)


def _add_rows(
    newsletter: Newsletter,
    path: Path,
    rows: csv.DictReader[str],
    column: str,
    *,
    database: Database,
    now: datetime,
    progress: Progress,
) -> Imported:
    seen: set[str] = set()
    bad: list[tuple[int, str]] = []
    people: list[dict[str, Any]] = []
    total = added = repeated = 0

    def store() -> int:
        with database.write() as connection:
            count = subscribers.add(connection, newsletter.name, people, at=now, how=f"file {path.name}")
        people.clear()
        progress(total, 0, path.name)
        return count

    for line, row in _numbered(rows, bad):
        total += 1
        try:
            person = _person(row, column)
        except InvalidAddress as error:
            bad.append((line, str(error)))
            continue
        if person["address_key"] in seen:
            repeated += 1
            continue
        seen.add(person["address_key"])
        people.append(person)
        if len(people) >= _AT_ONCE:
            added += store()
    if people:
        added += store()
    return Imported(path=path, rows=total, added=added, repeated=repeated, bad=tuple(bad))


def _numbered(
    rows: csv.DictReader[str], bad: list[tuple[int, str]]
) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Rows with the line they end on; a row that the CSV reader refuses becomes a bad one."""
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            bad.append((rows.line_num, f"The row cannot be read: {error}."))
            continue
        if any(isinstance(value, str) and value.strip() for value in row.values()):
            yield rows.line_num, row


def _person(row: dict[str, str | None], column: str) -> dict[str, Any]:
    address = parse_address(row.get(column) or "")
    columns = {name.strip().casefold(): value for name, value in row.items() if name}
    topics = (columns.get("topics") or "").replace(";", ",").split(",")
    return {
        "address": address.address,
        "address_key": address.key,
        "name": clean_name(columns.get("name") or ""),
        "language": clean_name(columns.get("language") or "")[:35],
        "topics": [clean_name(topic) for topic in topics if topic.strip()],
    }


def add(
    newsletter: Newsletter,
    address: str,
    *,
    name: str = "",
    database: Database,
    again: bool = False,
    by: str,
    now: datetime,
) -> Subscription:
    """Subscribe one person who asked for it.

    Raises:
        InvalidAddress: the address is not one.
        NotAllowed: the person has left (`again` takes them back), or is suppressed.
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
        subscribers.add(connection, newsletter.name, [person], at=now, how=f"added by {by}")
        mine = _of(subscribers.by_address(connection, parsed.key), newsletter)
        if mine.state is SubscriptionState.ENDED:
            if not again:
                raise NotAllowed(
                    f"{address} has left {newsletter.name}.",
                    mend="If the person asked to come back, say so with --again.",
                )
            subscribers.renew(connection, mine.id, at=now, how=f"taken back by {by}")
        return _of(subscribers.by_address(connection, parsed.key), newsletter)


def remove(newsletter: Newsletter, address: str, *, database: Database, by: str, now: datetime) -> None:
    """End a subscription; no import brings it back.

    Raises:
        NotFound: there is no such subscription.
    """
    key = parse_address(address).key
    with database.write() as connection:
        mine = _of(subscribers.by_address(connection, key), newsletter)
        subscribers.end(connection, mine.id, at=now, why=f"removed by {by}", how=f"removed by {by}")


def erase(address: str, *, database: Database, now: datetime) -> bool:
    """Forget a person for good; a hash of the address stays, so that no import brings it back."""
    key = parse_address(address).key
    with database.write() as connection:
        return subscribers.erase(connection, key, at=now)


def history(address: str, *, database: Database) -> tuple[list[Subscription], list[HistoryEntry]]:
    """A person's subscriptions, and what happened to them, oldest first.

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
        for person in subscribers.every(connection, newsletter.name):
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
    """A cell that a spreadsheet would run as a formula is shown as text."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _of(mine: list[Subscription], newsletter: Newsletter) -> Subscription:
    for subscription in mine:
        if subscription.newsletter == newsletter.name:
            return subscription
    raise NotFound(f"There is no such subscriber of {newsletter.name}.")


def _email_column(names: list[str] | tuple[str, ...] | Any) -> str | None:
    by_name = {name.strip().casefold(): name for name in names if isinstance(name, str)}
    return next((by_name[known] for known in _EMAIL_COLUMNS if known in by_name), None)


def _dialect(text: str) -> type[csv.Dialect]:
    first = text.partition("\n")[0]
    dialect = csv.excel
    if first.count(";") > first.count(","):
        return type("Semicolons", (csv.excel,), {"delimiter": ";"})
    if first.count("\t") > first.count(","):
        return csv.excel_tab
    return dialect


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace").replace("\0", "")
    try:
        return raw.decode("utf-8-sig").replace("\0", "")
    except UnicodeDecodeError:
        return raw.decode("latin-1").replace("\0", "")


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
