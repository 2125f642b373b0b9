"""Doors for providers: what they tell later comes in here, signed.

No cookie, no form, nothing to forge a request against: the signature over the
bytes says who speaks.  The answer comes after the events are durable, so that
the provider may forget them; for anything else than a 2xx it comes again, for
a day.  Nothing is logged per request.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from digest.application import Application
from digest.errors import SettingsError
from digest.rules.feedback import sendgrid_event

MAX_BODY = 1_048_576  # bytes
MAX_EVENTS = 10_000
OLDEST = timedelta(hours=24)  # SendGrid tries again for that long
AHEAD = timedelta(minutes=5)

# The names of sendgrid.helpers.eventwebhook, which is imported only where there is a key.
SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"


def routes(app: Application) -> list[Route]:
    """Everything below /hooks; without a key there is no door.

    Raises:
        SettingsError: the key is none.
    """
    sendgrid_key, clock = app.settings.delivery.sendgrid.webhook_public_key, app.clock
    if not sendgrid_key:
        return []
    is_signed = _verifier(sendgrid_key)

    async def sendgrid(request: Request) -> Response:
        # Looked at before the body is read: who cannot sign shall not make us read a megabyte.
        timestamp, signature = request.headers.get(TIMESTAMP, ""), request.headers.get(SIGNATURE, "")
        if not signature or not _is_fresh(timestamp, now=clock()):
            return _forbidden()
        body = await request.body()
        return await run_in_threadpool(answer, timestamp, signature, body)

    def answer(timestamp: str, signature: str, body: bytes) -> Response:
        if not is_signed(timestamp, signature, body):
            return _forbidden()
        events = _events(body)
        if events is None:
            return PlainTextResponse("This is no list of events.\n", status_code=400)
        app.record_events([sendgrid_event(one, now=clock()) for one in events])
        return Response(status_code=204)

    return [Route("/hooks/sendgrid", sendgrid, methods=["POST"], max_body_size=MAX_BODY)]


def _verifier(public_key: str) -> Callable[[str, str, bytes], bool]:
    """ECDSA on P-256 with SHA-256 over the timestamp and the bytes of the body as they came."""
    from sendgrid.helpers.eventwebhook import EventWebhook

    try:
        webhook = EventWebhook(public_key)  # type: ignore[no-untyped-call]
    except (ValueError, TypeError) as wrong:
        raise SettingsError(
            "The webhook_public_key in [delivery.sendgrid] is none.",
            mend="Copy the verification key from SendGrid's settings of the event webhook.",
        ) from wrong

    def is_signed(timestamp: str, signature: str, body: bytes) -> bool:
        try:
            # The library wants text; UTF-8 goes there and back without a change, and other bytes are no JSON.
            payload = body.decode("utf-8")
            return bool(webhook.verify_signature(payload, signature, timestamp))  # type: ignore[no-untyped-call]
        except (UnicodeError, binascii.Error, ValueError):
            return False

    return is_signed


def _is_fresh(timestamp: str, *, now: datetime) -> bool:
    """Unix seconds.  An old post that is played again would do no harm: its events are known."""
    if not re.fullmatch(r"[0-9]{9,11}", timestamp):
        return False
    age = now - datetime.fromtimestamp(int(timestamp), UTC)
    return -AHEAD <= age <= OLDEST


def _events(body: bytes) -> list[object] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) and len(found) <= MAX_EVENTS else None


def _forbidden() -> Response:
    """Without a word on what is wrong: whoever signs correctly never sees it."""
    return Response(status_code=403)
