"""The editor's note: Markdown limited to paragraphs, emphasis and links.

No HTML is passed through, and no address but http(s) and mailto.  A paragraph prints
itself: as markup where a template escapes, as plain text elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Self

from digest.rendering.presentation import printable
from digest.rules.cleaning import absolute_http_url

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MAILTO = re.compile(r"mailto:[\w.+-]+@[\w.-]+", re.ASCII)
_SIGNS = ("—", "–", "--")
_MARKUP = {"em_open": "<em>", "em_close": "</em>", "strong_open": "<strong>", "strong_close": "</strong>"}


class Paragraph(str):
    """Plain text; `links` lists its addresses as “[1] https://…”, numbered as in the text."""

    __slots__ = ("links", "markup")
    links: tuple[str, ...]
    markup: str

    def __new__(cls, text: str, markup: str = "", links: tuple[str, ...] = ()) -> Self:
        made = super().__new__(cls, text)
        made.markup = markup
        made.links = links
        return made

    def __html__(self) -> str:
        """What an escaping template prints: markup that is already safe."""
        return self.markup

    def __reduce__(self) -> tuple[type[Paragraph], tuple[str, str, tuple[str, ...]]]:
        return Paragraph, (str(self), self.markup, self.links)


@dataclass(frozen=True, slots=True)
class Note:
    """The note in paragraphs; if its last line begins with a dash, that is the signature."""

    paragraphs: tuple[Paragraph, ...] = ()
    signature: str = ""

    def __bool__(self) -> bool:
        return bool(self.paragraphs)


def note_of(markdown: str) -> Note:
    """The note in the form that templates print."""
    if not markdown.strip():
        return Note()
    count = 0
    paragraphs: list[Paragraph] = []
    for token in _reader().parse(markdown):
        if token.type == "inline":
            paragraph = _paragraph(token.children or (), first=count + 1)
            count += len(paragraph.links)
            if paragraph:
                paragraphs.append(paragraph)
    signature = ""
    if len(paragraphs) > 1 and paragraphs[-1].startswith(_SIGNS):
        signature = str(paragraphs.pop()).lstrip("—–- ")
    return Note(tuple(paragraphs), signature)


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # "zero" supports only paragraphs of text; anything not enabled here is printed as written.
    return MarkdownIt("zero", {"html": False}).enable(["emphasis", "link", "escape", "entity", "newline"])


def _paragraph(tokens: Sequence[Token], *, first: int) -> Paragraph:
    # Cleaned as a whole, or a space between two tokens would be lost.
    text = "".join(_plain(tokens, first=first))
    links = tuple(f"[{number}] {address}" for number, address in enumerate(_addresses(tokens), start=first))
    return Paragraph(printable(text), " ".join("".join(_marked_up(tokens)).split()), links)


def _plain(tokens: Sequence[Token], *, first: int) -> Iterator[str]:
    number, is_open = first, False
    for token in tokens:
        if token.type == "link_open":
            is_open = bool(_address(token))
        elif token.type == "link_close" and is_open:
            yield f" [{number}]"
            number += 1
        else:
            yield _text(token)


def _addresses(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "link_open" and (address := _address(token)):
            yield address


def _marked_up(tokens: Sequence[Token]) -> Iterator[str]:
    is_open = False
    for token in tokens:
        if token.type == "link_open":
            address = _address(token)
            is_open = bool(address)
            if is_open:
                yield f'<span class="accent"><a href="{escape(address)}">'
        elif token.type == "link_close":
            if is_open:
                yield "</a></span>"
        else:
            yield _MARKUP.get(token.type) or escape(_visible(_text(token)))


def _address(token: Token) -> str:
    href = str(token.attrs.get("href") or "")
    return href if _MAILTO.fullmatch(href) else absolute_http_url(href, "")


def _text(token: Token) -> str:
    return " " if token.type in {"softbreak", "hardbreak"} else token.content


def _visible(text: str) -> str:
    """Without characters that no mail can carry; spaces at both ends are kept."""
    return printable(f".{text}.")[1:-1]
