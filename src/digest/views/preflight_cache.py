"""What was printed and checked lately, and what follows from it: kept until something about it changes."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Generic, TypeVar

from digest.model.issue import Issue
from digest.model.newsletter import Newsletter
from digest.storage import activity_log, subscribers
from digest.wiring import Container
from digest.workflows.composing import compose
from digest.workflows.composing.preflight import Report, check

_KEPT = 16  # issues; each is some 200 KB

T = TypeVar("T")


class PrintedIssues(Generic[T]):
    """Reports by all that they depend on; of one issue asked for twice at once, one is made twice.

    `follows` makes of a report what else is to be kept with it.
    """

    def __init__(self, parts: Container, follows: Callable[[Newsletter, Report], T]) -> None:
        self._parts = parts
        self._follows = follows
        self._reports: OrderedDict[Hashable, Report] = OrderedDict()
        self._following: dict[int, T] = {}  # by the identity of a report that is kept
        self._lock = threading.Lock()

    def following(self, newsletter: Newsletter, report: Report) -> T:
        """What follows from a report that this has made."""
        with self._lock:
            if (kept := self._following.get(id(report))) is not None:
                return kept
        made = self._follows(newsletter, report)
        with self._lock:
            if any(report is kept for kept in self._reports.values()):
                self._following[id(report)] = made
        return made

    def report(self, newsletter: Newsletter, issue: Issue) -> Report:
        """The issue with its rendering, its pre-flight and its message.

        Raises:
            TemplateError: a template does not load or render.
        """
        parts, now = self._parts, self._parts.clock()
        with parts.database.read() as connection:
            confirmed = subscribers.count(connection, newsletter.name).get("confirmed", 0)
            # Subjects of earlier issues count, and no issue is approved or cancelled without a record.
            before = activity_log.newest(connection, newsletter.name)
        key = (
            issue.id, issue.revision, issue.state, issue.content_hash, confirmed, before,
            now.date(), self.fingerprint(newsletter),
        )  # fmt: skip
        with self._lock:
            if (kept := self._reports.get(key)) is not None:
                self._reports.move_to_end(key)
                return kept
        printing = parts.press(newsletter)
        rendered = compose.rendered(printing, issue, now=now)
        made = check(replace(issue, rendered=rendered), press=printing, database=parts.database, now=now)
        with self._lock:
            if (overtaken := self._reports.get(key)) is not None:
                self._following.pop(id(overtaken), None)
            self._reports[key] = made
            while len(self._reports) > _KEPT:
                _, gone = self._reports.popitem(last=False)
                self._following.pop(id(gone), None)
        return made

    def fingerprint(self, newsletter: Newsletter) -> Hashable:
        """Another one as soon as a template is saved, or the settings were read anew."""
        return (hash(repr(newsletter)), fingerprint_of(self._parts.template_folders))


def fingerprint_of(folders: Sequence[Path]) -> int:
    """Of the names, times and sizes of all files in these folders; those that are missing are empty."""
    return hash(tuple(entry for folder in folders for entry in _entries(folder)))


def _entries(folder: Path | str) -> Iterator[tuple[str, int, int]]:
    try:
        found = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(entry.path)
        elif entry.is_file():
            told = entry.stat()
            yield (entry.path, told.st_mtime_ns, told.st_size)
