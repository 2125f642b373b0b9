"""A CSS parser: rules with the conditions they are under, and declarations.

It covers as much of the grammar as needed to tell what is used: comments, strings and
addresses are never taken for rules.  Whatever cannot be parsed is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

# One piece of CSS at a time; the content of a string or an address is never structure.
_PIECE = re.compile(
    r"""(?P<comment>/\*.*?(?:\*/|\Z)|<!--|-->)
    |   (?P<whole>"(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'?
                 | url\(\s*[^"'\s)][^)]*\)? | \([^(){};"']*\) | \\.)
    |   (?P<end>[{};])
    |   (?P<rest>[^"'{};/\\(u<-]+|.)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
# No one nests deeper by hand; anything deeper is only meant to keep us busy.
_DEEPEST = 8


class Declaration(NamedTuple):
    """Whitespace collapsed, without `!important`; lower-cased unless it contains a string or a bracket."""

    name: str
    value: str


class StyleRule(NamedTuple):
    """`selector` is empty for a rule that consists only of an at-rule, such as `@font-face`."""

    conditions: tuple[str, ...]  # the at-rules around it, from the outermost
    selector: str
    declarations: tuple[Declaration, ...]


@lru_cache(maxsize=32)
def rules(css: str) -> tuple[StyleRule, ...]:
    """All rules, in order; an at-rule counts as one too, even if it is empty."""
    return tuple(_rules(css))


@lru_cache(maxsize=512)
def declarations(text: str) -> tuple[Declaration, ...]:
    """The declarations of a `style` attribute."""
    [rule] = [*_rules(f"*{{{text}}}")][:1] or [StyleRule((), "", ())]
    return rule.declarations


class StyleFault(NamedTuple):
    """The rest of a sentence that begins with “In the styles,”."""

    message: str
    loses_all: bool  # otherwise, only the rule that contains it


@lru_cache(maxsize=32)
def faults(css: str) -> tuple[StyleFault, ...]:
    """What mail apps stumble over in a block of styles, in order."""
    return tuple(_faults(css))


def _faults(css: str) -> Iterator[StyleFault]:
    around: list[str] = []  # the prelude of each open block
    words: list[str] = []
    is_after_comment = False
    for piece in _PIECE.finditer(css):
        if piece["comment"]:
            is_after_comment |= piece[0].startswith("/*") and not "".join(words).strip()
            if piece[0].startswith("/*") and not re.fullmatch(r"/\*.*\*/", piece[0], re.DOTALL):
                yield StyleFault(f"the comment “{_short(piece[0])}” is never closed.", True)
            words.append(" ")
        elif not piece["end"]:
            yield from _faults_of_piece(piece[0])
            words.append(piece[0])
        else:
            text, words = " ".join("".join(words).split()), []
            if is_after_comment and piece[0] == "{":
                yield StyleFault(f"a comment precedes “{_short(text)}”, so Gmail skips that rule.", True)
            yield from _faults_at_end(piece[0], text, around)
            is_after_comment = False
    yield from (StyleFault(f"the braces of “{_short(text)}” are never closed.", True) for text in around)
    if not around and (rest := "".join(words).strip()):
        yield StyleFault(f"“{_short(rest)}” at the end has no braces.", False)


def _faults_at_end(end: str, text: str, around: list[str]) -> Iterator[StyleFault]:
    """The faults of what a brace or semicolon ends; updates `around` to what is open after it."""
    if end == "{":
        yield from _faults_of_prelude(text, around)
        around.append(text)
        return
    if text and not text.startswith("@") and _declaration(text) is None:
        yield StyleFault(f"“{_short(text)}” is not a declaration.", False)
    if end == "}":
        if not around:
            yield StyleFault(f"there is a }} too many{_after(text)}.", True)
        del around[-1:]


def _faults_of_piece(piece: str) -> Iterator[StyleFault]:
    """Unclosed strings and brackets swallow what follows."""
    is_open = piece[0] in {'"', "'"} and (len(piece) < 2 or piece[-1] != piece[0])
    if is_open or (piece[:4].lower() == "url(" and piece[-1] != ")"):
        yield StyleFault(f"“{_short(piece)}” is never closed.", True)


def _faults_of_prelude(text: str, around: list[str]) -> Iterator[StyleFault]:
    if not text:
        yield StyleFault("a rule has no selector.", False)
    if text.startswith("@") and any(outer.startswith("@") for outer in around):
        yield StyleFault(f"“{_short(text)}” is inside another @ rule, so Gmail drops the whole block.", True)
    elif around and not around[-1].startswith("@"):
        yield StyleFault(f"“{_short(text)}” is inside another rule, which few mail apps support.", False)


def _short(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= 60 else f"{folded[:59]}…"


def _after(text: str) -> str:
    return f" after “{_short(text)}”" if text else ""


def _rules(css: str) -> Iterator[StyleRule]:
    around: list[str] = []  # the prelude of each open block
    held: list[list[Declaration]] = [[]]
    words: list[str] = []
    for piece in _PIECE.finditer(css):
        if piece["comment"]:
            words.append(" ")
            continue
        if not piece["end"]:
            words.append(piece[0])
            continue
        text, words = " ".join("".join(words).split()), []
        if piece[0] == "{":
            around.append(text)
            held.append([])
            continue
        if text.startswith("@"):  # an at-rule without a block, such as @import
            yield StyleRule((*_conditions(around), text), "", ())
        elif declared := _declaration(text):
            held[-1].append(declared)
        if piece[0] == "}" and around:
            yield _rule(around, held.pop())
            around.pop()
    while around:  # closed by the end of the input, as in browsers
        if declared := _declaration(" ".join("".join(words).split())):
            held[-1].append(declared)
        words = []
        yield _rule(around, held.pop())
        around.pop()


def _rule(around: list[str], declared: list[Declaration]) -> StyleRule:
    selectors = [text for text in around[:_DEEPEST] if not text.startswith("@")]
    # A block in a block is CSS nesting; `&` marks it where it was omitted.
    return StyleRule(_conditions(around), " & ".join(selectors), tuple(declared))


def _conditions(around: list[str]) -> tuple[str, ...]:
    return tuple(text for text in around[:_DEEPEST] if text.startswith("@"))


def _declaration(text: str) -> Declaration | None:
    name, colon, value = text.partition(":")
    name = name.strip().lower()
    if not colon or not re.fullmatch(r"-{0,2}[a-z_][\w-]*", name):
        return None
    value = re.sub(r"\s*!\s*important$", "", value.strip(), flags=re.IGNORECASE)
    return Declaration(name, value if re.search(r"[\"'(]", value) else value.lower())
