"""What the desk's forms do: each a POST, after which the browser is where it was.

The form's token and the role are looked at by the door; what may be done to an
issue in which state, by the workflows.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from digest.errors import Busy, DigestError, NotAllowed, NotFound
from digest.model.editor import Role
from digest.model.issue import Issue
from digest.web.actions import Actions
from digest.web.door import Door, Endpoint, Visit
from digest.web.pages import Pages

_DECISIONS = ("skip", "resend")

# Does it, and says where to go afterwards.
Deed = Callable[[Visit], str]


def routes(*, actions: Actions, door: Door, pages: Pages) -> list[Route]:
    """The forms of home."""

    def doing(deed: Deed, least: Role) -> Endpoint:
        @door.require(least)
        def done(visit: Visit) -> Response:
            try:
                return RedirectResponse(deed(visit), status_code=303)
            except (NotAllowed, NotFound, Busy) as refusal:
                return _refused(pages, refusal)

        return done

    def resolve(visit: Visit) -> str:
        decision = visit.form.get("decision", "")
        if decision not in _DECISIONS:
            raise NotAllowed("The form did not say what to decide.", mend="Open the page anew.")
        actions.resolve(*_issue(visit), decision=decision, by=visit.who)
        return "/desk"

    def pause(visit: Visit) -> str:
        actions.pause(*_issue(visit), by=visit.who)
        return "/desk"

    def resume(visit: Visit) -> str:
        actions.resume(*_issue(visit), by=visit.who)
        return "/desk"

    def collect(visit: Visit) -> str:
        actions.collect(visit.request.path_params["newsletter"], by=visit.who)
        return "/desk"

    def draft(visit: Visit) -> str:
        made = actions.draft(visit.request.path_params["newsletter"], by=visit.who)
        return f"/desk/{made.ref}" if isinstance(made, Issue) else "/desk"

    issue, newsletter = "/desk/{newsletter}/{number:int}", "/desk/{newsletter}"
    return [
        Route(f"{issue}/resolve", doing(resolve, Role.PUBLISHER), methods=["POST"]),
        Route(f"{issue}/pause", doing(pause, Role.PUBLISHER), methods=["POST"]),
        Route(f"{issue}/resume", doing(resume, Role.PUBLISHER), methods=["POST"]),
        Route(f"{newsletter}/collect", doing(collect, Role.EDITOR), methods=["POST"]),
        Route(f"{newsletter}/draft", doing(draft, Role.EDITOR), methods=["POST"]),
    ]


def _issue(visit: Visit) -> tuple[str, int]:
    asked = visit.request.path_params
    return asked["newsletter"], asked["number"]


def _refused(pages: Pages, refusal: DigestError) -> Response:
    text = f"{refusal.message} {refusal.mend}".strip()
    status = 404 if isinstance(refusal, NotFound) else 409
    return pages.message("That was not done", text, status=status)
