"""Approves issues, withdraws approvals and cancels: what must be true before an issue is sent."""

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
    """Blocking checks stop the issue; `report` lists them."""

    def __init__(self, report: Report, unknown: str = "") -> None:
        ids = ", ".join(sorted({finding.id for finding in report.blocks}))
        super().__init__(
            f"Issue {report.issue.ref} does not pass its checks: {ids}.{unknown}",
            mend=f"See `digest check {report.issue.ref}`; `--override CHECK-ID` overrides one check.",
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
    """Freeze content and audience; after that nothing about the issue changes.

    It is sent at its slot, or at `send_at`.

    Raises:
        Blocked: a blocking check is not overridden.
        NotAllowed: it is no longer a draft, nobody would get it, or `send_at` is in the past.
        Busy: another editor changed or approved it at the same moment.
    """
    if send_at is not None:
        send_at = check_send_at(send_at, now=now)
    _refuse_unless_draft(issue)
    # Rendered once, so that the checks see exactly the rendering that is frozen.
    rendered = compose.rendered(composer, issue, now=now)
    issue = replace(issue, rendered=rendered)
    report = check(issue, composer=composer, database=database, now=now)
    used = _overrides_used(report, set(overrides))
    content_hash = compose.compiled(composer, issue, now=now).content_hash
    with database.write() as connection:
        is_frozen = issues.freeze(
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
        if not is_frozen:
            raise _overtaken(connection, issue)
        counts = _freeze_audience(connection, issue, now=now)
        what = _approval_entry(counts, overrides=used, send_at=send_at)
        activity_log.record_of_issue(connection, issue, ActivityKind.APPROVED, what, by=by, at=now)
        return issues.by_id(connection, issue.id)


def _refuse_unless_draft(issue: Issue) -> None:
    if issue.state not in approval.CAN_APPROVE:
        raise NotAllowed(f"Issue {issue.ref} is {issue.state.said}: only a draft can be approved.")
    if issue.content_hash:
        raise NotAllowed(
            f"Issue {issue.ref} was approved before it was held.", mend=f"Run `digest resume {issue.ref}`."
        )


def _overrides_used(report: Report, overrides: set[str]) -> list[str]:
    """The ids of the blocking checks that are overridden.

    An empty audience is not decided here: it is counted once the audience is
    frozen, and no override changes that.

    Raises:
        Blocked: a blocking check is not overridden.
    """
    blocking = {finding.id for finding in report.blocks}
    if approval.blocked_by(blocking - {"recipients"}, overrides):
        raise Blocked(report)
    return sorted(blocking & overrides)


def _freeze_audience(connection: Connection, issue: Issue, *, now: datetime) -> Counts:
    """Raises NotAllowed if nobody would get the issue, or if the counts do not add up."""
    ledger.freeze_audience(connection, issue.id, issue.newsletter, at=now)
    counts = ledger.counts(connection, issue.id, now=now)
    if not counts.adds_up:
        raise NotAllowed(
            f"The audience of {issue.ref} does not add up: {counts}.",
            mend="This is a bug in digest. Please report it.",
        )
    if not counts.audience:
        raise NotAllowed(
            f"Nobody would get issue {issue.ref}: {issue.newsletter} has no confirmed subscribers.",
            mend="Add some to the file named in `subscribers`, then run `digest collect`.",
        )
    return counts


def _approval_entry(counts: Counts, *, overrides: Collection[str], send_at: datetime | None) -> str:
    """The approval as the activity log words it."""
    what = f"approved for {counts.audience} people"
    if overrides:
        what += f", overriding {', '.join(overrides)}"
    if send_at:
        what += f", to be sent at {send_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return what


def withdraw_approval(issue: Issue, *, database: Database, by: Actor, now: datetime) -> Issue:
    """Make an approved issue a draft again, before anything of it is sent.

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
    """Cancel an issue.  If no message was handed over yet, its articles can be used again.

    A running send stops within one window; messages already handed over cannot be recalled.

    Raises:
        NotAllowed: it is already sent, skipped or cancelled.
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
        return Busy(
            f"Issue {issue.ref} was edited at the same moment.", mend="Review it again, then approve it."
        )
    return Busy(f"Issue {issue.ref} is no longer a draft: somebody else was faster.")


def _is_begun(counts: Counts) -> bool:
    """Somebody has received it, may have received it, or was refused by a server."""
    return counts.audience != counts.pending + counts.deferred + counts.suppressed
