"""Colours and type: whether everything is readable, in light and dark mode."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from digest.checks.computed_styles import Paint, StyledText, dark_rules, is_scheme_stated, selectors, texts
from digest.checks.html_tree import story_of, styles
from digest.checks.stylesheet import StyleRule, rules
from digest.checks.types import Check, Facts, Message, Problem, Severity
from digest.rules.colours import LEAST, contrast

# WCAG 2.2, 1.4.3: large is 18 pt, or 14 pt in bold.
_LEAST_LARGE = 3.0
_LARGE, _LARGE_BOLD = 24.0, 18.66
_SMALLEST = 13.0  # px; anything smaller, phones enlarge by themselves or people have to zoom
_LOWEST = 1.2  # line height, as a multiple of the font size
_RUNNING = 60  # characters; longer texts wrap on a phone
_TWIN = re.compile(r"\[data-ogs[cb]\]\s*", re.IGNORECASE)
_WHOLE_PAGE = {"html", "body", ":root", "*"}


def readable(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """WCAG 1.4.3; each pair of colours is reported once."""
    told = set()
    for text in texts(message.html):
        least = _LEAST_LARGE if _is_large(text) else LEAST
        for scheme, paint in (("light", text.light), ("dark", text.dark)):
            ratio = _contrast(paint)
            if paint is None or ratio is None or ratio >= least or (paint, least) in told:
                continue
            told.add((paint, least))
            yield Problem(
                f"{'In dark mode, ' if scheme == 'dark' else ''}“{_short(text.words)}” is hard to read: "
                f"{paint.ink} on {paint.ground} has a contrast of {math.floor(ratio * 10) / 10}, but {least} "
                f"is required. Change theme.{scheme}, or the colours in the template.",
                story_of(message.html, text.node),
                Severity.BLOCK if ratio < _LEAST_LARGE else Severity.WARN,
            )


def _is_large(text: StyledText) -> bool:
    return text.size is not None and text.size >= (_LARGE_BOLD if text.is_bold else _LARGE)


def _contrast(paint: Paint | None) -> float | None:
    if paint is None or paint.ink is None or paint.ground is None:
        return None
    return contrast(paint.ink, paint.ground)


def dark(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """Apple Mail needs the meta elements; Outlook needs its own attribute selectors."""
    for name in ("color-scheme", "supported-color-schemes"):
        if not is_scheme_stated(message.html, name):
            yield Problem(
                f"The page does not declare that it has dark mode colours. "
                f'Put <meta name="{name}" content="light dark"> into mj-head.'
            )
    found = dark_rules(message.html)
    if not found:
        yield Problem(
            "There are no dark mode colours, so mail apps will choose some. "
            "Write rules under @media (prefers-color-scheme:dark)."
        )
    twins = {
        (_squeezed(_TWIN.sub("", selector)), name)
        for text in styles(message.html)
        for rule in rules(text)
        for selector in selectors(rule)
        if _TWIN.search(selector)
        for name in _coloured(rule)
    }
    for rule in found:
        for selector in selectors(rule):
            for name in _coloured(rule):
                if selector not in _WHOLE_PAGE and (_squeezed(selector), name) not in twins:
                    mark = "data-ogsb" if name == "background-color" else "data-ogsc"
                    yield Problem(
                        f"The dark mode {name} of “{selector}” does not reach Outlook. "
                        f"Repeat it for “[{mark}] {selector}”, outside @media."
                    )


def _coloured(rule: StyleRule) -> set[str]:
    names = {"color": "color", "background": "background-color", "background-color": "background-color"}
    return {names[declared.name] for declared in rule.declarations if declared.name in names}


def _squeezed(selector: str) -> str:
    return re.sub(r"\s*([>+~])\s*", r"\1", selector.strip())


def type_size(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """Each size is reported once; headlines may have tight lines."""
    small, tight = set(), set()
    for text in texts(message.html):
        if text.size is None or text.size == 0:
            continue
        if text.size < _SMALLEST and text.size not in small:
            small.add(text.size)
            yield Problem(
                f"“{_short(text.words)}” is set in {text.size:g} px. "
                f"Use {_SMALLEST:g} px or more in the template.",
                story_of(message.html, text.node),
            )
        is_running = len(text.words) > _RUNNING and not text.is_heading and not _is_large(text)
        height = (text.size, text.line)
        if is_running and text.line is not None and text.line < _LOWEST and height not in tight:
            tight.add(height)
            yield Problem(
                f"The lines of “{_short(text.words)}” are too close: the height is {text.line:.2g} times the "
                f"font size. Set line-height to {_LOWEST} times or more in the template.",
                story_of(message.html, text.node),
            )


def _short(words: str) -> str:
    return words if len(words) <= 40 else f"{words[:39]}…"


CHECKS = (
    Check("contrast", Severity.WARN, "All text is readable in light and dark mode.", readable),
    Check("dark-meta", Severity.WARN, "Dark mode colours reach every mail app.", dark),
    Check("font-min", Severity.WARN, "No text is too small or set too tight.", type_size),
)
