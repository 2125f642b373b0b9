"""Drafting: draft an issue, mark articles, edit the draft, share a preview."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from digest.application.binding import Bound
from digest.model.activity import Actor
from digest.model.article import Article
from digest.model.edit import Edit
from digest.model.issue import Issue, Selection
from digest.model.newsletter import Newsletter

if TYPE_CHECKING:
    from digest.model.article import Mark
    from digest.workflows.drafting.edit import Conflict, Edited, EditedAll, Refusal


class Drafting(Bound):
    def draft(self, newsletter: str, *, by: Actor, slot_key: str = "") -> Issue | Selection:
        """Freeze the plan as a draft; if there is nothing to send, return the selection that says why.

        Raises:
            NotFound: there is no such newsletter.
            NotAllowed: the newsletter already has an open issue.
            TemplateError: a template does not load or render.
        """
        from digest.workflows.drafting.draft import draft

        of = self._container.newsletter(newsletter)
        return draft(
            of,
            database=self._database,
            now=self._now,
            by=by,
            composer=self._composer(of),
            choose_images=self._container.choose_images(of),
            slot_key=slot_key,
        )

    def mark(
        self, url: str, how: Mark, *, by: Actor, why: str = "", newsletter: str | None = None
    ) -> list[Article]:
        """Feature or exclude an article by hand, or remove the mark; in all newsletters, or in one.

        Raises:
            NotFound: no newsletter has this article.
        """
        from digest.workflows.drafting.marks import mark

        return mark(
            url,
            how,
            newsletters=self._chosen(newsletter),
            database=self._database,
            by=by,
            why=why,
            now=self._now,
        )

    def edit(self, ref: str, what: Edit, *, by: Actor, seen: int) -> Edited | Conflict:
        """Apply one edit; `seen` is the revision the editor saw.

        Raises:
            NotFound: there is no such issue, or no such article to add.
            NotAllowed: the issue is sent or being sent, or the edit is not possible.
        """
        from digest.workflows.drafting.edit import edit

        of, issue = self.find(ref)
        return edit(
            issue,
            what,
            newsletter=of,
            by=by,
            seen_revision=seen,
            database=self._database,
            now=self._now,
            choose_images=self._container.choose_images(of),
        )

    def edit_all(self, ref: str, edits: Sequence[Edit], *, by: Actor, seen: int) -> EditedAll | Refusal:
        """Apply all edits or none; raises the same errors as `edit`."""
        from digest.workflows.drafting.edit import edit_all

        of, issue = self.find(ref)
        return edit_all(
            issue,
            edits,
            newsletter=of,
            by=by,
            seen_revision=seen,
            database=self._database,
            now=self._now,
            choose_images=self._container.choose_images(of),
        )

    def undo(self, ref: str, *, by: Actor, seen: int) -> Edited | Conflict:
        """Undo the last edit, whoever made it."""
        from digest.workflows.drafting.edit import undo

        return undo(self.find(ref)[1], by=by, seen_revision=seen, database=self._database, now=self._now)

    def redo(self, ref: str, *, by: Actor, seen: int) -> Edited | Conflict:
        """Redo the edit that was undone last."""
        from digest.workflows.drafting.edit import redo

        return redo(self.find(ref)[1], by=by, seen_revision=seen, database=self._database, now=self._now)

    def share(self, ref: str, *, by: Actor, length: timedelta) -> tuple[str, datetime]:
        """Create a preview link for anyone who has it; returns it with the time it expires.

        Raises:
            NotFound: there is no such issue.
            NotAllowed: it is sent, cancelled or skipped, or `length` is not 1 to 90 days.
        """
        from digest.workflows.drafting.share import share

        return share(
            self.find(ref)[1],
            length=length,
            public_url=self._public_url,
            keys=self._container.secret_keys,
            database=self._database,
            by=by,
            now=self._now,
        )

    def _chosen(self, newsletter: str | None) -> tuple[Newsletter, ...]:
        return (self.newsletter(newsletter),) if newsletter is not None else self.newsletters
