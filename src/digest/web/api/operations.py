"""The table of operations: what programs can do, which role it takes, its request and responses.

Routes, OpenAPI document and reference page are made from it.  An operation gets
a validated `Call` and returns a document for its response model.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from digest.application import AT_SLOT, NOW, Application, When
from digest.application.results import Conflict, Edited, EditedAll, Entry
from digest.errors import NotFound
from digest.message.parse import ParsedMessage
from digest.model.activity import ActivityFilter, Actor
from digest.model.article import Article, Image, Mark
from digest.model.editor import Action
from digest.model.issue import Issue
from digest.model.newsletter import Newsletter
from digest.rules.time_input import parse_moment
from digest.views.activity import activity_json
from digest.views.json_output import counts_json, newsletter_collected_json, plan_json, status_json
from digest.web.api import requests, responses
from digest.web.api.errors import conflict, refusal_of
from digest.web.api.responses import ResponseModel

SMALL = 65_536  # bytes; a hundred edits with long texts are less
LARGE = 1_048_576  # an article with a teaser that is the whole text
_LARGEST_NUMBER = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authorised request, its body and query parsed."""

    app: Application
    path: Mapping[str, Any]
    body: Any  # an instance of the operation's own model
    query: Any
    by: Actor  # for the activity log

    @property
    def newsletter(self) -> Newsletter:
        return self.app.newsletter(self.path["newsletter"])

    @property
    def ref(self) -> str:
        """The issue named by the path, as weekly/3."""
        name, number = self.path["newsletter"], self.path["number"]
        if number > _LARGEST_NUMBER:
            raise NotFound(f"There is no issue {name}/{number}.")
        return f"{name}/{number}"

    def issue(self) -> Issue:
        return self.app.find(self.ref)[1]


Done = tuple[int, Mapping[str, Any]] | Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One row of the table."""

    name: str  # the operationId
    method: str
    path: str  # as OpenAPI writes it
    group: str
    summary: str
    text: str = ""
    action: Action  # what the token's role must allow
    does: Callable[[Call], Done]
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answers: Mapping[int, tuple[str, type[ResponseModel] | str]] = field(
        default_factory=dict
    )  # or a media type
    limit: int = SMALL  # bytes of a body

    @property
    def of_issue(self) -> bool:
        return "{number}" in self.path


# --- newsletters --------------------------------------------------------------------


def _newsletters(call: Call) -> Done:
    return 200, {"newsletters": [_standing(call, one) for one in call.app.newsletters]}


def _newsletter(call: Call) -> Done:
    return 200, _standing(call, call.newsletter)


def _standing(call: Call, newsletter: Newsletter) -> dict[str, Any]:
    return status_json(call.app.status(newsletter.name)[0])


def _plan(call: Call) -> Done:
    return 200, plan_json(*call.app.plan(call.newsletter.name, everything=call.query.all))


def _collect(call: Call) -> Done:
    report = call.app.collect(call.newsletter.name, by=call.by)
    return 200, newsletter_collected_json(
        report.newsletter.name, report.sources, report.files, report.pages_asked
    )


def _draft(call: Call) -> Done:
    made = call.app.draft(call.newsletter.name, by=call.by)
    if isinstance(made, Issue):
        return 201, {"issue": _document(call, made), "reason": made.reason}
    return 200, {"issue": None, "reason": made.nothing}


# --- articles -----------------------------------------------------------------------


def _push(call: Call) -> Done:
    body = call.body
    done = call.app.push(_entry(body), body.newsletter, featured=body.featured, by=call.by)
    return 201 if done.is_new else 200, {
        "new": done.is_new,
        "chosen": done.is_chosen,
        "standing": done.sentence,
        "article": responses.article_document(done.article),
    }


def _entry(body: requests.ArticleRequest) -> Entry:
    """The article as a feed would give it: plain texts escaped, except the teaser, which may be HTML."""
    picture = body.image
    images = (Image(url=picture.url, alt=html.escape(picture.alt)),) if picture else ()
    return Entry(
        links=(body.url,),
        guid=body.id,
        title=html.escape(body.title),
        summary=body.teaser,
        published=body.published,
        authors=(html.escape(body.author),) if body.author else (),
        tags=tuple(html.escape(tag) for tag in body.tags),
        images=images,
        language=body.language,
    )


def _mark(call: Call) -> Done:
    body, name = call.body, call.newsletter.name
    found = call.app.mark(body.url, Mark(body.mark), newsletter=name, by=call.by, why=body.why)
    return 200, {"articles": [_marked(call.app, article) for article in found]}


def _marked(app: Application, article: Article) -> dict[str, Any]:
    status = app.article_status(article)
    return {
        "chosen": status.choice is not None and status.choice.chosen,
        "standing": status.sentence,
        "open_issue": app.open_issue_with(article),
        "article": responses.article_document(article),
    }


# --- issues: looking ------------------------------------------------------------------


def _issue(call: Call) -> Done:
    return 200, _document(call, call.issue(), with_checks=call.query.checks)


def _html(call: Call) -> Done:
    policy = "sandbox; default-src 'none'; img-src https: data:; style-src 'unsafe-inline'"
    headers = {"Content-Security-Policy": f"{policy}; frame-ancestors 'none'"}
    return Response(_message(call).html, media_type="text/html", headers=headers)


def _text(call: Call) -> Done:
    return Response(_message(call).text, media_type="text/plain")


def _message(call: Call) -> ParsedMessage:
    return call.app.message(call.ref)[1]


def _progress(call: Call) -> Done:
    found = call.app.progress(call.ref)
    return 200, {
        "issue": found.issue.ref,
        "state": found.issue.state,
        "counts": counts_json(found.counts),
        "share": found.share,
        "per_second": found.per_second,
        "seconds_left": found.left.total_seconds() if found.left is not None else None,
        "is_running": found.is_running,
    }


def _history(call: Call) -> Done:
    steps = call.app.revisions(call.ref)
    return 200, {"revisions": responses.revisions_document(steps)}


def _issue_log(call: Call) -> Done:
    issue, query = call.issue(), call.query
    which = ActivityFilter(newsletter=issue.newsletter, issue=issue.ref)
    page = call.app.activity(which, before=query.before or None, limit=query.limit)
    entries = tuple(
        replace(entry, network="") for entry in page.entries
    )  # a colleague's is not theirs to see
    return 200, activity_json(replace(page, entries=entries))


def _log(call: Call) -> Done:
    query = call.query
    which = ActivityFilter(
        newsletter=query.newsletter,
        issue=query.issue,
        who=query.who,
        door=query.door,
        kinds=frozenset({query.action} if query.action else ()),
        since=query.since,
        until=query.until,
    )
    page = call.app.activity(which, before=query.before or None, limit=query.limit)
    return 200, activity_json(page)


def _left_out(call: Call) -> Done:
    return 200, responses.addables_document(call.app.left_out(call.ref))


def _search(call: Call) -> Done:
    found = call.app.search_older(call.ref, call.query.q)
    return 200, responses.addables_document(found)


# --- issues: changing -----------------------------------------------------------------


def _edit(call: Call) -> Done:
    edits = requests.edits_of(call.body)
    result = call.app.edit_all(call.ref, edits, by=call.by, seen=call.body.revision)
    if isinstance(result, EditedAll):
        return _edited(call, result, done=result.done)
    if isinstance(result.why, Conflict):
        return conflict(result.why, edit=result.position)
    return refusal_of(result.why, edit=result.position)


def _undo(call: Call) -> Done:
    return _stepped(call, call.app.undo(call.ref, by=call.by, seen=call.body.revision))


def _redo(call: Call) -> Done:
    return _stepped(call, call.app.redo(call.ref, by=call.by, seen=call.body.revision))


def _stepped(call: Call, result: Edited | Conflict) -> Done:
    return conflict(result) if isinstance(result, Conflict) else _edited(call, result, done=1)


def _edited(call: Call, result: Edited | EditedAll, *, done: int) -> Done:
    return 200, {
        "issue": _document(call, result.issue),
        "done": done,
        "others": responses.revisions_document(result.others),
        "took_approval_back": result.withdrew_approval,
    }


def _approve(call: Call) -> Done:
    body = call.body
    if isinstance(body.when, datetime):
        zone = call.app.find(call.ref)[0].timezone
        when: When | datetime = parse_moment(body.when.isoformat(), timezone=zone)
    else:
        when = {"slot": AT_SLOT, "now": NOW}[body.when]
    done = call.app.approve(
        call.ref, by=call.by, seen=body.revision, when=when, overrides=tuple(body.overrides)
    )
    return 200, _document(call, done)


def _withdraw_approval(call: Call) -> Done:
    return 200, _document(call, call.app.withdraw_approval(call.ref, by=call.by))


def _cancel(call: Call) -> Done:
    return 200, _document(call, call.app.cancel(call.ref, by=call.by))


def _pause(call: Call) -> Done:
    return 200, _document(call, call.app.pause(call.ref, by=call.by))


def _resume(call: Call) -> Done:
    return 200, _document(call, call.app.resume(call.ref, by=call.by))


def _proof(call: Call) -> Done:
    done = call.app.proof(call.ref, to=tuple(call.body.to), by=call.by)
    return 200, {
        "proofs": [{"address": one.address, "accepted": one.accepted, "detail": one.detail} for one in done]
    }


def _share(call: Call) -> Done:
    length = timedelta(days=call.body.days)
    url, ends = call.app.share(call.ref, by=call.by, length=length)
    return 201, {"url": url, "ends": ends}


def _resolve(call: Call) -> Done:
    done = call.app.resolve(call.ref, decision=call.body.decision, by=call.by)
    return 200, {"resolved": done.count, "issue": _document(call, call.issue())}


def _document(call: Call, issue: Issue, *, with_checks: bool = False) -> dict[str, Any]:
    report = call.app.check(issue.ref) if with_checks else None
    return responses.issue_document(issue, counts_json(call.app.counts(issue)), report)


# --- the table ----------------------------------------------------------------------

_N = "/api/newsletters/{newsletter}"
_I = "/api/issues/{newsletter}/{number}"
_NOW = {200: ("The current issue.", responses.IssueResponse)}
_EDITED = {200: ("The current issue, and what others did.", responses.EditedResponse)}
_LOOK, _EDIT = Action.LOOK, Action.EDIT

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="newsletters",
        method="GET",
        path="/api/newsletters",
        group="Newsletters",
        summary="Status of all newsletters",
        action=_LOOK,
        does=_newsletters,
        answers={200: ("All of them, in the order of the settings.", responses.NewslettersResponse)},
    ),
    Operation(
        name="newsletter",
        method="GET",
        path=_N,
        group="Newsletters",
        summary="Status of one newsletter",
        action=_LOOK,
        does=_newsletter,
        answers={200: ("Its slots, issues, subscribers and sources.", responses.NewsletterResponse)},
    ),
    Operation(
        name="plan",
        method="GET",
        path=f"{_N}/plan",
        group="Newsletters",
        summary="What the next issue would contain, and why",
        action=_LOOK,
        does=_plan,
        query=requests.PlanQuery,
        answers={200: ("The plan; nothing is changed.", responses.PlanResponse)},
    ),
    Operation(
        name="collect",
        method="POST",
        path=f"{_N}/collect",
        group="Newsletters",
        summary="Collect from all sources now",
        text="Responds when all sources have been read, which may take a minute.",
        action=_EDIT,
        does=_collect,
        answers={200: ("What each source returned.", responses.CollectedResponse)},
    ),
    Operation(
        name="draft",
        method="POST",
        path=f"{_N}/draft",
        group="Newsletters",
        summary="Draft an issue from the plan",
        action=_EDIT,
        does=_draft,
        answers={
            200: ("There is nothing to send; `reason` says why.", responses.DraftResponse),
            201: ("The draft.", responses.DraftResponse),
        },
    ),
    Operation(
        name="push",
        method="POST",
        path="/api/articles",
        group="Articles",
        summary="Push an article",
        text=(
            "For a CMS to call when it publishes something. The article is cleaned and recognised as if a "
            "feed had shown it: pushed twice, or pushed and later in the feed, it is one article. Its source "
            "is whichever reported it first, and only that source can correct it."
        ),
        action=_EDIT,
        does=_push,
        body=requests.ArticleRequest,
        answers={
            200: ("The article was known, with its status.", responses.PushedResponse),
            201: ("The article is new, with its status.", responses.PushedResponse),
        },
        limit=LARGE,
    ),
    Operation(
        name="mark",
        method="POST",
        path=f"{_N}/marks",
        group="Articles",
        summary="Feature or exclude an article, or remove the mark",
        text="Applies to future issues. To change an issue that is already drafted, edit it.",
        action=_EDIT,
        does=_mark,
        body=requests.MarkRequest,
        answers={200: ("The marked articles, with their status.", responses.MarkedResponse)},
    ),
    Operation(
        name="issue",
        method="GET",
        path=_I,
        group="Issues",
        summary="An issue: its stories, texts, state and delivery report",
        action=_LOOK,
        does=_issue,
        query=requests.IssueQuery,
        answers=_NOW,
    ),
    Operation(
        name="html",
        method="GET",
        path=f"{_I}/html",
        group="Issues",
        summary="The mail as subscribers get it",
        action=_LOOK,
        does=_html,
        answers={200: ("The HTML part, for a sample subscriber.", "text/html")},
    ),
    Operation(
        name="text",
        method="GET",
        path=f"{_I}/text",
        group="Issues",
        summary="The mail as plain text",
        action=_LOOK,
        does=_text,
        answers={200: ("The text part, for a sample subscriber.", "text/plain")},
    ),
    Operation(
        name="history",
        method="GET",
        path=f"{_I}/history",
        group="Issues",
        summary="Every revision since the draft was made",
        action=_LOOK,
        does=_history,
        answers={200: ("The revisions.", responses.HistoryResponse)},
    ),
    Operation(
        name="issueLog",
        method="GET",
        path=f"{_I}/log",
        group="Issues",
        summary="Who approved or paused an issue or sent proofs, and from where",
        text="Edits are in its history; this log only has those that added or removed a story.",
        action=_LOOK,
        does=_issue_log,
        query=requests.IssueLogQuery,
        answers={200: ("The entries.", responses.LogResponse)},
    ),
    Operation(
        name="leftOut",
        method="GET",
        path=f"{_I}/left-out",
        group="Issues",
        summary="Articles left out, and why",
        action=_LOOK,
        does=_left_out,
        answers={200: ("Articles an editor removed, then those not chosen.", responses.AddablesResponse)},
    ),
    Operation(
        name="search",
        method="GET",
        path=f"{_I}/search",
        group="Issues",
        summary="Search older articles that could be added",
        action=_LOOK,
        does=_search,
        query=requests.SearchQuery,
        answers={200: ("Newest first, at most fifty.", responses.AddablesResponse)},
    ),
    Operation(
        name="edit",
        method="POST",
        path=f"{_I}/edits",
        group="Editing",
        summary="Change a draft",
        text=(
            "Edits of different things never conflict, whoever makes them. If a text no longer matches "
            "`was`, nothing is overwritten: the response is a conflict with both texts. A list is applied "
            "in order, all or nothing: `edit` in the response says which one was refused. "
            "Each edit is its own step, so an undo only reverts the last. Editing an approved issue "
            "withdraws the approval."
        ),
        action=_EDIT,
        does=_edit,
        body=requests.EditsRequest,
        answers=_EDITED,
    ),
    Operation(
        name="undo",
        method="POST",
        path=f"{_I}/undo",
        group="Editing",
        summary="Undo the last edit, whoever made it",
        action=_EDIT,
        does=_undo,
        body=requests.RevisionRequest,
        answers=_EDITED,
    ),
    Operation(
        name="redo",
        method="POST",
        path=f"{_I}/redo",
        group="Editing",
        summary="Redo the edit that was undone last",
        action=_EDIT,
        does=_redo,
        body=requests.RevisionRequest,
        answers=_EDITED,
    ),
    Operation(
        name="proof",
        method="POST",
        path=f"{_I}/proof",
        group="Editing",
        summary="Send a test copy",
        action=Action.PROOF,
        does=_proof,
        body=requests.ProofRequest,
        answers={200: ("The outcome for each address.", responses.ProofsResponse)},
    ),
    Operation(
        name="share",
        method="POST",
        path=f"{_I}/share",
        group="Editing",
        summary="Create a link that shows the draft",
        text="For people without an account or a token. Cancelling the issue ends it.",
        action=Action.PROOF,
        does=_share,
        body=requests.ShareRequest,
        answers={201: ("The link, and when it expires.", responses.SharedResponse)},
    ),
    Operation(
        name="progress",
        method="GET",
        path=f"{_I}/progress",
        group="Sending",
        summary="Progress of the send",
        action=_LOOK,
        does=_progress,
        answers={200: ("The delivery report, and the rate.", responses.ProgressResponse)},
    ),
    Operation(
        name="approve",
        method="POST",
        path=f"{_I}/approve",
        group="Sending",
        summary="Approve an issue",
        text="Exactly what you saw is sent: the request names the revision; an edit since is a conflict.",
        action=Action.APPROVE,
        does=_approve,
        body=requests.ApproveRequest,
        answers=_NOW,
    ),
    Operation(
        name="takeBack",
        method="POST",
        path=f"{_I}/take-back",
        group="Sending",
        summary="Withdraw the approval",
        text="The issue becomes a draft again.",
        action=Action.APPROVE,
        does=_withdraw_approval,
        answers=_NOW,
    ),
    Operation(
        name="cancel",
        method="POST",
        path=f"{_I}/cancel",
        group="Sending",
        summary="Cancel an issue",
        text="If no mail was handed over, its articles are free for another issue. "
        "Messages already handed over cannot be recalled.",
        action=Action.CANCEL,
        does=_cancel,
        answers=_NOW,
    ),
    Operation(
        name="pause",
        method="POST",
        path=f"{_I}/pause",
        group="Sending",
        summary="Pause a running send",
        action=Action.PAUSE,
        does=_pause,
        answers=_NOW,
    ),
    Operation(
        name="resume",
        method="POST",
        path=f"{_I}/resume",
        group="Sending",
        summary="Resume a paused send",
        action=Action.PAUSE,
        does=_resume,
        answers=_NOW,
    ),
    Operation(
        name="resolve",
        method="POST",
        path=f"{_I}/resolve",
        group="Sending",
        summary="Decide on uncertain deliveries",
        action=Action.RESOLVE,
        does=_resolve,
        body=requests.ResolveRequest,
        answers={200: ("The number of uncertain deliveries.", responses.ResolvedResponse)},
    ),
    Operation(
        name="log",
        method="GET",
        path="/api/log",
        group="Log",
        summary="Who did what, when and from where",
        action=Action.LOG,
        does=_log,
        query=requests.LogQuery,
        answers={200: ("The entries.", responses.LogResponse)},
    ),
)
