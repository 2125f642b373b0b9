"""The running text of a card as a teaser, and titles made of text where there is none."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from digest.rules.cleaning import first_sentence, plain, teaser_of
from digest.sources import html_dates
from digest.sources.article_links import is_comment_link
from digest.sources.cards.bylines import is_line_about_author, is_meta
from digest.sources.cards.card import CardReading, is_heading, is_named, units_of
from digest.sources.cards.dating import is_publication
from digest.sources.page_tree import Element
from digest.sources.read_more import is_invitation, without_trailing_invitation


def paragraphs_in(reading: CardReading, title: str, author: str, tags: tuple[str, ...]) -> Iterator[str]:
    """The running text of the card, a line per unit; headings count only where there is nothing else."""
    _use_what_is_no_text(reading)
    units = [
        (cell, reading.page.text(places[0], places[-1] + 1, without=reading.used))
        for cell, places in units_of(reading)
    ]
    kept = [(cell, text) for cell, text in units if _is_running_text(text, title, author, tags)]
    named = [text for cell, text in kept if _is_inside_teaser(reading, cell)]
    if named:
        yield from (_without_date_in_front(reading, text) for text in named)
        return
    running = [text for cell, text in kept if not _in_heading(reading, cell)]
    for text in running or [text for _, text in kept]:
        yield _without_date_in_front(reading, text)


def _use_what_is_no_text(reading: CardReading) -> None:
    link_flag = reading.context.flags[reading.card.link.anchor.index]
    for element in reading.elements:
        if (
            (element.tag in _SKIPPED and not (element.tag == "table" and element.index == reading.card.start))
            or (reading.context.flags[element.index] and not link_flag and element.tag not in {"a", "span"})
            or (element.tag == "a" and _is_action(reading, element))
            or element.tag == "time"
            or is_publication(element)
        ):
            reading.use(element)


def _is_action(reading: CardReading, anchor: Element) -> bool:
    text = reading.text_of(anchor)
    url = reading.page.absolute(anchor.attributes.get("href", ""))
    leads_there = any(anchor is other for other in reading.anchors)
    if (
        anchor.text_end > anchor.text_start
        and reading.page.pieces[anchor.text_start].cell is not anchor
        and not leads_there
    ):
        return _is_alone(reading, anchor) and is_invitation(text)
    return (
        is_comment_link(url)
        or is_invitation(text)
        or (text.casefold() in reading.context.repeated_link_texts and len(text) < 60)
    )


def _is_alone(reading: CardReading, anchor: Element) -> bool:
    """Whether the anchor is all that its line says; inside a sentence "more" is a word like any other."""
    return reading.text_of(reading.page.pieces[anchor.text_start].cell) == reading.text_of(anchor)


def _is_running_text(text: str, title: str, author: str, tags: tuple[str, ...]) -> bool:
    if not re.search(r"[^\W\d_]{2}", text) or text.casefold() == title.casefold() or is_invitation(text):
        return False
    if re.fullmatch(r"\(?[\w-]+(?:\.[\w-]+)+\)?", text):
        return False  # the host of a link
    if text.casefold() == author.casefold() or text.casefold() in {t.casefold() for t in tags}:
        return False
    if is_meta(text) or re.match(
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
    return not is_line_about_author(text, author)


def _is_inside_teaser(reading: CardReading, cell: Element) -> bool:
    element: Element | None = cell
    while element is not None and element.index >= reading.card.start:
        itemprop = element.attributes.get("itemprop", "").lower()
        if itemprop == "description" or "p-summary" in element.classes:
            return True
        if element.index > reading.card.start and is_named(element, _TEASER_WORDS):
            return True
        element = element.parent
    return False


def _in_heading(reading: CardReading, cell: Element) -> bool:
    element: Element | None = cell
    while element is not None and element.index >= reading.card.start:
        if is_heading(element):
            return True
        element = element.parent
    return False


def _without_date_in_front(reading: CardReading, text: str) -> str:
    found = html_dates.find_date(text[:60], now=reading.context.now)
    if found and not re.search(r"\w", text[: found.start]):
        after = re.match(r"\s*(?:[-–—:|·•)\],.]+\s*)", text[found.end :])
        if after:
            return text[found.end + after.end() :]
    return text


def as_teaser(paragraphs: Iterable[str]) -> str:
    """The first running text; short labels are left out as long as there are sentences."""
    texts = [without_trailing_invitation(p).strip(" |·•–—:") for p in paragraphs]
    long = [t for t in texts if len(t) >= 40 or re.search(r"[.!?…:]$", t)]
    whole = " ".join(long or texts)[:4000]
    return teaser_of(as_markup(whole)) if whole else ""


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
