"""Sends the editors one letter when a draft needs review.

It uses the newsletter's own transport, outside the ledger, once for each draft.
A problem with the letter is reported, and stops nothing else.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from digest.errors import DigestError
from digest.message.compile import Compiled, MessageFacts, compile_message
from digest.model.activity import SCHEDULER, ActivityKind
from digest.model.delivery import DeliveryId, Envelope, Outcome
from digest.model.issue import Issue, IssueState, Rendered
from digest.model.newsletter import Mailbox, Newsletter
from digest.rules.slots import next_slot
from digest.storage import activity_log, issues
from digest.storage.database import Database
from digest.transports import Transport
from digest.workflows.composing.compose import Composer

_AT_THE_DEADLINE = {
    "skip": "it will be skipped, and its stories will wait for the next issue.",
    "send": "it will be sent as it is, unless a check blocks it.",
}


def needs_review(issue: Issue, newsletter: Newsletter) -> bool:
    """Whether somebody must review it before it is sent; False once sending has begun."""
    if issue.content_hash:
        return False
    return issue.state is IssueState.HELD or (issue.state is IssueState.DRAFT and newsletter.needs_approval)


def tell_editors(
    issue: Issue,
    *,
    composer: Composer,
    database: Database,
    open_transport: Callable[[], Transport],
    now: datetime,
) -> str:
    """Send the letter unless it was already sent; returns what went wrong in one sentence, or empty.

    If two schedulers call this at once, only one of them sends.  The letter is
    recorded before it is sent, so after a crash it may be missing, but is never sent twice.
    """
    editors = composer.newsletter.editors
    if not editors or not needs_review(issue, composer.newsletter):
        return ""
    with database.write() as connection:
        if not issues.tell_editors_once(connection, issue.id, at=now):
            return ""
    letter = letter_about(issue, composer=composer, now=now)
    trouble = ""
    try:
        transport = open_transport()
        try:
            envelopes = [
                _envelope(issue, to, place, composer=composer, now=now) for place, to in enumerate(editors)
            ]
            receipts = list(transport.submit(letter, envelopes, on_wire=set))
        finally:
            transport.close()
    except DigestError as error:
        trouble = f"The editors could not be notified that {issue.ref} needs review: {error.message}"
        receipts = []
    refused = [receipt.detail for receipt in receipts if receipt.outcome is not Outcome.ACCEPTED]
    if refused:
        trouble = (
            f"{len(refused)} of {len(editors)} editors could not be notified "
            f"that {issue.ref} needs review: {refused[0]}"
        )
    with database.write() as connection:
        if not receipts:
            # Certainly nothing was submitted, so the next check may try again.
            issues.tell_editors_once(connection, issue.id, at=None)
        what = trouble or "the editors were notified that it needs review"
        activity_log.record_of_issue(connection, issue, ActivityKind.REMINDED, what, by=SCHEDULER, at=now)
    return trouble


def letter_about(issue: Issue, *, composer: Composer, now: datetime) -> Compiled:
    """The letter, marked as automatic; it belongs to no list, so it has no unsubscribe link."""
    newsletter = composer.newsletter
    subject = f"{newsletter.title} {issue.number} needs your review"
    paragraphs = _paragraphs(issue, composer=composer, now=now)
    title = html.escape(subject)
    body = "".join(f"<p>{html.escape(text).replace(chr(10), '<br>')}</p>" for text in paragraphs)
    rendered = Rendered(
        subject=subject,
        preheader="",
        html=f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"</head><body>{body}</body></html>\n",
        text="\n\n".join(paragraphs) + "\n",
        # It has no slots, so the nonce only has to be valid.
        nonce=hashlib.sha256(f"letter:{issue.id}:{composer.secret_keys[-1]}".encode()).hexdigest()[:20],
        language="en",
    )
    facts = MessageFacts(
        issue_ref=issue.ref,
        sender=newsletter.sender,
        list_name="",
        list_id="",
        feedback_id="",
        language="en",
        is_letter=True,
    )
    return compile_message(rendered, facts)


def _paragraphs(issue: Issue, *, composer: Composer, now: datetime) -> list[str]:
    newsletter = composer.newsletter
    stories = "\n".join(f"* {teaser.headline}" for teaser in issue.layout.teasers)
    paragraphs = [f"Issue {issue.ref} of {newsletter.title} needs your review. {issue.reason}".strip()]
    paragraphs.append(f"It contains:\n{stories}")
    paragraphs.append(f"Review it here:\n{composer.site.public_url}/desk/{newsletter.name}/{issue.number}")
    if newsletter.needs_approval and (then := _AT_THE_DEADLINE.get(newsletter.on_deadline)):
        paragraphs.append(f"If nobody approves it by {_slot(newsletter, now)}, {then}")
    return paragraphs


def _slot(newsletter: Newsletter, now: datetime) -> str:
    following = next_slot(newsletter, after=now)
    if following is None:
        return "its slot"
    local = following.due.astimezone(ZoneInfo(newsletter.timezone))
    return f"{local:%A}, {local.day} {local:%B}, {local:%H:%M} ({newsletter.timezone})"


def _envelope(issue: Issue, to: Mailbox, place: int, *, composer: Composer, now: datetime) -> Envelope:
    """The letter is outside the ledger, so its id is negative: ids of deliveries are positive."""
    sender = composer.newsletter.sender
    return Envelope(
        delivery_id=DeliveryId(-1 - place),
        address=to.address,
        name=to.name,
        return_path=sender.address,
        message_id=f"{issue.newsletter}.{issue.number}.waits.{place}.{now:%Y%m%d%H%M%S}@{sender.domain}",
        unsubscribe_url=f"{composer.site.public_url}/",
        date=now,
    )
