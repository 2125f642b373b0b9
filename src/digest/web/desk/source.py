"""One source: how it does, and on demand what it shows at this moment.

Opening the page asks nobody.  Reading the source is a form, since it goes out
to somebody's server; what it finds is shown and not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from digest.errors import Busy, NotFound
from digest.model.editor import Role
from digest.views.public import DeskViews
from digest.web.access import FORM_HEADERS, Access, DeskRequest, desk_context
from digest.web.actions import Actions
from digest.web.pages import Pages
from digest.workflows.collecting.inspect_source import SourceInspection


def routes(
    *, desk: DeskViews, door: Access, pages: Pages, clock: Callable[[], datetime], actions: Actions | None
) -> list[Route]:
    """The page, and the look at what is there now where something can be done."""

    def shown(
        visit: DeskRequest, looked: SourceInspection | None = None, trouble: Busy | None = None
    ) -> Response:
        newsletter, handle = _of(visit)
        source = desk.source(newsletter, handle)
        if source is None:
            return _no_source(pages)
        context = desk_context(
            visit,
            source=source,
            looked=looked,
            trouble=trouble,
            now=clock(),
            here=address(newsletter, handle),
            may_look=actions is not None,
        )
        page = pages.page("desk/source.html", context, status=200 if trouble is None else 409)
        page.headers.update(FORM_HEADERS)
        return page

    here = "/desk/{newsletter}/sources/{handle:path}"
    made = [Route(here, door.require(Role.EDITOR)(shown), methods=["GET"])]
    if actions is None:
        return made

    @door.require(Role.EDITOR)
    def look(visit: DeskRequest) -> Response:
        try:
            return shown(visit, looked=actions.look_at(*_of(visit)))
        except NotFound:
            return _no_source(pages)
        except Busy as trouble:
            return shown(visit, trouble=trouble)

    return [*made, Route(here, look, methods=["POST"])]


def address(newsletter: str, handle: str) -> str:
    """Of a source's page."""
    return f"/desk/{quote(newsletter)}/sources/{quote(handle, safe='')}"


def _of(visit: DeskRequest) -> tuple[str, str]:
    asked = visit.request.path_params
    return asked["newsletter"], asked["handle"]


def _no_source(pages: Pages) -> Response:
    return pages.message("There is no such source", "Home lists the ones there are.", status=404)
