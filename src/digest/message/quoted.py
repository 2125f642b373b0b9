"""Quoted-printable (RFC 2045, 6.7), so strict that a message survives every relay unchanged.

Lines have at most 76 octets and end with CRLF; none ends with whitespace, and none
starts with "." (SMTP would have to double it) or with "From " (mailbox files
would change it).  Encoded pieces can be joined with the soft break "=\\r\\n".
"""

from __future__ import annotations

import re

SOFT_BREAK = b"=\r\n"
_WIDTH = 75  # plus one octet for the "=" of a soft break

_LITERAL = re.compile(rb"[ -<>-~]*")
_TO_ENCODE = re.compile(rb"[^ -<>-~\t]")


def encode_lines(text: str) -> bytes:
    """Encode text whose lines end with "\\n"; in the result, every line but the last ends with CRLF."""
    return b"\r\n".join(_encode_line(line) for line in text.encode("utf-8").split(b"\n"))


def encode_value(value: str) -> bytes:
    """Encode one line of text, for use at the start of a wire line and before a soft break."""
    octets = value.encode("utf-8")
    if len(octets) <= _WIDTH and _LITERAL.fullmatch(octets) and not octets.startswith((b".", b"From ")):
        return octets
    return _encode_line(octets)


def _encode_line(line: bytes) -> bytes:
    encoded = _TO_ENCODE.sub(lambda octet: b"=%02X" % octet[0][0], line)
    if encoded[-1:] in (b" ", b"\t"):
        encoded = encoded[:-1] + b"=%02X" % encoded[-1]
    pieces = []
    while True:
        encoded = _guard_start(encoded)
        if len(encoded) <= _WIDTH:
            pieces.append(encoded)
            return SOFT_BREAK.join(pieces)
        end = _cut(encoded)
        pieces.append(encoded[:end])
        encoded = encoded[end:]


def _guard_start(encoded: bytes) -> bytes:
    if encoded.startswith(b"."):
        return b"=2E" + encoded[1:]
    if encoded.startswith(b"From "):
        return b"=46" + encoded[1:]
    return encoded


def _cut(encoded: bytes) -> int:
    """Where to break the line without splitting "=XX"."""
    escape = encoded.rfind(b"=", _WIDTH - 2, _WIDTH)
    return _WIDTH if escape < 0 else escape
