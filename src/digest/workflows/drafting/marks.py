"""Marks articles by hand: feature, unfeature, exclude."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from digest.model.activity import ActivityKind, Actor
from digest.model.article import Article, Mark
from digest.model.newsletter import Newsletter
from digest.storage import activity_log, articles
from digest.storage.database import Connection, Database
from digest.workflows.drafting.article_status import known_by, unknown


def mark(
    url: str,
    how: Mark,
    *,
    newsletters: Iterable[Newsletter],
    database: Database,
    by: Actor,
    why: str = "",
    now: datetime,
) -> list[Article]:
    """Mark the article in each of these newsletters that has it.

    `Mark.NONE` removes every mark made by hand, so the source's own mark counts again.

    Raises:
        NotFound: no newsletter has it.
    """
    marked: list[Article] = []
    with database.write() as connection:
        for newsletter in newsletters:
            for article in known_by(connection, newsletter, url):
                _write(connection, article, how, why=why, now=now)
                what = f"{how.value}: {article.title}" + (f" ({why})" if why else "")
                activity_log.record(
                    connection,
                    ActivityKind.MARKED,
                    what,
                    by=by,
                    at=now,
                    newsletter=newsletter.name,
                    subject=article.url,
                )
                marked.append(article)
    return marked or unknown(url)


def _write(connection: Connection, article: Article, how: Mark, *, why: str, now: datetime) -> None:
    match how:
        case Mark.FEATURED:
            articles.feature(connection, article.id, at=now)
        case Mark.UNFEATURED:
            articles.unfeature(connection, article.id, at=now)
        case Mark.EXCLUDED:
            articles.exclude(connection, article.id, at=now, why=why)
        case Mark.NONE:
            articles.unmark(connection, article.id)
