"""The picture of a card or a page: never an avatar, an icon or a tracking pixel."""

from __future__ import annotations

import re
from collections.abc import Iterable

from digest.model.article import Image
from digest.rules.cleaning import plain
from digest.rules.cleaning.pictures import is_picture
from digest.sources.page_tree import Element, Page

_NOT_PICTURES = frozenset(
    "avatar gravatar icon icons logo emoji pixel spinner badge badges author profile placeholder "
    "blank spacer sprite".split()
)
_NOT_PICTURE_URL = re.compile(
    r"gravatar\.com|/avatars?/|img\.shields\.io|badge(?:s)?[./]|/emoji/|favicon|/icons?/|feedburner|/pixel"
    r"|spacer\.gif|blank\.gif"
    r"|1x1|stats\.wp\.com|doubleclick|google-analytics|placeholder|\.svg(?:$|\?)",
    re.IGNORECASE,
)
_SOURCES = ("data-src", "data-lazy-src", "data-original", "data-lazy", "data-image", "data-bg", "src")


def image_in(page: Page, elements: Iterable[Element]) -> Image | None:
    """The first real picture among the elements, with its absolute address."""
    for element in elements:
        if element.tag in {"img", "amp-img"}:
            found = _image(page, element)
        elif "background" in element.attributes.get("style", "") or "data-bg" in element.attributes:
            found = _background(page, element)
        else:
            continue
        if found is not None:
            return found
    return None


def _image(page: Page, element: Element) -> Image | None:
    width, height = _pixels(element, "width"), _pixels(element, "height")
    if (
        (width is not None and width <= 64)
        or (height is not None and height <= 48)
        or _is_decoration(element)
    ):
        return None
    url = _source(page, element)
    if not url or _NOT_PICTURE_URL.search(url):
        return None
    image = Image(url=url, alt=plain(element.attributes.get("alt", "")), width=width, height=height)
    return image if is_picture(image) else None


def _is_decoration(element: Element) -> bool:
    near = [element, *list(element.ancestors())[:2]]
    return any(e.words() & _NOT_PICTURES for e in near if e.tag not in {"article", "body", "main"})


def _source(page: Page, element: Element) -> str:
    """Lazy attributes come first: then `src` is only a placeholder."""
    for name in _SOURCES:
        value = element.attributes.get(name, "").strip()
        if value and not value.startswith("data:"):
            return page.absolute(value)
    candidates = [element.attributes.get("srcset", ""), element.attributes.get("data-srcset", "")]
    if element.parent is not None and element.parent.tag == "picture":
        candidates += [
            s.attributes.get("srcset", "") or s.attributes.get("data-srcset", "")
            for s in element.parent.children
        ]
    return next((page.absolute(best_of(c)) for c in candidates if best_of(c)), "")


def best_of(srcset: str) -> str:
    """The widest candidate up to 1200 pixels of a `srcset` (HTML, 4.8.4.2.1), else the smallest above."""
    found: list[tuple[float, str]] = []
    for candidate in re.split(r",\s+|,(?=https?:|/)", srcset.strip()):
        parts = candidate.split()
        if not parts or parts[0].startswith("data:"):
            continue
        size = re.fullmatch(r"([\d.]+)([wx])", parts[1]) if len(parts) > 1 else None
        found.append(((float(size[1]) * (600 if size[2] == "x" else 1)) if size else 600.0, parts[0]))
    fitting = [f for f in found if f[0] <= 1200]
    if fitting:
        return max(fitting, key=lambda f: f[0])[1]
    return min(found, key=lambda f: f[0])[1] if found else ""


def _background(page: Page, element: Element) -> Image | None:
    style = element.attributes.get("style", "")
    found = re.search(r"background(?:-image)?\s*:[^;]*url\(\s*['\"]?([^'\")]+)", style, re.IGNORECASE)
    source = found[1] if found else element.attributes.get("data-bg", "")
    if not source or source.startswith("data:") or _NOT_PICTURE_URL.search(source) or _is_decoration(element):
        return None
    image = Image(url=page.absolute(source), alt=plain(element.attributes.get("aria-label", "")))
    return image if is_picture(image) else None


def _pixels(element: Element, name: str) -> int | None:
    value = re.fullmatch(r"\s*(\d{1,5})(?:\.\d+)?(?:px)?\s*", element.attributes.get(name, ""))
    return int(value[1]) or None if value else None
