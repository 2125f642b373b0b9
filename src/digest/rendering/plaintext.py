"""Typesetting of plain text: lines that fit, counted in columns as in a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

# A reply that quotes a reply still fits into 78 columns.
WIDTH = 72


def wrapped(text: str, *, first: str = "", rest: str = "", width: int = WIDTH) -> str:
    """Break `text` into lines of at most `width` columns, each with its indent.

    Lines never break at no-break spaces, which are then replaced by plain spaces.  A word
    that is wider than a line is broken, as is necessary for Chinese and Japanese text.
    """
    room = width - max(columns(first), columns(rest))
    lines, used = [""], 0
    for word in _words(text, room):
        wide = columns(word)
        if lines[-1] and used + 1 + wide > room:
            lines.append("")
        used = used + 1 + wide if lines[-1] else wide
        lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    indented = [first + lines[0], *(rest + line for line in lines[1:])]
    return "\n".join(line.replace("\u00a0", " ") for line in indented)


def line_of(text: str, sign: str) -> str:
    """A line of `sign` characters, as wide as the widest line of `text`."""
    return sign * max(columns(line) for line in text.split("\n"))


def columns(text: str) -> int:
    """How many columns `text` takes: wide characters two, combining ones none (Unicode annex 11)."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _words(text: str, room: int) -> Iterator[str]:
    # Not `split()`, which would also break at no-break spaces.
    for word in text.replace("\n", " ").replace("\t", " ").split(" "):
        if columns(word) > room:
            yield from _pieces(word, room)
        elif word:
            yield word


def _pieces(word: str, room: int) -> Iterator[str]:
    piece, used = "", 0
    for character in word:
        cells = _cells(character)
        if used + cells > room:
            yield piece
            piece, used = "", 0
        piece += character
        used += cells
    if piece:
        yield piece
