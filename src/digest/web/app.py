"""The web application: its routes, the headers of every response, and the error pages."""

from __future__ import annotations

import logging
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.application import Application
from digest.errors import DigestError
from digest.web import api, hooks
from digest.web import desk as desk_pages
from digest.web import readers as reader_pages
from digest.web.access import Access
from digest.web.pages import Pages

log = logging.getLogger(__name__)

# Responses are private unless they say otherwise, and no page may frame them.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def create_app(
    app: Application,
    *,
    one_time_secret: str,
    read_only: bool = False,
    pages_folder: Path | None = None,
    max_body: int = 65_536,
) -> Starlette:
    """Build the web application on top of this process's `Application`.

    `one_time_secret` opens /desk/enter/… once, while there are no accounts; an empty one opens nothing.
    A `read_only` desk shows everything and changes nothing.
    `max_body` is in bytes; no form needs more.

    Raises:
        SettingsError: the key of a provider's webhook is invalid.
    """
    site, clock = app.settings.site, app.clock
    pages = Pages(site=site, clock=clock, folder=pages_folder)
    door = Access(secret=one_time_secret, app=app, pages=pages, public_url=site.public_url, clock=clock)
    return Starlette(
        routes=[
            *reader_pages.routes(app=app, pages=pages),
            *desk_pages.routes(app=app, door=door, pages=pages, clock=clock, read_only=read_only),
            *hooks.routes(app),
            *api.routes(app, pages=pages),
            *_probe_routes(app),
        ],
        middleware=[Middleware(_Headers)],
        exception_handlers={
            HTTPException: lambda _, error: _refused(error, pages),
            DigestError: lambda _, error: _failed(error, pages),
            Exception: lambda _, error: _failed(error, pages),
        },
        max_body_size=max_body,
    )


def _probe_routes(app: Application) -> list[Route]:
    def alive(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    def ready(_: Request) -> Response:
        try:
            found = dict(app.health.health())
        except DigestError as error:
            found = {"ok": False, "reason": str(error)}
        return JSONResponse(found, status_code=200 if found.get("ok") else 503)

    def metrics(_: Request) -> Response:
        return Response(app.health.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]


def _refused(error: Exception, pages: Pages) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = {
        404: ("There is no page here", "The address may have been cut off. Check it and try again."),
        405: ("Not possible here", "This address is read-only."),
        413: ("Too much data", "Nothing was changed. Send less."),
    }
    title, text = said.get(status, ("Invalid request", "Nothing was changed."))
    refusal = pages.message(title, text, status=status)
    refusal.headers.update(getattr(error, "headers", None) or {})
    return refusal


def _failed(error: Exception, pages: Pages) -> Response:
    """Log the reason for the operator, but not the address, which may contain a token."""
    log.error("web.failed: %s", error, exc_info=error)
    is_ours = isinstance(error, DigestError)
    return pages.message(
        "Something went wrong",
        "Nothing was changed, and the fault is ours. Please try again in a few minutes.",
        status=503 if is_ours else 500,
    )


class _Headers:
    """Adds the default headers that a response does not set itself."""

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
