"""SendGrid's event webhook: verifies the signature of a post and unpacks its events."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from digest.errors import SettingsError
from digest.transports.provider import Webhook
from digest.transports.sendgrid.events import sendgrid_event

OLDEST = timedelta(hours=24)  # SendGrid retries for that long
AHEAD = timedelta(minutes=5)

# As in sendgrid.helpers.eventwebhook, which is imported only if there is a key.
SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"


def webhook(public_key: str) -> Webhook:
    """The webhook that verifies posts with this key.

    Raises:
        SettingsError: this is not a valid key.
    """
    return Webhook(
        may_be_signed=_is_fresh_and_signed,
        is_signed=_verifier(public_key),
        unpack=_unpack,
        event=lambda told, now: sendgrid_event(told, now=now),
    )


def _is_fresh_and_signed(headers: Mapping[str, str], now: datetime) -> bool:
    return bool(headers.get(SIGNATURE)) and _is_fresh(headers.get(TIMESTAMP, ""), now=now)


def _verifier(public_key: str) -> Callable[[Mapping[str, str], bytes], bool]:
    """ECDSA on P-256 with SHA-256 over the timestamp and the body's bytes as received."""
    from sendgrid.helpers.eventwebhook import EventWebhook

    try:
        verifier = EventWebhook(public_key)  # type: ignore[no-untyped-call]
    except (ValueError, TypeError) as wrong:
        raise SettingsError(
            "The webhook_public_key in [delivery.sendgrid] is not a valid key.",
            mend="Copy the verification key from SendGrid's event webhook settings.",
        ) from wrong

    def is_signed(headers: Mapping[str, str], body: bytes) -> bool:
        try:
            # The library requires text: UTF-8 survives the round trip, and other bytes are not JSON.
            payload = body.decode("utf-8")
            timestamp, signature = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
            return bool(verifier.verify_signature(payload, signature, timestamp))  # type: ignore[no-untyped-call]
        except (UnicodeError, binascii.Error, ValueError):
            return False

    return is_signed


def _is_fresh(timestamp: str, *, now: datetime) -> bool:
    """`timestamp` is in Unix seconds.  Replaying an old post is harmless: its events are known."""
    if not re.fullmatch(r"[0-9]{9,11}", timestamp):
        return False
    age = now - datetime.fromtimestamp(int(timestamp), UTC)
    return -AHEAD <= age <= OLDEST


def _unpack(body: bytes) -> list[object] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None
