"""The routes of one issue: its page, the mail in its frame, and every form of the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from digest.application import AT_SLOT, NOW, Application
from digest.application.results import Conflict, Edited
from digest.errors import Busy, DigestError, NotAllowed
from digest.model.edit import Edit, EditTeaser, SetText
from digest.model.editor import Action
from digest.rules.email_addresses import InvalidAddress, parse_address
from digest.rules.time_input import parse_moment
from digest.views.preview import PreviewOptions
from digest.web.access import Access, DeskRequest, Endpoint
from digest.web.desk.forms import edit_of, number_of
from digest.web.desk.home_forms import refused
from digest.web.desk.issue_page import FormError, FormResult, IssuePage, issue_of, ref_of
from digest.web.desk.page import Desk
from digest.web.desk.page_state import PageState
from digest.web.desk.presence import Presence
from digest.web.pages import MAIL_POLICY, Pages, mail

_FRAME_POLICY = f"sandbox; {MAIL_POLICY}; frame-ancestors 'self'"
_NO_PICTURES = _FRAME_POLICY.replace("img-src 'self' https: data:", "img-src 'none'")

_SHARED_FOR = {"1": timedelta(days=1), "7": timedelta(days=7), "30": timedelta(days=30)}
_DECISIONS = ("skip", "resend")

_HERE = "/desk/{newsletter}/{number:int}"

# Acts, and returns the next state of the page and the outcome.
IssueForm = Callable[[DeskRequest, Application, PageState], tuple[PageState, FormResult]]


def routes_of_page(desk: Desk) -> list[Route]:
    """GET routes for everyone with access; forms only if the desk is not read-only."""
    app, door, pages = desk.app, desk.access, desk.pages
    room = IssuePage(desk)
    shown = _shown(app=app, door=door, pages=pages, room=room, presence=desk.presence)
    if desk.read_only:
        return shown
    forms = _Forms(app=app, door=door, pages=pages, room=room)
    post_forms: list[tuple[str, IssueForm, Action]] = [
        ("edit", _edit, Action.EDIT),
        ("undo", _undo, Action.EDIT),
        ("redo", _redo, Action.EDIT),
        ("proof", _proof, Action.PROOF),
        ("share", _share, Action.PROOF),
        ("approve", forms.approve, Action.APPROVE),
        ("take-back", _withdraw_approval, Action.APPROVE),
        ("cancel", _cancel, Action.CANCEL),
        ("pause", _pause, Action.PAUSE),
        ("resume", _resume, Action.PAUSE),
        ("resolve", _resolve, Action.RESOLVE),
    ]
    posted = [
        Route(f"{_HERE}/{name}", forms.doing(form, action), methods=["POST"])
        for name, form, action in post_forms
    ]
    return [*shown, *posted]


def _shown(
    *, app: Application, door: Access, pages: Pages, room: IssuePage, presence: Presence
) -> list[Route]:
    @door.require(Action.LOOK)
    def page(visit: DeskRequest) -> Response:
        look = PageState.of(visit.request.query_params)
        view = app.desk.issue(*issue_of(visit), whole=bool(look.left))
        if view is None:
            return no_issue(pages)
        presence.here(view.ref, visit.who.name)
        return room.page(visit, view, look)

    @door.require(Action.LOOK)
    def frame(visit: DeskRequest) -> Response:
        look = PageState.of(visit.request.query_params)
        html = app.desk.frame(*issue_of(visit), _frame_look(look))
        if html is None:
            return no_issue(pages)
        return mail(html, policy=_FRAME_POLICY if look.images else _NO_PICTURES)

    @door.require(Action.LOOK)
    def pulse(visit: DeskRequest) -> Response:
        """Polled every two seconds: the issue's stamp, and who else has it open."""
        newsletter, number = issue_of(visit)
        stamp, ref = app.desk.stamp(newsletter, number), f"{newsletter}/{number}"
        if stamp is None:
            return no_issue(pages)
        presence.here(ref, visit.who.name)
        return JSONResponse({"stamp": stamp, "others": presence.others(ref, visit.who.name)})

    return [
        Route(_HERE, page, methods=["GET"]),
        Route(f"{_HERE}/html", frame, methods=["GET"]),
        Route(f"{_HERE}/pulse", pulse, methods=["GET"]),
    ]


class _Forms:
    def __init__(self, *, app: Application, door: Access, pages: Pages, room: IssuePage) -> None:
        self._app = app
        self._door = door
        self._pages = pages
        self._room = room

    def doing(self, form: IssueForm, action: Action) -> Endpoint:
        """The endpoint of one form; a refusal is shown on the page it came from.

        Some of these forms are on home too, and go back there.
        """

        @self._door.require(action)
        def done(visit: DeskRequest) -> Response:
            look = PageState.of(visit.request.query_params)
            is_home = visit.request.query_params.get("from") == "home"
            try:
                after, outcome = form(visit, self._app, look)
            except DigestError as refusal:
                if is_home and self._is_there(visit):
                    return refused(self._pages, refusal)
                after, outcome = look, FormResult(trouble=_trouble(refusal))
            if outcome.trouble and not self._is_there(visit):
                return no_issue(self._pages)
            return RedirectResponse("/desk", 303) if is_home else self._room.after(visit, after, outcome)

        return done

    def _is_there(self, visit: DeskRequest) -> bool:
        return self._app.desk.stamp(*issue_of(visit)) is not None

    def approve(self, visit: DeskRequest, app: Application, look: PageState) -> tuple[PageState, FormResult]:
        form, (newsletter, number) = visit.form, issue_of(visit)
        if form.get("stamp", "") != self._app.desk.stamp(newsletter, number):
            raise Busy(
                "The issue, its template or its settings have changed since you looked.",
                mend="Review it again, then approve it.",
            )
        when = form.get("when", "slot")
        if when not in {"slot", "now", "time"}:
            raise NotAllowed("No send time was chosen.", mend="Choose when to send it.")
        moment = parse_moment(form.get("at", ""), timezone=self._timezone(visit)) if when == "time" else None
        app.approve(
            ref_of(visit),
            by=visit.who,
            seen=number_of(form, "revision"),
            when=moment or (NOW if when == "now" else AT_SLOT),
            overrides=[name.removeprefix("override-") for name in form if name.startswith("override-")],
        )
        said = "Approved; sending has started." if when == "now" else "Approved."
        return look.but(open=""), FormResult(said=said)

    def _timezone(self, visit: DeskRequest) -> str:
        return self._app.find(ref_of(visit))[0].timezone


def no_issue(pages: Pages) -> Response:
    return pages.message("There is no such issue", "`digest status` lists the issues.", status=404)


# -- content ---------------------------------------------------------------------------------


def _edit(visit: DeskRequest, app: Application, look: PageState) -> tuple[PageState, FormResult]:
    what = edit_of(visit.form)
    try:
        came = app.edit(ref_of(visit), what, by=visit.who, seen=number_of(visit.form, "revision"))
    except DigestError as refusal:  # keep showing the typed words, even if their field is gone
        mine = what.value if isinstance(what, EditTeaser | SetText) else ""
        return look, FormResult(trouble=replace(_trouble(refusal), mine=mine))
    return look, _came_to(came, what)


def _undo(visit: DeskRequest, app: Application, look: PageState) -> tuple[PageState, FormResult]:
    came = app.undo(ref_of(visit), by=visit.who, seen=number_of(visit.form, "revision"))
    return look, replace(_came_to(came), is_undoable=False)  # its “Undo” would revert the step before


def _redo(visit: DeskRequest, app: Application, look: PageState) -> tuple[PageState, FormResult]:
    came = app.redo(ref_of(visit), by=visit.who, seen=number_of(visit.form, "revision"))
    return look, _came_to(came)


def _came_to(came: Edited | Conflict, what: Edit | None = None) -> FormResult:
    if isinstance(came, Conflict):
        return FormResult(conflict=came, edit=what)
    told = came.revision.what if came.revision is not None else ""
    if came.withdrew_approval:
        told = f"{told}; the approval was withdrawn"
    elif isinstance(what, EditTeaser | SetText):
        return FormResult()  # for typing, “Saved” is enough
    return FormResult(said=f"{told[:1].upper()}{told[1:]}" if told else "", is_undoable=bool(told))


# -- sending -------------------------------------------------------------------------------


def _withdraw_approval(visit: DeskRequest, app: Application, look: PageState) -> tuple[PageState, FormResult]:
    app.withdraw_approval(ref_of(visit), by=visit.who)
    return look, FormResult(said="The approval was withdrawn.")


def _cancel(visit: DeskRequest, app: Application, look: PageState) -> tuple[PageState, FormResult]:
    app.cancel(ref_of(visit), by=visit.who)
    return look.but(open=""), FormResult(said="The issue was cancelled.")


def _pause(visit: DeskRequest, app: Application, look: PageState) -> tuple[PageState, FormResult]:
    app.pause(ref_of(visit), by=visit.who)
    return look, FormResult(said="The send is paused.")


def _resume(visit: DeskRequest, app: Application, look: PageState) -> tuple[PageState, FormResult]:
    app.resume(ref_of(visit), by=visit.who)
    return look, FormResult(said="The send is resumed.")


def _resolve(visit: DeskRequest, app: Application, look: PageState) -> tuple[PageState, FormResult]:
    decision = visit.form.get("decision", "")
    if decision not in _DECISIONS:
        raise NotAllowed("The form did not say what to decide.", mend="Reload the page.")
    app.resolve(ref_of(visit), decision=decision, by=visit.who)
    return look, FormResult(said="Decision recorded.")


def _proof(visit: DeskRequest, app: Application, look: PageState) -> tuple[PageState, FormResult]:
    to = visit.form.get("to", "").replace(",", " ").replace(";", " ").split()
    for one in to:
        try:
            parse_address(one)
        except InvalidAddress as error:
            return look, FormResult(trouble=FormError(title="Nothing was sent.", text=f"“{one}”: {error}"))
    told = app.proof(ref_of(visit), to=to, by=visit.who)
    refused = [one for one in told if not one.accepted]
    if refused:
        text = " ".join(f"{one.address}: {one.detail}" for one in refused)
        return look, FormResult(trouble=FormError(title="The proof was not sent.", text=text), proofs=told)
    names = ", ".join(one.address for one in told)
    return look.but(open=""), FormResult(said=f"The proof is on its way to {names}.")


def _share(visit: DeskRequest, app: Application, look: PageState) -> tuple[PageState, FormResult]:
    length = _SHARED_FOR.get(visit.form.get("days", ""))
    if length is None:
        raise NotAllowed("The form did not say for how long.", mend="Choose a day, a week or a month.")
    link, until = app.share(ref_of(visit), by=visit.who, length=length)
    return look, FormResult(link=link, link_until=until)


# -- preview -----------------------------------------------------------------------------------


def _frame_look(look: PageState) -> PreviewOptions:
    return PreviewOptions(
        scheme=look.scheme,
        styles=look.styles,
        scale=look.scale,
        reader=look.reader,
        story=look.story,
        mark=look.mark,
    )


def _trouble(refusal: DigestError) -> FormError:
    return FormError(title=refusal.message, text=refusal.mend)
