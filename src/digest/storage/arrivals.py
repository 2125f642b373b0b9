"""The people of one file on their way in: put in the order of their keys, outside of memory.

In that order every batch touches one stretch of each index instead of all of
it, which writes a quarter of the pages; and who stands in a file twice stands
side by side.  What becomes of them is in `hot_import`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple, Self

from digest.errors import StorageError

_CACHE = "PRAGMA cache_size=-2000"  # KiB; also what is sorted at once


class Arrival(NamedTuple):
    """A person as a file tells of them."""

    address_key: str
    address: str
    name: str
    language: str
    topics: str  # a JSON list; empty where nothing is said


class Arrivals:
    """Any number of people in a few megabytes of memory; use as a context manager.

    They lie in a file without a name, in SQLite's folder for such (TMPDIR), and
    are gone with the process, also when it is killed.

    Raises:
        StorageError: that folder is full or cannot be written.
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

    def take(self, people: Iterable[tuple[str, str, str, str, str]]) -> int:
        """Lay people down in the order of the file (the fields of `Arrival`); how many."""
        statement = (
            "INSERT INTO arrival (address_key, address, name, language, topics) VALUES (?, ?, ?, ?, ?)"
        )
        with _translated():
            self._spool.execute("BEGIN")
            count = self._spool.executemany(statement, people).rowcount
            self._spool.execute("COMMIT")
            return max(count, 0)

    def batches(self, size: int) -> Iterator[list[Arrival]]:
        """Each person once, as the first row of the file with their key tells of them; in the order of keys."""
        # With a lone min(), SQLite takes the other columns from the row that has it.
        rows = "SELECT address_key, address, name, language, topics, min(place) FROM arrival GROUP BY 1"
        with _translated():
            cursor = self._spool.execute(rows)
            while some := cursor.fetchmany(size):
                yield [Arrival(*row[:5]) for row in some]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StorageError(
            f"The people of the file cannot be put in order: {error}.",
            mend="Is there room in the folder for temporary files? TMPDIR names another one.",
        ) from error
