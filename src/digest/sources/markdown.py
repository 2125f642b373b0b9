"""A folder of Markdown files with front matter, as Hugo, Jekyll, Pelican and similar generators use.

Reads files only: nothing is fetched, and nothing in a file is executed.  Dates without a
zone count as UTC.
"""

from __future__ import annotations

import html
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from markdown_it import MarkdownIt

from digest.errors import SourceError
from digest.fetch import Fetcher
from digest.model.article import FoundArticle, Image, Reading, Validators
from digest.model.newsletter import SourceSpec
from digest.rules.cleaning import absolute_http_url, count_minutes, count_words, title_of_html
from digest.sources.entries import Entry, article_of
from digest.sources.feed_bytes import as_text
from digest.sources.feed_dates import moment_of, within_our_time
from digest.sources.front_matter import FrontMatterError, split

LARGEST = 2 * 1024 * 1024  # bytes of one file
READ_FOR_LEAD = 20_000  # characters of a body that are rendered: teaser and first picture stand there
MOST_FILES = 10_000

ENDINGS = frozenset({".md", ".markdown"})
NOT_ARTICLES = frozenset({"readme", "_index", "changelog", "contributing", "license", "code_of_conduct"})
NOT_READ = frozenset({"_drafts", "drafts", "node_modules"})

_FILE_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})[-_](?=.)")
_MORE = re.compile(
    r"<!--\s*(?:more|excerpt|truncate|fold)\s*-->|\{/\*\s*(?:more|truncate)\s*\*/\}", re.IGNORECASE
)
# A line that is nothing but a shortcode (Hugo) or a tag (Liquid) is an instruction to the site
# generator, not text.  `{{ … }}` inside text stays.
_SHORTCODE = re.compile(r"^[ \t]*(?:\{\{[<%].*?[%>]\}\}|\{%.*?%\})[ \t]*$", re.MULTILINE)


def read(
    spec: SourceSpec,
    *,
    fetcher: Fetcher,  # noqa: ARG001 - a folder never touches the network
    validators: Validators,  # noqa: ARG001
    now: datetime,  # noqa: ARG001
) -> Reading:
    """Read every article of the folder `spec.path`; see `digest.sources.Source`.

    Drafts are skipped.  `skipped` names each file that cannot be read or has no
    address.

    Raises:
        SourceError: the folder does not exist.
    """
    folder = spec.path
    if folder is None or not folder.is_dir():
        raise SourceError(
            f"The Markdown folder {folder or '(no path)'} does not exist.", mend="Check `path` of the source."
        )

    found: list[FoundArticle] = []
    skipped: list[str] = []
    for file in _files(folder):
        name = file.relative_to(folder).as_posix()
        try:
            article = _article(file, PurePosixPath(name), base_url=spec.base_url)
        except _Unreadable as error:
            skipped.append(f"{name} was skipped: {error}.")
        else:
            found += [article] if article else []
    found.sort(key=lambda article: article.published or _NO_DATE, reverse=True)
    warnings = () if found or skipped else (f"The folder {folder} contains no articles.",)
    return Reading(articles=tuple(found), skipped=tuple(skipped), warnings=warnings)


_NO_DATE = datetime.min.replace(tzinfo=UTC)


class _Unreadable(Exception):
    """Why a file is not an article; the message completes a sentence."""


def _files(folder: Path) -> Iterator[Path]:
    """The Markdown files below a folder, in order of their names.

    Hidden files, and links that lead out of the folder, are skipped.
    """
    home = folder.resolve()
    count = 0
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name.lower() not in NOT_READ
        )
        for name in sorted(names):
            file = Path(parent, name)
            if (
                name.startswith(".")
                or file.suffix.lower() not in ENDINGS
                or file.stem.lower() in NOT_ARTICLES
            ):
                continue
            if not file.is_file() or not file.resolve().is_relative_to(home):
                continue
            count += 1
            if count > MOST_FILES:
                return
            yield file


def _article(file: Path, place: PurePosixPath, *, base_url: str) -> FoundArticle | None:
    """The article of one file; None for a draft.

    Raises:
        _Unreadable: why there is none.
    """
    page = _page(file, place)
    if _is_draft(page.values):
        return None
    url = _url(page, base_url)
    if not url:
        raise _Unreadable("it has no address; set base_url for the source, or url in its front matter")

    entry = _entry(page, url)
    article = article_of(entry, language="")
    if isinstance(article, str):
        raise _Unreadable("it has neither a title nor text")
    words = count_words(page.body)
    return replace(
        article,
        # A path is taken as the site builds it; unlike a link it needs no cleaning of parameters.
        url=url,
        featured=_is_true(page.values.get("featured")),
        minutes=count_minutes(words) if words else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    place: PurePosixPath  # below the source's folder
    values: Mapping[str, Any]
    body: str

    @property
    def is_bundle(self) -> bool:
        """`post/index.md`: the folder is the article, and contains its pictures."""
        return self.place.stem.lower() == "index" and self.place.parent != PurePosixPath()


def _page(file: Path, place: PurePosixPath) -> _Page:
    try:
        with file.open("rb") as opened:
            raw = opened.read(LARGEST + 1)
    except OSError as error:
        raise _Unreadable(f"it cannot be opened ({error.strerror})") from error
    if len(raw) > LARGEST:
        raise _Unreadable(f"it is too large (limit {LARGEST // 2**20} MB)")
    text = as_text(raw, charset="").replace("\r\n", "\n").replace("\r", "\n")
    try:
        values, body = split(text)
    except FrontMatterError as error:
        raise _Unreadable(str(error)) from error
    return _Page(place=place, values=values, body=body)


def _is_draft(values: Mapping[str, Any]) -> bool:
    if _is_true(values.get("draft")) or _is_false(values.get("published")):
        return True
    return _string(values.get("status")).lower() in ("draft", "hidden", "private")


def _is_true(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() in ("true", "yes", "on", "1"))


def _is_false(value: object) -> bool:
    return value is False or (isinstance(value, str) and value.strip().lower() in ("false", "no", "off"))


def _url(page: _Page, base_url: str) -> str:
    """Where the article is read: its own address in the front matter, else base_url and its slug."""
    base = base_url.rstrip("/") + "/" if base_url else ""
    for key in ("url", "permalink"):
        own = _string(page.values.get(key))
        if own and not re.search(r"(?:^|/):\w", own):  # that is a pattern: /:year/:title/
            return absolute_http_url(own, base)
    return absolute_http_url(_path(page), base) if base else ""


def _path(page: _Page) -> str:
    """The path below base_url, as site generators build it from the file's name."""
    place = page.place.parent if page.is_bundle else page.place.with_suffix("")
    parents = [part for part in place.parts[:-1] if part != "_posts"]
    slug = _string(page.values.get("slug")).strip("/") or _FILE_DATE.sub("", place.name, count=1)
    path = "/".join(re.sub(r"\s+", "-", part.strip().lower()) for part in [*parents, slug])
    return "./" + quote(path, safe="/%")  # "./" keeps a colon from looking like a scheme


def _entry(page: _Page, url: str) -> Entry:
    values = page.values
    lead, is_cut = _lead(page.body)
    content = _rendered(lead)
    summary = _first_string(values, "description", "summary", "excerpt", "subtitle")
    if is_cut and not summary:
        summary_html = content
        content = _rendered(page.body)
    else:
        summary_html = _rendered(summary)
    return Entry(
        links=(url,),
        base=f"{url}/" if page.is_bundle and not url.endswith("/") else url,
        title=_string(values.get("title")) or _heading(content),
        summary=summary_html,
        content=content,
        published=_published(values, page.place),
        authors=tuple(_names(values)),
        tags=tuple(_tags(values)),
        images=tuple(_images(values)),
        language=_first_string(values, "language", "lang"),
    )


def _lead(body: str) -> tuple[str, bool]:
    """The part before `<!--more-->` and True, or the beginning of the body and False."""
    body = _SHORTCODE.sub("", body)
    if more := _MORE.search(body):
        return body[: more.start()], True
    return body, False


def _rendered(markdown: str) -> str:
    """HTML of the beginning of a text.  Raw HTML passes: only its text is read from here on."""
    return str(_renderer().render(_SHORTCODE.sub("", markdown[:READ_FOR_LEAD]))) if markdown else ""


@cache
def _renderer() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def _heading(content: str) -> str:
    match = re.search(r"<h[1-3][^>]*>(.{1,2000}?)</h[1-3]>", content, re.DOTALL)
    return html.escape(title_of_html(match[1])) if match else ""


def _published(values: Mapping[str, Any], place: PurePosixPath) -> datetime | None:
    for key in ("date", "published", "publishdate", "published_at", "pubdate"):
        if moment := _moment(values.get(key)):
            return moment
    stem = place.parent.name if place.stem.lower() == "index" else place.name
    match = _FILE_DATE.match(stem)
    return moment_of(match[1]) if match else None


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return within_our_time(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return within_our_time(datetime.combine(value, time(), UTC))
    return moment_of(value) if isinstance(value, str) else None


def _string(value: object) -> str:
    """A scalar as text.  Lists and tables are ignored: YAML aliases can make them grow without end."""
    if isinstance(value, str):
        return value.strip()
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number or isinstance(value, date) else ""


def _first_string(values: Mapping[str, Any], *keys: str) -> str:
    return next((text for key in keys if (text := _string(values.get(key)))), "")


def _names(values: Mapping[str, Any]) -> Iterator[str]:
    for key in ("author", "authors"):
        value = values.get(key)
        if key == "authors" and isinstance(value, str):
            value = re.split("[;,]", value)
        for author in _list(value):
            name = author.get("name") if isinstance(author, dict) else author
            yield html.escape(_string(name))


def _list(value: object) -> list[Any]:
    """A list as it is; a single value as a list of one."""
    return value[:100] if isinstance(value, list) else [value]


def _tags(values: Mapping[str, Any]) -> Iterator[str]:
    """Tags, then categories, then keywords; a string holds several between commas."""
    for key in ("tags", "categories", "category", "keywords"):
        value = values.get(key)
        tags = value.split(",") if isinstance(value, str) else _list(value)
        yield from (html.escape(_string(tag)) for tag in tags)


def _images(values: Mapping[str, Any]) -> Iterator[Image]:
    alt = _first_string(values, "image_alt", "cover_alt", "imagealt", "coveralt")
    for key in ("image", "cover", "featured_image", "featuredimage", "thumbnail", "images", "banner"):
        for value in _list(values.get(key)):
            if isinstance(value, dict):
                text = _first_string(value, "alt", "alt_text", "caption") or alt
                address = _first_string(value, "image", "url", "src", "path", "relative")
            else:
                text, address = alt, _string(value)
            if address:
                yield Image(url=address, alt=html.escape(text))
