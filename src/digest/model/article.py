"""Articles: as a source shows them (`FoundArticle`) and as they are stored (`Article`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType


class Mark(StrEnum):
    """What somebody can say of an article by hand; the word is the one of the record."""

    FEATURED = "featured"
    UNFEATURED = "unfeatured"
    EXCLUDED = "excluded"
    NONE = "unmarked"


ArticleId = NewType("ArticleId", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that belongs to an article; `url` is absolute http(s)."""

    url: str
    alt: str = ""
    width: int | None = None  # of the file, in pixels, if the source states it
    height: int | None = None
    file_size: int | None = None  # in bytes, if the source states it


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundArticle:
    """An article as found in one reading of a source: cleaned, not yet matched to stored articles.

    All text is plain: no markup, no control characters, whitespace collapsed.
    """

    url: str  # absolute http(s); where subscribers read it
    title: str  # never empty
    teaser: str = ""
    guid: str = ""  # as given by the feed; empty if it gives none
    author: str = ""
    published: datetime | None = None  # aware, UTC
    image: Image | None = None
    tags: tuple[str, ...] = ()
    language: str = ""  # BCP 47, only if the source states it
    minutes: int | None = None  # reading time, as stated ("8 min read") or estimated from the full text
    featured: bool = False  # set in its front matter
    title_is_made: bool = False  # the title is the first sentence of the text; the author gave none
    url_is_shared: bool = False  # the link is that of the page itself, so the text identifies the article


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What a conditional HTTP request needs to ask whether a document has changed (RFC 9110, section 13)."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The result of one reading of a source; articles are newest first, as the source lists them."""

    articles: tuple[FoundArticle, ...] = ()
    unchanged: bool = False  # the source reports no change since last time, so `articles` is empty
    title: str = ""
    language: str = ""
    validators: Validators = field(default_factory=Validators)
    warnings: tuple[str, ...] = ()  # sentences for the operator
    skipped: tuple[str, ...] = ()  # one sentence for each entry that could not become an article


class KeyKind(StrEnum):
    """The kinds of key by which an article is recognised again; see `rules.identity`."""

    GUID = "guid"
    ADDRESS = "address"  # host, path and significant query parameters of its link
    PATH = "path"  # the same without the host
    SLUG = "slug"  # the last segment of the path
    TITLE = "title"  # words only, case-folded
    TEXT = "text"  # for teasers that share one link


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One story of one newsletter, as stored."""

    id: ArticleId
    newsletter: str
    source: str  # key of the first source that listed it
    url: str
    title: str
    teaser: str = ""
    author: str = ""
    published: datetime | None = None
    first_seen: datetime
    image: Image | None = None
    tags: tuple[str, ...] = ()
    language: str = ""
    minutes: int | None = None
    is_backlog: bool = False  # already listed when its source was first read
    is_featured_at_source: bool = False  # by its front matter or the source's setting
    featured_at: datetime | None = None  # `digest feature`
    unfeatured_at: datetime | None = None  # `digest unfeature`: overrides the source
    excluded_at: datetime | None = None  # `digest exclude`
    excluded_why: str = ""
    last_issue: int | None = None  # number of the latest issue that contains it
    last_issued_at: datetime | None = None  # when the articles of that issue were selected
    title_is_made: bool = False
    completed_at: datetime | None = None  # when its own page was fetched to fill in missing fields

    @property
    def dated(self) -> datetime:
        """The publication date, or when the article was first seen if it has none."""
        return self.published or self.first_seen


PUSHED = "api"  # the source key of pushed articles; keys of configured sources contain a colon
PUSHED_NAME = "Pushed by programs"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """The health of one source, for the operator."""

    key: str
    name: str
    ok: bool
    last_fetched: datetime | None = None
    last_new: datetime | None = None
    first_read: datetime | None = None
    message: str = ""
    failures: int = 0  # consecutive
    validators: Validators = field(default_factory=Validators)
    shown: frozenset[int] = frozenset()  # ids of the articles listed at its last successful reading
    details: Mapping[str, str] = field(default_factory=dict)
