"""Issues: one dated, numbered mailing of a newsletter, from draft to sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from digest.model.article import Article, ArticleId, Image

IssueId = NewType("IssueId", int)


class IssueState(StrEnum):
    DRAFT = "draft"  # articles are reserved; the content can still change
    HELD = "held"  # a draft that needs a decision; the reason says why
    APPROVED = "approved"  # content and audience are frozen, identified by a hash
    SENDING = "sending"  # at least one delivery has been claimed
    SENT = "sent"  # no delivery remains to be made
    SKIPPED = "skipped"  # nothing was sent; the reason says why
    CANCELLED = "cancelled"  # its articles are free again

    @property
    def said(self) -> str:
        """How a sentence names the state: “a draft”, “approved”, “being sent”."""
        return {IssueState.DRAFT: "a draft", IssueState.SENDING: "being sent"}.get(self, self.value)


class TeaserField(StrEnum):
    """The fields of a teaser that an editor can change.  Its link is always the article's."""

    HEADLINE = "headline"
    TEXT = "text"
    IMAGE = "image"  # the address of the image; empty removes the image
    ALT = "alt"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceValue:
    """The source's value of a field that an editor changed."""

    field: TeaserField
    text: str
    image: Image | None = None  # the whole image, if the field is the image


@dataclass(frozen=True, slots=True, kw_only=True)
class Teaser:
    """An article as printed in an issue.  All text is plain."""

    article_id: ArticleId
    url: str
    headline: str
    text: str = ""
    image: Image | None = None
    image_note: str = ""  # why the image is missing or not copied; shown to editors, never printed
    author: str = ""
    minutes: int | None = None
    published: datetime | None = None
    topic: str = ""
    language: str = ""  # BCP 47, where it differs from the newsletter's
    featured: bool = False
    said: tuple[SourceValue, ...] = ()  # the source's values of the fields an editor changed

    @property
    def edited(self) -> frozenset[TeaserField]:
        """The fields that hold an editor's words instead of the source's."""
        return frozenset(said.field for said in self.said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled group of teasers; the first group may have no title."""

    title: str
    teasers: tuple[Teaser, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The printed order: the lead on top, then the sections."""

    lead: Teaser | None
    sections: tuple[Section, ...] = ()

    @property
    def teasers(self) -> tuple[Teaser, ...]:
        first = (self.lead,) if self.lead else ()
        return first + tuple(t for s in self.sections for t in s.teasers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """What editors wrote for the whole issue; an empty text is generated from the stories or omitted."""

    subject: str = ""
    preheader: str = ""
    note: str = ""  # Markdown


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOut:
    """A teaser that an editor took out of this issue, unchanged, and the reason."""

    teaser: Teaser
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Everything in an issue that editors can change."""

    layout: Layout
    texts: Texts = field(default_factory=Texts)
    taken_out: tuple[TakenOut, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One rendered variant of an issue.

    A value that differs between recipients is represented by a marker; see
    `message.merge_slots`.
    """

    subject: str
    preheader: str
    html: str
    text: str
    nonce: str  # part of every marker, so that no article can forge one
    language: str
    gave_way: tuple[str, ...] = ()  # what was shortened or omitted to keep the mail small enough
    only_on_web: int = 0  # how many stories, counted from the end, did not fit in the mail
    web_html: str = ""  # the web version, if it holds stories that did not fit in the mail


class LeftOut(StrEnum):
    """Why an article is not in an issue; shown as written, with `{}` filled in for each `Choice`."""

    ALREADY = "already in issue {}"
    BACKLOG = "older than the first issue reaches"
    BACKLOG_KEPT = "there before the first issue or before its source was added, and not chosen then"
    TOO_OLD = "older than {} days"
    FUTURE = "dated in the future: {}"
    EXCLUDED = "taken out by an editor"
    TAG_NOT_WANTED = "tag “{}” is excluded"
    TAG_MISSING = "has none of the wanted tags"
    FULL = "over the limit of {}; next in line"
    FULL_FIRST = "over the limit of {} of the first issue; counts as backlog"
    TOO_FEW = "waits: fewer than {} articles so far"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One article, chosen or left out, with the reason as a sentence."""

    article: Article
    chosen: bool
    reason: str
    code: LeftOut | None = None
    is_featured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The chosen articles in printing order, and every other candidate with its reason."""

    chosen: tuple[Choice, ...]
    left_out: tuple[Choice, ...]
    since: datetime | None  # when the last issue's selection was made
    earlier: Mapping[str, int] = field(default_factory=dict)  # older articles, counted by reason
    held: str = ""  # a sentence, if a person must decide before this is sent
    nothing: str = ""  # a sentence, if there is nothing to send
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """An issue as stored."""

    id: IssueId
    newsletter: str
    number: int
    state: IssueState
    reason: str
    created_at: datetime
    selected_at: datetime  # when its articles were selected: "since" of the next issue
    layout: Layout
    rendered: Rendered | None = None
    content_hash: str = ""
    approved_at: datetime | None = None
    approved_by: str = ""
    overrides: tuple[str, ...] = ()  # ids of checks that a person overrode
    send_at: datetime | None = None  # the time it was approved for, unless that is its slot
    sent_at: datetime | None = None
    slot_key: str = ""
    candidates: int = 0  # for the audience, counted when it was frozen
    texts: Texts = field(default_factory=Texts)
    taken_out: tuple[TakenOut, ...] = ()
    revision: int = 0  # rises with every edit, undo and redo

    @property
    def content(self) -> Content:
        return Content(layout=self.layout, texts=self.texts, taken_out=self.taken_out)

    @property
    def ref(self) -> str:
        """The name people use: weekly/3."""
        return f"{self.newsletter}/{self.number}"
