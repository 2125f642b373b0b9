"""Look: read one source now and tell what it finds, without keeping anything.

For who wonders why a source brings nothing.  The source is read anew, whatever
it said of "unchanged", and what is found is recognised as collecting would do it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from digest.errors import DigestError, SourceError
from digest.model.article import Article, ArticleId, FoundArticle, Reading, Validators
from digest.model.newsletter import Newsletter, SourceSpec
from digest.rules.date_only import on_its_day
from digest.rules.identity import keys_of, recognise
from digest.storage import articles
from digest.storage.database import Database
from digest.workflows.collecting.collect import ReadSource, read_one

PATIENCE = 25.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEntry:
    """An article that the source shows now."""

    found: FoundArticle  # its date in the newsletter's zone
    known: Article | None = None  # as it is stored
    is_repeated: bool = False  # the same as one before it

    @property
    def is_new(self) -> bool:
        return self.known is None and not self.is_repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInspection:
    """What one look at a source has shown."""

    source: SourceSpec
    at: datetime
    seconds: float
    seen: tuple[SourceEntry, ...] = ()  # in the order of the source
    warnings: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()  # a sentence for every entry that could not become an article
    error: DigestError | None = None  # why it could not be read


def inspect(
    spec: SourceSpec,
    *,
    newsletter: Newsletter,
    database: Database,
    read: ReadSource,
    now: datetime,
    patience: float = PATIENCE,
) -> SourceInspection:
    """Read the source and compare it with what is known; an answer within `patience` seconds."""
    begun = time.monotonic()
    answer = _in_time(spec, read, patience=patience)
    looked = SourceInspection(source=spec, at=now, seconds=time.monotonic() - begun)
    if isinstance(answer, DigestError):
        return replace(looked, error=answer)
    return replace(
        looked,
        seen=_entry(newsletter, spec, answer.articles, database=database),
        warnings=answer.warnings,
        skipped=answer.skipped,
    )


def _in_time(spec: SourceSpec, read: ReadSource, *, patience: float) -> Reading | DigestError:
    """A reader may follow several pages, each with its own limit of time; nobody waits for all of them.

    What takes too long ends by itself: its answer is for nobody.
    """
    answers: list[Reading | DigestError] = []
    reader = threading.Thread(
        target=lambda: answers.append(read_one(spec, Validators(), read)),
        name=f"look at {spec.name}",
        daemon=True,
    )
    reader.start()
    reader.join(timeout=patience)
    if answers:
        return answers[0]
    return SourceError(
        f"It was not read to its end within {patience:.0f} seconds.",
        mend="Try again later; collecting has more time, since nobody waits for it.",
    )


def _entry(
    newsletter: Newsletter, spec: SourceSpec, shown: Sequence[FoundArticle], *, database: Database
) -> tuple[SourceEntry, ...]:
    zone = ZoneInfo(newsletter.timezone)
    found = tuple(on_its_day(article, zone) for article in shown)
    keys = set().union(*(keys_of(one) for one in found)) if found else set()
    with database.read() as connection:
        health = articles.health_of(connection, newsletter.name).get(spec.key)
        before = health.shown if health else frozenset[int]()
        answers = recognise(
            found,
            source=spec.key,
            known=articles.known_by(connection, newsletter.name, keys=keys, also=before),
            shown_before=before,
        )
        ids = {ArticleId(one.article) for one in answers if one.article is not None}
        known = {article.id: article for article in articles.by_ids(connection, ids)}
    return tuple(
        SourceEntry(
            found=replace(one, published=one.published.astimezone(zone)) if one.published else one,
            known=known.get(ArticleId(answer.article)) if answer.article is not None else None,
            is_repeated=answer.same_as is not None,
        )
        for one, answer in zip(found, answers, strict=True)
    )
