"""An issue as the desk shows it, from the parts of this process.

Printing and checking one takes some 60 ms; nobody waits for it twice, since
what was printed is kept until the issue, its templates or its settings change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from digest.checks import Finding as Checked
from digest.checks import MailProgram, differences, family_of, sizes
from digest.checks.html_tree import collapse_whitespace
from digest.message.parse import parse
from digest.message.splice import message_bytes
from digest.model.activity import Activity, ActivityFilter, ActivityKind
from digest.model.article import ArticleId
from digest.model.delivery import Counts, Delivery, DeliveryId
from digest.model.edit import Revision
from digest.model.issue import Issue, IssueState, Layout, Texts
from digest.model.newsletter import Newsletter
from digest.model.subscriber import Subscription
from digest.rules import approval, editing, inbox
from digest.rules.history import redo_leads_to, undo_leads_to
from digest.rules.slots import next_slots
from digest.storage import activity_log, articles, issues, ledger, revisions, subscribers
from digest.storage.database import Connection
from digest.views.comparison import IssueComparison, compare
from digest.views.links import LinkRow, link_rows
from digest.views.preflight_cache import PrintedIssues
from digest.views.preview import PreviewOptions, framed
from digest.views.quick_fixes import QuickFix, quick_fixes_for
from digest.wiring import Container
from digest.workflows.composing import compose
from digest.workflows.composing.preflight import Report
from digest.workflows.drafting import edit
from digest.workflows.drafting.edit import Addable


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
class ClientRow:
    """What a mail program shows differently; without sentences it is as designed."""

    name: str
    severity: str = ""
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """What one check of the pre-flight found."""

    id: str
    severity: str  # block, warn, info
    passed: bool
    message: str
    where: str = ""
    family: str = ""  # "Headers and sender"
    story: int = 0  # the article that it is about; 0 where it is none
    mends: tuple[QuickFix, ...] = ()
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
    findings: tuple[FindingView, ...] = ()
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
    log: tuple[Activity, ...] = ()  # newest first: what was done with it beside the edits
    undoes: str = ""  # what an undo would take back, in a sentence; empty where it cannot
    redoes: str = ""
    older: int = 0  # articles that a search can find
    inbox: tuple[InboxRow, ...] = ()
    links: tuple[LinkRow, ...] = ()
    clients: tuple[ClientRow, ...] = ()
    difference: IssueComparison | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A subscriber as whom an issue can be looked at."""

    id: int  # of the subscription
    name: str
    address: str
    language: str


_PEOPLE = 20  # as whom an issue can be looked at, at once
_STEPS = 40  # of the history
_LEFT_OUT = 40  # articles that the page shows before it is asked for all


def _beside_edits(issue: Issue) -> ActivityFilter:
    """Edits are told by the revisions."""
    kinds = frozenset(ActivityKind) - {ActivityKind.EDITED}
    return ActivityFilter(newsletter=issue.newsletter, issue=issue.ref, kinds=kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailInsights:
    """What follows from a printed issue and takes a while to find out."""

    inbox: tuple[InboxRow, ...]
    links: tuple[LinkRow, ...]
    clients: tuple[ClientRow, ...]
    difference: IssueComparison | None


class IssueViews:
    """Keeps what was printed of the issues that were looked at last."""

    def __init__(self, parts: Container) -> None:
        self._parts = parts
        self._printed = PrintedIssues(parts, self._insights)
        self._older = _Counts()

    def view(self, newsletter: str, number: int, *, whole: bool = False) -> IssueView | None:
        """Everything that an editor looks at; None where there is no such issue."""
        found = self._find(newsletter, number)
        return self._view(*found, whole=whole) if found else None

    def stamp(self, newsletter: str, number: int) -> str | None:
        found = self._find(newsletter, number)
        if found is None:
            return None
        with self._parts.database.read() as connection:
            counts = ledger.counts(connection, found[1].id, now=self._parts.clock())
        return self._stamp(*found, counts)

    def frame(self, newsletter: str, number: int, look: PreviewOptions) -> str | None:
        """The mail as it goes to a sample reader, or to one of the subscribers; see `views.preview`."""
        found = self._find(newsletter, number)
        if found is None:
            return None
        of, issue = found
        report = self._printed.report(of, issue)
        html = report.message.html
        if look.reader and (reader := self._reader(of, look.reader)):
            html = self._as_seen_by(reader, of, report)
        stories = {int(teaser.article_id): teaser.url for teaser in issue.layout.teasers}
        marked = self._marked(report, issue, look)
        return framed(
            html,
            look,
            stories=stories,
            severity=marked.severity if marked else "",
            label=marked.message.partition(".")[0] if marked else "",
        )

    def _marked(self, report: Report, issue: Issue, look: PreviewOptions) -> FindingView | None:
        """The finding that was chosen, if it is about the chosen story."""
        found = (_finding(one, issue) for one in report.findings if not one.passed and one.id == look.mark)
        return next((finding for finding in found if finding.story == look.story), None)

    def search(self, newsletter: str, number: int, words: str) -> tuple[LeftOutArticle, ...]:
        found = self._find(newsletter, number)
        if found is None:
            return ()
        return tuple(map(_addable, edit.search_older(found[1], words, database=self._parts.database)))

    def people(self, newsletter: str, words: str) -> tuple[Person, ...]:
        with self._parts.database.read() as connection:
            some = subscribers.beginning(connection, newsletter, words, limit=_PEOPLE)
        return tuple(Person(id=s.id, name=s.name, address=s.address, language=s.language) for s in some)

    def _find(self, newsletter: str, number: int) -> tuple[Newsletter, Issue] | None:
        parts = self._parts
        if newsletter not in parts.settings.newsletters:
            return None
        with parts.database.read() as connection:
            issue = issues.by_number(connection, newsletter, number)
        return (parts.newsletter(newsletter), issue) if issue is not None else None

    def _stamp(self, newsletter: Newsletter, issue: Issue, counts: Counts) -> str:
        """Another one as soon as the page shows anything else, of whatever an editor did not do here."""
        told = (
            issue.id, issue.revision, issue.state, issue.reason, issue.content_hash,
            issue.approved_by, issue.send_at, counts, self._printed.fingerprint(newsletter),
        )  # fmt: skip
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    def _view(self, newsletter: Newsletter, issue: Issue, *, whole: bool) -> IssueView:
        parts, now = self._parts, self._parts.clock()
        report = self._printed.report(newsletter, issue)
        message = report.message
        insights = self._printed.following(newsletter, report)
        size = sizes(message)
        limit = None if whole else _LEFT_OUT
        out, out_count = edit.first_left_out(issue, limit=limit, database=parts.database)
        with parts.database.read() as connection:
            counts = ledger.counts(connection, issue.id, now=now)
            people = subscribers.count(connection, newsletter.name).get("confirmed", 0)
            history = revisions.history(connection, issue.id)
            log = activity_log.entries(connection, _beside_edits(issue), limit=_STEPS)
            older = self._older.of(connection, newsletter.name)
        can_edit = issue.state in approval.CAN_EDIT and not (
            issue.state is IssueState.HELD and issue.content_hash
        )
        undoes = undo_leads_to(history) if can_edit else None
        redoes = redo_leads_to(history) if can_edit else None
        slots = next_slots(
            newsletter.schedule, newsletter=newsletter.name, timezone=newsletter.timezone, after=now, count=1
        )
        return IssueView(
            ref=issue.ref,
            newsletter=newsletter.name,
            number=issue.number,
            title=newsletter.title,
            state=issue.state,
            reason=issue.reason,
            subject=message.subject,
            preheader=report.issue.rendered.preheader if report.issue.rendered else "",
            sender=f"{newsletter.sender.name} <{newsletter.sender.address}>",
            html=message.html,
            text=message.text,
            headers=message.headers,
            size_bytes=size.html_bytes,
            style_bytes=size.style_bytes,
            layout=issue.layout,
            findings=tuple(_finding(found, issue) for found in report.findings),
            counts=counts,
            people=people,
            left_out=tuple(map(_addable, out)),
            left_out_count=out_count,
            timezone=newsletter.timezone,
            due=slots[0].due if issue.state in approval.OPEN and slots else None,
            sent_at=issue.sent_at,
            approved_by=issue.approved_by,
            approved_at=issue.approved_at,
            send_at=issue.send_at,
            revision=issue.revision,
            stamp=self._stamp(newsletter, issue, counts),
            can_edit=can_edit,
            texts=issue.texts,
            history=tuple(history[::-1][:_STEPS]),
            log=tuple(log),
            undoes=undoes[1].what if undoes else "",
            redoes=redoes[1].what if redoes else "",
            older=older,
            inbox=insights.inbox,
            links=insights.links,
            clients=insights.clients,
            difference=insights.difference,
        )

    def _insights(self, newsletter: Newsletter, report: Report) -> MailInsights:
        """What an editor is told about the mail beside the checks."""
        issue, message = report.issue, report.message
        with self._parts.database.read() as connection:
            last = issues.last_sent(connection, newsletter.name, before=issue.number)
        rendered = issue.rendered
        return MailInsights(
            inbox=tuple(
                InboxRow(
                    client=row.client,
                    sender=row.sender,
                    subject=row.subject,
                    rest=row.subject_rest,
                    preheader=row.preheader,
                    preheader_rest=row.preheader_rest,
                )
                for row in inbox.rows(
                    sender=newsletter.sender.name or newsletter.sender.address,
                    subject=message.subject,
                    preheader=rendered.preheader if rendered else "",
                )
            ),
            links=link_rows(
                message.html,
                stories={
                    collapse_whitespace(teaser.headline): teaser.article_id for teaser in issue.layout.teasers
                },
                personal=f"{self._parts.settings.site.public_url}/u/",
            ),
            clients=tuple(map(_client, differences(message.html))),
            difference=compare(issue, rendered, last, last.rendered)
            if last is not None and last.rendered is not None and rendered is not None
            else None,
        )

    def _reader(self, newsletter: Newsletter, number: int) -> Subscription | None:
        with self._parts.database.read() as connection:
            found = subscribers.by_id(connection, number)
        return found if found is not None and found.newsletter == newsletter.name else None

    def _as_seen_by(self, reader: Subscription, newsletter: Newsletter, report: Report) -> str:
        """With their name and address; the links stay those of nobody, so that nobody is unsubscribed."""
        parts, now = self._parts, self._parts.clock()
        printing = parts.press(newsletter)
        to = Delivery(
            id=DeliveryId(0),
            address=reader.address,
            name=reader.name,
            language=reader.language,
            subscription_id=0,
            epoch=0,
            attempt=0,
        )
        made = compose.compiled(printing, report.issue, now=now)
        return parse(message_bytes(made, compose.envelope(printing, report.issue, to, now=now))).html


class _Counts:
    """How many articles there are: counted anew when one has come, since counting takes long."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int]] = {}

    def of(self, connection: Connection, newsletter: str) -> int:
        newest = articles.newest_number(connection)
        known, count = self._known.get(newsletter, (-1, 0))
        if known != newest:
            count = articles.count(connection, newsletter)
            self._known[newsletter] = (newest, count)
        return count


def _finding(found: Checked, issue: Issue) -> FindingView:
    story = _story_of(found, issue)
    return FindingView(
        id=found.id,
        severity=found.severity.value,
        passed=found.passed,
        message=found.message,
        where=found.where,
        family=family_of(found.id),
        story=story,
        can_mark=bool(story),
        mends=()
        if found.passed
        else quick_fixes_for(found.id, editing.story(issue.layout, ArticleId(story))),
    )


def _client(program: MailProgram) -> ClientRow:
    return ClientRow(
        name=f"{program.client}, {program.platform}",
        sentences=tuple(dict.fromkeys(different.effect for different in program.different)),
    )


def _story_of(found: Checked, issue: Issue) -> int:
    """Checks say where by the story's headline; 0 where it is about none."""
    where = collapse_whitespace(found.where)
    stories = issue.layout.teasers if where and not found.passed else ()
    return next((teaser.article_id for teaser in stories if collapse_whitespace(teaser.headline) == where), 0)


def _addable(found: Addable) -> LeftOutArticle:
    article = found.article
    return LeftOutArticle(
        title=article.title,
        reason=found.reason,
        url=article.url,
        id=article.id,
        was_taken_out=found.was_taken_out,
    )


__all__ = ["IssueViews"]
