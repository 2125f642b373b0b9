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
    """A picture that belongs to an article; `url` is absolute http(s)."""

    url: str
    alt: str = ""
    width: int | None = None  # of the file, in pixels, where the source says so
    height: int | None = None
    file_size: int | None = None  # in bytes, where the source says so


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundArticle:
    """An article as one source shows it at one reading: cleaned, not yet recognised.

    All text is plain (no markup, no control characters, white space folded).
    """

    url: str  # absolute http(s); where a reader reads it
    title: str  # never empty
    teaser: str = ""
    guid: str = ""  # as the feed gives it; empty where there is none
    author: str = ""
    published: datetime | None = None  # aware, UTC
    image: Image | None = None
    tags: tuple[str, ...] = ()
    language: str = ""  # BCP 47, only where the source says so
    minutes: int | None = None  # reading time as stated ("8 min read") or counted from full text
    featured: bool = False  # by front matter
    title_is_made: bool = False  # the title is the first sentence of the text, not the author's
    url_is_shared: bool = False  # the link is the page's own: the text is the identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What HTTP needs to ask "has it changed?" (RFC 9110, section 13)."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one look at a source gave, newest article first as the source shows them."""

    articles: tuple[FoundArticle, ...] = ()
    unchanged: bool = False  # the source says: as last time; then there are no articles here
    title: str = ""
    language: str = ""
    validators: Validators = field(default_factory=Validators)
    warnings: tuple[str, ...] = ()  # sentences for the operator
    skipped: tuple[str, ...] = ()  # a sentence for every entry that could not become an article


class KeyKind(StrEnum):
    """By what an article can be recognised again; see `rules.identity`."""

    GUID = "guid"
    ADDRESS = "address"  # host, path and meaning query of its link
    PATH = "path"  # the same without the host
    SLUG = "slug"  # the last segment of the path
    TITLE = "title"  # words only, case folded
    TEXT = "text"  # for teasers that share one link


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One story of one newsletter, as stored."""

    id: ArticleId
    newsletter: str
    source: str  # key of the source that brought it first
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
    is_backlog: bool = False  # it was there when its source was read for the first time
    is_featured_at_source: bool = False  # front matter or the source's own setting
    featured_at: datetime | None = None  # `digest feature`
    unfeatured_at: datetime | None = None  # `digest unfeature`: stronger than the source
    excluded_at: datetime | None = None  # `digest exclude`
    excluded_why: str = ""
    last_issue: int | None = None  # number of the newest issue that holds it
    last_issued_at: datetime | None = None  # when that issue's selection was made
    title_is_made: bool = False
    completed_at: datetime | None = None  # its own page was asked for what was missing

    @property
    def dated(self) -> datetime:
        """The published date, or for an article without one the time it was first seen."""
        return self.published or self.first_seen


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHealth:
    """What the operator wants to know about one source."""

    key: str
    name: str
    ok: bool
    last_fetched: datetime | None = None
    last_new: datetime | None = None
    first_read: datetime | None = None
    message: str = ""
    failures: int = 0  # in a row
    validators: Validators = field(default_factory=Validators)
    shown: frozenset[int] = frozenset()  # ids of the articles at its last good reading
    details: Mapping[str, str] = field(default_factory=dict)
