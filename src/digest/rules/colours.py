"""Contrast of a colour with its backgrounds (WCAG 2.2, 1.4.3), and the nearest shade that passes."""

from __future__ import annotations

from collections.abc import Sequence

LEAST = 4.5


def is_readable(colour: str, grounds: Sequence[str]) -> bool:
    return min(contrast(colour, ground) for ground in grounds) >= LEAST


def nearest(colour: str, grounds: Sequence[str]) -> str:
    """The colour itself if it is readable on all backgrounds, or else the nearest shade that is.

    Darker on light backgrounds, lighter on dark ones; one colour scheme never has both.
    """
    goal = max(("#000000", "#FFFFFF"), key=lambda end: min(contrast(end, ground) for ground in grounds))
    shades = (_mixed(colour, goal, share=step / 200) for step in range(201))
    return next((shade for shade in shades if is_readable(shade, grounds)), goal)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


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
