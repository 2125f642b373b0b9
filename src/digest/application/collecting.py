"""Collecting: fetch articles from the sources into the article store."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digest.application.binding import Bound, Senders
from digest.errors import Busy, NotFound
from digest.model.activity import Actor
from digest.model.article import Reading, Validators
from digest.model.newsletter import Newsletter, SourceSpec
from digest.wiring import Container
from digest.workflows import ReportProgress, no_progress

if TYPE_CHECKING:
    from digest.sources.entries import Entry
    from digest.workflows.collecting.collect import Collected
    from digest.workflows.collecting.inspect_source import SourceInspection
    from digest.workflows.collecting.push import Pushed
    from digest.workflows.people.subscribers import Imported

_MOST_INSPECTIONS = 4  # at once; an abandoned one keeps reading until it is done


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectReport:
    """The result of collecting one newsletter."""

    newsletter: Newsletter
    sources: tuple[Collected, ...]
    pages_asked: int  # articles' own pages fetched for details their source lacks
    files: tuple[Imported, ...]

    @property
    def new(self) -> int:
        """The number of articles that were not known before."""
        return sum(source.new for source in self.sources)

    @property
    def worked(self) -> bool:
        """Whether any source could be read."""
        return any(source.ok for source in self.sources)


class Collecting(Bound):
    def __init__(self, container: Container, *, senders: Senders | None = None) -> None:
        super().__init__(container, senders=senders)
        self._inspections = threading.BoundedSemaphore(_MOST_INSPECTIONS)

    def collect(
        self, newsletter: str | None, *, by: Actor, progress: ReportProgress = no_progress
    ) -> CollectReport:
        """Read the sources, fill gaps from the articles' own pages, import changed subscriber files.

        Raises:
            NotFound: there is no such newsletter.
        """
        from digest.workflows.collecting.collect import collect
        from digest.workflows.collecting.enrich import enrich
        from digest.workflows.people.subscribers import read_files

        container, now = self._container, self._now
        of = container.newsletter(newsletter)
        sources = collect(
            of, database=self._database, read=container.read_source, by=by, now=now, progress=progress
        )
        asked = enrich(
            of,
            site=container.settings.site,
            database=self._database,
            ask=container.ask_page,
            now=now,
            progress=progress,
        )
        files = read_files(of, database=self._database, by=by, now=now, progress=progress)
        return CollectReport(newsletter=of, sources=tuple(sources), pages_asked=asked, files=tuple(files))

    def inspect_source(self, newsletter: str, slug: str) -> SourceInspection:
        """Read a source now, named by its slug at the desk, without storing anything.

        Raises:
            NotFound: there is no such newsletter or source.
            Busy: several sources are being inspected already.
        """
        from digest.views.home import source_slug
        from digest.workflows.collecting.inspect_source import inspect

        of = self._container.newsletter(newsletter)
        spec = next((one for one in of.sources if source_slug(of, one) == slug), None)
        if spec is None:
            raise NotFound(f"{of.title} has no source “{slug}”.", mend="See the list on the home page.")
        if not self._inspections.acquire(blocking=False):
            raise Busy("Several sources are being inspected right now.", mend="Try again in half a minute.")

        def read(spec: SourceSpec, validators: Validators) -> Reading:
            try:
                return self._container.read_source(spec, validators)
            finally:
                self._inspections.release()

        return inspect(spec, newsletter=of, database=self._database, read=read, now=self._now)

    def push(self, entry: Entry, newsletter: str, *, featured: bool, by: Actor) -> Pushed:
        """Store an article sent by a program, as if it had appeared in a feed.

        Raises:
            NotFound: there is no such newsletter.
            NotAllowed: it is not an article.
        """
        from digest.workflows.collecting.push import push

        return push(
            entry,
            newsletter=self._container.newsletter(newsletter),
            featured=featured,
            database=self._database,
            by=by,
            now=self._now,
        )
