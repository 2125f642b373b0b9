"""The desk: what goes out next, what went out, and every issue as its readers get it.

Until editors have accounts it opens only on the machine that runs it: for a
client on the loopback address that asks for a loopback name (a page elsewhere
can make a name of its own point here), with the cookie that the one-time link
printed at the start has set.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import ip_address

from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from digest.web.pages import MAIL_POLICY, Pages, mail
from digest.web.ports import Desk, IssueView

COOKIE = "digest_desk"
STAY = timedelta(hours=12)
VIEWS = ("mail", "text", "source", "headers")

_FRAME_POLICY = f"sandbox; {MAIL_POLICY}; frame-ancestors 'self'"
_HOW = (
    "Open the link that `digest serve` printed when it started. It works once; a new start makes a new one."
)


class Door:
    """Who may come in: knows the one-time secret and the sessions that it opened."""

    def __init__(self, *, secret: str, clock: Callable[[], datetime]) -> None:
        self._secret: str | None = secret or None
        self._clock = clock
        self._sessions: dict[str, datetime] = {}  # hash of the cookie, end
        self._lock = threading.Lock()

    def enter(self, secret: str) -> str | None:
        """Spend the secret for a session; None where it is wrong or spent."""
        with self._lock:
            if self._secret is None or not hmac.compare_digest(self._secret.encode(), secret.encode()):
                return None
            self._secret = None
            session = secrets.token_urlsafe(32)
            self._sessions[_hashed(session)] = self._clock() + STAY
            return session

    def knows(self, request: HTTPConnection) -> bool:
        """Has this browser come in by the link, and not too long ago?"""
        session = request.cookies.get(COOKIE, "")
        with self._lock:
            end = self._sessions.get(_hashed(session))
        return end is not None and self._clock() < end


def routes(*, desk: Desk, door: Door, pages: Pages, clock: Callable[[], datetime]) -> list[Route]:
    """Everything below /desk."""

    def guarded(page: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            if not is_local(request):
                return _not_here(pages)
            return page(request) if door.knows(request) else _no_session(pages)

        return answer

    def enter(request: Request) -> Response:
        if not is_local(request):
            return _not_here(pages)
        if door.knows(request):
            return RedirectResponse("/desk", status_code=303)
        # A browser that looks ahead must not spend the link.
        is_looking = request.method == "HEAD" or "prefetch" in request.headers.get("sec-purpose", "")
        session = None if is_looking else door.enter(request.path_params["secret"])
        return _no_session(pages) if session is None else _entered(session)

    def home(_: Request) -> Response:
        return pages.page("desk/home.html", {"home": desk.home(), "now": clock()})

    def issue(request: Request) -> Response:
        view = _issue(request, desk)
        if view is None:
            return _no_issue(pages)
        asked = request.query_params
        context = {
            "issue": view,
            "now": clock(),
            "view": asked.get("view") if asked.get("view") in VIEWS else VIEWS[0],
            "width": 375 if asked.get("width") == "375" else 600,
            "is_asked": "width" in asked,
        }
        return pages.page("desk/issue.html", context, frames="'self'", pictures="'self' https: data:")

    def frame(request: Request) -> Response:
        view = _issue(request, desk)
        return _no_issue(pages) if view is None else mail(view.html, policy=_FRAME_POLICY)

    return [
        Route("/desk/enter/{secret}", enter),
        Route("/desk", guarded(home)),
        Route("/desk/{newsletter}/{number:int}", guarded(issue)),
        Route("/desk/{newsletter}/{number:int}/html", guarded(frame)),
        Route("/desk/{rest:path}", guarded(lambda _: _no_issue(pages))),
    ]


def is_local(request: HTTPConnection) -> bool:
    """On this machine, by its own name, and with no proxy in between that may ask for somebody else."""
    passed_on = {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"}
    return (
        request.client is not None
        and _is_loopback(request.client.host)
        and _is_loopback_name(request.headers.get("host", ""))
        and not passed_on & set(request.headers)
    )


def _is_loopback(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_loopback)


def _is_loopback_name(host: str) -> bool:
    name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    return name.casefold() == "localhost" or _is_loopback(name)


def _hashed(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()


def _entered(session: str) -> Response:
    inside = RedirectResponse("/desk", status_code=303)
    inside.set_cookie(
        COOKIE, session, max_age=int(STAY.total_seconds()), path="/desk", httponly=True, samesite="strict"
    )
    return inside


def _issue(request: Request, desk: Desk) -> IssueView | None:
    return desk.issue(request.path_params["newsletter"], request.path_params["number"])


def _not_here(pages: Pages) -> Response:
    return pages.message(
        "There is no desk here",
        f"It opens only on the machine that runs digest. There: {_HOW[0].lower()}{_HOW[1:]}",
        status=404,
    )


def _no_session(pages: Pages) -> Response:
    return pages.message("The desk is closed to this browser", _HOW, status=403)


def _no_issue(pages: Pages) -> Response:
    return pages.message("There is no such issue", "`digest status` lists the ones there are.", status=404)
