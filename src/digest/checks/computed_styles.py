"""The computed style of each text of a page: size, colour and background, in light and dark mode.

Based on inline styles and attributes, which are all that every mail app reads, and for
dark mode on the rules under `prefers-color-scheme: dark` on top of them.  What cannot be
known, such as the colour of a background image, is `None` and is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from selectolax.lexbor import LexborNode, SelectolaxError

from digest.checks.html_tree import attribute, collapse_whitespace, elements, page
from digest.checks.stylesheet import Declaration, StyleRule, declarations, rules

DARK = re.compile(
    r"@media\s*(?:(?:only\s+)?(?:screen|all)\s+and\s+)?\(\s*prefers-color-scheme\s*:\s*dark\s*\)",
    re.IGNORECASE,
)


class Paint(NamedTuple):
    """Colours as #RRGGBB."""

    ink: str | None
    ground: str | None


class StyledText(NamedTuple):
    """The text directly inside an element, without that of its child elements."""

    node: LexborNode
    words: str
    size: float | None  # in px
    is_bold: bool
    line: float | None  # line height, as a multiple of the size
    is_heading: bool
    light: Paint
    dark: Paint | None  # only if the page defines dark mode colours


class _Style(NamedTuple):
    """The styles that an element passes on to its descendants."""

    light: Paint
    dark: Paint | None
    size: float | None = 16.0
    is_bold: bool = False
    height: tuple[float, str] | None = (1.2, "")  # line height: a number, and "px" if it is a length
    is_heading: bool = False
    is_hidden: bool = False


@lru_cache(maxsize=4)
def texts(html: str) -> tuple[StyledText, ...]:
    """Every visible text, in order."""
    return tuple(_texts(html))


@lru_cache(maxsize=4)
def dark_rules(html: str) -> tuple[StyleRule, ...]:
    """The rules that apply only in dark mode, in order."""
    found = []
    for node in elements(html, "style"):
        media = attribute(node, "media")
        around = (f"@media {media}",) if media else ()
        for rule in rules(node.text(deep=True)):
            conditions = (*around, *rule.conditions)
            if rule.selector and conditions and all(DARK.fullmatch(each) for each in conditions):
                found.append(rule)
    return tuple(found)


def is_scheme_stated(html: str, name: str = "color-scheme") -> bool:
    """Whether a meta element of that name declares both colour schemes."""
    stated = [attribute(node, "content") or "" for node in elements(html, f"meta[name='{name}']")]
    return any({"light", "dark"} <= set(value.lower().split()) for value in stated)


def selectors(rule: StyleRule) -> list[str]:
    """The selectors of a rule, separated."""
    return [
        collapse_whitespace(each) for each in re.split(r",(?![^(\[]*[)\]])", rule.selector) if each.strip()
    ]


# -- the walk --------------------------------------------------------------------


def _texts(html: str) -> Iterator[StyledText]:
    body = page(html).body
    if body is None:
        return
    by_node = _dark_declarations(html)
    has_dark, is_stated = bool(dark_rules(html)), is_scheme_stated(html)
    canvas = Paint("#FFFFFF", "#121212") if is_stated else Paint("#000000", "#FFFFFF")
    link = "#9E9EFF" if is_stated else "#0000EE"
    root = _Style(Paint("#000000", "#FFFFFF"), canvas if has_dark else None)
    styles: dict[int, _Style] = {}
    for node in body.traverse(include_text=False):
        if (node.tag or "-") in _NO_TEXT or node.tag == "-comment":
            continue
        around = styles.get(node.parent.mem_id, root) if node.parent is not None else root
        style = _styled(node, around, by_node.get(node.mem_id, {}), dark_link=link)
        styles[node.mem_id] = style
        if style.is_hidden:
            continue
        words = collapse_whitespace(node.text(deep=False))
        if any(sign.isalnum() for sign in words):
            yield StyledText(
                node,
                words,
                style.size,
                style.is_bold,
                _ratio(style),
                style.is_heading,
                style.light,
                style.dark,
            )


_NO_TEXT = frozenset(("style", "script", "template", "head", "title"))
_HEADINGS = {
    "h1": 2.0,
    "h2": 1.5,
    "h3": 1.17,
    "h4": 1.0,
    "h5": 0.83,
    "h6": 0.67,
}  # in em, as browsers set them
_SMALLER = frozenset(("small", "sub", "sup"))
_BOLD = frozenset((*_HEADINGS, "b", "strong", "th"))


def _styled(node: LexborNode, around: _Style, in_dark: Mapping[str, str], *, dark_link: str) -> _Style:
    telling = tuple(
        (name, "" if name == "href" else value or "")
        for name, value in node.attributes.items()
        if name in _TELLING
    )
    return _style(node.tag or "", telling, around, tuple(in_dark.items()), dark_link=dark_link)


# All attributes that affect how an element looks; having an `href` makes a link, whatever its value.
_TELLING = frozenset(("style", "bgcolor", "background", "color", "hidden", "href"))


@lru_cache(maxsize=2048)
def _style(
    tag: str,
    telling: tuple[tuple[str, str], ...],
    around: _Style,
    in_dark: tuple[tuple[str, str], ...],
    *,
    dark_link: str,
) -> _Style:
    """Cached, because most elements look like an earlier one: each card, and each mail, like the last."""
    attributes = dict(telling)
    own = _values(declarations(attributes.get("style", "")))
    plain = _from_attributes(tag, attributes) | own
    size = _size(tag, own, around.size)
    is_link = tag == "a" and "href" in attributes
    dark = around.dark
    if dark is not None:
        dark = _painted({**plain, **dict(in_dark)}, dark, link=dark_link if is_link else None)
    return _Style(
        light=_painted(plain, around.light, link="#0000EE" if is_link else None),
        dark=dark,
        size=size,
        is_bold=_is_bold(own.get("font-weight"), around.is_bold or tag in _BOLD),
        height=_height(own.get("line-height"), size, around.height),
        is_heading=around.is_heading or tag in _HEADINGS,
        is_hidden=around.is_hidden or _is_hidden(own, attributes, size),
    )


def _values(declared: tuple[Declaration, ...]) -> dict[str, str]:
    """The last value of each property; shorthands are reduced to the properties used here."""
    values: dict[str, str] = {}
    for name, value in declared:
        if name == "background":
            values["background-color"] = _ground_of(value)
        elif name == "background-image" and value != "none":
            values["background-color"] = "?"
        elif name == "font" and (found := _FONT.search(value)):
            values |= {"font-size": found["size"], "line-height": found["height"] or "normal"}
            values["font-weight"] = "bold" if re.search(r"\bbold|\b[789]00\b", value) else "normal"
        else:
            values[name] = value
    return values


_FONT = re.compile(r"(?P<size>\d[\d.]*(?:px|pt|em|rem|%))(?:\s*/\s*(?P<height>[\d.]+(?:px|pt|em|%)?))?")


def _ground_of(shorthand: str) -> str:
    """The colour of a `background` shorthand; `?` if there is an image."""
    if re.search(r"url\(|gradient", shorthand, re.IGNORECASE):
        return "?"
    words = re.findall(r"#\w+|[a-z]+\([^)]*\)|[a-z-]+", shorthand, re.IGNORECASE)
    return next((word for word in words if _channels(word)), "transparent" if "none" in words else "?")


def _from_attributes(tag: str, attributes: Mapping[str, str]) -> dict[str, str]:
    values = {}
    if attributes.get("bgcolor"):
        values["background-color"] = attributes["bgcolor"].lower()
    if attributes.get("background"):
        values["background-color"] = "?"
    if tag == "font" and attributes.get("color"):
        values["color"] = attributes["color"].lower()
    return values


def _is_hidden(own: Mapping[str, str], attributes: Mapping[str, str], size: float | None) -> bool:
    """Whether an element is hidden, as a preheader is; a font size of up to 2 px counts as well."""
    return (
        own.get("display") == "none"
        or own.get("visibility") == "hidden"
        or own.get("opacity") == "0"
        or (own.get("max-height") in {"0", "0px"} and own.get("overflow") == "hidden")
        or "hidden" in attributes
        or ("font-size" in own and size is not None and 0 < size <= 2)
    )


# -- type ------------------------------------------------------------------------


def _size(tag: str, own: Mapping[str, str], around: float | None) -> float | None:
    if "font-size" in own:
        return _px(own["font-size"], around)
    scale = _HEADINGS.get(tag, 0.83 if tag in _SMALLER else 1.0)
    return around * scale if around is not None else None


def _px(value: str, around: float | None) -> float | None:
    """A length in px; percent and em are relative to `around`."""
    found = re.fullmatch(r"(\d*\.?\d+)(px|pt|em|rem|%)?", value)
    if value == "inherit" or found is None:
        return around if value == "inherit" else None
    number, unit = float(found[1]), found[2]
    if unit in {"em", "%"}:
        return None if around is None else number * around / (100 if unit == "%" else 1)
    return number * {"pt": 4 / 3, "rem": 16.0}.get(unit or "px", 1.0)


def _is_bold(value: str | None, otherwise: bool) -> bool:
    if value is None or value == "inherit":
        return otherwise
    return value in {"bold", "bolder"} or (value.isdecimal() and int(value) >= 700)


def _height(
    value: str | None, size: float | None, around: tuple[float, str] | None
) -> tuple[float, str] | None:
    if value is None or value == "inherit":
        return around
    if value == "normal":
        return 1.2, ""
    if re.fullmatch(r"\d*\.?\d+", value):
        return float(value), ""
    height = _px(value, size)
    return None if height is None else (height, "px")


def _ratio(style: _Style) -> float | None:
    if style.height is None:
        return None
    number, unit = style.height
    if not unit:
        return number
    return number / style.size if style.size else None


# -- colours ---------------------------------------------------------------------


def _dark_declarations(html: str) -> dict[int, dict[str, str]]:
    """The dark mode declarations of each element, by `mem_id`: the most specific wins, then the last."""
    won: dict[int, dict[str, tuple[tuple[int, int, int], str]]] = {}
    for rule in dark_rules(html):
        values = {n: v for n, v in _values(rule.declarations).items() if n in {"color", "background-color"}}
        for selector in selectors(rule) if values else ():
            weight = _specificity(selector)
            for node in _selected(html, selector):
                held = won.setdefault(node.mem_id, {})
                for name, value in values.items():
                    if name not in held or held[name][0] <= weight:
                        held[name] = (weight, value)
    return {number: {name: value for name, (_, value) in held.items()} for number, held in won.items()}


def _selected(html: str, selector: str) -> list[LexborNode]:
    try:
        return elements(html, selector)
    except SelectolaxError:  # a selector that only browsers support
        return []


def _specificity(selector: str) -> tuple[int, int, int]:
    """Specificity (Selectors Level 4, 17), ignoring the arguments of `:not()` and similar."""
    ids = len(re.findall(r"#[\w-]+", selector))
    classes = len(re.findall(r"\.[\w-]+|\[[^\]]*\]|(?<!:):(?!:)[\w-]+", selector))
    return ids, classes, len(re.findall(r"(?:^|[\s>+~])[a-zA-Z][\w-]*", selector))


def _painted(values: Mapping[str, str], around: Paint, *, link: str | None) -> Paint:
    ground = _over(values.get("background-color"), around.ground, otherwise=around.ground)
    return Paint(
        _over(values.get("color"), ground, otherwise=link or around.ink, inherited=around.ink), ground
    )


def _over(
    value: str | None, ground: str | None, *, otherwise: str | None, inherited: str | None = None
) -> str | None:
    """A colour as it appears on a background."""
    if value is None:
        return otherwise
    if value in {"inherit", "currentcolor"}:
        return inherited or otherwise
    channels = _channels(value)
    if channels is None:
        return None
    *colour, alpha = channels
    if alpha == 1:
        return _hex(*colour)
    if ground is None:
        return None
    below = _channels(ground) or (255.0, 255.0, 255.0, 1.0)
    return _hex(*(a * alpha + b * (1 - alpha) for a, b in zip(colour, below, strict=False)))


def _hex(red: float, green: float, blue: float) -> str:
    return f"#{round(red):02X}{round(green):02X}{round(blue):02X}"


_NAMED = {
    "aqua": "#00FFFF", "black": "#000000", "blue": "#0000FF", "fuchsia": "#FF00FF", "gray": "#808080",
    "green": "#008000", "grey": "#808080", "lime": "#00FF00", "maroon": "#800000", "navy": "#000080",
    "olive": "#808000", "orange": "#FFA500", "purple": "#800080", "red": "#FF0000", "silver": "#C0C0C0",
    "teal": "#008080", "white": "#FFFFFF", "yellow": "#FFFF00", "transparent": "#00000000",
}  # fmt: skip


_RGB = re.compile(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)(?:[\s,/]+(\d*\.?\d+)(%?))?\s*\)", re.IGNORECASE)


@lru_cache(maxsize=256)
def _channels(value: str) -> tuple[float, float, float, float] | None:
    """Red, green and blue up to 255, and opacity up to 1; None for an unknown colour."""
    value = _NAMED.get(value.lower(), value)
    if found := re.fullmatch(r"#([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})", value):
        digits = found[1] if len(found[1]) > 4 else "".join(digit * 2 for digit in found[1])
        *colour, opaque = bytes.fromhex(digits.ljust(8, "f"))
        return colour[0], colour[1], colour[2], opaque / 255
    if (found := _RGB.fullmatch(value)) is None:
        return None
    red, green, blue = (min(float(found[place]), 255.0) for place in (1, 2, 3))
    return red, green, blue, min(float(found[4] or 1) / (100 if found[5] else 1), 1.0)
