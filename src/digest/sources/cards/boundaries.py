"""From links to cards: the widest range around each link that holds no other link of its group.

Where cards have no box of their own (a headline and loose paragraphs after it), they take in the siblings
that belong to them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from digest.sources import html_dates
from digest.sources.article_links import Link
from digest.sources.cards.card import Card
from digest.sources.page_tree import HEADINGS, Element, Page
from digest.sources.read_more import is_invitation


def cut_cards(page: Page, links: list[Link]) -> list[Card]:
    """A card for every link, without overlap, in document order."""
    if len({link.url for link in links}) == 1 and not _is_shared_link(page, links):
        root = _lone_root(page, links[0].anchor)
        return _spread(page, [Card(links[0], root.index, root.end, root.text_start, root.text_end)])
    heights = _heights(links)
    usual = sorted(heights)[len(heights) // 4]
    roots = [_above(link.anchor, min(height, usual)) for link, height in zip(links, heights, strict=True)]
    cards: list[Card] = []
    seen: set[int] = set()
    for link, root in zip(links, roots, strict=True):
        if root.index not in seen:
            seen.add(root.index)
            cards.append(Card(link, root.index, root.end, root.text_start, root.text_end))
    return _spread(page, cards)


def _is_shared_link(page: Page, links: list[Link]) -> bool:
    """Several teasers that all lead to one page: each has its own "Read more", or its own headline."""
    if len(links) < 2:
        return False
    if all(is_invitation(page.text_of(link.anchor)) for link in links):
        return True
    texts = {page.text_of(link.anchor) for link in links}
    return len(texts) == len(links) and all(
        any(e.tag in HEADINGS for e in link.anchor.ancestors()) for link in links
    )


def _heights(links: list[Link]) -> list[int]:
    """For each link, how many ancestors up its box still holds no other article's link."""
    places = places_of(links)
    are_shared = len({link.url for link in links}) == 1
    return [_height(link, links, places, are_shared=are_shared) for link in links]


def _height(link: Link, links: list[Link], places: list[int], *, are_shared: bool) -> int:
    height = 0
    element = link.anchor
    while element.parent is not None and element.parent.tag not in {"body", "html", "main"}:
        parent = element.parent
        inside = links[bisect_left(places, parent.index) : bisect_left(places, parent.end)]
        if (
            any(other.url != link.url or (are_shared and other is not link) for other in inside)
            or height >= 40
        ):
            break
        element = parent
        height += 1
    return height


def places_of(links: list[Link]) -> list[int]:
    return [link.anchor.index for link in links]


def _above(element: Element, height: int) -> Element:
    for _ in range(height):
        if element.parent is None:
            break
        element = element.parent
    return element


_CARD_WORDS = frozenset(
    {"post", "card", "entry", "article", "teaser", "item", "hentry", "story", "hero", "featured"}
)


def _lone_root(page: Page, anchor: Element) -> Element:
    """The card of a single link: the nearest box named like a card, or one with more text than the link."""
    chain = [anchor, *(a for a in anchor.ancestors() if a.tag not in {"body", "html", "main"})]
    if (
        any(e.tag in HEADINGS for e in page.elements[anchor.index : anchor.end])
        and len(page.text_of(anchor)) > 80
    ):
        return anchor
    for element in chain:
        if element.tag in {"article", "li", "tr"} or "h-entry" in element.classes:
            return element
        if (
            element.tag not in HEADINGS | {"a", "span", "h1"}
            and element.words() & _CARD_WORDS
            and element.depth > 2
        ):
            inside = page.text_of(element)
            if len(inside) > len(page.text_of(anchor)) + 15:
                return element
    for element in chain:
        if element.tag == "section" or len(page.text_of(element)) > len(page.text_of(anchor)) + 40:
            return element
    return chain[-1]


def _spread(page: Page, cards: list[Card]) -> list[Card]:
    """Let cards that are only a headline (or only a "Read more") take in the siblings that belong to them."""
    by_parent: dict[int, list[Card]] = {}
    for card in cards:
        parent = page.elements[card.start].parent
        by_parent.setdefault(parent.index if parent else -1, []).append(card)
    spread: list[Card] = []
    for place, members in by_parent.items():
        if place < 0:
            spread += members
        elif _are_words_in_a_line(page, page.elements[place], members):
            spread += [_line_card(page, page.elements[place], c) for c in members]
        else:
            spread += _spread_among(page, page.elements[place], members)
    return sorted(spread, key=lambda c: (c.start, c.text_start))


def _are_words_in_a_line(page: Page, parent: Element, members: list[Card]) -> bool:
    return parent.has_own_text and all(
        page.elements[c.start].tag in {"a", "b", "strong", "em", "span", "code", "small"} for c in members
    )


def _line_card(page: Page, parent: Element, card: Card) -> Card:
    """Lines that are parted by <br>: the text from one break to the next."""
    start = line_start(page, parent, card.text_start)
    end = card.text_end
    while end < parent.text_end and page.pieces[end].text != "\n":
        end += 1
    return Card(card.link, card.start, card.end, start, end)


def _spread_among(page: Page, parent: Element, members: list[Card]) -> list[Card]:
    siblings = parent.children
    order = {sibling.index: place for place, sibling in enumerate(siblings)}
    roots = [order[c.start] for c in members]
    gaps = [siblings[a + 1 : b] for a, b in zip(roots, [*roots[1:], len(siblings)], strict=True)]
    if not _are_loose(page, members, gaps[:-1] or gaps):
        return members
    if _are_closings(page, members):
        return _spread_backwards(siblings, roots, members)
    first = _common_lead(page, siblings, roots)
    longest = max((len(g) for g in gaps[:-1]), default=12)
    cards = []
    for card, root, gap in zip(members, roots, gaps, strict=True):
        tail = _own_part(page, gap, longest if root == roots[-1] else len(gap))
        last = (
            tail[-1 - first]
            if len(tail) > first and root != roots[-1]
            else (tail[-1] if tail else siblings[root])
        )
        if root != roots[-1] and len(tail) == len(gap) and first:
            last = siblings[root + len(tail) - first]
        head = siblings[max(root - first, 0)]
        cards.append(
            Card(card.link, head.index, last.end, head.text_start, max(last.text_end, card.text_end))
        )
    return cards


def _are_loose(page: Page, members: list[Card], gaps: Sequence[list[Element]]) -> bool:
    """Whether the members hold nothing but a link, and text of their own stands between them."""
    bare = [len(page.text(c.text_start, c.text_end)) - len(page.text_of(c.link.anchor)) for c in members]
    if sorted(bare)[len(bare) // 2] > 45:
        return False
    full = [g for g in gaps if any(_tells(page, e) for e in g)]
    return len(full) * 10 >= len(gaps) * 6


def _tells(page: Page, element: Element) -> bool:
    text = page.text_of(element)
    return bool(text) and html_dates.year_alone(text) is None


def _are_closings(page: Page, members: list[Card]) -> bool:
    said = [is_invitation(page.text_of(c.link.anchor)) for c in members]
    return sum(said) * 2 > len(said)


def _spread_backwards(siblings: list[Element], roots: list[int], members: list[Card]) -> list[Card]:
    """ "Read more" closes its card: everything before it, back to the one before, is the card."""
    lengths = [b - a for a, b in pairwise(roots)]
    usual = max(lengths, default=3)
    cards = []
    previous = max(roots[0] - usual, -1)
    for card, root in zip(members, roots, strict=True):
        start = _start_after_rule(siblings, previous + 1, root)
        head, last = siblings[start], siblings[root]
        cards.append(Card(card.link, head.index, last.end, head.text_start, last.text_end))
        previous = root
    return cards


def _start_after_rule(siblings: list[Element], start: int, root: int) -> int:
    """Skip a rule, a page title or what is not of the card before its first heading."""
    for place in range(root, start - 1, -1):
        if siblings[place].tag == "hr":
            return place + 1
        if siblings[place].tag in HEADINGS and siblings[place].tag != "h1":
            return place
    while start < root and siblings[start].tag in {"h1", "header", "nav"}:
        start += 1
    return start


def _common_lead(page: Page, siblings: list[Element], roots: list[int]) -> int:
    """1 where every headline has its date or picture in front of it, 0 elsewhere."""
    before = [siblings[r - 1] if r > 0 else None for r in roots]
    leading = [e for e in before if e is not None and (_is_date_line(page, e) or _is_picture(page, e))]
    return 1 if len(leading) == len(roots) and len(roots) > 1 else 0


def _is_date_line(page: Page, element: Element) -> bool:
    text = page.text_of(element)
    return (
        0 < len(text) <= 40
        and (element.tag == "time" or len(html_dates.without_dates(text, yearless=True)) <= 6)
        and (html_dates.year_alone(text) is None)
    )


def _is_picture(page: Page, element: Element) -> bool:
    inside = page.elements[element.index : element.end]
    return not page.text_of(element) and any(e.tag == "img" for e in inside)


def _own_part(page: Page, gap: list[Element], longest: int) -> list[Element]:
    """The siblings after a headline that are still its own: up to a rule, a year or a piece of furniture."""
    own: list[Element] = []
    for element in gap[:longest]:
        if element.tag in {"hr", "nav", "footer", "form", "aside", "h1"} or html_dates.year_alone(
            page.text_of(element)
        ):
            break
        own.append(element)
    return own


def line_start(page: Page, cell: Element, place: int) -> int:
    """Where the line of a place begins: at the cell's start or after its last line break."""
    for before in range(place - 1, cell.text_start - 1, -1):
        if page.pieces[before].text == "\n":
            return before + 1
    return cell.text_start
