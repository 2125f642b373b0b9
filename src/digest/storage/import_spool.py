"""Sorts the people of one import file by key, outside of memory.

In that order each batch touches one stretch of every index instead of all of it,
which writes a quarter of the pages, and duplicates in a file become neighbours.
`import_sqlite` then imports them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from digest.errors import StorageError

_CACHE = "PRAGMA cache_size=-2000"  # KiB; also the amount sorted at a time


# A person as listed in a file: address_key, address, name, language, and topics as a JSON
# list (empty if not given).  A bare tuple, since a list can hold a million people.
ImportRow = tuple[str, str, str, str, str]


_FIELDS = "address_key, address, name, language, topics"


class ImportSpool:
    """Holds any number of people with a few megabytes of memory; use as a context manager.

    They are in an unnamed file in SQLite's folder for temporary files (TMPDIR), which
    disappears with the process, even if the process is killed.

    Raises:
        StorageError: that folder is full or not writable.
    """

    def __init__(self) -> None:
        self._spool = sqlite3.connect("", isolation_level=None)
        for setting in ("PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", _CACHE):
            self._spool.execute(setting)
        self._spool.execute(
            "CREATE TABLE arrival (place INTEGER PRIMARY KEY, address_key TEXT, address TEXT, "
            "name TEXT, language TEXT, topics TEXT)"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._spool.close()

    def take(self, people: Iterable[ImportRow]) -> int:
        """Add people in file order; returns how many."""
        statement = f"INSERT INTO arrival ({_FIELDS}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608
        with _translated():
            self._spool.execute("BEGIN")
            count = self._spool.executemany(statement, people).rowcount
            self._spool.execute("COMMIT")
            return max(count, 0)

    def batches(self, size: int) -> Iterator[list[ImportRow]]:
        """Each person once, as in the first row with their key; ordered by key."""
        rows = f"SELECT {_FIELDS} FROM arrival ORDER BY address_key, place"  # noqa: S608
        last = ""
        with _translated():
            cursor = self._spool.execute(rows)
            while some := cursor.fetchmany(size):
                firsts: dict[str, ImportRow] = {}
                for person in some:
                    firsts.setdefault(person[0], person)
                firsts.pop(last, None)  # already at the end of the previous batch
                last = some[-1][0]
                if firsts:
                    yield list(firsts.values())


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StorageError(
            f"The people of the file cannot be put in order: {error}.",
            mend="Make room in the folder for temporary files, or set TMPDIR to another one.",
        ) from error
