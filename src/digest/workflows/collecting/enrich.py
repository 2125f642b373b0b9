"""Fetches an article's own page, once, for what its source did not say.

Only pages on the site itself are fetched (on the source's host, or the host of
`[site] url`), only for articles that may still go into an issue, and never for
a source that reads local files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from zoneinfo import ZoneInfo

from digest.errors import DigestError
from digest.model.article import Article, FoundArticle
from digest.model.newsletter import Newsletter, Site, SourceSpec
from digest.rules.date_only import on_its_day
from digest.rules.url_keys import url_key
from digest.storage import articles, issues
from digest.storage.database import Database
from digest.workflows import ReportProgress, no_progress

# Fetches the page and returns the article with its gaps filled; raises DigestError.
AskPage = Callable[[FoundArticle, SourceSpec], FoundArticle]

_AT_MOST = 60  # pages per run; the rest follow in the next
_AT_THE_SAME_TIME = 4


def enrich(
    newsletter: Newsletter,
    *,
    site: Site,
    database: Database,
    ask: AskPage,
    now: datetime,
    progress: ReportProgress = no_progress,
) -> int:
    """Fill the gaps of articles that may go into the next issue; returns how many pages were fetched."""
    sources = {spec.key: spec for spec in newsletter.sources}
    with database.read() as connection:
        last = issues.latest(connection, newsletter.name)
        reach = last.selected_at if last else now - newsletter.policy.first_issue
        waiting = articles.to_complete(
            connection, newsletter.name, since=min(reach, now - newsletter.policy.max_age), limit=_AT_MOST * 5
        )
    wanted = [a for a in waiting if not (a.is_backlog and a.dated < reach) and _has_gaps(a)]
    askable = [a for a in wanted if _may_be_asked(a, sources, site)][:_AT_MOST]
    if not askable:
        return 0
    zone = ZoneInfo(newsletter.timezone)
    with ThreadPoolExecutor(max_workers=_AT_THE_SAME_TIME) as pool:
        answers = pool.map(lambda a: _ask(a, sources[a.source], ask), askable)
        for done, (article, answer) in enumerate(zip(askable, answers, strict=True), start=1):
            with database.write() as connection:
                if answer is None:
                    articles.mark_completed(connection, article.id, at=now)
                else:
                    articles.complete(connection, article.id, on_its_day(answer, zone), at=now)
            progress(done, len(askable), article.title)
    return len(askable)


def _has_gaps(article: Article) -> bool:
    return article.title_is_made or not (
        article.published and article.teaser and article.author and article.image
    )


def _may_be_asked(article: Article, sources: Mapping[str, SourceSpec], site: Site) -> bool:
    spec = sources.get(article.source)
    if spec is None or not spec.url:
        return False
    own = url_key(article.url)
    if not own.path or own.address == url_key(spec.url).address:
        return False
    return own.host in {url_key(spec.url).host, url_key(site.url).host}


def _ask(article: Article, spec: SourceSpec, ask: AskPage) -> FoundArticle | None:
    found = FoundArticle(
        url=article.url,
        title=article.title,
        teaser=article.teaser,
        author=article.author,
        published=article.published,
        image=article.image,
        tags=article.tags,
        language=article.language,
        minutes=article.minutes,
        featured=article.is_featured_at_source,
        title_is_made=article.title_is_made,
    )
    try:
        return ask(found, spec)
    except DigestError:
        return None  # the article is fine as it is; its page is not fetched again
    except Exception:  # noqa: BLE001 - one odd page must not stop collecting
        return None
