"""Images: a text for who does not see them, a size, an address that works (rules 33 to 35, offline)."""

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
    """WCAG 1.1.1; an image may be silent where a link with words leads to the same page."""
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
                "An image has no alt attribute: its address would be read out.", story_of(message.html, image)
            )
        elif _is_file_name(alt, attribute(image, "src") or ""):
            yield Problem(
                f"The text for an image is its file's name, “{alt}”. Say in a few words what it shows.",
                story_of(message.html, image),
                Severity.WARN,
            )
        elif (
            not alt.strip()
            and link is not None
            and not text_of(link)
            and attribute(link, "href") not in spoken
        ):
            yield Problem("A link holds nothing but an image without a text.", story_of(message.html, image))


def _is_hidden(link: LexborNode) -> bool:
    return attribute(link, "aria-hidden") == "true"


def _is_file_name(alt: str, src: str) -> bool:
    name = posixpath.basename(unquote(urlsplit(src).path))
    return bool(alt) and (alt == name or bool(_FILE_NAME.fullmatch(alt.strip())))


def dimensions(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """Outlook takes the attributes at their word, and shows the file's own size without them."""
    for image in elements(message.html, "img"):
        width, height = attribute(image, "width") or "", attribute(image, "height")
        if not width.isdecimal():
            yield Problem("An image does not state its width in pixels.", story_of(message.html, image))
        elif int(width) > 600:
            yield Problem(f"An image is {width} pixels wide; a mail has 600.", story_of(message.html, image))
        if height is None or not height.isdecimal():
            yield Problem(
                "An image does not state its height: the text jumps when it arrives.",
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
                f"An image is fetched without encryption; some mail programs hide it: {src}",
                story_of(message.html, image),
                Severity.WARN,
            )
        if _NOT_EVERYWHERE.search(urlsplit(src).path):
            yield Problem(
                f"Outlook on Windows does not show this kind of image: {src}",
                story_of(message.html, image),
                Severity.WARN,
            )


CHECKS = (
    Check("img-alt", Severity.BLOCK, "Every image has a text, or says that it needs none.", texts),
    Check("img-dim", Severity.WARN, "Every image states its size.", dimensions),
    Check("img-url", Severity.BLOCK, "Every image has an address that mail programs can fetch.", addresses),
)
