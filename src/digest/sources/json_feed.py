"""JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1), read as leniently as XML feeds are."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from digest.errors import SourceError
from digest.model.article import Image
from digest.rules.cleaning import absolute_http_url, plain
from digest.sources.entries import Entry, Head, language_tag
from digest.sources.feed_bytes import MOST_ENTRIES
from digest.sources.feed_dates import moment_of


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonFeed:
    head: Head
    entries: list[Entry]
    warnings: tuple[str, ...] = ()


def parse(text: str, *, base: str, name: str) -> JsonFeed:
    """A JSON Feed's head and entries.

    Raises:
        SourceError: it is not JSON, or JSON of another kind.
    """
    document = _document(text, name)
    items = document.get("items")
    if not isinstance(items, list):
        raise SourceError(f"{name} is JSON, but not a JSON Feed.", mend="Check the address of the feed.")

    head = Head(
        title=plain(_string(document, "title")),
        language=language_tag(_string(document, "language")),
        home=absolute_http_url(_string(document, "home_page_url"), base),
    )
    shared = tuple(_names(document))
    entries = [
        _entry(item, base or head.home, shared) for item in items[:MOST_ENTRIES] if isinstance(item, dict)
    ]
    return JsonFeed(head=head, entries=entries, warnings=_warnings(items, entries))


def _document(text: str, name: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno}: {error.msg})" if isinstance(error, json.JSONDecodeError) else ""
        raise SourceError(
            f"{name} is not well-formed JSON{where}.", mend="Check the address of the feed."
        ) from error
    return document if isinstance(document, dict) else {}


def _warnings(items: list[Any], entries: list[Entry]) -> tuple[str, ...]:
    warnings = []
    if left_out := max(len(items) - MOST_ENTRIES, 0):
        warnings.append(f"The feed has more than {MOST_ENTRIES} entries; the last {left_out} were skipped.")
    if odd := min(len(items), MOST_ENTRIES) - len(entries):
        warnings.append(f"{odd} of the feed's items are not JSON objects.")
    return tuple(warnings)


def _entry(item: dict[str, Any], base: str, feed_authors: tuple[str, ...]) -> Entry:
    guid = _string(item, "id")
    text = html.escape(_string(item, "content_text"))
    return Entry(
        # `external_url` is what a linked item is about; the article itself is at `url`.
        links=tuple(
            filter(None, (_string(item, "url"), guid if "://" in guid else "", _string(item, "external_url")))
        ),
        base=base,
        guid=guid,
        title=html.escape(_string(item, "title")),
        summary=html.escape(_string(item, "summary")),
        content=_string(item, "content_html") or text,
        published=moment_of(_string(item, "date_published")) or moment_of(_string(item, "date_modified")),
        authors=tuple(_names(item)) or feed_authors,
        tags=tuple(tag for tag in _list(item, "tags") if isinstance(tag, str)),
        images=tuple(_images(item)),
        language=_string(item, "language"),
    )


def _string(record: dict[str, Any], key: str) -> str:
    """A string field; numbers count, as the specification asks for ids."""
    value = record.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else ""


def _list(record: dict[str, Any], key: str) -> list[Any]:
    value = record.get(key)
    return value if isinstance(value, list) else []


def _names(record: dict[str, Any]) -> Iterator[str]:
    """Names of `authors`, or of version 1.0's `author`."""
    for author in _list(record, "authors") or [record.get("author")]:
        if isinstance(author, dict) and (name := _string(author, "name")):
            yield html.escape(name)


def _images(item: dict[str, Any]) -> Iterator[Image]:
    for key in ("image", "banner_image"):
        if address := _string(item, key):
            yield Image(url=address)
    for attachment in _list(item, "attachments"):
        if isinstance(attachment, dict) and _string(attachment, "mime_type").startswith("image/"):
            size = attachment.get("size_in_bytes")
            is_size = type(size) is int and 0 < size < 10**12  # True is an int too
            yield Image(url=_string(attachment, "url"), file_size=size if is_size else None)
