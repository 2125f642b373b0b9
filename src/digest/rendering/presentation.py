"""Prepares teasers for printing: lengths, no-break spaces, meta lines, text directions, images.

Everything a template may print of a teaser is prepared here.  All values are plain
text: escaping is the job of the template's environment.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from itertools import count
from typing import NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

import idna

from digest.model.article import Image
from digest.model.issue import Layout, Teaser
from digest.rendering.phrases import NO_BREAK, Phrases, locale_of
from digest.rules.cleaning import cut as cut_at_word
from digest.rules.cleaning import plain

LEAD_TEXT = 200  # characters
CARD_TEXT = 180
CARD_TEXT_BESIDE_IMAGE = 160
BUTTON_TEXT = 44

BRIEF_TEXT = 110  # in a look that fits many stories into little space
SHORT_TEXT = 90  # when the mail is running out of space

LONG = 9  # stories; a longer issue lists its contents at the top
NAMED = 6  # how many stories that list names

_LIST, _GRID = (160, 90), (256, 144)  # image frames, in pixels
_LEAD_IMAGE = 400  # minimum width of the file in pixels: anything less looks blurred across the full width
_CARD_IMAGE = 100
_ANY_LENGTH = 10_000

_ENDINGS = ".!?…。！？؟"


class PrintedImage(NamedTuple):
    """An image; `height` is that of a frame `width` wide with the file's proportions."""

    url: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True)
class PrintedTeaser:
    """A teaser in the form a template prints."""

    number: int  # in printing order, from 1
    url: str
    headline: str  # with no-break spaces
    text: str  # cut at a sentence or a word; may be empty
    author: str
    topic: str
    by_minutes: str  # "7 min", or empty
    day: str  # "2 October", or empty
    read: str  # the label of the button, with the title
    language: str  # only if it differs from the newsletter's
    direction: str  # ltr or rtl
    image: PrintedImage | None

    @cached_property
    def meta(self) -> tuple[str, ...]:
        """Author, reading time and day, as far as known."""
        return tuple(part for part in (self.author, self.by_minutes, self.day) if part)


@dataclass(frozen=True, slots=True)
class PrintedSection:
    """A section: its first teasers as cards, those beyond the mail's limit as short links.

    `rows` are the cards as placed side by side: one, or two with images in a grid.
    """

    title: str
    cards: tuple[PrintedTeaser, ...]
    links: tuple[PrintedTeaser, ...]
    rows: tuple[tuple[PrintedTeaser, ...], ...] = ()


class LengthBudget(NamedTuple):
    """How much of an issue is printed in full; the rest is shortened from the end."""

    text: int = CARD_TEXT  # characters of a card's text
    pictures: bool = True  # beside the cards; the lead always keeps its image
    cards: int = 10_000  # how many of the sections' teasers; the others become short links
    stories: int = 10_000  # how many of the sections' teasers; the others are only on the web


FULL = LengthBudget()


@dataclass(frozen=True, slots=True)
class PrintedLayout:
    lead: PrintedTeaser | None
    sections: tuple[PrintedSection, ...]
    left_out: int = 0  # stories that are only in the web version

    @property
    def teasers(self) -> tuple[PrintedTeaser, ...]:
        first = (self.lead,) if self.lead else ()
        return first + tuple(t for s in self.sections for t in (*s.cards, *s.links))


def present_layout(
    layout: Layout,
    *,
    phrases: Phrases,
    zone: ZoneInfo,
    today: date,
    is_grid: bool = False,
    is_brief: bool = False,
    room: LengthBudget = FULL,
) -> PrintedLayout:
    """Prepare the teasers of `layout` for the templates, in their order, within the budget."""
    press = _Presentation(phrases, zone, today, room, is_grid, is_brief)
    lead = press.lead(layout.lead) if layout.lead else None
    numbers = count(2 if lead else 1)
    cards, stories = room.cards, room.stories
    sections = []
    for section in layout.sections:
        some = section.teasers[:stories]
        if some:
            sections.append(press.section(section.title, some, numbers, cards))
        cards, stories = max(0, cards - len(some)), stories - len(some)
    missing = len(layout.teasers) - (1 if lead else 0) - (room.stories - stories)
    return PrintedLayout(lead=lead, sections=tuple(sections), left_out=missing)


def contents(paper: PrintedLayout) -> tuple[PrintedTeaser, ...]:
    """The contents list of a long issue: the lead and the first of each section; empty for a short one."""
    if len(paper.teasers) + paper.left_out <= LONG:
        return ()
    firsts = [teaser for s in paper.sections for teaser in (*s.cards, *s.links)[:1]]
    named = list(dict.fromkeys([*([paper.lead] if paper.lead else []), *firsts, *paper.teasers]))
    return tuple(sorted(named[:NAMED], key=lambda teaser: teaser.number))


def _rows(cards: Sequence[PrintedTeaser], *, is_grid: bool) -> Iterator[tuple[PrintedTeaser, ...]]:
    """Pairs up cards with images if there is a grid; each pair takes the place of its first card."""
    partners: dict[int, PrintedTeaser] = {}
    if is_grid:
        pictured = [card for card in cards if card.image]
        partners = {a.number: b for a, b in zip(pictured[::2], pictured[1::2], strict=False)}
    taken = {card.number for card in partners.values()}
    for card in cards:
        if card.number in partners:
            yield (card, partners[card.number])
        elif card.number not in taken:
            yield (card,)


def _end_of_cards(teasers: Sequence[PrintedTeaser]) -> int:
    """The end of the cards: bare titles at the end of a section read better as short links."""
    end = len(teasers)
    while end and not (teasers[end - 1].text or teasers[end - 1].image):
        end -= 1
    return end


def promise(layout: Layout, phrases: Phrases) -> str:
    """“9 stories · 38 minutes”; with minutes only if they are known for (nearly) every story."""
    teasers = layout.teasers
    stories = phrases.say("stories", n=len(teasers))
    known = [teaser.minutes for teaser in teasers if teaser.minutes]
    if not known or len(known) * 4 < len(teasers) * 3:
        return stories
    if len(known) == len(teasers):
        return f"{stories} · {phrases.say('minutes', n=sum(known))}"
    guess = round(sum(known) * len(teasers) / len(known))
    return f"{stories} · {phrases.say('about_minutes', n=guess)}"


def printable(text: str) -> str:
    """`text` on one line, without characters that no mail can carry."""
    return plain(text, limit=_ANY_LENGTH)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters: up to a sentence's end if most of it remains, else up to a word and “…”."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    sentence = max(head.rfind(f"{sign} ") for sign in _ENDINGS) + 1
    if sentence >= limit * 0.6:
        return head[:sentence]
    return cut_at_word(text, limit, at_word=True)


def bound(text: str) -> str:
    """Insert no-break spaces where a line should not end: numbers with units, the last two words."""
    text = re.sub(r" (?=[:;!?»%])|(?<=«) ", NO_BREAK, text)  # French typography
    text = re.sub(r"(?<=\d) (?=(?:%|[kKMGTP]i?B|[mµn]?s|[kcm]?m|[kMG]?Hz|kg|€|\$|°C)(?!\w))", NO_BREAK, text)
    head, space, last = text.rpartition(" ")
    # A long last word is better left alone than leaving the line before it half empty.
    if space and " " in head and len(last) + len(head.rpartition(" ")[2]) <= 20:
        return f"{head}{NO_BREAK}{last}"
    return text


def direction_of(text: str, *, otherwise: str) -> str:
    """The direction of most letters in `text`; `otherwise` if it has none, or as many of each."""
    kinds = [unicodedata.bidirectional(character) for character in text]
    right = sum(kind in {"R", "AL"} for kind in kinds)
    left = kinds.count("L")
    if right == left:
        return otherwise
    return "rtl" if right > left else "ltr"


def web_address(url: str) -> str:
    """`url` in ASCII, as both HTML and text show it (RFC 3987, 3.1; host by IDNA 2008)."""
    parts = urlsplit(printable(url))
    host = parts.netloc if parts.netloc.isascii() else _ascii_host(parts.netloc)
    safe = "%/:=&?~#+!$,;'@()*[]-._"
    return urlunsplit(
        (parts.scheme, host, quote(parts.path, safe), quote(parts.query, safe), quote(parts.fragment, safe))
    )


class _Presentation(NamedTuple):
    """What is needed to print a teaser, besides the teaser."""

    phrases: Phrases
    zone: ZoneInfo
    today: date
    room: LengthBudget
    is_grid: bool
    is_brief: bool

    def section(
        self, title: str, teasers: Sequence[Teaser], numbers: Iterator[int], most: int
    ) -> PrintedSection:
        printed = tuple(self.card(teaser, next(numbers)) for teaser in teasers)
        end = min(most, _end_of_cards(printed))
        cards = tuple(self._in_grid(printed[:end]))
        rows = tuple(_rows(cards, is_grid=self.is_grid))
        return PrintedSection(bound(printable(title)), cards, printed[end:], rows)

    def _in_grid(self, cards: Sequence[PrintedTeaser]) -> Iterator[PrintedTeaser]:
        """Cards of a pair get wider images and, because their lines are short, no date."""
        paired = {card.number for row in _rows(cards, is_grid=self.is_grid) if len(row) > 1 for card in row}
        for card in cards:
            yield replace(card, image=_framed(card.image, _GRID), day="") if card.number in paired else card

    def lead(self, teaser: Teaser) -> PrintedTeaser:
        image = _image(teaser.image, frame=(600, 337), least=_LEAD_IMAGE)
        return self._teaser(teaser, 1, limit=LEAD_TEXT, image=image)

    def card(self, teaser: Teaser, number: int) -> PrintedTeaser:
        image = _image(teaser.image, frame=_LIST, least=_CARD_IMAGE) if self.room.pictures else None
        most = BRIEF_TEXT if self.is_brief else CARD_TEXT_BESIDE_IMAGE if image else CARD_TEXT
        limit = min(self.room.text, most)
        return self._teaser(teaser, number, limit=limit, image=image)

    def _teaser(
        self, teaser: Teaser, number: int, *, limit: int, image: PrintedImage | None
    ) -> PrintedTeaser:
        headline = printable(teaser.headline)
        text = _without_headline(printable(teaser.text), headline)
        return PrintedTeaser(
            number=number,
            url=web_address(teaser.url),
            headline=bound(headline),
            text=bound(cut(text, limit)),
            author=printable(teaser.author).replace(" ", NO_BREAK),
            topic=printable(teaser.topic),
            by_minutes=self.phrases.say("by_minutes", n=teaser.minutes) if teaser.minutes else "",
            day=self._day(teaser.published),
            read=self.phrases.say("read", title=cut(headline, BUTTON_TEXT)),
            language=teaser.language,
            direction=self._direction(teaser),
            image=image,
        )

    def _day(self, published: datetime | None) -> str:
        if published is None:
            return ""
        return self.phrases.short_date(published.astimezone(self.zone).date(), today=self.today)

    def _direction(self, teaser: Teaser) -> str:
        if teaser.language:
            return locale_of(teaser.language).text_direction
        return direction_of(teaser.headline + teaser.text, otherwise=self.phrases.direction)


def _without_headline(text: str, headline: str) -> str:
    """The text without the sentence that already serves as the headline of a story without a title."""
    start = headline.rstrip("…. ")
    if not start or not text.startswith(start):
        return text
    rest = text[len(start) :].lstrip(f" {_ENDINGS}")
    # Cut in the middle of a sentence: the whole text then reads better than its end alone.
    return text if headline.endswith("…") and rest else rest


def _image(image: Image | None, *, frame: tuple[int, int], least: int) -> PrintedImage | None:
    """The image to print; `None` if mail apps do not show it or it would look blurred."""
    if image is None or not image.url.startswith(("https://", "http://")):
        return None
    if urlsplit(image.url).path.lower().endswith((".svg", ".ico")):
        return None
    if image.width is not None and image.width < least:
        return None
    width, height = frame
    if image.width and image.height:
        height = round(width * image.height / image.width)
    return PrintedImage(web_address(image.url), printable(image.alt), width, height)


def _framed(image: PrintedImage | None, frame: tuple[int, int]) -> PrintedImage | None:
    """The same image in a wider frame, with its proportions kept."""
    if image is None:
        return None
    width, height = frame
    is_of_known_shape = (image.width, image.height) != _LIST
    return image._replace(
        width=width, height=round(width * image.height / image.width) if is_of_known_shape else height
    )


def _ascii_host(netloc: str) -> str:
    user, at, host = netloc.rpartition("@")
    name, colon, port = host.partition(":")
    try:
        return f"{quote(user)}{at}{idna.encode(name, uts46=True).decode('ascii')}{colon}{port}"
    except idna.IDNAError:
        return quote(netloc, safe=":@")
