"""Chooses the articles of one issue, and records why each of the others was left out.

Pure: the same articles, policy and time always give the same result.  An article
counts as new by the time it was *first seen*, since publication dates come late, are
wrong or are missing; the publication date only matters for the backlog and for the
age limit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest.model.article import Article
from digest.model.issue import Choice, LeftOut, Selection
from digest.model.newsletter import Policy, SourceSpec

# Left out for one of these, an article seen before the last issue is only counted.
_SETTLED = frozenset({LeftOut.ALREADY, LeftOut.BACKLOG, LeftOut.BACKLOG_KEPT, LeftOut.TOO_OLD})


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionTime:
    """The point in the newsletter's life at which this selection takes place."""

    now: datetime
    since: datetime | None  # when the last issue's articles were selected; None before the first issue
    first_issue: timedelta

    @property
    def reach(self) -> datetime:
        """The date from which an article of the backlog still counts as new."""
        return self.since if self.since is not None else self.now - self.first_issue


def select(
    articles: Iterable[Article],
    *,
    policy: Policy,
    sources: Mapping[str, SourceSpec],
    now: datetime,
    since: datetime | None,
    lists_all: bool = False,
) -> Selection:
    """Choose the articles of the next issue.

    Nothing disappears: every article is chosen, left out with a reason, or counted
    in `earlier` under its reason.  With `lists_all`, all are listed and none is only counted.
    """
    moment = SelectionTime(now=now, since=since, first_issue=policy.first_issue)
    judged = [judge(article, policy=policy, sources=sources, moment=moment) for article in articles]
    wanted = sorted((c for c in judged if c.chosen), key=lambda c: _first_in_line(c, moment))
    chosen, crowded = wanted[: policy.max_articles], wanted[policy.max_articles :]
    out = [c for c in judged if not c.chosen] + [_does_not_fit(c, policy, moment) for c in crowded]

    nothing = _nothing(chosen, policy)
    if nothing:
        out += [_waits(c, policy) for c in chosen]
        chosen = []
    settled = [] if lists_all else [c for c in out if _is_settled(c, moment)]
    open_ = [c for c in out if lists_all or not _is_settled(c, moment)]
    return Selection(
        chosen=tuple(sorted(chosen, key=_printing_order)),
        left_out=tuple(sorted(open_, key=_newest_first)),
        since=since,
        earlier=dict(Counter(c.reason for c in settled)),
        held=_flood([c.article for c in wanted], policy, moment),
        nothing=nothing,
    )


def judge(
    article: Article, *, policy: Policy, sources: Mapping[str, SourceSpec], moment: SelectionTime
) -> Choice:
    """Whether one article qualifies for the issue, before the limit is applied."""
    featured = is_featured(article, sources)
    called_in = featured_since_last_issue(article)
    left_out = _reason_against(article, policy, sources.get(article.source), moment, called_in=called_in)
    if left_out is not None:
        code, detail = left_out
        return Choice(
            article=article, chosen=False, reason=code.value.format(detail), code=code, is_featured=featured
        )
    return Choice(article=article, chosen=True, reason=_reason_for(article, moment), is_featured=featured)


def featured_since_last_issue(article: Article) -> bool:
    """Whether an editor, or a source that changed its mind, featured it and no issue has had it since."""
    at = article.featured_at
    if at is None or _later(article.unfeatured_at, at) or _later(article.excluded_at, at):
        return False
    return article.last_issued_at is None or at > article.last_issued_at


def is_featured(article: Article, sources: Mapping[str, SourceSpec]) -> bool:
    """Whether it is featured by an editor, by its front matter or by its source's setting."""
    if featured_since_last_issue(article):
        return True
    if article.unfeatured_at is not None:
        return False
    source = sources.get(article.source)
    return article.is_featured_at_source or (source is not None and source.featured)


def _reason_against(
    article: Article, policy: Policy, source: SourceSpec | None, moment: SelectionTime, *, called_in: bool
) -> tuple[LeftOut, object] | None:
    if article.last_issue is not None and not called_in:
        return LeftOut.ALREADY, article.last_issue
    if article.excluded_at is not None and not called_in:
        return LeftOut.EXCLUDED, ""
    if article.published is not None and article.published > moment.now and not policy.sends_future_dated:
        return LeftOut.FUTURE, f"{article.published.day} {article.published:%B %Y}"
    if called_in:
        return None
    if refused := _refused_tag(article, policy, source):
        return refused
    if article.is_backlog and article.dated < moment.reach:
        return (LeftOut.BACKLOG if moment.since is None else LeftOut.BACKLOG_KEPT), ""
    if moment.now - article.dated > policy.max_age:
        return LeftOut.TOO_OLD, policy.max_age.days
    return None


def _refused_tag(
    article: Article, policy: Policy, source: SourceSpec | None
) -> tuple[LeftOut, object] | None:
    excluded = policy.exclude_tags | (source.exclude_tags if source else frozenset())
    for tag in article.tags:
        if tag.casefold() in excluded:
            return LeftOut.TAG_NOT_WANTED, tag
    has = {tag.casefold() for tag in article.tags}
    for wanted in (policy.include_tags, source.include_tags if source else frozenset()):
        if wanted and not wanted & has:
            return LeftOut.TAG_MISSING, ""
    return None


def _reason_for(article: Article, moment: SelectionTime) -> str:
    if featured_since_last_issue(article):
        return "featured by an editor" if article.last_issue is None else "featured again by an editor"
    if moment.since is None and article.is_backlog:
        return f"from the last {moment.first_issue.days} days"
    if moment.since is not None and article.first_seen <= moment.since:
        return "waiting since before the last issue"
    return "new since the last issue" if moment.since is not None else "new"


def _first_in_line(choice: Choice, moment: SelectionTime) -> tuple[int, float, int]:
    """Featured by an editor, then otherwise featured, then longest waiting, then newest.

    An article that did not fit comes before new ones, or a busy blog would keep
    postponing it until it is too old.
    """
    article = choice.article
    if featured_since_last_issue(article):
        return 0, -_seconds(article.featured_at or article.dated), article.id
    if choice.is_featured:
        return 1, -_seconds(article.dated), article.id
    if moment.since is not None and article.first_seen <= moment.since:
        return 2, _seconds(article.first_seen), article.id
    return 3, -_seconds(article.dated), article.id


def _printing_order(choice: Choice) -> tuple[int, float, int]:
    article = choice.article
    if featured_since_last_issue(article):
        return 0, -_seconds(article.featured_at or article.dated), article.id
    # Undated articles from one reading keep the order of their page, which their ids follow.
    return (1 if choice.is_featured else 2), -_seconds(article.dated), article.id


def _newest_first(choice: Choice) -> tuple[float, int]:
    return -_seconds(choice.article.dated), choice.article.id


def _does_not_fit(choice: Choice, policy: Policy, moment: SelectionTime) -> Choice:
    is_first = moment.since is None and choice.article.is_backlog
    code = LeftOut.FULL_FIRST if is_first else LeftOut.FULL
    return replace(choice, chosen=False, code=code, reason=code.value.format(policy.max_articles))


def _waits(choice: Choice, policy: Policy) -> Choice:
    code = LeftOut.TOO_FEW
    return replace(choice, chosen=False, code=code, reason=code.value.format(policy.min_articles))


def _nothing(chosen: Sequence[Choice], policy: Policy) -> str:
    if not chosen:
        return "There are no new articles."
    if len(chosen) < policy.min_articles:
        count = "1 new article" if len(chosen) == 1 else f"{len(chosen)} new articles"
        return (
            f"There {'is' if len(chosen) == 1 else 'are'} {count}, and the minimum is {policy.min_articles}."
        )
    return ""


def _is_settled(choice: Choice, moment: SelectionTime) -> bool:
    if choice.code is LeftOut.EXCLUDED:
        return moment.since is not None and choice.article.first_seen <= moment.since
    if choice.code not in _SETTLED:
        return False
    if choice.code is LeftOut.TOO_OLD:
        return moment.since is None or choice.article.first_seen <= moment.since
    return True


def _flood(wanted: Sequence[Article], policy: Policy, moment: SelectionTime) -> str:
    """Why a person must decide, if many old articles appear as new at once; that is a migration.

    Undated articles count too, since nothing shows that they are recent.  Articles of
    the backlog and those featured by an editor do not.
    """
    at_once = Counter(
        (article.source, article.first_seen)
        for article in wanted
        if not article.is_backlog and not featured_since_last_issue(article) and _looks_old(article, moment)
    )
    worst = max(at_once.values(), default=0)
    if worst <= policy.flood_limit:
        return ""
    return (
        f"{worst} articles that look old appeared as new at once (the limit is {policy.flood_limit}); "
        "the site may have moved. Review them, then send with --yes or remove them with `digest exclude`."
    )


def _looks_old(article: Article, moment: SelectionTime) -> bool:
    return article.published is None or article.published < moment.reach


def _later(one: datetime | None, than: datetime) -> bool:
    return one is not None and one > than


def _seconds(moment: datetime) -> float:
    return moment.timestamp()
