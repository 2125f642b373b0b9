"""Drafts, checks and approves a newsletter's issue, and hands it to `deliver`.

Run again, it resumes an issue that was begun.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from digest.errors import NotAllowed
from digest.model.activity import ActivityKind, Actor
from digest.model.delivery import DeliveryState
from digest.model.issue import Issue, IssueState, Selection
from digest.model.newsletter import Newsletter
from digest.rules import approval
from digest.storage import activity_log, issues, ledger
from digest.storage.database import Database
from digest.workflows import ReportProgress, no_progress
from digest.workflows.composing.compose import Composer
from digest.workflows.composing.images import ChooseImages
from digest.workflows.drafting.draft import draft
from digest.workflows.sending.approve import Blocked, approve
from digest.workflows.sending.deliver import Clock, SendOptions, Sent, deliver, finish, reclaim_rows


def send(  # noqa: PLR0913 - each is a separate thing that only the caller knows
    newsletter: Newsletter,
    *,
    composer: Composer,
    database: Database,
    options: SendOptions,
    clock: Clock,
    by: Actor,
    yes: bool = False,
    overrides: Collection[str] = (),
    slot_key: str = "",
    choose_images: ChooseImages | None = None,
    progress: ReportProgress = no_progress,
) -> Sent:
    """Send the newsletter's open issue, or a new one, to its subscribers.

    Raises:
        Blocked: a blocking check is not overridden.
        Busy: another process is sending it.
    """
    began = clock()
    if slot_key and (later := _approved_for_later(newsletter, database=database, now=began)):
        return Sent(issue=None, state=IssueState.SKIPPED.value, reason=later)
    issue = _begun(
        newsletter,
        composer=composer,
        database=database,
        by=by,
        clock=clock,
        slot_key=slot_key,
        choose_images=choose_images,
    )
    if isinstance(issue, Selection):
        return Sent(issue=None, state=IssueState.SKIPPED.value, reason=issue.nothing, nothing=issue)
    if issue.state not in approval.OPEN | approval.CAN_SEND:
        # This slot's issue is already finished: one slot makes one issue.
        return finish(issue, database=database, clock=clock)
    if issue.state in approval.CAN_APPROVE:
        if why := approval.needs_person(held=_why_held(issue), required=newsletter.needs_approval, yes=yes):
            policy = _at_deadline(newsletter, issue, why, slot_key=slot_key, now=began)
            if policy == "skip":
                return _skip(issue, database=database, by=by, clock=clock)
            if policy == "hold":
                return _hold(issue, why, database=database, by=by, clock=clock)
            by = replace(by, name='on_deadline = "send"')
        if not issue.content_hash:  # an issue held by the circuit breaker is already approved
            issue = _approved(issue, composer, database, by=by, overrides=overrides, clock=clock)
    return deliver(
        issue, composer=composer, database=database, options=options, clock=clock, progress=progress
    )


def _why_held(issue: Issue) -> str:
    return issue.reason if issue.state is IssueState.HELD else ""


def resolve(issue: Issue, *, decision: str, database: Database, by: Actor, now: datetime) -> int:
    """Apply a person's decision on uncertain deliveries, "resend" or "skip"; returns how many there were.

    Raises:
        NotAllowed: the decision is to resend, but the issue is cancelled.
    """
    to = DeliveryState.PENDING if decision == "resend" else DeliveryState.ABANDONED
    with database.write() as connection:
        if decision == "resend" and issues.by_id(connection, issue.id).state is IssueState.CANCELLED:
            raise NotAllowed(
                f"Issue {issue.ref} is cancelled, so nothing of it can be resent.",
                mend=f"Close its uncertain deliveries with `digest resolve {issue.ref} --uncertain skip`.",
            )
        reclaim_rows(connection, issue, database=database)
        count = ledger.resolve(
            connection,
            issue.id,
            to=to,
            detail=f"uncertain; {decision}, decided by {by.name}",
            not_before=None,
            now=now,
        )
        what = f"{count} uncertain: {decision}"
        activity_log.record_of_issue(connection, issue, ActivityKind.RESOLVED, what, by=by, at=now)
    return count


def _approved_for_later(newsletter: Newsletter, *, database: Database, now: datetime) -> str:
    """Why a slot sends nothing: the open issue is approved for a later time.  Empty if it is not."""
    with database.read() as connection:
        begun = issues.open_one(connection, newsletter.name)
    if (
        begun is None
        or begun.state is not IssueState.APPROVED
        or begun.send_at is None
        or begun.send_at <= now
    ):
        return ""
    local = begun.send_at.astimezone(ZoneInfo(newsletter.timezone))
    return (
        f"issue {begun.ref} is approved for {local.day} {local:%B %Y}, {local:%H:%M} ({newsletter.timezone})"
    )


def _begun(
    newsletter: Newsletter,
    *,
    composer: Composer,
    database: Database,
    by: Actor,
    clock: Clock,
    slot_key: str,
    choose_images: ChooseImages | None,
) -> Issue | Selection:
    """The issue to resume, a new one, one with uncertain deliveries, or else the empty selection."""
    found = _open_issue(newsletter, database=database, slot_key=slot_key)
    if found is not None:
        return found
    try:
        made = draft(
            newsletter,
            database=database,
            by=by,
            now=clock(),
            composer=composer,
            choose_images=choose_images,
            slot_key=slot_key,
        )
    except NotAllowed:
        # Another sender may have drafted it at the same moment.
        found = _open_issue(newsletter, database=database, slot_key=slot_key)
        if found is None:
            raise
        return found
    if isinstance(made, Issue):
        return made
    with database.read() as connection:
        return issues.with_uncertain_deliveries(connection, newsletter.name) or made


def _open_issue(newsletter: Newsletter, *, database: Database, slot_key: str) -> Issue | None:
    """The issue that this slot made, or else the open one, which this slot then serves.

    The issue stores the slot's key, so that the slot makes no second one after a crash.
    """
    with database.write() as connection:
        made = issues.by_slot(connection, newsletter.name, slot_key) if slot_key else None
        begun = made or issues.open_one(connection, newsletter.name)
        if begun is None or not slot_key:
            return begun
        issues.give_slot(connection, begun.id, slot_key)
        return issues.by_id(connection, begun.id)


def _at_deadline(newsletter: Newsletter, issue: Issue, why: str, *, slot_key: str, now: datetime) -> str:
    """hold, skip or send for a draft nobody approved; a manual send has no deadline, so it holds."""
    if not slot_key:
        return "hold"
    waited = now - issue.created_at
    return approval.at_deadline(newsletter.on_deadline, why=why, waited=waited, ahead=newsletter.draft_ahead)


def _skip(issue: Issue, *, database: Database, by: Actor, clock: Clock) -> Sent:
    why = approval.NOBODY_APPROVED
    with database.write() as connection:
        if issues.skip(connection, issue.id, reason=why):
            what = f"skipped: {why}"
            activity_log.record_of_issue(connection, issue, ActivityKind.SKIPPED, what, by=by, at=clock())
        current = issues.by_id(connection, issue.id)
    return Sent(issue=current, state=current.state.value, reason=current.reason)


def _hold(issue: Issue, why: str, *, database: Database, by: Actor, clock: Clock) -> Sent:
    with database.write() as connection:
        if issues.move(
            connection, issue.id, to=IssueState.HELD, among=[IssueState.DRAFT, IssueState.HELD], reason=why
        ):
            what = f"held: {why}"
            activity_log.record_of_issue(connection, issue, ActivityKind.HELD, what, by=by, at=clock())
        held = issues.by_id(connection, issue.id)
        counts = ledger.counts(connection, issue.id, now=clock())
    return Sent(issue=held, state=held.state.value, reason=why, counts=counts)


def _approved(
    issue: Issue,
    composer: Composer,
    database: Database,
    *,
    by: Actor,
    overrides: Collection[str],
    clock: Clock,
) -> Issue:
    try:
        return approve(issue, composer=composer, database=database, by=by, overrides=overrides, now=clock())
    except Blocked as blocked:
        _hold(issue, blocked.message, database=database, by=by, clock=clock)
        raise
