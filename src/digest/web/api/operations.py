"""The table of operations: what programs can do, who may, with what, and what is answered.

Routes, document and page are made from it.  An operation gets a `Call` that is
checked already, and gives back a document for the model that it names.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

from digest.errors import NotFound
from digest.message.parse import ParsedMessage, parse
from digest.model.article import Article, Image
from digest.model.editor import Action
from digest.model.issue import Issue
from digest.model.newsletter import Newsletter
from digest.rules.marks import Mark
from digest.rules.time_input import parse_moment
from digest.sources.entries import Entry
from digest.storage import ledger
from digest.views.history import history
from digest.views.json_output import collected_json, counts_json, plan_json, status_json
from digest.views.left_out import left_out, search_older
from digest.views.status import status
from digest.web.actions import Actions, AtSlot, Now, When
from digest.web.api import requests, responses
from digest.web.api.errors import conflict, refusal_of
from digest.web.api.responses import ResponseModel
from digest.wiring import Container
from digest.workflows.collecting.push import push
from digest.workflows.composing import compose
from digest.workflows.composing.preflight import check
from digest.workflows.drafting import article_status
from digest.workflows.drafting.draft import plan
from digest.workflows.drafting.edit import Conflict, Edited, EditedAll

SMALL = 65_536  # bytes; a hundred edits with long texts are less
LARGE = 1_048_576  # an article with a teaser that is the whole text
_LARGEST_NUMBER = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that was let in, its body and query read."""

    actions: Actions
    parts: Container
    path: Mapping[str, Any]
    body: Any  # an instance of the operation's own model
    query: Any
    by: str  # for the records

    @property
    def newsletter(self) -> Newsletter:
        return self.parts.newsletter(self.path["newsletter"])

    @property
    def which(self) -> tuple[str, int]:
        """The issue that the address names."""
        name, number = self.path["newsletter"], self.path["number"]
        if number > _LARGEST_NUMBER:
            raise NotFound(f"There is no issue {name}/{number}.")
        return name, number

    def issue(self) -> Issue:
        return self.actions.find(*self.which)[1]


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
    action: Action  # what the token has to be allowed
    does: Callable[[Call], Done]
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answers: Mapping[int, tuple[str, type[ResponseModel] | str]] = field(
        default_factory=dict
    )  # or a media type
    deed: str = ""  # for the audit log
    limit: int = SMALL  # bytes of a body

    @property
    def of_issue(self) -> bool:
        return "{number}" in self.path


# --- newsletters --------------------------------------------------------------------


def _newsletters(call: Call) -> Done:
    return 200, {"newsletters": [_standing(call, one) for one in call.parts.newsletters]}


def _newsletter(call: Call) -> Done:
    return 200, _standing(call, call.newsletter)


def _standing(call: Call, newsletter: Newsletter) -> dict[str, Any]:
    parts = call.parts
    return status_json(status(newsletter, database=parts.database, now=parts.clock()))


def _plan(call: Call) -> Done:
    parts = call.parts
    planned = plan(call.newsletter, database=parts.database, now=parts.clock(), everything=call.query.all)
    return 200, plan_json(call.newsletter, planned)


def _collect(call: Call) -> Done:
    newsletter = call.newsletter
    results = call.actions.collect(newsletter.name, by=call.by)
    return 200, {"newsletter": newsletter.name, "sources": [collected_json(one) for one in results]}


def _draft(call: Call) -> Done:
    made = call.actions.draft(call.newsletter.name, by=call.by)
    if isinstance(made, Issue):
        return 201, {"issue": _document(call, made), "reason": made.reason}
    return 200, {"issue": None, "reason": made.nothing}


# --- articles -----------------------------------------------------------------------


def _push(call: Call) -> Done:
    parts, body = call.parts, call.body
    done = push(
        _entry(body),
        newsletter=parts.newsletter(body.newsletter),
        featured=body.featured,
        database=parts.database,
        by=call.by,
        now=parts.clock(),
    )
    return 201 if done.is_new else 200, {
        "new": done.is_new,
        "chosen": done.is_chosen,
        "standing": done.sentence,
        "article": responses.article_document(done.article),
    }


def _entry(body: requests.ArticleRequest) -> Entry:
    """As a feed would give it: texts as HTML, but for the teaser, which may be HTML."""
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
    parts, body, newsletter = call.parts, call.body, call.newsletter
    found = call.actions.mark(newsletter.name, body.url, Mark(body.mark), by=call.by, why=body.why)
    return 200, {"articles": [_marked(parts, newsletter, article) for article in found]}


def _marked(parts: Container, newsletter: Newsletter, article: Article) -> dict[str, Any]:
    stands = article_status.status_of(
        article, newsletter=newsletter, database=parts.database, now=parts.clock()
    )
    return {
        "chosen": stands.choice is not None and stands.choice.chosen,
        "standing": stands.sentence,
        "open_issue": article_status.in_open_issue(
            article, newsletter=newsletter.name, database=parts.database
        ),
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
    newsletter, issue = call.actions.find(*call.which)
    return parse(compose.message(call.parts.press(newsletter), issue, now=call.parts.clock()))


def _progress(call: Call) -> Done:
    found = call.actions.progress(*call.which)
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
    steps = history(call.issue(), database=call.parts.database)
    return 200, {"revisions": responses.revisions_document(steps)}


def _left_out(call: Call) -> Done:
    return 200, responses.addables_document(left_out(call.issue(), database=call.parts.database))


def _search(call: Call) -> Done:
    found = search_older(call.issue(), call.query.q, database=call.parts.database)
    return 200, responses.addables_document(found)


# --- issues: changing -----------------------------------------------------------------


def _edit(call: Call) -> Done:
    edits = requests.edits_of(call.body)
    result = call.actions.edit_all(*call.which, edits, by=call.by, seen=call.body.revision)
    if isinstance(result, EditedAll):
        return _edited(call, result, done=result.done)
    if isinstance(result.why, Conflict):
        return conflict(result.why, edit=result.position)
    return refusal_of(result.why, edit=result.position)


def _undo(call: Call) -> Done:
    return _stepped(call, call.actions.undo(*call.which, by=call.by, seen=call.body.revision))


def _redo(call: Call) -> Done:
    return _stepped(call, call.actions.redo(*call.which, by=call.by, seen=call.body.revision))


def _stepped(call: Call, result: Edited | Conflict) -> Done:
    return conflict(result) if isinstance(result, Conflict) else _edited(call, result, done=1)


def _edited(call: Call, result: Edited | EditedAll, *, done: int) -> Done:
    return 200, {
        "issue": _document(call, result.issue),
        "done": done,
        "others": responses.revisions_document(result.others),
        "took_approval_back": result.took_approval_back,
    }


def _approve(call: Call) -> Done:
    body = call.body
    if isinstance(body.when, datetime):
        zone = call.actions.find(*call.which)[0].timezone
        when: When | datetime = parse_moment(body.when.isoformat(), timezone=zone)
    else:
        when = {"slot": AtSlot, "now": Now}[body.when]
    done = call.actions.approve(
        *call.which, by=call.by, seen=body.revision, when=when, overrides=tuple(body.overrides)
    )
    return 200, _document(call, done)


def _take_back(call: Call) -> Done:
    return 200, _document(call, call.actions.take_back(*call.which, by=call.by))


def _cancel(call: Call) -> Done:
    return 200, _document(call, call.actions.cancel(*call.which, by=call.by))


def _pause(call: Call) -> Done:
    return 200, _document(call, call.actions.pause(*call.which, by=call.by))


def _resume(call: Call) -> Done:
    return 200, _document(call, call.actions.resume(*call.which, by=call.by))


def _proof(call: Call) -> Done:
    done = call.actions.proof(*call.which, to=tuple(call.body.to), by=call.by)
    return 200, {
        "proofs": [{"address": one.address, "accepted": one.accepted, "detail": one.detail} for one in done]
    }


def _share(call: Call) -> Done:
    length = timedelta(days=call.body.days)
    url, ends = call.actions.share(*call.which, by=call.by, length=length)
    return 201, {"url": url, "ends": ends}


def _resolve(call: Call) -> Done:
    count = call.actions.resolve(*call.which, decision=call.body.decision, by=call.by)
    return 200, {"resolved": count, "issue": _document(call, call.issue())}


def _document(call: Call, issue: Issue, *, with_checks: bool = False) -> dict[str, Any]:
    parts, now = call.parts, call.parts.clock()
    report = None
    if with_checks:
        printing = parts.press(parts.newsletter(issue.newsletter))
        report = check(issue, press=printing, database=parts.database, now=now)
    with parts.database.read() as connection:
        counts = counts_json(ledger.counts(connection, issue.id, now=now))
    return responses.issue_document(issue, counts, report)


# --- the table ----------------------------------------------------------------------

_N = "/api/newsletters/{newsletter}"
_I = "/api/issues/{newsletter}/{number}"
_NOW = {200: ("The issue as it is now.", responses.IssueResponse)}
_EDITED = {200: ("The issue as it is now, and what others did.", responses.EditedResponse)}
_LOOK, _EDIT = Action.LOOK, Action.EDIT

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="newsletters",
        method="GET",
        path="/api/newsletters",
        group="Newsletters",
        summary="How every newsletter stands",
        action=_LOOK,
        does=_newsletters,
        answers={200: ("All of them, in the order of the settings.", responses.NewslettersResponse)},
    ),
    Operation(
        name="newsletter",
        method="GET",
        path=_N,
        group="Newsletters",
        summary="How one newsletter stands",
        action=_LOOK,
        does=_newsletter,
        answers={200: ("Its slots, issues, people and sources.", responses.NewsletterResponse)},
    ),
    Operation(
        name="plan",
        method="GET",
        path=f"{_N}/plan",
        group="Newsletters",
        summary="What the next issue would hold, and why",
        action=_LOOK,
        does=_plan,
        query=requests.PlanQuery,
        answers={200: ("The plan. Nothing is changed by it.", responses.PlanResponse)},
    ),
    Operation(
        name="collect",
        method="POST",
        path=f"{_N}/collect",
        group="Newsletters",
        summary="Look at every source now",
        text="The answer comes when all have been looked at, which may take a minute.",
        action=_EDIT,
        does=_collect,
        answers={200: ("What each source brought.", responses.CollectedResponse)},
        deed="collected",
    ),
    Operation(
        name="draft",
        method="POST",
        path=f"{_N}/draft",
        group="Newsletters",
        summary="Make a draft of the plan",
        action=_EDIT,
        does=_draft,
        answers={
            200: ("There is nothing to send; `reason` says why.", responses.DraftResponse),
            201: ("The draft.", responses.DraftResponse),
        },
        deed="drafted",
    ),
    Operation(
        name="push",
        method="POST",
        path="/api/articles",
        group="Articles",
        summary="Push an article",
        text=(
            "For a CMS, the moment something is published. It is cleaned and recognised as if a feed had "
            "shown it: pushed twice, or pushed and in the feed later, it is one article. Who told of it "
            "first is its source, and only that source's corrections are taken."
        ),
        action=_EDIT,
        does=_push,
        body=requests.ArticleRequest,
        answers={
            200: ("It was known, and where it stands.", responses.PushedResponse),
            201: ("It is new, and where it stands.", responses.PushedResponse),
        },
        limit=LARGE,
    ),
    Operation(
        name="mark",
        method="POST",
        path=f"{_N}/marks",
        group="Articles",
        summary="Feature or exclude an article, or take that back",
        text="For the issues to come. What is in an issue that is begun is changed by an edit.",
        action=_EDIT,
        does=_mark,
        body=requests.MarkRequest,
        answers={200: ("What was marked, and where it stands now.", responses.MarkedResponse)},
        deed="marked an article",
    ),
    Operation(
        name="issue",
        method="GET",
        path=_I,
        group="Issues",
        summary="An issue: its stories, texts, state and account",
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
        summary="The mail as its readers get it",
        action=_LOOK,
        does=_html,
        answers={200: ("The HTML part, for a sample reader.", "text/html")},
    ),
    Operation(
        name="text",
        method="GET",
        path=f"{_I}/text",
        group="Issues",
        summary="The mail as plain text",
        action=_LOOK,
        does=_text,
        answers={200: ("The text part, for a sample reader.", "text/plain")},
    ),
    Operation(
        name="history",
        method="GET",
        path=f"{_I}/history",
        group="Issues",
        summary="Every step since the draft was made",
        action=_LOOK,
        does=_history,
        answers={200: ("The steps.", responses.HistoryResponse)},
    ),
    Operation(
        name="leftOut",
        method="GET",
        path=f"{_I}/left-out",
        group="Issues",
        summary="What stayed out, and why",
        action=_LOOK,
        does=_left_out,
        answers={200: ("What an editor took out, then what was not chosen.", responses.AddablesResponse)},
    ),
    Operation(
        name="search",
        method="GET",
        path=f"{_I}/search",
        group="Issues",
        summary="Look for older articles that could come in",
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
            "Edits of different things both hold, whoever makes them. If a text is not what `was` says "
            "any more, nothing is overwritten: the answer is a conflict with both texts. A list is carried "
            "out in its order, and whole or not at all: `edit` of the answer says which of them was refused. "
            "Each is a step of its own, so that an undo takes back the last. An edit of an approved issue "
            "takes the approval back."
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
        summary="Take the last undo back",
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
        answers={200: ("What became of each.", responses.ProofsResponse)},
        deed="sent a proof",
    ),
    Operation(
        name="share",
        method="POST",
        path=f"{_I}/share",
        group="Editing",
        summary="Make a link that shows the draft",
        text="For somebody without an account or a token. Cancelling the issue ends it.",
        action=Action.PROOF,
        does=_share,
        body=requests.ShareRequest,
        answers={201: ("The link, and when it ends.", responses.SharedResponse)},
    ),
    Operation(
        name="progress",
        method="GET",
        path=f"{_I}/progress",
        group="Sending",
        summary="How far the sending is",
        action=_LOOK,
        does=_progress,
        answers={200: ("The account, and how fast it goes.", responses.ProgressResponse)},
    ),
    Operation(
        name="approve",
        method="POST",
        path=f"{_I}/approve",
        group="Sending",
        summary="Approve an issue",
        text="What was looked at is what goes: the revision is named, and an edit in between is a conflict.",
        action=Action.APPROVE,
        does=_approve,
        body=requests.ApproveRequest,
        answers=_NOW,
        deed="approved",
    ),
    Operation(
        name="takeBack",
        method="POST",
        path=f"{_I}/take-back",
        group="Sending",
        summary="Take the approval back",
        text="The issue is a draft again.",
        action=Action.APPROVE,
        does=_take_back,
        answers=_NOW,
        deed="took the approval back",
    ),
    Operation(
        name="cancel",
        method="POST",
        path=f"{_I}/cancel",
        group="Sending",
        summary="End an issue",
        text="Before its first hand-over its articles are free again. Who has it, has it.",
        action=Action.CANCEL,
        does=_cancel,
        answers=_NOW,
        deed="cancelled",
    ),
    Operation(
        name="pause",
        method="POST",
        path=f"{_I}/pause",
        group="Sending",
        summary="Stop a running send",
        action=Action.PAUSE,
        does=_pause,
        answers=_NOW,
        deed="paused",
    ),
    Operation(
        name="resume",
        method="POST",
        path=f"{_I}/resume",
        group="Sending",
        summary="Go on with a paused send",
        action=Action.PAUSE,
        does=_resume,
        answers=_NOW,
        deed="resumed",
    ),
    Operation(
        name="resolve",
        method="POST",
        path=f"{_I}/resolve",
        group="Sending",
        summary="Decide on deliveries of which nobody knows whether they arrived",
        action=Action.RESOLVE,
        does=_resolve,
        body=requests.ResolveRequest,
        answers={200: ("How many there were.", responses.ResolvedResponse)},
        deed="decided on uncertain deliveries",
    ),
)
