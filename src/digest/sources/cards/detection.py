"""Finds the cards of a page: the group that says most, and those of its kind; furniture never takes part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from digest.model.article import FoundArticle
from digest.sources import html_dates
from digest.sources.article_links import Link, PageLocation, is_unlikely, place_of, shape_of, usable_links
from digest.sources.boilerplate import furniture
from digest.sources.cards.card import Card, Surroundings
from digest.sources.cards.groups import changelog_in, declared_groups, groups_in
from digest.sources.cards.read_card import read_card
from digest.sources.cards.scoring import ENOUGH, LinkGroup, share_of, weighed
from digest.sources.page_tree import Page

_MOST_LINKS = 10_000


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
    flags = furniture(page)
    detection = _find_among(page, place, flags, now=now)
    if detection.cards:
        return detection
    fewer = furniture(page, soft=False)
    return detection if fewer == flags else _find_among(page, place, fewer, now=now)


def _find_among(page: Page, place: PageLocation, flags: bytearray, *, now: datetime) -> Detection:
    links = [link for link in usable_links(page, place) if not flags[link.anchor.index]][:_MOST_LINKS]
    at = surroundings(page, flags, links, now=now)
    return Detection(tuple(_main_cards(page, place, links, at)), at)


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


def _main_cards(page: Page, place: PageLocation, links: list[Link], at: Surroundings) -> list[Card]:
    groups = [g for g in (weighed(g, place, at) for g in groups_in(page, links)) if g is not None]
    groups += declared_groups(page, place, links, at)
    fitting = [g for g in groups if g.evidence >= ENOUGH + (1.5 if len(g.cards) == 1 else 0)]
    fitting = [g for g in fitting if not _is_inside_one_card(g, fitting)]
    if not fitting:
        fitting = changelog_in(page, place, at)
    if not fitting:
        return []
    best = max(fitting, key=lambda g: (g.score, -g.cards[0].start))
    best = _all_of_them(best, groups, page)
    return _joined(best, [g for g in groups if g is not best], at)


def _all_of_them(best: LinkGroup, groups: list[LinkGroup], page: Page) -> LinkGroup:
    """The whole list, where the best group is what only some of its cards have.

    "Read more" stands under the posts that are cut short and under no other; where the cards of
    another group hold every one of its links, and are dated as well, that one is the list.
    """
    wider = [g for g in groups if len(g.cards) > len(best.cards) and _holds_each(g, best)]
    return max((g for g in wider if _adds_articles(g, best, page)), key=lambda g: g.score, default=best)


def _holds_each(wider: LinkGroup, group: LinkGroup) -> bool:
    cards = {card.link.url: card for card in wider.cards}
    return all(
        link.url in cards and cards[link.url].holds(link.anchor.index)
        for link in (card.link for card in group.cards)
    )


def _adds_articles(wider: LinkGroup, group: LinkGroup, page: Page) -> bool:
    """Whether what else the wider group holds is dated too, or stands in the same box: no tiles elsewhere."""
    if group.dated >= 0.5:
        return wider.dated >= group.dated - 0.1
    known = {card.link.url for card in group.cards}
    boxes = {_box_of(card, page) for card in group.cards}
    added = [card for card in wider.cards if card.link.url not in known]
    if all(_box_of(card, page) in boxes for card in added):
        return True
    return wider.evidence >= ENOUGH and not all(is_unlikely(card.link.url) for card in added)


def _is_inside_one_card(group: LinkGroup, others: list[LinkGroup]) -> bool:
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


def _joined(best: LinkGroup, others: list[LinkGroup], at: Surroundings) -> list[Card]:
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


def _is_of_its_kind(group: LinkGroup, best: LinkGroup, shapes: set[str]) -> bool:
    alike = share_of(shape_of(c.link.url) in shapes for c in group.cards)
    if best.dated >= 0.5 and group.dated < 0.5:
        return alike >= 0.6 and group.evidence >= ENOUGH + 1
    return (alike >= 0.6 and group.evidence >= ENOUGH - 1) or (
        group.dated >= 0.8 and group.evidence >= ENOUGH + 1
    )


def _consistent(cards: list[Card], at: Surroundings) -> list[Card]:
    """Leave out what only looks like the rest: undated tiles among dated cards, advertising.

    An undated card stays if its address is of the kind of the dated ones, and where those are few
    also if it stands beside one of them; a foreign one stays if it is dated.
    """
    place = place_of(at.page)
    dated = [c for c in cards if (article := read_card(c, at)) is not None and article.published is not None]
    shapes = {shape_of(c.link.url) for c in dated}
    own = {c.start for c in cards if place.is_own(c.link.url)}
    when = {c.start for c in dated}
    kept = cards
    if len(dated) * 10 >= len(cards) * 6 and len(dated) > 1:
        kept = [c for c in kept if c.start in when or shape_of(c.link.url) in shapes]
    elif dated:
        boxes = {_box_of(c, at.page) for c in dated}
        kept = [c for c in kept if shape_of(c.link.url) in shapes or _box_of(c, at.page) in boxes]
    if len(own) * 2 > len(cards):
        kept = [c for c in kept if c.start in own or c.start in when]
    return kept


def _box_of(card: Card, page: Page) -> int:
    """The element that a card stands in, by its place."""
    parent = page.elements[card.start].parent
    return parent.index if parent is not None else -1
