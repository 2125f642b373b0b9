"""Status of a newsletter, as of now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from digest.model.article import PUSHED, PUSHED_NAME, SourceHealth
from digest.model.delivery import Counts
from digest.model.issue import Issue
from digest.model.newsletter import Newsletter
from digest.model.slot import Slot, SlotRecord
from digest.rules.slots import next_slots
from digest.storage import articles, issues, ledger, slots, subscribers
from digest.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsletterStatus:
    """One newsletter: its next slots, recent issues, and the health of its sources."""

    newsletter: Newsletter
    next_slots: tuple[Slot, ...]
    recent_slots: tuple[SlotRecord, ...]
    issues: tuple[tuple[Issue, Counts], ...]
    sources: tuple[SourceHealth, ...]
    subscribers: dict[str, int]


def status(newsletter: Newsletter, *, database: Database, now: datetime, limit: int = 10) -> NewsletterStatus:
    """What an operator wants to know first, from one consistent read."""
    with database.read() as connection:
        health = articles.health_of(connection, newsletter.name)
        recent = issues.all_of(connection, newsletter.name, limit=limit)
        return NewsletterStatus(
            newsletter=newsletter,
            next_slots=next_slots(
                newsletter.schedule,
                newsletter=newsletter.name,
                timezone=newsletter.timezone,
                after=now,
                count=3,
            ),
            recent_slots=tuple(slots.recent(connection, newsletter.name, limit=limit)),
            issues=tuple((i, ledger.counts(connection, i.id, now=now)) for i in recent),
            sources=_sources(newsletter, health),
            subscribers=subscribers.count(connection, newsletter.name),
        )


def _sources(newsletter: Newsletter, health: Mapping[str, SourceHealth]) -> tuple[SourceHealth, ...]:
    """The configured sources, and the articles that programs push, if any."""
    configured = [
        replace(health[spec.key], name=spec.name)
        if spec.key in health
        else SourceHealth(key=spec.key, name=spec.name, ok=False, message="never collected")
        for spec in newsletter.sources
    ]
    pushed = [replace(health[PUSHED], name=PUSHED_NAME)] if PUSHED in health else []
    return (*configured, *pushed)
