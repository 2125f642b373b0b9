"""How much a group of cards looks like a list of articles.

Every group is read as if it were the list and measured by what articles say: dates, authors, headlines,
teasers, links to read on.  How much each of these signs counts is in `weights`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial

from digest.model.article import FoundArticle
from digest.rules.cleaning import count_words
from digest.sources.article_links import (
    Link,
    PageLocation,
    date_of,
    has_slug,
    is_blog_like,
    is_blog_page,
    is_unlikely,
)
from digest.sources.cards.card import Card, PageContext
from digest.sources.cards.read_card import read_card
from digest.sources.cards.weights import Weights
from digest.sources.html_dates import year_alone
from digest.sources.page_tree import HEADINGS, Element, Page
from digest.sources.read_more import is_invitation


@dataclass(slots=True)
class LinkGroup:
    """Links of one place in the structure, and what they look like as cards."""

    links: list[Link]
    cards: list[Card]
    signs: GroupSigns | None = None  # None until the group was measured

    @property
    def dated(self) -> float:
        """The share of cards with a date."""
        return self.signs.shares["dated"] if self.signs is not None else 0.0

    def evidence(self, weights: Weights) -> float:
        """How much the group looks like a list of articles; 0 before it was measured."""
        return _evidence(self.signs, weights) if self.signs is not None else 0.0

    def score(self, weights: Weights) -> float:
        """The evidence, and more for a longer list."""
        return self.evidence(weights) + weights.size * math.log2(len(self.cards) + 1)


@dataclass(frozen=True, slots=True)
class GroupSigns:
    """What a group's cards say, measured once and independent of all weights."""

    shares: dict[str, float]  # the share of cards that show each sign of `_SIGNS`
    headed: float  # the share of cards with both a date and a heading
    title_words: int  # of the median title
    has_empty_cards: bool
    is_inside_long_text: Callable[[], bool]  # on demand: it reads the whole page


_SAMPLE = 12  # cards of a group that are read to judge it
_LONG_TITLE = 4  # words
_MENU_TITLE = 2  # words
_MOST_TITLE_LETTERS = 250
_LEAST_TEASER_LETTERS = 50
_LEAST_TEXT_LETTERS = 40  # of a card without a title
_LEAST_PARAGRAPH_LETTERS = 60
_MANY_EMPTY = 1.3  # cards read for each that is an article


def measured(group: LinkGroup, location: PageLocation, context: PageContext) -> LinkGroup | None:
    """The group with its signs; None where fewer than half of its cards can be read as articles."""
    cards = _spaced_sample(group.cards)
    found = [(card, read_card(card, context)) for card in cards]
    articles = [(card, article) for card, article in found if article is not None]
    if not articles or len(articles) * 2 < len(cards):
        return None
    words = sorted(count_words(article.title) for _, article in articles)
    samples = [_Sample(card, article, location, context) for card, article in articles]
    shares = {name: share_of(map(is_shown, samples)) for name, is_shown in _SIGNS.items()}
    group.signs = GroupSigns(
        shares=shares,
        headed=share_of(a.published is not None and _has_headline(context.page, c) for c, a in articles),
        title_words=words[len(words) // 2],
        has_empty_cards=len(found) > len(articles) * _MANY_EMPTY,
        is_inside_long_text=cache(partial(_is_in_long_text, group, context)),
    )
    return group


def _evidence(signs: GroupSigns, weights: Weights) -> float:
    evidence = 0.0
    for name, share in signs.shares.items():
        evidence += getattr(weights, f"sign_{name}") * share
    if signs.title_words >= _LONG_TITLE:
        evidence += weights.long_titles
    elif _is_menu_like(signs):
        evidence += weights.menu_like
    if signs.has_empty_cards:
        evidence += weights.empty_cards
    if signs.shares["dated"] < weights.mostly_dated and signs.is_inside_long_text():
        evidence += weights.inside_long_text
    return evidence


def _is_menu_like(signs: GroupSigns) -> bool:
    """Whether the titles are those of a menu.

    "Roadmap" as a heading with a date, or under "2026", is a headline; otherwise a menu entry, or a file.
    """
    is_headline = signs.headed >= 0.5 or signs.shares["named_list"] >= 0.5
    return signs.title_words <= _MENU_TITLE and not is_headline


def _is_in_long_text(group: LinkGroup, context: PageContext) -> bool:
    """Whether the text around the cards is longer than theirs: "see also" in an article or a manual."""
    page, inside = context.page, 0
    taken = bytearray(len(page.pieces))
    for card in group.cards:
        taken[card.text_start : card.text_end] = b"\x01" * (card.text_end - card.text_start)
        inside += len(page.text(card.text_start, card.text_end))
    outside = 0
    for element in page.elements:
        if element.tag != "p" or context.flags[element.index]:
            continue
        if 1 not in taken[element.text_start : element.text_end]:
            length = len(page.text_of(element))
            outside += length if length >= _LEAST_PARAGRAPH_LETTERS else 0
    return outside > inside


def _spaced_sample(cards: list[Card]) -> list[Card]:
    step = max(len(cards) // _SAMPLE, 1)
    return cards[::step][:_SAMPLE]


@dataclass(frozen=True, slots=True)
class _Sample:
    """One card of a group that is being measured."""

    card: Card
    article: FoundArticle
    location: PageLocation
    context: PageContext

    @property
    def url(self) -> str:
        return self.article.url

    @property
    def is_own(self) -> bool:
        return self.location.is_own(self.url)

    @property
    def is_below(self) -> bool:
        return _is_below(self.url, self.location)


def _has_teaser(one: _Sample) -> bool:
    article = one.article
    is_text = article.title_is_made and len(article.title) >= _LEAST_TEXT_LETTERS
    return len(article.teaser) >= _LEAST_TEASER_LETTERS or is_text


# Each sign is multiplied by the weight `sign_` + its name.
_SIGNS: dict[str, Callable[[_Sample], bool]] = {
    "dated": lambda one: one.article.published is not None,
    "date_in_url": lambda one: date_of(one.url, now=one.context.now) is not None,
    "author": lambda one: bool(one.article.author),
    "reading_time": lambda one: one.article.minutes is not None,
    "headline": lambda one: _has_headline(one.context.page, one.card),
    "teaser": _has_teaser,
    "read_more": lambda one: _invites_to_read(one.context.page, one.card),
    "image": lambda one: one.article.image is not None,
    "tags": lambda one: bool(one.article.tags),
    "article_name": lambda one: _is_called_article(one.context.page, one.card),
    "slug": lambda one: has_slug(one.url),
    "blog_url": lambda one: is_blog_like(one.url) or one.is_below,
    "below_blog": lambda one: is_blog_page(one.location.url) and one.is_below,
    "title_is_link": lambda one: _says_its_title(one.context.page, one.card, one.article),
    "named_list": lambda one: _is_under_a_name(one.card, one.context) and one.is_own,
    "unlikely_url": lambda one: is_unlikely(one.url),
    "other_site": lambda one: not one.is_own,
    "other_site_undated": lambda one: not one.is_own and one.article.published is None,
    "endless_title": lambda one: len(one.article.title) > _MOST_TITLE_LETTERS,
}


_NAME_OF_LIST = re.compile(
    r"(?:(?:the|our|all|latest|recent|newest|more|project|previous|older|other|alle|neueste|letzte|derniers?"
    r"|dernières?|tous les|toutes les|últimas?|últimos|ultimi|ultime|laatste)\W+)*"
    r"(?:[\w.]+ )?(?:(?:web)?blog|news|posts?|articles?|stories|writings?|journal|archives?|announcements?"
    r"|beiträge|artikel|neuigkeiten|aktuelles|nachrichten|archiv|actualités|billets|nouvelles|noticias"
    r"|artículos|entradas|articoli|notizie|nieuws|berichten|notícias|artigos)"
    r"(?: (?:posts?|articles?|entries|archives?|index|and (?:news|blog|updates)))?",
    re.IGNORECASE,
)


def _is_under_a_name(card: Card, context: PageContext) -> bool:
    """Whether the nearest heading above a card says what the list is: "Blog", "All posts", a bare year."""
    page = context.page
    for element in reversed(page.elements[max(card.start - 2000, 0) : card.start]):
        text = page.text_of(element) if element.tag in HEADINGS and not context.flags[element.index] else ""
        if not text:
            continue
        if _NAME_OF_LIST.fullmatch(text.strip(" :»→¶#")) or year_alone(text) is not None:
            return True
        if not _is_linked(page, element):  # the headlines of the cards before it are
            return False
    return False


def _is_linked(page: Page, heading: Element) -> bool:
    inside = page.elements[heading.index : heading.end]
    return any(e.tag == "a" for e in (*inside, *list(heading.ancestors())[:3]))


def _says_its_title(page: Page, card: Card, article: FoundArticle) -> bool:
    return page.text_of(card.link.anchor).casefold() == article.title.casefold()


def share_of(facts: Iterable[bool]) -> float:
    known = list(facts)
    return sum(known) / len(known) if known else 0.0


def _has_headline(page: Page, card: Card) -> bool:
    anchor = card.link.anchor
    if any(e.tag in HEADINGS and e.holds(anchor) for e in anchor.ancestors()):
        return True
    return any(e.tag in HEADINGS for e in page.elements[card.start : card.end])


def _invites_to_read(page: Page, card: Card) -> bool:
    for element in page.elements[card.start : card.end]:
        if element.tag == "a" and element.text_end > element.text_start:
            text = page.text_of(element)
            if is_invitation(text) and re.search(
                r"read|weiter|lire|suite|leer|leyendo|legg|lees|ler |leia|läs|чита|読|阅读|continu",
                text,
                re.IGNORECASE,
            ):
                return True
    return False


_ARTICLE_WORDS = frozenset(
    {"post", "posts", "entry", "article", "articles", "blog", "teaser", "hentry", "story", "news", "blogpost"}
)


def _is_called_article(page: Page, card: Card) -> bool:
    """An <article>, a class such as post-card, or a schema.org type, at the card or around its link."""
    root = page.elements[card.start]
    near = [root, card.link.anchor, *list(card.link.anchor.ancestors())[:4], *list(root.ancestors())[:1]]
    for element in near:
        if element.tag == "article" or (
            element.words() & _ARTICLE_WORDS and element.tag not in {"body", "main"}
        ):
            return True
        if "Posting" in element.attributes.get("itemtype", "") or "Article" in element.attributes.get(
            "itemtype", ""
        ):
            return True
    return False


def _is_below(url: str, location: PageLocation) -> bool:
    """Whether an address is in the folder of a listing that is not the site's root."""
    folder = re.sub(r"(?<=/)[^/]*\.\w+$", "", re.sub(r"[?#].*$", "", location.url)).rstrip("/") + "/"
    if folder.count("/") <= 3:
        return False
    path = folder.split("/", 3)[3]
    return f"/{path}" in url and len(url.rstrip("/")) > len(folder)
