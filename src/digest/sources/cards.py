"""Finds the teaser cards of a listing page without being told where they are.

Links that stand in the same place of the page's structure form a group.  A card
is the widest range around such a link that holds no other link of its group, so
it does not matter whether cards are articles, list items, table rows, one big
link each, or a heading with loose paragraphs after it.  Every group is read as
if it were the list; the one that says most of what articles say (dates, authors,
headlines, teasers, invitations to read on) wins, and groups of its kind join it.
Furniture of the page never takes part.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from urllib.parse import urlsplit

from digest.model.article import FoundArticle
from digest.sources import html_dates
from digest.sources.article_links import (
    Link,
    Place,
    date_of,
    has_slug,
    in_page_address,
    is_blog_like,
    is_blog_page,
    is_unlikely,
    place_of,
    shape_of,
    usable_links,
)
from digest.sources.card_reading import Card, Surroundings, read_card
from digest.sources.invitations import is_invitation
from digest.sources.page_tree import HEADINGS, Element, Page
from digest.sources.page_zones import furniture

# Below this a group of links is not taken for a list of articles.  A dated
# headline has about 6, an undated teaser with "Read more" about 5, a menu under 1,
# a tile "Fast. Learn more" about 2.
ENOUGH = 3.5
_SAMPLE = 12
_MOST_LINKS = 10_000


@dataclass(slots=True)
class _Group:
    """Links of one place in the structure, and what they look like as cards."""

    links: list[Link]
    cards: list[Card]
    evidence: float = 0.0
    dated: float = 0.0  # share of cards with a date
    is_in_page: bool = False

    @property
    def score(self) -> float:
        return self.evidence + 0.6 * math.log2(len(self.cards) + 1)


@dataclass(frozen=True, slots=True)
class Detection:
    """The cards of a page in document order, and what they share."""

    cards: tuple[Card, ...]
    at: Surroundings

    def articles(self) -> tuple[FoundArticle, ...]:
        found = (read_card(card, self.at) for card in self.cards)
        return tuple(article for article in found if article is not None)


def find_cards(page: Page, *, now: datetime) -> Detection:
    """The cards of the page's main list; none where it has no such list."""
    place = place_of(page)
    for soft in (True, False):
        flags = furniture(page, soft=soft)
        links = [link for link in usable_links(page, place) if not flags[link.anchor.index]][:_MOST_LINKS]
        at = surroundings(page, flags, links, now=now)
        cards = _main_cards(page, place, links, at)
        if cards:
            break
    return Detection(tuple(cards), at)


def surroundings(page: Page, flags: bytearray, links: Iterable[Link], *, now: datetime) -> Surroundings:
    """What all cards of a page share; `links` tell which words are calls rather than titles."""
    texts = (piece.text for piece in page.pieces if "/" in piece.text)
    return Surroundings(
        page=page,
        flags=flags,
        now=now,
        is_day_first=html_dates.is_day_first((t for t in texts if len(t) < 80), language=page.language),
        calls=_calls(page, links),
    )


def _calls(page: Page, links: Iterable[Link]) -> frozenset[str]:
    """Short link texts that lead to three or more different articles."""
    targets: dict[str, set[str]] = {}
    for link in links:
        text = page.text_of(link.anchor).casefold()
        if text and len(text.split()) <= 4:
            targets.setdefault(text, set()).add(link.url)
    return frozenset(text for text, urls in targets.items() if len(urls) >= 3)


def _main_cards(page: Page, place: Place, links: list[Link], at: Surroundings) -> list[Card]:
    groups = [g for g in (_weighed(g, place, at) for g in _groups(page, links)) if g is not None]
    groups += _declared_groups(page, place, links, at)
    fitting = [g for g in groups if g.evidence >= ENOUGH + (1.5 if len(g.cards) == 1 else 0)]
    fitting = [g for g in fitting if not _is_inside_one_card(g, fitting)]
    if not fitting:
        fitting = _changelog(page, place, at)
    if not fitting:
        return []
    best = max(fitting, key=lambda g: (g.score, -g.cards[0].start))
    return _joined(best, [g for g in groups if g is not best], at)


# --- groups


def _groups(page: Page, links: list[Link]) -> list[_Group]:
    by_place: dict[tuple[str, ...], list[Link]] = {}
    labels = _labels(page, links)
    for link in links:
        if link.anchor.index not in labels:
            by_place.setdefault(_place_in_structure(link.anchor), []).append(link)
    groups = []
    for found in by_place.values():
        members = _one_a_line(page, _without_prose(page, found))
        if members:
            groups.append(_Group(members, _cut_cards(page, members)))
    return groups


def _labels(page: Page, links: list[Link]) -> frozenset[int]:
    """Short links beside articles: authors, categories, comments, the host of a link.

    The same words lead to one address from several places; what lies in the same
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
    r"|comentarios?)\W*"
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
    """Leave out links in the middle of sentences; a group that is mostly those is none."""
    kept = [link for link in links if not _is_in_prose(page, link.anchor)]
    return kept if len(kept) * 2 > len(links) else []


def _is_in_prose(page: Page, anchor: Element) -> bool:
    text = page.text_of(anchor)
    if is_invitation(text) or any(e.tag in HEADINGS for e in anchor.ancestors()):
        return False
    if anchor.text_end == anchor.text_start:
        return False
    cell = page.pieces[anchor.text_start].cell
    if cell is anchor:
        return False
    start = _line_start(page, cell, anchor.text_start)
    before = html_dates.without_dates(page.text(start, anchor.text_start), yearless=True)
    return len(re.findall(r"\w", before)) > 18 and not _ends_with_bullet(before)


def _ends_with_bullet(text: str) -> bool:
    return bool(re.search(r"[|·•]\s*$", text))


def _line_start(page: Page, cell: Element, place: int) -> int:
    """Where the line of a place begins: at the cell's start or after its last line break."""
    for before in range(place - 1, cell.text_start - 1, -1):
        if page.pieces[before].text == "\n":
            return before + 1
    return cell.text_start


# --- cards of a group


def _cut_cards(page: Page, links: list[Link]) -> list[Card]:
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
    """For each link, how many ancestors up no other article's link of the group comes in."""
    places = _places(links)
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


def _places(links: list[Link]) -> list[int]:
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
    """The card of a link that has no equals: the nearest box called so, or with text beside it."""
    chain = [anchor, *(a for a in anchor.ancestors() if a.tag not in {"body", "html", "main"})]
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


# --- loose cards: a heading and what follows it


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
    start = _line_start(page, parent, card.text_start)
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
    """ "Read more" closes its card: what stands before it, back to the one before, is the card."""
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


# --- weighing


def _weighed(group: _Group, place: Place, at: Surroundings) -> _Group | None:
    cards = _spaced_sample(group.cards)
    found = [(card, read_card(card, at)) for card in cards]
    articles = [(card, article) for card, article in found if article is not None]
    if not articles or len(articles) * 2 < len(cards):
        return None
    group.dated = _share(article.published is not None for _, article in articles)
    group.evidence = _evidence(articles, place, at) - (1.5 if len(found) > len(articles) * 1.3 else 0)
    if group.dated < 0.5 and _is_in_long_text(group, at):
        group.evidence -= 2.0
    return group


def _is_in_long_text(group: _Group, at: Surroundings) -> bool:
    """Whether the cards stand in a text that says more than they do: "see also" in an article or a manual."""
    page, inside = at.page, 0
    taken = bytearray(len(page.pieces))
    for card in group.cards:
        taken[card.text_start : card.text_end] = b"\x01" * (card.text_end - card.text_start)
        inside += len(page.text(card.text_start, card.text_end))
    outside = 0
    for element in page.elements:
        if (
            element.tag == "p"
            and not at.flags[element.index]
            and not taken[element.text_start : element.text_end].count(1)
        ):
            length = len(page.text_of(element))
            outside += length if length >= 60 else 0
    return outside > inside


def _spaced_sample(cards: list[Card]) -> list[Card]:
    step = max(len(cards) // _SAMPLE, 1)
    return cards[::step][:_SAMPLE]


def _evidence(found: list[tuple[Card, FoundArticle]], place: Place, at: Surroundings) -> float:
    page = at.page
    articles = [article for _, article in found]
    cards = [card for card, _ in found]
    words = sorted(len(a.title.split()) for a in articles)[len(articles) // 2]
    weights = (
        (2.5, _share(a.published is not None for a in articles)),
        (0.5, _share(date_of(a.url, now=at.now) is not None for a in articles)),
        (1.0, _share(bool(a.author) for a in articles)),
        (1.5, _share(a.minutes is not None for a in articles)),
        (1.0, _share(_has_headline(page, c) for c in cards)),
        (1.0, _share(len(a.teaser) >= 50 or (a.title_is_made and len(a.title) >= 40) for a in articles)),
        (1.5, _share(_invites_to_read(page, c) for c in cards)),
        (0.4, _share(a.image is not None for a in articles)),
        (0.3, _share(bool(a.tags) for a in articles)),
        (1.0, _share(_is_called_article(page, c) for c in cards)),
        (0.7, _share(has_slug(a.url) for a in articles)),
        (1.0, _share(is_blog_like(a.url) or _is_below(a.url, place) for a in articles)),
        (1.0 if is_blog_page(place.url) else 0.0, _share(_is_below(a.url, place) for a in articles)),
        (0.6, _share(_says_its_title(page, c, a) for c, a in found)),
        (-2.5, _share(is_unlikely(a.url) for a in articles)),
        (-1.0, _share(not place.is_own(a.url) for a in articles)),
        (-1.5, _share(len(a.title) > 250 for a in articles)),
    )
    return sum(w * s for w, s in weights) + (0.7 if words >= 4 else -1.2 if words <= 2 else 0.0)


def _says_its_title(page: Page, card: Card, article: FoundArticle) -> bool:
    return page.text_of(card.link.anchor).casefold() == article.title.casefold()


def _share(facts: Iterable[bool]) -> float:
    known = list(facts)
    return sum(known) / len(known) if known else 0.0


def _has_headline(page: Page, card: Card) -> bool:
    anchor = card.link.anchor
    if any(e.tag in HEADINGS and e.holds(anchor) for e in anchor.ancestors()):
        return True
    return any(e.tag in HEADINGS for e in page.elements[card.start : card.end])


def _invites_to_read(page: Page, card: Card) -> bool:
    for element in page.elements[card.start : card.end]:
        if element.tag == "a" and element.text_end > element.text_start:
            text = page.text_of(element)
            if is_invitation(text) and re.search(
                r"read|weiter|lire|suite|leer|leyendo|legg|lees|ler |leia|läs|чита|読|阅读|continu",
                text,
                re.IGNORECASE,
            ):
                return True
    return False


_ARTICLE_WORDS = frozenset(
    {"post", "posts", "entry", "article", "articles", "blog", "teaser", "hentry", "story", "news", "blogpost"}
)


def _is_called_article(page: Page, card: Card) -> bool:
    """An <article>, a class such as post-card, or a schema.org type, at the card or around its link."""
    root = page.elements[card.start]
    near = [root, card.link.anchor, *list(card.link.anchor.ancestors())[:4], *list(root.ancestors())[:1]]
    for element in near:
        if element.tag == "article" or (
            element.words() & _ARTICLE_WORDS and element.tag not in {"body", "main"}
        ):
            return True
        if "Posting" in element.attributes.get("itemtype", "") or "Article" in element.attributes.get(
            "itemtype", ""
        ):
            return True
    return False


def _is_below(url: str, place: Place) -> bool:
    """Whether an address lies in the folder of a listing that is not the site's root."""
    folder = re.sub(r"(?<=/)[^/]*\.\w+$", "", re.sub(r"[?#].*$", "", place.url)).rstrip("/") + "/"
    if folder.count("/") <= 3:
        return False
    path = folder.split("/", 3)[3]
    return f"/{path}" in url and len(url.rstrip("/")) > len(folder)


# --- groups that the page declares


def _declared_groups(page: Page, place: Place, links: list[Link], at: Surroundings) -> list[_Group]:
    """Cards that call themselves so: <article>, h-entry, schema.org.  They may differ in shape."""
    roots = [e for e in page.elements if _is_declared(e) and not at.flags[e.index]]
    roots = [r for r in roots if not any(r is not o and r.holds(o) for o in _next_inside(roots, r))]
    places = _places(links)
    cards = []
    for root in roots:
        inside = links[bisect_left(places, root.index) : bisect_left(places, root.end)]
        link = leading_link(page, inside, is_sure=len(roots) == 1)
        if link is not None and not _has_other_headline(page, root, link):
            cards.append(Card(link, root.index, root.end, root.text_start, root.text_end))
    if len(cards) < 1 or len({c.link.url for c in cards}) < len(cards) / 2:
        return []
    group = _weighed(_Group([c.link for c in cards], cards), place, at)
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
    """The link of a card's headline, else the one that invites to read, else the first with words, else any.

    With `is_sure` only a link that marks itself as the card's own: a headline, a bookmark, an invitation.
    """
    signs = _SIGNS_OF_LEAD[:3] if is_sure else _SIGNS_OF_LEAD
    for sign in signs:
        found = next((link for link in links if sign(page, link)), None)
        if found is not None:
            return found
    return links[0] if not is_sure and len({link.url for link in links}) == 1 else None


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


# --- changelogs


def _changelog(page: Page, place: Place, at: Surroundings) -> list[_Group]:
    """Dated entries of one page, each with a link to itself.  A table of contents has no such links."""
    links = []
    for element in page.elements:
        if element.tag != "a" or at.flags[element.index]:
            continue
        url = in_page_address(page, element)
        name = url.partition("#")[2]
        near = [element, *list(element.ancestors())[:3]]
        if url and any(name and name in (e.attributes.get("id"), e.attributes.get("name")) for e in near):
            links.append(Link(element, url))
    if len(links) < 2:
        return []
    group = _weighed(_Group(links, _cut_cards(page, links), is_in_page=True), place, at)
    return [group] if group is not None and group.dated >= 0.8 else []


# --- choosing


def _is_inside_one_card(group: _Group, others: list[_Group]) -> bool:
    """A list inside a single article of a better list is part of that article."""
    for other in others:
        if other is group or len(other.cards) < 2 or other.evidence < ENOUGH:
            continue
        for card in other.cards:
            if (
                card.holds(group.cards[0].start)
                and card.holds(group.cards[-1].end - 1)
                and len(group.cards) > 1
            ):
                return True
    return False


def _joined(best: _Group, others: list[_Group], at: Surroundings) -> list[Card]:
    """The best group, and others of its kind: the featured card above the grid, a second column."""
    cards = list(best.cards)
    shapes = {shape_of(c.link.url) for c in cards}
    known = {c.link.url for c in cards}
    for group in sorted(others, key=lambda g: -g.score):
        fresh = [c for c in group.cards if c.link.url not in known and not _overlaps(c, cards)]
        if not fresh or len(fresh) * 2 < len(group.cards) or not _is_of_its_kind(group, best, shapes):
            continue
        cards += fresh
        known |= {c.link.url for c in fresh}
    return sorted(_consistent(cards, at), key=lambda c: (c.start, c.text_start))


def _overlaps(card: Card, others: list[Card]) -> bool:
    return any(
        card.start < o.end
        and o.start < card.end
        and not (card.text_end <= o.text_start or o.text_end <= card.text_start)
        for o in others
    )


def _is_of_its_kind(group: _Group, best: _Group, shapes: set[str]) -> bool:
    alike = _share(shape_of(c.link.url) in shapes for c in group.cards)
    if best.dated >= 0.5 and group.dated < 0.5:
        return alike >= 0.6 and group.evidence >= ENOUGH + 1
    return (alike >= 0.6 and group.evidence >= ENOUGH - 1) or (
        group.dated >= 0.8 and group.evidence >= ENOUGH + 1
    )


def _consistent(cards: list[Card], at: Surroundings) -> list[Card]:
    """Leave out what only looks like the rest: undated tiles among dated cards, advertising.

    An undated card stays if its address is of the kind of the dated ones, a foreign one if it is dated.
    """
    place = place_of(at.page)
    dated = [c for c in cards if (article := read_card(c, at)) is not None and article.published is not None]
    shapes = {shape_of(c.link.url) for c in dated}
    own = {c.start for c in cards if place.is_own(c.link.url)}
    when = {c.start for c in dated}
    kept = cards
    if len(dated) * 10 >= len(cards) * 6 and len(dated) > 1:
        kept = [c for c in kept if c.start in when or shape_of(c.link.url) in shapes]
    if len(own) * 2 > len(cards):
        kept = [c for c in kept if c.start in own or c.start in when]
    return kept
