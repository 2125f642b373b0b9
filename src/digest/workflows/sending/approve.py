"""Check, approve, withdraw an approval and cancel: what must hold before an issue may go."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

from digest.errors import Busy, NotAllowed
from digest.model.activity import ActivityKind, Actor
from digest.model.delivery import Counts
from digest.model.issue import Issue
from digest.rules import approval
from digest.rules.time_input import check_send_at
from digest.storage import activity_log, issues, ledger
from digest.storage.database import Connection, Database
from digest.workflows.composing import compose
from digest.workflows.composing.compose import Composer
from digest.workflows.composing.preflight import Report, check
from digest.workflows.sending.deliver import reclaim_rows


class Blocked(NotAllowed):
    """Blocking checks stop the issue; `report` has them."""

    def __init__(self, report: Report, unknown: str = "") -> None:
        ids = ", ".join(sorted({finding.id for finding in report.blocks}))
        super().__init__(
            f"Issue {report.issue.ref} does not pass its checks: {ids}.{unknown}",
            mend=f"See `digest check {report.issue.ref}`; `--override CHECK-ID` lets one pass by name.",
        )
        self.report = report


def approve(
    issue: Issue,
    *,
    composer: Composer,
    database: Database,
    by: Actor,
    overrides: Collection[str] = (),
    send_at: datetime | None = None,
    now: datetime,
) -> Issue:
    """Freeze content and audience; from here on nothing about the issue changes.

    It goes out at its slot, or at `send_at`.

    Raises:
        Blocked: a blocking check is not overridden.
        NotAllowed: it is not a draft any more, nobody would get it, or the time is over.
    """
    if send_at is not None:
        send_at = check_send_at(send_at, now=now)
    if issue.state not in approval.CAN_APPROVE:
        raise NotAllowed(f"Issue {issue.ref} is {issue.state.said}: only a draft can be approved.")
    if issue.content_hash:
        raise NotAllowed(
            f"Issue {issue.ref} was approved before it was held.", mend=f"`digest resume {issue.ref}`"
        )
    # Printed once: what is checked is the very rendering that is frozen.
    rendered = compose.rendered(composer, issue, now=now)
    issue = replace(issue, rendered=rendered)
    report = check(issue, composer=composer, database=database, now=now)
    # Whether somebody gets it is counted below, once the audience is frozen, and no override changes it.
    if approval.blocked_by({f.id for f in report.blocks} - {"recipients"}, set(overrides)):
        raise Blocked(report)
    used = sorted({f.id for f in report.blocks} & set(overrides))
    content_hash = compose.compiled(composer, issue, now=now).content_hash
    with database.write() as connection:
        done = issues.freeze(
            connection,
            issue.id,
            revision=issue.revision,
            rendered=rendered,
            content_hash=content_hash,
            at=now,
            by=by.name,
            overrides=used,
            send_at=send_at,
        )
        if not done:
            raise _overtaken(connection, issue)
        ledger.freeze_audience(connection, issue.id, issue.newsletter, at=now)
        counts = ledger.counts(connection, issue.id, now=now)
        if not counts.adds_up:
            raise NotAllowed(
                f"The audience of {issue.ref} does not add up: {counts}.", mend="Please report it."
            )
        if not counts.audience:
            raise NotAllowed(
                f"Nobody would get issue {issue.ref}: {composer.newsletter.name} has no confirmed subscribers.",
                mend="Add some to the file named in `subscribers`, then `digest collect`.",
            )
        what = f"approved for {counts.audience} people" + (f", overriding {', '.join(used)}" if used else "")
        what += f", to go out at {send_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if send_at else ""
        activity_log.record_of_issue(connection, issue, ActivityKind.APPROVED, what, by=by, at=now)
        return issues.by_id(connection, issue.id)


def withdraw_approval(issue: Issue, *, database: Database, by: Actor, now: datetime) -> Issue:
    """Make an approved issue a draft again, of which nothing has gone.

    Raises:
        NotAllowed: it is not approved, or is being sent.
    """
    with database.write() as connection:
        if not issues.reopen_draft(connection, issue.id):
            current = issues.by_id(connection, issue.id)
            raise NotAllowed(
                f"Issue {issue.ref} is {current.state.said}, so there is no approval to withdraw."
            )
        ledger.delete_audience(connection, issue.id)
        activity_log.record_of_issue(
            connection, issue, ActivityKind.WITHDREW_APPROVAL, "approval withdrawn", by=by, at=now
        )
        return issues.by_id(connection, issue.id)


def cancel(issue: Issue, *, database: Database, by: Actor, now: datetime) -> Issue:
    """End an issue.  Before its first hand-over its articles are free again.

    A running send stops within one window; who has it, has it.

    Raises:
        NotAllowed: it is sent, skipped or cancelled already.
    """
    with database.write() as connection:
        current = issues.by_id(connection, issue.id)
        if current.state not in approval.CAN_CANCEL:
            raise NotAllowed(f"Issue {issue.ref} is {current.state.said} and cannot be cancelled.")
        reclaim_rows(connection, issue, database=database)
        begun = _is_begun(ledger.counts(connection, issue.id, now=now))
        if begun:
            ledger.abandon_pending(connection, issue.id, detail=f"cancelled by {by.name}", now=now)
        else:
            ledger.delete_audience(connection, issue.id)
        issues.cancel(connection, current, reason=f"cancelled by {by.name}", frees_articles=not begun)
        activity_log.record_of_issue(connection, issue, ActivityKind.CANCELLED, "cancelled", by=by, at=now)
        return issues.by_id(connection, issue.id)


def _overtaken(connection: Connection, issue: Issue) -> Busy:
    if issues.by_id(connection, issue.id).revision != issue.revision:
        return Busy(f"Issue {issue.ref} was edited at this moment.", mend="Look at it again, then approve.")
    return Busy(f"Issue {issue.ref} is not a draft any more: somebody else was faster.")


def _is_begun(counts: Counts) -> bool:
    """Somebody has it, may have it, or was asked to take it."""
    return counts.audience != counts.pending + counts.deferred + counts.suppressed
