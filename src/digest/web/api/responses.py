"""What programs are answered, as models: nothing leaves that the OpenAPI document does not name."""

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
    field: str = Field(description="Where in the body, as `edits.0.position`.")
    message: str


class CheckResponse(ResponseModel):
    id: str
    severity: str = Field(description="block, warn or info.")
    passed: bool
    message: str
    where: str = Field(description="The headline of the story, or the header.")


class ErrorBody(ResponseModel):
    code: str = Field(description="For programs; it never changes.")
    message: str = Field(description="For people: what is wrong.")
    mend: str = Field(default="", description="For people: what to do about it.")
    fields: list[FieldErrorResponse] | None = Field(default=None, description="What in the body is wrong.")
    checks: list[CheckResponse] | None = Field(default=None, description="The checks that block.")
    mine: str | None = Field(default=None, description="Of a conflict: what would have been written.")
    theirs: str | None = Field(default=None, description="Of a conflict: what stands there now.")
    by: str | None = Field(default=None, description="Of a conflict: who wrote that.")
    at: datetime | None = Field(default=None, description="Of a conflict: when.")
    revision: int | None = Field(default=None, description="Of a conflict: of the issue as it is now.")
    edit: int | None = Field(
        default=None,
        description="Which of a list of edits was refused; 0 is the first. None of them was carried out.",
    )


class ErrorResponse(ResponseModel):
    """Every answer that is no success."""

    error: ErrorBody


# --- newsletters --------------------------------------------------------------------


class CountsResponse(ResponseModel):
    """The account of an issue: candidates = audience + excluded; audience = the sum of the rest."""

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
    delivered: int = Field(description="This and the next two are parts of accepted, as told later.")
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
    """How a newsletter stands; the same as `digest status --json` says."""

    name: str
    title: str
    next_slots: list[datetime]
    recent_slots: list[SlotResponse]
    subscribers: dict[str, int] = Field(description="How many there are by state.")
    issues: list[IssueLineResponse] = Field(description="The last ten.")
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
    reason: str = Field(description="Why it comes in, or stays out.")


class PlanResponse(ResponseModel):
    """What the next issue would hold, and why; the same as `digest plan --json` says."""

    newsletter: str
    number: int
    now: datetime
    since: datetime | None
    chosen: list[PlannedArticleResponse]
    left_out: list[PlannedArticleResponse]
    earlier: dict[str, int] = Field(description="Older articles, counted by reason.")
    held: str = Field(description="Why a person would have to look first; empty where nobody has to.")
    nothing: str = Field(description="Why there is nothing to send; empty where there is something.")
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
    added: int = Field(description="People who were not subscribed before.")
    repeated: int = Field(description="Rows of an address that an earlier row has.")
    bad: list[BadRowResponse] = Field(description="Rows that were not taken: the first thousand.")
    bad_count: int = Field(description="How many rows were not taken.")
    unchanged: bool = Field(description="It was not read, since it is as it was.")
    problem: str = Field(description="Why it could not be read at all; else empty.")


class CollectedResponse(ResponseModel):
    newsletter: str
    sources: list[CollectedSourceResponse]
    pages_asked: int = Field(description="Articles' own pages, for what their source does not say.")
    files: list[SubscriberFileResponse] = Field(description="The newsletter's files of subscribers.")


# --- articles -----------------------------------------------------------------------


class ArticleResponse(ResponseModel):
    """An article as it is stored: cleaned, and recognised."""

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
    last_issue: int | None = Field(description="The number of the newest issue that holds it.")


class PushedResponse(ResponseModel):
    new: bool = Field(description="Whether it was not known before.")
    chosen: bool = Field(description="Whether it comes into the next issue, as things are.")
    standing: str = Field(description="Where it stands, as a sentence.")
    article: ArticleResponse


class MarkedArticleResponse(ResponseModel):
    chosen: bool = Field(description="Whether it comes into the next issue, as things are.")
    standing: str = Field(description="Where it stands now, as a sentence.")
    open_issue: str = Field(
        description="The issue that is begun and holds it, as `weekly/3`, or empty. It stays as it is."
    )
    article: ArticleResponse


class MarkedResponse(ResponseModel):
    articles: list[MarkedArticleResponse] = Field(
        description="Usually one; all that are known by this address."
    )


class AddableResponse(ResponseModel):
    article: ArticleResponse
    reason: str
    was_taken_out: bool
    last_issue: int | None


class AddablesResponse(ResponseModel):
    """Articles that are not in the issue, and why."""

    articles: list[AddableResponse]


# --- issues -------------------------------------------------------------------------


class ChecksResponse(ResponseModel):
    blocks: int
    warnings: int
    findings: list[CheckResponse]


class IssueResponse(ResponseModel):
    """An issue as it is now."""

    newsletter: str
    number: int
    issue: str = Field(description="How people name it, as `weekly/3`.")
    state: IssueState
    reason: str
    revision: int = Field(description="Goes up with every edit. Approving and undoing name it.")
    subject: str = Field(description="As frozen; before that, as `?checks=1` or an editor has it, or empty.")
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
    warnings: list[str] = Field(description="Pictures that are missing or not as wished.")
    checks: ChecksResponse | None = Field(description="Only with `?checks=1`.")


class DraftResponse(ResponseModel):
    issue: IssueResponse | None = Field(description="The draft; null where there is nothing to send.")
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
        description="An issue, an article's address, or the name of an account or token; or empty."
    )
    action: ActivityKind
    detail: str = Field(description="For people: what was done.")
    who: str = Field(description="Empty where digest did it by itself.")
    door: Door = Field(description="Empty where digest did it by itself, or in entries of old versions.")
    network: str = Field(
        description="The range of addresses it came from, for those who may read the whole log."
    )


class LogResponse(ResponseModel):
    entries: list[ActivityResponse] = Field(description="Newest first.")
    next: int | None = Field(description="Ask with `before` for what is older; null where there is nothing.")


class EditedResponse(ResponseModel):
    issue: IssueResponse
    done: int = Field(description="How many of the edits changed something.")
    others: list[RevisionResponse] = Field(description="What others did since the revision that was named.")
    took_approval_back: bool


class SharedResponse(ResponseModel):
    """Whoever has the link sees this one draft until then, and can do nothing else."""

    url: str
    ends: datetime


class ProofedResponse(ResponseModel):
    address: str
    accepted: bool
    detail: str = Field(description="The server's words, where it did not take it.")


class ProofsResponse(ResponseModel):
    proofs: list[ProofedResponse]


class ResolvedResponse(ResponseModel):
    resolved: int = Field(description="How many deliveries were uncertain.")
    issue: IssueResponse


class ProgressResponse(ResponseModel):
    issue: str
    state: IssueState
    counts: CountsResponse
    share: float = Field(description="How much is done, from 0 to 1.")
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
