"""Fits an issue into one mail: what is too much is shortened step by step, and each step is reported.

Gmail clips a mail at 102 KB, so that its footer with the unsubscribe link is gone.  The
steps: shorter texts; cards without images; short links for the last stories; and finally
the last stories are only on the web.  What counts is the size of the finished HTML, so
this works for every look and for an owner's own templates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from digest.rendering.presentation import FULL, SHORT_TEXT, LengthBudget

MOST = 79_000  # bytes of HTML: leaves room below 102 KB for what some programs and relays add
FIRST_CARDS = 12  # remain cards when there are too many stories even for links
ON_THE_WEB = LengthBudget(cards=100, stories=600)  # for a page that no mail app clips

# No template prints a story in fewer bytes than this implies, so larger numbers are not tried.
_CARDS_TO_TRY = 80
_STORIES_TO_TRY = 400


class FittedIssue(NamedTuple):
    """The length budget that fits into a mail, and how it shortens the issue."""

    room: LengthBudget
    gave_way: tuple[str, ...]  # clauses: what is not printed in full, and how


def fit_to_budget(teasers: int, make: Callable[[LengthBudget], str], *, has_pictures: bool) -> FittedIssue:
    """The most of an issue that fits; `make` renders its HTML, `teasers` counts those in its sections."""
    compact = LengthBudget(text=SHORT_TEXT, pictures=not has_pictures)
    room = _most_room(teasers, make, compact)
    return FittedIssue(room, tuple(_told(room, teasers)))


def _most_room(teasers: int, make: Callable[[LengthBudget], str], compact: LengthBudget) -> LengthBudget:
    def fits(room: LengthBudget) -> bool:
        return len(make(room).encode()) <= MOST

    if teasers <= _CARDS_TO_TRY:
        for room in dict.fromkeys((FULL, LengthBudget(text=SHORT_TEXT), compact)):
            if fits(room):
                return room
    links = compact._replace(cards=0)
    if teasers <= _STORIES_TO_TRY and fits(links):
        cards = _largest(min(teasers, _CARDS_TO_TRY), lambda n: fits(links._replace(cards=n)))
        return links._replace(cards=cards)
    cards = _largest(FIRST_CARDS, lambda n: fits(compact._replace(cards=n, stories=n)))
    room = compact._replace(cards=cards)
    more = min(teasers, _STORIES_TO_TRY) - cards
    return room._replace(stories=cards + _largest(more, lambda n: fits(room._replace(stories=cards + n))))


def _largest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to `most` that fits; assumes that 0 fits, and any number below one that fits."""
    low, high = 0, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _told(room: LengthBudget, teasers: int) -> Iterator[str]:
    if room.text < FULL.text:
        yield f"texts are cut at {room.text} characters"
    if not room.pictures:
        yield "only the first story has an image"
    links = min(teasers, room.stories) - room.cards
    if links > 0:
        yield f"{_stories(links)} at the end {'is a short link' if links == 1 else 'are short links'}"
    if teasers > room.stories:
        left = teasers - room.stories
        yield f"{_stories(left)} {'is' if left == 1 else 'are'} only on the web page"


def _stories(count: int) -> str:
    return "1 story" if count == 1 else f"{count:,} stories"
