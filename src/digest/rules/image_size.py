"""The dimensions of an image in pixels, read from the first bytes of its file."""

from __future__ import annotations

import struct
from typing import NamedTuple

_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers that no length follows
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class Pixels(NamedTuple):
    kind: str  # png, gif, jpeg, webp
    width: int
    height: int


def pixels_of(start: bytes) -> Pixels | None:
    """Kind and dimensions of the image whose file starts like this.

    None if it is of another kind, broken, or states its dimensions further on; in a
    JPEG with a long colour profile that can be after some 100 KB.
    """
    for read in (_png, _gif, _jpeg, _webp):
        try:
            found = read(start)
        except struct.error:
            return None  # the data ends too early
        if found:
            return found if found.width and found.height else None
    return None


def _png(start: bytes) -> Pixels | None:
    """PNG, 11.2.1: IHDR comes first."""
    if start[:8] != b"\x89PNG\r\n\x1a\n" or start[12:16] != b"IHDR":
        return None
    return Pixels("png", *struct.unpack_from(">II", start, 16))


def _gif(start: bytes) -> Pixels | None:
    """GIF89a, 18: the logical screen."""
    if start[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    return Pixels("gif", *struct.unpack_from("<HH", start, 6))


def _jpeg(start: bytes) -> Pixels | None:
    """ITU T.81, B.2.2: the frame header follows segments that each state their length."""
    if start[:2] != b"\xff\xd8":
        return None
    at = 2
    while True:
        mark, marker = struct.unpack_from(">BB", start, at)
        if mark != 0xFF:
            return None
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _JPEG_ALONE:
            at += 2
        elif marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", start, at + 5)
            return Pixels("jpeg", width, height)
        else:
            at += 2 + int(struct.unpack_from(">H", start, at + 2)[0])


def _webp(start: bytes) -> Pixels | None:
    """RFC 9649, 2.5 to 2.7: lossy, lossless, extended."""
    if start[:4] != b"RIFF" or start[8:12] != b"WEBP":
        return None
    form = start[12:16]
    if form == b"VP8X":
        low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", start, 24)
        return Pixels("webp", 1 + low_width + (high_width << 16), 1 + low_height + (high_height << 16))
    if form == b"VP8L":
        (bits,) = struct.unpack_from("<I", start, 21)
        return Pixels("webp", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if form == b"VP8 ":
        width, height = struct.unpack_from("<HH", start, 26)
        return Pixels("webp", width & 0x3FFF, height & 0x3FFF)
    return None
