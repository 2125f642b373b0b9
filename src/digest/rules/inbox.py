"""What an inbox list shows of a mail: sender, subject and preheader, cut where mail clients cut them.

How much fits depends on the window and the font, and published figures differ.
These are in characters of Latin text: for Mail on an iPhone, what Email Tool Tester
measured on an iPhone 14 (48 of the subject, 99 of the preheader); for the others, the
middle of what is published: Gmail on the web gives both together one line of about 120;
Outlook's list, beside its reading pane, gives about 55 to each.  Full-width letters
(UAX #11) count twice, combining marks not at all, and nothing is cut inside what
a reader takes for one letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

# What senders put after a preheader so that none of the body follows it.  Inside a text the same
# characters have a meaning: they join emoji and keep letters apart, as in Persian.
_PADDING = re.compile("[\u034f\u200b-\u200f\u2007\u00a0\ufeff\u00ad\\s]+$")
_JOINER = "\u200d"
_VARIATION = range(0xFE00, 0xFE10)
_SKIN = range(0x1F3FB, 0x1F400)
_FLAGS = range(0x1F1E6, 0x1F200)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxLine:
    """One client's row; what the client cuts off is in the fields that end in `rest`."""

    client: str
    sender: str
    subject: str
    subject_rest: str
    preheader: str
    preheader_rest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    name: str
    sender: int
    subject: int
    preheader: int
    is_one_line: bool = False  # the preheader gets the space that the subject leaves


_PROGRAMS = (
    _Program(name="Gmail on the web", sender=20, subject=120, preheader=120, is_one_line=True),
    _Program(name="Mail on an iPhone", sender=28, subject=48, preheader=99),
    _Program(name="Outlook", sender=32, subject=55, preheader=55),
)


def rows(*, sender: str, subject: str, preheader: str) -> tuple[InboxLine, ...]:
    """One row per mail client."""
    sender, subject, preheader = _line(sender), _line(subject), _line(preheader)
    return tuple(_row(program, sender, subject, preheader) for program in _PROGRAMS)


def cut(text: str, width: int) -> tuple[str, str]:
    """The part that fits, and the rest; either may be empty."""
    taken, place = 0, 0
    for letter in _letters(text):
        taken += _width(letter)
        if taken > width:
            return text[:place].rstrip(), text[place:].lstrip()
        place += len(letter)
    return text, ""


def _row(program: _Program, sender: str, subject: str, preheader: str) -> InboxLine:
    shown, rest = cut(subject, program.subject)
    room = program.preheader
    if program.is_one_line:
        room = 0 if rest else max(0, program.subject - sum(map(_width, _letters(shown))) - 3)
    begin, end = cut(preheader, room)
    return InboxLine(
        client=program.name,
        sender=cut(sender, program.sender)[0],
        subject=shown,
        subject_rest=rest,
        preheader=begin,
        preheader_rest=end,
    )


def _line(text: str) -> str:
    return " ".join(_PADDING.sub("", text).split())


def _letters(text: str) -> Iterator[str]:
    """What a reader takes for single letters: each base character with everything combined with it."""
    letter = ""
    for character in text:
        if letter and _goes_on(letter, character):
            letter += character
            continue
        if letter:
            yield letter
        letter = character
    if letter:
        yield letter


def _goes_on(letter: str, character: str) -> bool:
    code = ord(character)
    if unicodedata.combining(character) or code in _VARIATION or code in _SKIN or character == _JOINER:
        return True
    if unicodedata.category(character) in {"Mn", "Me", "Mc"}:
        return True
    is_second_of_flag = code in _FLAGS and len(letter) == 1 and ord(letter) in _FLAGS
    return letter.endswith(_JOINER) or is_second_of_flag


def _width(letter: str) -> int:
    return 2 if unicodedata.east_asian_width(letter[0]) in {"W", "F"} or ord(letter[0]) in _FLAGS else 1
