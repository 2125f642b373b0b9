"""Articles that could be added to an issue: left out, taken out, and older ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from digest.model.article import Article, ArticleId
from digest.model.issue import Issue
from digest.storage import articles, issues
from digest.storage.database import Connection, Database

_FOUND_AT_MOST = 50
_MOST_WORDS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Addable:
    """An article that is not in the issue, and why."""

    article: Article
    reason: str
    was_taken_out: bool = False  # by an editor, from this issue
    last_issue: int | None = None  # "already in issue 38"


def left_out(issue: Issue, *, database: Database) -> list[Addable]:
    """Articles taken out by an editor, then those left out when the issue was drafted, with reasons."""
    with database.read() as connection:
        current = issues.by_id(connection, issue.id)
        stayed = issues.left_out(connection, issue.id)
        return first_left_out(connection, current, stayed, limit=None)[0]


def first_left_out(
    connection: Connection, issue: Issue, stayed: Sequence[tuple[int, str]], *, limit: int | None
) -> tuple[list[Addable], int]:
    """The first of `left_out`, and how many there are in all; `stayed` was left out of the draft."""
    reasons = reasons_of(issue, stayed)
    shown = dict(list(reasons.items())[:limit])
    known = {article.id: article for article in articles.by_ids(connection, shown)}
    taken = {out.teaser.article_id for out in issue.taken_out}
    found = [
        Addable(
            article=known[number],
            reason=reason or "taken out of this issue by an editor",
            was_taken_out=number in taken,
            last_issue=known[number].last_issue,
        )
        for number, reason in shown.items()
        if number in known
    ]
    return found, len(reasons) - len(shown) + len(found)


def reasons_of(issue: Issue, stayed: Sequence[tuple[int, str]]) -> Mapping[ArticleId, str]:
    """Why each article is not in the issue; what an editor took out last comes first."""
    here = {teaser.article_id for teaser in issue.layout.teasers}
    taken = {out.teaser.article_id: out.reason for out in issue.taken_out}
    others = {ArticleId(number): reason for number, reason in stayed if number not in here | taken.keys()}
    return {number: taken[number] for number in reversed(taken)} | others


def search_older(issue: Issue, words: str, *, database: Database) -> list[Addable]:
    """Articles that contain every word and are not in the issue, newest first, at most fifty."""
    wanted = words.split()[:_MOST_WORDS]
    if not wanted:
        return []
    with database.read() as connection:
        current = issues.by_id(connection, issue.id)
        here = {teaser.article_id for teaser in current.layout.teasers}
        found = articles.search(connection, issue.newsletter, wanted, limit=_FOUND_AT_MOST + len(here))
    return [
        Addable(
            article=article,
            reason=f"already in issue {article.last_issue}" if article.last_issue else "not in any issue yet",
            last_issue=article.last_issue,
        )
        for article in found
        if article.id not in here
    ][:_FOUND_AT_MOST]
