"""Mark an article by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from digest.model.activity import ActivityKind, Actor
from digest.model.article import Article, Mark
from digest.model.newsletter import Newsletter
from digest.storage import activity_log, articles
from digest.storage.database import Connection, Database
from digest.workflows.drafting.article_status import known_by, unknown


def feature(
    url: str, *, newsletters: Iterable[Newsletter], database: Database, by: Actor, now: datetime
) -> list[Article]:
    """Put an article into the next issue, even if it is old or was sent before."""
    return mark(url, Mark.FEATURED, newsletters=newsletters, database=database, by=by, now=now)


def unfeature(
    url: str, *, newsletters: Iterable[Newsletter], database: Database, by: Actor, now: datetime
) -> list[Article]:
    """Take the mark back; also one that the source gave."""
    return mark(url, Mark.UNFEATURED, newsletters=newsletters, database=database, by=by, now=now)


def exclude(
    url: str,
    *,
    newsletters: Iterable[Newsletter],
    database: Database,
    by: Actor,
    why: str = "",
    now: datetime,
) -> list[Article]:
    """Keep an article out of every issue to come, until it is featured."""
    return mark(url, Mark.EXCLUDED, newsletters=newsletters, database=database, by=by, why=why, now=now)


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
    """Mark the article in each of these newsletters that knows it.

    `Mark.NONE` takes back whatever was marked by hand, all of it: what the source says counts again.

    Raises:
        NotFound: no newsletter knows it.
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
