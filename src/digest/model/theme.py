"""How a newsletter's mails look: colours, type, shape, and the set of templates that renders them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType

SANS = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
SERIF = "Georgia,'Times New Roman',serif"


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of one colour scheme, each as #RRGGBB."""

    sheet: str = "#FFFFFF"  # background of the stories
    paper: str = "#F4F2ED"  # background around them and of the footer
    ink: str = "#1B1D1F"  # headings
    body: str = "#34383B"  # running text
    muted: str = "#5E6367"  # secondary text: author, date, footer
    accent: str = "#0B5F6B"  # the tagline, topics and the button; nothing else
    on_accent: str = "#FFFFFF"  # the button's label
    line: str = "#DCD8CF"  # between stories
    rule: str = "#1B1D1F"  # above a section
    plate: str = "#EBE8E1"  # placeholder of an image that has not loaded


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
    """`look` names a set of templates; `cards` is list or grid, in looks that show images."""

    look: str = "magazine"
    cards: str = "list"
    font: str = SANS  # font families, written as in CSS
    heading_font: str = SERIF
    radius: int = 4  # of image corners, in pixels
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
