"""What commands and the API answer, as JSON documents: the same names and shapes, wherever it is asked.

They are a contract: add to them freely, and never change what is there.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from digest.model.delivery import Counts
from digest.model.issue import Choice
from digest.model.newsletter import Newsletter
from digest.views.status import NewsletterStatus
from digest.workflows.collecting.collect import Collected
from digest.workflows.drafting.draft import Plan


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
    """What one look at one source brought."""
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
