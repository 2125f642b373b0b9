"""Response models: nothing is returned that the OpenAPI document does not describe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from digest.application.results import Report
from digest.model.activity import ActivityKind, Door
from digest.model.article import Article, Image
from digest.model.edit import Revision, StepKind
from digest.model.issue import Issue, IssueState, Layout, TakenOut, Texts
from digest.rules.pictures import notes_of
from digest.views.json_output import edit_json
from digest.views.left_out import Addable


class ResponseModel(BaseModel):
    model_config = ConfigDict(extra="forbid")


# --- what went wrong ----------------------------------------------------------------


class FieldErrorResponse(ResponseModel):
    field: str = Field(description="Where in the body, such as `edits.0.position`.")
    message: str


class CheckResponse(ResponseModel):
    id: str
    severity: str = Field(description="block, warn or info.")
    passed: bool
    message: str
    where: str = Field(description="The headline of the story, or the header.")


class ErrorBody(ResponseModel):
    code: str = Field(description="For programs; codes never change.")
    message: str = Field(description="For people: what is wrong.")
    mend: str = Field(default="", description="For people: how to fix it.")
    fields: list[FieldErrorResponse] | None = Field(default=None, description="What is wrong in the body.")
    checks: list[CheckResponse] | None = Field(default=None, description="The blocking checks.")
    mine: str | None = Field(
        default=None, description="In a conflict: the text this edit would have written."
    )
    theirs: str | None = Field(default=None, description="In a conflict: the current text.")
    by: str | None = Field(default=None, description="In a conflict: who wrote the current text.")
    at: datetime | None = Field(default=None, description="In a conflict: when it was written.")
    revision: int | None = Field(
        default=None, description="In a conflict: the revision of the current issue."
    )
    edit: int | None = Field(
        default=None,
        description="Which edit of a list was refused; 0 is the first. None of them was applied.",
    )


class ErrorResponse(ResponseModel):
    """Every error response."""

    error: ErrorBody


# --- newsletters --------------------------------------------------------------------


class CountsResponse(ResponseModel):
    """The delivery report of an issue: candidates = audience + excluded; audience = the sum of the rest."""

    candidates: int
    excluded: int
    audience: int
    pending: int
    deferred: int
    in_flight: int
    accepted: int
    refused: int
    uncertain: int
    suppressed: int
    abandoned: int
    delivered: int = Field(description="This and the next two are part of accepted; reported later.")
    bounced: int
    complained: int


class SlotResponse(ResponseModel):
    key: str
    due: datetime
    state: str
    reason: str
    issue: int | None


class IssueLineResponse(ResponseModel):
    number: int
    state: str
    reason: str
    subject: str
    counts: CountsResponse


class SourceResponse(ResponseModel):
    name: str
    ok: bool
    last_fetched: datetime | None
    last_new: datetime | None
    message: str


class NewsletterResponse(ResponseModel):
    """The status of a newsletter, the same as `digest status --json`."""

    name: str
    title: str
    next_slots: list[datetime]
    recent_slots: list[SlotResponse]
    subscribers: dict[str, int] = Field(description="The number of subscribers by state.")
    issues: list[IssueLineResponse] = Field(description="The last ten issues.")
    sources: list[SourceResponse]


class NewslettersResponse(ResponseModel):
    newsletters: list[NewsletterResponse]


class PlannedArticleResponse(ResponseModel):
    title: str
    url: str
    source: str
    section: str
    featured: bool
    published: datetime | None
    first_seen: datetime
    teaser: str
    reason: str = Field(description="Why it is included or left out.")


class PlanResponse(ResponseModel):
    """What the next issue would contain, and why; the same as `digest plan --json`."""

    newsletter: str
    number: int
    now: datetime
    since: datetime | None
    chosen: list[PlannedArticleResponse]
    left_out: list[PlannedArticleResponse]
    earlier: dict[str, int] = Field(description="Older articles, counted by reason.")
    held: str = Field(description="Why it would need review first; empty if it would not.")
    nothing: str = Field(description="Why there is nothing to send; empty if there is something.")
    warnings: list[str]


class CollectedSourceResponse(ResponseModel):
    name: str
    ok: bool
    unchanged: bool
    shown: int
    new: int
    changed: int
    message: str
    warnings: list[str]


class BadRowResponse(ResponseModel):
    line: int
    message: str


class SubscriberFileResponse(ResponseModel):
    path: str
    rows: int
    added: int = Field(description="Newly added subscribers.")
    repeated: int = Field(description="Rows that repeat the address of an earlier row.")
    bad: list[BadRowResponse] = Field(description="The first thousand rejected rows.")
    bad_count: int = Field(description="The number of rejected rows.")
    unchanged: bool = Field(description="Whether the file was skipped because it has not changed.")
    problem: str = Field(description="Why the file could not be read; otherwise empty.")


class CollectedResponse(ResponseModel):
    newsletter: str
    sources: list[CollectedSourceResponse]
    pages_asked: int = Field(description="Article pages fetched for details missing from their source.")
    files: list[SubscriberFileResponse] = Field(description="The newsletter's subscriber files.")


# --- articles -----------------------------------------------------------------------


class ArticleResponse(ResponseModel):
    """An article as stored: cleaned and recognised."""

    id: int
    newsletter: str
    url: str
    title: str
    teaser: str
    author: str
    published: datetime | None
    first_seen: datetime
    image: Image | None
    tags: tuple[str, ...]
    language: str
    last_issue: int | None = Field(description="The number of the newest issue that contains it.")


class PushedResponse(ResponseModel):
    new: bool = Field(description="Whether it was not known before.")
    chosen: bool = Field(description="Whether the next issue would include it now.")
    standing: str = Field(description="Its status, as a sentence.")
    article: ArticleResponse


class MarkedArticleResponse(ResponseModel):
    chosen: bool = Field(description="Whether the next issue would include it now.")
    standing: str = Field(description="Its status, as a sentence.")
    open_issue: str = Field(
        description="The open issue that contains it, as `weekly/3`, or empty. That issue does not change."
    )
    article: ArticleResponse


class MarkedResponse(ResponseModel):
    articles: list[MarkedArticleResponse] = Field(description="All articles with this URL; usually one.")


class AddableResponse(ResponseModel):
    article: ArticleResponse
    reason: str
    was_taken_out: bool
    last_issue: int | None


class AddablesResponse(ResponseModel):
    """Articles left out of the issue, and why."""

    articles: list[AddableResponse]


# --- issues -------------------------------------------------------------------------


class ChecksResponse(ResponseModel):
    blocks: int
    warnings: int
    findings: list[CheckResponse]


class IssueResponse(ResponseModel):
    """The current issue."""

    newsletter: str
    number: int
    issue: str = Field(description="Its name, such as `weekly/3`.")
    state: IssueState
    reason: str
    revision: int = Field(description="Increases with every edit. Send it when approving and undoing.")
    subject: str = Field(
        description="As frozen; before that, as set by an editor or rendered by `?checks=1`, or empty."
    )
    created_at: datetime
    approved_at: datetime | None
    approved_by: str
    overrides: tuple[str, ...]
    content_hash: str
    sent_at: datetime | None
    send_at: datetime | None
    layout: Layout
    texts: Texts
    taken_out: tuple[TakenOut, ...]
    counts: CountsResponse
    warnings: list[str] = Field(description="Pictures that are missing or not as requested.")
    checks: ChecksResponse | None = Field(description="Only with `?checks=1`.")


class DraftResponse(ResponseModel):
    issue: IssueResponse | None = Field(description="The draft; null if there is nothing to send.")
    reason: str


class RevisionResponse(ResponseModel):
    number: int
    deed: StepKind
    at: datetime
    by: str
    what: str = Field(description="For people: what was done.")
    edit: dict[str, Any] | None


class HistoryResponse(ResponseModel):
    revisions: list[RevisionResponse] = Field(description="Newest first.")


class ActivityResponse(ResponseModel):
    id: int
    at: datetime
    newsletter: str
    subject: str = Field(
        description="An issue, an article's URL, or the name of an account or token; or empty."
    )
    action: ActivityKind
    detail: str = Field(description="For people: what was done.")
    who: str = Field(description="Empty if digest did it on its own.")
    door: Door = Field(description="Empty if digest did it on its own, and in entries from old versions.")
    network: str = Field(description="The network it came from; only for tokens that may read the whole log.")


class LogResponse(ResponseModel):
    entries: list[ActivityResponse] = Field(description="Newest first.")
    next: int | None = Field(description="Pass it as `before` to get older entries; null if there are none.")


class EditedResponse(ResponseModel):
    issue: IssueResponse
    done: int = Field(description="The number of edits that changed something.")
    others: list[RevisionResponse] = Field(description="What others did since the revision in the request.")
    took_approval_back: bool


class SharedResponse(ResponseModel):
    """Anyone with the link can see this one draft until it expires, and do nothing else."""

    url: str
    ends: datetime


class ProofedResponse(ResponseModel):
    address: str
    accepted: bool
    detail: str = Field(description="The server's reply if it did not accept the mail.")


class ProofsResponse(ResponseModel):
    proofs: list[ProofedResponse]


class ResolvedResponse(ResponseModel):
    resolved: int = Field(description="The number of deliveries that were uncertain.")
    issue: IssueResponse


class ProgressResponse(ResponseModel):
    issue: str
    state: IssueState
    counts: CountsResponse
    share: float = Field(description="The share already done, from 0 to 1.")
    per_second: float
    seconds_left: float | None
    is_running: bool


# --- from values to documents ---------------------------------------------------------


def article_document(article: Article) -> dict[str, Any]:
    return {name: getattr(article, name) for name in ArticleResponse.model_fields}


def addables_document(found: Iterable[Addable]) -> dict[str, Any]:
    return {
        "articles": [
            {
                "article": article_document(one.article),
                "reason": one.reason,
                "was_taken_out": one.was_taken_out,
                "last_issue": one.last_issue,
            }
            for one in found
        ]
    }


def issue_document(issue: Issue, counts: dict[str, int], report: Report | None = None) -> dict[str, Any]:
    same = (
        "newsletter", "number", "state", "reason", "revision", "created_at", "approved_at", "approved_by",
        "overrides", "content_hash", "sent_at", "send_at", "layout", "texts", "taken_out",
    )  # fmt: skip
    frozen = issue.rendered.subject if issue.rendered else ""
    return {name: getattr(issue, name) for name in same} | {
        "issue": issue.ref,
        "subject": report.message.subject if report else frozen or issue.texts.subject,
        "counts": counts,
        "warnings": list(notes_of(issue.layout)),
        "checks": checks_document(report) if report else None,
    }


def checks_document(report: Report) -> dict[str, Any]:
    return {
        "blocks": len(report.blocks),
        "warnings": len(report.warnings),
        "findings": [finding_document(found) for found in report.findings],
    }


def finding_document(found: Any) -> dict[str, Any]:
    return {
        "id": found.id,
        "severity": found.severity.value,
        "passed": found.passed,
        "message": found.message,
        "where": found.where,
    }


def revisions_document(revisions: Sequence[Revision]) -> list[dict[str, Any]]:
    return [
        {
            "number": one.number,
            "deed": one.kind,
            "at": one.at,
            "by": one.by,
            "what": one.what,
            "edit": edit_json(one.edit) if one.edit else None,
        }
        for one in revisions
    ]
