"""POST handlers of the home page's newsletter forms (collect, draft); each redirects back.

`access` checks the form's token and the role; the workflows check the state.  The
forms of one issue are in `issue_routes`.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from digest.errors import Busy, DigestError, NotAllowed, NotFound
from digest.model.editor import Action
from digest.model.issue import Issue
from digest.web.access import DeskRequest, Endpoint
from digest.web.desk.page import Desk
from digest.web.pages import Pages

# Acts, and returns the address to go to.
NewsletterForm = Callable[[DeskRequest], str]


def routes_of_page(desk: Desk) -> list[Route]:
    """The routes of both forms."""
    app, door, pages = desk.app, desk.access, desk.pages
    if desk.read_only:
        return []

    def doing(form: NewsletterForm, action: Action) -> Endpoint:
        @door.require(action)
        def done(visit: DeskRequest) -> Response:
            try:
                return RedirectResponse(form(visit), status_code=303)
            except (NotAllowed, NotFound, Busy) as refusal:
                return refused(pages, refusal)

        return done

    def collect(visit: DeskRequest) -> str:
        app.collect(visit.request.path_params["newsletter"], by=visit.who)
        return "/desk"

    def draft(visit: DeskRequest) -> str:
        made = app.draft(visit.request.path_params["newsletter"], by=visit.who)
        return f"/desk/{made.ref}" if isinstance(made, Issue) else "/desk"

    newsletter = "/desk/{newsletter}"
    return [
        Route(f"{newsletter}/collect", doing(collect, Action.EDIT), methods=["POST"]),
        Route(f"{newsletter}/draft", doing(draft, Action.EDIT), methods=["POST"]),
    ]


def refused(pages: Pages, refusal: DigestError) -> Response:
    text = f"{refusal.message} {refusal.mend}".strip()
    status = 404 if isinstance(refusal, NotFound) else 409
    return pages.message("Nothing was done", text, status=status)
