"""Files of pictures as far as their size is written: enough for whoever reads only the beginning."""

from __future__ import annotations

import struct


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + struct.pack(">II", width, height) + b"\x08\x06\0\0\0"


def jpeg(width: int, height: int, *, profile: int = 14, frame: int = 0xC0) -> bytes:
    before = b"\xff\xe0" + struct.pack(">H", profile + 2) + b"\0" * profile
    huffman = b"\xff\xc4\x00\x04\x09\x09"
    sizes = struct.pack(">HBHHB", 11, 8, height, width, 1)
    return b"\xff\xd8" + before + huffman + b"\xff" + bytes([0xFF, frame]) + sizes + b"\x01\x11\x00"


def webp(form: bytes, payload: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + form + struct.pack("<I", len(payload)) + payload


def lossy(width: int, height: int) -> bytes:
    # The two highest bits of each are a scale, which is none of the size.
    return webp(b"VP8 ", b"\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", width | 0x4000, height))


def lossless(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14))


def extended(width: int, height: int) -> bytes:
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return webp(b"VP8X", b"\x10\0\0\0" + sizes)
