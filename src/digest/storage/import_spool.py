"""The people of one file on their way in: put in the order of their keys, outside of memory.

In that order every batch touches one stretch of each index instead of all of
it, which writes a quarter of the pages; and who stands in a file twice stands
side by side.  What becomes of them is in `import_sqlite`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from digest.errors import StorageError

_CACHE = "PRAGMA cache_size=-2000"  # KiB; also what is sorted at once


# A person as a file tells of them: address_key, address, name, language, and topics as a JSON
# list (empty where nothing is said).  A bare tuple: a list of people has a million.
ImportRow = tuple[str, str, str, str, str]


_FIELDS = "address_key, address, name, language, topics"


class ImportSpool:
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

    def take(self, people: Iterable[ImportRow]) -> int:
        """Lay people down in the order of the file; how many."""
        statement = f"INSERT INTO arrival ({_FIELDS}) VALUES (?, ?, ?, ?, ?)"  # noqa: S608
        with _translated():
            self._spool.execute("BEGIN")
            count = self._spool.executemany(statement, people).rowcount
            self._spool.execute("COMMIT")
            return max(count, 0)

    def batches(self, size: int) -> Iterator[list[ImportRow]]:
        """Each person once, as the first row with their key tells of them; in the order of the keys."""
        rows = f"SELECT {_FIELDS} FROM arrival ORDER BY address_key, place"  # noqa: S608
        last = ""
        with _translated():
            cursor = self._spool.execute(rows)
            while some := cursor.fetchmany(size):
                firsts: dict[str, ImportRow] = {}
                for person in some:
                    firsts.setdefault(person[0], person)
                firsts.pop(last, None)  # stood at the end of the batch before
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
            mend="Is there room in the folder for temporary files? TMPDIR names another one.",
        ) from error
