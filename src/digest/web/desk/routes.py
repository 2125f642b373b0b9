"""The routes of the desk: home, login, and the pages of issues, plans and sources.

Access is decided in `access`.  One page needs no account: a draft shared by link.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.application import Application
from digest.model.editor import Action
from digest.web.access import FORM_HEADERS, Access, DeskRequest, desk_context
from digest.web.desk.issue_routes import no_issue
from digest.web.desk.page import Desk, page_routes
from digest.web.desk.presence import Presence
from digest.web.pages import LINKED_MAIL_POLICY, Pages, mail


def routes(
    *,
    app: Application,
    door: Access,
    pages: Pages,
    clock: Callable[[], datetime],
    read_only: bool = False,
) -> list[Route]:
    """The routes below /desk, and /share/…; a `read_only` desk shows everything and changes nothing."""
    desk = Desk(
        app=app,
        access=door,
        pages=pages,
        clock=clock,
        presence=Presence(clock),
        read_only=read_only,
    )

    @door.require(Action.LOOK)
    def home(visit: DeskRequest) -> Response:
        return _page(pages, "desk/home.html", desk_context(visit, home=app.desk.home(), now=clock()))

    @door.require(Action.LOOK)
    def nothing(_: DeskRequest) -> Response:
        return no_issue(pages)

    def shared(request: Request) -> Response:
        html = app.desk.shared(request.path_params["token"])
        if html is None:
            return pages.message(
                "This link doesn’t work",
                "It may have expired or been cut off. Ask whoever sent it for a new one.",
                status=404,
            )
        shown = mail(html, policy=LINKED_MAIL_POLICY)
        shown.headers["X-Robots-Tag"] = "noindex, nofollow"
        return shown

    return [
        Route("/desk/enter/{secret}", door.enter),
        Route("/desk/login", door.ask, methods=["GET"]),
        Route("/desk/login", door.log_in, methods=["POST"]),
        Route("/desk/logout", door.require(Action.LOOK)(door.log_out), methods=["POST"]),
        Route("/desk", home, methods=["GET"]),
        *page_routes(desk, package="digest.web.desk"),
        Route("/desk/{rest:path}", nothing, methods=["GET"]),
        Route("/share/{token}", shared, methods=["GET"]),
    ]


def _page(pages: Pages, template: str, context: dict[str, object], **shows: str) -> Response:
    page = pages.page(template, context, **shows)  # type: ignore[arg-type]  # frames and pictures only
    page.headers.update(FORM_HEADERS)
    return page
