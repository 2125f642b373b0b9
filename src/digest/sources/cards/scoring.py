"""How much a group of cards looks like a list of articles.

Every group is read as if it were the list, and judged by what articles say: dates, authors, headlines,
teasers, invitations to read on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

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
from digest.sources.cards.card import Card, Surroundings
from digest.sources.cards.read_card import read_card
from digest.sources.html_dates import year_alone
from digest.sources.page_tree import HEADINGS, Element, Page
from digest.sources.read_more import is_invitation


@dataclass(slots=True)
class LinkGroup:
    """Links of one place in the structure, and what they look like as cards."""

    links: list[Link]
    cards: list[Card]
    evidence: float = 0.0
    dated: float = 0.0  # share of cards with a date
    is_in_page: bool = False

    @property
    def score(self) -> float:
        return self.evidence + 0.6 * math.log2(len(self.cards) + 1)


# Below this a group of links is not taken for a list of articles.  A dated
# headline has about 6, an undated teaser with "Read more" about 5, a menu under 1,
# a tile "Fast. Learn more" about 2.
ENOUGH = 3.5


_SAMPLE = 12


def weighed(group: LinkGroup, place: PageLocation, at: Surroundings) -> LinkGroup | None:
    cards = _spaced_sample(group.cards)
    found = [(card, read_card(card, at)) for card in cards]
    articles = [(card, article) for card, article in found if article is not None]
    if not articles or len(articles) * 2 < len(cards):
        return None
    group.dated = share_of(article.published is not None for _, article in articles)
    group.evidence = _evidence(articles, place, at) - (1.5 if len(found) > len(articles) * 1.3 else 0)
    if group.dated < 0.5 and _is_in_long_text(group, at):
        group.evidence -= 2.0
    return group


def _is_in_long_text(group: LinkGroup, at: Surroundings) -> bool:
    """Whether the cards stand in a text that says more than they do: "see also" in an article or a manual."""
    page, inside = at.page, 0
    taken = bytearray(len(page.pieces))
    for card in group.cards:
        taken[card.text_start : card.text_end] = b"\x01" * (card.text_end - card.text_start)
        inside += len(page.text(card.text_start, card.text_end))
    outside = 0
    for element in page.elements:
        if (
            element.tag == "p"
            and not at.flags[element.index]
            and not taken[element.text_start : element.text_end].count(1)
        ):
            length = len(page.text_of(element))
            outside += length if length >= 60 else 0
    return outside > inside


def _spaced_sample(cards: list[Card]) -> list[Card]:
    step = max(len(cards) // _SAMPLE, 1)
    return cards[::step][:_SAMPLE]


def _evidence(found: list[tuple[Card, FoundArticle]], place: PageLocation, at: Surroundings) -> float:
    page = at.page
    articles = [article for _, article in found]
    cards = [card for card, _ in found]
    words = sorted(count_words(a.title) for a in articles)[len(articles) // 2]
    named = share_of(_is_under_a_name(c, at) and place.is_own(a.url) for c, a in found)
    weights = (
        (2.5, share_of(a.published is not None for a in articles)),
        (0.5, share_of(date_of(a.url, now=at.now) is not None for a in articles)),
        (1.0, share_of(bool(a.author) for a in articles)),
        (1.5, share_of(a.minutes is not None for a in articles)),
        (1.0, share_of(_has_headline(page, c) for c in cards)),
        (1.0, share_of(len(a.teaser) >= 50 or (a.title_is_made and len(a.title) >= 40) for a in articles)),
        (1.5, share_of(_invites_to_read(page, c) for c in cards)),
        (0.4, share_of(a.image is not None for a in articles)),
        (0.3, share_of(bool(a.tags) for a in articles)),
        (1.0, share_of(_is_called_article(page, c) for c in cards)),
        (0.7, share_of(has_slug(a.url) for a in articles)),
        (1.0, share_of(is_blog_like(a.url) or _is_below(a.url, place) for a in articles)),
        (1.0 if is_blog_page(place.url) else 0.0, share_of(_is_below(a.url, place) for a in articles)),
        (0.6, share_of(_says_its_title(page, c, a) for c, a in found)),
        (2.0, named),
        (-2.5, share_of(is_unlikely(a.url) for a in articles)),
        (-1.0, share_of(not place.is_own(a.url) for a in articles)),
        (-1.5, share_of(not place.is_own(a.url) and a.published is None for a in articles)),
        (-1.5, share_of(len(a.title) > 250 for a in articles)),
    )
    # "Roadmap" as a heading with a date, or under "2026", is a headline; else an entry of a menu, or a file.
    headed = share_of(a.published is not None and _has_headline(page, c) for c, a in found)
    is_menu_like = words <= 2 and headed < 0.5 and named < 0.5
    return sum(w * s for w, s in weights) + (0.7 if words >= 4 else -1.2 if is_menu_like else 0.0)


_NAME_OF_LIST = re.compile(
    r"(?:(?:the|our|all|latest|recent|newest|more|project|previous|older|other|alle|neueste|letzte|derniers?"
    r"|dernières?|tous les|toutes les|últimas?|últimos|ultimi|ultime|laatste)\W+)*"
    r"(?:[\w.]+ )?(?:(?:web)?blog|news|posts?|articles?|stories|writings?|journal|archives?|announcements?"
    r"|beiträge|artikel|neuigkeiten|aktuelles|nachrichten|archiv|actualités|billets|nouvelles|noticias"
    r"|artículos|entradas|articoli|notizie|nieuws|berichten|notícias|artigos)"
    r"(?: (?:posts?|articles?|entries|archives?|index|and (?:news|blog|updates)))?",
    re.IGNORECASE,
)


def _is_under_a_name(card: Card, at: Surroundings) -> bool:
    """Whether the nearest heading above a card says what the list is: "Blog", "All posts", a bare year."""
    page = at.page
    for element in reversed(page.elements[max(card.start - 2000, 0) : card.start]):
        text = page.text_of(element) if element.tag in HEADINGS and not at.flags[element.index] else ""
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


def _is_below(url: str, place: PageLocation) -> bool:
    """Whether an address lies in the folder of a listing that is not the site's root."""
    folder = re.sub(r"(?<=/)[^/]*\.\w+$", "", re.sub(r"[?#].*$", "", place.url)).rstrip("/") + "/"
    if folder.count("/") <= 3:
        return False
    path = folder.split("/", 3)[3]
    return f"/{path}" in url and len(url.rstrip("/")) > len(folder)
