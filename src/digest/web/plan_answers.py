"""The answer to who asks what the next issue would hold now: what `digest plan` says, for a page."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from digest.model.article import Article, ArticleId
from digest.model.issue import Choice
from digest.model.newsletter import Newsletter
from digest.rules.slots import next_slots
from digest.storage import articles
from digest.web import words
from digest.web.ports import DeskPlan, PlannedArticle
from digest.wiring import Parts
from digest.workflows import mark
from digest.workflows.draft import plan
from digest.workflows.push import PUSHED, PUSHED_NAME


class PlanAnswers:
    """Made anew each time: a plan is what is true at this moment."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def plan(self, name: str, *, marked: int) -> DeskPlan | None:
        parts, now = self._parts, self._parts.clock()
        if name not in parts.settings.newsletters:
            return None
        newsletter = parts.newsletter(name)
        planned = plan(newsletter, database=parts.database, now=now)
        selection = planned.selection
        due = next_slots(
            newsletter.schedule, newsletter=name, timezone=newsletter.timezone, after=now, count=1
        )
        return DeskPlan(
            newsletter=name,
            title=newsletter.title,
            number=planned.number,
            timezone=newsletter.timezone,
            due=due[0].due if due else None,
            since=selection.since.astimezone(ZoneInfo(newsletter.timezone)) if selection.since else None,
            chosen=tuple(_chosen(newsletter, choice) for choice in selection.chosen),
            left_out=tuple(_chosen(newsletter, choice) for choice in selection.left_out),
            earlier=selection.earlier,
            held=words.sentence(selection.held),
            nothing=words.sentence(selection.nothing),
            warnings=planned.warnings,
            begun=planned.open.number if planned.open else None,
            marked=self._marked(newsletter, marked) if marked else None,
        )

    def _marked(self, newsletter: Newsletter, number: int) -> PlannedArticle | None:
        parts = self._parts
        with parts.database.read() as connection:
            found = articles.by_ids(connection, [ArticleId(number)])
        mine = [article for article in found if article.newsletter == newsletter.name]
        if not mine:
            return None
        stands = mark.standing(mine[0], newsletter=newsletter, database=parts.database, now=parts.clock())
        return _planned(newsletter, mine[0], stands.sentence)


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
        reason=words.sentence(reason),
        source=spec.name if spec else names.get(article.source, article.source),
        section=spec.section if spec else "",
        published=article.published.astimezone(ZoneInfo(newsletter.timezone)) if article.published else None,
        is_featured=is_featured,
        mark=mark.mark_of(article).value,
        why=article.excluded_why,
    )
