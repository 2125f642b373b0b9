"""Groups of links that may be the headlines of a list.

Links at the same position in the page's structure form a group; so do the cards that call themselves
articles, and the dated entries of a changelog.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from urllib.parse import urlsplit

from digest.sources import html_dates
from digest.sources.article_links import Link, PageLocation, in_page_address, is_unlikely, shape_of
from digest.sources.cards.boundaries import cut_cards, line_start, places_of
from digest.sources.cards.card import Card, PageContext
from digest.sources.cards.scoring import LinkGroup, measured
from digest.sources.page_tree import HEADINGS, Element, Page
from digest.sources.read_more import is_invitation


def groups_in(page: Page, links: list[Link]) -> list[LinkGroup]:
    by_place: dict[tuple[str, ...], list[Link]] = {}
    labels = _labels(page, links)
    for link in links:
        if link.anchor.index not in labels:
            by_place.setdefault(_place_in_structure(link.anchor), []).append(link)
    groups: list[LinkGroup] = []
    for found in by_place.values():
        members = _one_a_line(page, _without_prose(page, found))
        # Tiles that lead into the manual are often built like the posts below them.
        likely = [link for link in members if not is_unlikely(link.url)]
        different = (members, likely) if len(likely) < len(members) else (members,)
        groups.extend(LinkGroup(some, cut_cards(page, some)) for some in different if some)
    return groups


def _labels(page: Page, links: list[Link]) -> frozenset[int]:
    """Short links beside articles: authors, categories, comments, the host of a link.

    The same words lead to one address from several places; what is in the same
    folder of the site is of the same sort, also if it comes only once.
    """
    texts = {link.anchor.index: page.text_of(link.anchor).casefold() for link in links}
    short = [
        link
        for link in links
        if 0 < len(texts[link.anchor.index].split()) <= 3 and not is_invitation(texts[link.anchor.index])
    ]
    counts = Counter((texts[link.anchor.index], link.url) for link in short)
    repeated = [link for link in short if counts[texts[link.anchor.index], link.url] >= 3]
    hosts = {urlsplit(link.url).netloc.removeprefix("www.") for link in links}
    side = [
        link
        for link in short
        if texts[link.anchor.index] in hosts or _SIDE_LINK.fullmatch(texts[link.anchor.index])
    ]
    folders = {shape_of(link.url) for link in repeated if "/*" in shape_of(link.url).partition("/")[2]}
    return frozenset(
        link.anchor.index
        for link in short
        if link in repeated or link in side or shape_of(link.url) in folders
    )


_SIDE_LINK = re.compile(
    r"\W*(?:\d+\W*)?(?:comments?|discuss|replies|reply|permalink|edit|share|kommentare?|commentaires?"
    r"|comentarios?)(?:\W*\d+)?\W*"
)


def _one_a_line(page: Page, links: list[Link]) -> list[Link]:
    """Where list items mostly hold one link, further ones ("slides", "video") are no articles."""
    by_line: dict[int, list[Link]] = {}
    for link in links:
        parent = link.anchor.parent
        if parent is None or parent.tag not in {"li", "p", "td", "dt", "dd", "h2", "h3", "h4"}:
            return links
        by_line.setdefault(parent.index, []).append(link)
    single = sum(len(line) == 1 for line in by_line.values())
    if len(by_line) < 3 or single * 10 < len(by_line) * 6:
        return links
    return [max(line, key=lambda link: len(page.text_of(link.anchor))) for line in by_line.values()]


_VARYING = re.compile(
    r"\d|^(?:odd|even|first|last|active|current|sticky|featured|selected)$|^(?:category|tag|type|format"
    r"|status|has|author|post_tag)-"
)


def _place_in_structure(anchor: Element) -> tuple[str, ...]:
    """The tags from the root to the anchor, with the class names of the anchor and its parent."""
    path = [_stable_names(anchor)]
    parent = anchor.parent
    path.append(_stable_names(parent) if parent is not None else "")
    if parent is not None and parent.tag in {"td", "th"} and parent.parent is not None:
        path.append(str(parent.parent.children.index(parent)))
    path.extend(a.tag for a in anchor.ancestors())
    return tuple(path)


def _stable_names(element: Element) -> str:
    return " ".join(sorted(n for n in element.classes if not _VARYING.search(n)))


def _without_prose(page: Page, links: list[Link]) -> list[Link]:
    """Leave out links in the middle of sentences; a group that is mostly those is dropped."""
    kept = [link for link in links if not _is_in_prose(page, link.anchor)]
    return kept if len(kept) * 2 > len(links) else []


def _is_in_prose(page: Page, anchor: Element) -> bool:
    text = page.text_of(anchor)
    if is_invitation(text) or any(e.tag in HEADINGS for e in anchor.ancestors()):
        return False
    if _TIME_OF_DAY.fullmatch(text) or not re.search(r"[^\W\d_]", html_dates.without_dates(text)):
        return False  # "Posted by Ann Example at 08:00 AM": the time is the link to the post
    if anchor.text_end == anchor.text_start:
        return False
    cell = page.pieces[anchor.text_start].cell
    if cell is anchor:
        return False
    start = line_start(page, cell, anchor.text_start)
    before = html_dates.without_dates(page.text(start, anchor.text_start), yearless=True)
    return len(re.findall(r"\w", before)) > 18 and not _ends_with_bullet(before)


_TIME_OF_DAY = re.compile(r"\W*\d{1,2}[:.]\d\d(?:\s*[ap]\.?m\.?)?\W*", re.IGNORECASE)


def _ends_with_bullet(text: str) -> bool:
    return bool(re.search(r"[|·•]\s*$", text))


def declared_groups(
    page: Page, location: PageLocation, links: list[Link], context: PageContext
) -> list[LinkGroup]:
    """Cards that call themselves so: <article>, h-entry, schema.org.  They may differ in shape."""
    roots = [e for e in page.elements if _is_declared(e) and not context.flags[e.index]]
    roots = [r for r in roots if not any(r is not o and r.holds(o) for o in _next_inside(roots, r))]
    places = places_of(links)
    cards = []
    for root in roots:
        inside = links[bisect_left(places, root.index) : bisect_left(places, root.end)]
        link = leading_link(page, inside, is_sure=len(roots) == 1)
        if link is not None and not _has_other_headline(page, root, link):
            cards.append(Card(link, root.index, root.end, root.text_start, root.text_end))
    if len(cards) < 1 or len({c.link.url for c in cards}) < len(cards) / 2:
        return []
    group = measured(LinkGroup([c.link for c in cards], cards), location, context)
    return [group] if group is not None else []


def _is_declared(element: Element) -> bool:
    kind = element.attributes.get("itemtype", "")
    return (
        element.tag == "article"
        or "h-entry" in element.classes
        or "hentry" in element.classes
        or ("BlogPosting" in kind or "NewsArticle" in kind or kind.endswith(("/Article", "/TechArticle")))
    )


def _next_inside(roots: list[Element], root: Element) -> list[Element]:
    place = roots.index(root)
    return roots[place + 1 : place + 2]


def _has_other_headline(page: Page, root: Element, link: Link) -> bool:
    """Whether the card's first headline links elsewhere: to the page itself, then it is no teaser."""
    for element in page.elements[root.index : root.end]:
        if element.tag in HEADINGS:
            anchors = [
                e
                for e in page.elements[element.index : element.end]
                if e.tag == "a" and e.attributes.get("href")
            ]
            hrefs = {a.attributes["href"] for a in anchors if len(page.text_of(a)) > 2}
            return (
                bool(hrefs)
                and link.anchor.attributes.get("href") not in hrefs
                and not element.holds(link.anchor)
            )
    return False


def leading_link(page: Page, links: list[Link], *, is_sure: bool = False) -> Link | None:
    """The link of a card's headline, else an invitation, else the first with words, else the only one.

    With `is_sure` only a link that marks itself as the card's own: a headline, a bookmark, an invitation.
    """
    signs = _SIGNS_OF_LEAD[:3] if is_sure else _SIGNS_OF_LEAD
    for sign in signs:
        found = next((link for link in links if sign(page, link)), None)
        if found is not None:
            return found
    if is_sure or len({link.url for link in links}) != 1 or _is_in_prose(page, links[0].anchor):
        return None
    return links[0]


def _is_in_headline(page: Page, link: Link) -> bool:
    inside = page.elements[link.anchor.index : link.anchor.end]
    return any(e.tag in HEADINGS for e in [*list(link.anchor.ancestors())[:3], *inside])


def _is_bookmark(page: Page, link: Link) -> bool:  # noqa: ARG001 - one of several signs of the same shape
    return "u-url" in link.anchor.classes or link.anchor.attributes.get("rel") == "bookmark"


def _is_spoken_invitation(page: Page, link: Link) -> bool:
    text = page.text_of(link.anchor)
    return bool(text) and is_invitation(text)


def _has_words(page: Page, link: Link) -> bool:
    return len(page.text_of(link.anchor).split()) >= 3 and not _is_in_prose(page, link.anchor)


_SIGNS_OF_LEAD = (_is_in_headline, _is_bookmark, _is_spoken_invitation, _has_words)


def changelog_in(page: Page, location: PageLocation, context: PageContext) -> list[LinkGroup]:
    """Dated entries of one page, each with a link to itself.  A table of contents has no such links."""
    links = []
    for element in page.elements:
        if element.tag != "a" or context.flags[element.index]:
            continue
        url = in_page_address(page, element)
        name = url.partition("#")[2]
        beside = element.parent.children if element.parent is not None else []  # <a id="x"></a><a href="#x">
        near = [*beside, element, *list(element.ancestors())[:3]]
        if url and any(name and name in (e.attributes.get("id"), e.attributes.get("name")) for e in near):
            links.append(Link(element, url))
    if len(links) < 2:
        return []
    group = measured(LinkGroup(links, cut_cards(page, links)), location, context)
    return [group] if group is not None else []
