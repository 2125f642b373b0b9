"""Queries: the read models, bound to the parts of this process.  Nothing here writes."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from digest.application.binding import Bound
from digest.model.article import Article
from digest.model.delivery import Counts
from digest.model.issue import Issue
from digest.model.newsletter import Newsletter
from digest.model.subscriber import Subscription

if TYPE_CHECKING:
    from digest.message.parse import ParsedMessage
    from digest.model.activity import ActivityFilter
    from digest.model.edit import Revision
    from digest.views.activity import ActivityPage
    from digest.views.desk import DeskViews
    from digest.views.health import HealthViews
    from digest.views.left_out import Addable
    from digest.views.public import PublicViews
    from digest.views.status import NewsletterStatus
    from digest.workflows.drafting.article_status import ArticleStatus
    from digest.workflows.drafting.draft import Plan


class Queries(Bound):
    @cached_property
    def desk(self) -> DeskViews:
        """What editors see."""
        from digest.views.desk import DeskViews

        return DeskViews(self._container)

    @cached_property
    def public(self) -> PublicViews:
        """What subscribers and visitors see."""
        from digest.views.public import PublicViews

        return PublicViews(self._container)

    @cached_property
    def health(self) -> HealthViews:
        """What monitoring asks for: health and metrics."""
        from digest.views.health import HealthViews

        return HealthViews(self._container)

    def status(self, newsletter: str | None = None) -> list[NewsletterStatus]:
        """The status of all newsletters, or of one.

        Raises:
            NotFound: there is no such newsletter.
        """
        from digest.views.status import status

        chosen = (self.newsletter(newsletter),) if newsletter else self.newsletters
        return [status(one, database=self._database, now=self._now) for one in chosen]

    def plan(self, newsletter: str | None, *, everything: bool = False) -> tuple[Newsletter, Plan]:
        """What the next issue would contain, and why; `everything` adds articles settled long ago."""
        from digest.workflows.drafting.draft import plan

        of = self.newsletter(newsletter)
        return of, plan(of, database=self._database, now=self._now, everything=everything)

    def why(self, url: str) -> list[ArticleStatus]:
        """An article's status in each newsletter that has it, and why.

        Raises:
            NotFound: no newsletter has it.
        """
        from digest.workflows.drafting.article_status import why

        return why(url, newsletters=self.newsletters, database=self._database, now=self._now)

    def article_status(self, article: Article) -> ArticleStatus:
        """The status of an article that is already loaded, and why."""
        from digest.workflows.drafting.article_status import status_of

        of = self.newsletter(article.newsletter)
        return status_of(article, newsletter=of, database=self._database, now=self._now)

    def open_issue_with(self, article: Article) -> str:
        """The open issue that contains this article, as weekly/3; empty if there is none."""
        from digest.workflows.drafting.article_status import in_open_issue

        return in_open_issue(article, newsletter=article.newsletter, database=self._database)

    def open_issue(self, newsletter: str | None) -> Issue | None:
        """The newsletter's open issue, if there is one."""
        from digest.storage import issues

        of = self.newsletter(newsletter)
        with self._database.read() as connection:
            return issues.open_one(connection, of.name)

    def counts(self, issue: Issue) -> Counts:
        """An issue's deliveries so far, counted by state."""
        from digest.storage import ledger

        with self._database.read() as connection:
            return ledger.counts(connection, issue.id, now=self._now)

    def raw_message(self, ref: str) -> tuple[Issue, bytes]:
        """The raw message of an issue, as a sample recipient gets it.

        Raises:
            NotFound: there is no such issue.
            TemplateError: a template does not load or render.
        """
        from digest.workflows.composing import compose

        of, issue = self.find(ref)
        return issue, compose.message(self._composer(of), issue, now=self._now)

    def message(self, ref: str) -> tuple[Issue, ParsedMessage]:
        """The same message, parsed."""
        from digest.message.parse import parse

        issue, raw = self.raw_message(ref)
        return issue, parse(raw)

    def revisions(self, ref: str) -> list[Revision]:
        """Every revision since the draft was made, oldest first."""
        from digest.views.history import history

        return history(self.find(ref)[1], database=self._database)

    def left_out(self, ref: str) -> list[Addable]:
        """Articles that are not in the issue, and why; those an editor removed come first."""
        from digest.views.left_out import left_out

        return left_out(self.find(ref)[1], database=self._database)

    def search_older(self, ref: str, words: str) -> list[Addable]:
        """Older articles outside the issue that contain every word; newest first, at most fifty."""
        from digest.views.left_out import search_older

        return search_older(self.find(ref)[1], words, database=self._database)

    def activity(self, which: ActivityFilter, *, before: int | None = None, limit: int = 50) -> ActivityPage:
        """Who did what, when and where; newest first, only entries older than `before`."""
        from digest.views.activity import activity

        return activity(which, database=self._database, before=before, limit=limit)

    def account_log(self, *, limit: int) -> ActivityPage:
        """Logins, and changes to accounts and tokens; newest first."""
        from digest.model.activity import ActivityFilter

        return self.activity(ActivityFilter(of_editors=True), limit=limit)

    def subscribers(
        self, newsletter: str | None, *, limit: int | None = None
    ) -> tuple[Newsletter, dict[str, int], list[Subscription]]:
        """Subscribers counted by state, and the first `limit` of them by address; None is no limit."""
        from itertools import islice

        from digest.storage import subscribers

        of = self.newsletter(newsletter)
        with self._database.read() as connection:
            counts = subscribers.count(connection, of.name)
            return of, counts, list(islice(subscribers.all_of(connection, of.name), limit))
