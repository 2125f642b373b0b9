"""Fetches images: do they load, are they images, small and sharp enough?

A missing image is a warning, not a blocker: it may be published with its story
a minute before the issue is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from digest.checks import Finding, Message, Problem, Severity, verdict
from digest.checks.html_tree import attribute, elements, scheme_of, story_of
from digest.errors import FetchError, Refused
from digest.external_checks.polite_requests import Outcome, PoliteClient, ask_all
from digest.fetch import HttpAnswer, shown
from digest.rules.image_size import pixels_of

ID = "img-live"
MOST = 60  # pictures of one message that are fetched
HEAVY = 200 * 1024  # bytes of one picture
HEAVY_TOGETHER = 1024 * 1024
SHARP = 1.5  # pixels of the file for each pixel of the mail: today's screens show two or three

_TAKEN = HEAVY_TOGETHER  # bytes that are read to find the size if no header gives it


class _Place(NamedTuple):
    where: str
    width: int  # as displayed, at its widest; 0 if the mail does not say


def judge(message: Message, *, web: PoliteClient) -> tuple[Finding, ...]:
    """Fetch the beginning of every picture once."""
    places = _places(message)
    asked = list(places)[:MOST]

    def ask(url: str, seconds: float) -> HttpAnswer:
        return web.ask(url, seconds=seconds, most=_TAKEN)

    outcomes = ask_all(asked, ask, web=web, what="images")
    problems = [
        problem._replace(where=places[url].where)
        for url in asked
        for problem in _problems(url, outcomes[url], places[url].width)
    ]
    problems += _together(list(outcomes.values()))
    problems += _not_looked_at(over=len(places) - len(asked), late=list(outcomes.values()).count(None))
    fine = "Every image loads, and is small and sharp enough." if asked else "There are no images to fetch."
    return tuple(verdict(ID, Severity.WARN, fine, problems))


def _places(message: Message) -> dict[str, _Place]:
    places: dict[str, _Place] = {}
    for image in elements(message.html, "img"):
        url, width = (attribute(image, "src") or "").strip(), attribute(image, "width") or ""
        if scheme_of(url) in ("http", "https"):
            known = places.get(url) or _Place(story_of(message.html, image), 0)
            places[url] = known._replace(width=max(known.width, int(width) if _is_pixels(width) else 0))
    return places


def _is_pixels(width: str) -> bool:
    return width.isascii() and width.isdecimal() and len(width) < 6


def _problems(url: str, outcome: Outcome, width: int) -> Iterator[Problem]:
    if isinstance(outcome, Refused):
        yield Problem(f"An image was not fetched: {outcome.message}")
    elif isinstance(outcome, FetchError):
        yield Problem(f"An image cannot be loaded: {outcome.message}")
    elif outcome is not None:
        yield from _faults(shown(url), outcome, width)


def _faults(name: str, answer: HttpAnswer, width: int) -> Iterator[Problem]:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.status in (404, 410):
        yield Problem(f"An image is missing ({answer.status}): {name}. Publish it before the issue is sent.")
    elif not 200 <= answer.status < 300:
        yield Problem(f"An image fails ({answer.status}): {name}")
    elif not kind.startswith("image/"):
        yield Problem(f"Not an image but “{kind or 'of unknown type'}”: {name}")
    else:
        yield from _weight(name, _size(answer))
        yield from _sharpness(name, answer.body, width)


def _size(answer: HttpAnswer) -> int:
    """In bytes; a lower limit if neither a header nor the end of the body gives it."""
    announced = answer.headers.get("content-length", "")
    if answer.is_whole or not (announced.isascii() and announced.isdecimal()):
        return len(answer.body)
    return max(int(announced[:15]), len(answer.body))


def _weight(name: str, size: int) -> Iterator[Problem]:
    if size > HEAVY:
        yield Problem(f"An image is {size // 1024} KB; keep it under {HEAVY // 1024} KB: {name}")


def _sharpness(name: str, start: bytes, width: int) -> Iterator[Problem]:
    pixels = pixels_of(start)
    if pixels and width and pixels.width < SHARP * width:
        yield Problem(
            f"An image is {pixels.width} pixels wide but shown {width} wide, so it looks blurred on "
            f"today's screens. Make it {2 * width} pixels wide: {name}"
        )


def _together(outcomes: list[Outcome]) -> Iterator[Problem]:
    total = sum(_size(one) for one in outcomes if isinstance(one, HttpAnswer) and 200 <= one.status < 300)
    if total > HEAVY_TOGETHER:
        yield Problem(f"All images together are {total / 1024 / 1024:.1f} MB; keep them under 1 MB.")


def _not_looked_at(*, over: int, late: int) -> Iterator[Problem]:
    if over or late:
        yield Problem(
            f"{over + late} images were not checked: digest fetches at most {MOST}, within a minute.",
            severity=Severity.INFO,
        )
