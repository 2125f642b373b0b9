"""The JSON documents of commands and the API: the same names and shapes everywhere.

They are a contract: add to them freely, but never change what is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # documents are made of objects that are already loaded
    from digest.checks import RenderingDifference
    from digest.message.parse import ParsedMessage
    from digest.model.delivery import Counts
    from digest.model.edit import Edit
    from digest.model.issue import Choice, Issue
    from digest.model.newsletter import Newsletter
    from digest.model.subscriber import Subscription
    from digest.views.status import NewsletterStatus
    from digest.workflows.collecting.collect import Collected
    from digest.workflows.composing.preflight import Report
    from digest.workflows.drafting.article_status import ArticleStatus
    from digest.workflows.drafting.draft import Plan
    from digest.workflows.people.subscribers import Imported
    from digest.workflows.sending.deliver import Sent


def counts_json(counts: Counts) -> dict[str, int]:
    return {name: value for name, value in asdict(counts).items() if name != "exclusions"}


def status_json(standing: NewsletterStatus) -> dict[str, Any]:
    return {
        "name": standing.newsletter.name,
        "title": standing.newsletter.title,
        "next_slots": [slot.due for slot in standing.next_slots],
        "recent_slots": [
            {
                "key": r.slot.key,
                "due": r.slot.due,
                "state": r.state.value,
                "reason": r.reason,
                "issue": r.issue,
            }
            for r in standing.recent_slots
        ],
        "subscribers": standing.subscribers,
        "issues": [
            {
                "number": issue.number,
                "state": issue.state.value,
                "reason": issue.reason,
                "subject": issue.rendered.subject if issue.rendered else "",
                "counts": counts_json(counts),
            }
            for issue, counts in standing.issues
        ],
        "sources": [
            {
                "name": health.name,
                "ok": health.ok,
                "last_fetched": health.last_fetched,
                "last_new": health.last_new,
                "message": health.message,
            }
            for health in standing.sources
        ],
    }


def plan_json(newsletter: Newsletter, planned: Plan) -> dict[str, Any]:
    selection = planned.selection
    sources = {spec.key: spec for spec in newsletter.sources}

    def article(choice: Choice) -> dict[str, Any]:
        a = choice.article
        spec = sources.get(a.source)
        return {
            "title": a.title,
            "url": a.url,
            "source": spec.name if spec else a.source,
            "section": spec.section if spec else "",
            "featured": choice.is_featured,
            "published": a.published,
            "first_seen": a.first_seen,
            "teaser": a.teaser,
            "reason": choice.reason,
        }

    return {
        "newsletter": newsletter.name,
        "number": planned.number,
        "now": planned.now,
        "since": selection.since,
        "chosen": [article(c) for c in selection.chosen],
        "left_out": [article(c) for c in selection.left_out],
        "earlier": dict(selection.earlier),
        "held": selection.held,
        "nothing": selection.nothing,
        "warnings": list(planned.warnings),
    }


def collected_json(result: Collected) -> dict[str, Any]:
    """The result of reading one source once."""
    return {
        "name": result.source.name,
        "ok": result.ok,
        "unchanged": result.unchanged,
        "shown": result.shown,
        "new": result.new,
        "changed": result.changed,
        "message": result.message,
        "warnings": list(result.warnings),
    }


def newsletter_collected_json(
    newsletter: str, sources: Sequence[Collected], files: Sequence[Imported], pages_asked: int
) -> dict[str, Any]:
    """The result of collecting one newsletter."""
    return {
        "newsletter": newsletter,
        "sources": [collected_json(one) for one in sources],
        "pages_asked": pages_asked,
        "files": [{**imported_json(one), "unchanged": one.unchanged} for one in files],
    }


def imported_json(done: Imported) -> dict[str, Any]:
    """The result of reading one file of subscribers."""
    return {
        "path": str(done.path),
        "rows": done.rows,
        "added": done.added,
        "repeated": done.repeated,
        "bad": [{"line": line, "message": message} for line, message in done.bad],
        "bad_count": done.bad_count,
        "problem": done.problem,
    }


def article_status_json(status: ArticleStatus) -> dict[str, Any]:
    """The status of one article in one newsletter, and the reason."""
    article = status.article
    return {
        "newsletter": status.newsletter,
        "title": article.title,
        "url": article.url,
        "chosen": bool(status.choice and status.choice.chosen),
        "reason": status.sentence,
        "published": article.published,
        "first_seen": article.first_seen,
        "issue": article.last_issue,
    }


def message_json(issue: Issue, message: ParsedMessage) -> dict[str, Any]:
    """An issue with its rendered message."""
    return issue_json(issue) | {
        "subject": message.subject,
        "headers": [list(pair) for pair in message.headers],
        "html": message.html,
        "text": message.text,
    }


def sent_json(newsletter: str, sent: Sent) -> dict[str, Any]:
    issue = sent.issue
    teasers = issue.layout.teasers if issue else ()
    return {
        "newsletter": newsletter,
        "number": issue.number if issue else None,
        "issue": issue.ref if issue else None,
        "state": sent.state,
        "reason": sent.reason,
        "articles": [{"title": t.headline, "url": t.url} for t in teasers],
        "counts": counts_json(sent.counts),
    }


def issue_json(issue: Issue) -> dict[str, Any]:
    from digest.rules.pictures import notes_of

    return {
        "newsletter": issue.newsletter,
        "number": issue.number,
        "issue": issue.ref,
        "state": issue.state.value,
        "reason": issue.reason,
        "articles": [{"title": t.headline, "url": t.url} for t in issue.layout.teasers],
        "content_hash": issue.content_hash,
        "approved_by": issue.approved_by,
        "send_at": issue.send_at.isoformat() if issue.send_at else None,
        "overrides": list(issue.overrides),
        "warnings": list(notes_of(issue.layout)),
    }


def report_json(report: Report) -> dict[str, Any]:
    from digest.checks import differences, sizes

    message = report.message
    return {
        "issue": report.issue.ref,
        "blocks": len(report.blocks),
        "warnings": len(report.warnings),
        "checks": [
            {
                "id": f.id,
                "severity": f.severity.value,
                "passed": f.passed,
                "message": f.message,
                "where": f.where,
            }
            for f in report.findings
        ],
        "size": sizes(message)._asdict(),
        "compatibility": [
            {
                "client": program.client,
                "platform": program.platform,
                "different": [_difference_json(found) for found in program.different],
            }
            for program in differences(message.html)
        ],
    }


def _difference_json(found: RenderingDifference) -> dict[str, Any]:
    from digest.checks import ACCEPTED

    return {
        "feature": found.feature,
        "title": found.title,
        "support": found.support.value,
        "note": found.note,
        "effect": found.effect,
        "where": found.where,
        "accepted": found.feature in ACCEPTED,
    }


def subscriber_json(one: Subscription) -> dict[str, Any]:
    return {
        "email": one.address,
        "name": one.name,
        "language": one.language,
        "topics": list(one.topics),
        "state": one.state.value,
        "since": one.since,
    }


def edit_json(edit: Edit) -> dict[str, Any]:
    """An edit as stored in the history and accepted by the API: its kind and its fields."""
    from digest.storage.revisions import edit_to_json

    return dict(edit_to_json(edit))
