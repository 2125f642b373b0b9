"""What all actions share: the parts of this process and its background senders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from digest.clock import Clock
from digest.model.issue import Issue
from digest.model.newsletter import Newsletter
from digest.wiring import Container

if TYPE_CHECKING:
    from digest.settings import Settings
    from digest.storage.database import Database
    from digest.workflows.composing.compose import Composer


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderState:
    """What this process knows about its own sender of one issue."""

    is_running: bool = False
    trouble: str = ""  # the error that ended it, or empty


class Senders(Protocol):
    """Runs sends in the background."""

    def start(self, issue: Issue, work: Callable[[], str]) -> None:
        """Call `work` soon, and never twice at once for one issue.

        A request made while it runs calls it once more afterwards.  `work`
        returns the error that ended it, or an empty string.
        """
        ...

    def state(self, issue: Issue) -> SenderState: ...


class NoSenders:
    """For a process without background senders, such as a command."""

    def start(self, issue: Issue, work: Callable[[], str]) -> None:
        """Do nothing: `digest send` or the schedule picks the issue up."""

    def state(self, issue: Issue) -> SenderState:  # noqa: ARG002
        return SenderState()


class Bound:
    """The parts of one process, and the lookups every action needs."""

    def __init__(self, container: Container, *, senders: Senders | None = None) -> None:
        self._container = container
        self._senders: Senders = senders or NoSenders()

    @classmethod
    def from_file(
        cls, file: Path, *, environ: Mapping[str, str], clock: Clock, senders: Senders | None = None
    ) -> Self:
        """Read the settings file and bind to it.

        Raises:
            SettingsError: the settings are invalid; it names every mistake at once.
        """
        return cls(Container.from_file(file, environ=environ, clock=clock), senders=senders)

    def close(self) -> None:
        """Close what was opened; safe to call twice."""
        self._container.close()

    @property
    def settings(self) -> Settings:
        return self._container.settings

    @property
    def clock(self) -> Clock:
        return self._container.clock

    @property
    def newsletters(self) -> tuple[Newsletter, ...]:
        return self._container.newsletters

    def newsletter(self, name: str | None) -> Newsletter:
        """The newsletter of this name; with None, the only one.

        Raises:
            NotFound: no newsletter has this name, or there are several and none was named.
        """
        return self._container.newsletter(name)

    def find(self, ref: str) -> tuple[Newsletter, Issue]:
        """An issue by the name people use: weekly/3, weekly/latest, or 3 where there is one newsletter.

        Raises:
            NotFound: there is no such issue.
        """
        return self._container.issue(ref)

    def open_database(self) -> None:
        """Open the database now, so that a failure is reported at once.

        Raises:
            StorageError: it cannot be opened.
        """
        _ = self._database

    @property
    def _database(self) -> Database:
        return self._container.database

    @property
    def _now(self) -> datetime:
        return self._container.clock()

    def _composer(self, newsletter: Newsletter) -> Composer:
        return self._container.composer(newsletter)

    @cached_property
    def _public_url(self) -> str:
        return self._container.settings.site.public_url
