"""Views for readers' pages, for editors at the desk, and for monitoring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from digest.errors import DigestError
from digest.model.newsletter import Newsletter, Site
from digest.model.subscriber import Subscription, SubscriptionState
from digest.rules import approval
from digest.storage import issues
from digest.views.cache import ViewCache
from digest.views.home import DeskHome, DeskSource, HomeViews
from digest.views.issue import IssueView, IssueViews, LeftOutArticle, Person
from digest.views.issues import IssueList, IssueListViews
from digest.views.plan import DeskPlan, PlanViews
from digest.views.preview import PreviewOptions
from digest.views.reports import IssueReports
from digest.views.shared_draft import shared
from digest.views.status import status
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


V = TypeVar("V")


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


class DeskViews:
    """For editors."""

    def __init__(self, parts: Container) -> None:
        self._parts = parts
        self._cache = cache = ViewCache()
        self._others: dict[object, Any] = {}
        reports = IssueReports(parts, cache)
        self._plans = PlanViews(parts, cache=cache)
        self._home = HomeViews(parts, cache=cache, plans=self._plans, reports=reports)
        self._all_issues = IssueListViews(parts, cache=cache)
        self._issues = IssueViews(parts, cache=cache, reports=reports)

    def of(self, kind: Callable[..., V]) -> V:
        """The views of this kind, made when they are first asked for, over the one cache of all."""
        if kind not in self._others:
            self._others[kind] = kind(self._parts, cache=self._cache)
        found: V = self._others[kind]
        return found

    def home(self) -> DeskHome:
        return self._home.home()

    def all_issues(self, *, newsletter: str, state: str, page: int) -> IssueList:
        """A page of fifty issues; unknown filters are ignored, and there is always a page."""
        return self._all_issues.page(newsletter=newsletter, state=state, page=page)

    def plan(self, newsletter: str, *, marked: int = 0) -> DeskPlan | None:
        """None if there is no such newsletter.  `marked` is the id of an article to include as well."""
        return self._plans.plan(newsletter, marked=marked)

    def source(self, newsletter: str, handle: str) -> DeskSource | None:
        """The health of one source, as home shows it."""
        return self._home.source(newsletter, handle)

    def issue(self, newsletter: str, number: int, *, whole: bool = False) -> IssueView | None:
        """The issue; with all articles left out if `whole`, otherwise only the first."""
        return self._issues.view(newsletter, number, whole=whole)

    def stamp(self, newsletter: str, number: int) -> str | None:
        """The stamp of `IssueView`, computed cheaply; None if there is no such issue."""
        return self._issues.stamp(newsletter, number)

    def frame(self, newsletter: str, number: int, look: PreviewOptions) -> str | None:
        """The mail itself, with nothing added except by the preview options."""
        return self._issues.frame(newsletter, number, look)

    def search(self, newsletter: str, number: int, words: str) -> tuple[LeftOutArticle, ...]:
        """Older articles that contain every word and are not in the issue."""
        return self._issues.search(newsletter, number, words)

    def people(self, newsletter: str, words: str) -> tuple[Person, ...]:
        """Some subscribers whose name or address begins with these words."""
        return self._issues.people(newsletter, words)

    def shared(self, token: str) -> str | None:
        """The mail that a share link shows, without anything personal."""
        parts, now = self._parts, self._parts.clock()
        issue = shared(token, keys=parts.secret_keys, database=parts.database, now=now)
        if issue is None or issue.newsletter not in parts.settings.newsletters:
            return None
        composer = parts.composer(parts.newsletter(issue.newsletter))
        rendered = compose.rendered(composer, issue, now=now)
        return compose.public_html(composer, replace(issue, rendered=rendered))


class HealthViews:
    """For monitoring."""

    def __init__(self, parts: Container) -> None:
        self._parts = parts

    def health(self) -> Mapping[str, object]:
        """`ok` is true if mail could be sent now; the other entries say what was checked."""
        try:
            with self._parts.database.read() as connection:
                for newsletter in self._parts.newsletters:
                    issues.latest(connection, newsletter.name)
        except DigestError as error:
            return {"ok": False, "database": str(error)}
        return {"ok": True, "database": "ok"}

    def metrics(self) -> str:
        """The metrics in Prometheus' text format (version 0.0.4)."""
        parts = self._parts
        lines = [
            "# HELP digest_deliveries Deliveries of the newest issue by state.",
            "# TYPE digest_deliveries gauge",
        ]
        sources = [
            "# HELP digest_source_ok Whether the last read of a source worked.",
            "# TYPE digest_source_ok gauge",
        ]
        for newsletter in parts.newsletters:
            standing = status(newsletter, database=parts.database, now=parts.clock(), limit=1)
            for issue, counts in standing.issues:
                states = (
                    "pending",
                    "deferred",
                    "in_flight",
                    "accepted",
                    "refused",
                    "uncertain",
                    "suppressed",
                    "delivered",
                    "bounced",
                    "complained",
                )
                lines += [
                    f'digest_deliveries{{newsletter="{newsletter.name}",issue="{issue.number}",'
                    f'state="{state}"}} {getattr(counts, state)}'
                    for state in states
                ]
            sources += [
                f'digest_source_ok{{newsletter="{newsletter.name}",source="{_label(s.name)}"}} {int(s.ok)}'
                for s in standing.sources
            ]
        return "\n".join([*lines, *sources]) + "\n"


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", " ")


__all__ = ["DeskViews", "HealthViews", "PublicViews"]
