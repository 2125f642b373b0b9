"""The pre-flight check of one issue: every offline check on the message as it would be sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from digest.checks import Finding, Severity
from digest.message.parse import ParsedMessage
from digest.model.issue import Issue
from digest.storage import issues, subscribers
from digest.storage.database import Database
from digest.workflows.composing import compose
from digest.workflows.composing.compose import Composer


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of the pre-flight check of one issue."""

    issue: Issue
    findings: tuple[Finding, ...]
    message: ParsedMessage

    @property
    def blocks(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if not f.passed and f.severity is Severity.BLOCK)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if not f.passed and f.severity is Severity.WARN)


def check(issue: Issue, *, composer: Composer, database: Database, now: datetime) -> Report:
    """Run every offline check on the message as it would be sent."""
    with database.read() as connection:
        earlier = issues.earlier_subjects(connection, issue.newsletter, before=issue.number)
        confirmed = subscribers.count(connection, issue.newsletter).get("confirmed", 0)
    return checked(issue, composer=composer, earlier_subjects=earlier, audience_count=confirmed, now=now)


def checked(
    issue: Issue,
    *,
    composer: Composer,
    earlier_subjects: tuple[str, ...],
    audience_count: int | None,
    now: datetime,
) -> Report:
    """Like `check`, with what it would read from the database passed in."""
    findings, message = compose.check(
        composer, issue, earlier_subjects=earlier_subjects, audience_count=audience_count, now=now
    )
    return Report(issue=issue, findings=findings, message=message)
