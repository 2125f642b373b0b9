"""Reads cards with the owner's CSS selectors, for pages where detection fails.

Keys: card, title, link, date, teaser, image, author.  Without `card` the cards
are detected as usual, and only the named fields are read by selector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from selectolax.lexbor import SelectolaxError

from digest.errors import SourceError
from digest.model.article import FoundArticle
from digest.rules.cleaning import plain, teaser_of, without_tracking
from digest.sources import html_dates
from digest.sources.article_links import Link, location_of, usable_links
from digest.sources.cards import (
    Card,
    PageContext,
    as_markup,
    find_cards,
    leading_link,
    page_context,
    read_card,
)
from digest.sources.page_images import image_in
from digest.sources.page_tree import Element, Page

KEYS = ("card", "title", "link", "date", "teaser", "image", "author")


def read_selected(
    page: Page, selectors: Mapping[str, str], *, now: datetime
) -> tuple[tuple[FoundArticle, ...], tuple[str, ...]]:
    """The articles, and a warning for every selector that finds nothing in any card.

    Raises:
        SourceError: a selector is unknown or invalid, or `card` matches nothing.
    """
    chosen = {name: _elements(page, name, selectors[name]) for name in _checked(selectors)}
    cards, context = _cards(page, chosen, selectors, now=now)
    found = [_article(card, chosen, context) for card in cards]
    warnings = [
        f"The selector {name} = “{selectors[name]}” matches nothing in the cards of {page.url}."
        for name, elements in chosen.items()
        if cards and name != "card" and not any(card.holds(e.index) for card in cards for e in elements)
    ]
    lost = sum(article is None for article in found)
    if lost:
        warnings.append(f"{lost} of {len(found)} cards of {page.url} have no link to an article.")
    return tuple(a for a in found if a is not None), tuple(warnings)


def _checked(selectors: Mapping[str, str]) -> list[str]:
    unknown = [name for name in selectors if name not in KEYS]
    if unknown:
        raise SourceError(f"Unknown selector: {unknown[0]}.", mend=f"Use one of: {', '.join(KEYS)}.")
    return [name for name in KEYS if selectors.get(name)]


def _elements(page: Page, name: str, selector: str) -> list[Element]:
    try:
        return page.select(selector)
    except SelectolaxError as error:
        raise SourceError(
            f"The selector {name} = “{selector}” is not valid CSS.", mend="Correct it in the settings."
        ) from error


def _cards(
    page: Page, chosen: Mapping[str, list[Element]], selectors: Mapping[str, str], *, now: datetime
) -> tuple[list[Card], PageContext]:
    if "card" not in chosen:
        detection = find_cards(page, now=now)
        return list(detection.cards), detection.context
    if not chosen["card"]:
        raise SourceError(
            f"The selector card = “{selectors['card']}” matches nothing on {page.url}.",
            mend="Compare it with the page's HTML, and correct it.",
        )
    links = usable_links(page, location_of(page))
    context = page_context(page, bytearray(len(page.elements)), links, now=now)
    cards = []
    for root in chosen["card"]:
        link = _link(page, root, chosen.get("link"), links)
        cards.append(Card(link, root.index, root.end, root.text_start, root.text_end))
    return cards, context


def _link(page: Page, root: Element, chosen: list[Element] | None, links: list[Link]) -> Link:
    """The card's link: the selected one, or the one detection would use; its address may be empty."""
    if chosen is not None:
        for element in chosen:
            if root.holds(element):
                anchors = [element, *page.elements[element.index : element.end], *element.ancestors()]
                anchor = next((a for a in anchors if a.tag == "a" and a.attributes.get("href")), element)
                return Link(anchor, without_tracking(page.absolute(anchor.attributes.get("href", ""))))
        return Link(root, "")
    inside = [link for link in links if root.holds(link.anchor)]
    around = [link for link in links if link.anchor.holds(root)]
    return leading_link(page, inside) or next(iter(inside or around), Link(root, ""))


def _article(card: Card, chosen: Mapping[str, list[Element]], context: PageContext) -> FoundArticle | None:
    if not card.link.url:
        return None
    article = read_card(card, context)
    title = plain(_text(card, chosen, "title", context))
    if article is None and not title:
        return None
    article = article or FoundArticle(url=card.link.url, title=title)
    if title:
        article = replace(article, title=title, title_is_made=False)
    teaser = teaser_of(as_markup(_text(card, chosen, "teaser", context)))
    author = plain(_text(card, chosen, "author", context), limit=120)
    picture = image_in(context.page, _inside(card, chosen, "image", context.page))
    return replace(
        article,
        teaser=teaser or article.teaser,
        author=author or article.author,
        image=picture or article.image,
        published=_date(card, chosen, context) or article.published,
    )


def _first(card: Card, chosen: Mapping[str, list[Element]], name: str) -> Element | None:
    return next((e for e in chosen.get(name, ()) if card.holds(e.index)), None)


def _inside(card: Card, chosen: Mapping[str, list[Element]], name: str, page: Page) -> list[Element]:
    element = _first(card, chosen, name)
    return page.elements[element.index : element.end] if element is not None else []


def _text(card: Card, chosen: Mapping[str, list[Element]], name: str, context: PageContext) -> str:
    element = _first(card, chosen, name)
    return (
        context.page.text_of(element) or element.attributes.get("content", "") if element is not None else ""
    )


def _date(card: Card, chosen: Mapping[str, list[Element]], context: PageContext) -> datetime | None:
    for element in _inside(card, chosen, "date", context.page):
        for name in ("datetime", "content", "title"):
            value = html_dates.read_datetime(element.attributes.get(name, ""), now=context.now)
            if value is not None:
                return value
    text = _text(card, chosen, "date", context)
    found = html_dates.find_date(text, now=context.now, yearless=True, day_first=context.is_day_first)
    return found.value if found else None
