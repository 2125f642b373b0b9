"""Doors for providers: what they tell later comes in here, signed.

No cookie, no form, nothing to forge a request against: the signature over the
bytes says who speaks.  The answer comes after the events are durable, so that
the provider may forget them; for anything else than a 2xx it comes again, for
a day.  Nothing is logged per request.

How a provider signs and what its words mean, its folder in `transports` knows.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from digest.application import Application
from digest.application.results import Webhook

MAX_BODY = 1_048_576  # bytes
MAX_EVENTS = 10_000


def routes(app: Application) -> list[Route]:
    """Everything below /hooks: a door for each provider whose key is set, by its name.

    Raises:
        SettingsError: a key is not one.
    """
    return [_route(name, webhook, app) for name, webhook in app.webhooks().items()]


def _route(name: str, webhook: Webhook, app: Application) -> Route:
    async def told(request: Request) -> Response:
        # Looked at before the body is read: who cannot sign shall not make us read a megabyte.
        if not webhook.may_be_signed(request.headers, app.clock()):
            return _forbidden()
        body = await request.body()
        return await run_in_threadpool(answer, request.headers, body)

    def answer(headers: Headers, body: bytes) -> Response:
        if not webhook.is_signed(headers, body):
            return _forbidden()
        found = webhook.unpack(body)
        if found is None or len(found) > MAX_EVENTS:
            return PlainTextResponse("This is no list of events.\n", status_code=400)
        now = app.clock()
        app.record_events([webhook.event(one, now) for one in found])
        return Response(status_code=204)

    return Route(f"/hooks/{name}", told, methods=["POST"], max_body_size=MAX_BODY)


def _forbidden() -> Response:
    """Without a word on what is wrong: whoever signs correctly never sees it."""
    return Response(status_code=403)
