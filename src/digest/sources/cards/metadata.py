"""Who wrote it, about what, in which language, and how long it takes to read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from digest.rules.cleaning import plain
from digest.sources import html_dates
from digest.sources.article_links import is_archive
from digest.sources.cards.bylines import BY, is_meta
from digest.sources.cards.card import CardReading, cells_of, is_named, lines_of
from digest.sources.page_tree import Element


def author_of(reading: CardReading) -> str:
    for element in _author_elements(reading):
        text = reading.text_of(element) or element.attributes.get("content", "")
        name = _clean_name(text)
        if name:
            _use_with_box(reading, element)
            return name
    for text in list(lines_of(reading)):
        if len(text) > 160 or not _is_byline(reading, text):
            continue
        found = BY.search(_with_dates_cut(text))
        name = _clean_name(found["name"]) if found else ""
        if name:
            return name
    return ""


def _use_with_box(reading: CardReading, element: Element) -> None:
    """The name, and what else is in a box about the person: a role, a company."""
    reading.use(element)
    for box in list(element.ancestors())[:4]:
        if (
            box.index <= reading.card.start
            or len(reading.text_of(box)) > 200
            or any(box.holds(a) for a in reading.anchors)
        ):
            return
        if box.words() & {"author", "authors", "avatar", "byline", "writer"}:
            reading.use(box)


def _author_elements(reading: CardReading) -> Iterator[Element]:
    """Where an author can be named, the surest place first."""
    elements = [e for e in reading.elements if e.tag != "img"]
    for rule in _AUTHOR_RULES:
        yield from rule(reading, elements)


def _marked_as_author(reading: CardReading, elements: list[Element]) -> Iterator[Element]:
    """`rel=author` and `itemprop=author`; where schema.org markup gives the name, that alone."""
    for element in elements:
        if "author" not in {element.attributes.get("rel", ""), element.attributes.get("itemprop", "")}:
            continue
        names = [e for e in elements if element.holds(e) and e.attributes.get("itemprop") == "name"]
        if names:
            reading.use(element)  # with whatever else it says about the person
        yield names[0] if names else element


def _called_author_name(reading: CardReading, elements: list[Element]) -> Iterator[Element]:
    return (e for e in elements if {"author", "name"} <= e.words() and _is_short(reading, e))


def _author_links(reading: CardReading, elements: list[Element]) -> Iterator[Element]:
    return (e for e in elements if e.tag == "a" and _leads_to_person(reading, e))


def _called_author(reading: CardReading, elements: list[Element]) -> Iterator[Element]:
    """The innermost element called author: the box around picture, name and date is often called so too."""
    called = [e for e in elements if is_named(e, _AUTHOR_WORDS) or "p-author" in e.classes]
    for element in called:
        inner = [e for e in called if e is not element and element.holds(e) and reading.text_of(e)]
        names = [e for e in inner if "name" in e.words()] or inner
        yield from names[:1]
        yield from _name_cell(reading, element)


def _name_cell(reading: CardReading, element: Element) -> list[Element]:
    """The element itself, or its first unit of text that is more than a date."""
    cells = cells_of(reading, element)
    if len(cells) < 2:
        return [element]
    return [cell for cell in cells if not is_meta(reading.text_of(cell))][:1]


_AUTHOR_RULES: tuple[Callable[[CardReading, list[Element]], Iterator[Element]], ...] = (
    _marked_as_author,
    _called_author_name,
    _author_links,
    _called_author,
)


def _is_short(reading: CardReading, element: Element) -> bool:
    return len(cells_of(reading, element)) == 1 and len(reading.text_of(element)) <= 80


def _leads_to_person(reading: CardReading, anchor: Element) -> bool:
    """A link to an author's archive: /author/ann, /authors/ann/."""
    path = urlsplit(reading.page.absolute(anchor.attributes.get("href", ""))).path.lower()
    return bool(re.search(r"/(?:authors?|autor|auteur|autore|contributors)/[^/]+/?(?:index\.html)?$", path))


def _clean_name(text: str) -> str:
    """A name out of a byline, or empty if it is not a name."""
    name = _AUTHOR_LABEL.sub("", " ".join(text.split()))
    name = html_dates.without_minutes(html_dates.without_dates(name, yearless=True))
    name = re.split(r"\s*[|·•]\s*|\s+[–—-]\s+(?=\d|$)|\s{3,}", name)[0]
    name = re.sub(r"\s+(?:on|am|le|el|in|at|posted|published)\s*$", "", name).strip(" ,.;:–—-·|")
    name = name.strip("()") if name.count("(") != name.count(")") or name.startswith("(") else name
    if not 2 <= len(name) <= 120 or len(name.split()) > 14 or not re.search(r"[^\W\d_]{2}", name):
        return ""
    return (
        ""
        if "://" in name or (re.search(r"[.!?]\s", name.replace("Dr. ", "")) and len(name) > 60)
        else plain(name, limit=120)
    )


def _is_byline(reading: CardReading, text: str) -> bool:
    """A line that begins with "by", or says when and by whom."""
    if re.match(
        r"\W*(?:(?:posted|written|published|by)\s+)?(?:by|von|par|por|di|door)\s", text, re.IGNORECASE
    ):
        return len(text) <= 100
    return html_dates.find_date(text, now=reading.context.now) is not None and len(text) <= 140


def _with_dates_cut(text: str) -> str:
    return html_dates.without_minutes(re.sub(r"\s{2,}", " · ", _spaced_dates(text)))


def _spaced_dates(text: str) -> str:
    bare = html_dates.without_dates(text)
    return bare if bare == text else re.sub(r"\s*[|,]?\s*$", "", bare)


_AUTHOR_LABEL = re.compile(
    r"^\W*(?:(?:posted|written|published)\s+)?(?:by|von|par|por|di|door|av|authors?|autor(?:en|in)?|auteur"
    r"|autore)\b\s*:?\s*",
    re.IGNORECASE,
)


_AUTHOR_WORDS = frozenset({"author", "authors", "byline", "writer", "autor", "auteur", "fn"})


def tags_of(reading: CardReading) -> tuple[str, ...]:
    tags: dict[str, str] = {}
    for element in reading.elements:
        if not _is_tag(reading, element):
            continue
        text = plain(reading.text_of(element).strip(" #,·|/"), limit=60)
        if (
            text
            and len(text) <= 40
            and not _NO_TAG.fullmatch(text)
            and html_dates.find_date(text, now=reading.context.now) is None
        ):
            tags.setdefault(text.casefold(), text)
        if len(reading.text_of(element)) <= 120:
            reading.use(element)
    return tuple(tags.values())[:10]


def _is_tag(reading: CardReading, element: Element) -> bool:
    if any(element is anchor for anchor in reading.anchors):
        return False
    if element.tag == "a":
        relations = element.attributes.get("rel", "").lower().split()
        url = reading.page.absolute(element.attributes.get("href", ""))
        is_topic = "tag" in relations or "category" in relations or (bool(url) and _is_topic(url))
        return is_topic and not _is_in_sentence(reading, element)
    if element.tag not in {"span", "li", "div", "p", "small", "strong", "em"} or not is_named(
        element, _TAG_WORDS
    ):
        return "p-category" in element.classes
    inside = reading.page.elements[element.index + 1 : element.end]
    return (
        not any(e.tag == "a" or is_named(e, _TAG_WORDS) for e in inside)
        and len(cells_of(reading, element)) <= 1
    )


def _is_in_sentence(reading: CardReading, anchor: Element) -> bool:
    """A release's `/tag/1.0` that a text links to is no topic of the article."""
    if anchor.text_end == anchor.text_start:
        return False
    cell = reading.page.pieces[anchor.text_start].cell
    return (
        cell is not anchor
        and len(reading.text_of(cell)) > 120
        and len(reading.text_of(cell)) > 4 * len(reading.text_of(anchor))
    )


def _is_topic(url: str) -> bool:
    return is_archive(url) and not re.search(
        r"/(?:authors?|autor|auteur|page|seite|archives?|contributors|19\d\d|20\d\d)(?:/|$)", url
    )


_NO_TAG = re.compile(
    r"(?:featured|new|latest|pinned|popular|sticky)(?: (?:article|post|story|stories))?|blog|article|post",
    re.IGNORECASE,
)
_TAG_WORDS = frozenset(
    {
        "tag",
        "tags",
        "category",
        "categories",
        "topic",
        "topics",
        "taxonomy",
        "eyebrow",
        "kicker",
        "chip",
        "pill",
    }
)


def minutes_in(reading: CardReading) -> int | None:
    for text in lines_of(reading):
        minutes = html_dates.find_minutes(text) if len(text) <= 160 else None
        if minutes:
            return minutes
    return None


def language_of(reading: CardReading) -> str:
    for element in reading.elements[:1]:
        return element.attributes.get("lang", "").strip()
    return ""
