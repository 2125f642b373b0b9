"""A card while it is read: its range, what the page says about all its cards, which text is used up.

A card is a range of elements and of text, not necessarily one element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from digest.model.article import FoundArticle
from digest.sources.article_links import Link
from digest.sources.page_tree import HEADINGS, Element, Page

# Whole posts on a listing can be long; title, date and teaser stand in their beginning.
_MOST_ELEMENTS = 400
_MOST_PIECES = 1200


@dataclass(frozen=True, slots=True)
class Card:
    """A range of elements and of text, and the link that makes it an article."""

    link: Link
    start: int
    end: int
    text_start: int
    text_end: int

    def holds(self, place: int) -> bool:
        return self.start <= place < self.end


@dataclass(frozen=True, slots=True)
class PageContext:
    """What the page as a whole says about each of its cards."""

    page: Page
    flags: bytearray  # boilerplate, by element
    now: datetime
    is_day_first: bool = False
    repeated_link_texts: frozenset[str] = (
        frozenset()
    )  # short texts that many different articles share: "Mehr dazu"
    read: dict[Card, FoundArticle | None] = field(default_factory=dict)  # what was read already


@dataclass(slots=True)
class CardReading:
    """A card while it is read; `used` are the pieces of text that have found their meaning."""

    card: Card
    context: PageContext
    used: set[int] = field(default_factory=set)
    elements: list[Element] = field(init=False)  # of the card, as far as a card reaches
    anchors: list[Element] = field(init=False)  # those that lead to the article

    def __post_init__(self) -> None:
        card, link = self.card, self.card.link.anchor
        self.elements = self.page.elements[card.start : min(card.end, card.start + _MOST_ELEMENTS)]
        if link.index >= card.start + _MOST_ELEMENTS:
            self.elements.append(link)
        href = link.attributes.get("href", "")
        self.anchors = [
            e for e in self.elements if e is link or (e.tag == "a" and e.attributes.get("href", "") == href)
        ]

    @property
    def page(self) -> Page:
        return self.context.page

    def use(self, element: Element) -> None:
        self.used.update(
            range(max(element.text_start, self.card.text_start), min(element.text_end, self.card.text_end))
        )

    def text_of(self, element: Element) -> str:
        return self.page.text_of(element)


def is_heading(element: Element) -> bool:
    return element.tag in HEADINGS or element.attributes.get("role", "").lower() == "heading"


def is_named(element: Element, words: frozenset[str]) -> bool:
    """Whether a class name of the element is, or ends in, one of the words: `post-date`, `entry__date`."""
    return any(
        name.lower() in words or _last_word(name) in words or _last_word(without_hash(name)) in words
        for name in element.classes
    )


def without_hash(name: str) -> str:
    """The class name without what build tools hang on it: `authorName_yefp`, `title__3xK9a`."""
    return re.sub(r"_{1,3}[A-Za-z0-9]{4,6}$", "", name)


def _last_word(name: str) -> str:
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return parts[-1].lower() if parts else ""


def cells_of(reading: CardReading, element: Element) -> list[Element]:
    cells: dict[int, Element] = {}
    for place in range(element.text_start, element.text_end):
        piece = reading.page.pieces[place]
        if piece.text.strip():
            cells.setdefault(piece.cell.index, piece.cell)
    return list(cells.values())


def lines_of(reading: CardReading) -> Iterator[str]:
    """The text of the card that is not its title, a line per unit."""
    for _cell, places in units_of(reading):
        text = reading.page.text(places[0], places[-1] + 1, without=reading.used)
        if text:
            yield text


def units_of(reading: CardReading) -> Iterator[tuple[Element, list[int]]]:
    cell: Element | None = None
    places: list[int] = []
    end = min(reading.card.text_end, reading.card.text_start + _MOST_PIECES)
    for place in range(reading.card.text_start, end):
        if place in reading.used:
            continue
        piece = reading.page.pieces[place]
        if not piece.text.strip() and piece.text != "\n":
            if places and piece.cell is cell:
                places.append(place)
            continue
        is_break = piece.text == "\n" and piece.cell is cell
        if (piece.cell is not cell or is_break) and places and cell is not None:
            yield cell, places
            places = []
        cell = piece.cell
        if not is_break:
            places.append(place)
    if places and cell is not None:
        yield cell, places
