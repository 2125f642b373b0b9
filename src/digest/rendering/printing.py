"""How teasers look on paper: lengths, no-break spaces, meta lines, directions, pictures.

What a template may print of a teaser, ready to print.  All values are plain
text: escaping is the template's business, and its environment does it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
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

# Gmail cuts a mail at 102 KB, so that its foot with the way out is gone. What would make a mail bigger
# than this is printed as short links, from the end. The costs are bytes of HTML without the texts,
# measured and rounded up.
ROOM = 82_000
_FRAME, _SECTION, _CARD, _PICTURE, _LINK = 21_000, 3_500, 2_100, 1_150, 350

_LEAD_IMAGE = 400  # pixels of the file: less looks blurred across the whole width
_CARD_IMAGE = 100
_ANY_LENGTH = 10_000

_ENDINGS = ".!?…。！？؟"


class PrintedImage(NamedTuple):
    """A picture; `height` is that of a frame `width` wide with the file's own shape."""

    url: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True)
class PrintedTeaser:
    """A teaser as a template prints it."""

    number: int  # in printing order, from 1
    url: str
    headline: str  # with no-break spaces
    text: str  # cut at a sentence or a word; may be empty
    author: str
    topic: str
    by_minutes: str  # "7 min", or empty
    day: str  # "2 October", or empty
    read: str  # the words of the button, with the title
    language: str  # only where it differs from the newsletter's
    direction: str  # ltr or rtl
    image: PrintedImage | None

    @cached_property
    def meta(self) -> tuple[str, ...]:
        """Author, reading time and day: what is known of them."""
        return tuple(part for part in (self.author, self.by_minutes, self.day) if part)


@dataclass(frozen=True, slots=True)
class PrintedSection:
    """A section: its first teasers as cards, what goes beyond the mail's limit as short links."""

    title: str
    cards: tuple[PrintedTeaser, ...]
    links: tuple[PrintedTeaser, ...]


@dataclass(frozen=True, slots=True)
class PrintedLayout:
    lead: PrintedTeaser | None
    sections: tuple[PrintedSection, ...]

    @property
    def teasers(self) -> tuple[PrintedTeaser, ...]:
        first = (self.lead,) if self.lead else ()
        return first + tuple(t for s in self.sections for t in (*s.cards, *s.links))


def printed(layout: Layout, *, phrases: Phrases, zone: ZoneInfo, today: date) -> PrintedLayout:
    """Prepare every teaser of `layout` for the templates, in its order."""
    press = _Press(phrases, zone, today)
    lead = press.lead(layout.lead) if layout.lead else None
    numbers = count(2 if lead else 1)
    full = _cards_with_room(layout)
    sections = []
    for section in layout.sections:
        teasers = tuple(press.card(teaser, next(numbers)) for teaser in section.teasers)
        end = min(full, _end_of_cards(teasers))
        cards, links = teasers[:end], teasers[end:]
        full = max(0, full - len(teasers))
        sections.append(PrintedSection(bound(printable(section.title)), cards, links))
    return PrintedLayout(lead=lead, sections=tuple(sections))


def _cards_with_room(layout: Layout) -> int:
    """How many teasers of the sections, from the first, can be cards."""
    teasers = [teaser for section in layout.sections for teaser in section.teasers]
    left = ROOM - _FRAME - _SECTION * len(layout.sections) - sum(map(_cost_of_link, teasers))
    for number, teaser in enumerate(teasers):
        left -= _cost_of_card(teaser) - _cost_of_link(teaser)
        if left < 0:
            return number
    return len(teasers)


def _cost_of_link(teaser: Teaser) -> int:
    return _LINK + len(teaser.url) + len(teaser.headline.encode("utf-8", "ignore"))


def _cost_of_card(teaser: Teaser) -> int:
    text = len(f"{teaser.headline}{teaser.author}{cut(teaser.text, CARD_TEXT)}".encode("utf-8", "ignore"))
    picture = _PICTURE + len(teaser.url) + len(teaser.image.url) if teaser.image else 0
    return _CARD + len(teaser.url) + text + picture


def _end_of_cards(teasers: Sequence[PrintedTeaser]) -> int:
    """A row of bare titles at the end of a section reads better as short links."""
    end = len(teasers)
    while end and not (teasers[end - 1].text or teasers[end - 1].image):
        end -= 1
    return end


def promise(layout: Layout, phrases: Phrases) -> str:
    """“9 stories · 38 minutes”; the minutes only where they are known of (nearly) every story."""
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
    """`text` as one line, without the characters that no mail can carry."""
    return plain(text, limit=_ANY_LENGTH)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters: up to a sentence's end if most of it stays, else up to a word and “…”."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    sentence = max(head.rfind(f"{sign} ") for sign in _ENDINGS) + 1
    if sentence >= limit * 0.6:
        return head[:sentence]
    return cut_at_word(text, limit, at_word=True)


def bound(text: str) -> str:
    """No-break spaces where a line should not end: numbers with their units, the last two words."""
    text = re.sub(r" (?=[:;!?»%])|(?<=«) ", NO_BREAK, text)  # French typography
    text = re.sub(r"(?<=\d) (?=(?:%|[kKMGTP]i?B|[mµn]?s|[kcm]?m|[kMG]?Hz|kg|€|\$|°C)(?!\w))", NO_BREAK, text)
    head, space, last = text.rpartition(" ")
    # A long last word would rather stand alone than push the line before it half empty.
    if space and " " in head and len(last) + len(head.rpartition(" ")[2]) <= 20:
        return f"{head}{NO_BREAK}{last}"
    return text


def direction_of(text: str, *, otherwise: str) -> str:
    """Which way most letters of `text` run; `otherwise` where there are none or as many of both."""
    kinds = [unicodedata.bidirectional(character) for character in text]
    right = sum(kind in {"R", "AL"} for kind in kinds)
    left = kinds.count("L")
    if right == left:
        return otherwise
    return "rtl" if right > left else "ltr"


def web_address(url: str) -> str:
    """`url` in ASCII, as HTML and text both show it (RFC 3987, 3.1; host by IDNA 2008)."""
    parts = urlsplit(printable(url))
    host = parts.netloc if parts.netloc.isascii() else _ascii_host(parts.netloc)
    safe = "%/:=&?~#+!$,;'@()*[]-._"
    return urlunsplit(
        (parts.scheme, host, quote(parts.path, safe), quote(parts.query, safe), quote(parts.fragment, safe))
    )


class _Press(NamedTuple):
    """What printing a teaser needs to know besides the teaser."""

    phrases: Phrases
    zone: ZoneInfo
    today: date

    def lead(self, teaser: Teaser) -> PrintedTeaser:
        image = _image(teaser.image, frame=(600, 337), least=_LEAD_IMAGE)
        return self._teaser(teaser, 1, limit=LEAD_TEXT, image=image)

    def card(self, teaser: Teaser, number: int) -> PrintedTeaser:
        image = _image(teaser.image, frame=(160, 90), least=_CARD_IMAGE)
        return self._teaser(teaser, number, limit=CARD_TEXT_BESIDE_IMAGE if image else CARD_TEXT, image=image)

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
    """A story without a title has its first sentence as headline: it need not be read twice."""
    start = headline.rstrip("…. ")
    if not start or not text.startswith(start):
        return text
    rest = text[len(start) :].lstrip(f" {_ENDINGS}")
    # Cut in the middle of a sentence: then the whole text reads better than its tail.
    return text if headline.endswith("…") and rest else rest


def _image(image: Image | None, *, frame: tuple[int, int], least: int) -> PrintedImage | None:
    """`None` for what mail programs do not show, or what would be blurred."""
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


def _ascii_host(netloc: str) -> str:
    user, at, host = netloc.rpartition("@")
    name, colon, port = host.partition(":")
    try:
        return f"{quote(user)}{at}{idna.encode(name, uts46=True).decode('ascii')}{colon}{port}"
    except idna.IDNAError:
        return quote(netloc, safe=":@")
