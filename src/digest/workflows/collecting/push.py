"""A program pushes an article the moment it is published, instead of waiting for the next collection.

The article is cleaned and recognised as if it came from a feed: pushed first and
seen in the feed later, or the other way round, it is one article.  Whichever
brought it first is its source; what the other says changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from digest.errors import NotAllowed
from digest.model.activity import ActivityKind, Actor
from digest.model.article import PUSHED, PUSHED_NAME, Article, SourceHealth
from digest.model.newsletter import Newsletter
from digest.sources.entries import Entry, article_of
from digest.storage import activity_log, articles
from digest.storage.database import Connection, Database
from digest.workflows.collecting.collect import store_articles
from digest.workflows.drafting import article_status


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """The article after a push, and its status now."""

    article: Article
    is_new: bool
    sentence: str
    is_chosen: bool  # it would go into the next issue as things are


class NoArticle(NotAllowed):
    """The pushed data cannot become an article; the message says why."""


def push(
    entry: Entry,
    *,
    newsletter: Newsletter,
    featured: bool = False,
    database: Database,
    by: Actor,
    now: datetime,
) -> Pushed:
    """Store one article; pushing the same one again changes nothing.

    Raises:
        NoArticle: it has no title or no web address after cleaning.
    """
    found = article_of(entry, language="")
    if isinstance(found, str):
        raise NoArticle(found)
    with database.write() as connection:
        taken = store_articles(
            connection, newsletter, [replace(found, featured=featured)], source_key=PUSHED, now=now
        )
        [number] = taken.ids
        is_new = bool(taken.new)
        _note_health(connection, newsletter.name, is_new=is_new, now=now)
        [article] = articles.by_ids(connection, [number])
        if is_new or taken.changed:
            what = f"{'pushed' if is_new else 'updated by a push'}: {article.title}"
            activity_log.record(
                connection,
                ActivityKind.PUSHED,
                what,
                by=by,
                at=now,
                newsletter=newsletter.name,
                subject=article.url,
            )
    standing = article_status.status_of(article, newsletter=newsletter, database=database, now=now)
    is_chosen = bool(standing.choice and standing.choice.chosen)
    return Pushed(article=article, is_new=is_new, sentence=standing.sentence, is_chosen=is_chosen)


def _note_health(connection: Connection, newsletter: str, *, is_new: bool, now: datetime) -> None:
    """So that an owner can see since when a program has pushed nothing."""
    health: Mapping[str, SourceHealth] = articles.health_of(connection, newsletter)
    before = health.get(PUSHED) or SourceHealth(key=PUSHED, name=PUSHED_NAME, ok=True)
    after = replace(
        before,
        ok=True,
        first_read=before.first_read or now,
        last_fetched=now,
        last_new=now if is_new else before.last_new,
    )
    articles.save_health(connection, newsletter, after)
