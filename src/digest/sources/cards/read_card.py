"""Reads one card: every piece of its text is used once.

What was read as title, date or author is not part of the teaser.
"""

from __future__ import annotations

from digest.model.article import FoundArticle
from digest.sources.cards.card import Card, CardReading, PageContext
from digest.sources.cards.dating import published_at
from digest.sources.cards.metadata import author_of, language_of, minutes_in, tags_of
from digest.sources.cards.teasers import as_teaser, paragraphs_in, titled
from digest.sources.cards.titles import title_of, without_leading_date
from digest.sources.page_images import image_in


def read_card(card: Card, context: PageContext) -> FoundArticle | None:
    """The article of a card, or None where it has neither title nor text; read once and remembered."""
    if card not in context.read:
        context.read[card] = _read(card, context)
    return context.read[card]


def _read(card: Card, context: PageContext) -> FoundArticle | None:
    reading = CardReading(card, context)
    title = title_of(reading)
    published = published_at(reading, title)
    title = without_leading_date(title)
    minutes = minutes_in(reading)
    author = author_of(reading)
    tags = tags_of(reading)
    paragraphs = list(paragraphs_in(reading, title, author, tags))
    teaser = as_teaser(paragraphs)
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
        image=image_in(reading.page, reading.elements),
        language=language_of(reading),
        title_is_made=is_made,
    )
