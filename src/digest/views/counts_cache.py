"""What became of each issue, counted once for as long as nothing changes.

Counting an issue reads a row for each of its readers.  Of one that is finished
the account is kept in this process, and counted again when the record or the
providers' events tell of it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection

from digest.model.issue import IssueId, IssueState
from digest.storage import desk_home
from digest.storage.database import Connection
from digest.storage.desk_home import ChangeMarks, DeliverySummary, IssueLine

_FINISHED = frozenset({IssueState.SENT, IssueState.CANCELLED, IssueState.SKIPPED})
_KEPT = 2_000  # accounts; of more issues nobody looks at once


class CountsCache:
    """One for all pages of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._marks = ChangeMarks(activity=0, told=0)
        self._counted: dict[IssueId, tuple[str, DeliverySummary]] = {}  # by id, with the issue's name

    def of(self, connection: Connection, lines: Collection[IssueLine]) -> dict[IssueId, DeliverySummary]:
        """The account of each, as it is now."""
        with self._lock:
            self._forget_touched(connection)
            known = {
                line.id: self._counted[line.id][1]
                for line in lines
                if line.id in self._counted and line.state in _FINISHED
            }
            counted = desk_home.delivery_summaries(
                connection, [line.id for line in lines if line.id not in known]
            )
            if len(self._counted) > _KEPT:
                self._counted.clear()
            for line in lines:
                if line.state in _FINISHED and line.id in counted:
                    self._counted[line.id] = line.ref, counted[line.id]
            return counted | known

    def _forget_touched(self, connection: Connection) -> None:
        """Also those that nobody asks for now: the marks move on for all."""
        marks = desk_home.marks(connection)
        if marks == self._marks:
            return
        if self._counted:
            touched = desk_home.touched(connection, since=self._marks)
            self._counted = {
                number: (ref, account)
                for number, (ref, account) in self._counted.items()
                if number not in touched.ids and ref not in touched.refs
            }
        self._marks = marks
