"""Reading a response's body within a limit of decoded bytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

_STEP = 64 * 1024
_GZIP_START = b"\x1f\x8b"


class SizeError(Exception):
    """The body has more bytes than the caller allows: more than `limit`."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class EncodingError(Exception):
    """The body is not encoded as its header says; the message completes a sentence."""


def read_body(chunks: Iterable[bytes], *, encoding: str, limit: int) -> bytes:
    """All bytes of a body, decoded.

    Memory stays near `limit`, whatever the body expands to: a decompressor is
    asked for one small step at a time (a bomb of 200 MB in 194 KB stops at the
    limit).

    Raises:
        SizeError: as soon as `limit` is passed, encoded or decoded.
        EncodingError: an encoding other than gzip, or broken gzip data.
    """
    if encoding in ("", "identity"):
        return _join(chunks, limit)
    if encoding in ("gzip", "x-gzip"):
        return _join(_gunzip(_counted(chunks, limit)), limit)
    raise EncodingError(f"is encoded as “{encoding[:40]}”, which digest did not request")


def _join(pieces: Iterable[bytes], limit: int) -> bytes:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > limit:
            raise SizeError(limit)
    return bytes(body)


def _counted(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    # Encoded bytes count too: empty deflate blocks expand to nothing without end.
    taken = 0
    for chunk in chunks:
        taken += len(chunk)
        if taken > limit:
            raise SizeError(limit)
        yield chunk


def _gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Decoded pieces of at most `_STEP` bytes.  RFC 1952 allows several members in a row."""
    member = zlib.decompressobj(31)
    started = False
    for chunk in chunks:
        pending = chunk
        while pending:
            if member.eof:
                if not pending.startswith(_GZIP_START):
                    return  # trailing padding, as gzip(1) ignores it
                member = zlib.decompressobj(31)
            started = True
            try:
                yield member.decompress(pending, _STEP)
            except zlib.error as error:
                raise EncodingError("is not the gzip that its header announces") from error
            pending = member.unconsumed_tail or member.unused_data
    if started and not member.eof:
        yield member.flush()
        raise EncodingError("ends in the middle of its gzip data")
