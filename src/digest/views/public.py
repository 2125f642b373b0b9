"""What the public pages show: newsletters, the archive, and a reader's own subscription."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digest.model.newsletter import Newsletter, Site
from digest.model.subscriber import Subscription, SubscriptionState
from digest.rules import approval
from digest.storage import issues
from digest.wiring import Container
from digest.workflows.composing import compose
from digest.workflows.people import link_owners

ACCENT = "#0B5F6B"
ACCENT_DARK = "#7CC7D0"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderView:
    """One person's subscription, as shown by its own link."""

    address: str
    newsletter: str
    newsletter_title: str
    is_active: bool  # confirmed and not ended
    site: Site
    language: str = "en"
    accent: str = ACCENT
    accent_dark: str = ACCENT_DARK


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """One newsletter of this site, which a reader can choose."""

    newsletter: str
    title: str
    description: str
    is_chosen: bool
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferencesView:
    """What one person is subscribed to, and what else is offered."""

    view: ReaderView  # of the link they used
    name: str
    preferences: tuple[Preference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsletterView:
    """A newsletter on the front page."""

    name: str
    title: str
    description: str = ""
    latest: int | None = None  # number of the last issue sent
    latest_subject: str = ""


class PublicViews:
    """For the pages that anyone may open."""

    def __init__(self, parts: Container) -> None:
        self._parts = parts

    def subscription(self, token: str) -> ReaderView | None:
        parts = self._parts
        return self.reader(
            link_owners.subscription_of(token, keys=parts.secret_keys, database=parts.database)
        )

    def preferences(self, token: str) -> PreferencesView | None:
        parts = self._parts
        found = link_owners.subscriptions_of(token, keys=parts.secret_keys, database=parts.database)
        return self.preferences_of(token, found)

    def preferences_of(self, token: str, found: Sequence[Subscription] | None) -> PreferencesView | None:
        """The preferences page, for all subscriptions of one person."""
        view = self.subscription(token)
        if not found or view is None:
            return None
        chosen = {one.newsletter for one in found if one.state is SubscriptionState.CONFIRMED}
        return PreferencesView(
            view=view,
            name=found[0].name,
            preferences=tuple(
                Preference(
                    newsletter=newsletter.name,
                    title=newsletter.title,
                    description=newsletter.description,
                    is_chosen=newsletter.name in chosen,
                    language=newsletter.language,
                )
                for newsletter in self._parts.newsletters
            ),
        )

    def is_probe(self, token: str) -> bool:
        parts = self._parts
        return link_owners.is_answered_probe(token, keys=parts.secret_keys, database=parts.database)

    def newsletters(self) -> tuple[NewsletterView, ...]:
        return tuple(self._newsletter(newsletter) for newsletter in self._parts.newsletters)

    def archive(self, newsletter: str, number: int) -> str | None:
        parts = self._parts
        if newsletter not in parts.settings.newsletters:
            return None
        with parts.database.read() as connection:
            found = issues.by_number(connection, newsletter, number)
        if found is None or found.state not in approval.WENT_OUT or found.rendered is None:
            return None
        composer = parts.composer(parts.newsletter(newsletter))
        return compose.public_html(composer, found)

    def picture(self, name: str) -> tuple[bytes, str] | None:
        return self._parts.media.read(name)

    def _newsletter(self, newsletter: Newsletter) -> NewsletterView:
        with self._parts.database.read() as connection:
            recent = issues.all_of(connection, newsletter.name, limit=10)
        out = next((issue for issue in recent if issue.state in approval.WENT_OUT), None)
        return NewsletterView(
            name=newsletter.name,
            title=newsletter.title,
            description=newsletter.description,
            latest=out.number if out else None,
            latest_subject=out.rendered.subject if out and out.rendered else "",
        )

    def reader(self, found: Subscription | None) -> ReaderView | None:
        """What a subscriber's own pages show of a subscription; None if there is none."""
        parts = self._parts
        newsletter = parts.settings.newsletters.get(found.newsletter) if found else None
        if found is None or newsletter is None:
            return None
        return ReaderView(
            address=found.address,
            newsletter=newsletter.name,
            newsletter_title=newsletter.title,
            is_active=found.state is SubscriptionState.CONFIRMED,
            site=parts.settings.site,
            language=newsletter.language,
            accent=newsletter.accent,
            accent_dark=newsletter.accent_dark,
        )
