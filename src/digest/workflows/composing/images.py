"""Decides which images an issue can use, before it is drafted.

Images are linked where they are, or copied: fetched, made smaller and served
from an address of this site.  A problem with an image is noted on its teaser
and stops nothing.
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

# Chooses the images of a layout; the sources are those of its articles.
ChooseImages = Callable[[Layout, Mapping[ArticleId, SourceSpec]], Mapping[ImageRequest, Picture]]
# The bytes of an image, or how many there are if the server says so; both raise DigestError.
FetchPicture = Callable[[str, SourceSpec], bytes]
MeasurePicture = Callable[[str, SourceSpec], int | None]
# Stores a copy with its kind (jpg, png) and returns its address.
KeepCopy = Callable[[bytes, str], str]

_AT_THE_SAME_TIME = 4
_GONE = (404, 410)

T = TypeVar("T")


def no_images(layout: Layout, sources: Mapping[ArticleId, SourceSpec]) -> dict[ImageRequest, Picture]:  # noqa: ARG001
    """For images = "none"."""
    return {wish: Picture(None) for wish in image_requests(layout).values()}


def link(
    layout: Layout,
    sources: Mapping[ArticleId, SourceSpec],
    *,
    site: Site,
    measure: MeasurePicture,
    patience: float = 10.0,
) -> dict[ImageRequest, Picture]:
    """Link images where they are, except those that are too large or gone.

    Only the site itself is asked for sizes, and no server at all for a source that
    reads local files; otherwise the size given by the source is used.  `patience`
    is in seconds for all images together; after that, the source's word counts.
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
    """Keep a small copy of each image, twice as large as it is shown.

    An image that cannot be fetched at the moment is linked.  One that is gone,
    refused, too large or not an image is left out.  `patience` is in seconds for
    all images together.
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
    return Picture(None, f"its image is left out: {error.message}")


def _linked_instead(wish: ImageRequest, error: DigestError) -> Picture:
    found = linked(wish.image, file_size=wish.image.file_size)
    return found._replace(note=found.note or f"its image is linked, not copied: {error.message}")


def _answers(
    questions: Mapping[ImageRequest, Callable[[], T]], *, patience: float
) -> dict[ImageRequest, T | DigestError]:
    """Ask everything in parallel, for `patience` seconds in all; an error in place of a missing answer."""
    until = time.monotonic() + patience
    pool = ThreadPoolExecutor(max_workers=_AT_THE_SAME_TIME)
    try:
        asked = {wish: pool.submit(_answer, question) for wish, question in questions.items()}
        answers: dict[ImageRequest, T | DigestError] = {}
        for wish, future in asked.items():
            try:
                answers[wish] = future.result(timeout=max(0.0, until - time.monotonic()))
            except TooSlow:
                answers[wish] = FetchError(f"{wish.image.url} took too long.")
        return answers
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _answer(question: Callable[[], T]) -> T | DigestError:
    try:
        return question()
    except DigestError as error:
        return error
    except Exception as error:  # noqa: BLE001 - an odd answer must not stop the draft
        return FetchError(f"fetching it failed with {type(error).__name__}: {str(error)[:200]}.")
