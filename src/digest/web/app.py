"""The application: its routes, the headers of every answer, and what is said when something fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.errors import DigestError
from digest.model.newsletter import Site
from digest.views.public import DeskViews, HealthViews
from digest.web import desk as desk_pages
from digest.web import readers as reader_pages
from digest.web.access import Access
from digest.web.actions import Actions
from digest.web.pages import Pages
from digest.web.ports import Accounts, NoAccounts, Readers

log = logging.getLogger(__name__)

# Answers are private unless they say otherwise, and stand in nobody's frame.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_app(  # noqa: PLR0913 - each is a part of its own
    *,
    site: Site,
    readers: Readers,
    desk: DeskViews,
    probes: HealthViews,
    one_time_secret: str,
    clock: Callable[[], datetime],
    accounts: Accounts | None = None,
    hooks: Sequence[Route] = (),
    actions: Actions | None = None,
    pages_folder: Path | None = None,
    max_body: int = 65_536,
) -> Starlette:
    """Put the pages together.

    `one_time_secret` opens /desk/enter/… once, while there are no accounts; empty, it opens nothing.
    `accounts` are those of editors; None where there are none.
    `hooks` are the doors for providers and programs, see `web.hooks` and `web.api`.
    `actions` are what the desk's forms do; without them it only shows.
    `max_body` is in bytes; no form here needs more.
    """
    pages = Pages(site=site, clock=clock, folder=pages_folder)
    door = Access(
        secret=one_time_secret,
        accounts=accounts or NoAccounts(),
        pages=pages,
        public_url=site.public_url,
        clock=clock,
    )
    return Starlette(
        routes=[
            *reader_pages.routes(readers=readers, pages=pages),
            *desk_pages.routes(desk=desk, door=door, pages=pages, clock=clock, actions=actions),
            *hooks,
            *_probe_routes(probes),
        ],
        middleware=[Middleware(_Headers)],
        exception_handlers={
            HTTPException: lambda _, error: _refused(error, pages),
            DigestError: lambda _, error: _failed(error, pages),
            Exception: lambda _, error: _failed(error, pages),
        },
        max_body_size=max_body,
    )


def _probe_routes(probes: HealthViews) -> list[Route]:
    def alive(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    def ready(_: Request) -> Response:
        try:
            found = dict(probes.health())
        except DigestError as error:
            found = {"ok": False, "reason": str(error)}
        return JSONResponse(found, status_code=200 if found.get("ok") else 503)

    def metrics(_: Request) -> Response:
        return Response(probes.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]


def _refused(error: Exception, pages: Pages) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = {
        404: ("There is nothing here", "Perhaps the address was cut off on its way."),
        405: ("That cannot be done here", "This address is for reading only."),
        413: ("That was too much", "Nothing was changed."),
    }
    title, text = said.get(status, ("That was not understood", "Nothing was changed."))
    refusal = pages.message(title, text, status=status)
    refusal.headers.update(getattr(error, "headers", None) or {})
    return refusal


def _failed(error: Exception, pages: Pages) -> Response:
    """The reason goes to the log, for the operator; the address does not, since it may hold a token."""
    log.error("web.failed: %s", error, exc_info=error)
    is_ours = isinstance(error, DigestError)
    return pages.message(
        "That did not work",
        "Nothing was changed, and the fault is on this side. Please try again in some minutes.",
        status=503 if is_ours else 500,
    )


class _Headers:
    """Adds what an answer does not say itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
