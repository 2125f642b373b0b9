"""Sending: check, approve and withdraw, send, pause and resume, decide on uncertain deliveries."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from digest.application.binding import Bound
from digest.errors import Busy, DigestError
from digest.model.activity import ActivityKind, Actor
from digest.model.delivery import Counts
from digest.model.issue import Issue, IssueState
from digest.model.newsletter import Newsletter
from digest.rules import approval
from digest.workflows import ReportProgress, no_progress

if TYPE_CHECKING:
    from digest.workflows.composing.preflight import Report
    from digest.workflows.sending.deliver import Sent
    from digest.workflows.sending.proof import Proof

log = logging.getLogger(__name__)


class When(Enum):
    """When an approved issue is sent, if not at a given time."""

    NOW = "now"
    AT_SLOT = "slot"


NOW, AT_SLOT = When.NOW, When.AT_SLOT


@dataclass(frozen=True, slots=True, kw_only=True)
class SendProgress:
    """How far a send is, counted from its deliveries."""

    issue: Issue
    counts: Counts
    share: float  # 0 to 1, of the audience
    per_second: float  # deliveries settled since the last call; 0 on the first
    left: timedelta | None  # at that rate; None if the rate is 0 or nothing is left
    is_running: bool  # some process has deliveries in flight
    trouble: str = ""  # the error that ended this process's last send
    is_ours: bool = False  # this process sends it


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The result of a decision on uncertain deliveries."""

    count: int  # how many there were
    sent: Sent  # how the issue is afterwards


class _Rates:
    """How fast deliveries are settled between two calls."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[float, int]] = {}  # time and number settled
        self._lock = threading.Lock()

    def since_last(self, issue: Issue, settled: int) -> float:
        moment = time.monotonic()
        with self._lock:
            then, before = self._seen.get(issue.id, (moment, settled))
            self._seen[issue.id] = (moment, settled)
        return max(0, settled - before) / (moment - then) if moment > then else 0.0


class Sending(Bound):
    @cached_property
    def _rates(self) -> _Rates:
        return _Rates()

    # -- before sending ------------------------------------------------------------

    def check(
        self, ref: str, *, online: bool = False, spam: bool = False, progress: ReportProgress = no_progress
    ) -> Report:
        """Run the pre-flight checks; `online` also tests links and images, and includes `spam`.

        Raises:
            NotFound: there is no such issue.
            TemplateError: a template does not load or render.
        """
        from digest.workflows.composing.preflight import check

        of, issue = self.find(ref)
        composer = self._composer(of)
        report = check(issue, composer=composer, database=self._database, now=self._now)
        if not online and not spam:
            return report
        from digest.workflows.composing.online_checks import add_online_checks, add_spam_check

        if online:
            report = add_online_checks(
                report, composer=composer, fetcher=self._container.fetcher, progress=progress
            )
        return add_spam_check(report)

    def proof(self, ref: str, *, to: Sequence[str], by: Actor) -> tuple[Proof, ...]:
        """Send a test copy, marked as such, to each address.

        Raises:
            InvalidAddress: one of them is not an address; nothing is sent.
            NotAllowed: no address was given, or more than ten.
        """
        from digest.workflows.sending.proof import send_proofs

        of, issue = self.find(ref)
        return send_proofs(
            issue,
            to=to,
            composer=self._composer(of),
            open_transport=self._container.transport,
            database=self._database,
            by=by,
            now=self._now,
        )

    # -- approving -------------------------------------------------------------------

    def approve(
        self,
        ref: str,
        *,
        by: Actor,
        seen: int | None = None,
        when: When | datetime = AT_SLOT,
        overrides: Sequence[str] = (),
    ) -> Issue:
        """Approve an issue for its slot, to be sent now, or for a given time.

        `seen` is the revision the person saw; None approves the current one.

        Raises:
            NotFound: there is no such issue.
            Blocked: a blocking check failed and is not overridden.
            Busy: it was edited since.
            NotAllowed: it is not a draft, or it has no recipients.
        """
        from digest.workflows.sending.approve import approve

        of, issue = self.find(ref)
        if seen is not None and issue.revision != seen:
            raise Busy(
                f"Issue {issue.ref} was edited since you looked at it.",
                mend="Review it again, then approve it.",
            )
        approved = approve(
            issue,
            composer=self._composer(of),
            database=self._database,
            by=by,
            overrides=overrides,
            send_at=when if isinstance(when, datetime) else None,
            now=self._now,
        )
        if when is NOW:
            self._start(of, approved)
        return self.find(ref)[1]

    def withdraw_approval(self, ref: str, *, by: Actor) -> Issue:
        """Make an approved issue a draft again, while nothing of it has been sent.

        Raises:
            NotFound: there is no such issue.
            NotAllowed: it is not approved, or is being sent.
        """
        from digest.workflows.sending.approve import withdraw_approval

        return withdraw_approval(self.find(ref)[1], database=self._database, by=by, now=self._now)

    def cancel(self, ref: str, *, by: Actor) -> Issue:
        """Cancel an issue; if no mail was handed over, its articles are free for another."""
        from digest.workflows.sending.approve import cancel

        return cancel(self.find(ref)[1], database=self._database, by=by, now=self._now)

    def check_transport(self) -> None:
        """Check that the transport's settings are complete, before anything is changed.

        Raises:
            SettingsError: they are incomplete.
        """
        self._container.send_options()

    # -- sending -----------------------------------------------------------------------

    def send(
        self,
        newsletter: str | None,
        *,
        by: Actor,
        yes: bool = False,
        overrides: Sequence[str] = (),
        slot_key: str = "",
        progress: ReportProgress = no_progress,
    ) -> Sent:
        """Draft if needed, check, approve and deliver; called again, it resumes.  Returns at the end.

        A blocking check raises nothing here: the issue is held, with the reason.
        """
        from digest.workflows.sending.approve import Blocked
        from digest.workflows.sending.deliver import Sent
        from digest.workflows.sending.send import send

        of = self.newsletter(newsletter)
        try:
            return send(
                of,
                composer=self._composer(of),
                database=self._database,
                options=self._container.send_options(),
                clock=self._container.clock,
                by=by,
                yes=yes,
                overrides=overrides,
                slot_key=slot_key,
                choose_images=self._container.choose_images(of),
                progress=progress,
            )
        except Blocked as blocked:
            return Sent(issue=blocked.report.issue, state="held", reason=str(blocked))

    def deliver(self, ref: str, *, progress: ReportProgress = no_progress) -> Sent:
        """Send an approved issue to the rest of its audience.  Returns at the end.

        Raises:
            Busy: another process is sending it.
            NotAllowed: it is not approved.
        """
        from digest.workflows.sending.deliver import deliver

        of, issue = self.find(ref)
        return deliver(
            issue,
            composer=self._composer(of),
            database=self._database,
            options=self._container.send_options(),
            clock=self._container.clock,
            progress=progress,
        )

    @property
    def after_send(self) -> str:
        """The provider's note after a send, such as where the files are; or empty."""
        return self._container.after_send

    def pause(self, ref: str, *, by: Actor) -> Issue:
        """Pause a running send within one window of recipients."""
        from digest.workflows.sending.pause import pause

        return pause(self.find(ref)[1], database=self._database, by=by, now=self._now)

    def resume(self, ref: str, *, by: Actor) -> Issue:
        """Resume a paused send, or one that no process is sending any more.

        The senders of this process continue it; a process without senders leaves
        that to `deliver`.  If another process is sending it, nothing happens,
        since that process holds the ledger's leases.

        Raises:
            NotFound: there is no such issue.
            NotAllowed: it is not held partway through its send.
        """
        from digest.workflows.sending.pause import resume, resume_stalled

        of, issue = self.find(ref)
        if issue.state is IssueState.SENDING:
            resume_stalled(issue, database=self._database, by=by, now=self._now)
        else:
            issue = resume(issue, database=self._database, by=by, now=self._now)
        self._start(of, issue)
        return issue

    def resolve(self, ref: str, *, decision: str, by: Actor) -> Resolved:
        """Decide on uncertain deliveries: "resend" queues them again, "skip" closes them.

        The senders of this process, or the next send, deliver what is queued.  An
        issue with nothing left to deliver becomes sent.

        Raises:
            NotFound: there is no such issue.
            NotAllowed: the issue is cancelled, so nothing can be resent.
        """
        from digest.workflows.sending.deliver import finish
        from digest.workflows.sending.send import resolve

        of, issue = self.find(ref)
        count = resolve(issue, decision=decision, database=self._database, by=by, now=self._now)
        sent = finish(issue, database=self._database, clock=self._container.clock)
        if sent.issue is not None and sent.issue.state is IssueState.SENDING and sent.counts.pending:
            self._start(of, sent.issue)
        return Resolved(count=count, sent=sent)

    def progress(self, ref: str) -> SendProgress:
        """How far the issue's send is now."""
        from digest.storage import ledger

        _, issue = self.find(ref)
        with self._database.read() as connection:
            counts = ledger.counts(connection, issue.id, now=self._now)
        waiting = counts.pending + counts.deferred + counts.in_flight
        rate = self._rates.since_last(issue, counts.audience - waiting)
        ours = self._senders.state(issue)
        is_sending = issue.state is IssueState.SENDING
        return SendProgress(
            issue=issue,
            counts=counts,
            share=(counts.audience - waiting) / counts.audience if counts.audience else 0.0,
            per_second=rate,
            left=timedelta(seconds=waiting / rate) if rate and waiting else None,
            is_running=is_sending and (counts.in_flight > 0 or ours.is_running),
            trouble=ours.trouble,
            is_ours=ours.is_running,
        )

    def resume_interrupted(self) -> None:
        """Have this process resume the sends that were running when the last process ended."""
        from digest.storage import issues

        for newsletter in self.newsletters:
            with self._database.read() as connection:
                begun = issues.open_one(connection, newsletter.name)
            if begun is not None and begun.state is IssueState.SENDING:
                self._start(newsletter, begun)

    # -- in the background ----------------------------------------------------------------

    def _start(self, of: Newsletter, issue: Issue) -> None:
        self._senders.start(issue, lambda: self._deliver_in_background(of.name, issue.number))

    def _deliver_in_background(self, newsletter: str, number: int) -> str:
        """The error that ended the send, for the issue page; empty if there was none."""
        ref = f"{newsletter}/{number}"
        try:
            if self.find(ref)[1].state not in approval.CAN_SEND:
                return ""
            trouble = self.deliver(ref).trouble
        except Busy:
            return ""  # another process is sending it
        except Exception as error:
            log.exception("sending.failed: %s", ref)
            trouble = error.message if isinstance(error, DigestError) else f"{type(error).__name__}: {error}"
        if trouble:
            self._record_trouble(ref, trouble)
        return trouble

    def _record_trouble(self, ref: str, trouble: str) -> None:
        from digest.storage import activity_log

        _, issue = self.find(ref)
        with self._database.write() as connection:
            activity_log.record_of_issue(
                connection, issue, ActivityKind.STOPPED, f"sending stopped: {trouble}", at=self._now
            )
