"""A newsletter's theme: the settings applied over the look's defaults, and whether it is readable.

Colours are checked on the tables as written, so that a clash is reported together
with all other mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from digest.model.theme import LOOKS, Palette, Theme
from digest.rules.colours import contrast, is_readable, nearest
from digest.setting_types import as_hex
from digest.settings.mistakes import Mistake, Place
from digest.settings.schema import NewsletterTable, PaletteTable

_WORDS = ("ink", "body", "muted", "accent")  # colours of text
_GROUNDS = ("sheet", "paper")
_SCHEMES = {"light": "accent", "dark": "accent_dark"}
_ON_ACCENT = ("#FFFFFF", "#0E1719")


def theme_of(table: NewsletterTable) -> Theme:
    """The look's own theme with the overrides in the settings."""
    wanted = table.theme
    look = LOOKS[wanted.look]
    return replace(
        look,
        cards=wanted.cards,
        font=wanted.font or look.font,
        heading_font=wanted.heading_font or look.heading_font,
        radius=wanted.radius,
        light=_palette(look.light, _given(wanted.light) | _accent(table.accent)),
        dark=_palette(look.dark, _given(wanted.dark) | _accent(table.accent_dark)),
    )


def clashes(newsletter: Mapping[str, Any], place: Place) -> Iterator[Mistake]:
    """Text that is unreadable on its background: contrast under 4.5 (WCAG 2.2, 1.4.3)."""
    wanted = newsletter.get("theme")
    wanted = wanted if isinstance(wanted, Mapping) else {}
    name = wanted.get("look")
    look = LOOKS[name if isinstance(name, str) and name in LOOKS else "magazine"]
    for scheme, accent in _SCHEMES.items():
        raw = wanted.get(scheme)
        given = _colours(raw if isinstance(raw, Mapping) else {})
        given |= _colours({"accent": newsletter.get(accent)})
        places = {key: (*place, "theme", scheme, key) for key in given} | {"accent": (*place, accent)}
        yield from _clashes_of(_palette(getattr(look, scheme), given), given, places, scheme)


def _clashes_of(
    palette: Palette, given: Mapping[str, str], places: Mapping[str, Place], scheme: str
) -> Iterator[Mistake]:
    grounds = [getattr(palette, ground) for ground in _GROUNDS]
    lost = [word for word in _WORDS if not is_readable(getattr(palette, word), grounds)]
    for word in lost:
        if word in given:
            yield Mistake(
                places[word],
                f"“{given[word]}” is unreadable on the {scheme} background: its contrast is under 4.5. "
                f"The nearest readable colour is “{nearest(given[word], grounds)}”.",
            )
    untold = [word for word in lost if word not in given]
    for ground in _GROUNDS:
        if untold and ground in given:
            yield Mistake(
                places[ground],
                f"“{given[ground]}” as {ground} leaves {', '.join(untold)} with a contrast under 4.5. "
                f"Choose another background, or set {untold[0]} as well.",
            )
            return


def _palette(palette: Palette, given: Mapping[str, str]) -> Palette:
    made = replace(palette, **given)
    if "accent" not in given:
        return made
    # Whichever is easier to read: a bright accent needs dark text on its button.
    return replace(made, on_accent=max(_ON_ACCENT, key=lambda words: contrast(words, made.accent)))


def _given(table: PaletteTable) -> dict[str, str]:
    return {key: colour for key, colour in table.model_dump().items() if colour is not None}


def _accent(colour: str | None) -> dict[str, str]:
    return {"accent": colour} if colour else {}


def _colours(raw: Mapping[str, Any]) -> dict[str, str]:
    """The valid colours; invalid ones are reported elsewhere."""
    found = {}
    for key in {entry.name for entry in fields(Palette)} & raw.keys():
        try:
            found[key] = as_hex(raw[key])
        except (TypeError, ValueError):
            continue
    return found
