"""Webhooks: providers report delivery events here, in signed requests.

There is no cookie or form to forge a request against: the signature over the
body identifies the provider.  The response is sent once the events are durable,
so that the provider can forget them; after anything but a 2xx, it retries for a
day.  Requests are not logged.

Each provider's folder in `transports` knows its signature and event names.
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
    """The routes below /hooks: one for each provider with a key, by its name.

    Raises:
        SettingsError: a key is invalid.
    """
    return [_route(name, webhook, app) for name, webhook in app.webhooks().items()]


def _route(name: str, webhook: Webhook, app: Application) -> Route:
    async def webhook_request(request: Request) -> Response:
        # Before the body is read, so that unsigned requests cannot make us read a megabyte.
        if not webhook.may_be_signed(request.headers, app.clock()):
            return _forbidden()
        body = await request.body()
        return await run_in_threadpool(answer, request.headers, body)

    def answer(headers: Headers, body: bytes) -> Response:
        if not webhook.is_signed(headers, body):
            return _forbidden()
        found = webhook.unpack(body)
        if found is None or len(found) > MAX_EVENTS:
            return PlainTextResponse("The body is not a list of events.\n", status_code=400)
        now = app.clock()
        app.record_events([webhook.event(one, now) for one in found])
        return Response(status_code=204)

    return Route(f"/hooks/{name}", webhook_request, methods=["POST"], max_body_size=MAX_BODY)


def _forbidden() -> Response:
    """An empty 403: a correctly signed request never gets one."""
    return Response(status_code=403)
