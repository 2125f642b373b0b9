"""Reports the status of an article and the reason for it; changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from digest.errors import NotFound
from digest.model.article import Article, FoundArticle, KeyKind
from digest.model.issue import Choice
from digest.model.newsletter import Newsletter
from digest.rules.identity import keys_of
from digest.storage import articles, issues
from digest.storage.database import Connection, Database
from digest.workflows.drafting.draft import Plan, plan


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleStatus:
    """The status of one article in one newsletter."""

    newsletter: str
    article: Article
    sentence: str
    choice: Choice | None = None


def why(
    url: str, *, newsletters: Iterable[Newsletter], database: Database, now: datetime
) -> list[ArticleStatus]:
    """The status of the article in each newsletter that has it, and the reason.

    Raises:
        NotFound: no newsletter has it.
    """
    found = []
    for newsletter in newsletters:
        with database.read() as connection:
            known = known_by(connection, newsletter, url)
        if not known:
            continue
        found += _statuses(newsletter, known, database=database, now=now, everything=True)
    return found or unknown(url)


def status_of(
    article: Article, *, newsletter: Newsletter, database: Database, now: datetime
) -> ArticleStatus:
    """The status of one stored article of this newsletter."""
    [found] = _statuses(newsletter, [article], database=database, now=now, everything=False)
    return found


def status_in(planned: Plan, article: Article, *, newsletter: Newsletter) -> ArticleStatus:
    """The status of an article according to an existing plan."""
    of_plan = (*planned.selection.chosen, *planned.selection.left_out)
    choice = next((one for one in of_plan if one.article.id == article.id), None)
    return _status(newsletter, article, choice, number=planned.number)


def _statuses(
    newsletter: Newsletter, known: Iterable[Article], *, database: Database, now: datetime, everything: bool
) -> list[ArticleStatus]:
    planned = plan(newsletter, database=database, now=now, everything=everything)
    choices = {c.article.id: c for c in (*planned.selection.chosen, *planned.selection.left_out)}
    return [_status(newsletter, article, choices.get(article.id), number=planned.number) for article in known]


def _status(newsletter: Newsletter, article: Article, choice: Choice | None, *, number: int) -> ArticleStatus:
    if choice is not None and choice.chosen:
        sentence = f"It comes into issue {number}: {choice.reason}."
    elif article.last_issue is not None:
        sentence = f"It was in issue {article.last_issue}; it comes again only if it is featured."
    elif choice is not None:
        sentence = f"It stays out of issue {number}: {choice.reason}."
    elif article.is_backlog:
        sentence = "It stays out: too old for the first issue. To include it, use `digest feature`."
    else:
        sentence = (
            f"It stays out: older than {newsletter.policy.max_age.days} days. "
            "To include it, use `digest feature`."
        )
    return ArticleStatus(newsletter=newsletter.name, article=article, sentence=sentence, choice=choice)


def in_open_issue(article: Article, *, newsletter: str, database: Database) -> str:
    """The reference of the open issue that contains this article, or empty."""
    with database.read() as connection:
        begun = issues.open_one(connection, newsletter)
    if begun is None or article.id not in {t.article_id for t in begun.layout.teasers}:
        return ""
    return begun.ref


def known_by(connection: Connection, newsletter: Newsletter, url: str) -> list[Article]:
    """The articles of this newsletter that have this address."""
    keys = keys_of(FoundArticle(url=url, title=""))
    exact = {key for key in keys if key[0] is KeyKind.ADDRESS}
    if exact and (found := articles.by_keys(connection, newsletter.name, exact)):
        return found
    paths = {key for key in keys if key[0] is KeyKind.PATH}
    return articles.by_keys(connection, newsletter.name, paths) if paths else []


def unknown(url: str) -> NoReturn:
    """Raises NotFound."""
    raise NotFound(
        f"No article with the address {url} is known.",
        mend="Run `digest collect`; `digest plan NEWSLETTER --all` lists all known articles.",
    )
