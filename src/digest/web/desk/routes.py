"""The desk: what goes out next, what went out, and every issue as its readers get it.

Who may come in is decided in `access`.  Beside it stands one page for people
without an account: a draft that somebody shared with them by a link.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.model.editor import Role
from digest.views.public import DeskViews
from digest.web.access import FORM_HEADERS, Access, DeskRequest, desk_context
from digest.web.actions import Actions
from digest.web.desk import all_issues, home_forms, issue_routes, plan, source
from digest.web.desk.issue_page import IssuePage
from digest.web.desk.issue_routes import no_issue
from digest.web.desk.presence import Presence
from digest.web.pages import LINKED_MAIL_POLICY, Pages, mail


def routes(
    *,
    desk: DeskViews,
    door: Access,
    pages: Pages,
    clock: Callable[[], datetime],
    actions: Actions | None = None,
) -> list[Route]:
    """Everything below /desk, and /share/…; without actions the desk shows and changes nothing."""
    presence = Presence(clock)
    room = IssuePage(desk=desk, pages=pages, clock=clock, actions=actions, presence=presence)

    @door.require(Role.EDITOR)
    def home(visit: DeskRequest) -> Response:
        return _page(pages, "desk/home.html", desk_context(visit, home=desk.home(), now=clock()))

    @door.require(Role.EDITOR)
    def nothing(_: DeskRequest) -> Response:
        return no_issue(pages)

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
        *all_issues.routes(desk=desk, door=door, pages=pages, clock=clock),
        *plan.routes(desk=desk, door=door, pages=pages, clock=clock, actions=actions),
        *source.routes(desk=desk, door=door, pages=pages, clock=clock, actions=actions),
        *issue_routes.routes(
            desk=desk, door=door, pages=pages, room=room, presence=presence, actions=actions
        ),
        *(home_forms.routes(actions=actions, door=door, pages=pages) if actions is not None else ()),
        Route("/desk/{rest:path}", nothing, methods=["GET"]),
        Route("/share/{token}", shared, methods=["GET"]),
    ]


def _page(pages: Pages, template: str, context: dict[str, object], **shows: str) -> Response:
    page = pages.page(template, context, **shows)  # type: ignore[arg-type]  # frames and pictures only
    page.headers.update(FORM_HEADERS)
    return page
