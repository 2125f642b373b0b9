"""How an article's image is used in an issue: whether it is printed, its alt text, the shape of a copy.

Nothing is fetched or decoded here; `cleaning.pictures` decides what counts as an image at all.
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
    """The size of an image's place, in pixels of the file: twice the displayed size, for sharp screens."""

    width: int
    height: int


LEAD = Frame(1200, 674)
# Large enough for each place: 160 beside a text, 256 in a row, full width once on a small screen.
CARD = Frame(512, 288)

TOO_HEAVY = "its image is larger than 1 MB, too large to link to"

_FILE_NAME = re.compile(r"(?i)[\w%+ -]+\.(?:jpe?g|png|gif|webp|avif|bmp)")
_SAYS_NOTHING = frozenset(
    "image picture photo thumbnail cover banner hero featured featured-image cover-image hero-image".split()
)


class Picture(NamedTuple):
    """The image to print, and why it differs from the requested one; `note` is empty if it does not."""

    image: Image | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """An image as a teaser names it, and the place it is for."""

    image: Image
    frame: Frame


class Crop(NamedTuple):
    """The part of an image to use (left, top, right, bottom), and the size it is scaled to."""

    box: tuple[int, int, int, int]
    size: tuple[int, int]


def printed_image(image: Image | None, *, url: str, headline: str) -> Image | None:
    """The image of the article at `url` as a teaser prints it; None if it does not count as an image.

    If the article is read over https, an image on the same host is fetched over https
    too.  The alt text is empty if it would say nothing or repeat the headline, which
    follows in the same link (WCAG, technique H2).
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


def image_requests(layout: Layout) -> dict[Teaser, ImageRequest]:
    """The images that the teasers of an issue ask for, in printing order."""
    return {
        teaser: ImageRequest(teaser.image, LEAD if teaser is layout.lead else CARD)
        for teaser in layout.teasers
        if teaser.image is not None
    }


def with_pictures(layout: Layout, pictures: Mapping[ImageRequest, Picture]) -> Layout:
    """The layout with the result of each request; an image without a result stays as it is."""

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
    """An image that subscribers load from its own site, unless it is too large; `file_size` in bytes."""
    return Picture(None, TOO_HEAVY) if is_heavy(file_size) else Picture(image)


def cut_to(frame: Frame, *, width: int, height: int) -> Crop:
    """The centre of an image in the frame's shape, at most as large as the frame; never enlarged."""
    kept_width = min(width, max(1, round(height * frame.width / frame.height)))
    kept_height = min(height, max(1, round(width * frame.height / frame.width)))
    left, top = (width - kept_width) // 2, (height - kept_height) // 2
    scale = min(1.0, frame.width / kept_width, frame.height / kept_height)
    return Crop(
        box=(left, top, left + kept_width, top + kept_height),
        size=(max(1, round(kept_width * scale)), max(1, round(kept_height * scale))),
    )
