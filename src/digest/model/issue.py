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
    DRAFT = "draft"  # articles are reserved, content may still change
    HELD = "held"  # a draft that needs a person; the reason says why
    APPROVED = "approved"  # content and audience are frozen under a hash
    SENDING = "sending"  # at least one delivery has been claimed
    SENT = "sent"  # no delivery is left to do
    SKIPPED = "skipped"  # nothing was sent, with the reason
    CANCELLED = "cancelled"  # its articles are free again

    @property
    def said(self) -> str:
        """What an issue in this state is: “a draft”, “approved”, “being sent”."""
        return {IssueState.DRAFT: "a draft", IssueState.SENDING: "being sent"}.get(self, self.value)


class TeaserField(StrEnum):
    """What an editor can write anew in a teaser.  Its link is the article's, always."""

    HEADLINE = "headline"
    TEXT = "text"
    IMAGE = "image"  # the picture's address; empty takes the picture away
    ALT = "alt"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceValue:
    """What the source said where an editor wrote something else."""

    field: TeaserField
    text: str
    image: Image | None = None  # the whole picture, where the field is the picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Teaser:
    """An article as printed in an issue.  All text is plain."""

    article_id: ArticleId
    url: str
    headline: str
    text: str = ""
    image: Image | None = None
    image_note: str = ""  # why its picture is missing or no copy; for the editor, never printed
    author: str = ""
    minutes: int | None = None
    published: datetime | None = None
    topic: str = ""
    language: str = ""  # BCP 47, where it differs from the newsletter's
    featured: bool = False
    said: tuple[SourceValue, ...] = ()  # by the source, of what an editor has changed

    @property
    def edited(self) -> frozenset[TeaserField]:
        """The fields that are an editor's words, not the source's."""
        return frozenset(said.field for said in self.said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled group of teasers; the first one may have no title."""

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
    """What editors wrote for the whole issue; an empty one is made from the stories, or left out."""

    subject: str = ""
    preheader: str = ""
    note: str = ""  # Markdown


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOut:
    """A teaser that an editor took out of this issue, as it was, and why."""

    teaser: Teaser
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """All of an issue that editors can change."""

    layout: Layout
    texts: Texts = field(default_factory=Texts)
    taken_out: tuple[TakenOut, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One rendered variant of an issue.

    Where a value differs from recipient to recipient there stands a marker; see
    `message.merge_slots`.
    """

    subject: str
    preheader: str
    html: str
    text: str
    nonce: str  # part of every marker, so that no article can forge one
    language: str
    gave_way: tuple[str, ...] = ()  # what was not printed in full, so that the mail stays small enough
    only_on_web: int = 0  # stories that the mail has no room for, the last ones
    web_html: str = ""  # the web page, where it holds stories that the mail has no room for


class LeftOut(StrEnum):
    """Why an article is not in an issue; shown word for word, `{}` filled in by `Choice`."""

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
    """One article, in or out, with the reason as a sentence."""

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
    held: str = ""  # a sentence, where a person must look before this is sent
    nothing: str = ""  # a sentence, where there is nothing to send
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
    selected_at: datetime  # the moment of its selection: "since" of the next issue
    layout: Layout
    rendered: Rendered | None = None
    content_hash: str = ""
    approved_at: datetime | None = None
    approved_by: str = ""
    overrides: tuple[str, ...] = ()  # checks that a person overrode by name
    send_at: datetime | None = None  # the time it was approved for, where that is not its slot
    sent_at: datetime | None = None
    slot_key: str = ""
    candidates: int = 0  # of the audience, when it was frozen
    texts: Texts = field(default_factory=Texts)
    taken_out: tuple[TakenOut, ...] = ()
    revision: int = 0  # goes up with every edit, undo and redo

    @property
    def content(self) -> Content:
        return Content(layout=self.layout, texts=self.texts, taken_out=self.taken_out)

    @property
    def ref(self) -> str:
        """How people name it: weekly/3."""
        return f"{self.newsletter}/{self.number}"
