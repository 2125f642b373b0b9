"""Access to the desk: login, sessions, roles, and the token every form carries.

Until there are editor accounts, the desk is only available on the machine that
runs digest: to a client on the loopback address that asks for a loopback name
(a page elsewhere can make a name of its own point here), with the cookie set by
the one-time link printed at the start.  Once there is an account, that link is
dead, and editors can log in from anywhere.

A page of the desk is a function of a `DeskRequest`; `access.require(Action.LOOK)`
turns it into a route's endpoint that checks the role.  For a POST, the form's
token is checked before the page is called.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import wraps
from ipaddress import ip_address
from math import ceil
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response

from digest.application import Application
from digest.model.activity import Actor, Door
from digest.model.editor import Action, Role
from digest.rules import accounts as rules
from digest.web.pages import Pages

COOKIE = "digest_desk"  # of the one-time link
STAY = timedelta(hours=12)
LINK_VISITOR = "somebody at this machine"

_IN_THE_DESK = "desk"
_TO_LOG_IN = "login"
_SAFE = {"GET", "HEAD"}
_HOW = "Open the link that `digest serve` printed when it started. It works once; restart for a new one."

# Browsers send a form's Origin only if the page's policy allows it; no URL of the desk is secret.
FORM_HEADERS = {"Referrer-Policy": "same-origin"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRequest:
    """An authorised request to the desk."""

    request: Request
    role: Role
    name: str  # of the editor; empty for visitors using the one-time link
    form_token: str  # for every form of the page, as its field `token`
    form: Mapping[str, str] = field(default_factory=dict)
    network: str = ""  # the range of addresses it came from

    @property
    def who(self) -> Actor:
        """For the activity log."""
        return Actor(self.name or LINK_VISITOR, Door.DESK, self.network)


Page = Callable[[DeskRequest], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


class Access:
    """Checks logins, sessions and roles, and the one-time link while there are no accounts."""

    def __init__(
        self,
        *,
        secret: str,
        app: Application,
        pages: Pages,
        public_url: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._link = _OneTimeLink(secret, clock=clock)
        self._app = app
        self._pages = pages
        self._public_url = public_url

    def require(self, action: Action) -> Callable[[Page], Endpoint]:
        """Wrap a page so that only roles allowed to do this reach it."""
        least = rules.least_role(action)

        def guarded(page: Page) -> Endpoint:
            @wraps(page)
            async def endpoint(request: Request) -> Response:
                form = None if request.method in _SAFE else await _form(request)
                return await run_in_threadpool(self._answer, request, form, page, least)

            return endpoint

        return guarded

    def enter(self, request: Request) -> Response:
        """Use the one-time link."""
        if self._app.has_editors():
            return self._to_login(request)
        if not is_local(request):
            return self._not_here()
        if self._link.knows(request):
            return RedirectResponse("/desk", status_code=303)
        # A browser that prefetches must not use up the link.
        is_prefetch = request.method == "HEAD" or "prefetch" in request.headers.get("sec-purpose", "")
        session = None if is_prefetch else self._link.enter(request.path_params["secret"])
        return self._no_session() if session is None else _entered(session)

    def ask(self, request: Request) -> Response:
        """The login form."""
        if not self._app.has_editors():
            return self._not_here() if not is_local(request) else self._no_session()
        return self._login_form(request, back=request.query_params.get("back", ""))

    async def log_in(self, request: Request) -> Response:
        form = await _form(request)
        return await run_in_threadpool(self._log_in, request, form, back=str(form.get("back") or ""))

    def log_out(self, visit: DeskRequest) -> Response:
        """A page for editors, by POST."""
        request = visit.request
        self._app.log_out(request.cookies.get(self._cookie(request), ""), address=caller(request))
        gone = RedirectResponse("/desk/login", status_code=303)
        self._forget(gone, request, self._cookie(request))
        return gone

    # --- who is it?

    def _answer(self, request: Request, form: FormData | None, page: Page, least: Role) -> Response:
        with_accounts = self._app.has_editors()
        if not with_accounts and not is_local(request):
            return self._not_here()
        visitor = self._by_account(request) if with_accounts else self._by_link(request)
        if visitor is None and not with_accounts:
            return self._no_session()
        if visitor is None:
            return self._to_login(request) if form is None else self._logged_out()
        name, role, secret = visitor
        if form is not None and not self._is_ours(request, form, secret=secret, purpose=_IN_THE_DESK):
            return self._forged()
        if not rules.includes(role, least):
            return self._forbidden(least)
        visit = DeskRequest(
            request=request,
            role=role,
            name=name,
            form_token=rules.form_token(secret, purpose=_IN_THE_DESK),
            form={key: str(value) for key, value in form.items()} if form is not None else {},
            network=rules.network_of(caller(request)),
        )
        return page(visit)

    def _by_account(self, request: Request) -> tuple[str, Role, str] | None:
        session = request.cookies.get(self._cookie(request), "")
        editor = self._app.editor_of(session)
        return (editor.name, editor.role, session) if editor else None

    def _by_link(self, request: Request) -> tuple[str, Role, str] | None:
        """Admin: anyone who can read this process's terminal can do everything anyway."""
        return ("", Role.ADMIN, request.cookies[COOKIE]) if self._link.knows(request) else None

    # --- logging in

    def _login_form(
        self, request: Request, *, back: str, said: str = "", name: str = "", status: int = 200
    ) -> Response:
        before = request.cookies.get(self._cookie(request, before=True), "") or secrets.token_urlsafe(32)
        page = self._pages.page(
            "desk/login.html",
            {
                "token": rules.form_token(before, purpose=_TO_LOG_IN),
                "name": name,
                "said": said,
                "back": _back(back),
            },
            status=status,
        )
        page.headers.update(FORM_HEADERS)
        # Nobody sees a page fetched by a script, and its cookie would overwrite the one of an open
        # login form.
        if request.headers.get("sec-fetch-dest") != "empty":
            self._set(page, request, self._cookie(request, before=True), before, lasts=timedelta(hours=1))
        return page

    def _log_in(self, request: Request, form: FormData, *, back: str) -> Response:
        if not self._app.has_editors():
            return self._not_here()
        before = request.cookies.get(self._cookie(request, before=True), "")
        if not self._is_ours(request, form, secret=before, purpose=_TO_LOG_IN):
            return self._login_form(
                request,
                said="This page was open too long, or your browser blocks cookies. Please try again.",
                back=back,
                status=403,
            )
        name, password = str(form.get("name") or ""), str(form.get("password") or "")
        login = self._app.log_in(name, password, address=caller(request))
        if login.wait:
            seconds = ceil(login.wait.total_seconds())
            minutes = -(-seconds // 60)
            refused = self._login_form(
                request,
                said=f"There were too many attempts. Please wait {minutes} "
                f"minute{'s' if minutes > 1 else ''} and try again.",
                name=name,
                back=back,
                status=429,
            )
            refused.headers["Retry-After"] = str(seconds)
            return refused
        if not login.session:
            return self._login_form(request, said="Wrong name or password.", name=name, back=back, status=403)
        inside = RedirectResponse(_back(back), status_code=303)
        # End the session this browser had before.
        if old := request.cookies.get(self._cookie(request), ""):
            self._app.log_out(old, address=caller(request))
        self._set(inside, request, self._cookie(request), login.session, lasts=rules.LONGEST)
        self._forget(inside, request, self._cookie(request, before=True))
        return inside

    # --- forms and cookies

    def _is_ours(self, request: Request, form: FormData, *, secret: str, purpose: str) -> bool:
        headers = request.headers
        from_own_page = rules.is_from_own_page(
            origin=headers.get("origin", ""),
            fetch_site=headers.get("sec-fetch-site", ""),
            host=headers.get("host", ""),
            public_url=self._public_url,
        )
        return from_own_page and rules.is_form_token(str(form.get("token") or ""), secret, purpose=purpose)

    def _is_secure(self, request: HTTPConnection) -> bool:
        """Whether the browser used https: via the public URL, not directly on this machine."""
        return urlsplit(self._public_url).scheme == "https" and not is_local(request)

    def _cookie(self, request: HTTPConnection, *, before: bool = False) -> str:
        """The prefix keeps other hosts of the domain from setting it (RFC 6265bis, 4.1.3.2)."""
        name = "digest-login" if before else "digest"
        return f"__Host-{name}" if self._is_secure(request) else name

    def _set(self, answer: Response, request: Request, name: str, value: str, *, lasts: timedelta) -> None:
        answer.set_cookie(
            name,
            value,
            max_age=int(lasts.total_seconds()),
            path="/",
            secure=self._is_secure(request),
            httponly=True,
            samesite="lax",
        )

    def _forget(self, answer: Response, request: Request, name: str) -> None:
        answer.delete_cookie(name, path="/", secure=self._is_secure(request), httponly=True, samesite="lax")

    # --- refusals

    def _to_login(self, request: Request) -> Response:
        path = request.url.path
        back = f"?back={quote(path)}" if path != "/desk" and rules.is_desk_page(path) else ""
        return RedirectResponse(f"/desk/login{back}", status_code=303)

    def _not_here(self) -> Response:
        return self._pages.message(
            "The desk is not available here",
            f"It is only available on the machine that runs digest. {_HOW}",
            status=404,
        )

    def _no_session(self) -> Response:
        return self._pages.message("The desk is closed to this browser", _HOW, status=403)

    def _logged_out(self) -> Response:
        return self._pages.message(
            "You are logged out", "Nothing was changed. Log in at `/desk/login` and try again.", status=403
        )

    def _forged(self) -> Response:
        return self._pages.message(
            "This form did not come from the desk",
            "Nothing was changed. Reload the page and try again.",
            status=403,
        )

    def _forbidden(self, least: Role) -> Response:
        article = "an" if least.value[0] in "aeiou" else "a"
        return self._pages.message(
            "You don’t have permission to do that",
            f"Only {article} {least.value} can. Nothing was changed.",
            status=403,
        )


class _OneTimeLink:
    """The one-time secret and the sessions it opened; both end with the process."""

    def __init__(self, secret: str, *, clock: Callable[[], datetime]) -> None:
        self._secret: str | None = secret or None
        self._clock = clock
        self._sessions: dict[str, datetime] = {}  # hash of the cookie, end
        self._lock = threading.Lock()

    def enter(self, secret: str) -> str | None:
        """Exchange the secret for a session; None if it is wrong or already used."""
        with self._lock:
            if self._secret is None or not hmac.compare_digest(self._secret.encode(), secret.encode()):
                return None
            self._secret = None
            session = secrets.token_urlsafe(32)
            self._sessions[_hashed(session)] = self._clock() + STAY
            return session

    def knows(self, request: HTTPConnection) -> bool:
        """Whether this browser has a session from the link that has not expired."""
        session = request.cookies.get(COOKIE, "")
        with self._lock:
            end = self._sessions.get(_hashed(session))
        return end is not None and self._clock() < end


def is_local(request: HTTPConnection) -> bool:
    """Whether the client is on this machine, uses a local name, and no proxy forwards for somebody else."""
    passed_on = {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"}
    return (
        request.client is not None
        and _is_loopback(request.client.host)
        and _is_loopback_name(request.headers.get("host", ""))
        and not passed_on & set(request.headers)
    )


def caller(request: HTTPConnection) -> str:
    """The client's address, for rate limits and the log."""
    peer = request.client.host if request.client else ""
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    return rules.caller(peer, forwarded=forwarded.split(",") if forwarded else ())


def desk_context(visit: DeskRequest, **context: Any) -> dict[str, Any]:
    """The context of every desk page: the visitor, their permissions and the form token."""
    return {
        "visitor": visit.name,
        "role": visit.role,
        "may": lambda action: rules.may(visit.role, Action(action)),
        "form_token": visit.form_token,
        **context,
    }


async def _form(request: Request) -> FormData:
    return await request.form(max_files=0, max_fields=50, max_part_size=32_768)


def _back(path: str) -> str:
    return path if rules.is_desk_page(path) else "/desk"


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
    entered = RedirectResponse("/desk", status_code=303)
    entered.set_cookie(
        COOKIE, session, max_age=int(STAY.total_seconds()), path="/desk", httponly=True, samesite="strict"
    )
    return entered
