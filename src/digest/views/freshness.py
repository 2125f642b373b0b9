"""How fresh what is shown has to be: one token, read once for a page, in one statement."""

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
    """What anything shown may depend on, beside the issue's own row.

    It is read before what it vouches for: a change in between makes a value
    that is newer than its token, and never one that is older.
    """

    marks: ChangeMarks
    files: int  # of all template files
    now: datetime

    def preflight(self, newsletter: Newsletter) -> Hashable:
        """Templates and settings, the day that is printed, and the issues before it.

        Subjects of earlier issues count, and no issue is approved or cancelled without a record.
        """
        return (self.marks.activity, self.now.date(), *self.printing(newsletter))

    def printing(self, newsletter: Newsletter) -> tuple[int, int]:
        """Another one as soon as a template is saved, or the settings say something else."""
        return (hash(repr(newsletter)), self.files)

    @property
    def plan(self) -> Hashable:
        """An article came, a source was read, somebody did something, or an hour has passed."""
        hour = self.now.replace(minute=0, second=0, microsecond=0)
        return (self.marks.article, self.marks.looked, self.marks.activity, hour)

    @property
    def people(self) -> Hashable:
        """Somebody came, left or was erased, or another day (UTC) began."""
        return (self.marks.audience, self.now.astimezone(UTC).date())

    @property
    def deliveries(self) -> ChangeMarks:
        """Of an issue that is finished: somebody decided on some of them, or the provider told something."""
        return ChangeMarks(activity=self.marks.activity, told=self.marks.told)


def freshness(connection: Connection, parts: Container, *, now: datetime, newsletter: str = "") -> Freshness:
    """As it is now; with the number of a newsletter's readers, where one is named."""
    marks = change_marks.read(connection, newsletter=newsletter)
    return Freshness(marks=marks, files=_fingerprint(parts.template_folders), now=now)


def _fingerprint(folders: Sequence[Path]) -> int:
    """Of all files in these folders; those that are missing are empty."""
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
