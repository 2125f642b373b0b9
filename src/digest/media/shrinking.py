"""Turns an untrusted image file into a small JPEG or PNG (Pillow).

Input is treated as hostile: the size is checked in the header before a pixel is
unpacked, only web formats are tried, and nothing but pixels comes out: no EXIF,
no profile, no comment, one frame.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from digest.errors import DigestError

HEAVIEST = 200_000  # bytes of a copy

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
# Fully unpacked, these take up to 420 MB (WebP, measured).  JPEG can be unpacked at a fraction of its
# size, and phones take such large photographs.
_MOST_PIXELS = 25_000_000
_MOST_PIXELS_OF_JPEG = 50_000_000
_NARROWEST = 3  # pixels: anything smaller is a tracking pixel
_QUALITIES = (82, 74, 66, 58, 50)
_FEW_COLOURS = 256

# One at a time: each may take a few hundred megabytes, and all threads share one warnings filter.
_one = threading.Lock()

# From the width and height of a picture: the part to keep, and the size to give it.
CutOf = Callable[[int, int], tuple[tuple[int, int, int, int], tuple[int, int]]]


class NotAPicture(DigestError):
    """These bytes are not a picture that is safe to decode; the message completes a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    content: bytes
    kind: str  # jpg or png
    width: int
    height: int


def shrunk(content: bytes, *, cut: CutOf) -> Copy:
    """A copy of at most `HEAVIEST` bytes, upright, in sRGB, cut and sized as `cut` says.

    Raises:
        NotAPicture: it is not a picture, has too many pixels, or is broken.
    """
    with _one, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(BytesIO(content), formats=_FORMATS) as opened:
                return _shrunk(opened, cut)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
            raise NotAPicture("has too many pixels") from bomb
        except UnidentifiedImageError as unknown:
            raise NotAPicture("is not a JPEG, PNG, GIF, WebP or AVIF") from unknown
        except NotAPicture:
            raise
        except Exception as broken:
            # Decoders stumble in many ways: OSError, SyntaxError, ValueError, struct.error.
            raise NotAPicture("is broken") from broken


def _shrunk(opened: Image.Image, cut: CutOf) -> Copy:
    width, height = opened.size
    if width * height > (_MOST_PIXELS_OF_JPEG if opened.format in {"JPEG", "MPO"} else _MOST_PIXELS):
        raise NotAPicture("has too many pixels")
    if min(width, height) < _NARROWEST:
        raise NotAPicture("is a tracking pixel")
    is_sharp = opened.format in {"PNG", "GIF"} and _has_few_colours(opened)
    opened.seek(0)
    # JPEG can be unpacked at a half, a quarter or an eighth: a third of the time for a photograph.
    opened.draft(None, (3000, 3000))
    ImageOps.exif_transpose(opened, in_place=True)
    image = _in_srgb(opened)
    box, size = cut(*image.size)
    image = image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    return next(copy for copy in _attempts(image, is_sharp=is_sharp) if len(copy.content) <= HEAVIEST)


def _has_few_colours(image: Image.Image) -> bool:
    """Diagrams and screenshots with few colours get ugly edges as JPEG."""
    if image.mode in {"RGB", "RGBA"}:
        return image.getcolors(_FEW_COLOURS) is not None
    return image.mode in {"1", "L", "P"}


def _in_srgb(image: Image.Image) -> Image.Image:
    """As RGB, or RGBA where something may be transparent; wide-gamut and print colours converted."""
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        return image.convert("RGBA")
    if profile and image.mode in {"RGB", "CMYK", "L"}:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None  # a profile that does not fit: the plain conversion is near enough
        if converted is not None:
            return converted
    if image.mode.startswith("I"):  # sixteen bits of grey, which a plain conversion cuts off
        image = image.point(lambda value: value / 256).convert("L")
    return image.convert("RGB")


def _attempts(image: Image.Image, *, is_sharp: bool) -> Iterator[Copy]:
    """The picture encoded smaller and smaller; the last attempt always fits."""
    if image.mode == "RGBA":
        yield _png(image)
        yield _png(image.quantize(_FEW_COLOURS, method=Image.Quantize.FASTOCTREE))
        background = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(background, image).convert("RGB")
    elif is_sharp:
        # A photograph in grey or in 256 colours is several times larger as PNG.
        sharp, smooth = (
            _png(image.quantize(_FEW_COLOURS, dither=Image.Dither.NONE)),
            _jpeg(image, _QUALITIES[0]),
        )
        yield sharp if len(sharp.content) < 1.5 * len(smooth.content) else smooth
    while True:
        for quality in _QUALITIES:
            yield _jpeg(image, quality)
        width, height = image.size
        image = image.resize((max(1, width * 3 // 4), max(1, height * 3 // 4)), Image.Resampling.LANCZOS)


def _png(image: Image.Image) -> Copy:
    written = BytesIO()
    image.info.clear()
    image.save(written, "PNG", optimize=True)
    return Copy(content=written.getvalue(), kind="png", width=image.width, height=image.height)


def _jpeg(image: Image.Image, quality: int) -> Copy:
    written = BytesIO()
    image.info.clear()  # otherwise the comment and the profile would be kept
    image.save(written, "JPEG", quality=quality, progressive=True, optimize=True)
    return Copy(content=written.getvalue(), kind="jpg", width=image.width, height=image.height)
