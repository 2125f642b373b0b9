"""Mark an article by hand, and tell where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from digest.errors import NotFound
from digest.model.activity import ActivityKind, Actor
from digest.model.article import Article, FoundArticle, KeyKind, Mark
from digest.model.issue import Choice
from digest.model.newsletter import Newsletter
from digest.rules.identity import keys_of
from digest.storage import activity_log, articles, issues
from digest.storage.database import Connection, Database
from digest.workflows.drafting.draft import Plan, plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleStatus:
    """Where one article of one newsletter stands."""

    newsletter: str
    article: Article
    sentence: str
    choice: Choice | None = None


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
            for article in _known(connection, newsletter, url):
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
    return marked or _unknown(url)


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


def why(
    url: str, *, newsletters: Iterable[Newsletter], database: Database, now: datetime
) -> list[ArticleStatus]:
    """Where the article stands in each newsletter that knows it, and why.

    Raises:
        NotFound: no newsletter knows it.
    """
    found = []
    for newsletter in newsletters:
        with database.read() as connection:
            known = _known(connection, newsletter, url)
        if not known:
            continue
        found += _standings(newsletter, known, database=database, now=now, everything=True)
    return found or _unknown(url)


def status_of(
    article: Article, *, newsletter: Newsletter, database: Database, now: datetime
) -> ArticleStatus:
    """Where one known article of this newsletter stands."""
    [found] = _standings(newsletter, [article], database=database, now=now, everything=False)
    return found


def status_in(planned: Plan, article: Article, *, newsletter: Newsletter) -> ArticleStatus:
    """Where an article stands in a plan that is made already."""
    of_plan = (*planned.selection.chosen, *planned.selection.left_out)
    choice = next((one for one in of_plan if one.article.id == article.id), None)
    return _standing(newsletter, article, choice, number=planned.number)


def _standings(
    newsletter: Newsletter, known: Iterable[Article], *, database: Database, now: datetime, everything: bool
) -> list[ArticleStatus]:
    planned = plan(newsletter, database=database, now=now, everything=everything)
    choices = {c.article.id: c for c in (*planned.selection.chosen, *planned.selection.left_out)}
    return [
        _standing(newsletter, article, choices.get(article.id), number=planned.number) for article in known
    ]


def _standing(
    newsletter: Newsletter, article: Article, choice: Choice | None, *, number: int
) -> ArticleStatus:
    if choice is not None and choice.chosen:
        sentence = f"It comes into issue {number}: {choice.reason}."
    elif article.last_issue is not None:
        sentence = f"It was in issue {article.last_issue}; it comes again only if it is featured."
    elif choice is not None:
        sentence = f"It stays out of issue {number}: {choice.reason}."
    elif article.is_backlog:
        sentence = "It stays out: older than the first issue reaches. `digest feature` brings it in."
    else:
        sentence = (
            f"It stays out: older than {newsletter.policy.max_age.days} days. `digest feature` brings it in."
        )
    return ArticleStatus(newsletter=newsletter.name, article=article, sentence=sentence, choice=choice)


def _known(connection: Connection, newsletter: Newsletter, url: str) -> list[Article]:
    keys = keys_of(FoundArticle(url=url, title=""))
    exact = {key for key in keys if key[0] is KeyKind.ADDRESS}
    if exact and (found := articles.by_keys(connection, newsletter.name, exact)):
        return found
    paths = {key for key in keys if key[0] is KeyKind.PATH}
    return articles.by_keys(connection, newsletter.name, paths) if paths else []


def _unknown(url: str) -> NoReturn:
    raise NotFound(
        f"No article with the address {url} is known.",
        mend="Run `digest collect`, and look at `digest plan NEWSLETTER --all` for what is known.",
    )


def in_open_issue(article: Article, *, newsletter: str, database: Database) -> str:
    """The open issue that holds this article, or empty."""
    with database.read() as connection:
        begun = issues.open_one(connection, newsletter)
    if begun is None or article.id not in {t.article_id for t in begun.layout.teasers}:
        return ""
    return begun.ref
