"""Contrast of an accent with the grounds it is printed on (WCAG 2.2, 1.4.3), and the nearest that passes."""

from __future__ import annotations

LIGHT_GROUNDS = ("#FFFFFF", "#F4F2ED")  # sheet and paper
DARK_GROUNDS = ("#191B1E", "#111315")
LEAST = 4.5


def darkened(colour: str) -> str:
    """The colour itself where it is read well on the light grounds, else its nearest darker shade."""
    return _moved(colour, towards="#000000", grounds=LIGHT_GROUNDS)


def lightened(colour: str) -> str:
    """The colour itself where it is read well on the dark grounds, else its nearest lighter shade."""
    return _moved(colour, towards="#FFFFFF", grounds=DARK_GROUNDS)


def contrast(one: str, other: str) -> float:
    """The ratio of two colours, from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _moved(colour: str, *, towards: str, grounds: tuple[str, ...]) -> str:
    shades = (_mixed(colour, towards, share=step / 200) for step in range(201))
    return next(shade for shade in shades if min(contrast(shade, g) for g in grounds) >= LEAST)


def _mixed(colour: str, other: str, *, share: float) -> str:
    parts = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in parts)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
