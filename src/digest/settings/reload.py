"""Reloads a newsletter's look when the settings file is saved while digest is running.

An editor who tries another colour wants to see it, and what is shown must be what
is sent.  So a long-running process (server or scheduler) takes over the settings that
only change how issues look.  Everything else (sources, schedule, delivery, addresses)
is only read at start, because parts of it would already be in use.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from digest.errors import SettingsError
from digest.model.newsletter import Newsletter
from digest.settings import Settings

log = logging.getLogger(__name__)

_LOOKS = ("theme", "logo", "title", "description", "subject")


class LiveLooks:
    """Notices when the file was saved; `read` reads it again."""

    def __init__(self, settings: Settings, read: Callable[[], Settings]) -> None:
        self._file = settings.file
        self._read = read
        self._seen = _version(self._file)
        self._lock = threading.Lock()

    def with_saved_looks(self, settings: Settings) -> Settings:
        """The settings with the looks saved since; unchanged if nothing was saved or the file is wrong."""
        if _version(self._file) == self._seen:
            return settings
        with self._lock:
            seen = _version(self._file)
            if seen == self._seen:
                return settings
            self._seen = seen
            try:
                saved = self._read().newsletters
            except SettingsError as error:
                log.warning("settings.not_taken_over: %s %s", error, "; ".join(error.findings))
                return settings
        known = settings.newsletters
        return replace(
            settings, newsletters={name: _with_looks(known[name], saved.get(name)) for name in known}
        )


def _with_looks(running: Newsletter, saved: Newsletter | None) -> Newsletter:
    if saved is None:
        return running
    return replace(running, **{name: getattr(saved, name) for name in _LOOKS})


def _version(file: Path) -> tuple[int, ...]:
    """With what no tool sets that copies files with their times."""
    try:
        told = file.stat()
    except OSError:
        return ()
    return (told.st_mtime_ns, told.st_ctime_ns, told.st_size, told.st_ino)
