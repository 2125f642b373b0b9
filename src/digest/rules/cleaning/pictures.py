"""The first picture of a fragment that a reader would recognise as one."""

from __future__ import annotations

import re

from digest.model.article import Image
from digest.rules.cleaning.characters import plain
from digest.rules.cleaning.links import absolute_http_url
from digest.rules.cleaning.markup import TagToken, attributes_of, tokens

ICON = 48  # pixels: anything up to this in both directions is a symbol, not a picture
HEAVY = 1_000_000  # bytes: all pictures of a mail together should not weigh more

_NOT_A_PICTURE = re.compile(
    r"""(?ix)
      ^https?://(?:[^/]*\.)?(?:
          doubleclick\.net | google-analytics\.com | googletagmanager\.com | feedsportal\.com
        | pheedo\.com | scorecardresearch\.com | quantserve\.com | gravatar\.com
        | shields\.io | badge\.fury\.io | stats\.wordpress\.com | pixel\.wp\.com | feedblitz\.com
        | list-manage\.com
      )(?:[:/]|$)
    | ^https?://(?:facebook\.com|www\.facebook\.com)/tr\b
    | ^https?://feeds\.[^/]+/~ | ^https?://medium\.com/_/stat | ^https?://s\.w\.org/images/core/emoji/
    | \.(?:svgz?|ico)(?:$|[?\#])                # mail programs do not show them
    | /(?:pixel|spacer|blank|clear|transparent|1x1|tracking)\.(?:gif|png)(?:$|[?\#])
    | /(?:b|count|open)\.gif(?:$|[?\#])
    | /(?:emoji|emoticons|smilies|avatars?)/ | /favicon[\w-]*\.
    """
)
_SYMBOL_CLASS = re.compile(
    r"(?i)(?:^|[\s_-])(?:emoji|smiley|avatar|icon|logo|badge|tracking|pixel)(?:$|[\s_-])"
)
_IMG = re.compile(r"<img\b", re.IGNORECASE)
# Where lazy loaders keep the true address, best first.
_SOURCES = ("src", "data-src", "data-lazy-src", "data-original", "data-orig-file")


def first_image(markup: str, base: str) -> Image | None:
    """The first picture of a fragment, its address made absolute with `base`.

    Tracking pixels, symbols, avatars, badges, SVG and inline data are skipped.
    Lazy-loaded pictures and `srcset` are supported.
    """
    if not _IMG.search(markup):
        return None
    for token in tokens(markup):
        if (
            isinstance(token, TagToken)
            and token.name == "img"
            and (image := _image(attributes_of(token), base))
        ):
            return image
    return None


def _image(attributes: dict[str, str], base: str) -> Image | None:
    width, height = _pixels(attributes.get("width", "")), _pixels(attributes.get("height", ""))
    if _is_symbol(width, height) or _SYMBOL_CLASS.search(attributes.get("class", "")):
        return None
    url = next((url for url in _candidates(attributes, base) if _is_picture_address(url)), "")
    if not url:
        return None
    return Image(url=url, alt=plain(attributes.get("alt", "")), width=width, height=height)


def _pixels(text: str) -> int | None:
    match = re.fullmatch(r"\s*(\d{1,5})(?:\.\d+)?(?:px)?\s*", text, re.ASCII)
    return int(match[1]) if match else None


def _is_symbol(width: int | None, height: int | None) -> bool:
    if (width is not None and width <= 2) or (height is not None and height <= 2):
        return True
    return width is not None and height is not None and max(width, height) <= ICON


def _candidates(attributes: dict[str, str], base: str) -> list[str]:
    written = [attributes.get(name, "") for name in _SOURCES]
    written += [_widest(attributes.get(name, "")) for name in ("srcset", "data-srcset")]
    return [absolute_http_url(text, base) for text in written if text]


def _widest(srcset: str) -> str:
    """The address of the largest candidate of a `srcset`."""
    best, best_size = "", -1.0
    for address, size in re.findall(r"(\S*[^\s,])(?:\s+([\d.]{1,8})[wx])?\s*(?:,|$)", srcset[:8000]):
        if (number := float(size) if re.fullmatch(r"\d+(?:\.\d+)?", size) else 1.0) > best_size:
            best, best_size = address, number
    return best


def is_picture(image: Image) -> bool:
    """Whether it may be a picture by its absolute address and its size as said: no pixel, no symbol."""
    return _is_picture_address(image.url) and not _is_symbol(image.width, image.height)


def is_heavy(file_size: int | None) -> bool:
    """Whether a file is too large to load for everyone who opens a mail."""
    return file_size is not None and file_size > HEAVY


def _is_picture_address(url: str) -> bool:
    return bool(url) and not _NOT_A_PICTURE.search(url)
