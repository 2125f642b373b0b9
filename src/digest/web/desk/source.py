"""One source: its health and, on demand, what it shows now.

Opening the page fetches nothing.  Reading the source is a form, because it sends
a request to somebody's server; the result is shown but not stored.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from digest.application.results import SourceInspection
from digest.errors import Busy, NotFound
from digest.model.editor import Action
from digest.web.access import FORM_HEADERS, DeskRequest, desk_context
from digest.web.desk.page import Desk
from digest.web.pages import Pages


def routes_of_page(desk: Desk) -> list[Route]:
    """The page, and its form to read the source if the desk is not read-only."""
    app, door, pages, clock = desk.app, desk.access, desk.pages, desk.clock
    read_only = desk.read_only

    def shown(
        visit: DeskRequest, looked: SourceInspection | None = None, trouble: Busy | None = None
    ) -> Response:
        newsletter, handle = _of(visit)
        source = app.desk.source(newsletter, handle)
        if source is None:
            return _no_source(pages)
        context = desk_context(
            visit,
            source=source,
            looked=looked,
            trouble=trouble,
            now=clock(),
            here=address(newsletter, handle),
            may_look=not read_only,
        )
        page = pages.page("desk/source.html", context, status=200 if trouble is None else 409)
        page.headers.update(FORM_HEADERS)
        return page

    here = "/desk/{newsletter}/sources/{handle:path}"
    made = [Route(here, door.require(Action.LOOK)(shown), methods=["GET"])]
    if read_only:
        return made

    @door.require(Action.EDIT)
    def look(visit: DeskRequest) -> Response:
        try:
            return shown(visit, looked=app.inspect_source(*_of(visit)))
        except NotFound:
            return _no_source(pages)
        except Busy as trouble:
            return shown(visit, trouble=trouble)

    return [*made, Route(here, look, methods=["POST"])]


def address(newsletter: str, handle: str) -> str:
    """The URL of a source's page."""
    return f"/desk/{quote(newsletter)}/sources/{quote(handle, safe='')}"


def _of(visit: DeskRequest) -> tuple[str, str]:
    asked = visit.request.path_params
    return asked["newsletter"], asked["handle"]


def _no_source(pages: Pages) -> Response:
    return pages.message("There is no such source", "The home page lists all sources.", status=404)
