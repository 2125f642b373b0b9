"""How a newsletter's mails look: colours, type, shape, and which set of templates prints them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType

SANS = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
SERIF = "Georgia,'Times New Roman',serif"


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of one scheme, each as #RRGGBB."""

    sheet: str = "#FFFFFF"  # the ground of the stories
    paper: str = "#F4F2ED"  # around them, and under the footer
    ink: str = "#1B1D1F"  # headings
    body: str = "#34383B"  # running text
    muted: str = "#5E6367"  # what stands beside it: author, day, footer
    accent: str = "#0B5F6B"  # the promise, topics and the button; nothing else
    on_accent: str = "#FFFFFF"  # the words of the button
    line: str = "#DCD8CF"  # between stories
    rule: str = "#1B1D1F"  # above a section
    plate: str = "#EBE8E1"  # where a picture will be


DARK = Palette(
    sheet="#191B1E",
    paper="#111315",
    ink="#F1EFEA",
    body="#D0D1D0",
    muted="#A1A6AA",
    accent="#7CC7D0",
    on_accent="#0E1719",
    line="#33383C",
    rule="#6E757A",
    plate="#2A2F33",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """`look` names a set of templates; `cards` is list or grid, where the look has pictures."""

    look: str = "magazine"
    cards: str = "list"
    font: str = SANS  # lists of families, as CSS has them
    heading_font: str = SERIF
    radius: int = 4  # of pictures, in pixels
    light: Palette = field(default_factory=Palette)
    dark: Palette = DARK


LOOKS = MappingProxyType(
    {
        "magazine": Theme(),
        "plain": Theme(
            look="plain",
            heading_font=SANS,
            light=Palette(paper="#FFFFFF", accent="#1D4F91", line="#DDE0E3"),
            dark=replace(DARK, paper=DARK.sheet, accent="#9CC0F5"),
        ),
        "compact": Theme(
            look="compact",
            heading_font=SANS,
            light=Palette(paper="#EFF0F1", accent="#A63A1E", line="#DDE0E3"),
            dark=replace(DARK, accent="#F0997C"),
        ),
    }
)
