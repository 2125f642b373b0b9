"""The ledger during a send: the statements that run once per message.

These statements use SQLite's driver directly, since SQLAlchemy would cost more than
the message itself; of the ledger, nothing else does.  Everything else about deliveries is in
`ledger`; for other databases, that file does this work too.

There are two kinds of commit.  A *claim* takes many rows at once and is durable
(`synchronous=FULL`): this intent survives a power failure.  An *exchange* declares
messages to be on the wire and stores the results known so far; it survives `kill -9`
(the page cache remains), but not a power failure.  So after a crash of the process, a
claimed row was certainly not submitted; after a crash of the machine that cannot be
known, and `ledger.recover` makes the row uncertain.

Sender threads share one writer: whichever gets the lock commits for all that wait.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

from digest.errors import StorageError
from digest.model.delivery import Delivery, DeliveryId, Settlement
from digest.model.issue import IssueId
from digest.storage import ledger
from digest.storage.database import Database

_BUSY_SECONDS = 30
_LOG_PAGES = 8_000  # at most 32 MB of write-ahead log


class SqliteLedgerWriter:
    """One issue's deliveries for all senders of this process; `owner` identifies them in the rows."""

    def __init__(self, database: Database, which: IssueId, *, owner: str) -> None:
        self._rows: _Rows = (
            _SqliteRows(database.sqlite_file, which, owner)
            if database.sqlite_file
            else _CoreRows(database, which, owner)
        )
        self._lock = threading.Lock()
        self._waiting: list[_Request] = []

    def claim(self, limit: int, *, now: datetime, lease_until: datetime) -> list[Delivery]:
        """Take due rows durably; no one else gets them while the lease lasts."""
        with self._lock:
            return self._rows.claim(limit, now, lease_until)

    def exchange(
        self,
        settlements: Sequence[Settlement],
        declared: Sequence[Delivery],
        *,
        now: datetime,
        lease_until: datetime | None = None,
    ) -> set[DeliveryId]:
        """Store results and declare rows to be on the wire; returns those that may be sent.

        If a lease is given, it restarts for the rows that may be sent, since an answer may take long.

        A row may not be sent if it was suppressed, its subscription has ended, another owner
        holds it, or its issue is no longer being sent.
        """
        request = _Request(settlements, declared, now, lease_until)
        self._waiting.append(request)
        with self._lock:
            if not request.is_done:
                self._commit_for_all()
        if request.error is not None:
            raise request.error
        return request.going

    def release(self, ids: Collection[DeliveryId], *, now: datetime) -> None:
        """Give back rows that were certainly not submitted."""
        with self._lock:
            self._rows.release(ids, now)

    def close(self) -> None:
        with self._lock:
            self._rows.close()

    def _commit_for_all(self) -> None:
        # Appending is atomic; what arrives during this commit belongs to the next one.
        requests, self._waiting = self._waiting, []
        try:
            self._rows.exchange(requests)
        except Exception as error:  # noqa: BLE001 - every waiting sender must get it
            for request in requests:
                request.error = error
        for request in requests:
            request.is_done = True


@dataclass(slots=True)
class _Request:
    settlements: Sequence[Settlement]
    declared: Sequence[Delivery]
    now: datetime
    lease_until: datetime | None = None
    going: set[DeliveryId] = field(default_factory=set)
    error: Exception | None = None
    is_done: bool = False


class _Rows(Protocol):
    def claim(self, limit: int, now: datetime, lease_until: datetime) -> list[Delivery]: ...
    def exchange(self, requests: Iterable[_Request]) -> None: ...
    def release(self, ids: Collection[DeliveryId], now: datetime) -> None: ...
    def close(self) -> None: ...


# ruff: noqa: S608 - statements are composed of the constants below, never of values

# -- SQLite ----------------------------------------------------------------------

_RUNNING = "SELECT 1 FROM issue WHERE id = ? AND state = 'sending'"

# As one value: stepping from row to row would hand over the interpreter lock for each.
_DUE = """
    SELECT json_group_array(json_array(id, address, name, language, subscription_id, epoch + 1, attempt + 1))
    FROM (
        SELECT * FROM delivery
        WHERE issue_id = ? AND state = 'pending' AND (not_before IS NULL OR not_before <= ?)
        ORDER BY id LIMIT ?
    )
"""

_CLAIM = """
    UPDATE delivery
    SET state = 'claimed', epoch = epoch + 1, attempt = attempt + 1,
        owner = ?, lease_until = ?, updated_at = ?
    WHERE id IN ({}) AND state = 'pending'
"""

_BARRED = """
    (EXISTS (SELECT 1 FROM suppression WHERE suppression.address_key = delivery.address_key)
     OR NOT EXISTS (SELECT 1 FROM subscription
                    WHERE subscription.id = delivery.subscription_id AND subscription.state = 'confirmed'))
"""

_MAY_GO = f"""
    delivery.state = 'claimed' AND delivery.owner = ?
    AND +delivery.issue_id = ?
    AND EXISTS (SELECT 1 FROM issue WHERE issue.id = delivery.issue_id AND issue.state = 'sending')
    AND NOT {_BARRED}
"""

# Rows by id, all of one epoch: an IN list is twice as fast as unpacking JSON, and RETURNING
# would cost as much as the UPDATE itself.
_THESE = "delivery.id IN ({}) AND delivery.epoch = ?"

_DECLARE = f"""
    UPDATE delivery SET state = 'submitting', updated_at = ?, lease_until = coalesce(?, lease_until)
    WHERE {_THESE} AND {_MAY_GO}
"""

_WHICH_MAY_GO = f"SELECT id FROM delivery WHERE {_THESE} AND {_MAY_GO}"

_SUPPRESS = f"""
    UPDATE delivery SET state = 'suppressed', detail = ?, lease_until = NULL, updated_at = ?
    WHERE {_THESE} AND state = 'claimed' AND owner = ? AND {_BARRED}
"""

_SETTLE = """
    UPDATE delivery
    SET state = ?, detail = ?, provider_ref = ?, batch_id = ?, not_before = ?, lease_until = NULL,
        updated_at = ?
    WHERE id IN ({}) AND owner = ? AND state IN ('claimed', 'submitting')
"""

_WITHDRAW = """
    UPDATE delivery SET state = 'pending', attempt = attempt - 1, lease_until = NULL, updated_at = ?
    WHERE id = ? AND owner = ? AND state IN ('claimed', 'submitting')
"""


class _SqliteRows:
    """Two connections to the same file, one per kind of commit; the caller holds the lock."""

    def __init__(self, file: str, which: IssueId, owner: str) -> None:
        self._which = which
        self._owner = owner
        self._durable = _connect(file, "FULL")
        self._cheap = _connect(file, "NORMAL")

    def claim(self, limit: int, now: datetime, lease_until: datetime) -> list[Delivery]:
        with _Transaction(self._durable) as rows:
            if rows.execute(_RUNNING, (self._which,)).fetchone() is None:
                return []
            at = _written(now)
            due = json.loads(rows.execute(_DUE, (self._which, at, limit)).fetchone()[0])
            claimed = [Delivery(*row) for row in due]
            if claimed:
                mine = (self._owner, _written(lease_until), at)
                rows.execute(_for(_CLAIM, len(claimed)), (*mine, *[row.id for row in claimed]))
        return claimed

    def exchange(self, requests: Iterable[_Request]) -> None:
        with _Transaction(self._cheap) as rows:
            for request in requests:
                at = _written(request.now)
                if request.settlements:
                    self._settle(rows, request.settlements, at)
                if request.declared:
                    lease = _written(request.lease_until) if request.lease_until else None
                    request.going.update(self._declare(rows, request.declared, at, lease))

    def _declare(
        self, rows: sqlite3.Connection, declared: Sequence[Delivery], at: str, lease: str | None
    ) -> set[DeliveryId]:
        gone: set[DeliveryId] = set()
        for epoch in {row.epoch for row in declared}:  # nearly always only one
            gone |= self._declare_of_one_epoch(
                rows, [row.id for row in declared if row.epoch == epoch], epoch, at, lease
            )
        return gone

    def _declare_of_one_epoch(
        self, rows: sqlite3.Connection, ids: Collection[DeliveryId], epoch: int, at: str, lease: str | None
    ) -> set[DeliveryId]:
        """Declares all rows at once; if some may not be sent, rolls back and repeats without them."""
        mine = (epoch, self._owner, self._which)
        rows.execute("SAVEPOINT declaring")
        if rows.execute(_for(_DECLARE, len(ids)), (at, lease, *ids, *mine)).rowcount == len(ids):
            return set(ids)
        rows.execute("ROLLBACK TO declaring")
        rows.execute(_for(_SUPPRESS, len(ids)), (ledger.LEFT_MEANWHILE, at, *ids, epoch, self._owner))
        left = {number for (number,) in rows.execute(_for(_WHICH_MAY_GO, len(ids)), (*ids, *mine))}
        return self._declare_of_one_epoch(rows, left, epoch, at, lease) if left else set()

    def _settle(self, rows: sqlite3.Connection, settlements: Sequence[Settlement], at: str) -> None:
        """One statement for all rows with the same result, such as a batch with one answer."""
        alike: dict[tuple[object, ...], list[Settlement]] = {}
        for settled in settlements:
            alike.setdefault(settled[1:], []).append(settled)  # everything but the delivery's id
        for some in alike.values():
            what = some[0]
            not_before = _written(what.not_before) if what.not_before else None
            known = (what.state.value, what.detail, what.provider_ref, what.batch_id, not_before, at)
            ids = [settled.delivery_id for settled in some]
            rows.execute(_for(_SETTLE, len(ids)), (*known, *ids, self._owner))

    def release(self, ids: Collection[DeliveryId], now: datetime) -> None:
        with _Transaction(self._cheap) as rows:
            rows.executemany(_WITHDRAW, ((_written(now), number, self._owner) for number in ids))

    def close(self) -> None:
        self._durable.close()
        self._cheap.close()


class _Transaction:
    """BEGIN IMMEDIATE to COMMIT; a database failure is raised as StorageError."""

    __slots__ = ("_rows",)

    def __init__(self, rows: sqlite3.Connection) -> None:
        self._rows = rows

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._rows.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise _unusable(error) from error
        return self._rows

    def __exit__(self, kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            if kind is None:
                self._rows.execute("COMMIT")
                return
            if self._rows.in_transaction:
                self._rows.execute("ROLLBACK")
        except sqlite3.Error as failed:
            if self._rows.in_transaction:
                self._rows.execute("ROLLBACK")
            raise _unusable(failed) from failed
        if isinstance(error, sqlite3.Error):
            raise _unusable(error) from error


def _connect(file: str, synchronous: str) -> sqlite3.Connection:
    rows = sqlite3.connect(file, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    rows.execute("PRAGMA journal_mode=WAL")
    rows.execute(f"PRAGMA synchronous={synchronous}")
    # Moving the log into the file waits for the disk, so do it rarely and in large amounts.
    rows.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
    return rows


@lru_cache(maxsize=256)
def _for(statement: str, count: int) -> str:
    """The statement for `count` rows; SQLite accepts up to 32,766."""
    return statement.format(", ".join("?" * count))


def _written(moment: datetime) -> str:
    """A time in the form of `tables.UtcDateTime` in SQLite: UTC, no zone, always with microseconds."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _unusable(error: sqlite3.Error) -> StorageError:
    return StorageError(
        f"The database cannot be written: {error}.",
        mend="Check that the disk is not full and the file writable.",
    )


# -- every other database ----------------------------------------------------------


class _CoreRows:
    """The same with SQLAlchemy, where every commit is durable."""

    def __init__(self, database: Database, which: IssueId, owner: str) -> None:
        self._database = database
        self._which = which
        self._owner = owner

    def claim(self, limit: int, now: datetime, lease_until: datetime) -> list[Delivery]:
        with self._database.write() as connection:
            return ledger.claim(
                connection, self._which, limit=limit, owner=self._owner, lease=lease_until - now, now=now
            )

    def exchange(self, requests: Iterable[_Request]) -> None:
        with self._database.write() as connection:
            for request in requests:
                ledger.record(connection, request.settlements, owner=self._owner, now=request.now)
                request.going |= ledger.mark_submitting(
                    connection,
                    self._which,
                    request.declared,
                    owner=self._owner,
                    now=request.now,
                    lease_until=request.lease_until,
                )

    def release(self, ids: Collection[DeliveryId], now: datetime) -> None:
        with self._database.write() as connection:
            ledger.release(connection, ids, owner=self._owner, now=now)

    def close(self) -> None:
        """Does nothing: the database belongs to the caller."""
