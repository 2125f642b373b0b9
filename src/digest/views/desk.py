"""Everything the desk shows, over one cache: home, issues, plans, sources and shared drafts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from digest.views.cache import ViewCache
from digest.views.home import DeskHome, DeskSource, HomeViews
from digest.views.issue import IssueView, IssueViews, LeftOutArticle, Person
from digest.views.issues import IssueList, IssueListViews
from digest.views.plan import DeskPlan, PlanViews
from digest.views.preview import PreviewOptions
from digest.views.reports import IssueReports
from digest.views.shared_draft import shared
from digest.wiring import Container
from digest.workflows.composing import compose

V = TypeVar("V")


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
