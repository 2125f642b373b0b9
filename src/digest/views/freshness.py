"""The freshness token for cached views: read once per page, in one statement."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from digest.model.newsletter import Newsletter
from digest.rendering.saved_files import FileVersion, version_of
from digest.storage import change_marks
from digest.storage.change_marks import ChangeMarks
from digest.storage.database import Connection
from digest.wiring import Container


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """Everything a view may depend on, except the issue's own row.

    It is read before the values it is stored with: after a change in between, a
    value may be newer than its token, but never older.
    """

    marks: ChangeMarks
    files: int  # a fingerprint of all template files
    now: datetime

    def preflight(self, newsletter: Newsletter) -> Hashable:
        """Changes with templates, settings, the date, and earlier issues.

        The checks compare subjects of earlier issues; every approval or cancellation is in the
        activity log.
        """
        return (self.marks.activity, self.now.date(), *self.printing(newsletter))

    def printing(self, newsletter: Newsletter) -> tuple[int, int]:
        """Changes when a template is saved or the settings change."""
        return (hash(repr(newsletter)), self.files)

    @property
    def plan(self) -> Hashable:
        """Changes when an article arrives, a source is read, somebody does something, or an hour ends."""
        hour = self.now.replace(minute=0, second=0, microsecond=0)
        return (self.marks.article, self.marks.looked, self.marks.activity, hour)

    @property
    def people(self) -> Hashable:
        """Changes when somebody subscribes, unsubscribes or is erased, and at midnight UTC."""
        return (self.marks.audience, self.now.astimezone(UTC).date())

    @property
    def deliveries(self) -> ChangeMarks:
        """Changes when a person decides on deliveries of a finished issue, or the provider reports events."""
        return ChangeMarks(activity=self.marks.activity, told=self.marks.told)


def freshness(connection: Connection, parts: Container, *, now: datetime, newsletter: str = "") -> Freshness:
    """The token as of now; with the number of subscribers if a newsletter is named."""
    marks = change_marks.read(connection, newsletter=newsletter)
    return Freshness(marks=marks, files=_fingerprint(parts.template_folders), now=now)


def _fingerprint(folders: Sequence[Path]) -> int:
    """A hash over all files in these folders; a missing folder counts as empty."""
    return hash(tuple(entry for folder in folders for entry in _entries(folder)))


def _entries(folder: Path | str) -> Iterator[tuple[str, FileVersion]]:
    try:
        found = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(entry.path)
        elif entry.is_file():
            yield (entry.path, version_of(entry))
