"""What the pages ask for, and the values that answer.  Implemented in wiring, by workflows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from digest.model.editor import Editor
from digest.views.home import DeskHome, DeskSource
from digest.views.issue import IssueView, LeftOutArticle, Person
from digest.views.issues import IssueList
from digest.views.plan import DeskPlan
from digest.views.preview import PreviewOptions
from digest.views.public import Login, NewsletterView, PreferencesView, ReaderView


class Readers(Protocol):
    """Tokens are opaque here; a forged one is None, like one of nobody."""

    def subscription(self, token: str) -> ReaderView | None: ...

    def unsubscribe(self, token: str, how: str) -> ReaderView | None:
        """End the subscription; again and again with the same answer.  `how`: "one-click" or "page"."""
        ...

    def resubscribe(self, token: str) -> ReaderView | None:
        """Take back an unsubscription that was a mistake."""
        ...

    def preferences(self, token: str) -> PreferencesView | None: ...

    def choose(self, token: str, *, wanted: Collection[str], name: str) -> PreferencesView | None:
        """Make the person's subscriptions those of `wanted`, and take down their name."""
        ...

    def is_probe(self, token: str) -> bool:
        """Whether this is the pre-flight's probe, and a real link would be answered now.  Changes nothing."""
        ...

    def newsletters(self) -> tuple[NewsletterView, ...]: ...

    def archive(self, newsletter: str, number: int) -> str | None:
        """The HTML of an issue that went out, without anything of one recipient."""
        ...

    def picture(self, name: str) -> tuple[bytes, str] | None:
        """Content and media type of a copy of a picture, by the name that is made of its content."""
        ...


class Accounts(Protocol):
    """Who may come to the desk.  `address` is the caller's; no more than its range is kept."""

    def any_exist(self) -> bool: ...

    def log_in(self, *, name: str, password: str, address: str) -> Login: ...

    def editor_of(self, session: str) -> Editor | None:
        """Whose session this is, while it lives."""
        ...

    def log_out(self, session: str, *, address: str) -> None: ...


class NoAccounts:
    """Where nobody has one: the one-time link is the only way in."""

    def any_exist(self) -> bool:
        return False

    def log_in(self, *, name: str, password: str, address: str) -> Login:  # noqa: ARG002
        return Login()

    def editor_of(self, session: str) -> Editor | None:  # noqa: ARG002
        return None

    def log_out(self, session: str, *, address: str) -> None:
        pass


class Desk(Protocol):
    def home(self) -> DeskHome: ...

    def all_issues(self, *, newsletter: str, state: str, page: int) -> IssueList:
        """A page of fifty; what is not known narrows nothing, and there is always a page."""
        ...

    def plan(self, newsletter: str, *, marked: int = 0) -> DeskPlan | None:
        """None where there is no such newsletter.  `marked` is the id of an article to tell of as well."""
        ...

    def source(self, newsletter: str, handle: str) -> DeskSource | None:
        """How one source does, as home shows it."""
        ...

    def issue(self, newsletter: str, number: int, *, whole: bool = False) -> IssueView | None:
        """The issue; all that stayed out of it only where `whole` is asked for."""
        ...

    def stamp(self, newsletter: str, number: int) -> str | None:
        """That of `IssueView`, cheaply; None where there is no such issue."""
        ...

    def frame(self, newsletter: str, number: int, look: PreviewOptions) -> str | None:
        """The mail itself, with nothing added but what the look asks for."""
        ...

    def search(self, newsletter: str, number: int, words: str) -> tuple[LeftOutArticle, ...]:
        """Older articles that hold every word and are not in the issue."""
        ...

    def people(self, newsletter: str, words: str) -> tuple[Person, ...]:
        """Some subscribers, those first whose name or address begins so."""
        ...

    def shared(self, token: str) -> str | None:
        """The mail that a share link shows, with nothing of one person in it."""
        ...


class Probes(Protocol):
    """What machines ask."""

    def health(self) -> Mapping[str, object]:
        """`ok`: true when mail could be sent now; and what was looked at."""
        ...

    def metrics(self) -> str:
        """The figures in Prometheus' text format (version 0.0.4)."""
        ...
