"""Illustrate: find out what can be printed for each picture of an issue, before it is drafted.

Pictures are linked where they are, or copied: fetched, made small and kept
under an address of this site.  Whatever goes wrong with one is told on its
teaser and stops nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import replace
from functools import partial
from typing import TypeVar

from digest.errors import DigestError, FetchError, Refused, TooLarge
from digest.model.article import ArticleId
from digest.model.issue import Layout
from digest.model.newsletter import Site, SourceSpec
from digest.rules.pictures import ImageRequest, Picture, cut_to, image_requests, linked
from digest.rules.url_keys import url_key

# What becomes of the pictures of a layout; the sources are those of its articles.
ChooseImages = Callable[[Layout, Mapping[ArticleId, SourceSpec]], Mapping[ImageRequest, Picture]]
# Bytes of a picture, or their number if the server says it; both raise DigestError.
FetchPicture = Callable[[str, SourceSpec], bytes]
MeasurePicture = Callable[[str, SourceSpec], int | None]
# Stores a copy with its kind (jpg, png) and gives its address.
KeepCopy = Callable[[bytes, str], str]

_AT_THE_SAME_TIME = 4
_GONE = (404, 410)

T = TypeVar("T")


def no_images(layout: Layout, sources: Mapping[ArticleId, SourceSpec]) -> dict[ImageRequest, Picture]:  # noqa: ARG001
    """images = "none"."""
    return {wish: Picture(None) for wish in image_requests(layout).values()}


def link(
    layout: Layout,
    sources: Mapping[ArticleId, SourceSpec],
    *,
    site: Site,
    measure: MeasurePicture,
    patience: float = 10.0,
) -> dict[ImageRequest, Picture]:
    """Leave pictures where they are, but for those that are too heavy or gone.

    Asked is only the site itself, and nobody for a source that reads local
    files; elsewhere counts what the source says.  `patience` is in seconds for
    all of them; who has not answered by then is taken at the source's word.
    """
    specs = _specs(layout, sources)
    asked = {
        wish: partial(measure, wish.image.url, spec)
        for wish, spec in specs.items()
        if wish.image.file_size is None and _is_own(wish, spec, site)
    }
    sizes = _answers(asked, patience=patience)
    return {wish: _linked(wish, sizes.get(wish, wish.image.file_size)) for wish in specs}


def copy(
    layout: Layout,
    sources: Mapping[ArticleId, SourceSpec],
    *,
    fetch: FetchPicture,
    keep: KeepCopy,
    patience: float = 60.0,
) -> dict[ImageRequest, Picture]:
    """Keep a small copy of each picture, of twice the size in which it is shown.

    What cannot be fetched for now is linked.  What is gone, refused, too large
    or no picture is left out.  `patience` is in seconds for all of them.
    """
    fetched = _answers(
        {wish: partial(fetch, wish.image.url, spec) for wish, spec in _specs(layout, sources).items()},
        patience=patience,
    )
    return {wish: _copied(wish, answer, keep) for wish, answer in fetched.items()}


def _specs(layout: Layout, sources: Mapping[ArticleId, SourceSpec]) -> dict[ImageRequest, SourceSpec]:
    return {
        wish: sources[teaser.article_id]
        for teaser, wish in image_requests(layout).items()
        if teaser.article_id in sources
    }


def _is_own(wish: ImageRequest, spec: SourceSpec, site: Site) -> bool:
    return bool(spec.url) and url_key(wish.image.url).host in {url_key(spec.url).host, url_key(site.url).host}


def _linked(wish: ImageRequest, size: int | DigestError | None) -> Picture:
    if isinstance(size, FetchError) and size.status in _GONE:
        return _left_out(size)
    return linked(wish.image, file_size=None if isinstance(size, DigestError) else size)


def _copied(wish: ImageRequest, answer: bytes | DigestError, keep: KeepCopy) -> Picture:
    if isinstance(answer, DigestError):
        is_lost = isinstance(answer, Refused | TooLarge) or getattr(answer, "status", None) in _GONE
        return _left_out(answer) if is_lost else _linked_instead(wish, answer)
    from digest.media.shrinking import NotAPicture, shrunk

    try:
        made = shrunk(answer, cut=lambda width, height: cut_to(wish.frame, width=width, height=height))
        address = keep(made.content, made.kind)
    except NotAPicture as error:
        return _left_out(DigestError(f"{wish.image.url} {error.message}."))
    except DigestError as error:
        return _linked_instead(wish, error)
    image = replace(
        wish.image, url=address, width=made.width, height=made.height, file_size=len(made.content)
    )
    return Picture(image)


def _left_out(error: DigestError) -> Picture:
    return Picture(None, f"its picture is left out: {error.message}")


def _linked_instead(wish: ImageRequest, error: DigestError) -> Picture:
    found = linked(wish.image, file_size=wish.image.file_size)
    return found._replace(note=found.note or f"its picture is linked, not copied: {error.message}")


def _answers(
    questions: Mapping[ImageRequest, Callable[[], T]], *, patience: float
) -> dict[ImageRequest, T | DigestError]:
    """Ask everything at the same time, for `patience` seconds in all; an error where an answer is missing."""
    until = time.monotonic() + patience
    pool = ThreadPoolExecutor(max_workers=_AT_THE_SAME_TIME)
    try:
        asked = {wish: pool.submit(_answer, question) for wish, question in questions.items()}
        answers: dict[ImageRequest, T | DigestError] = {}
        for wish, future in asked.items():
            try:
                answers[wish] = future.result(timeout=max(0.0, until - time.monotonic()))
            except TooSlow:
                answers[wish] = FetchError(f"{wish.image.url} did not come in time.")
        return answers
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _answer(question: Callable[[], T]) -> T | DigestError:
    try:
        return question()
    except DigestError as error:
        return error
    except Exception as error:  # noqa: BLE001 - an odd answer must not stop the draft
        return FetchError(f"asking for it failed with {type(error).__name__}: {str(error)[:200]}.")
