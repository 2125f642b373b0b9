"""What the pages ask for, and the values that answer.  Implemented in wiring, by workflows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from digest.model.editor import Editor
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

    def record(self, what: str, *, who: str, subject: str, address: str) -> None:
        """Write down what somebody did."""
        ...


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

    def record(self, what: str, *, who: str, subject: str, address: str) -> None:
        pass
