"""API tokens: their format, what is stored of them, and when their use is recorded."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime, timedelta

PREFIX = "dgt_"  # so that people and scanners for leaked secrets recognise it
SECRET_BYTES = 32
_SHAPE = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_USED_EVERY = timedelta(minutes=1)


def token_of(secret: bytes) -> str:
    """The token made from 32 random bytes."""
    return PREFIX + base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def is_shaped(token: str) -> bool:
    """Whether this could be a token at all; only then is the database searched."""
    return _SHAPE.fullmatch(token) is not None


def kept(token: str) -> str:
    """What is stored of a token: a plain hash suffices, since 256 random bits cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()


def bearer(header: str) -> str:
    """The token in an `Authorization: Bearer …` header (RFC 6750, 2.1); empty if there is none."""
    scheme, _, token = header.strip().partition(" ")
    return token.strip() if scheme.casefold() == "bearer" else ""


def is_use_due(last_used: datetime | None, *, now: datetime) -> bool:
    """Whether to record this use: once a minute suffices and avoids a write for every request."""
    return last_used is None or now - last_used >= _USED_EVERY
