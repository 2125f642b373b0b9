"""What all stories share: the parts of this process, and who sends in its background."""

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
    """What this process knows of its own sender of one issue."""

    is_running: bool = False
    trouble: str = ""  # what ended it, if something did


class Senders(Protocol):
    """Where a send goes on that nobody waits for."""

    def start(self, issue: Issue, work: Callable[[], str]) -> None:
        """Call `work` soon, and never twice at once for one issue.

        Asked again while it runs, it is called once more afterwards.  `work`
        answers with what ended it, or an empty text.
        """
        ...

    def state(self, issue: Issue) -> SenderState: ...


class NoSenders:
    """A process that sends only while somebody waits for it, such as a command."""

    def start(self, issue: Issue, work: Callable[[], str]) -> None:
        """Whoever sends next takes the issue up: `digest send`, or the schedule."""

    def state(self, issue: Issue) -> SenderState:  # noqa: ARG002
        return SenderState()


class Bound:
    """The parts of one process, and what every story asks of them."""

    def __init__(self, container: Container, *, senders: Senders | None = None) -> None:
        self._container = container
        self._senders: Senders = senders or NoSenders()

    @classmethod
    def from_file(
        cls, file: Path, *, environ: Mapping[str, str], clock: Clock, senders: Senders | None = None
    ) -> Self:
        """Raises SettingsError with every mistake at once."""
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
        """The one of this name, or the only one.

        Raises:
            NotFound: there is none of this name, or several and no name.
        """
        return self._container.newsletter(name)

    def find(self, ref: str) -> tuple[Newsletter, Issue]:
        """An issue by the name people use: weekly/3, weekly/latest, or 3 where there is one newsletter.

        Raises:
            NotFound: there is no such issue.
        """
        return self._container.issue(ref)

    def open_database(self) -> None:
        """Open the database now, so that one that cannot be opened is reported at once.

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
