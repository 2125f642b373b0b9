"""What home's forms do for a whole newsletter: each a POST, after which the browser is where it was.

The form's token and the role are looked at by the door; what may be done when,
by the workflows.  What is done to one issue is in `issue`.
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

# Does it, and says where to go afterwards.
FormHandler = Callable[[DeskRequest], str]


def routes_of_page(desk: Desk) -> list[Route]:
    """Collecting and drafting."""
    app, door, pages = desk.app, desk.access, desk.pages
    if desk.read_only:
        return []

    def doing(deed: FormHandler, action: Action) -> Endpoint:
        @door.require(action)
        def done(visit: DeskRequest) -> Response:
            try:
                return RedirectResponse(deed(visit), status_code=303)
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
    return pages.message("That was not done", text, status=status)
