"""What each mail app will show differently, according to caniemail.com.

Templates are designed so that little depends on any of this: what is missing in some
app is mostly decoration.  So nothing here blocks or warns, and the losses that the
bundled templates accept on purpose are not reported by the check; the full report lists
them too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, NamedTuple

from selectolax.lexbor import LexborNode

from digest import package_data
from digest.checks.features import Detector, Feature, Inventory, Place, inventory, used
from digest.checks.html_tree import attribute, elements, story_of
from digest.checks.types import Check, Facts, Message, Problem, Severity


class Support(StrEnum):
    NONE = "none"
    PARTLY = "partly"


class RenderingDifference(NamedTuple):
    """One feature that the mail uses and an app does not render as intended."""

    feature: str  # its slug at caniemail.com
    title: str  # as caniemail.com names it
    name: str  # as it appears in a list of differences
    support: Support
    note: str  # caniemail.com's note; may be empty
    effect: str  # what the subscriber sees; if partly supported, in the cases the note describes
    where: str  # the headline of the first story that uses it; empty for the whole mail


class MailApp(NamedTuple):
    """A mail app, and everything it shows differently."""

    client: str
    platform: str
    different: tuple[RenderingDifference, ...]


class _TestedApp(NamedTuple):
    client: str
    platform: str
    family: str  # this and the next as caniemail.com names them
    system: str


# The apps that people read mail with.  The new Outlook for Windows is Outlook.com in a window.
PROGRAMS = (
    _TestedApp("Gmail", "web", "gmail", "desktop-webmail"),
    _TestedApp("Gmail", "iOS", "gmail", "ios"),
    _TestedApp("Gmail", "Android", "gmail", "android"),
    _TestedApp("Apple Mail", "macOS", "apple-mail", "macos"),
    _TestedApp("Apple Mail", "iOS", "apple-mail", "ios"),
    _TestedApp("Outlook", "Windows, classic", "outlook", "windows"),
    _TestedApp("Outlook", "web and new for Windows", "outlook", "outlook-com"),
    _TestedApp("Outlook", "macOS", "outlook", "macos"),
    _TestedApp("Outlook", "iOS", "outlook", "ios"),
    _TestedApp("Outlook", "Android", "outlook", "android"),
    _TestedApp("Yahoo Mail", "web", "yahoo", "desktop-webmail"),
    _TestedApp("Yahoo Mail", "iOS", "yahoo", "ios"),
    _TestedApp("Yahoo Mail", "Android", "yahoo", "android"),
    _TestedApp("AOL Mail", "web", "aol", "desktop-webmail"),
    _TestedApp("AOL Mail", "iOS", "aol", "ios"),
    _TestedApp("AOL Mail", "Android", "aol", "android"),
    _TestedApp("Samsung Email", "Android", "samsung-email", "android"),
    _TestedApp("Thunderbird", "desktop", "thunderbird", "macos"),
    _TestedApp("Proton Mail", "web", "protonmail", "desktop-webmail"),
    _TestedApp("Proton Mail", "iOS", "protonmail", "ios"),
    _TestedApp("Proton Mail", "Android", "protonmail", "android"),
    _TestedApp("GMX", "web", "gmx", "desktop-webmail"),
    _TestedApp("GMX", "iOS", "gmx", "ios"),
    _TestedApp("GMX", "Android", "gmx", "android"),
    _TestedApp("WEB.DE", "web", "web-de", "desktop-webmail"),
    _TestedApp("WEB.DE", "iOS", "web-de", "ios"),
    _TestedApp("WEB.DE", "Android", "web-de", "android"),
)

# What the bundled templates use but can do without: without any of these, the mail reads as well.
ACCEPTED = frozenset(
    {
        "css-at-media-prefers-color-scheme",  # the light colours remain; most apps darken by themselves
        "css-at-media",  # the columns wrap by themselves
        "html-style",  # styles are inlined
        "css-border-radius",  # square corners
        "css-hyphens",  # the right edge is more ragged
        "css-object-fit",  # heights and widths are stated as well
        "css-text-underline-offset",
        "css-word-break",  # affects only words as long as a line
        "html-bdi",  # the letters of a name determine its direction
    }
)


@lru_cache(maxsize=4)
def differences(html: str) -> tuple[MailApp, ...]:
    """Every app of `PROGRAMS`, in that order, with what it shows differently in this page."""
    return compared(html, caniemail())


def compared(html: str, data: Mapping[str, Mapping[str, Any]]) -> tuple[MailApp, ...]:
    """The same, based on other data: features as in `features.json`, by slug."""
    seen, by_word = _Reading.of(html), _Reading.of(_as_word_reads(html))
    return tuple(
        MailApp(
            program.client,
            program.platform,
            tuple(_different(by_word if _is_word(program) else seen, program, data)),
        )
        for program in PROGRAMS
    )


@cache
def caniemail() -> dict[str, dict[str, Any]]:
    """The data of caniemail.com, by the slugs of the features."""
    return {feature["slug"]: feature for feature in json.loads(package_data.caniemail())["features"]}


# -- of one program --------------------------------------------------------------


class _Reading(NamedTuple):
    """A page as one app reads it."""

    seen: Inventory
    features: tuple[tuple[Feature, str], ...]  # with the story that uses it first

    @classmethod
    def of(cls, html: str) -> _Reading:
        return cls(inventory(html), tuple((feature, _story(html, place)) for feature, place in used(html)))


def _different(
    reading: _Reading, program: _TestedApp, data: Mapping[str, Mapping[str, Any]]
) -> Iterator[RenderingDifference]:
    for feature, story in reading.features:
        if (about := data.get(feature.slug)) is None:
            continue
        answer = _last_answer(about["stats"], program)
        notes = [about["notes_by_num"].get(number, "") for number in _NOTE_NUMBER.findall(answer)]
        support = {"n": Support.NONE, "a": Support.PARTLY}.get(answer[:1])
        if support is Support.PARTLY and notes:
            notes = [note for note in notes if _bears(reading.seen.html, feature.slug, note)]
            support = Support.PARTLY if notes else None
        if support is None:
            continue
        yield RenderingDifference(
            feature.slug,
            about["title"],
            feature.name,
            support,
            _in_words(notes),
            _effect(feature, program),
            story,
        )


_NOTE_NUMBER = re.compile(r"#(\d+)")


def _last_answer(stats: Mapping[str, Mapping[str, Mapping[str, str]]], program: _TestedApp) -> str:
    """What the newest version of it that was tested does; unknown where none was."""
    tested = stats.get(program.family, {}).get(program.system, {})
    return list(tested.values())[-1] if tested else "u"


def _effect(feature: Feature, program: _TestedApp) -> str:
    if feature.slug != "css-at-media-prefers-color-scheme":
        return feature.effect
    return f"{feature.effect} {_IN_THE_DARK.get((program.family, program.system), _UNKNOWN_IN_THE_DARK)}"


# What an app does by itself when the subscriber's screen is in dark mode.
_UNKNOWN_IN_THE_DARK = "The mail stays light, or the app darkens its colours by itself."
_IN_THE_DARK = {
    ("gmail", "desktop-webmail"): "The mail stays light.",
    ("gmail", "ios"): "Gmail inverts light and dark by itself.",
    ("gmail", "android"): "Gmail darkens light backgrounds by itself.",
    ("outlook", "windows"): "Outlook inverts light and dark by itself.",
}


def _in_words(notes: list[str]) -> str:
    """The notes, which are written in Markdown, as one line of plain text."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(notes))
    return " ".join(text.replace("`", "").split())


def _story(html: str, place: Place) -> str:
    return story_of(html, place) if isinstance(place, LexborNode) else ""


# -- what classic Outlook reads --------------------------------------------------

_NOT_FOR_WORD = re.compile(
    r"<!--\[if !mso\s*\]>\s*(?:<!)?-->.*?<!--\s*<!\[endif\]-->", re.DOTALL | re.IGNORECASE
)


def _is_word(program: _TestedApp) -> bool:
    """Classic Outlook renders mail with Word, and skips what is marked as not for Word."""
    return (program.family, program.system) == ("outlook", "windows")


def _as_word_reads(html: str) -> str:
    return _NOT_FOR_WORD.sub("", html) if "[if !mso" in html else html


# -- which notes bear on this mail -----------------------------------------------


@lru_cache(maxsize=256)
def _bears(html: str, slug: str, note: str) -> bool:
    """Whether the exception that a note states is met here; a note that nobody has read yet may be."""
    seen = inventory(html)
    for known, pattern, met in _NOTES:
        if known == slug and re.search(pattern, note):
            return met is not None and next(met(seen), _NOT_MET) is not _NOT_MET
    return True


_NOT_MET = object()


def _declared(pattern: str, *names: str) -> Detector:
    def places(seen: Inventory) -> Iterator[Place]:
        for (name, value), place in seen.declarations.items():
            if name in names and re.search(pattern, value):
                yield place

    return places


def _queried(pattern: str) -> Detector:
    def places(seen: Inventory) -> Iterator[Place]:
        return (None for condition in seen.conditions if re.search(pattern, condition, re.IGNORECASE))

    return places


def _nested(seen: Inventory) -> Iterator[Place]:
    if seen.nested:
        yield None


def _hides_a_table_or_picture(seen: Inventory) -> Iterator[Place]:
    for node in elements(seen.html, "[style*='display']"):
        hidden = re.search(r"(?:^|;)\s*display\s*:\s*none", attribute(node, "style") or "", re.IGNORECASE)
        if hidden and (node.tag == "img" or node.css_first("table, img") is not None):
            yield node


def _style_in_the_body(seen: Inventory) -> Iterator[Place]:
    yield from elements(seen.html, "body style")


# Feature, words of the note, and the detector of its exception; None if the exception never applies.
_NOTES: tuple[tuple[str, str, Detector | None], ...] = (
    ("css-at-media", "[Nn]ested media queries", _nested),
    ("css-at-media", "height based", _queried(r"@media.*-height")),
    ("css-at-media", "landscape", _queried(r"@media.*orientation\s*:\s*landscape")),
    # Dark mode and similar conditions are features of their own.
    (
        "css-at-media",
        "Only supports",
        _queried(r"@media.*\((?!(?:min|max)-(?:width|height)|prefers-)"),
    ),
    ("html-style", "inside the `<body>`", _style_in_the_body),
    ("html-style", "16 KB", None),  # the check style-16k reports it
    ("html-style", "before their rules are used", _style_in_the_body),
    ("css-border-radius", "slash", _declared(r"/", "border-radius")),
    ("css-background-image", "multiple values", _declared(r"\)[^()]*,", "background", "background-image")),
    ("css-background-position", "multiple values", _declared(r",", "background-position")),
    ("css-display-none", "nested `<table>`|`<img>`", _hides_a_table_or_picture),
    ("css-overflow", "scroll through", _declared(r"scroll|auto", "overflow", "overflow-x", "overflow-y")),
    ("css-overflow", "overflow-block", _declared(r".", "overflow-block", "overflow-inline")),
    ("css-float", "inline-start", _declared(r"inline", "float")),
    ("css-clear", "inline-start", _declared(r"inline", "clear")),
    ("css-margin", "span|background-color|auto", None),  # the detector covers only negative margins
    ("css-white-space", "`pre` value", _declared(r"^pre$", "white-space")),
    ("css-rgb", "Alpha", None),  # rgba() is a feature of its own
    ("css-word-break", "word-wrap", None),  # what the templates use it for works
    ("css-overflow-wrap", "Requires", None),
    ("html-lists", "value", None),
    ("image-webp", "jpg|animation", None),  # still images look the same
    ("image-avif", "jpg", None),
    ("image-heif", "jpg", None),
)


# -- the check -------------------------------------------------------------------

_NAMED = 3  # how many differences of an app the sentence names


def programs(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """One sentence about the app with the most differences; the full report has them all."""
    unusual = [p for p in map(_unaccepted, differences(message.html)) if p.different]
    if not unusual:
        return
    worst = max(unusual, key=_lost)
    names = list(dict.fromkeys(found.name for found in worst.different))
    said = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    things = "1 thing" if len(names) == 1 else f"{len(names)} things"
    others = f" {len(unusual) - 1} other apps show some differences." if len(unusual) > 1 else ""
    yield Problem(
        f"{worst.client} ({worst.platform}) shows {things} differently: {said}.{others} "
        "Run `digest check --compatibility` for the full report.",
        worst.different[0].where,
    )


def _unaccepted(program: MailApp) -> MailApp:
    return program._replace(different=tuple(d for d in program.different if d.feature not in ACCEPTED))


def _lost(program: MailApp) -> tuple[int, int]:
    """Sort key by extent of the differences; unsupported first, since partial support often suffices."""
    lost = {found.name for found in program.different if found.support is Support.NONE}
    return len(lost), len(program.different)


CHECKS = (Check("compatibility", Severity.INFO, "Mail apps show it as the templates intend.", programs),)
