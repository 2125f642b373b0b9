"""People: subscribers and their consent, and what providers report about their deliveries."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from digest.application.queries import Queries
from digest.model.activity import Actor
from digest.model.delivery import DeliveryEvent
from digest.model.subscriber import HistoryEntry, Subscription
from digest.workflows import Progress, no_progress

if TYPE_CHECKING:
    from digest.transports import Webhook
    from digest.views.public import PreferencesView, ReaderView
    from digest.workflows.people.feedback import Received
    from digest.workflows.people.subscribers import Imported


class People(Queries):
    # -- by the owner ------------------------------------------------------------------

    def import_subscribers(
        self,
        newsletter: str | None,
        file: Path,
        *,
        by: Actor,
        progress: Progress = no_progress,
    ) -> Imported:
        """Add the people of a CSV file; nobody who unsubscribed is added again."""
        from digest.workflows.people.subscribers import import_file

        of = self.newsletter(newsletter)
        return import_file(of, file, database=self._database, by=by, now=self._now, progress=progress)

    def export_subscribers(self, newsletter: str | None) -> Iterator[list[str]]:
        """Rows of a CSV file, the header first."""
        from digest.workflows.people.subscribers import export

        return export(self.newsletter(newsletter), database=self._database)

    def add_subscriber(
        self, newsletter: str | None, address: str, *, by: Actor, name: str = "", again: bool = False
    ) -> Subscription:
        """Subscribe one person who asked for it; `again` takes back who unsubscribed.

        Raises:
            InvalidAddress: the address is not one.
            NotAllowed: the person unsubscribed, or is suppressed.
        """
        from digest.workflows.people.subscribers import add

        of = self.newsletter(newsletter)
        return add(of, address, name=name, database=self._database, again=again, by=by, now=self._now)

    def remove_subscriber(self, newsletter: str | None, address: str, *, by: Actor) -> None:
        """End a subscription; no import brings it back.

        Raises:
            InvalidAddress: the address is not one.
            NotFound: there is no such subscription.
        """
        from digest.workflows.people.subscribers import remove

        remove(self.newsletter(newsletter), address, database=self._database, by=by, now=self._now)

    def erase_subscriber(self, address: str, *, by: Actor) -> bool:
        """Forget a person for good, so that no import brings them back; whether they were known."""
        from digest.workflows.people.subscribers import erase

        return erase(address, database=self._database, by=by, now=self._now)

    def subscriber_history(self, address: str) -> tuple[list[Subscription], list[HistoryEntry]]:
        """A person's subscriptions, and what happened to them, oldest first.

        Raises:
            NotFound: the address is not known.
        """
        from digest.workflows.people.subscribers import history

        return history(address, database=self._database)

    # -- by a link of a mail -------------------------------------------------------------

    def unsubscribe(self, token: str, *, how: str) -> ReaderView | None:
        """End the subscription of this link, again and again with the same answer; None for a forged one."""
        from digest.workflows.people.feedback import unsubscribe

        keys = self._container.secret_keys
        found = unsubscribe(token, keys=keys, database=self._database, how=how, now=self._now)
        return self.public.reader(found)

    def resubscribe(self, token: str) -> ReaderView | None:
        """Undo an unsubscription that was a mistake; None for a forged link."""
        from digest.workflows.people.feedback import resubscribe

        keys = self._container.secret_keys
        return self.public.reader(resubscribe(token, keys=keys, database=self._database, now=self._now))

    def choose(self, token: str, *, wanted: Collection[str], name: str) -> PreferencesView | None:
        """Make the person's subscriptions those of `wanted`, and keep their name; None for a forged link."""
        from digest.workflows.people.feedback import choose

        found = choose(
            token,
            wanted=wanted,
            offered=tuple(self.settings.newsletters),
            name=name,
            keys=self._container.secret_keys,
            database=self._database,
            now=self._now,
        )
        return self.public.preferences_of(token, found)

    # -- by providers ----------------------------------------------------------------------

    def webhooks(self) -> Mapping[str, Webhook]:
        """How the posts of each provider are judged and read, by its name; only where its key is set.

        Raises:
            SettingsError: a key is not one.
        """
        return self._container.webhooks()

    def record_events(self, events: Sequence[DeliveryEvent]) -> Received:
        """Keep what a provider reports; when this returns, it is durable."""
        from digest.workflows.people.feedback import receive

        return receive(events, database=self._database, now=self._now)

    def record_bounce(self, raw: bytes, *, to: str) -> tuple[DeliveryEvent, Received]:
        """Keep one mail that came to the return path `to`."""
        from digest.workflows.people.feedback import bounce

        keys = self._container.secret_keys
        return bounce(raw, to=to, keys=keys, database=self._database, now=self._now)
