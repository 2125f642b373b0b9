"""Opens a database: pragmas, transactions, and migrations preceded by a backup."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Connection, create_engine, event, inspect
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from digest.errors import NewerDatabase, StorageError

_BUSY_SECONDS = 30

__all__ = ["Connection", "Database"]  # workflows pass connections on and use nothing else of SQLAlchemy


class Database:
    """An open database with the current schema.

    Raises:
        NewerDatabase: it was written by a newer digest; nothing is changed.
        StorageError: it cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._engine = _engine(self._url)
        try:
            self._migrate()
        except (DBAPIError, sqlite3.DatabaseError) as error:
            self.close()
            raise _unusable(self._url, error) from error
        except StorageError:
            self.close()  # or its side files would remain beside a database that is not ours
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view; nothing that is done in it is kept, and SQLite refuses to write at all."""
        with _translated(self._url), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One durable transaction: committed as a whole on leaving, rolled back after an error.

        On SQLite it takes the write lock at once (BEGIN IMMEDIATE), so that what was
        read in it cannot have changed when it writes.
        """
        with _translated(self._url), self._engine.connect() as connection:
            writer = connection.execution_options(digest_write=True)
            with writer.begin():
                yield writer

    @property
    def sqlite_file(self) -> str:
        """The file of a SQLite database, for `ledger_sqlite`; empty for other databases."""
        return (self._url.database or "") if self._url.get_backend_name() == "sqlite" else ""

    def close(self) -> None:
        self._engine.dispose()

    def _migrate(self) -> None:
        from digest.storage import migrations

        with self._engine.connect() as connection:
            at = migrations.revision_of(connection)
            if at == migrations.NEWEST:
                return
            if at is not None and not migrations.knows(at):
                raise NewerDatabase(
                    f"The database {self._url.render_as_string()} belongs to a newer digest (schema {at}).",
                    mend="Use that version, or restore the backup made when the database was upgraded.",
                )
            if at is None and inspect(connection).get_table_names():
                raise StorageError(
                    f"The database {self._url.render_as_string()} contains other tables, not digest's.",
                    mend="Set [database] url to a database of its own.",
                )
        if at is not None:
            self._back_up(at)
        self._use_write_ahead_log()
        with self._engine.connect() as connection:
            migrations.upgrade(connection.execution_options(digest_write=True), migrations.NEWEST)

    def _use_write_ahead_log(self) -> None:
        """Lets readers and a writer work without waiting for each other.  Stored in the file, once."""
        if self._url.get_backend_name() != "sqlite":
            return
        raw = self._engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA query_only=OFF")
            raw.cursor().execute("PRAGMA journal_mode=WAL")
        finally:
            raw.close()

    def _back_up(self, at: str) -> None:
        """Copy a SQLite file before its schema changes; PostgreSQL has its own backup tools."""
        if self._url.get_backend_name() != "sqlite" or not self._url.database:
            return
        file = Path(self._url.database)
        with (
            sqlite3.connect(file) as old,
            sqlite3.connect(file.with_name(f"{file.name}.backup-{at}")) as copy,
        ):
            old.backup(copy)
        old.close()
        copy.close()


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    if url.database:
        try:
            _make_private(Path(url.database))
        except OSError as error:
            raise _unusable(url, error) from error
    # Parameters are people's addresses, which must not appear in a traceback.
    arguments = {"timeout": _BUSY_SECONDS, "check_same_thread": False}
    engine = create_engine(url, connect_args=arguments, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_private(file: Path) -> None:
    """Make a new database readable only by its owner, since it holds addresses.  Others keep their mode."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say so; see _begin_sqlite
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """The pool gives one connection to readers and writers: what it may is said at each beginning."""
    writes = connection.get_execution_options().get("digest_write", False)
    raw = cast("sqlite3.Connection", connection.connection.driver_connection)
    raw.execute(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _translated(url: URL) -> Iterator[None]:
    """A failing database is for the operator to fix; a wrong statement is a bug and is not caught."""
    try:
        yield
    except OperationalError as error:
        raise _unusable(url, error) from error


def _unusable(url: URL, error: SQLAlchemyError | sqlite3.DatabaseError | OSError) -> StorageError:
    words = str(getattr(error, "orig", None) or getattr(error, "strerror", None) or error)
    return StorageError(
        f"The database {url.render_as_string()} cannot be used: {words}.",
        mend="Check that the folder exists and is writable, the disk has space, and the file is a database.",
    )
