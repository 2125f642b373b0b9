"""Which features of HTML and CSS a mail really uses: a detector for each, by its slug at caniemail.com.

A word in an article does not use a feature, nor does a rule that matches no element, a
property set to its default, or the styling of a hidden element.  Rules under a
condition, or meant for a single app, are a bonus for the apps that understand them: the
condition counts, but not its content.

The table only has what can be detected reliably.  Widths and margins are not in it,
because a template states them a second time, in tables for Outlook.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from selectolax.lexbor import LexborNode, SelectolaxError

from digest.checks.html_tree import attribute, elements, page
from digest.checks.stylesheet import Declaration, StyleRule, declarations, rules

Place = LexborNode | None  # the element that uses a feature; None for a rule that belongs to no element


@dataclass(frozen=True, slots=True)
class Inventory:
    """The parts of a page that detectors examine."""

    html: str
    declarations: dict[Declaration, Place]  # with the first element that each applies to
    selectors: dict[str, Place]
    conditions: tuple[str, ...]  # the preludes of all at-rules
    nested: bool  # a condition stands in a condition
    declared: _Declared
    tags: frozenset[str]  # of every element that somebody wrote


class _Declared:
    """What is declared, in order: one object for all pages that declare the same."""

    __slots__ = ("all",)

    def __init__(self, declared: tuple[Declaration, ...]) -> None:
        self.all = declared


_TAG = re.compile(r"<([a-z][a-z0-9]*)")
_same = lru_cache(maxsize=32)(_Declared)


Detector = Callable[[Inventory], Iterator[Place]]


class Feature(NamedTuple):
    slug: str
    name: str  # in a list of what an app shows differently
    effect: str  # what the subscriber sees if it is not supported
    places: Detector  # where the page uses it; the first is enough


def used(html: str) -> tuple[tuple[Feature, Place], ...]:
    """The features that the page uses, in the order of the table, each with its first place."""
    seen = inventory(html)
    found = ((feature, next(feature.places(seen), _NOWHERE)) for feature in FEATURES)
    return tuple((feature, place) for feature, place in found if not isinstance(place, _Nowhere))


class _Nowhere:
    """Distinguishes “not found” from a place without an element (None)."""


_NOWHERE = _Nowhere()


# -- what a page is made of ------------------------------------------------------

# Selectors for a single app, which no other app matches.
_FOR_ONE_PROGRAM = re.compile(
    r"\[data-ogs[bc]\]|#outlook\b|\.externalclass|\.moz-text|u\s*\+|#messageviewbody|\[owa\]|x-apple-",
    re.IGNORECASE,
)
_DYNAMIC = re.compile(
    r"(?<!:):(?:hover|active|focus(?:-visible|-within)?|visited|link|target|checked)\b(?!-)"
)
_PSEUDO_ELEMENT = re.compile(r"::[\w-]+|:(?:before|after|first-letter|first-line)\b")
_HIDDEN = Declaration("display", "none")


@lru_cache(maxsize=4)
def inventory(html: str) -> Inventory:
    declared: dict[Declaration, Place] = {}
    selectors: dict[str, Place] = {}
    conditions: dict[str, None] = {}
    nested = False
    for rule in _sheet(html):
        conditions |= dict.fromkeys(rule.conditions)
        nested = nested or len(rule.conditions) > 1
        if rule.conditions or not rule.selector or _FOR_ONE_PROGRAM.search(rule.selector):
            continue
        for selector, place in _fitting(html, rule.selector):
            selectors.setdefault(selector, place)
            if not _DYNAMIC.search(selector):
                _declare(declared, rule.declarations, place)
    texts: dict[str, LexborNode] = {}
    for node in elements(html, "[style]"):
        texts.setdefault(attribute(node, "style") or "", node)
    for text, node in texts.items():
        _declare(declared, declarations(text), node)
    tags = frozenset(_TAG.findall(html.lower()))
    return Inventory(html, declared, selectors, tuple(conditions), nested, _same(tuple(declared)), tags)


def _sheet(html: str) -> Iterator[StyleRule]:
    for node in elements(html, "style"):
        media = (attribute(node, "media") or "").strip()
        around = (f"@media {media}",) if media and media.lower() not in {"all", "screen"} else ()
        for rule in rules(node.text(deep=True)):
            yield rule._replace(conditions=(*around, *rule.conditions))


def _fitting(html: str, selectors: str) -> Iterator[tuple[str, Place]]:
    """Each selector that matches an element, with the first match; one that cannot be parsed may match."""
    for selector in _listed(selectors):
        # The tree knows neither pointer states nor nesting, so the element itself is searched for.
        still = _PSEUDO_ELEMENT.sub("", _DYNAMIC.sub("", selector.partition(" & ")[0]))
        try:
            node = page(html).css_first(re.sub(r"(^|[>+~\s])\s*$", r"\1*", still) if still.strip() else "*")
        except SelectolaxError:
            yield selector, None
            continue
        if node is not None:
            yield selector, node


def _listed(selectors: str) -> list[str]:
    """The selectors of a list, split at commas outside brackets."""
    parts, depth = [""], 0
    for piece in re.findall(r"[^,()\[\]]+|.", selectors):
        depth = max(0, depth + {"(": 1, "[": 1, ")": -1, "]": -1}.get(piece, 0))
        if piece == "," and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts if part.strip()]


def _declare(declared: dict[Declaration, Place], new: tuple[Declaration, ...], place: Place) -> None:
    for declaration in (_HIDDEN,) if _HIDDEN in new else new:
        declared.setdefault(declaration, place)


# -- detectors -------------------------------------------------------------------

# A property with one of these values is not used, only reset.
_OFF = set("none normal auto initial inherit unset revert static visible 0 0px 1".split())


def _declared(fits: Callable[[Declaration], object]) -> Detector:
    """By what is declared: the next version of a mail declares the very same, and is not judged again."""

    @lru_cache(maxsize=8)
    def fitting(declared: _Declared) -> tuple[Declaration, ...]:
        return tuple(filter(fits, declared.all))

    def places(seen: Inventory) -> Iterator[Place]:
        return (seen.declarations[one] for one in fitting(seen.declared))

    return places


def _property(*names: str) -> Detector:
    return _declared(lambda one: one.name in names and one.value not in _OFF)


def _value(pattern: str, *names: str) -> Detector:
    """A value that matches the pattern, in these properties or in any; quoted text does not count."""
    compiled = re.compile(pattern, re.IGNORECASE)
    return _declared(lambda one: (not names or one.name in names) and compiled.search(_bare(one.value)))


@lru_cache(maxsize=1024)
def _bare(value: str) -> str:
    quoted = re.sub(r"\"[^\"]*\"|'[^']*'", "''", value)
    return re.sub(r"url\([^)]*\)", "url()", quoted, flags=re.IGNORECASE)


def _unit(unit: str) -> Detector:
    return _value(rf"(?<![\w.#-])[+-]?(?:\d+\.?\d*|\.\d+){unit}\b")


def _selector(pattern: str) -> Detector:
    compiled = re.compile(pattern, re.IGNORECASE)

    def places(seen: Inventory) -> Iterator[Place]:
        for selector, place in seen.selectors.items():
            if compiled.search(_bare(selector)):
                yield place

    return places


def _condition(pattern: str) -> Detector:
    compiled = re.compile(pattern, re.IGNORECASE)

    def places(seen: Inventory) -> Iterator[Place]:
        for condition in seen.conditions:
            if compiled.match(condition):
                yield None

    return places


def _element(selector: str) -> Detector:
    tags = set(re.findall(r"(?:^|,)\s*([a-z][a-z0-9]*)", selector))
    # A tree has elements that nobody wrote, but none of those that are asked for by their name here.
    is_by_name = len(tags) == selector.count(",") + 1 and not tags & _UNWRITTEN

    def places(seen: Inventory) -> Iterator[Place]:
        if is_by_name and not tags & seen.tags:
            return
        yield from elements(seen.html, selector)

    return places


_UNWRITTEN = frozenset(("html", "head", "body", "tbody", "tr", "colgroup", "p", "br", "img"))


def _picture(*endings: str) -> Detector:
    """An image format, recognised by the file extension; what the server really sends is not known here.

    A `srcset` does not count, because apps that do not support it use the `src`.
    """

    def places(seen: Inventory) -> Iterator[Place]:
        return (place for ending, place in _pictures(seen.html) if ending in endings)

    return places


@lru_cache(maxsize=4)
def _pictures(html: str) -> tuple[tuple[str, Place], ...]:
    """The ending of each picture's address, and its place: elements before styles."""
    found: list[tuple[str, Place]] = []
    for node in elements(html, "img[src], [background]"):
        address = attribute(node, "src" if node.tag == "img" else "background") or ""
        found.append((_ending(address), node))
    for (_, value), place in inventory(html).declarations.items():
        addresses = re.findall(r"url\(\s*[\"']?([^\"')]*)", value, re.IGNORECASE)
        found += [(_ending(address), place) for address in addresses]
    return tuple(found)


def _ending(address: str) -> str:
    try:
        path = urlsplit(address.split(maxsplit=1)[0] if address.split() else "").path
    except ValueError:
        return ""
    return path.rpartition(".")[2].lower() if "." in path.rpartition("/")[2] else ""


def _inline_picture(seen: Inventory) -> Iterator[Place]:
    yield from elements(seen.html, 'img[src^="data:image" i]')
    yield from _value_as_it_is(r"url\(\s*[\"']?data:image")(seen)


def _value_as_it_is(pattern: str) -> Detector:
    compiled = re.compile(pattern, re.IGNORECASE)
    return _declared(lambda one: compiled.search(one.value))


def _nesting(seen: Inventory) -> Iterator[Place]:
    return (place for selector, place in seen.selectors.items() if "&" in _bare(selector))


def _variable(seen: Inventory) -> Iterator[Place]:
    return (
        place for (name, value), place in seen.declarations.items() if "var(" in value or name[:2] == "--"
    )


# -- the table -------------------------------------------------------------------

_GONE = "is left out"
_TEXT_STAYS = "Its text is shown like any other."
_FORM = "The field is left out or does nothing."
_LOGICAL = "The space or line on that side is missing."
_SIZE = "The size is ignored, so the element becomes as large as its content."

FEATURES = (
    # Dark mode, screens, and other conditions
    Feature("css-at-media-prefers-color-scheme", "our own dark colours",
            "None of our own dark colours are used.",
            _condition(r"@media.*prefers-color-scheme")),
    Feature("css-at-media", "the layout for small screens",
            "Rules for other screens do nothing, so the layout is the same everywhere.",
            _condition(r"@media")),
    Feature("html-style", "rules for small screens and dark mode",
            "Style sheets are dropped; inline styles remain.",
            _element("style")),
    Feature("css-at-media-prefers-reduced-motion", "rules for less motion",
            "People who asked for less motion still see it.",
            _condition(r"@media.*prefers-reduced-motion")),
    Feature("css-at-media-orientation", "rules for portrait and landscape screens",
            "Turning the screen changes nothing.",
            _condition(r"@media.*orientation\s*:")),
    Feature("css-at-media-hover", "rules for pointers", "Rules for a mouse or a finger do nothing.",
            _condition(r"@media.*\((?:any-)?hover\b")),
    Feature("css-at-media-device-pixel-ratio", "rules for sharp screens",
            "Sharp screens get the same as all others.",
            _condition(r"@media.*device-pixel-ratio")),
    Feature("css-at-supports", "rules under @supports", "Those rules do nothing.",
            _condition(r"@supports\b")),
    Feature("css-at-import", "imported styles", "The imported styles are missing.", _condition(r"@import\b")),
    Feature("css-at-font-face", "web fonts", "The text is set in a font on the subscriber's device.",
            _condition(r"@font-face\b")),
    Feature("css-at-keyframes", "animations", "Nothing moves.", _condition(r"@(?:-webkit-)?keyframes\b")),
    Feature("css-animation", "animations", "Nothing moves.", _property("animation", "animation-name")),
    Feature("css-transition", "soft transitions", "Changes happen at once.",
            _property("transition", "transition-property")),
    Feature("css-nesting", "nested rules", "The nested rules do nothing.", _nesting),
    # Boxes
    Feature("css-border-radius", "rounded corners", "Corners are square.",
            _property("border-radius", *(f"border-{y}-{x}-radius" for y in ("top", "bottom") for x in
                ("left", "right")))),
    Feature("css-border-radius-logical", "rounded corners", "Corners are square.",
            _property(*(f"border-{a}-{b}-radius" for a in ("start", "end") for b in ("start", "end")))),
    Feature("css-border-image", "images as borders", "The border is a plain line or missing.",
            _property("border-image", "border-image-source")),
    Feature("css-border-inline-block", "borders by direction", "Those borders are missing.",
            _property("border-inline", "border-block")),
    Feature("css-border-inline-block-individual", "borders by direction", "Those borders are missing.",
            _property(*(f"border-{axis}-{end}" for axis in ("inline", "block") for end in ("start", "end")))),
    Feature("css-border-spacing", "gaps between cells", "Cells are closer together.",
            _property("border-spacing")),
    Feature("css-box-shadow", "shadows", "Boxes have no shadow.", _property("box-shadow")),
    Feature("css-box-sizing", "sizes that include padding", "Boxes can be wider.", _property("box-sizing")),
    Feature("css-outline", "outlines", "The outline is missing.", _property("outline", "outline-style")),
    Feature("css-outline-offset", "spaced outlines", "The outline is closer.", _property("outline-offset")),
    Feature("css-opacity", "translucent parts", "They are opaque.", _property("opacity")),
    Feature("css-clip-path", "cut-out shapes", "The whole box is visible.", _property("clip-path")),
    Feature("css-mask-image", "masks", "The whole image is visible.", _property("mask", "mask-image")),
    Feature("css-filter", "filters", "Images keep their own colours.", _property("filter")),
    Feature("css-backdrop-filter", "blurred backgrounds", "The background is not blurred.",
            _property("backdrop-filter")),
    Feature("css-mix-blend-mode", "blended colours", "Colours do not mix.", _property("mix-blend-mode")),
    Feature("css-transform", "rotated or moved parts", "They are not rotated or moved.",
            _property("transform")),
    Feature("css-visibility", "hidden parts", "They are visible.", _property("visibility")),
    Feature("css-display-none", "hidden parts", "They are visible.", _value(r"^none$", "display")),
    Feature("css-overflow", "cut-off or scrolling parts", "Content that does not fit enlarges its box.",
            _property("overflow", "overflow-x", "overflow-y")),
    Feature("css-max-height", "maximum heights", "It is as high as its content.",
            _property("max-height")),
    Feature("css-min-height", "minimum heights", "It is only as high as its content.",
            _property("min-height")),
    Feature("css-min-width", "minimum widths", "It can become narrower.", _property("min-width")),
    Feature("css-aspect-ratio", "fixed proportions", _SIZE, _property("aspect-ratio")),
    Feature("css-block-inline-size", "sizes by direction", _SIZE, _property("block-size", "inline-size")),
    Feature("css-max-inline-size", "sizes by direction", _SIZE, _property("max-inline-size")),
    Feature("css-max-block-size", "sizes by direction", _SIZE, _property("max-block-size")),
    Feature("css-min-inline-size", "sizes by direction", _SIZE, _property("min-inline-size")),
    Feature("css-min-block-size", "sizes by direction", _SIZE, _property("min-block-size")),
    Feature("css-intrinsic-size", "sizes by content", _SIZE,
            _value(r"\b(?:fit|min|max)-content\b", "width", "height", "min-width", "max-width",
                "min-height")),
    Feature("css-margin", "parts that overlap", "They appear below each other instead of overlapping.",
            _value(r"(?<![\w.)])-(?:\d|\.\d)", "margin", "margin-left", "margin-right", "margin-top",
                "margin-bottom" )),
    Feature("css-margin-inline-block", "margins by direction", _LOGICAL,
            _property("margin-inline", "margin-block")),
    Feature("css-margin-inline-start-end", "margins by direction", _LOGICAL,
            _property("margin-inline-start", "margin-inline-end")),
    Feature("css-margin-block-start-end", "margins by direction", _LOGICAL,
            _property("margin-block-start", "margin-block-end")),
    Feature("css-padding-inline-block", "padding by direction", _LOGICAL,
            _property("padding-inline", "padding-block")),
    Feature("css-padding-inline-start-end", "padding by direction", _LOGICAL,
            _property("padding-inline-start", "padding-inline-end")),
    Feature("css-padding-block-start-end", "padding by direction", _LOGICAL,
            _property("padding-block-start", "padding-block-end")),
    # Layout
    Feature("css-display-flex", "flexible rows", "Items side by side may appear below each other.",
            _value(r"^(?:inline[- ])?flex$", "display")),
    Feature("css-display-grid", "grids", "Items side by side appear below each other.",
            _value(r"^(?:inline[- ])?grid$", "display")),
    Feature("css-grid-template", "grids", "Items side by side appear below each other.",
            _property("grid-template", "grid-template-columns", "grid-template-rows", "grid-template-areas")),
    Feature("css-gap", "gaps in rows and grids", "Items are closer together.",
            _property("gap", "row-gap", "column-gap")),
    Feature("css-align-items", "aligned rows", "Items in a row are at different heights.",
            _property("align-items")),
    Feature("css-justify-content", "aligned rows", "Items are at the start of their row.",
            _property("justify-content")),
    Feature("css-flex-direction", "flexible columns", "Items are side by side.",
            _value(r"^column", "flex-direction", "flex-flow")),
    Feature("css-flex-wrap", "rows that wrap", "A row does not wrap and can be too wide.",
            _value(r"\bwrap\b", "flex-wrap", "flex-flow")),
    Feature("css-float", "text around images", "Text is above and below, not beside.",
            _property("float")),
    Feature("css-clear", "text around images", "Text may be beside what it should follow.",
            _property("clear")),
    Feature("css-position", "positioned parts", "They stay in the normal flow of the text.",
            _property("position")),
    Feature("css-left-right-top-bottom", "positioned parts", "They stay in the normal flow of the text.",
            _property("left", "right", "top", "bottom")),
    Feature("css-inset", "positioned parts", "They stay in the normal flow of the text.", _property("inset")),
    Feature("css-z-index", "layers", "Another part may be on top.", _property("z-index")),
    Feature("css-column-count", "text in columns", "The text runs in one column.",
            _property("column-count", "columns")),
    Feature("css-writing-mode", "vertical text", "The text is horizontal.", _property("writing-mode")),
    Feature("css-table-layout", "columns of fixed width", "Columns can have different widths.",
            _value(r"^fixed$", "table-layout")),
    Feature("css-object-fit", "cropped images", "Images are squeezed or stretched, not cropped.",
            _property("object-fit")),
    Feature("css-object-position", "cropped images", "A different part of the image is shown.",
            _property("object-position")),
    Feature("css-shape-outside", "text around shapes", "Text keeps to straight edges.",
            _property("shape-outside")),
    # Backgrounds and colours
    Feature("css-background-image", "background images", "The background has no image.",
            _value(r"url\(", "background", "background-image")),
    Feature("css-background-size", "resized background images", "The image has a different size.",
            _property("background-size")),
    Feature("css-background-position", "positioned background images", "The image is elsewhere.",
            _property("background-position")),
    Feature("css-background-clip", "clipped backgrounds", "The background extends further.",
            _property("background-clip")),
    Feature("css-background-blend-mode", "blended colours", "Colours do not mix.",
            _property("background-blend-mode")),
    Feature("css-linear-gradient", "colour gradients", "The background has one colour, or none.",
            _value(r"\blinear-gradient\(")),
    Feature("css-radial-gradient", "colour gradients", "The background has one colour, or none.",
            _value(r"\bradial-gradient\(")),
    Feature("css-conic-gradient", "colour gradients", "The background has one colour, or none.",
            _value(r"\bconic-gradient\(")),
    Feature("css-rgba", "translucent colours", "That colour is missing.", _value(r"\brgba\(")),
    Feature("css-rgb", "colours as rgb() without commas", "That colour is missing.",
            _value(r"\brgba?\(\s*[\d.]+%?\s+[\d.]")),
    Feature("css-modern-color", "colours as lab(), lch()", "That colour is missing.",
            _value(r"\b(?:ok)?(?:lch|lab)\(")),
    Feature("css-function-light-dark", "colours by light-dark()", "That colour is missing.",
            _value(r"\blight-dark\(")),
    Feature("css-accent-color", "coloured fields", "Fields have the app's colour.",
            _property("accent-color")),
    # Numbers
    Feature("css-variables", "CSS variables", "Anything set by a variable is missing.", _variable),
    Feature("css-unit-calc", "calculated sizes", _SIZE, _value(r"\bcalc\(")),
    Feature("css-function-clamp", "calculated sizes", _SIZE, _value(r"\bclamp\(")),
    Feature("css-function-min", "calculated sizes", _SIZE, _value(r"(?<![\w-])min\(")),
    Feature("css-function-max", "calculated sizes", _SIZE, _value(r"(?<![\w-])max\(")),
    Feature("css-unit-rem", "sizes in rem", _SIZE, _unit("rem")),
    Feature("css-unit-ch", "sizes in ch", _SIZE, _unit("ch")),
    Feature("css-unit-vh", "sizes by the screen", _SIZE, _unit("vh")),
    Feature("css-unit-vw", "sizes by the screen", _SIZE, _unit("vw")),
    Feature("css-unit-vmin", "sizes by the screen", _SIZE, _unit("vmin")),
    Feature("css-unit-vmax", "sizes by the screen", _SIZE, _unit("vmax")),
    # Text
    Feature("css-text-shadow", "shadows of text", "The text has no shadow.", _property("text-shadow")),
    Feature("css-text-overflow", "text cut with an ellipsis", "It ends without an ellipsis.",
            _value(r"^ellipsis$", "text-overflow")),
    Feature("css-text-underline-offset", "lowered underlines", "Underlines lie closer to the text.",
            _property("text-underline-offset")),
    Feature("css-text-decoration-thickness", "thick underlines", "Underlines have the usual thickness.",
            _property("text-decoration-thickness")),
    Feature("css-text-decoration-color", "coloured underlines", "Underlines have the colour of the text.",
            _property("text-decoration-color")),
    Feature("css-text-decoration-style", "dotted underlines", "Underlines are plain.",
            _property("text-decoration-style")),
    Feature("css-text-decoration-skip-ink", "continuous underlines", "Underlines have gaps at descenders.",
            _value(r".", "text-decoration-skip-ink")),
    Feature("css-text-emphasis", "emphasis marks", "The marks are missing.",
            _property("text-emphasis", "text-emphasis-style")),
    Feature("css-text-indent", "hanging indents", "The first line starts level with the others.",
            _value(r"^-[\d.]", "text-indent")),
    Feature("css-text-transform", "lower-case text", "The text keeps its capitals.",
            _value(r"^lowercase$", "text-transform")),
    Feature("css-text-align-last", "last lines", "The last line is aligned like the others.",
            _property("text-align-last")),
    Feature("css-text-justify", "justified text", "Spaces are distributed differently.",
            _property("text-justify")),
    Feature("css-text-wrap", "balanced lines", "Lines break where they are full.",
            _property("text-wrap", "text-wrap-style")),
    Feature("css-hyphens", "hyphenation", "Long words are not hyphenated.",
            _value(r"^(?:auto|manual)$", "hyphens")),
    Feature("css-word-break", "broken words", "Very long words are not broken.", _property("word-break")),
    Feature("css-overflow-wrap", "broken words", "Very long words are not broken.",
            _property("overflow-wrap")),
    Feature("css-white-space", "kept spaces and lines", "Lines break in other places.",
            _property("white-space")),
    Feature("css-word-spacing", "wide spaces", "Spaces have the usual width.", _property("word-spacing")),
    Feature("css-tab-size", "tab stops", "Tabs have a different width.", _property("tab-size")),
    Feature("css-font-kerning", "kerning", "Letters are spaced differently.", _property("font-kerning")),
    Feature("css-font-stretch", "narrow and wide fonts", "Letters have their usual width.",
            _property("font-stretch")),
    Feature("css-font-size-adjust", "adjusted font sizes", "Letters have a different size.",
            _property("font-size-adjust")),
    Feature("css-list-style-image", "images as bullets", "Lists have plain bullets.",
            _property("list-style-image")),
    Feature("css-list-style-position", "bullets inside", "Bullets are outside.",
            _value(r"^inside$", "list-style-position")),
    # Selectors
    Feature("css-pseudo-class-hover", "hover effects", "Pointing at it changes nothing.",
            _selector(r":hover\b")),
    Feature("css-pseudo-class-active", "press effects", "Pressing changes nothing.",
            _selector(r":active\b")),
    Feature("css-pseudo-class-focus", "keyboard focus effects", "Reaching it by keyboard changes nothing.",
            _selector(r":focus(?!-)\b")),
    Feature("css-pseudo-class-visited", "colours of visited links", "Visited links look like others.",
            _selector(r":visited\b")),
    Feature("css-pseudo-class-checked", "switches", "Switches do nothing.", _selector(r":checked\b")),
    Feature("css-pseudo-class-has", "rules with :has()", "Those rules do nothing.", _selector(r":has\(")),
    Feature("css-pseudo-class-not", "rules with :not()", "Those rules do nothing.", _selector(r":not\(")),
    Feature("css-pseudo-class-first-child", "rules for the first item",
            "The first item looks like the others.",
            _selector(r":first-child\b")),
    Feature("css-pseudo-class-last-child", "rules for the last item", "The last item looks like the others.",
            _selector(r":last-child\b")),
    Feature("css-pseudo-class-nth-child", "rules for every other item", "All items look the same.",
            _selector(r":nth-child\(")),
    Feature("css-pseudo-class-nth-of-type", "rules for every other item", "All items look the same.",
            _selector(r":nth-of-type\(")),
    Feature("css-pseudo-element-before", "generated content", "Content added before it is missing.",
            _selector(r"::?before\b")),
    Feature("css-pseudo-element-after", "generated content", "Content added after it is missing.",
            _selector(r"::?after\b")),
    Feature("css-pseudo-element-first-letter", "large initials", "The first letter looks like the others.",
            _selector(r"::?first-letter\b")),
    Feature("css-pseudo-element-first-line", "first lines", "The first line looks like the others.",
            _selector(r"::?first-line\b")),
    Feature("css-pseudo-element-marker", "styled bullets", "Bullets are plain.", _selector(r"::marker\b")),
    # Elements and attributes
    Feature("html-video", "videos", "The video does not play.", _element("video")),
    Feature("html-audio", "sound", "The sound does not play.", _element("audio")),
    Feature("html-svg", "drawings (svg)", f"The drawing {_GONE}.", _element("svg")),
    Feature("html-picture", "images by screen", "Every screen gets the same image.", _element("picture")),
    Feature("html-srcset", "images by screen", "Every screen gets the same image.",
            _element("img[srcset]")),
    Feature("html-object", "embedded objects", f"The object {_GONE}.", _element("object")),
    Feature("html-image-maps", "image maps", "The parts of the image are not links.",
            _element("img[usemap]")),
    Feature("html-background", "background images", "The background has no image.",
            _element("[background]:not([background=''])")),
    Feature("html-form", "forms", "The form is left out or cannot be sent.", _element("form")),
    Feature("html-input-text", "text fields", _FORM, _element("input[type=text], input:not([type])")),
    Feature("html-input-checkbox", "checkboxes", _FORM, _element("input[type=checkbox]")),
    Feature("html-input-radio", "radio buttons", _FORM, _element("input[type=radio]")),
    Feature("html-input-submit", "form buttons", _FORM, _element("input[type=submit]")),
    Feature("html-button-submit", "form buttons", _FORM, _element("button[type=submit], button:not([type])")),
    Feature("html-select", "drop-down lists", _FORM, _element("select")),
    Feature("html-textarea", "text fields", _FORM, _element("textarea")),
    Feature("html-semantics", "elements of HTML 5", _TEXT_STAYS,
            _element("article, aside, details, figcaption, figure, footer, header, main, mark, nav, "
                     "section, summary, time")),
    Feature("html-dialog", "dialogs", _TEXT_STAYS, _element("dialog")),
    Feature("html-meter", "gauges", f"The gauge {_GONE}.", _element("meter")),
    Feature("html-progress", "progress bars", f"The bar {_GONE}.", _element("progress")),
    Feature("html-marquee", "moving text", "The text does not move.", _element("marquee")),
    Feature("html-ruby", "readings over characters", "Readings are beside the characters.",
            _element("ruby")),
    Feature("html-wbr", "line break hints", "Long words are not broken there.", _element("wbr")),
    Feature("html-bdi", "names in another direction", "Words can be in the wrong order.", _element("bdi")),
    Feature("html-abbr", "explained abbreviations", "Pointing at it explains nothing.",
            _element("abbr[title]")),
    Feature("html-lists", "lists that count down", "The numbers count up.", _element("ol[reversed]")),
    Feature("html-hidden", "hidden parts", "They are visible.", _element("[hidden]")),
    Feature("html-popover", "pop-ups", "They are visible, or never shown.", _element("[popover]")),
    Feature("html-anchor-links", "links within the mail", "Those links lead nowhere.",
            _element("a[href^='#']:not([href='#'])")),
    Feature("html-link", "linked styles", "The linked styles are missing.", _element("link[rel=stylesheet]")),
    # Images
    Feature("image-webp", "WebP images", "Those images are missing.", _picture("webp")),
    Feature("image-avif", "AVIF images", "Those images are missing.", _picture("avif")),
    Feature("image-svg", "SVG images", "Those images are missing.", _picture("svg", "svgz")),
    Feature("image-heif", "HEIF images", "Those images are missing.", _picture("heif", "heic")),
    Feature("image-tiff", "TIFF images", "Those images are missing.", _picture("tif", "tiff")),
    Feature("image-bmp", "BMP images", "Those images are missing or have wrong colours.",
            _picture("bmp")),
    Feature("image-ico", "ICO images", "Those images are missing.", _picture("ico")),
    Feature("image-apng", "animated PNG images", "They do not move.", _picture("apng")),
    Feature("image-mp4", "videos as images", "Those images are missing.", _picture("mp4", "webm")),
    Feature("image-base64", "embedded images", "Those images are missing.",
            _inline_picture),
)  # fmt: skip
