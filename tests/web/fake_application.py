"""An application of fakes, for pages that need no database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from digest.model.delivery import DeliveryEvent
from digest.model.editor import Editor
from digest.views.public import PreferencesView, ReaderView
from web.fake_views import SITE, Clock, FakeDesk, FakeProbes, FakeReaders


class FakeApplication:
    """What the pages ask for; nobody has an account, unless `accounts` says so."""

    def __init__(
        self,
        *,
        readers: FakeReaders | None = None,
        desk: FakeDesk | None = None,
        probes: FakeProbes | None = None,
        clock: Callable[[], datetime] | None = None,
        accounts: Any = None,
        receive: Callable[[Sequence[DeliveryEvent]], Any] | None = None,
        webhooks: Mapping[str, Any] | None = None,
    ) -> None:
        self.public = readers or FakeReaders()
        self.desk = desk or FakeDesk()
        self.health = probes or FakeProbes()
        self.clock = clock or Clock()
        self._accounts = accounts
        self._receive = receive
        self._webhooks = webhooks or {}
        self.settings = SimpleNamespace(site=SITE)

    def webhooks(self) -> Mapping[str, Any]:
        return self._webhooks

    def unsubscribe(self, token: str, *, how: str) -> ReaderView | None:
        return self.public.unsubscribe(token, how)

    def resubscribe(self, token: str) -> ReaderView | None:
        return self.public.resubscribe(token)

    def choose(self, token: str, *, wanted: Collection[str], name: str) -> PreferencesView | None:
        return self.public.choose(token, wanted=wanted, name=name)

    def record_events(self, events: Sequence[DeliveryEvent]) -> Any:
        return self._receive(events) if self._receive is not None else None

    def has_editors(self) -> bool:
        return self._accounts is not None and self._accounts.has_editors()

    def editor_of(self, session: str) -> Editor | None:
        return self._accounts.editor_of(session) if self._accounts is not None else None

    def log_in(self, name: str, password: str, *, address: str) -> Any:
        return self._accounts.log_in(name, password, address=address)

    def log_out(self, session: str, *, address: str) -> None:
        self._accounts.log_out(session, address=address)
