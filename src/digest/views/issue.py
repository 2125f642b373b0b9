"""An issue as the desk shows it.

Rendering and checking takes about 60 ms, so the result is cached until the issue,
its templates or its settings change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from digest.checks import Finding as Checked
from digest.checks import MailApp, differences, family_of, sizes
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
from digest.rules.slots import next_slot
from digest.storage import activity_log, articles, issues, ledger, revisions, subscribers
from digest.storage.database import Connection
from digest.views.cache import Kind, ViewCache
from digest.views.comparison import IssueComparison, compare
from digest.views.freshness import Freshness, freshness
from digest.views.left_out import Addable, first_left_out, search_older
from digest.views.links import LinkRow, link_rows
from digest.views.preview import PreviewOptions, framed
from digest.views.quick_fixes import QuickFix, quick_fixes_for
from digest.views.reports import IssueReports, Printable
from digest.wiring import Container
from digest.workflows.composing import compose
from digest.workflows.composing.preflight import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """What a mail app's inbox shows of an issue, and what it cuts off."""

    client: str
    sender: str
    subject: str
    rest: str = ""
    preheader: str = ""
    preheader_rest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRow:
    """What a mail app shows differently; without sentences it looks as designed."""

    name: str
    severity: str = ""
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """What one pre-flight check found."""

    id: str
    severity: str  # block, warn, info
    passed: bool
    message: str
    where: str = ""
    family: str = ""  # "Headers and sender"
    story: int = 0  # the article it is about; 0 if none
    mends: tuple[QuickFix, ...] = ()
    can_mark: bool = False  # whether it can be shown in the preview


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutArticle:
    """An article that is not in the issue, and why."""

    title: str
    reason: str
    url: str = ""
    id: int = 0  # of the article
    was_taken_out: bool = False  # by an editor, from this issue


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueView:
    """An issue with everything the issue page shows."""

    ref: str  # weekly/3
    newsletter: str
    number: int
    title: str  # of the newsletter
    state: IssueState
    subject: str
    html: str  # exactly what `digest show --format html` prints
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
    people: int = 0  # how many would get it now, before the audience is frozen
    left_out: tuple[LeftOutArticle, ...] = ()  # the first ones, or all
    left_out_count: int = 0
    earlier: Mapping[str, int] = field(default_factory=dict)  # older articles, counted by reason
    timezone: str = "UTC"
    due: datetime | None = None  # the slot it waits for
    sent_at: datetime | None = None
    approved_by: str = ""
    approved_at: datetime | None = None
    send_at: datetime | None = None  # the time chosen at approval
    revision: int = 0
    stamp: str = ""  # changes whenever anything is shown differently
    can_edit: bool = False
    texts: Texts = field(default_factory=Texts)  # as editors wrote them
    history: tuple[Revision, ...] = ()  # newest first
    log: tuple[Activity, ...] = ()  # newest first: everything done with it except edits
    undoes: str = ""  # what an undo would revert, in a sentence; empty if nothing
    redoes: str = ""
    older: int = 0  # how many articles a search can find
    inbox: tuple[InboxRow, ...] = ()
    links: tuple[LinkRow, ...] = ()
    clients: tuple[ClientRow, ...] = ()
    difference: IssueComparison | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A subscriber as whom an issue can be previewed."""

    id: int  # of the subscription
    name: str
    address: str
    language: str


_PEOPLE = 20  # subscribers offered at once for a preview
_STEPS = 40  # of the history
_LEFT_OUT = 40  # articles shown before the page is asked for all


def _beside_edits(issue: Issue) -> ActivityFilter:
    """Everything but edits, which the revisions list."""
    kinds = frozenset(ActivityKind) - {ActivityKind.EDITED}
    return ActivityFilter(newsletter=issue.newsletter, issue=issue.ref, kinds=kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailInsights:
    """What follows from a rendered issue and takes a while to compute."""

    inbox: tuple[InboxRow, ...]
    links: tuple[LinkRow, ...]
    clients: tuple[ClientRow, ...]
    difference: IssueComparison | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What was read from the database for a page, in one consistent read."""

    printable: Printable
    counts: Counts
    history: Sequence[Revision]
    left_out: Sequence[Addable]
    left_out_count: int
    older: int
    last: Issue | None  # the last one sent before this
    log: Sequence[Activity]  # everything done with the issue, newest first

    @property
    def issue(self) -> Issue:
        return self.printable.issue

    @property
    def newsletter(self) -> Newsletter:
        return self.printable.newsletter


class IssueViews:
    """The issue page, and the parts it loads; renderings are cached, see `views.reports`."""

    def __init__(
        self, parts: Container, *, cache: ViewCache | None = None, reports: IssueReports | None = None
    ) -> None:
        self._parts = parts
        self._cache = cache or ViewCache()
        self._reports = reports or IssueReports(parts, self._cache)

    def view(self, newsletter: str, number: int, *, whole: bool = False) -> IssueView | None:
        """Everything the issue page shows; None if there is no such issue."""
        seen = self._look(newsletter, number, limit=None if whole else _LEFT_OUT)
        return self._view(seen) if seen else None

    def stamp(self, newsletter: str, number: int) -> str | None:
        parts, now = self._parts, self._parts.clock()
        if newsletter not in parts.settings.newsletters:
            return None
        with parts.database.read() as connection:
            fresh = freshness(connection, parts, now=now)
            issue = issues.by_number(connection, newsletter, number)
            if issue is None:
                return None
            counts = ledger.counts(connection, issue.id, now=now, candidates=issue.candidates)
        return _stamp(issue, counts, fresh.printing(parts.newsletter(newsletter)))

    def frame(self, newsletter: str, number: int, look: PreviewOptions) -> str | None:
        """The mail as sent to a sample reader or to one of the subscribers; see `views.preview`."""
        found = self._printable(newsletter, number)
        if found is None:
            return None
        of, issue = found.newsletter, found.issue
        report = self._reports.report(found)
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
        """The selected finding, if it is about the selected story."""
        found = (_finding(one, issue) for one in report.findings if not one.passed and one.id == look.mark)
        return next((finding for finding in found if finding.story == look.story), None)

    def search(self, newsletter: str, number: int, words: str) -> tuple[LeftOutArticle, ...]:
        parts = self._parts
        if newsletter not in parts.settings.newsletters:
            return ()
        with parts.database.read() as connection:
            issue = issues.by_number(connection, newsletter, number)
        return tuple(map(_addable, search_older(issue, words, database=parts.database))) if issue else ()

    def people(self, newsletter: str, words: str) -> tuple[Person, ...]:
        with self._parts.database.read() as connection:
            some = subscribers.starting_with(connection, newsletter, words, limit=_PEOPLE)
        return tuple(Person(id=s.id, name=s.name, address=s.address, language=s.language) for s in some)

    def _printable(self, name: str, number: int) -> Printable | None:
        if name not in self._parts.settings.newsletters:
            return None
        with self._parts.database.read() as connection:
            fresh = freshness(connection, self._parts, now=self._parts.clock(), newsletter=name)
            issue = issues.by_number(connection, name, number)
            return self._to_print(connection, issue, fresh) if issue else None

    def _to_print(self, connection: Connection, issue: Issue, fresh: Freshness) -> Printable:
        newsletter = self._parts.newsletter(issue.newsletter)
        return self._reports.printable(
            connection, newsletter, issue, fresh=fresh, confirmed=fresh.marks.readers
        )

    def _look(self, name: str, number: int, *, limit: int | None) -> _Seen | None:
        """Reads each row once; everything else is computed after the connection is released."""
        if name not in self._parts.settings.newsletters:
            return None
        with self._parts.database.read() as connection:
            fresh = freshness(connection, self._parts, now=self._parts.clock(), newsletter=name)
            found = issues.with_left_out(connection, name, number)
            if found is None:
                return None
            issue, stayed = found
            out, out_count = first_left_out(connection, issue, stayed, limit=limit)
            return _Seen(
                printable=self._to_print(connection, issue, fresh),
                counts=ledger.counts(connection, issue.id, now=fresh.now, candidates=issue.candidates),
                history=revisions.history(connection, issue.id),
                left_out=out,
                left_out_count=out_count,
                older=self._cache.of(
                    Kind.ARTICLES, name, fresh.marks.article, lambda: articles.count(connection, name)
                ),
                last=self._cache.of(
                    Kind.LAST_SENT,
                    issue.id,
                    fresh.deliveries,
                    lambda: issues.last_sent(connection, name, before=number),
                ),
                log=self._cache.of(
                    Kind.LOG,
                    issue.id,
                    fresh.marks.activity,
                    lambda: activity_log.entries(connection, _beside_edits(issue), limit=_STEPS),
                ),
            )

    def _view(self, seen: _Seen) -> IssueView:
        issue, newsletter, printable = seen.issue, seen.newsletter, seen.printable
        report = self._reports.report(printable)
        insights = self._reports.insights(printable, lambda: self._insights(newsletter, report, seen.last))
        slot = next_slot(newsletter, after=printable.now)
        return replace(
            _with_history(_printed(newsletter, issue, report), issue, seen.history),
            counts=seen.counts,
            people=printable.confirmed,
            left_out=tuple(map(_addable, seen.left_out)),
            left_out_count=seen.left_out_count,
            due=slot.due if issue.state in approval.OPEN and slot else None,
            stamp=_stamp(issue, seen.counts, printable.fresh.printing(newsletter)),
            log=tuple(seen.log),
            older=seen.older,
            inbox=insights.inbox,
            links=insights.links,
            clients=insights.clients,
            difference=insights.difference,
        )

    def _insights(self, newsletter: Newsletter, report: Report, last: Issue | None) -> MailInsights:
        """What the page says about the mail in addition to the checks."""
        issue, message = report.issue, report.message
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
        """With their name and address, but with dummy links, so that nobody is unsubscribed by accident."""
        parts, now = self._parts, self._parts.clock()
        composer = parts.composer(newsletter)
        to = Delivery(
            id=DeliveryId(0),
            address=reader.address,
            name=reader.name,
            language=reader.language,
            subscription_id=0,
            epoch=0,
            attempt=0,
        )
        made = compose.compiled(composer, report.issue, now=now)
        return parse(message_bytes(made, compose.envelope(composer, report.issue, to, now=now))).html


def _printed(newsletter: Newsletter, issue: Issue, report: Report) -> IssueView:
    """The issue with its mail and its findings."""
    message = report.message
    size = sizes(message)
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
        timezone=newsletter.timezone,
        sent_at=issue.sent_at,
        approved_by=issue.approved_by,
        approved_at=issue.approved_at,
        send_at=issue.send_at,
        revision=issue.revision,
        texts=issue.texts,
    )


def _with_history(view: IssueView, issue: Issue, history: Sequence[Revision]) -> IssueView:
    """With its history, and what can be undone and redone."""
    is_begun = issue.state is IssueState.HELD and bool(issue.content_hash)
    can_edit = issue.state in approval.CAN_EDIT and not is_begun
    undoes = undo_leads_to(history) if can_edit else None
    redoes = redo_leads_to(history) if can_edit else None
    return replace(
        view,
        can_edit=can_edit,
        history=tuple(history[::-1][:_STEPS]),
        undoes=undoes[1].what if undoes else "",
        redoes=redoes[1].what if redoes else "",
    )


def _stamp(issue: Issue, counts: Counts, printing: Hashable) -> str:
    """Changes whenever the page would show something else, except for what this editor does here."""
    told = (
        issue.id, issue.revision, issue.state, issue.reason, issue.content_hash,
        issue.approved_by, issue.send_at, counts, printing,
    )  # fmt: skip
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


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


def _client(program: MailApp) -> ClientRow:
    return ClientRow(
        name=f"{program.client}, {program.platform}",
        sentences=tuple(dict.fromkeys(different.effect for different in program.different)),
    )


def _story_of(found: Checked, issue: Issue) -> int:
    """Checks name a story by its headline; 0 if the finding is about no story."""
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
