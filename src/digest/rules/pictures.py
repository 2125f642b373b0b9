"""What becomes of an article's picture in an issue: whether it is printed, its text, the shape of a copy.

Nothing is fetched or decoded here; `cleaning.pictures` says what is a picture at all.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from digest.model.article import Image
from digest.model.issue import Layout, Teaser
from digest.rules.cleaning.pictures import is_heavy, is_picture


def notes_of(layout: Layout) -> Iterable[str]:
    """A sentence for each teaser whose picture is not what was wished for."""
    return [f"“{t.headline}”: {t.image_note}" for t in layout.teasers if t.image_note]


class Frame(NamedTuple):
    """A place for a picture, in pixels of the file: twice what is displayed, for screens that show it."""

    width: int
    height: int


LEAD = Frame(1200, 674)
# The largest of 160 beside a text, 256 in a row, and the whole width of a small screen once.
CARD = Frame(512, 288)

TOO_HEAVY = "its picture has more than 1 MB, too much to link to"

_FILE_NAME = re.compile(r"(?i)[\w%+ -]+\.(?:jpe?g|png|gif|webp|avif|bmp)")
_SAYS_NOTHING = frozenset(
    "image picture photo thumbnail cover banner hero featured featured-image cover-image hero-image".split()
)


class Picture(NamedTuple):
    """What is printed for a picture, and why it is not the one that was wished for, or empty."""

    image: Image | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """A picture as a teaser names it, and the place where it goes."""

    image: Image
    frame: Frame


class Crop(NamedTuple):
    """Which part of a picture is taken (left, top, right, bottom), and the size that it gets."""

    box: tuple[int, int, int, int]
    size: tuple[int, int]


def printed_image(image: Image | None, *, url: str, headline: str) -> Image | None:
    """The picture of the article at `url` as a teaser prints it, or None where it is no picture.

    A picture on the host of an article that is read over https is fetched over
    https too.  Its text is empty where it would say nothing, or the headline
    again: the same link's title follows (WCAG, technique H2).
    """
    if image is None or not is_picture(image):
        return None
    return replace(image, url=_over_https(image.url, url), alt=_spoken(image, headline))


def _over_https(image: str, page: str) -> str:
    at, of = urlsplit(image), urlsplit(page)
    if (at.scheme, of.scheme) != ("http", "https") or at.hostname != of.hostname or at.port or of.port:
        return image
    return at._replace(scheme="https").geturl()


def _spoken(image: Image, headline: str) -> str:
    alt = image.alt.strip()
    words = alt.casefold()
    name = posixpath.basename(unquote(urlsplit(image.url).path)).casefold()
    if words == headline.strip().casefold() or re.sub(r"[\s_]+", "-", words) in _SAYS_NOTHING:
        return ""
    if _FILE_NAME.fullmatch(alt) or words in {name, posixpath.splitext(name)[0]}:
        return ""
    return alt


def wishes(layout: Layout) -> dict[Teaser, ImageRequest]:
    """The pictures that the teasers of an issue name, in printing order."""
    return {
        teaser: ImageRequest(teaser.image, LEAD if teaser is layout.lead else CARD)
        for teaser in layout.teasers
        if teaser.image is not None
    }


def with_pictures(layout: Layout, pictures: Mapping[ImageRequest, Picture]) -> Layout:
    """The layout with what became of each wish; one that nobody looked at stays as it is."""

    def pictured(teaser: Teaser, frame: Frame) -> Teaser:
        found = pictures.get(ImageRequest(teaser.image, frame)) if teaser.image else None
        return replace(teaser, image=found.image, image_note=found.note) if found else teaser

    return Layout(
        lead=pictured(layout.lead, LEAD) if layout.lead else None,
        sections=tuple(
            replace(section, teasers=tuple(pictured(teaser, CARD) for teaser in section.teasers))
            for section in layout.sections
        ),
    )


def linked(image: Image, *, file_size: int | None) -> Picture:
    """A picture that readers load from where it is, unless it is too heavy; `file_size` in bytes."""
    return Picture(None, TOO_HEAVY) if is_heavy(file_size) else Picture(image)


def cut_to(frame: Frame, *, width: int, height: int) -> Crop:
    """The middle of a picture in the frame's shape, and at most as large as the frame; never enlarged."""
    kept_width = min(width, max(1, round(height * frame.width / frame.height)))
    kept_height = min(height, max(1, round(width * frame.height / frame.width)))
    left, top = (width - kept_width) // 2, (height - kept_height) // 2
    scale = min(1.0, frame.width / kept_width, frame.height / kept_height)
    return Crop(
        box=(left, top, left + kept_width, top + kept_height),
        size=(max(1, round(kept_width * scale)), max(1, round(kept_height * scale))),
    )
