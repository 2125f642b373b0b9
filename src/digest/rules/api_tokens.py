"""API tokens: how one looks, what is kept of it, and when its use is written down."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime, timedelta

PREFIX = "dgt_"  # so that scanners of leaked secrets, and people, know what it is
SECRET_BYTES = 32
_SHAPE = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_USED_EVERY = timedelta(minutes=1)


def token_of(secret: bytes) -> str:
    """The token of 32 random bytes."""
    return PREFIX + base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def is_shaped(token: str) -> bool:
    """Whether it can be a token at all; nothing else is looked for."""
    return _SHAPE.fullmatch(token) is not None


def kept(token: str) -> str:
    """What is kept of a token: a plain hash does, since 256 random bits cannot be guessed back from it."""
    return hashlib.sha256(token.encode()).hexdigest()


def bearer(header: str) -> str:
    """The token in a header `Authorization: Bearer …` (RFC 6750, 2.1); empty where there is none."""
    scheme, _, token = header.strip().partition(" ")
    return token.strip() if scheme.casefold() == "bearer" else ""


def is_use_due(last_used: datetime | None, *, now: datetime) -> bool:
    """Whether this use is written down: once a minute is enough, and spares a write for every request."""
    return last_used is None or now - last_used >= _USED_EVERY
