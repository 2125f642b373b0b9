"""Strict HTML parsing: finds what browsers silently repair and each mail app handles in its own way.

Follows the letter of the HTML standard, so end tags that it declares optional may be
missing.  The content of conditional comments is for Outlook, and is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser
from typing import NamedTuple

_VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr frame keygen basefont".split()
)
_HEADINGS = frozenset(("h1", "h2", "h3"))
# Elements whose end tag is optional, and the tags that end them besides the end of their parent.
_ENDED_BY = {
    "li": {"li"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
    "p": set(
        "address article aside blockquote center details div dl fieldset figure footer form h1 h2 h3 h4 h5 "
        "h6 header hr main nav ol p pre section table ul".split()
    ),
    "option": {"option", "optgroup"},
    "optgroup": {"optgroup"},
    "td": {"td", "th", "tr", "tbody", "tfoot"},
    "th": {"td", "th", "tr", "tbody", "tfoot"},
    "tr": {"tr", "tbody", "tfoot"},
    "thead": {"tbody", "tfoot"},
    "tbody": {"tbody", "tfoot"},
    "tfoot": {"tbody"},
    "colgroup": {"thead", "tbody", "tfoot", "tr"},
    "head": {"body"},
    "body": set(),
    "html": set(),
}
_CONDITIONAL = re.compile(
    r"(?P<opens><!--\[if\b[^\]>]*\]>)|(?P<closes><!(?:--\s*<!)?\[endif\]-->)|(?P<alone><!\[(?:if\b[^\]>]*|endif)\]>)",
    re.IGNORECASE,
)
# Beyond this depth no one reads the faults, and finding them only costs time.
_DEEPEST = 256


class MarkupFault(NamedTuple):
    """A sentence, with the headline that precedes the fault."""

    message: str
    headline: str


@lru_cache(maxsize=4)
def faults(html: str) -> tuple[MarkupFault, ...]:
    """What is wrong with the elements of a page and with its conditional comments, in order of each."""
    if _is_nested_plainly(html):
        return tuple(MarkupFault(said, "") for said in _unbalanced(html))
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return (*reader.found, *reader.unclosed(), *(MarkupFault(said, "") for said in _unbalanced(html)))


# Anything else is examined more closely: a missing quote, a stray “<”, an oddly ended comment.
_PLAIN = re.compile(
    r"""[^<]+
    |   <!--(?![^>]*?--\s+>).*?-->
    |   <!(?:doctype|DOCTYPE)\s[^<>]*>
    |   <style(?:\s[^<>]*)?>[^<]*</style>
    |   </(?P<end>[a-zA-Z][a-zA-Z0-9]*+)>
    |   <(?P<start>[a-zA-Z][a-zA-Z0-9]*+)
        (?:\s++[^\s"'<>/=]++(?:="[^"]*+"|='[^']*+')?+)*+\s*+(?P<closes>/?)>""",
    re.VERBOSE | re.DOTALL,
)


def _is_nested_plainly(html: str) -> bool:
    """Whether every element plainly has its end tag in the right place, so that none has a fault.

    A tenth of the time that reading it by the letter takes, and nearly every mail is so.
    """
    open_tags: list[str] = []
    position = 0
    for piece in _PLAIN.finditer(html):
        if piece.start() != position:
            return False
        position = piece.end()
        if end := piece["end"]:
            if not open_tags or open_tags.pop() != end.lower():
                return False
        elif start := piece["start"]:
            tag = start.lower()
            if tag in _VOID:
                continue
            around = open_tags[-1] if open_tags else ""
            if piece["closes"] or tag in _RAW or tag in _ENDED_BY.get(around, ()):
                return False
            if len(open_tags) == _DEEPEST:
                return False
            open_tags.append(tag)
    return position == len(html) and not open_tags


_RAW = frozenset(("script", "style", "textarea", "svg", "math"))


def _unbalanced(html: str) -> Iterator[str]:
    """Unpaired conditional comments: Outlook would read what is not for it, or the others would not."""
    opened = 0  # the line of the comment that is open
    for found in _CONDITIONAL.finditer(html):
        line = html.count("\n", 0, found.start()) + 1
        if found["alone"]:
            continue  # shown by all apps; it hides nothing
        if found["opens"] and opened:
            yield f"“{found[0]}” in line {line} is inside the conditional comment of line {opened}."
        elif found["closes"] and not opened:
            yield f"“{found[0]}” in line {line} closes a conditional comment that was never opened."
        opened = line if found["opens"] else 0
    if opened:
        yield f"The conditional comment of line {opened} is never closed; add <![endif]-->."


class _Open(NamedTuple):
    tag: str
    line: int
    headline: str


class _Reader(HTMLParser):
    """Keeps a stack of the open elements and compares it with every end tag."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[MarkupFault] = []
        self._open: list[_Open] = []
        self._headline = ""
        self._in_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in _VOID:
            return
        while self._open and tag in _ENDED_BY.get(self._open[-1].tag, ()):
            self._open.pop()
        if tag in _HEADINGS:
            self._headline, self._in_heading = "", True
        if len(self._open) == _DEEPEST:
            self._say(f"<{tag}> in line {self.getpos()[0]} is nested {_DEEPEST} elements deep.")
        self._open.append(_Open(tag, self.getpos()[0], self._headline))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Only foreign elements can be self-closing; on others the slash is ignored and they stay open.
        if ":" not in tag and not any(around.tag in {"svg", "math"} for around in self._open):
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in _HEADINGS:
            self._in_heading = False
        if tag in _VOID:
            if tag != "br":  # every browser treats it as a line break
                self._say(f"</{tag}> in line {self.getpos()[0]} is wrong: this element has no end tag.")
            return
        top = len(self._open) - 1
        near = range(top, max(top - _DEEPEST, -1), -1)
        left = next((place for place in near if self._open[place].tag == tag), None)
        if left is None:
            self._say(f"</{tag}> in line {self.getpos()[0]} closes nothing: no such element is open.")
            return
        for inside in reversed(self._open[left + 1 :]):
            if inside.tag not in _ENDED_BY:
                self._say(
                    f"<{inside.tag}> of line {inside.line} is still open at </{tag}> "
                    f"in line {self.getpos()[0]}.",
                    inside.headline,
                )
        del self._open[left:]

    def handle_data(self, data: str) -> None:
        if self._in_heading:
            self._headline = f"{self._headline} {data}"

    def unclosed(self) -> Iterator[MarkupFault]:
        """The elements still open at the end."""
        for around in self._open:
            if around.tag not in _ENDED_BY:
                yield MarkupFault(f"<{around.tag}> of line {around.line} is never closed.", around.headline)

    def _say(self, message: str, headline: str | None = None) -> None:
        shown = self._headline if headline is None else headline
        self.found.append(MarkupFault(message, " ".join(shown.split())))
