"""Finds the cards of a page: the group that looks most like a list, and those like it; skips boilerplate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice

from digest.model.article import FoundArticle
from digest.sources import html_dates
from digest.sources.article_links import (
    Link,
    PageLocation,
    is_unlikely,
    location_of,
    shape_of,
    usable_links,
)
from digest.sources.boilerplate import boilerplate_flags
from digest.sources.cards.card import Card, PageContext
from digest.sources.cards.groups import changelog_in, declared_groups, groups_in
from digest.sources.cards.read_card import read_card
from digest.sources.cards.scoring import LinkGroup, measured, share_of
from digest.sources.cards.weights import WEIGHTS, Weights
from digest.sources.page_tree import Page

_MOST_LINKS = 10_000


@dataclass(frozen=True, slots=True)
class Detection:
    """The cards of a page in document order, and what they share."""

    cards: tuple[Card, ...]
    context: PageContext

    def articles(self) -> tuple[FoundArticle, ...]:
        found = (read_card(card, self.context) for card in self.cards)
        return tuple(article for article in found if article is not None)


def find_cards(page: Page, *, now: datetime, weights: Weights = WEIGHTS) -> Detection:
    """The cards of the page's main list; none where it has no such list."""
    return MeasuredPage(page, now=now).detect(weights)


class MeasuredPage:
    """A page whose groups of links are measured once, to be judged by any number of weights."""

    def __init__(self, page: Page, *, now: datetime) -> None:
        self._page = page
        self._now = now
        self._location = location_of(page)
        self._flags = boilerplate_flags(page)
        self._passes: dict[bool, _Candidates] = {}

    def detect(self, weights: Weights) -> Detection:
        """The cards of the main list by these weights.

        Boxes such as "latest posts" are searched only where there is no other list.
        """
        detection = self._candidates(soft=True).detect(weights)
        if detection.cards or self._candidates(soft=False).context.flags == self._flags:
            return detection
        return self._candidates(soft=False).detect(weights)

    def _candidates(self, *, soft: bool) -> _Candidates:
        if soft not in self._passes:
            flags = self._flags if soft else boilerplate_flags(self._page, soft=False)
            self._passes[soft] = _Candidates(self._page, self._location, flags, now=self._now)
        return self._passes[soft]


class _Candidates:
    """The groups of links outside the flagged parts of a page that may be its list; measured on first use."""

    def __init__(self, page: Page, location: PageLocation, flags: bytearray, *, now: datetime) -> None:
        self._location = location
        found = (link for link in usable_links(page, location) if not flags[link.anchor.index])
        self._links = list(islice(found, _MOST_LINKS))
        self.context = page_context(page, flags, self._links, now=now)

    def detect(self, weights: Weights) -> Detection:
        return Detection(tuple(self._main_cards(weights)), self.context)

    def _main_cards(self, weights: Weights) -> list[Card]:
        fitting = [g for g in self._groups if g.evidence(weights) >= _needed(g, weights)]
        fitting = [g for g in fitting if not _is_inside_one_card(g, fitting)]
        if not fitting:
            fitting = [g for g in self._changelogs if g.dated >= weights.nearly_all_dated]
        if not fitting:
            return []
        best = max(fitting, key=lambda g: (g.score(weights), -g.cards[0].start))
        best = _all_of_them(best, self._groups, self.context.page, weights)
        return _joined(best, [g for g in self._groups if g is not best], self.context, weights)

    @cached_property
    def _groups(self) -> list[LinkGroup]:
        page, location, context = self.context.page, self._location, self.context
        groups = [measured(group, location, context) for group in groups_in(page, self._links)]
        return [g for g in groups if g is not None] + declared_groups(page, location, self._links, context)

    @cached_property
    def _changelogs(self) -> list[LinkGroup]:
        return changelog_in(self.context.page, self._location, self.context)


def _needed(group: LinkGroup, weights: Weights) -> float:
    return weights.enough + (weights.lone_card if len(group.cards) == 1 else 0.0)


def page_context(page: Page, flags: bytearray, links: Iterable[Link], *, now: datetime) -> PageContext:
    """What all cards of a page share; `links` show which texts are repeated, and so are no titles."""
    texts = (piece.text for piece in page.pieces if "/" in piece.text)
    return PageContext(
        page=page,
        flags=flags,
        now=now,
        is_day_first=html_dates.is_day_first((t for t in texts if len(t) < 80), language=page.language),
        repeated_link_texts=_repeated_link_texts(page, links),
    )


def _repeated_link_texts(page: Page, links: Iterable[Link]) -> frozenset[str]:
    """Short link texts that lead to three or more different articles."""
    targets: dict[str, set[str]] = {}
    for link in links:
        text = page.text_of(link.anchor).casefold()
        if text and len(text.split()) <= 4:
            targets.setdefault(text, set()).add(link.url)
    return frozenset(text for text, urls in targets.items() if len(urls) >= 3)


def _all_of_them(best: LinkGroup, groups: list[LinkGroup], page: Page, weights: Weights) -> LinkGroup:
    """The whole list, where the best group is what only some of its cards have.

    "Read more" appears under the posts that are cut short and under no other; where the cards of
    another group hold every one of its links, and are dated as well, that one is the list.
    """
    wider = [g for g in groups if len(g.cards) > len(best.cards) and _holds_each(g, best)]
    wider = [g for g in wider if _adds_articles(g, best, page, weights)]
    return max(wider, key=lambda g: g.score(weights), default=best)


def _holds_each(wider: LinkGroup, group: LinkGroup) -> bool:
    cards = {card.link.url: card for card in wider.cards}
    return all(
        link.url in cards and cards[link.url].holds(link.anchor.index)
        for link in (card.link for card in group.cards)
    )


def _adds_articles(wider: LinkGroup, group: LinkGroup, page: Page, weights: Weights) -> bool:
    """Whether what else the wider group holds is dated too, or is in the same box: no tiles elsewhere."""
    if group.dated >= weights.mostly_dated:
        return wider.dated >= group.dated - weights.dated_slack
    known = {card.link.url for card in group.cards}
    boxes = {_box_of(card, page) for card in group.cards}
    added = [card for card in wider.cards if card.link.url not in known]
    if all(_box_of(card, page) in boxes for card in added):
        return True
    return wider.evidence(weights) >= weights.enough and not all(is_unlikely(card.link.url) for card in added)


def _is_inside_one_card(group: LinkGroup, others: list[LinkGroup]) -> bool:
    """A list inside a single article of a better list is part of that article."""
    for other in others:
        if other is group or len(other.cards) < 2:
            continue
        for card in other.cards:
            if (
                card.holds(group.cards[0].start)
                and card.holds(group.cards[-1].end - 1)
                and len(group.cards) > 1
            ):
                return True
    return False


def _joined(best: LinkGroup, others: list[LinkGroup], context: PageContext, weights: Weights) -> list[Card]:
    """The best group, and others of its kind: the featured card above the grid, a second column."""
    cards = list(best.cards)
    shapes = {shape_of(c.link.url) for c in cards}
    known = {c.link.url for c in cards}
    for group in sorted(others, key=lambda g: -g.score(weights)):
        fresh = [c for c in group.cards if c.link.url not in known and not _overlaps(c, cards)]
        if (
            not fresh
            or len(fresh) * 2 < len(group.cards)
            or not _is_of_its_kind(group, best, shapes, weights)
        ):
            continue
        cards += fresh
        known |= {c.link.url for c in fresh}
    return sorted(_consistent(cards, context, weights), key=lambda c: (c.start, c.text_start))


def _overlaps(card: Card, others: list[Card]) -> bool:
    return any(
        card.start < o.end
        and o.start < card.end
        and not (card.text_end <= o.text_start or o.text_end <= card.text_start)
        for o in others
    )


def _is_of_its_kind(group: LinkGroup, best: LinkGroup, shapes: set[str], weights: Weights) -> bool:
    is_alike = share_of(shape_of(c.link.url) in shapes for c in group.cards) >= weights.alike
    evidence = group.evidence(weights)
    is_surer = evidence >= weights.enough + weights.joined_unlike
    if best.dated >= weights.mostly_dated > group.dated:
        return is_alike and is_surer
    if is_alike and evidence >= weights.enough + weights.joined_alike:
        return True
    return group.dated >= weights.nearly_all_dated and is_surer


def _consistent(cards: list[Card], context: PageContext, weights: Weights) -> list[Card]:
    """Leave out what only looks like the rest: undated tiles among dated cards, advertising."""
    dated = [card for card in cards if _is_dated(card, context)]
    return _without_advertising(_without_tiles(cards, dated, context, weights), cards, dated, context)


def _is_dated(card: Card, context: PageContext) -> bool:
    article = read_card(card, context)
    return article is not None and article.published is not None


def _without_tiles(
    cards: list[Card], dated: list[Card], context: PageContext, weights: Weights
) -> list[Card]:
    """An undated card stays if its address is of the kind of the dated ones.

    Where the dated ones are few, it also stays if it is in the same box as one of them.
    """
    if not dated:
        return cards
    alike = {shape_of(card.link.url) for card in dated}
    if len(dated) > 1 and len(dated) / len(cards) >= weights.undated_are_tiles:
        starts = {card.start for card in dated}
        return [card for card in cards if card.start in starts or shape_of(card.link.url) in alike]
    boxes = {_box_of(card, context.page) for card in dated}
    return [c for c in cards if shape_of(c.link.url) in alike or _box_of(c, context.page) in boxes]


def _without_advertising(
    kept: list[Card], cards: list[Card], dated: list[Card], context: PageContext
) -> list[Card]:
    """Where most cards lead to the page's own site, one that leads elsewhere stays only if it is dated."""
    location = location_of(context.page)
    own = {card.start for card in cards if location.is_own(card.link.url)}
    if len(own) * 2 <= len(cards):
        return kept
    starts = own | {card.start for card in dated}
    return [card for card in kept if card.start in starts]


def _box_of(card: Card, page: Page) -> int:
    """The element that contains a card, by its place."""
    parent = page.elements[card.start].parent
    return parent.index if parent is not None else -1
