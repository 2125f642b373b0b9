"""The date of a card: by markup, in short lines, at the edge of a line, in its address, above its group.

A date in the middle of prose never counts.  A date with a year goes before one without.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from digest.sources import html_dates
from digest.sources.article_links import date_of
from digest.sources.cards.bylines import is_meta, without_byline
from digest.sources.cards.card import CardReading, is_heading, is_named, lines_of
from digest.sources.page_tree import HEADINGS, Element


def published_at(reading: CardReading, title: str) -> datetime | None:
    """When the card says it was published, or None.

    "26 Jul" on a calendar leaf only counts where no date with a year stands anywhere.
    """
    for value in chain(_by_markup(reading), _in_lines(reading)):
        if value is not None:
            return value
    found = html_dates.find_date(title[:12], now=reading.context.now)
    if found and found.start <= 1:
        return found.value
    named = date_of(reading.card.link.url, now=reading.context.now)
    return named or next((v for v in _without_year(reading) if v is not None), None) or _date_above(reading)


def _by_markup(reading: CardReading) -> Iterator[datetime | None]:
    marked = [e for e in reading.elements if _says_date(e) and not _is_changed(reading, e)]
    marked.sort(key=lambda e: (not is_publication(e), e.index))
    for element in marked:
        yield _date_of_element(reading, element)
    for element in _named_dates(reading):
        yield _date_in(reading, reading.text_of(element), yearless=False, use=element)


def _named_dates(reading: CardReading) -> Iterator[Element]:
    """Elements that are called date, and short enough to be one."""
    for element in reading.elements:
        if element.tag in {"time", "a", "meta", "article", "img"} or not is_named(element, DATE_WORDS):
            continue
        if len(reading.text_of(element)) <= 80 and not _is_changed(reading, element):
            yield element


def _without_year(reading: CardReading) -> Iterator[datetime | None]:
    for element in reading.elements:
        if element.tag == "time" and not _is_changed(reading, element):
            yield _date_in(reading, reading.text_of(element), yearless=True, use=element)
    for element in _named_dates(reading):
        yield _date_in(reading, reading.text_of(element), yearless=True, use=element)
    for text in lines_of(reading):
        if len(text) <= 40 and is_meta(text):
            yield _date_in(reading, text, yearless=True)


def _says_date(element: Element) -> bool:
    attributes = element.attributes
    return (
        element.tag == "time" or "datetime" in attributes or "datePublished" in attributes.get("itemprop", "")
    )


def is_publication(element: Element) -> bool:
    words = element.words() | set(element.attributes.get("itemprop", "").lower().split())
    return bool(words & {"published", "datepublished", "pubdate"}) or "dt-published" in element.classes


def _is_changed(reading: CardReading, element: Element) -> bool:
    words = element.words()
    if words & {"updated", "modified"} and "published" not in words:
        return True
    if element.attributes.get("itemprop") == "dateModified":
        return True
    before = reading.page.text(max(reading.card.text_start, element.text_start - 4), element.text_start)
    return bool(_CHANGED.search(before)) or bool(
        _CHANGED.match(reading.text_of(element).partition(":")[0] + ":")
    )


def _date_of_element(reading: CardReading, element: Element) -> datetime | None:
    attributes = element.attributes
    for name in ("datetime", "content", "title"):
        value = html_dates.read_datetime(attributes.get(name, ""), now=reading.context.now)
        if value is not None:
            reading.use(element)
            return value
    return _date_in(reading, reading.text_of(element), yearless=False, use=element)


def _date_in(
    reading: CardReading, text: str, *, yearless: bool, use: Element | None = None
) -> datetime | None:
    context = reading.context
    found = html_dates.find_date(text, now=context.now, day_first=context.is_day_first)
    if (
        found is None
        and yearless
        and html_dates.find_date(text, now=context.now, year=context.now.year) is not None
    ):
        year = _year_above(reading)
        found = html_dates.find_date(
            text, now=context.now, year=year, yearless=True, day_first=context.is_day_first
        )
    if found is None:
        return None
    if use is not None and is_meta(text):
        reading.use(use)
    return found.value


def _in_lines(reading: CardReading) -> Iterator[datetime | None]:
    """Dates in short lines of the card, or at the begin or end of a line; never in the middle of prose."""
    lines = list(lines_of(reading))
    for text in lines:
        if len(text) <= 120 and not _CHANGED.search(_before_date(reading, text)):
            yield _date_standing_alone(reading, text)
    for text in lines:
        yield _date_at_the_edge(reading, text)


def _before_date(reading: CardReading, text: str) -> str:
    found = html_dates.find_date(text, now=reading.context.now)
    return text[: found.start] if found else ""


def _date_standing_alone(reading: CardReading, text: str) -> datetime | None:
    found = html_dates.find_date(text, now=reading.context.now, day_first=reading.context.is_day_first)
    if found is None:
        return None
    rest = text[: found.start] + " " + text[found.end :]
    return found.value if is_meta(text) or len(re.findall(r"\w", without_byline(rest))) <= 40 else None


def _date_at_the_edge(reading: CardReading, text: str) -> datetime | None:
    """A date that opens a line, or closes it behind a dash or in brackets."""
    context = reading.context
    begin = html_dates.find_date(text[:80], now=context.now, day_first=context.is_day_first)
    opens = begin is not None and re.fullmatch(r"\W*(?:\w+ ?){0,2}\W*", text[: begin.start])
    if begin is not None and opens and re.match(r"\s*[-–—:|·•)\],.]|\s*$", text[begin.end :]):
        return begin.value
    tail = text[-60:]
    end = html_dates.find_date(tail, now=context.now, day_first=context.is_day_first)
    if end is not None and re.search(r"[(\[–—|·,-]\s*$", tail[: end.start]):
        return end.value if not re.search(r"\w", tail[end.end :]) else None
    return None


def _date_above(reading: CardReading) -> datetime | None:
    """The date that heads a group of cards: a heading beside the card or beside the box that contains it."""
    root = reading.page.elements[reading.card.start]
    for element in [root, *list(root.ancestors())[:3]]:
        for sibling in _siblings_before(element):
            if not is_heading(sibling) and "header" not in sibling.words():
                continue
            text = reading.text_of(sibling)
            if len(text) <= 60 and is_meta(text):
                return _date_in(reading, text, yearless=False)
            break
    return None


def _year_above(reading: CardReading) -> int | None:
    """The year that the nearest heading above the card names, as archives are grouped."""
    elements = reading.page.elements
    looked = 0
    for place in range(reading.card.start - 1, -1, -1):
        element = elements[place]
        if element.tag in HEADINGS or element.tag in {
            "dt",
            "th",
            "summary",
            "strong",
            "b",
            "caption",
            "td",
            "span",
            "p",
            "div",
        }:
            if element.text_end - element.text_start > 8 or element.text_end == element.text_start:
                continue
            looked += 1
            year = html_dates.year_alone(reading.text_of(element))
            if year and not any(c.tag == "a" for c in elements[element.index : element.end]):
                return year
        if looked > 2000:
            break
    return None


def _siblings_before(element: Element) -> Iterator[Element]:
    """The forty siblings before an element, the nearest first."""
    siblings = element.parent.children if element.parent is not None else []
    place = bisect_left(siblings, element.index, key=lambda sibling: sibling.index)
    yield from reversed(siblings[max(place - 40, 0) : place])


DATE_WORDS = frozenset(
    {"date", "time", "published", "posted", "pubdate", "timestamp", "datetime", "datum", "fecha"}
)


_CHANGED = re.compile(
    r"(?:updated?|modified|edited|aktualisiert|geändert|mis à jour|modifié|actualizado|aggiornato"
    r"|bijgewerkt|atualizado)"
    r"(?: (?:on|am|le|el|il|op|em))?\W*$",
    re.IGNORECASE,
)
