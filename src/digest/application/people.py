"""People: subscribers and their consent, and what providers report about their deliveries."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from digest.application.queries import Queries
from digest.model.activity import Actor
from digest.model.delivery import DeliveryEvent
from digest.model.subscriber import HistoryEntry, Subscription
from digest.workflows import ReportProgress, no_progress

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
        progress: ReportProgress = no_progress,
    ) -> Imported:
        """Import subscribers from a CSV file; people who unsubscribed are not re-added."""
        from digest.workflows.people.subscribers import import_file

        of = self.newsletter(newsletter)
        return import_file(of, file, database=self._database, by=by, now=self._now, progress=progress)

    def export_subscribers(self, newsletter: str | None) -> Iterator[list[str]]:
        """The rows of a CSV file, header first."""
        from digest.workflows.people.subscribers import export

        return export(self.newsletter(newsletter), database=self._database)

    def add_subscriber(
        self, newsletter: str | None, address: str, *, by: Actor, name: str = "", again: bool = False
    ) -> Subscription:
        """Subscribe one person who asked for it; `again` resubscribes someone who unsubscribed.

        Raises:
            InvalidAddress: the address is not one.
            NotAllowed: the person unsubscribed, or is suppressed.
        """
        from digest.workflows.people.subscribers import add

        of = self.newsletter(newsletter)
        return add(of, address, name=name, database=self._database, again=again, by=by, now=self._now)

    def remove_subscriber(self, newsletter: str | None, address: str, *, by: Actor) -> None:
        """End a subscription; imports do not restore it.

        Raises:
            InvalidAddress: the address is not one.
            NotFound: there is no such subscription.
        """
        from digest.workflows.people.subscribers import remove

        remove(self.newsletter(newsletter), address, database=self._database, by=by, now=self._now)

    def erase_subscriber(self, address: str, *, by: Actor) -> bool:
        """Erase a person's data for good; imports do not re-add them.  Whether they were known."""
        from digest.workflows.people.subscribers import erase

        return erase(address, database=self._database, by=by, now=self._now)

    def subscriber_history(self, address: str) -> tuple[list[Subscription], list[HistoryEntry]]:
        """A person's subscriptions and their history, oldest first.

        Raises:
            NotFound: the address is not known.
        """
        from digest.workflows.people.subscribers import history

        return history(address, database=self._database)

    # -- by a link in a mail -------------------------------------------------------------

    def unsubscribe(self, token: str, *, how: str) -> ReaderView | None:
        """Unsubscribe the person of this link; idempotent.  None for a forged link."""
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
        """Set the person's subscriptions to `wanted` and store their name; None for a forged link."""
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
        """By provider, how to verify and parse its webhook requests; only providers with a key.

        Raises:
            SettingsError: a key is invalid.
        """
        return self._container.webhooks()

    def record_events(self, events: Sequence[DeliveryEvent]) -> Received:
        """Store the events a provider reports; they are durable when this returns."""
        from digest.workflows.people.feedback import receive

        return receive(events, database=self._database, now=self._now)

    def record_bounce(self, raw: bytes, *, to: str) -> tuple[DeliveryEvent, Received]:
        """Store one mail received at the return path `to`."""
        from digest.workflows.people.feedback import bounce

        keys = self._container.secret_keys
        return bounce(raw, to=to, keys=keys, database=self._database, now=self._now)
