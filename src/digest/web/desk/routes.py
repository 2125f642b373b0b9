"""The desk: what goes out next, what went out, and every issue as its readers get it.

Who may come in is decided in `door`.  Beside it stands one page for people
without an account: a draft that somebody shared with them by a link.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.model.editor import Role
from digest.web.actions import Actions
from digest.web.desk import doing
from digest.web.door import FORM_HEADERS, Door, Visit, inside
from digest.web.pages import LINKED_MAIL_POLICY, MAIL_POLICY, Pages, mail
from digest.web.ports import Desk, IssueView

VIEWS = ("mail", "text", "source", "headers")

_FRAME_POLICY = f"sandbox; {MAIL_POLICY}; frame-ancestors 'self'"


def routes(
    *,
    desk: Desk,
    door: Door,
    pages: Pages,
    clock: Callable[[], datetime],
    actions: Actions | None = None,
) -> list[Route]:
    """Everything below /desk, and /share/…; without actions the desk shows and changes nothing."""

    @door.require(Role.EDITOR)
    def home(visit: Visit) -> Response:
        return _page(pages, "desk/home.html", inside(visit, home=desk.home(), now=clock()))

    @door.require(Role.EDITOR)
    def issue(visit: Visit) -> Response:
        view = _issue(visit, desk)
        if view is None:
            return _no_issue(pages)
        asked = visit.request.query_params
        context = inside(
            visit,
            issue=view,
            now=clock(),
            view=asked.get("view") if asked.get("view") in VIEWS else VIEWS[0],
            width=375 if asked.get("width") == "375" else 600,
            is_asked="width" in asked,
        )
        return _page(pages, "desk/issue.html", context, frames="'self'", pictures="'self' https: data:")

    @door.require(Role.EDITOR)
    def frame(visit: Visit) -> Response:
        view = _issue(visit, desk)
        return _no_issue(pages) if view is None else mail(view.html, policy=_FRAME_POLICY)

    @door.require(Role.EDITOR)
    def nothing(_: Visit) -> Response:
        return _no_issue(pages)

    def shared(request: Request) -> Response:
        html = desk.shared(request.path_params["token"])
        if html is None:
            return pages.message(
                "This link shows nothing",
                "It may have ended, or been cut off on its way. Whoever sent it can make a new one.",
                status=404,
            )
        shown = mail(html, policy=LINKED_MAIL_POLICY)
        shown.headers["X-Robots-Tag"] = "noindex, nofollow"
        return shown

    return [
        Route("/desk/enter/{secret}", door.enter),
        Route("/desk/login", door.ask, methods=["GET"]),
        Route("/desk/login", door.log_in, methods=["POST"]),
        Route("/desk/logout", door.require(Role.EDITOR)(door.log_out), methods=["POST"]),
        Route("/desk", home, methods=["GET"]),
        Route("/desk/{newsletter}/{number:int}", issue, methods=["GET"]),
        Route("/desk/{newsletter}/{number:int}/html", frame, methods=["GET"]),
        *(doing.routes(actions=actions, door=door, pages=pages) if actions is not None else ()),
        Route("/desk/{rest:path}", nothing, methods=["GET"]),
        Route("/share/{token}", shared, methods=["GET"]),
    ]


def _page(pages: Pages, template: str, context: dict[str, object], **shows: str) -> Response:
    page = pages.page(template, context, **shows)  # type: ignore[arg-type]  # frames and pictures only
    page.headers.update(FORM_HEADERS)
    return page


def _issue(visit: Visit, desk: Desk) -> IssueView | None:
    asked = visit.request.path_params
    return desk.issue(asked["newsletter"], asked["number"])


def _no_issue(pages: Pages) -> Response:
    return pages.message("There is no such issue", "`digest status` lists the ones there are.", status=404)
