"""Reads a listing: an HTML page of teaser cards with its next pages, or a plain text of teasers.

This module fetches, follows pages and puts them together.  `cards` finds and reads
the cards, `text_listing` reads plain text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from digest.errors import FetchError, SourceError
from digest.fetch import Fetcher
from digest.model.article import FoundArticle, Reading, Validators
from digest.model.newsletter import SourceSpec
from digest.rules.cleaning import plain
from digest.sources.article_links import same_page
from digest.sources.cards import find_cards
from digest.sources.page_tree import Page, decoded, parse
from digest.sources.pagination import next_page
from digest.sources.selected_cards import read_selected
from digest.sources.structured import filled, structured_articles
from digest.sources.text_listing import is_markup, read_text_listing

_LARGEST_FILE = 10 * 1024 * 1024  # bytes, as for what is fetched
_NO_PAGE = re.compile(
    r"^\W*(?:error\W*)?(?:404|page not found|not found|seite nicht gefunden|page introuvable)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _ListingPage:
    """What one page yielded."""

    articles: tuple[FoundArticle, ...]
    next: str = ""
    title: str = ""
    language: str = ""
    warnings: tuple[str, ...] = ()


def read(spec: SourceSpec, *, fetcher: Fetcher, validators: Validators, now: datetime) -> Reading:
    """Read a listing and up to `spec.pages` of its pages.

    A file never causes a request.  A page without teasers gives an empty reading
    with a warning; a further page that fails is only a warning.

    Raises:
        SourceError: the first page cannot be fetched, the file cannot be read, or a selector is wrong.
    """
    if spec.path is not None:
        return _reading(spec, [_read_file(spec, now=now)], Validators())
    fetched = fetcher.get(spec.url, validators=validators, allow_private=spec.allow_private_addresses)
    if fetched.unchanged:
        return Reading(unchanged=True, validators=fetched.validators)
    first = read_body(
        fetched.body,
        spec=spec,
        url=fetched.url,
        content_type=fetched.content_type,
        charset=fetched.charset,
        now=now,
    )
    return _reading(
        spec, [first, *_further(spec, first, fetched.url, fetcher=fetcher, now=now)], fetched.validators
    )


def read_body(
    body: bytes, *, spec: SourceSpec, url: str, content_type: str = "", charset: str = "", now: datetime
) -> _ListingPage:
    """What one page shows, whether it is HTML or plain text."""
    text = decoded(body, charset)
    if not is_markup(text, content_type):
        return _ListingPage(read_text_listing(text, url=spec.base_url or url, now=now))
    page = parse(text, url=url)
    if spec.selectors:
        articles, warnings = read_selected(page, spec.selectors, now=now)
    else:
        articles, warnings = articles_of(page, now=now), ()
    return _ListingPage(
        articles=articles,
        next=next_page(page, articles=[a.url for a in articles]),
        title=plain(page.title),
        language=page.language,
        warnings=warnings,
    )


def articles_of(page: Page, *, now: datetime) -> tuple[FoundArticle, ...]:
    """The articles that a page lists, by its cards and by its JSON-LD; none on an error page."""
    return with_structured(page, find_cards(page, now=now).articles(), now=now)


def with_structured(
    page: Page, cards: tuple[FoundArticle, ...], *, now: datetime
) -> tuple[FoundArticle, ...]:
    """The articles of the cards, completed by those of the page's JSON-LD; none on an error page."""
    if _is_error_page(page):
        return ()
    structured = structured_articles(page, now=now)
    if not cards:
        return structured if len(structured) > 1 else ()
    shown = [_completed(article, structured) for article in cards]
    known = [s for s in structured if any(same_page(s.url, a.url) for a in cards)]
    # Where both describe the same list, JSON-LD also knows the cards that a script would add later.
    hidden = [s for s in structured if s not in known] if len(known) * 2 >= len(cards) else []
    return _once((*shown, *hidden))


def _is_error_page(page: Page) -> bool:
    headings = [page.text_of(e) for e in page.elements if e.tag == "h1"][:1]
    return any(_NO_PAGE.match(text) for text in (page.title, *headings))


def _completed(article: FoundArticle, structured: tuple[FoundArticle, ...]) -> FoundArticle:
    for other in structured:
        if same_page(other.url, article.url):
            return filled(article, other)
    return article


def _read_file(spec: SourceSpec, *, now: datetime) -> _ListingPage:
    path = spec.path
    if path is None:
        raise SourceError(f"The source {spec.name} has neither `url` nor `path`.")
    if not spec.base_url:
        raise SourceError(
            f"The listing {path} needs `base_url` to resolve its links.",
            mend="Set `base_url` to the address of the page that the file was saved from.",
        )
    try:
        with path.open("rb") as file:
            body = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise SourceError(
            f"The listing {path} cannot be read: {error.strerror or error}.",
            mend="Check `path` of the source.",
        ) from error
    if len(body) > _LARGEST_FILE:
        raise SourceError(
            f"The listing {path} is too large (limit 10 MB).", mend="Check that it is the right file."
        )
    content_type = "text/plain" if path.suffix.lower() in {".txt", ".text"} else ""
    return replace(read_body(body, spec=spec, url=spec.base_url, content_type=content_type, now=now), next="")


def _further(
    spec: SourceSpec, first: _ListingPage, url: str, *, fetcher: Fetcher, now: datetime
) -> list[_ListingPage]:
    """The next pages, while each adds something new; robots.txt is obeyed."""
    seen: list[_ListingPage] = []
    known = {a.url for a in first.articles}
    visited = {url.partition("#")[0]}
    place = first.next if first.articles else ""
    while place and len(seen) + 1 < spec.pages and place not in visited:
        visited.add(place)
        try:
            page = _fetch_page(place, spec, fetcher=fetcher, now=now)
        except SourceError as error:
            seen.append(_ListingPage((), warnings=(f"A further page of the listing was skipped: {error}",)))
            break
        fresh = tuple(a for a in page.articles if a.url not in known)
        if not fresh:
            break
        known |= {a.url for a in fresh}
        seen.append(replace(page, articles=fresh))
        place = page.next
    return seen


def _fetch_page(url: str, spec: SourceSpec, *, fetcher: Fetcher, now: datetime) -> _ListingPage:
    fetched = fetcher.get(url, allow_private=spec.allow_private_addresses, obey_robots=True)
    if urlsplit(fetched.url).netloc.lower() != urlsplit(url).netloc.lower():
        raise FetchError(f"{url} redirects to another host.", url=url)
    return read_body(
        fetched.body,
        spec=spec,
        url=fetched.url,
        content_type=fetched.content_type,
        charset=fetched.charset,
        now=now,
    )


def _reading(spec: SourceSpec, pages: list[_ListingPage], validators: Validators) -> Reading:
    articles = _once(tuple(a for page in pages for a in page.articles))
    warnings = [w for page in pages for w in page.warnings]
    if not articles:
        where = spec.url or str(spec.path)
        warnings.append(
            f"No teasers found on {where}; set selectors: card, and if needed title, link, date, teaser, "
            "image, author."
        )
    return Reading(
        articles=articles,
        title=pages[0].title,
        language=pages[0].language,
        validators=validators,
        warnings=tuple(warnings),
    )


def _once(articles: tuple[FoundArticle, ...]) -> tuple[FoundArticle, ...]:
    """Each story once.  A link that several stories share is marked; their text tells them apart."""
    kept: list[FoundArticle] = []
    places: dict[str, list[int]] = {}
    for article in articles:
        under_link = places.setdefault(article.url, [])
        twin = next((i for i in under_link if _is_same(article, kept[i])), None)
        if twin is not None:
            kept[twin] = filled(kept[twin], article)
            continue
        under_link.append(len(kept))
        kept.append(article)
    return tuple(replace(a, url_is_shared=True) if len(places[a.url]) > 1 else a for a in kept)


def _is_same(one: FoundArticle, other: FoundArticle) -> bool:
    if one.url_is_shared:
        return one == other
    first, second = one.title.casefold().rstrip("…. "), other.title.casefold().rstrip("…. ")
    return first in second or second in first or (one.title_is_made != other.title_is_made)
