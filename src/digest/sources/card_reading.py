"""What one teaser card says: title, teaser, date, author, tags, picture, reading time.

A card is a range of the page, not necessarily an element.  Every piece of its
text is used at most once: what was read as title, date or author is not part of
the teaser.  Which ranges are cards is found in `cards`.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from digest.model.article import FoundArticle
from digest.rules.cleaning import first_sentence, plain, teaser_of
from digest.sources import html_dates
from digest.sources.article_links import Link, date_of, is_archive, is_comment_link
from digest.sources.invitations import is_invitation, without_trailing_invitation
from digest.sources.page_images import image_in
from digest.sources.page_tree import HEADINGS, Element, Page


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
class Surroundings:
    """What the page as a whole tells about each of its cards."""

    page: Page
    flags: bytearray  # furniture, by element
    now: datetime
    is_day_first: bool = False
    calls: frozenset[str] = frozenset()  # link texts that many different articles share: "Mehr dazu"
    read: dict[Card, FoundArticle | None] = field(default_factory=dict)  # what was read already


@dataclass(slots=True)
class _Draft:
    """A card while it is read; `used` are the pieces of text that have found their meaning."""

    card: Card
    at: Surroundings
    used: set[int] = field(default_factory=set)
    anchors: list[Element] = field(init=False)  # the card's anchors that lead to the article

    def __post_init__(self) -> None:
        link = self.card.link.anchor
        href = link.attributes.get("href", "")
        self.anchors = [
            e for e in self.elements if e is link or (e.tag == "a" and e.attributes.get("href", "") == href)
        ]

    @property
    def page(self) -> Page:
        return self.at.page

    @property
    def elements(self) -> list[Element]:
        return self.page.elements[self.card.start : self.card.end]

    def use(self, element: Element) -> None:
        self.used.update(
            range(max(element.text_start, self.card.text_start), min(element.text_end, self.card.text_end))
        )

    def text_of(self, element: Element) -> str:
        return self.page.text_of(element)


def read_card(card: Card, at: Surroundings) -> FoundArticle | None:
    """The article of a card, or None where it has neither title nor text; read once and remembered."""
    if card not in at.read:
        at.read[card] = _read(card, at)
    return at.read[card]


def _read(card: Card, at: Surroundings) -> FoundArticle | None:
    draft = _Draft(card, at)
    title = _title(draft)
    published = _published(draft, title)
    title = _without_leading_date(title)
    author = _author(draft)
    tags = _tags(draft)
    minutes = _minutes(draft)
    paragraphs = list(_paragraphs(draft, title, author, tags))
    teaser = _as_teaser(paragraphs)
    is_made = not title
    if is_made:
        title, teaser = titled(" ".join(paragraphs))
    if not title:
        return None
    return FoundArticle(
        url=card.link.url,
        title=title,
        teaser="" if teaser == title else teaser,
        published=published,
        author=author,
        tags=tags,
        minutes=minutes,
        image=image_in(draft.page, draft.elements),
        language=_language(draft),
        title_is_made=is_made,
    )


def titled(text: str) -> tuple[str, str]:
    """A title made of the first sentence, and the rest as a teaser that does not repeat it."""
    whole = plain(without_trailing_invitation(text), limit=4000)
    title = first_sentence(whole)
    said = title.removesuffix("…")
    if not whole.startswith(said):
        return title, teaser_of(as_markup(whole))
    rest = whole[len(said) :]
    if title.endswith("…") and rest and not rest.startswith("…"):
        return title, teaser_of("…" + as_markup(rest.lstrip(" ,;:–—-")))
    return title, teaser_of(as_markup(rest.lstrip(" .!?…"))) if re.search(r"\w", rest) else ""


def as_markup(text: str) -> str:
    """Plain text as HTML that cleaning reads back as it is.

    Angle brackets are escaped twice: text that looks like escaped markup would
    be taken for markup, and "Use <b> rarely" lose its point.
    """
    return html.escape(text, quote=False).replace("&lt;", "&amp;lt;")


# --- title


def _title(draft: _Draft) -> str:
    for element in _title_candidates(draft):
        text = _title_text(draft, element)
        if text:
            draft.use(element)
            return text
    return _spoken_title(draft)


def _title_candidates(draft: _Draft) -> Iterator[Element]:
    """Where a title can stand, the surest place first."""
    anchors = draft.anchors
    headings = [e for e in draft.elements if _is_heading(e)]
    linked = [h for h in headings if any(h.holds(a) or a.holds(h) for a in anchors)]
    named = [e for e in draft.elements if _is_named_title(e)]
    yield from sorted(linked, key=lambda h: (h.tag if h.tag in HEADINGS else "h3", h.index))
    talkative = [a for a in anchors if _says_something(draft, a)]
    for element in named:
        yield from (a for a in talkative if element.holds(a))
        if any(a.holds(element) or element.holds(a) for a in anchors):
            yield element
    before = [h for h in headings if h.index < draft.card.link.anchor.index or not talkative]
    if before and not any(len(draft.text_of(a).split()) > 2 for a in talkative):
        yield from before[:2]
    yield from (part for a in talkative for part in _strong_parts(draft, a))
    yield from headings[:2]
    yield from named[:1]
    yield from (a for a in anchors if not is_invitation(draft.text_of(a)))
    yield from _leading_strong(draft)


def _is_heading(element: Element) -> bool:
    return element.tag in HEADINGS or element.attributes.get("role", "").lower() == "heading"


_TITLE_NAME = re.compile(r"(?:^|[-_a-z])(?:title|headline|heading|p-name|entry-title)$|Title$|Headline$")
_NOT_TITLE_NAME = re.compile(
    r"sub-?_?title|site-?title|page-?title|section-?title|widget|title-?wrap", re.IGNORECASE
)


def _is_named_title(element: Element) -> bool:
    attributes = element.attributes
    if attributes.get("itemprop", "").lower() in {"headline", "name"} and element.tag not in {"meta", "img"}:
        return "author" not in {
            a.attributes.get("itemprop", "").lower() for a in list(element.ancestors())[:3]
        }
    names = element.classes
    return any(_TITLE_NAME.search(n) and not _NOT_TITLE_NAME.search(n) for n in names)


def _says_something(draft: _Draft, anchor: Element) -> bool:
    text = draft.text_of(anchor)
    return bool(re.search(r"\w", text)) and not is_invitation(text) and text.casefold() not in draft.at.calls


def _strong_parts(draft: _Draft, anchor: Element) -> Iterator[Element]:
    """The strongest part of a link that wraps a whole card; a short link is its own title."""
    inside = draft.page.elements[anchor.index + 1 : anchor.end]
    cells = _cells_of(draft, anchor)
    if len(cells) <= 1:
        yield anchor
        return
    yield from (e for e in inside if e.tag in {"strong", "b"} and draft.text_of(e))
    worded = [c for c in cells if len(draft.text_of(c).split()) >= 3 and not _is_meta(draft.text_of(c))]
    yield from worded or [c for c in cells if not _is_meta(draft.text_of(c))]


def _cells_of(draft: _Draft, element: Element) -> list[Element]:
    cells: dict[int, Element] = {}
    for place in range(element.text_start, element.text_end):
        piece = draft.page.pieces[place]
        if piece.text.strip():
            cells.setdefault(piece.cell.index, piece.cell)
    return list(cells.values())


def _leading_strong(draft: _Draft) -> Iterator[Element]:
    """`<p><strong>Title</strong><br>text`: the card's first words, where they are set in bold."""
    for element in draft.elements:
        if element.tag in {"strong", "b"} and element.text_end > element.text_start:
            before = draft.page.text(draft.card.text_start, element.text_start)
            if not before or _is_meta(before):
                yield element
            return


def _title_text(draft: _Draft, element: Element) -> str:
    if draft.at.flags[element.index] and not draft.at.flags[draft.card.link.anchor.index]:
        return ""
    marks = {
        place
        for e in draft.page.elements[element.index : element.end]
        if e is not element and (_is_mark(draft.page, e) or e.tag == "time" or _is_named(e, _DATE_WORDS))
        for place in range(e.text_start, e.text_end)
    }
    text = draft.page.text(element.text_start, element.text_end, without=marks)
    text = plain(text.strip(" ¶#→»›|·"))
    if not re.search(r"\w", text) or is_invitation(text) or _is_meta(text):
        return ""
    return text


def _is_mark(page: Page, element: Element) -> bool:
    """Permalink signs and "new" badges inside a heading."""
    names = element.words()
    if names & {"headerlink", "permalink", "badge", "anchor"} and len(page.text_of(element)) < 20:
        return element.tag in {"a", "span", "sup", "small"} and (
            "anchor" not in names or len(page.text_of(element)) < 2
        )
    return False


def _spoken_title(draft: _Draft) -> str:
    """What a screen reader is told of a link without text, or the text of its picture."""
    for anchor in draft.anchors:
        for name in ("aria-label", "title"):
            said = re.sub(
                r"^(?:read (?:more|about|article|post)|permalink to|link to|continue reading)\W*(?:about "
                r"|of )?",
                "",
                anchor.attributes.get(name, ""),
                flags=re.IGNORECASE,
            )
            if len(said.split()) >= 2 and not is_invitation(said):
                return plain(said)
    return ""


def _without_leading_date(title: str) -> str:
    """`2024-05-01: Title` is a title with its date in front."""
    bare = re.sub(r"^\W*\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\s*[-:–—|·]*\s+(?=\w)", "", title)
    return bare or title


# --- date

_DATE_WORDS = frozenset(
    {"date", "time", "published", "posted", "pubdate", "timestamp", "datetime", "datum", "fecha"}
)
_META_WORDS = frozenset({"meta", "info", "byline", "details", "metadata", "subtitle"}) | _DATE_WORDS
_CHANGED = re.compile(
    r"(?:updated?|modified|edited|aktualisiert|geändert|mis à jour|modifié|actualizado|aggiornato"
    r"|bijgewerkt|atualizado)"
    r"(?: (?:on|am|le|el|il|op|em))?\W*$",
    re.IGNORECASE,
)


def _published(draft: _Draft, title: str) -> datetime | None:
    for value in (*_dates_by_markup(draft), *_dates_in_cells(draft)):
        if value is not None:
            return value
    found = html_dates.find_date(title[:12], now=draft.at.now)
    if found and found.start <= 1:
        return found.value
    return date_of(draft.card.link.url, now=draft.at.now) or _date_above(draft)


def _date_above(draft: _Draft) -> datetime | None:
    """The date that heads a group of cards: a heading beside the card or beside the box that it stands in."""
    root = draft.page.elements[draft.card.start]
    for element in [root, *list(root.ancestors())[:3]]:
        for sibling in _siblings_before(element):
            if not _is_heading(sibling) and "header" not in sibling.words():
                continue
            text = draft.text_of(sibling)
            if len(text) <= 60 and _is_meta(text):
                return _date_in(draft, text, yearless=False)
            break
    return None


def _dates_by_markup(draft: _Draft) -> Iterator[datetime | None]:
    marked = [e for e in draft.elements if _says_date(e) and not _is_changed(draft, e)]
    marked.sort(key=lambda e: (not _is_publication(e), e.index))
    for element in marked:
        yield _date_of_element(draft, element)
    for element in draft.elements:
        if element.tag not in {"time", "a", "meta", "article", "img"} and _is_named(element, _DATE_WORDS):
            text = draft.text_of(element)
            if len(text) <= 80 and not _is_changed(draft, element):
                yield _date_in(draft, text, yearless=True, use=element)


def _says_date(element: Element) -> bool:
    attributes = element.attributes
    return element.tag == "time" or "datetime" in attributes or attributes.get("itemprop") == "datePublished"


def _is_publication(element: Element) -> bool:
    words = element.words() | {element.attributes.get("itemprop", "").lower()}
    return bool(words & {"published", "datepublished", "pubdate"}) or "dt-published" in element.classes


def _is_changed(draft: _Draft, element: Element) -> bool:
    words = element.words()
    if words & {"updated", "modified"} and "published" not in words:
        return True
    if element.attributes.get("itemprop") == "dateModified":
        return True
    before = draft.page.text(max(draft.card.text_start, element.text_start - 4), element.text_start)
    return bool(_CHANGED.search(before)) or bool(
        _CHANGED.match(draft.text_of(element).partition(":")[0] + ":")
    )


def _date_of_element(draft: _Draft, element: Element) -> datetime | None:
    attributes = element.attributes
    for name in ("datetime", "content", "title"):
        value = html_dates.read_datetime(attributes.get(name, ""), now=draft.at.now)
        if value is not None:
            draft.use(element)
            return value
    return _date_in(draft, draft.text_of(element), yearless=True, use=element)


def _date_in(draft: _Draft, text: str, *, yearless: bool, use: Element | None = None) -> datetime | None:
    at = draft.at
    found = html_dates.find_date(text, now=at.now, day_first=at.is_day_first)
    if found is None and yearless:
        year = _year_above(draft)
        found = html_dates.find_date(text, now=at.now, year=year, yearless=True, day_first=at.is_day_first)
    if found is None:
        return None
    if use is not None and _is_meta(text):
        draft.use(use)
    return found.value


def _dates_in_cells(draft: _Draft) -> Iterator[datetime | None]:
    """Dates in short lines of the card, or at the begin or end of a line; never in the middle of prose."""
    lines = list(_lines(draft))
    for text in lines:
        if len(text) <= 120 and not _CHANGED.search(_before_date(draft, text)):
            yield _date_standing_alone(draft, text)
    for text in lines:
        yield _date_at_the_edge(draft, text)
    for text in lines:
        if len(text) <= 40 and _is_meta(text):
            yield _date_in(draft, text, yearless=True)


def _lines(draft: _Draft) -> Iterator[str]:
    """The text of the card that is not its title, a line per unit."""
    for _cell, places in _units(draft):
        text = draft.page.text(places[0], places[-1] + 1, without=draft.used)
        if text:
            yield text


def _units(draft: _Draft) -> Iterator[tuple[Element, list[int]]]:
    cell: Element | None = None
    places: list[int] = []
    for place in range(draft.card.text_start, draft.card.text_end):
        if place in draft.used:
            continue
        piece = draft.page.pieces[place]
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


def _before_date(draft: _Draft, text: str) -> str:
    found = html_dates.find_date(text, now=draft.at.now)
    return text[: found.start] if found else ""


def _date_standing_alone(draft: _Draft, text: str) -> datetime | None:
    found = html_dates.find_date(text, now=draft.at.now, day_first=draft.at.is_day_first)
    if found is None:
        return None
    rest = text[: found.start] + " " + text[found.end :]
    return found.value if _is_meta(text) or len(re.findall(r"\w", _without_byline(rest))) <= 40 else None


def _date_at_the_edge(draft: _Draft, text: str) -> datetime | None:
    """A date that opens a line, or closes it behind a dash or in brackets."""
    at = draft.at
    begin = html_dates.find_date(text[:80], now=at.now, day_first=at.is_day_first)
    opens = begin is not None and re.fullmatch(r"\W*(?:\w+ ?){0,2}\W*", text[: begin.start])
    if begin is not None and opens and re.match(r"\s*[-–—:|·•)\],.]|\s*$", text[begin.end :]):
        return begin.value
    tail = text[-60:]
    end = html_dates.find_date(tail, now=at.now, day_first=at.is_day_first)
    if end is not None and re.search(r"[(\[–—|·,-]\s*$", tail[: end.start]):
        return end.value if not re.search(r"\w", tail[end.end :]) else None
    return None


def _year_above(draft: _Draft) -> int | None:
    """The year that the nearest heading above the card names, as archives are grouped."""
    elements = draft.page.elements
    looked = 0
    for place in range(draft.card.start - 1, -1, -1):
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
            year = html_dates.year_alone(draft.text_of(element))
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


# --- author, tags, minutes, language

_BY = re.compile(
    r"(?:^|[\s·|,•–—-])(?:(?:posted|written|published|authored|geschrieben|verfasst|publié|écrit|escrito"
    r"|publicado|scritto|geschreven|door|by)\s+)?(?:by|von|par|por|di|door|av|af)\s*:?\s+(?P<name>[^\s"
    r"|·•].{1,100}?)\s*(?=$|[|·•\n]|\s[–—-]\s|,?\s+(?:on|am|le|el|il|op|em|at|den)\s+\d|,?\s+(?:in|published"
    r"|posted"
    r"|updated)\s|\s+\d|,\s*\d|\s*-\s*\d)",
    re.IGNORECASE,
)
_AUTHOR_LABEL = re.compile(
    r"^\W*(?:(?:posted|written|published)\s+)?(?:by|von|par|por|di|door|av|authors?|autor(?:en|in)?|auteur"
    r"|autore)\b\s*:?\s*",
    re.IGNORECASE,
)
_AUTHOR_WORDS = frozenset({"author", "authors", "byline", "writer", "autor", "auteur", "fn"})


def _author(draft: _Draft) -> str:
    for element in _author_elements(draft):
        text = draft.text_of(element) or element.attributes.get("content", "")
        name = _clean_name(text)
        if name:
            draft.use(element)
            return name
    for text in list(_lines(draft)):
        if len(text) > 160 or not _is_byline(draft, text):
            continue
        found = _BY.search(_with_dates_cut(text))
        name = _clean_name(found["name"]) if found else ""
        if name:
            return name
    return ""


def _author_elements(draft: _Draft) -> Iterator[Element]:
    marked = [e for e in draft.elements if e.tag != "img"]
    for element in marked:
        if (
            element.attributes.get("rel", "") == "author"
            or element.attributes.get("itemprop", "") == "author"
        ):
            inner = [e for e in marked if element.holds(e) and e.attributes.get("itemprop") == "name"]
            if inner:
                draft.use(element)  # with it what it says of the person
            yield from inner[:1] or [element]
    named = [e for e in marked if _is_named(e, _AUTHOR_WORDS) or "p-author" in e.classes]
    # The innermost of them: the box around picture, name and date is called author too.
    for element in named:
        inner = [e for e in named if e is not element and element.holds(e) and draft.text_of(e)]
        name = [e for e in inner if "name" in e.words()] or inner
        yield from name[:1]
        yield element


def _clean_name(text: str) -> str:
    """A name out of a byline, or empty where it is none."""
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


def _is_byline(draft: _Draft, text: str) -> bool:
    """A line that begins with "by", or says when and by whom."""
    if re.match(
        r"\W*(?:(?:posted|written|published|by)\s+)?(?:by|von|par|por|di|door)\s", text, re.IGNORECASE
    ):
        return len(text) <= 100
    return html_dates.find_date(text, now=draft.at.now) is not None and len(text) <= 140


def _with_dates_cut(text: str) -> str:
    return html_dates.without_minutes(re.sub(r"\s{2,}", " · ", _spaced_dates(text)))


def _spaced_dates(text: str) -> str:
    bare = html_dates.without_dates(text)
    return bare if bare == text else re.sub(r"\s*[|,]?\s*$", "", bare)


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


def _tags(draft: _Draft) -> tuple[str, ...]:
    tags: dict[str, str] = {}
    for element in draft.elements:
        if not _is_tag(draft, element):
            continue
        text = plain(draft.text_of(element).strip(" #,·|/"), limit=60)
        if text and len(text) <= 40 and html_dates.find_date(text, now=draft.at.now) is None:
            tags.setdefault(text.casefold(), text)
        if len(draft.text_of(element)) <= 120:
            draft.use(element)
    return tuple(tags.values())[:10]


def _is_tag(draft: _Draft, element: Element) -> bool:
    if any(element is anchor for anchor in draft.anchors):
        return False
    if element.tag == "a":
        relations = element.attributes.get("rel", "").lower().split()
        url = draft.page.absolute(element.attributes.get("href", ""))
        is_topic = "tag" in relations or "category" in relations or (bool(url) and _is_topic(url))
        return is_topic and not _is_in_sentence(draft, element)
    if element.tag not in {"span", "li", "div", "p", "small", "strong", "em"} or not _is_named(
        element, _TAG_WORDS
    ):
        return "p-category" in element.classes
    inside = draft.page.elements[element.index + 1 : element.end]
    return (
        not any(e.tag == "a" or _is_named(e, _TAG_WORDS) for e in inside)
        and len(_cells_of(draft, element)) <= 1
    )


def _is_in_sentence(draft: _Draft, anchor: Element) -> bool:
    """A release's `/tag/1.0` that a text links to is no topic of the article."""
    if anchor.text_end == anchor.text_start:
        return False
    cell = draft.page.pieces[anchor.text_start].cell
    return (
        cell is not anchor
        and len(draft.text_of(cell)) > 120
        and len(draft.text_of(cell)) > 4 * len(draft.text_of(anchor))
    )


def _is_topic(url: str) -> bool:
    return is_archive(url) and not re.search(
        r"/(?:authors?|autor|auteur|page|seite|archives?|contributors|19\d\d|20\d\d)(?:/|$)", url
    )


def _minutes(draft: _Draft) -> int | None:
    for text in _lines(draft):
        minutes = html_dates.find_minutes(text) if len(text) <= 160 else None
        if minutes:
            return minutes
    return None


def _language(draft: _Draft) -> str:
    for element in draft.elements[:1]:
        return element.attributes.get("lang", "").strip()
    return ""


# --- teaser

_TEASER_WORDS = frozenset(
    {
        "excerpt",
        "summary",
        "teaser",
        "description",
        "desc",
        "dek",
        "intro",
        "lead",
        "abstract",
        "snippet",
        "deck",
        "standfirst",
    }
)
_SKIPPED = frozenset(
    {
        "nav",
        "form",
        "button",
        "pre",
        "figcaption",
        "select",
        "textarea",
        "table",
        "label",
        "caption",
        "noscript",
    }
)
_FILLERS = re.compile(
    r"\b(?:posted|published|written|updated|by|on|in|under|filed|tagged|tags?|categor(?:y|ies)|author|from"
    r"|to|and|the|date|at|via|share|comments?|no comments|leave a (?:comment|reply)|views?|likes?|permalink"
    r"|min|read|reading time|featured|new|von|am|um|veröffentlicht|in der kategorie|publié|par|le|dans"
    r"|publicado|por|el|en|pubblicato|di|il|da|geplaatst|door|op|kommentare?"
    r"|commentaires?|comentarios?|points?|uhr|utc|gmt|st|nd|rd|th)\b",
    re.IGNORECASE,
)


def _is_meta(text: str) -> bool:
    """Whether a line holds only dates, reading times and the words between them."""
    if len(text) > 160:
        return False
    rest = html_dates.without_minutes(html_dates.without_dates(text, yearless=True))
    rest = _FILLERS.sub("", rest)
    return (
        len(re.findall(r"[^\W\d_]", rest)) <= 2
        and len(re.findall(r"\d", rest)) <= 6
        and (rest != text or len(text) < 8)
    )


def _without_byline(text: str) -> str:
    return _FILLERS.sub(" ", _BY.sub(" ", text))


def _paragraphs(draft: _Draft, title: str, author: str, tags: tuple[str, ...]) -> Iterator[str]:
    """The running text of the card, a line per unit; headings count only where there is nothing else."""
    _use_what_is_no_text(draft)
    units = [
        (cell, draft.page.text(places[0], places[-1] + 1, without=draft.used))
        for cell, places in _units(draft)
    ]
    kept = [(cell, text) for cell, text in units if _is_running_text(text, title, author, tags)]
    named = [text for cell, text in kept if _is_inside_teaser(draft, cell)]
    if named:
        yield from (_without_date_in_front(draft, text) for text in named)
        return
    running = [text for cell, text in kept if not _in_heading(draft, cell)]
    for text in running or [text for _, text in kept]:
        yield _without_date_in_front(draft, text)


def _use_what_is_no_text(draft: _Draft) -> None:
    link_flag = draft.at.flags[draft.card.link.anchor.index]
    for element in draft.elements:
        if (
            (element.tag in _SKIPPED and not (element.tag == "table" and element.index == draft.card.start))
            or (draft.at.flags[element.index] and not link_flag and element.tag not in {"a", "span"})
            or (element.tag == "a" and _is_action(draft, element))
            or element.tag == "time"
            or _is_publication(element)
        ):
            draft.use(element)


def _is_action(draft: _Draft, anchor: Element) -> bool:
    text = draft.text_of(anchor)
    url = draft.page.absolute(anchor.attributes.get("href", ""))
    leads_there = any(anchor is other for other in draft.anchors)
    if (
        anchor.text_end > anchor.text_start
        and draft.page.pieces[anchor.text_start].cell is not anchor
        and not leads_there
    ):
        return _is_alone(draft, anchor) and is_invitation(text)
    return (
        is_comment_link(url) or is_invitation(text) or (text.casefold() in draft.at.calls and len(text) < 60)
    )


def _is_alone(draft: _Draft, anchor: Element) -> bool:
    """Whether the anchor is all that its line says; inside a sentence "more" is a word like any other."""
    return draft.text_of(draft.page.pieces[anchor.text_start].cell) == draft.text_of(anchor)


def _is_running_text(text: str, title: str, author: str, tags: tuple[str, ...]) -> bool:
    if not re.search(r"[^\W\d_]{2}", text) or text.casefold() == title.casefold() or is_invitation(text):
        return False
    if re.fullmatch(r"\(?[\w-]+(?:\.[\w-]+)+\)?", text):
        return False  # the host of a link
    if text.casefold() == author.casefold() or text.casefold() in {t.casefold() for t in tags}:
        return False
    if _is_meta(text) or re.match(
        r"\W*(?:tags?|categor(?:y|ies)|filed under|posted in|topics?)\s*:", text, re.IGNORECASE
    ):
        return False
    if re.fullmatch(
        r"\W*\d+\s+(?:comments?|kommentare?|commentaires?|comentarios?|views?|likes?|shares?|points?"
        r"|replies|claps?)\W*",
        text,
        re.IGNORECASE,
    ):
        return False
    return not _is_line_about_author(text, author)


def _is_line_about_author(text: str, author: str) -> bool:
    """A line of names and dates, such as "Posted on 5 May by Ann" or "Ann (Example Ltd); Bob"."""
    if len(text) > 200:
        return False
    bare = html_dates.without_minutes(html_dates.without_dates(text))
    rest = (
        _without_byline(bare)
        if bare != text or re.match(r"\W*(?:posted|written|by|von|par|por)\b", text, re.IGNORECASE)
        else bare
    )
    if bare != text and len(re.findall(r"\w", rest)) <= 20:
        return True
    if not author:
        return False
    names = [n for n in re.split(r"\s*(?:,| and | und | et | y | e |&|;)\s*", author) if n]
    said = [n for n in names if n.casefold() in text.casefold()]
    left = rest
    for name in said:
        left = re.sub(re.escape(name), " ", left, flags=re.IGNORECASE)
    left = re.sub(r"\([^)]{0,60}\)", " ", left)
    return (
        bool(said)
        and len(re.findall(r"\w", _FILLERS.sub("", left))) <= 20
        and not re.search(r"[.!?]\s*$", text)
    )


def _is_inside_teaser(draft: _Draft, cell: Element) -> bool:
    element: Element | None = cell
    while element is not None and element.index >= draft.card.start:
        itemprop = element.attributes.get("itemprop", "").lower()
        if itemprop == "description" or "p-summary" in element.classes:
            return True
        if element.index > draft.card.start and _is_named(element, _TEASER_WORDS):
            return True
        element = element.parent
    return False


def _in_heading(draft: _Draft, cell: Element) -> bool:
    element: Element | None = cell
    while element is not None and element.index >= draft.card.start:
        if _is_heading(element):
            return True
        element = element.parent
    return False


def _without_date_in_front(draft: _Draft, text: str) -> str:
    found = html_dates.find_date(text[:60], now=draft.at.now)
    if found and not re.search(r"\w", text[: found.start]):
        after = re.match(r"\s*(?:[-–—:|·•)\],.]+\s*)", text[found.end :])
        if after:
            return text[found.end + after.end() :]
    return text


def _as_teaser(paragraphs: Iterable[str]) -> str:
    """The first running text; short labels are left out as long as there are sentences."""
    texts = [without_trailing_invitation(p).strip(" |·•–—:") for p in paragraphs]
    long = [t for t in texts if len(t) >= 40 or re.search(r"[.!?…:]$", t)]
    whole = " ".join(long or texts)[:4000]
    return teaser_of(as_markup(whole)) if whole else ""


def _is_named(element: Element, words: frozenset[str]) -> bool:
    """Whether a class name of the element is, or ends in, one of the words: `post-date`, `entry__date`."""
    return any(_last_word(name) in words or name.lower() in words for name in element.classes)


def _last_word(name: str) -> str:
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return parts[-1].lower() if parts else ""
