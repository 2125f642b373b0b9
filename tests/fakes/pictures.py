"""Pictures as blogs have them, drawn when asked for."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image


def photograph(
    width: int = 1600, height: int = 1200, *, kind: str = "JPEG", mode: str = "RGB", **said: Any
) -> bytes:
    """A smooth ground with fine grain, which is what makes photographs large."""
    grain = Image.effect_noise((width, height), 40)
    ground = Image.linear_gradient("L").resize((width, height))
    turned = ground.transpose(Image.Transpose.ROTATE_180)
    return written(
        Image.merge("RGB", (ground, Image.blend(ground, grain, 0.5), turned)).convert(mode), kind, **said
    )


def halves(left: str, right: str, *, size: tuple[int, int] = (800, 450), mode: str = "RGB") -> Image.Image:
    """Two colours side by side: shows what was turned, cut or recoloured."""
    image = Image.new(mode, size, left)
    image.paste(Image.new(mode, (size[0] // 2, size[1]), right), (size[0] // 2, 0))
    return image


def written(image: Image.Image, kind: str, **said: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **said)
    return file.getvalue()


def declared(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes that says it is that large, as bombs do."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checked = name + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 64))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")
