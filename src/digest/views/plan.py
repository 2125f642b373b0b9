"""Builds the plan page: the same data as `digest plan`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from digest.model.article import PUSHED, PUSHED_NAME, Article, ArticleId
from digest.model.issue import Choice
from digest.model.newsletter import Newsletter
from digest.rules.marks import mark_of
from digest.rules.slots import next_slot
from digest.storage import articles
from digest.views import formatting
from digest.views.cache import Kind, ViewCache
from digest.views.freshness import Freshness, freshness
from digest.wiring import Container
from digest.workflows.drafting.article_status import status_in
from digest.workflows.drafting.draft import Plan, plan


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedArticle:
    """An article that the next issue would contain or leave out, and why."""

    id: int
    title: str
    url: str
    reason: str  # a sentence
    source: str = ""
    section: str = ""
    published: datetime | None = None  # in the newsletter's zone
    is_featured: bool = False
    mark: str = "unmarked"  # the mark set by an editor: a value of `model.article.Mark`
    why: str = ""  # the reason it was excluded for


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPlan:
    """What the next issue would contain now; nothing of it is stored."""

    newsletter: str
    title: str
    number: int
    timezone: str
    due: datetime | None = None
    since: datetime | None = None  # when articles were last selected, in the newsletter's zone
    chosen: tuple[PlannedArticle, ...] = ()
    left_out: tuple[PlannedArticle, ...] = ()
    earlier: Mapping[str, int] = field(default_factory=dict)  # older articles, counted by reason
    held: str = ""  # why a person would have to review it first
    nothing: str = ""  # why there is nothing to send
    warnings: tuple[str, ...] = ()
    begun: int | None = None  # number of the unfinished issue; the plan is for the next one
    marked: PlannedArticle | None = None  # the article requested by its id


class PlanViews:
    """The plan of a newsletter: in full for its page, in short for home."""

    def __init__(self, parts: Container, *, cache: ViewCache) -> None:
        self._parts = parts
        self._cache = cache

    def plan(self, name: str, *, marked: int) -> DeskPlan | None:
        if name not in self._parts.settings.newsletters:
            return None
        newsletter = self._parts.newsletter(name)
        with self._parts.database.read() as connection:
            fresh = freshness(connection, self._parts, now=self._parts.clock())
        planned = self.planned(newsletter, fresh)
        version = (fresh.plan, fresh.printing(newsletter))
        shown = self._cache.of(Kind.PLAN_PAGE, name, version, lambda: _shown(newsletter, planned))
        return replace(shown, marked=self._marked(newsletter, planned, marked)) if marked else shown

    def planned(self, newsletter: Newsletter, fresh: Freshness) -> Plan:
        """The plan as in `digest plan`; made again when something may have changed it, and every hour."""
        return self._cache.of(
            Kind.PLAN,
            newsletter.name,
            (fresh.plan, fresh.printing(newsletter)),
            lambda: plan(newsletter, database=self._parts.database, now=fresh.now),
        )

    def _marked(self, newsletter: Newsletter, planned: Plan, number: int) -> PlannedArticle | None:
        with self._parts.database.read() as connection:
            found = articles.by_ids(connection, [ArticleId(number)])
        mine = [article for article in found if article.newsletter == newsletter.name]
        if not mine:
            return None
        stands = status_in(planned, mine[0], newsletter=newsletter)
        return _planned(newsletter, mine[0], stands.sentence)


def _shown(newsletter: Newsletter, planned: Plan) -> DeskPlan:
    selection, zone = planned.selection, ZoneInfo(newsletter.timezone)
    slot = next_slot(newsletter, after=planned.now)
    return DeskPlan(
        newsletter=newsletter.name,
        title=newsletter.title,
        number=planned.number,
        timezone=newsletter.timezone,
        due=slot.due if slot else None,
        since=selection.since.astimezone(zone) if selection.since else None,
        chosen=tuple(_chosen(newsletter, choice) for choice in selection.chosen),
        left_out=tuple(_chosen(newsletter, choice) for choice in selection.left_out),
        earlier=selection.earlier,
        held=formatting.sentence(selection.held),
        nothing=formatting.sentence(selection.nothing),
        warnings=planned.warnings,
        begun=planned.open.number if planned.open else None,
    )


def _chosen(newsletter: Newsletter, choice: Choice) -> PlannedArticle:
    return _planned(newsletter, choice.article, choice.reason, is_featured=choice.is_featured)


def _planned(
    newsletter: Newsletter, article: Article, reason: str, *, is_featured: bool = False
) -> PlannedArticle:
    spec = next((one for one in newsletter.sources if one.key == article.source), None)
    names = {PUSHED: PUSHED_NAME}
    return PlannedArticle(
        id=article.id,
        title=article.title,
        url=article.url,
        reason=formatting.sentence(reason),
        source=spec.name if spec else names.get(article.source, article.source),
        section=spec.section if spec else "",
        published=article.published.astimezone(ZoneInfo(newsletter.timezone)) if article.published else None,
        is_featured=is_featured,
        mark=mark_of(article).value,
        why=article.excluded_why,
    )
