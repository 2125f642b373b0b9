"""Rendered issues and their check reports, made once for the home page and the issue's page."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from digest.model.issue import Issue
from digest.model.newsletter import Newsletter
from digest.storage import issues
from digest.storage.database import Connection
from digest.views.cache import Kind, ViewCache
from digest.views.freshness import Freshness
from digest.wiring import Container
from digest.workflows.composing import compose
from digest.workflows.composing.preflight import Report, checked

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Printable:
    """An issue as it was read, with everything else that its pre-flight check depends on."""

    newsletter: Newsletter
    issue: Issue
    fresh: Freshness
    confirmed: int  # how many subscribers would get it
    earlier_subjects: tuple[str, ...]

    @property
    def now(self) -> datetime:
        return self.fresh.now

    @property
    def version(self) -> Hashable:
        """Changes whenever the issue may render or check differently."""
        issue = self.issue
        outside = self.fresh.preflight(self.newsletter)
        return (issue.revision, issue.state, issue.content_hash, self.confirmed, outside)


class IssueReports:
    """Rendering and checking takes about 50 ms, so the result is cached."""

    def __init__(self, parts: Container, cache: ViewCache) -> None:
        self._parts = parts
        self._cache = cache

    def printable(
        self,
        connection: Connection,
        newsletter: Newsletter,
        issue: Issue,
        *,
        fresh: Freshness,
        confirmed: int,
    ) -> Printable:
        """What `report` needs, so that the report can be made after the connection is closed."""
        earlier = self._cache.of(
            Kind.EARLIER,
            issue.id,
            fresh.marks.activity,
            lambda: issues.earlier_subjects(connection, issue.newsletter, before=issue.number),
        )
        return Printable(
            newsletter=newsletter, issue=issue, fresh=fresh, confirmed=confirmed, earlier_subjects=earlier
        )

    def report(self, of: Printable) -> Report:
        """The issue with its rendering, its pre-flight check and its message.

        Raises:
            TemplateError: a template does not load or render.
        """
        return self._cache.of(Kind.REPORT, of.issue.id, of.version, lambda: self._report(of))

    def insights(self, of: Printable, make: Callable[[], T]) -> T:
        """Insights that follow from a report, cached together with it."""
        return self._cache.of(Kind.INSIGHTS, of.issue.id, of.version, make)

    def _report(self, of: Printable) -> Report:
        composer = self._parts.composer(of.newsletter)
        rendered = compose.rendered(composer, of.issue, now=of.now)
        return checked(
            replace(of.issue, rendered=rendered),
            composer=composer,
            earlier_subjects=of.earlier_subjects,
            audience_count=of.confirmed,
            now=of.now,
        )
