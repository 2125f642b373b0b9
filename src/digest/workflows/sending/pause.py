"""Pauses and resumes a running send; nothing is lost, and nobody gets it twice.

There is no separate state for it: a paused issue is held, with a reason that says
who paused it.  Before each window, senders ask the ledger whether the issue is
still being sent, so they stop there and release the rows they had claimed.
"""

from __future__ import annotations

from datetime import datetime

from digest.dispatch import process_identity as owners
from digest.errors import NotAllowed
from digest.model.activity import ActivityKind, Actor
from digest.model.issue import Issue, IssueState
from digest.storage import activity_log, issues, ledger
from digest.storage.database import Database


def pause(issue: Issue, *, database: Database, by: Actor, now: datetime) -> Issue:
    """Hold an issue partway through sending: its senders stop within one window.

    Raises:
        NotAllowed: it is not being sent.
    """
    reason = f"paused by {by.name}"
    with database.write() as connection:
        if not issues.move(
            connection, issue.id, to=IssueState.HELD, among=[IssueState.SENDING], reason=reason
        ):
            current = issues.by_id(connection, issue.id)
            raise NotAllowed(f"Issue {issue.ref} is {current.state.said}: only a running send can be paused.")
        activity_log.record_of_issue(connection, issue, ActivityKind.PAUSED, "paused", by=by, at=now)
        return issues.by_id(connection, issue.id)


def resume(issue: Issue, *, database: Database, by: Actor, now: datetime) -> Issue:
    """Resume a paused issue, or one that was held because the provider refused everybody.

    This only changes its state; `deliver` or the scheduler's next check sends it.

    Raises:
        NotAllowed: it is not held partway through sending.
    """
    with database.write() as connection:
        current = issues.by_id(connection, issue.id)
        if current.state is not IssueState.HELD:
            raise NotAllowed(f"Issue {issue.ref} is {current.state.said}: only a paused send can be resumed.")
        if not current.content_hash:
            raise NotAllowed(
                f"Issue {issue.ref} was not approved before it was held.",
                mend=f"Run `digest approve {issue.ref}`.",
            )
        issues.start_sending(connection, current)
        activity_log.record_of_issue(connection, issue, ActivityKind.RESUMED, "resumed", by=by, at=now)
        return issues.by_id(connection, issue.id)


def resume_stalled(issue: Issue, *, database: Database, by: Actor, now: datetime) -> None:
    """Record that somebody resumes a send whose process died; does nothing if a process is sending it."""
    with database.write() as connection:
        if owners.alive_among(ledger.owners(connection, issue.id)):
            return
        activity_log.record_of_issue(connection, issue, ActivityKind.RESUMED, "resumed", by=by, at=now)
