"""What Carrier tells later: a JSON document with a list of events, signed with HMAC-SHA256."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from digest.model.delivery import DeliveryEvent, DeliveryId, EventKind
from digest.transports import Webhook

SIGNATURE = "X-Carrier-Signature"
WORDS = {"arrived": EventKind.DELIVERED, "returned": EventKind.BOUNCED, "spam": EventKind.COMPLAINED}


def webhook(key: bytes) -> Webhook:
    def is_signed(headers: Mapping[str, str], body: bytes) -> bool:
        right = hmac.new(key, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(right.encode(), headers.get(SIGNATURE, "").encode())

    return Webhook(
        may_be_signed=lambda headers, now: len(headers.get(SIGNATURE, "")) == 64,
        is_signed=is_signed,
        unpack=_unpack,
        event=_event,
    )


def _unpack(body: bytes) -> list[object] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    events = found.get("events") if isinstance(found, dict) else None
    return events if isinstance(events, list) else None


def _event(told: object, now: datetime) -> DeliveryEvent:
    fields: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    issue, _, number = str(fields.get("reference", "")).rpartition(" ")
    return DeliveryEvent(
        key=hashlib.sha256(f"carrier {fields.get('id')}".encode()).hexdigest(),
        provider="carrier",
        kind=WORDS.get(str(fields.get("what")), EventKind.UNKNOWN),
        at=now,
        delivery_id=DeliveryId(int(number)) if number.isdecimal() else None,
        issue_ref=issue,
    )
