"""Images: alt text, dimensions, a working address, without the network."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborNode

from digest.checks.html_tree import attribute, elements, link_around, scheme_of, story_of, text_of
from digest.checks.types import Check, Facts, Message, Problem, Severity

_FILE_NAME = re.compile(r"[\w%+-]+\.(jpe?g|png|gif|webp|avif|svg|bmp)", re.IGNORECASE)
_NOT_EVERYWHERE = re.compile(r"\.(webp|avif|svg|bmp|tiff?|heic)$", re.IGNORECASE)


def texts(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """WCAG 1.1.1; an image needs no alt text if a link with words leads to the same page."""
    spoken = {
        attribute(link, "href")
        for link in elements(message.html, "a")
        if text_of(link) and not _is_hidden(link)
    }
    for image in elements(message.html, "img"):
        alt = attribute(image, "alt")
        link = link_around(image)
        if alt is None:
            yield Problem(
                "An image has no alt attribute, so its address would be read out.",
                story_of(message.html, image),
            )
        elif _is_file_name(alt, attribute(image, "src") or ""):
            yield Problem(
                f"The alt text of an image is its file name, “{alt}”. Describe in a few words what it shows.",
                story_of(message.html, image),
                Severity.WARN,
            )
        elif (
            not alt.strip()
            and link is not None
            and not text_of(link)
            and attribute(link, "href") not in spoken
        ):
            yield Problem("A link contains only an image without alt text.", story_of(message.html, image))


def _is_hidden(link: LexborNode) -> bool:
    return attribute(link, "aria-hidden") == "true"


def _is_file_name(alt: str, src: str) -> bool:
    name = posixpath.basename(unquote(urlsplit(src).path))
    return bool(alt) and (alt == name or bool(_FILE_NAME.fullmatch(alt.strip())))


def dimensions(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """Outlook trusts these attributes, and uses the file's own size without them."""
    for image in elements(message.html, "img"):
        width, height = attribute(image, "width") or "", attribute(image, "height")
        if not width.isdecimal():
            yield Problem("An image does not state its width in pixels.", story_of(message.html, image))
        elif int(width) > 600:
            yield Problem(f"An image is {width} pixels wide; a mail has 600.", story_of(message.html, image))
        if height is None or not height.isdecimal():
            yield Problem(
                "An image does not state its height, so the text jumps when the image loads.",
                story_of(message.html, image),
            )


def addresses(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    for image in elements(message.html, "img"):
        src = attribute(image, "src") or ""
        scheme = scheme_of(src)
        if scheme not in {"https", "http"}:
            yield Problem(
                f"An image has no absolute web address: “{src[:80]}”.", story_of(message.html, image)
            )
        elif scheme == "http":
            yield Problem(
                f"An image is loaded without encryption, so some mail apps hide it: {src}",
                story_of(message.html, image),
                Severity.WARN,
            )
        if _NOT_EVERYWHERE.search(urlsplit(src).path):
            yield Problem(
                f"Outlook on Windows does not show this image format: {src}",
                story_of(message.html, image),
                Severity.WARN,
            )


CHECKS = (
    Check("img-alt", Severity.BLOCK, "Every image has alt text, or is marked as needing none.", texts),
    Check("img-dim", Severity.WARN, "Every image states its size.", dimensions),
    Check("img-url", Severity.BLOCK, "Every image has an address that mail apps can load.", addresses),
)
