"""The title of a card: its headline, its strongest link text, or its label for screen readers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from digest.rules.cleaning import plain
from digest.sources.cards.bylines import is_meta
from digest.sources.cards.card import CardReading, cells_of, is_heading, is_named, without_hash
from digest.sources.cards.dating import DATE_WORDS
from digest.sources.page_tree import HEADINGS, Element, Page
from digest.sources.read_more import is_invitation


def title_of(reading: CardReading) -> str:
    """The title, or empty where nothing on the card can be one; its text is then used up."""
    clues = _clues_of(reading)
    for element in chain.from_iterable(rule(clues) for rule in _TITLE_RULES):
        text = _title_text(reading, element)
        if text:
            reading.use(element)
            return text
    return _spoken_title(reading)


@dataclass(frozen=True, slots=True)
class _TitleClues:
    """The elements of a card among which its title is searched."""

    reading: CardReading
    anchors: list[Element]  # those that lead to the article
    worded: list[Element]  # of these, those whose text says something
    headings: list[Element]
    named: list[Element]  # called title by class or itemprop


def _clues_of(reading: CardReading) -> _TitleClues:
    return _TitleClues(
        reading,
        anchors=reading.anchors,
        worded=[a for a in reading.anchors if _says_something(reading, a)],
        headings=[e for e in reading.elements if is_heading(e)],
        named=[e for e in reading.elements if _is_named_title(e)],
    )


def _linked_headings(clues: _TitleClues) -> Iterable[Element]:
    linked = [h for h in clues.headings if any(h.holds(a) or a.holds(h) for a in clues.anchors)]
    return sorted(linked, key=lambda h: (h.tag if h.tag in HEADINGS else "h3", h.index))


def _named_and_linked(clues: _TitleClues) -> Iterable[Element]:
    for element in clues.named:
        yield from (a for a in clues.worded if element.holds(a))
        if any(a.holds(element) or element.holds(a) for a in clues.anchors):
            yield element


def _headings_before_link(clues: _TitleClues) -> Iterable[Element]:
    """A heading without a link, where the link below it says little: `<h3>Title</h3> … <a>More</a>`."""
    if any(len(clues.reading.text_of(a).split()) > 2 for a in clues.worded):
        return []
    link = clues.reading.card.link.anchor
    return [h for h in clues.headings if h.index < link.index or not clues.worded][:2]


def _strong_link_parts(clues: _TitleClues) -> Iterable[Element]:
    return chain.from_iterable(_strong_parts(clues.reading, a) for a in clues.worded)


def _link_texts(clues: _TitleClues) -> Iterable[Element]:
    return (a for a in clues.anchors if not is_invitation(clues.reading.text_of(a)))


# Where a title can be, the surest place first.
_TITLE_RULES: tuple[Callable[[_TitleClues], Iterable[Element]], ...] = (
    _linked_headings,
    _named_and_linked,
    _headings_before_link,
    _strong_link_parts,
    lambda clues: clues.headings[:2],
    lambda clues: clues.named[:1],
    _link_texts,
    lambda clues: _leading_strong(clues.reading),
)


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
    names = [*element.classes, *(without_hash(name) for name in element.classes)]
    return any(_TITLE_NAME.search(n) and not _NOT_TITLE_NAME.search(n) for n in names)


def _says_something(reading: CardReading, anchor: Element) -> bool:
    text = reading.text_of(anchor)
    return (
        bool(re.search(r"\w", text))
        and not is_invitation(text)
        and text.casefold() not in reading.context.repeated_link_texts
    )


def _strong_parts(reading: CardReading, anchor: Element) -> Iterator[Element]:
    """The strongest part of a link that wraps a whole card; a short link is its own title."""
    inside = reading.page.elements[anchor.index + 1 : anchor.end]
    cells = cells_of(reading, anchor)
    if len(cells) <= 1:
        yield anchor
        return
    yield from (e for e in inside if e.tag in {"strong", "b"} and reading.text_of(e))
    worded = [c for c in cells if len(reading.text_of(c).split()) >= 3 and not is_meta(reading.text_of(c))]
    yield from worded or [c for c in cells if not is_meta(reading.text_of(c))]


def _leading_strong(reading: CardReading) -> Iterator[Element]:
    """`<p><strong>Title</strong><br>text`: the card's first words, where they are set in bold."""
    for element in reading.elements:
        if element.tag in {"strong", "b"} and element.text_end > element.text_start:
            before = reading.page.text(reading.card.text_start, element.text_start)
            if not before or is_meta(before):
                yield element
            return


def _title_text(reading: CardReading, element: Element) -> str:
    if reading.context.flags[element.index] and not reading.context.flags[reading.card.link.anchor.index]:
        return ""
    marks = {
        place
        for e in reading.page.elements[element.index : element.end]
        if e is not element and (_is_mark(reading.page, e) or e.tag == "time" or is_named(e, DATE_WORDS))
        for place in range(e.text_start, e.text_end)
    }
    text = reading.page.text(element.text_start, element.text_end, without=marks)
    text = plain(text.strip(" ¶#→»›|·"))
    if not re.search(r"\w", text) or is_invitation(text) or is_meta(text):
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


def _spoken_title(reading: CardReading) -> str:
    """The label for screen readers of a link without text, or the text of its picture."""
    for anchor in reading.anchors:
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


def without_leading_date(title: str) -> str:
    """`2024-05-01: Title` is a title with its date in front."""
    bare = re.sub(r"^\W*\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\s*[-:–—|·]*\s+(?=\w)", "", title)
    return bare or title
