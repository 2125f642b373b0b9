"""DKIM signing (RFC 6376; RFC 8301 and 8463 for the algorithms), as the very last step.

Header and body are canonicalised "relaxed", and everything but the recipient's values
only once per issue, so that a message costs one hash over its body and one signature.
This works because a slot in a body is alone on its line (see `compile`), so no run of
whitespace crosses its borders.

Where keys come from, and whether their domain suits the sender, is decided in
the settings.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from digest.errors import SettingsError
from digest.message.compile import Compiled, Segment, WireSlot
from digest.message.splice import filled, slot_values
from digest.model.delivery import Envelope

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

# Signed if present.  Fields listed twice cannot be added a second time without breaking
# the signature; the two fields of RFC 8058 must be covered (section 4 there).
SIGNED = (
    "from from to subject subject date message-id reply-to mime-version content-type"
    " content-transfer-encoding list-id list-unsubscribe list-unsubscribe list-unsubscribe-post"
    " list-unsubscribe-post list-help list-archive feedback-id auto-submitted"
).split()
MIN_RSA_BITS = 1024  # RFC 8301, 3.2: the minimum that verifiers must accept

_FIELD_START = re.compile(rb"\r\n(?![ \t])")
_MARK = re.compile(rb"\0([a-z:-]+)\0")  # a slot; no message contains a NUL
_BLANKS = re.compile(rb"[ \t]+")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_BLANKS_AT_END = re.compile(rb"[ \t]+(?=\r\n)")
_COLUMNS = 76


class Signer:
    """Splices messages and signs them with one key.  Thread-safe."""

    def __init__(self, *, domain: str, selector: str, key: bytes) -> None:
        """`key` is the private key in PEM format: RSA or Ed25519.

        Raises:
            SettingsError: the key is neither, or needs a passphrase.
        """
        self._key = _loaded(key)
        self._head = _head(self._key, domain=domain, selector=selector)
        self._plan: _Plan | None = None

    def splice(self, compiled: Compiled, envelope: Envelope) -> list[bytes]:
        """Like `message.splice.splice`, with the signature as the first field."""
        values = slot_values(compiled, envelope)
        return [self._field(compiled, values, envelope.date), *filled(compiled, values)]

    def _field(self, compiled: Compiled, values: Mapping[WireSlot, bytes], at: datetime) -> bytes:
        """The whole DKIM-Signature field with its line end; signed at the date of the message."""
        plan = self._plan
        if plan is None or plan.compiled is not compiled:
            plan = self._plan = _planned(compiled)
        body_hash = base64.b64encode(_body_digest(plan, values))
        unsigned = b"%b t=%d;\r\n%b\r\n bh=%b;\r\n b=" % (self._head, at.timestamp(), plan.names, body_hash)
        signature = base64.b64encode(self._signed(_header_octets(plan, values, unsigned)))
        return unsigned + b"\r\n ".join(_chunks(signature)) + b"\r\n"

    def _signed(self, octets: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(hashlib.sha256(octets).digest())  # RFC 8463, 3: the hash is signed
        return self._key.sign(octets, PKCS1v15(), SHA256())


class _Plan(NamedTuple):
    """One compiled message, canonicalised as far as it is the same for everyone."""

    compiled: Compiled
    names: bytes  # the h= tag, folded
    fields: tuple[Segment, ...]  # the signed fields, each with its line end
    body_start: hashlib._Hash  # over the body up to its first slot
    body_rest: tuple[Segment, ...]


def relaxed_field(field: bytes) -> bytes:
    """`name:value` without a line end (RFC 6376, 3.4.2)."""
    name, _, value = field.partition(b":")
    return name.strip().lower() + b":" + _relaxed_value(value)


def relaxed_body(body: bytes) -> bytes:
    """No whitespace at line ends, runs of it as one space, no empty lines at the end (3.4.4)."""
    body = _BLANKS.sub(b" ", _BLANKS_AT_END.sub(b"", body)).rstrip(b"\r\n")
    return body + b"\r\n" if body else b""


def _planned(compiled: Compiled) -> _Plan:
    marked = b"".join(
        part if isinstance(part, bytes) else b"\0%b\0" % part.encode() for part in compiled.segments
    )
    head, _, body = marked.partition(b"\r\n\r\n")
    fields = {
        name: field for field in map(relaxed_field, _FIELD_START.split(head)) for name in [_name(field)]
    }
    names = [name for name in SIGNED if name in fields]
    signed = b"".join(fields[name] + b"\r\n" for name in dict.fromkeys(names))
    first, *rest = _at_slots(relaxed_body(body))
    assert isinstance(first, bytes)  # noqa: S101 - a body starts with its boundary
    return _Plan(compiled, _names_tag(names), tuple(_at_slots(signed)), hashlib.sha256(first), tuple(rest))


def _name(field: bytes) -> str:
    return field.partition(b":")[0].decode("ascii")


def _at_slots(marked: bytes) -> Iterator[Segment]:
    pieces = _MARK.split(marked)
    for index, piece in enumerate(pieces):
        if index % 2:
            yield WireSlot(piece.decode("ascii"))
        elif piece:
            yield piece


def _names_tag(names: Sequence[str]) -> bytes:
    """` h=from:from:to:…;`, folded before a name."""
    lines = [" h="]
    for index, name in enumerate(names):
        piece = name + (":" if index < len(names) - 1 else ";")
        if len(lines[-1]) + len(piece) > _COLUMNS:
            lines.append(" ")
        lines[-1] += piece
    return "\r\n".join(lines).encode("ascii")


def _body_digest(plan: _Plan, values: Mapping[WireSlot, bytes]) -> bytes:
    state = plan.body_start.copy()
    for part in plan.body_rest:
        state.update(part if type(part) is bytes else _BLANKS.sub(b" ", values[part]))  # type: ignore[index]
    return state.digest()


def _header_octets(plan: _Plan, values: Mapping[WireSlot, bytes], unsigned: bytes) -> bytes:
    """The signed octets (RFC 6376, 3.7): the fields, then the signature's own field with an empty b=."""
    parts = [part if type(part) is bytes else _relaxed_value(values[part]) for part in plan.fields]  # type: ignore[index]
    parts.append(relaxed_field(unsigned))
    return b"".join(parts)


def _relaxed_value(value: bytes) -> bytes:
    return _BLANKS.sub(b" ", _FOLD.sub(b"", value)).strip(b" \t")


def _chunks(signature: bytes) -> Iterator[bytes]:
    """The first chunk follows ` b=`, each of the others a fold."""
    start = 0
    for room in [_COLUMNS - 3, *[_COLUMNS - 1] * len(signature)]:
        if start < len(signature):
            yield signature[start : start + room]
        start += room


def _head(key: RSAPrivateKey | Ed25519PrivateKey, *, domain: str, selector: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    algorithm = "rsa-sha256" if isinstance(key, RSAPrivateKey) else "ed25519-sha256"
    field = f"DKIM-Signature: v=1; a={algorithm}; c=relaxed/relaxed;\r\n d={domain};\r\n s={selector};"
    return field.encode("ascii")


def _loaded(pem: bytes) -> RSAPrivateKey | Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    mend = "Create one with `openssl genrsa -out dkim.pem 2048`, without a passphrase."
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # "from None": the exception may quote the key material it could not read.
        raise SettingsError(
            "The DKIM key is not a private key in PEM format without a passphrase.", mend=mend
        ) from None
    if isinstance(key, RSAPrivateKey):
        if key.key_size < MIN_RSA_BITS:
            raise SettingsError(f"The DKIM key has {key.key_size} bits, too few for any receiver.", mend=mend)
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise SettingsError("The DKIM key is neither an RSA nor an Ed25519 key.", mend=mend)
