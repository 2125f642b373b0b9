"""The list of all issues, fifty per page, filtered by newsletter and state."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from digest.model.editor import Action
from digest.views.issues import IssueList
from digest.web.access import FORM_HEADERS, DeskRequest, desk_context
from digest.web.desk.page import Desk

_LARGEST = 6  # digits of a page's number


def routes_of_page(desk: Desk) -> list[Route]:
    """The route of the list."""
    app, door, pages, clock = desk.app, desk.access, desk.pages, desk.clock

    @door.require(Action.LOOK)
    def page(visit: DeskRequest) -> Response:
        asked = visit.request.query_params
        found = app.desk.all_issues(
            newsletter=asked.get("newsletter", ""),
            state=asked.get("state", ""),
            page=_number(asked.get("page", "")),
        )

        def to(**changes: str | int) -> str:
            return address(found, **changes)

        shown = pages.page("desk/all_issues.html", desk_context(visit, list=found, to=to, now=clock()))
        shown.headers.update(FORM_HEADERS)
        return shown

    return [Route("/desk/issues", page, methods=["GET"])]


def address(found: IssueList, **changes: str | int) -> str:
    """The URL of the same list with these changes; a changed filter starts at the first page."""
    told = {"newsletter": found.newsletter, "state": found.state or "", **changes}
    query = urlencode({name: value for name, value in told.items() if value and (name, value) != ("page", 1)})
    return f"/desk/issues?{query}" if query else "/desk/issues"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LARGEST else 1
