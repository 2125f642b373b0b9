"""Reads one source now and reports what it contains, without storing anything.

For finding out why a source yields no articles.  The source is read in full,
even if it says "unchanged", and articles are recognised as collecting would.
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
    """An article that the source contains now."""

    found: FoundArticle  # its date in the newsletter's zone
    known: Article | None = None  # as it is stored
    is_repeated: bool = False  # the same as an earlier one in this list

    @property
    def is_new(self) -> bool:
        return self.known is None and not self.is_repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInspection:
    """The result of inspecting one source."""

    source: SourceSpec
    at: datetime
    seconds: float
    seen: tuple[SourceEntry, ...] = ()  # in the order of the source
    warnings: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()  # one sentence for each entry that could not become an article
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
    """Read the source and compare it with the stored articles; answers within `patience` seconds."""
    begun = time.monotonic()
    answer = _in_time(spec, read, patience=patience)
    inspected = SourceInspection(source=spec, at=now, seconds=time.monotonic() - begun)
    if isinstance(answer, DigestError):
        return replace(inspected, error=answer)
    return replace(
        inspected,
        seen=_entry(newsletter, spec, answer.articles, database=database),
        warnings=answer.warnings,
        skipped=answer.skipped,
    )


def _in_time(spec: SourceSpec, read: ReadSource, *, patience: float) -> Reading | DigestError:
    """A source may follow several pages, each with its own timeout, so the whole read has one too.

    A read that takes too long ends by itself later, and its result is dropped.
    """
    answers: list[Reading | DigestError] = []
    reader = threading.Thread(
        target=lambda: answers.append(read_one(spec, Validators(), read)),
        name=f"inspect {spec.name}",
        daemon=True,
    )
    reader.start()
    reader.join(timeout=patience)
    if answers:
        return answers[0]
    return SourceError(
        f"Reading it took longer than {patience:.0f} seconds.",
        mend="Try again later, or collect it: collecting has no such limit.",
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
