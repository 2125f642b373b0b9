"""Renders the issue page: outline, preview, checks and the open panel.

Every action is a plain form.  A browser with scripts gets the page in the
response and replaces what changed; one without is redirected back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.responses import RedirectResponse, Response

from digest.application import Application, SendProgress
from digest.application.results import Conflict, Proof
from digest.model.edit import Clash, Edit, EditTeaser, ResetTeaser, SetText
from digest.model.editor import Action
from digest.model.issue import IssueState, Layout, SourceValue, Teaser, TeaserField
from digest.rules import accounts, editing
from digest.rules.editing import value_of
from digest.rules.layout import CARD_TEXT, LEAD_TEXT
from digest.views.issue import FindingView, IssueView
from digest.views.outline import outline, written
from digest.web.access import FORM_HEADERS, DeskRequest, desk_context
from digest.web.desk.page import Desk
from digest.web.desk.page_state import PageState

_MOMENT = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormError:
    """What could not be done, and how to fix it."""

    title: str
    text: str = ""
    mine: str = ""  # the text that was typed but not saved


@dataclass(frozen=True, slots=True, kw_only=True)
class FormResult:
    """The outcome of a form, for the page that follows."""

    said: str = ""  # a sentence
    is_undoable: bool = False
    trouble: FormError | None = None
    conflict: Conflict | None = None
    edit: Edit | None = None  # that was in conflict
    proofs: tuple[Proof, ...] = ()
    link: str = ""  # to share
    link_until: datetime | None = None


NO_RESULT = FormResult()


class IssuePage:
    """Renders the page of an issue; it decides nothing."""

    def __init__(self, desk: Desk) -> None:
        self._app = desk.app
        self._pages = desk.pages
        self._clock = desk.clock
        self._read_only = desk.read_only
        self._presence = desk.presence

    def page(
        self, visit: DeskRequest, view: IssueView, look: PageState, outcome: FormResult = NO_RESULT
    ) -> Response:
        """The whole page; status 409 if a form was refused."""
        look = _possible(look, view)
        people = self._app.desk.people(view.newsletter, look.who)
        context = desk_context(
            visit,
            issue=view,
            look=look,
            now=self._clock(),
            here=address(view),
            groups=outline(view.layout),
            written=written,
            story=_story(view.layout, look.story),
            left_out=left_out_of(self._app, view, look),
            people=people,
            reader=self._reader(view, look),
            others=self._presence.others(view.ref, visit.who.name),
            may_edit=not self._read_only and view.can_edit,
            may_publish=not self._read_only and accounts.may(visit.role, Action.APPROVE),
            progress=self._progress(view),
            print=hashlib.blake2b(view.html.encode(), digest_size=8).hexdigest(),
            outcome=outcome,
            clash=clash_of(outcome),
            fields=TeaserField,
            value_of=value_of,
            said_by_source=said_by_source,
            text_limit=LEAD_TEXT
            if view.layout.lead and view.layout.lead.article_id == look.story
            else CARD_TEXT,
            worst=worst_of(view.findings),
            slot_field=_field_moment(view, self._clock()),
        )
        shown = self._pages.page(
            "desk/issue.html",
            context,
            status=409 if outcome.trouble or outcome.conflict else 200,
            frames="'self'",
            pictures="'self' https: data:",
            scripts=True,
        )
        shown.headers.update(FORM_HEADERS)
        return shown

    def after(self, visit: DeskRequest, look: PageState, outcome: FormResult = NO_RESULT) -> Response:
        """The response to a form: the page for scripts, otherwise a redirect to it."""
        newsletter, number = issue_of(visit)
        is_script = visit.request.headers.get("hx-request") == "true"
        has_more = outcome != replace(NO_RESULT, said=outcome.said, is_undoable=outcome.is_undoable)
        view = (
            self._app.desk.issue(newsletter, number, whole=bool(look.left)) if is_script or has_more else None
        )
        where = f"/desk/{quote(newsletter)}/{number}{look.query()}"
        if view is None:
            return RedirectResponse(where, status_code=303)
        page = self.page(visit, view, look, outcome)
        if is_script:
            page.headers["HX-Replace-Url"] = where
        return page

    def _reader(self, view: IssueView, look: PageState) -> str:
        """The subscriber the preview is for; empty for the sample."""
        if not look.reader:
            return ""
        return next(
            (
                one.name or one.address
                for one in self._app.desk.people(view.newsletter, "")
                if one.id == look.reader
            ),
            "a subscriber",
        )

    def _progress(self, view: IssueView) -> SendProgress | None:
        under_way = view.state is IssueState.SENDING or (
            view.state is IssueState.HELD and view.counts.audience
        )
        if self._read_only or not under_way:
            return None
        return self._app.progress(f"{view.newsletter}/{view.number}")


def issue_of(visit: DeskRequest) -> tuple[str, int]:
    """The newsletter and number in the path."""
    asked = visit.request.path_params
    return asked["newsletter"], asked["number"]


def ref_of(visit: DeskRequest) -> str:
    """The issue in the path, as weekly/3."""
    newsletter, number = issue_of(visit)
    return f"{newsletter}/{number}"


def address(view: IssueView) -> str:
    """The URL of the issue's page."""
    return f"/desk/{quote(view.newsletter)}/{view.number}"


def left_out_of(app: Application, view: IssueView, look: PageState) -> Sequence[object]:
    """Articles that can be added: those left out of this issue, or those a search finds."""
    return app.desk.search(view.newsletter, view.number, look.q) if look.q else view.left_out


def said_by_source(teaser: Teaser, field: TeaserField) -> SourceValue | None:
    """The source's text, if an editor has changed it."""
    return next((said for said in teaser.said if said.field is field), None)


def worst_of(findings: Sequence[FindingView]) -> dict[int, str]:
    """The worst severity of each story, by article id."""
    order = ("block", "warn", "info")
    worst: dict[int, str] = {}
    for finding in findings:
        if finding.passed or not finding.story:
            continue
        before = worst.get(finding.story, "info")
        worst[finding.story] = min(before, finding.severity, key=order.index)
    return worst


@dataclass(frozen=True, slots=True, kw_only=True)
class ClashView:
    """A conflict, with the fields of the “Keep mine” form."""

    title: str
    mine: str
    theirs: str
    by: str
    at: datetime | None
    form: dict[str, str | int]  # of “Keep mine”; empty if it cannot be kept


def clash_of(outcome: FormResult) -> ClashView | None:
    conflict = outcome.conflict
    if conflict is None:
        return None
    told = f"{conflict.by} changed the same text." if conflict.by and conflict.theirs else conflict.sentence
    return ClashView(
        title=told,
        mine=conflict.mine,
        theirs=conflict.theirs,
        by=conflict.by,
        at=conflict.at,
        form=_again(outcome.edit, conflict),
    )


def _again(what: Edit | None, conflict: Conflict) -> dict[str, str | int]:
    """The same edit, based on the current text; empty if that would conflict too."""
    if isinstance(what, EditTeaser | ResetTeaser | SetText):
        based = replace(what, was=conflict.theirs)
        if isinstance(editing.apply(based, conflict.issue.content), Clash):
            return {}
    match what:
        case EditTeaser():
            return {
                "kind": "EditTeaser",
                "article": what.article,
                "field": what.field.value,
                what.field.value: conflict.mine,
                "was": conflict.theirs,
            }
        case ResetTeaser():
            return {
                "kind": "ResetTeaser",
                "article": what.article,
                "field": what.field.value,
                "was": conflict.theirs,
            }
        case SetText():
            return {
                "kind": "SetText",
                "text": what.text.value,
                what.text.value: conflict.mine,
                "was": conflict.theirs,
            }
        case _:
            return {}


def _possible(look: PageState, view: IssueView) -> PageState:
    """The state without a story that no longer exists."""
    if look.story and _story(view.layout, look.story) is None:
        return look.but(story=0, open="" if look.open in {"edit", "out"} else look.open)
    if look.open in {"edit", "out"} and not look.story:
        return look.but(open="")
    return look


def _story(layout: Layout, number: int) -> Teaser | None:
    return next((teaser for teaser in layout.teasers if teaser.article_id == number), None)


def _field_moment(view: IssueView, now: datetime) -> str:
    """The initial value of the date-and-time field: the planned send time, in the newsletter's zone."""
    moment = view.send_at or view.due or now
    return f"{moment.astimezone(ZoneInfo(view.timezone)):{_MOMENT}}"
