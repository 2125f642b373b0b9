"""Carrier, the provider of the third-party transport: takes messages from whoever has the token."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fakes.web import Asked, FakeWeb, Reply

# With this folder on Python's path, the transport is installed.
THIRD_PARTY = Path(__file__).parents[1] / "data" / "third_party_transport"


class Carried(NamedTuple):
    address: str
    reference: str  # issue and delivery
    content: bytes


class FakeCarrier(FakeWeb):
    token = "a-token-of-carrier"

    def __init__(self) -> None:
        super().__init__()
        self.carried: list[Carried] = []
        self.paths = {"/account": self._account, "/messages": self._message}

    def _account(self, asked: Asked) -> Reply:
        return Reply(200 if self._is_known(asked) else 401)

    def _message(self, asked: Asked) -> Reply:
        if not self._is_known(asked):
            return Reply(401)
        self.carried.append(Carried(asked.headers["x-recipient"], asked.headers["x-reference"], asked.body))
        return Reply(202, json.dumps({"id": f"c-{len(self.carried)}"}).encode())

    def _is_known(self, asked: Asked) -> bool:
        return asked.headers.get("authorization") == f"Bearer {self.token}"


def signed(key: str, events: list[Mapping[str, Any]]) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a post with these events."""
    body = json.dumps({"events": events}).encode()
    return body, {"X-Carrier-Signature": hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}
