"""Signed tokens for links: short permanent ones for mails (RFC 8058: no login, no cookie), and expiring ones.

A permanent token is 16 bytes written as 22 characters: the number of the signing key,
the id of the subscription, and 80 bits of HMAC-SHA256 over purpose and id.  That is
short enough for the List-Unsubscribe header to need no folding, which some relays break.
A key's number is its position from the oldest: a new key is added at the front of the
list, and old links keep working while the old key remains in it.

An expiring token also contains its last second, covered by the signature, and 128 bits
of HMAC, since no header limits its length.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

_ID_BYTES = 5
_MAC_BYTES = 10
_UNTIL_BYTES = 5  # Unix seconds
_LONG_MAC_BYTES = 16

SHARE = "share"  # the purpose of a link that shows a draft to somebody without an account


def sign(subscription_id: int, *, purpose: str, keys: Sequence[str]) -> str:
    """A token for one subscription, signed with the first of `keys`."""
    number = (len(keys) - 1) % 256
    body = bytes([number]) + subscription_id.to_bytes(_ID_BYTES, "big")
    return base64.urlsafe_b64encode(body + _mac(body, purpose, keys[0])).rstrip(b"=").decode()


def verify(token: str, *, purpose: str, keys: Sequence[str]) -> int | None:
    """The subscription's id; None if no key of ours signed this token for this purpose."""
    if len(token) != 22 or not token.isascii():
        return None
    try:
        raw = base64.urlsafe_b64decode(token + "==")
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 1 + _ID_BYTES + _MAC_BYTES:
        return None  # the decoder skips characters outside its alphabet
    body, mac = raw[: 1 + _ID_BYTES], raw[1 + _ID_BYTES :]
    key = keys[len(keys) - 1 - body[0]] if body[0] < len(keys) else ""
    if not key or not hmac.compare_digest(mac, _mac(body, purpose, key)):
        return None
    # 22 characters carry 132 bits: reject spellings that differ only in the last four.
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != token:
        return None
    return int.from_bytes(body[1:], "big")


def sign_until(number: int, until: datetime, *, purpose: str, keys: Sequence[str]) -> str:
    """A token for one thing, valid until `until`, to the second; signed with the first of `keys`."""
    seconds = int(until.timestamp()).to_bytes(_UNTIL_BYTES, "big")
    body = bytes([(len(keys) - 1) % 256]) + number.to_bytes(_ID_BYTES, "big") + seconds
    mac = _mac(body, purpose, keys[0], length=_LONG_MAC_BYTES)
    return base64.urlsafe_b64encode(body + mac).decode()


def verify_until(token: str, *, purpose: str, keys: Sequence[str], now: datetime) -> int | None:
    """The number in it; None if it has expired or no key of ours signed it for this purpose."""
    if len(token) != 36 or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    body, mac = raw[:-_LONG_MAC_BYTES], raw[-_LONG_MAC_BYTES:]
    key = keys[len(keys) - 1 - body[0]] if len(raw) == 27 and body[0] < len(keys) else ""
    if not key or not hmac.compare_digest(mac, _mac(body, purpose, key, length=_LONG_MAC_BYTES)):
        return None
    until = datetime.fromtimestamp(int.from_bytes(body[1 + _ID_BYTES :], "big"), UTC)
    return int.from_bytes(body[1 : 1 + _ID_BYTES], "big") if now < until else None


def _mac(body: bytes, purpose: str, key: str, *, length: int = _MAC_BYTES) -> bytes:
    begun = _begun(purpose, key).copy()
    begun.update(body)
    return begun.digest()[:length]


@lru_cache(maxsize=32)
def _begun(purpose: str, key: str) -> hmac.HMAC:
    """Key and purpose are mixed in once, because a send signs a token or two for each message."""
    return hmac.new(key.encode(), purpose.encode() + b"\0", "sha256")
