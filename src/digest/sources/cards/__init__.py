"""Finds the teaser cards of a listing page without being told where they are, and reads what they say.

card       a card while it is read
groups     links that may be the headlines of a list
ranges     what belongs to each link
weighing   how much a group looks like a list of articles
finding    the group that is the list
reading    one card: titles, dating, credits, teasers, bylines
"""

from digest.sources.cards.card import Card, Surroundings
from digest.sources.cards.detection import Detection, find_cards, surroundings
from digest.sources.cards.groups import leading_link
from digest.sources.cards.read_card import read_card
from digest.sources.cards.teasers import as_markup, titled

__all__ = [
    "Card",
    "Detection",
    "Surroundings",
    "as_markup",
    "find_cards",
    "leading_link",
    "read_card",
    "surroundings",
    "titled",
]
