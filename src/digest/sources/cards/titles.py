"""The title of a card: its headline, its strongest link text, or what a screen reader is told."""

from __future__ import annotations

import re
from collections.abc import Iterator

from digest.rules.cleaning import plain
from digest.sources.cards.bylines import is_meta
from digest.sources.cards.card import CardReading, cells_of, is_heading, is_named, without_hash
from digest.sources.cards.dating import DATE_WORDS
from digest.sources.page_tree import HEADINGS, Element, Page
from digest.sources.read_more import is_invitation


def title_of(draft: CardReading) -> str:
    for element in _title_candidates(draft):
        text = _title_text(draft, element)
        if text:
            draft.use(element)
            return text
    return _spoken_title(draft)


def _title_candidates(draft: CardReading) -> Iterator[Element]:
    """Where a title can stand, the surest place first."""
    anchors = draft.anchors
    headings = [e for e in draft.elements if is_heading(e)]
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


def _says_something(draft: CardReading, anchor: Element) -> bool:
    text = draft.text_of(anchor)
    return bool(re.search(r"\w", text)) and not is_invitation(text) and text.casefold() not in draft.at.calls


def _strong_parts(draft: CardReading, anchor: Element) -> Iterator[Element]:
    """The strongest part of a link that wraps a whole card; a short link is its own title."""
    inside = draft.page.elements[anchor.index + 1 : anchor.end]
    cells = cells_of(draft, anchor)
    if len(cells) <= 1:
        yield anchor
        return
    yield from (e for e in inside if e.tag in {"strong", "b"} and draft.text_of(e))
    worded = [c for c in cells if len(draft.text_of(c).split()) >= 3 and not is_meta(draft.text_of(c))]
    yield from worded or [c for c in cells if not is_meta(draft.text_of(c))]


def _leading_strong(draft: CardReading) -> Iterator[Element]:
    """`<p><strong>Title</strong><br>text`: the card's first words, where they are set in bold."""
    for element in draft.elements:
        if element.tag in {"strong", "b"} and element.text_end > element.text_start:
            before = draft.page.text(draft.card.text_start, element.text_start)
            if not before or is_meta(before):
                yield element
            return


def _title_text(draft: CardReading, element: Element) -> str:
    if draft.at.flags[element.index] and not draft.at.flags[draft.card.link.anchor.index]:
        return ""
    marks = {
        place
        for e in draft.page.elements[element.index : element.end]
        if e is not element and (_is_mark(draft.page, e) or e.tag == "time" or is_named(e, DATE_WORDS))
        for place in range(e.text_start, e.text_end)
    }
    text = draft.page.text(element.text_start, element.text_end, without=marks)
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


def _spoken_title(draft: CardReading) -> str:
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


def without_leading_date(title: str) -> str:
    """`2024-05-01: Title` is a title with its date in front."""
    bare = re.sub(r"^\W*\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\s*[-:–—|·]*\s+(?=\w)", "", title)
    return bare or title
