"""Plans the next issue and freezes the plan as a draft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from digest.errors import NotAllowed
from digest.model.activity import ActivityKind, Actor
from digest.model.issue import Issue, Layout, LeftOut, Selection
from digest.model.newsletter import Newsletter
from digest.rules.layout import lay_out
from digest.rules.pictures import ImageRequest, Picture, notes_of, with_pictures
from digest.rules.selection import select
from digest.storage import activity_log, articles, issues
from digest.storage.database import Connection, Database
from digest.workflows.composing import compose
from digest.workflows.composing.compose import Composer
from digest.workflows.composing.images import ChooseImages

# Reasons shown for articles that are only counted.
_EARLIER = {
    LeftOut.ALREADY: "already in an issue",
    LeftOut.BACKLOG: LeftOut.BACKLOG.value,
    LeftOut.BACKLOG_KEPT: LeftOut.BACKLOG_KEPT.value,
    LeftOut.TOO_OLD: LeftOut.TOO_OLD.value,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the next issue would contain.  `open` is the unfinished issue, if there is one."""

    number: int
    now: datetime
    selection: Selection
    open: Issue | None = None
    warnings: tuple[str, ...] = ()
    after: int | None = None  # number of the last issue that was not cancelled or skipped


def plan(newsletter: Newsletter, *, database: Database, now: datetime, everything: bool = False) -> Plan:
    """Select articles without changing anything; `everything` also considers articles settled long ago."""
    with database.read() as connection:
        return _plan(connection, newsletter, now=now, everything=everything)


def draft(
    newsletter: Newsletter,
    *,
    database: Database,
    by: Actor,
    now: datetime,
    composer: Composer | None = None,
    choose_images: ChooseImages | None = None,
    slot_key: str = "",
) -> Issue | Selection:
    """Freeze the plan as a draft issue and reserve its articles; returns the selection if it is empty.

    With a composer the issue is rendered once, so that a broken template makes no
    draft.  `choose_images` decides on the images; without it they are linked as they are.

    Raises:
        TemplateError: a template, or the subject template, does not load or render.
        NotAllowed: this newsletter already has an open issue.
    """
    pictures = _pictures(newsletter, database=database, now=now, choose_images=choose_images)
    with database.write() as connection:
        planned = _plan(connection, newsletter, now=now)
        if planned.open is not None:
            raise NotAllowed(
                f"Issue {planned.open.ref} is {planned.open.state.said} and not finished.",
                mend=f"Send it, or run `digest cancel {planned.open.ref}`.",
            )
        if planned.selection.nothing:
            return planned.selection
        layout = with_pictures(_layout(newsletter, planned.selection), pictures)
        made = issues.add_draft(
            connection,
            newsletter.name,
            layout=layout,
            selection=planned.selection,
            now=now,
            slot_key=slot_key,
        )
        if composer is not None:
            compose.rendered(composer, made, now=now)
        notes = "".join(f"; {note}" for note in notes_of(layout))
        what = f"drafted with {len(layout.teasers)} articles{notes}"
        activity_log.record_of_issue(connection, made, ActivityKind.DRAFTED, what, by=by, at=now)
        return made


def _pictures(
    newsletter: Newsletter, *, database: Database, now: datetime, choose_images: ChooseImages | None
) -> Mapping[ImageRequest, Picture]:
    """Chosen before the draft's transaction, which must not wait for a server."""
    if choose_images is None:
        return {}
    planned = plan(newsletter, database=database, now=now)
    if planned.open is not None or planned.selection.nothing:
        return {}
    sources = {spec.key: spec for spec in newsletter.sources}
    of_articles = {
        choice.article.id: sources[choice.article.source]
        for choice in planned.selection.chosen
        if choice.article.source in sources
    }
    return choose_images(_layout(newsletter, planned.selection), of_articles)


def _layout(newsletter: Newsletter, selection: Selection) -> Layout:
    return lay_out(
        selection.chosen,
        policy=newsletter.policy,
        sources={spec.key: spec for spec in newsletter.sources},
        language=newsletter.language,
    )


def _plan(connection: Connection, newsletter: Newsletter, *, now: datetime, everything: bool = False) -> Plan:
    begun = issues.open_one(connection, newsletter.name)
    after, since = issues.last_selection(connection, newsletter.name) or (None, None)
    if everything:
        found, earlier = articles.all_of(connection, newsletter.name), dict[LeftOut, int]()
    else:
        found, earlier = articles.candidates(
            connection,
            newsletter.name,
            reach=since or now - newsletter.policy.first_issue,
            oldest=now - newsletter.policy.max_age,
            since=since,
        )
    selection = select(
        found,
        policy=newsletter.policy,
        sources={spec.key: spec for spec in newsletter.sources},
        now=now,
        since=since,
        lists_all=everything,
    )
    warnings = _warnings(connection, newsletter, begun)
    if since is None and not selection.chosen and (newest := articles.newest(connection, newsletter.name)):
        warnings.append(
            f"The newest article is from {newest.day} {newest:%B %Y}. The first issue reaches back "
            f"{newsletter.policy.first_issue.days} days: raise first_issue_days, or run `digest feature URL`."
        )
    merged = {_EARLIER[code].format(newsletter.policy.max_age.days): n for code, n in earlier.items()}
    for reason, count in selection.earlier.items():
        merged[reason] = merged.get(reason, 0) + count
    return Plan(
        number=issues.next_number(connection, newsletter.name),
        now=now,
        selection=replace(selection, earlier=merged),
        open=begun,
        warnings=tuple(warnings),
        after=after,
    )


def _warnings(connection: Connection, newsletter: Newsletter, begun: Issue | None) -> list[str]:
    found = []
    if begun is not None:
        found.append(f"Issue {begun.ref} is {begun.state.said}; this plan is for the one after it.")
    health = articles.health_of(connection, newsletter.name)
    for spec in newsletter.sources:
        state = health.get(spec.key)
        if state is None:
            found.append(f"{spec.name} was never collected: run `digest collect {newsletter.name}`.")
        elif not state.ok:
            found.append(f"{spec.name} could not be read: {state.message}")
        elif state.message:
            found.append(f"{spec.name}: {state.message}")
    return found
