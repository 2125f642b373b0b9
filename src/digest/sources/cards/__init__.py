"""Finds the teaser cards of a listing page without being told where they are, and reads what they say.

card        a card, and what the page says about all its cards
groups      links that may be the headlines of a list
boundaries  what belongs to each link
scoring     how much a group looks like a list of articles
weights     the numbers that decide, and where they come from
detection   the group that is the list
read_card   reads one card, with the help of titles, dating, metadata, teasers and bylines
"""

from digest.sources.cards.card import Card, PageContext
from digest.sources.cards.detection import Detection, MeasuredPage, find_cards, page_context
from digest.sources.cards.groups import leading_link
from digest.sources.cards.read_card import read_card
from digest.sources.cards.teasers import as_markup, titled
from digest.sources.cards.weights import WEIGHTS, Weights

__all__ = [
    "WEIGHTS",
    "Card",
    "Detection",
    "MeasuredPage",
    "PageContext",
    "Weights",
    "as_markup",
    "find_cards",
    "leading_link",
    "page_context",
    "read_card",
    "titled",
]
