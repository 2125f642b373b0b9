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
from digest.workflows import Progress as Report
from digest.workflows import no_progress

if TYPE_CHECKING:
    from digest.workflows.composing.preflight import Report as Preflight
    from digest.workflows.sending.deliver import Sent
    from digest.workflows.sending.proof import Proof

log = logging.getLogger(__name__)


class When(Enum):
    """When an approved issue goes out, where that is no time of its own."""

    NOW = "now"
    AT_SLOT = "slot"


NOW, AT_SLOT = When.NOW, When.AT_SLOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a send is, counted from its deliveries."""

    issue: Issue
    counts: Counts
    share: float  # 0 to 1, of those who are to get it
    per_second: float  # settled since progress was last asked for; 0 at first
    left: timedelta | None  # at that rate; None where there is none
    is_running: bool  # somebody has rows in hand
    trouble: str = ""  # what ended the last send of this process
    is_ours: bool = False  # this process sends it


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What came of a decision on uncertain deliveries."""

    count: int  # how many there were
    sent: Sent  # how the issue is afterwards


class _Rates:
    """How fast deliveries are settled, between two times that somebody asks."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[float, int]] = {}  # moment and number of the settled
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

    # -- before it goes ------------------------------------------------------------

    def check(
        self, ref: str, *, online: bool = False, spam: bool = False, progress: Report = no_progress
    ) -> Preflight:
        """Run the pre-flight; `online` also asks every link and picture, and SpamAssassin as `spam` does.

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
        """Send a marked copy to each address.

        Raises:
            InvalidAddress: one of them is not an address; nothing is sent then.
            NotAllowed: there are none, or more than ten.
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
        """Approve an issue for its slot, for now, or for a time.

        `seen` is the revision that was looked at; None approves the one there is.

        Raises:
            NotFound: there is no such issue.
            Blocked: a blocking check is not overridden.
            Busy: it was edited since.
            NotAllowed: it is not a draft, or nobody would get it.
        """
        from digest.workflows.sending.approve import approve

        of, issue = self.find(ref)
        if seen is not None and issue.revision != seen:
            raise Busy(
                f"Issue {issue.ref} was edited since you looked at it.", mend="Look again, then approve."
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
        """Make an approved issue a draft again, as long as nothing of it has been sent.

        Raises:
            NotFound: there is no such issue.
            NotAllowed: it is not approved, or is being sent.
        """
        from digest.workflows.sending.approve import withdraw_approval

        return withdraw_approval(self.find(ref)[1], database=self._database, by=by, now=self._now)

    def cancel(self, ref: str, *, by: Actor) -> Issue:
        """End an issue; before its first hand-over its articles are free again."""
        from digest.workflows.sending.approve import cancel

        return cancel(self.find(ref)[1], database=self._database, by=by, now=self._now)

    def check_transport(self) -> None:
        """Find out whether the settings of the transport are complete, before anything is changed.

        Raises:
            SettingsError: they are not.
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
        progress: Report = no_progress,
    ) -> Sent:
        """Draft if needed, check, approve and deliver; asked again, it resumes.  Waits for the end.

        Blocking checks are no error here: the issue is held, with the reason.
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

    def deliver(self, ref: str, *, progress: Report = no_progress) -> Sent:
        """Bring an approved issue to what is left of its audience.  Waits for the end.

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
        """What the provider has to say to a person after a send, such as where the files are; or empty."""
        return self._container.after_send

    def pause(self, ref: str, *, by: Actor) -> Issue:
        """Stop a running send within one window of recipients."""
        from digest.workflows.sending.pause import pause

        return pause(self.find(ref)[1], database=self._database, by=by, now=self._now)

    def resume(self, ref: str, *, by: Actor) -> Issue:
        """Let a paused send go on, or one that no process sends any more.

        The senders of this process take it up; a process without any leaves it
        to `deliver`.  Where somebody else sends it, nothing happens: the
        ledger's leases are theirs.

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

        What is queued leaves by the senders of this process, or with the next
        send.  An issue that has nothing left to do is sent afterwards.

        Raises:
            NotFound: there is no such issue.
            NotAllowed: nothing of a cancelled issue is sent again.
        """
        from digest.workflows.sending.deliver import finish
        from digest.workflows.sending.send import resolve

        of, issue = self.find(ref)
        count = resolve(issue, decision=decision, database=self._database, by=by, now=self._now)
        sent = finish(issue, database=self._database, clock=self._container.clock)
        if sent.issue is not None and sent.issue.state is IssueState.SENDING and sent.counts.pending:
            self._start(of, sent.issue)
        return Resolved(count=count, sent=sent)

    def progress(self, ref: str) -> Progress:
        """How far its send is at this moment."""
        from digest.storage import ledger

        _, issue = self.find(ref)
        with self._database.read() as connection:
            counts = ledger.counts(connection, issue.id, now=self._now)
        waiting = counts.pending + counts.deferred + counts.in_flight
        rate = self._rates.since_last(issue, counts.audience - waiting)
        ours = self._senders.state(issue)
        is_sending = issue.state is IssueState.SENDING
        return Progress(
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
        """Let the senders of this process take up what was being sent when the last process ended."""
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
        """What ended the send, for whoever looks at the issue; empty where nothing is wrong."""
        ref = f"{newsletter}/{number}"
        try:
            if self.find(ref)[1].state not in approval.CAN_SEND:
                return ""
            trouble = self.deliver(ref).trouble
        except Busy:
            return ""  # another process sends it
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
