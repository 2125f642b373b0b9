"""The HTML part as a tree, and what checks need from it: texts, styles, the story an element belongs to."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from digest.checks.types import Facts
from digest.model.issue import Layout

# A card is about fifteen elements deep; anything deeper is only meant to keep us busy.
_DEEPEST = 64
_PRIVATE_ENDINGS = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


@lru_cache(maxsize=4)
def page(html: str) -> LexborHTMLParser:
    """The parsed page; all checks share it, so none may change it."""
    return LexborHTMLParser(html)


def elements(html: str, selector: str) -> list[LexborNode]:
    return page(html).css(selector)


def attribute(node: LexborNode, name: str) -> str | None:
    """The attribute's value: empty if it has none, `None` if it is absent."""
    attributes = node.attributes
    return (attributes[name] or "") if name in attributes else None


def text_of(node: LexborNode) -> str:
    return collapse_whitespace(node.text(deep=True, separator=" "))


@lru_cache(maxsize=4)
def visible_text(html: str) -> str:
    """All text of the body, with whitespace collapsed."""
    body = page(html).body
    return text_of(body) if body else ""


@lru_cache(maxsize=4)
def styles(html: str) -> tuple[str, ...]:
    """The content of each `<style>`, except those inside Outlook's conditional comments."""
    return tuple(node.text(deep=True) for node in elements(html, "style"))


def story_of(html: str, node: LexborNode) -> str:
    """The headline of the story that `node`, an element of `html`, belongs to.

    An image links to the same page as its headline; anything else is near a headline.
    """
    headlines = _headlines(html)
    link = link_around(node)
    href = attribute(link, "href") if link is not None else None
    if href and href in headlines.linked:
        return headlines.linked[href]
    around: LexborNode | None = node
    for _ in range(_DEEPEST):
        if around is None or around.mem_id in headlines.around:
            break
        around = around.parent
    return headlines.around.get(around.mem_id, "") if around is not None else ""


class _Headlines(NamedTuple):
    linked: dict[str, str]  # headlines by link target
    around: dict[int, str]  # the first headline inside each element that contains one


@lru_cache(maxsize=4)
def _headlines(html: str) -> _Headlines:
    linked: dict[str, str] = {}
    around: dict[int, str] = {}
    for heading in elements(html, "h1, h2, h3"):
        text = text_of(heading)
        for link in heading.css("a"):
            linked.setdefault(attribute(link, "href") or "", text)
        node: LexborNode | None = heading
        while node is not None and node.tag != "body":
            around.setdefault(node.mem_id, text)
            node = node.parent
    return _Headlines(linked, around)


def link_around(node: LexborNode) -> LexborNode | None:
    """The link that `node` is or is inside of."""
    around: LexborNode | None = node
    for _ in range(_DEEPEST):
        if around is None or around.tag == "a":
            return around
        around = around.parent
    return None


def collapse_whitespace(text: str) -> str:
    """Replace every run of whitespace with one space."""
    return " ".join(text.split())


def without_whitespace(text: str) -> str:
    """Without any whitespace, to compare two texts that are wrapped differently."""
    return "".join(text.split())


def layout_texts(layout: Layout) -> Iterator[str]:
    """Every text of the stories, as selected."""
    for section in layout.sections:
        yield section.title
    for teaser in layout.teasers:
        yield from (teaser.headline, teaser.text, teaser.author, teaser.topic, teaser.url)
        if teaser.image:
            yield from (teaser.image.url, teaser.image.alt)


def host_of(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def is_private(host: str) -> bool:
    """Whether a host is only reachable on this network."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(_PRIVATE_ENDINGS)


def site_is_private(facts: Facts) -> bool:
    """Whether digest is being tried out on one machine, so that private addresses are intended."""
    return any(is_private(host_of(url)) for url in (facts.site.url, facts.site.public_url))


def scheme_of(url: str) -> str:
    found = re.match(r"\s*([a-zA-Z][a-zA-Z0-9+.-]*):", url)
    return found[1].lower() if found else ""
