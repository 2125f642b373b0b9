"""Feeds of any kind: RSS 0.9x to 2.0, RDF, Atom and JSON Feed, well-formed or not.

feedparser reads the XML formats, from bytes in memory only: its own fetching
is unguarded, and its own sanitising takes two thirds of the time for text that
`rules.cleaning` turns into plain text anyway.
"""

from __future__ import annotations

import html
import io
import re
from calendar import timegm
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin
from xml.sax import SAXParseException

import feedparser

from digest.errors import SourceError
from digest.fetch import Fetcher
from digest.model.article import FoundArticle, Image, Reading, Validators
from digest.model.newsletter import SourceSpec
from digest.rules.cleaning import absolute_http_url, plain, title_of_html
from digest.rules.cleaning.markup import TagToken, attributes_of
from digest.sources import json_feed
from digest.sources.entries import Entry, Head, articles_of, language_tag
from digest.sources.feed_bytes import MOST_ENTRIES, as_text, pieces_of, refuse_bombs, without_doctype
from digest.sources.feed_dates import moment_of, within_our_time

LIMIT = 32 * 1024 * 1024  # bytes


def read(spec: SourceSpec, *, fetcher: Fetcher, validators: Validators, now: datetime) -> Reading:  # noqa: ARG001
    """Read a feed once; see `digest.sources.Source`.

    At most the first 5,000 entries become articles.

    Raises:
        SourceError: it cannot be fetched, or it is not a feed.
    """
    if spec.path is not None:
        return reading_of(_file(spec.path), base=spec.base_url, name=str(spec.path))

    fetched = fetcher.get(
        spec.url, validators=validators, allow_private=spec.allow_private_addresses, limit=LIMIT
    )
    if fetched.unchanged:
        return Reading(unchanged=True, validators=fetched.validators)
    return reading_of(
        fetched.body,
        base=spec.base_url or fetched.url,
        name=fetched.url,
        charset=fetched.charset,
        validators=fetched.validators,
    )


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(LIMIT + 1)
    except OSError as error:
        raise SourceError(
            f"The feed file {path} cannot be read: {error.strerror}.", mend="Check `path` of the source."
        ) from error
    if len(body) > LIMIT:
        raise SourceError(f"The feed file {path} is too large (limit {LIMIT // 2**20} MB).")
    return body


def reading_of(
    body: bytes, *, base: str, name: str, charset: str = "", validators: Validators | None = None
) -> Reading:
    """The reading of a feed's bytes.

    Relative links are resolved against `base` (may be empty), errors call the feed
    `name`, and `charset` is the encoding that HTTP names.

    Raises:
        SourceError: the bytes are not a feed.
    """
    text = as_text(body, charset=charset)
    if not text.strip():
        raise SourceError(
            f"{name} is empty.", mend="Check the address; even an empty feed has a root element."
        )
    if text.lstrip()[:1] in ("{", "["):
        feed = json_feed.parse(text, base=base, name=name)
        return _reading(feed.entries, feed.head, feed.warnings, validators)

    _refuse_page(text, base=base, name=name)
    data = without_doctype(text).encode()
    del text  # large feeds: one copy at a time
    refuse_bombs(data, name=name)
    parsed = _parse(data, base=base, name=name)
    return _reading(parsed.entries, parsed.head, parsed.warnings, validators)


@dataclass(slots=True, kw_only=True)
class _Parsed:
    head: Head
    entries: list[Entry]
    warnings: tuple[str, ...] = ()


def _reading(
    entries: list[Entry], head: Head, warnings: tuple[str, ...], validators: Validators | None
) -> Reading:
    articles: tuple[FoundArticle, ...]
    articles, skipped = articles_of(entries, home=head.home, language=head.language)
    if not entries:
        warnings += ("The feed has no entries.",)
    return Reading(
        articles=articles,
        title=head.title,
        language=head.language,
        validators=validators or Validators(),
        warnings=warnings,
        skipped=skipped,
    )


def _refuse_page(text: str, *, base: str, name: str) -> None:
    """For an HTML page, say where its feed is: the usual mistake in a configuration."""
    start = text[:4000].lower()
    if not re.search(r"<!doctype\s+html|<html[\s>]", start) or re.search(
        r"<(?:rss|feed|rdf:rdf)[\s>]", start
    ):
        return
    advertised = _advertised_feed(text, base)
    raise SourceError(
        f"{name} is an HTML page, not a feed.",
        mend=f"Use its feed: {advertised}."
        if advertised
        else 'Use the address of the feed, or set kind = "listing".',
    )


def _advertised_feed(text: str, base: str) -> str:
    for match in re.finditer(r"(?i)<link\b([^<>]{1,2000})>", text[:500_000]):
        attributes = attributes_of(TagToken("link", is_end=False, attributes=match[1], source=match[0]))
        is_feed = re.search(r"(?i)application/(?:rss|atom|feed|json)\b", attributes.get("type", ""))
        if is_feed and "alternate" in attributes.get("rel", "").lower().split():
            return absolute_http_url(attributes.get("href", ""), base)
    return ""


def _parse(data: bytes, *, base: str, name: str) -> _Parsed:
    """All entries of an XML feed; a large one is parsed in pieces, so that memory stays flat."""
    pieces, left_out = pieces_of(data)
    parsed: _Parsed | None = None
    is_feed = False
    trouble = ""
    for piece in pieces:
        document = _document(piece, base)
        is_feed = is_feed or bool(document.get("version") or document.entries)
        trouble = trouble or _trouble(document)
        parsed = parsed or _Parsed(head=_head(document.feed, base), entries=[])
        parsed.entries.extend(_entries(document, parsed.head))
    if parsed is None or not is_feed:
        raise SourceError(
            f"{name} is not a feed{f' ({trouble})' if trouble else ''}.",
            mend="Check the address; digest reads RSS, Atom, RDF and JSON Feed.",
        )
    if len(parsed.entries) > MOST_ENTRIES:  # where the feed was parsed in one piece
        left_out = len(parsed.entries) - MOST_ENTRIES
        del parsed.entries[MOST_ENTRIES:]
    parsed.warnings = _warnings(trouble, left_out)
    return parsed


def _warnings(trouble: str, left_out: int) -> tuple[str, ...]:
    warnings = []
    if trouble:
        warnings.append(f"The feed is not well-formed XML ({trouble}); digest read as much as possible.")
    if left_out:
        warnings.append(f"The feed has more than {MOST_ENTRIES} entries; the last {left_out} were skipped.")
    return tuple(warnings)


def _document(piece: bytes, base: str) -> Any:
    headers = {"content-type": "application/xml; charset=utf-8"}
    if base:
        headers["content-location"] = base
    # In a BytesIO, because feedparser would try bare bytes as a file name first.
    return feedparser.parse(  # type: ignore[attr-defined, no-untyped-call]
        io.BytesIO(piece), response_headers=headers, resolve_relative_uris=False, sanitize_html=False
    )


def _trouble(document: Any) -> str:
    """The XML parser's message about a feed that is not well-formed."""
    error = document.get("bozo_exception")
    if not isinstance(error, SAXParseException):
        return ""
    return plain(f"line {error.getLineNumber()}: {error.getMessage()}", limit=120)


def _head(feed: Any, base: str) -> Head:
    return Head(
        title=title_of_html(_text(feed, "title")),
        language=language_tag(_text(feed, "language")),
        home=absolute_http_url(_text(feed, "link"), base),
    )


def _entries(document: Any, head: Head) -> Iterator[Entry]:
    is_atom = str(document.version).startswith("atom")
    # Only Atom's feed speaks for its entries (RFC 4287, 4.2.1); RSS names an editor there.
    authors = _authors(document.feed) if is_atom else ()
    for entry in document.entries:
        yield _entry(entry, home=head.home, authors=authors, is_atom=is_atom)


def _entry(entry: Any, *, home: str, authors: tuple[str, ...], is_atom: bool) -> Entry:
    content, content_base = _content(entry)
    return Entry(
        links=_links(entry),
        base=content_base or home,
        guid=_text(entry, "id"),
        title=_markup(entry, "title", is_atom=is_atom),
        summary=_markup(entry, "summary", is_atom=is_atom),
        content=content,
        published=_published(entry),
        authors=_authors(entry) if entry.get("authors") else authors,
        tags=tuple(str(tag.get("label") or tag.get("term") or "") for tag in entry.get("tags", ())),
        images=tuple(_images(entry)),
        language=_text(entry, "language") or str((entry.get("title_detail") or {}).get("language") or ""),
    )


def _markup(entry: Any, key: str, *, is_atom: bool) -> str:
    """A text field as HTML.

    Atom's type="text" is plain text (RFC 4287, 3.1.1.1); in RSS one has to guess.
    """
    is_text = is_atom and (entry.get(f"{key}_detail") or {}).get("type") == "text/plain"
    return html.escape(_text(entry, key)) if is_text else _text(entry, key)


def _text(record: Mapping[str, Any], key: str) -> str:
    """A field as text; feedparser's own look-up maps some names to others, with warnings."""
    value = dict.get(record, key) if isinstance(record, dict) else None
    return value if isinstance(value, str) else ""


def _content(entry: Any) -> tuple[str, str]:
    """The longest readable content, and the base of its relative addresses."""
    readable = [
        part
        for part in entry.get("content", ())
        if str(part.get("type", "")).endswith(("html", "html+xml", "plain")) and part.get("value")
    ]
    best = max(readable, key=lambda part: len(part["value"]), default=None)
    if best is None:
        return "", str((entry.get("summary_detail") or {}).get("base") or "")
    value = best["value"] if best.get("type") != "text/plain" else html.escape(best["value"])
    return value, str(best.get("base") or "")


def _links(entry: Any) -> tuple[str, ...]:
    """Candidates for the article's own page, best first."""
    links = [link for link in entry.get("links", ()) if link.get("href")]
    alternate = [
        link["href"]
        for link in sorted(links, key=_is_other_form)
        if link.get("rel", "alternate") == "alternate"
    ]
    enclosures = [link["href"] for link in links if link.get("rel") == "enclosure"]
    guid = _text(entry, "id")
    own = [guid] if re.match(r"(?i)https?://", guid) and entry.get("guidislink", True) else []
    written = (_text(entry, "feedburner_origlink"), *alternate, _text(entry, "link"), *own, *enclosures)
    return tuple(dict.fromkeys(link for link in written if link))


def _is_other_form(link: Mapping[str, str]) -> bool:
    return "html" not in link.get("type", "html")


def _published(entry: Any) -> datetime | None:
    """The first of published, updated and created that is a plausible date."""
    for key in ("published", "updated", "created"):
        if moment := moment_of(_text(entry, key)):
            return moment
        parsed = dict.get(entry, f"{key}_parsed")
        if parsed and not re.match(r"\s*\d{4}-|.*\d{4}.*:\d\d", _text(entry, key)):
            # Other languages and calendars, which feedparser knows.
            return within_our_time(datetime.fromtimestamp(timegm(parsed), UTC))
    return None


def _authors(record: Any) -> tuple[str, ...]:
    """The names of a feed's or an entry's authors.

    feedparser takes names and addresses apart wrongly where a top-level domain
    has more than four letters, so names beside addresses are read here.
    """
    people = [person for person in record.get("authors", ()) if person.get("name")]
    if len(people) < 2:
        return (_without_address(_text(record, "author")),)
    return tuple(
        str(person["name"]) for person in people if person["name"].count("(") == person["name"].count(")")
    )


def _without_address(text: str) -> str:
    """“Ada” from “ada@x.example (Ada)”, “Ada <ada@x.example>” and “Ada (ada@x.example)”."""
    if match := re.fullmatch(r"\s*\S+@\S+\s*\((.*)\)\s*", text):
        return match[1]
    return re.sub(r"\S+@\S+", "", text).strip()


def _images(entry: Any) -> Iterator[Image]:
    """Pictures that belong to the entry as a whole, best first."""
    for link in entry.get("links", ()):
        if link.get("rel") == "enclosure" and _is_image(link.get("type", ""), link.get("href", "")):
            yield Image(url=link["href"], file_size=_bytes(link.get("length")))
    for media in entry.get("media_content", ()):
        if media.get("medium") == "image" or _is_image(media.get("type", ""), media.get("url", "")):
            yield _media_image(media)
    for thumbnail in entry.get("media_thumbnail", ()):
        yield _media_image(thumbnail)
    if isinstance(image := entry.get("image"), dict) and image.get("href"):
        yield Image(url=str(image["href"]))


def _is_image(media_type: str, address: str) -> bool:
    if media_type:
        return media_type.lower().startswith("image/")
    return bool(re.search(r"(?i)\.(?:jpe?g|png|gif|webp|avif)(?:$|[?#])", urljoin("http://x/", address)))


def _media_image(media: Mapping[str, str]) -> Image:
    return Image(
        url=str(media.get("url", "")),
        width=_pixels(media.get("width")),
        height=_pixels(media.get("height")),
        file_size=_bytes(media.get("filesize")),
    )


def _bytes(text: object) -> int | None:
    """Many feeds say 0 if they do not know the size."""
    return int(text) or None if isinstance(text, str) and re.fullmatch(r"[0-9]{1,12}", text) else None


def _pixels(text: object) -> int | None:
    return int(text) if isinstance(text, str) and re.fullmatch(r"[0-9]{1,5}", text) else None
