"""Reads one card: every piece of its text is used once.

What was read as title, date or author is not part of the teaser.
"""

from __future__ import annotations

from digest.model.article import FoundArticle
from digest.sources.cards.card import Card, CardReading, Surroundings
from digest.sources.cards.dating import published_at
from digest.sources.cards.metadata import author_of, language_of, minutes_in, tags_of
from digest.sources.cards.teasers import as_teaser, paragraphs_in, titled
from digest.sources.cards.titles import title_of, without_leading_date
from digest.sources.page_images import image_in


def read_card(card: Card, at: Surroundings) -> FoundArticle | None:
    """The article of a card, or None where it has neither title nor text; read once and remembered."""
    if card not in at.read:
        at.read[card] = _read(card, at)
    return at.read[card]


def _read(card: Card, at: Surroundings) -> FoundArticle | None:
    draft = CardReading(card, at)
    title = title_of(draft)
    published = published_at(draft, title)
    title = without_leading_date(title)
    minutes = minutes_in(draft)
    author = author_of(draft)
    tags = tags_of(draft)
    paragraphs = list(paragraphs_in(draft, title, author, tags))
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
        image=image_in(draft.page, draft.elements),
        language=language_of(draft),
        title_is_made=is_made,
    )
