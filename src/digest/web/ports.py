"""What the pages ask for, and the values that answer.  Implemented in wiring, by workflows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from digest.model.delivery import Counts
from digest.model.edit import Revision
from digest.model.editor import Editor
from digest.model.issue import IssueState, Layout, Texts
from digest.model.newsletter import Site

ACCENT = "#0B5F6B"
ACCENT_DARK = "#7CC7D0"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderView:
    """One person's subscription, as its own link shows it."""

    address: str
    newsletter: str
    newsletter_title: str
    is_active: bool  # confirmed, and not ended
    site: Site
    language: str = "en"
    accent: str = ACCENT
    accent_dark: str = ACCENT_DARK


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """One newsletter of this site, as a reader may choose it or not."""

    newsletter: str
    title: str
    description: str
    is_chosen: bool
    language: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferencesView:
    """What one person gets, and what else there is."""

    view: ReaderView  # of the link that they came by
    name: str
    preferences: tuple[Preference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsletterView:
    """A newsletter on the front page."""

    name: str
    title: str
    description: str = ""
    latest: int | None = None  # number of the newest issue that went out
    latest_subject: str = ""


class Readers(Protocol):
    """Tokens are opaque here; a forged one is None, like one of nobody."""

    def subscription(self, token: str) -> ReaderView | None: ...

    def unsubscribe(self, token: str, how: str) -> ReaderView | None:
        """End the subscription; again and again with the same answer.  `how`: "one-click" or "page"."""
        ...

    def resubscribe(self, token: str) -> ReaderView | None:
        """Take back an unsubscription that was a mistake."""
        ...

    def preferences(self, token: str) -> PreferencesView | None: ...

    def choose(self, token: str, *, wanted: Collection[str], name: str) -> PreferencesView | None:
        """Make the person's subscriptions those of `wanted`, and take down their name."""
        ...

    def is_probe(self, token: str) -> bool:
        """Whether this is the pre-flight's probe, and a real link would be answered now.  Changes nothing."""
        ...

    def newsletters(self) -> tuple[NewsletterView, ...]: ...

    def archive(self, newsletter: str, number: int) -> str | None:
        """The HTML of an issue that went out, without anything of one recipient."""
        ...

    def picture(self, name: str) -> tuple[bytes, str] | None:
        """Content and media type of a copy of a picture, by the name that is made of its content."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSending:
    """A send that is on its way, or stands still in the middle of it."""

    number: int  # of the issue
    done: int  # people whose delivery has come to its end
    total: int
    left: timedelta | None = None  # about; None where nothing can be said yet
    still_since: datetime | None = None  # nothing has moved since then


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskNewsletter:
    """A newsletter on the desk's first page.  Its moments are in its own zone."""

    name: str
    title: str
    people: int
    timezone: str
    next_due: datetime | None = None
    draft: int | None = None  # number of the issue that is being made or waits
    draft_state: IssueState | None = None
    blocks: int = 0  # checks that stop the draft
    trouble: str = ""  # why the draft cannot be printed at all
    plan: str = ""  # "9 stories chosen, 14 left out"
    can_draft: bool = False  # there is no draft, and something to make one of
    sending: DeskSending | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskUncertain:
    """Deliveries of an issue of which nobody knows whether they arrived: somebody has to decide."""

    newsletter: str
    newsletter_title: str
    number: int
    people: int
    since: datetime | None = None
    addresses: tuple[str, ...] = ()  # of some of them
    can_resend: bool = True  # nothing of a cancelled issue is sent again


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskHeld:
    """An issue that waits for a person."""

    newsletter: str
    newsletter_title: str
    number: int
    reason: str
    is_begun: bool = False  # held in the middle of its send


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskIssue:
    """An issue in the list of the last ones."""

    newsletter: str
    newsletter_title: str
    number: int
    state: IssueState
    subject: str
    reason: str = ""
    at: datetime | None = None  # when it was sent, or else made
    counts: Counts = field(default_factory=Counts)
    left: int | None = None  # who unsubscribed between this issue and the next; None before it is sent

    @property
    def has_reports(self) -> bool:
        """Whether the provider has told what became of any of it."""
        return bool(self.counts.delivered or self.counts.bounced or self.counts.complained)

    @property
    def arrived(self) -> int:
        """Delivered as far as anybody knows: what was taken over counts where no reports come."""
        return self.counts.delivered if self.has_reports else self.counts.accepted

    @property
    def returned(self) -> int:
        """Refused at once, or sent back later."""
        return self.counts.refused + self.counts.bounced


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSource:
    """A source and how it does."""

    newsletter_title: str
    name: str
    kind: str
    ok: bool
    newsletter: str = ""
    handle: str = ""  # what its page's address ends with; empty where it has no page
    place: str = ""  # address or path, without credentials
    is_local: bool = False  # read from a folder of this machine
    last_fetched: datetime | None = None
    last_new: datetime | None = None
    newest: int = 0  # how many were new on the day of `last_new`
    message: str = ""
    shows_nothing: bool = False  # it did before: its page may have changed
    quiet: timedelta | None = None  # silent for so long, and that is longer than is usual
    usual: timedelta | None = None  # the time between days with something new
    weeks: tuple[int, ...] = ()  # new articles of each of the last 12, the oldest first

    @property
    def severity(self) -> str:
        """block, warn, or empty where all is well."""
        if not self.ok or self.shows_nothing:
            return "block"
        return "warn" if self.quiet is not None or self.message else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPeople:
    """Who reads a newsletter, and who came and left of late."""

    newsletter_title: str
    confirmed: int
    pending: int = 0  # asked for it, and have not confirmed
    came: tuple[int, ...] = ()  # on each of the last 28 days, the oldest first
    left: tuple[int, ...] = ()  # likewise


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskHome:
    """The desk's first page, in the order in which it is shown."""

    uncertain: tuple[DeskUncertain, ...] = ()
    held: tuple[DeskHeld, ...] = ()
    newsletters: tuple[DeskNewsletter, ...] = ()
    issues: tuple[DeskIssue, ...] = ()  # newest first
    sources: tuple[DeskSource, ...] = ()
    people: tuple[DeskPeople, ...] = ()
    last_collected: datetime | None = None
    timezone: str = "UTC"  # in which it is what day today


@dataclass(frozen=True, slots=True, kw_only=True)
class AllIssues:
    """A page of the list of all issues."""

    issues: tuple[DeskIssue, ...] = ()  # the one that was made last first
    total: int = 0  # of those that were asked for
    page: int = 1
    pages: int = 1
    states: Mapping[IssueState, int] = field(default_factory=dict)  # how many there are, before the filter
    newsletters: tuple[tuple[str, str], ...] = ()  # name and title
    newsletter: str = ""  # the one that was asked for; empty for all
    state: IssueState | None = None  # likewise


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedArticle:
    """An article that the next issue would hold or leave out, and why."""

    id: int
    title: str
    url: str
    reason: str  # a sentence
    source: str = ""
    section: str = ""
    published: datetime | None = None  # in the newsletter's zone
    is_featured: bool = False
    mark: str = "unmarked"  # what an editor said of it: a word of `workflows.mark.Mark`
    why: str = ""  # it was excluded


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPlan:
    """What the next issue would hold now; nothing of it is kept."""

    newsletter: str
    title: str
    number: int
    timezone: str
    due: datetime | None = None
    since: datetime | None = None  # of the last selection, in the newsletter's zone
    chosen: tuple[PlannedArticle, ...] = ()
    left_out: tuple[PlannedArticle, ...] = ()
    earlier: Mapping[str, int] = field(default_factory=dict)  # older articles, counted by reason
    held: str = ""  # why a person would have to look first
    nothing: str = ""  # why there is nothing to send
    warnings: tuple[str, ...] = ()
    begun: int | None = None  # number of the issue that is not finished; the plan is for the one after it
    marked: PlannedArticle | None = None  # the one that was asked for by its id


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """What an editor can do about a finding here and now."""

    kind: str  # set: at once; write, take-out, subject, preheader: where to
    label: str  # of its button
    story: int = 0
    field: str = ""  # of the story
    was: str = ""  # what stands there
    value: str = ""  # what is to stand there


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """What a mail program's list shows of an issue, and what it cuts."""

    client: str
    sender: str
    subject: str
    rest: str = ""
    preheader: str = ""
    preheader_rest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    """A link of the mail."""

    url: str
    text: str
    where: str = ""
    story: int = 0
    host: str = ""
    notes: tuple[str, ...] = ()
    is_odd: bool = False  # somebody should look at it


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRow:
    """What a mail program shows differently; without sentences it is as designed."""

    name: str
    severity: str = ""
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceLine:
    """One thing that is different from the last issue, or the same."""

    kind: str  # added, gone, changed, same
    what: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """This issue against the last one that went out."""

    number: int
    sent: datetime | None
    lines: tuple[DifferenceLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check of the pre-flight found."""

    id: str
    severity: str  # block, warn, info
    passed: bool
    message: str
    where: str = ""
    family: str = ""  # "Headers and sender"
    story: int = 0  # the article that it is about; 0 where it is none
    mends: tuple[Mend, ...] = ()
    can_mark: bool = False  # whether its place can be shown in the mail


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutArticle:
    """An article that is not in the issue, and why."""

    title: str
    reason: str
    url: str = ""
    id: int = 0  # of the article
    was_taken_out: bool = False  # of this very issue, by an editor


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueView:
    """An issue with everything that an editor looks at."""

    ref: str  # weekly/3
    newsletter: str
    number: int
    title: str  # of the newsletter
    state: IssueState
    subject: str
    html: str  # the very text that `digest show --format html` prints
    text: str
    layout: Layout
    reason: str = ""
    preheader: str = ""
    sender: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    size_bytes: int = 0  # of the HTML part
    style_bytes: int = 0
    findings: tuple[Finding, ...] = ()
    counts: Counts = field(default_factory=Counts)
    people: int = 0  # who would get it now, before the audience is frozen
    left_out: tuple[LeftOutArticle, ...] = ()  # the first of them, or all
    left_out_count: int = 0
    earlier: Mapping[str, int] = field(default_factory=dict)  # older articles, counted by reason
    timezone: str = "UTC"
    due: datetime | None = None  # the slot it waits for
    sent_at: datetime | None = None
    approved_by: str = ""
    approved_at: datetime | None = None
    send_at: datetime | None = None  # the time that was chosen when it was approved
    revision: int = 0
    stamp: str = ""  # another one as soon as anything shows differently
    can_edit: bool = False
    texts: Texts = field(default_factory=Texts)  # as editors wrote them
    history: tuple[Revision, ...] = ()  # newest first
    undoes: str = ""  # what an undo would take back, in a sentence; empty where it cannot
    redoes: str = ""
    older: int = 0  # articles that a search can find
    inbox: tuple[InboxRow, ...] = ()
    links: tuple[LinkRow, ...] = ()
    clients: tuple[ClientRow, ...] = ()
    difference: Difference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLook:
    """How the mail in the frame is shown."""

    scheme: str = "light"  # light, dark, inverted
    styles: bool = True
    scale: int = 100  # of the text, in per cent
    reader: int = 0  # subscription of whom it is shown to; 0 is a sample
    story: int = 0  # the article that is marked
    mark: str = ""  # the check whose finding is marked there


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A subscriber as whom an issue can be looked at."""

    id: int  # of the subscription
    name: str
    address: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What came of an attempt to log in: a session's token, or how long to wait, or neither."""

    session: str = ""
    wait: timedelta = timedelta(0)


class Accounts(Protocol):
    """Who may come to the desk.  `address` is the caller's; no more than its range is kept."""

    def any_exist(self) -> bool: ...

    def log_in(self, *, name: str, password: str, address: str) -> Login: ...

    def editor_of(self, session: str) -> Editor | None:
        """Whose session this is, while it lives."""
        ...

    def log_out(self, session: str, *, address: str) -> None: ...

    def record(self, what: str, *, who: str, subject: str, address: str) -> None:
        """Write down what somebody did."""
        ...


class NoAccounts:
    """Where nobody has one: the one-time link is the only way in."""

    def any_exist(self) -> bool:
        return False

    def log_in(self, *, name: str, password: str, address: str) -> Login:  # noqa: ARG002
        return Login()

    def editor_of(self, session: str) -> Editor | None:  # noqa: ARG002
        return None

    def log_out(self, session: str, *, address: str) -> None:
        pass

    def record(self, what: str, *, who: str, subject: str, address: str) -> None:
        pass


class Desk(Protocol):
    def home(self) -> DeskHome: ...

    def all_issues(self, *, newsletter: str, state: str, page: int) -> AllIssues:
        """A page of fifty; what is not known narrows nothing, and there is always a page."""
        ...

    def plan(self, newsletter: str, *, marked: int = 0) -> DeskPlan | None:
        """None where there is no such newsletter.  `marked` is the id of an article to tell of as well."""
        ...

    def source(self, newsletter: str, handle: str) -> DeskSource | None:
        """How one source does, as home shows it."""
        ...

    def issue(self, newsletter: str, number: int, *, whole: bool = False) -> IssueView | None:
        """The issue; all that stayed out of it only where `whole` is asked for."""
        ...

    def stamp(self, newsletter: str, number: int) -> str | None:
        """That of `IssueView`, cheaply; None where there is no such issue."""
        ...

    def frame(self, newsletter: str, number: int, look: FrameLook) -> str | None:
        """The mail itself, with nothing added but what the look asks for."""
        ...

    def search(self, newsletter: str, number: int, words: str) -> tuple[LeftOutArticle, ...]:
        """Older articles that hold every word and are not in the issue."""
        ...

    def people(self, newsletter: str, words: str) -> tuple[Person, ...]:
        """Some subscribers, those first whose name or address begins so."""
        ...

    def shared(self, token: str) -> str | None:
        """The mail that a share link shows, with nothing of one person in it."""
        ...


class Probes(Protocol):
    """What machines ask."""

    def health(self) -> Mapping[str, object]:
        """`ok`: true when mail could be sent now; and what was looked at."""
        ...

    def metrics(self) -> str:
        """The figures in Prometheus' text format (version 0.0.4)."""
        ...
