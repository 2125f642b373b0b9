"""What editors and programs can do to issues: one place for the desk and the API.

Each method finds the issue as it is now and leaves the deciding to a workflow.
A send that is asked for here runs in a thread of this process; the ledger's
leases see to it that no other process sends the same issue at the same time,
and whoever comes later takes it up where a crash left it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from digest.errors import Busy, DigestError, NotAllowed, NotFound
from digest.model.article import Article, Reading, Validators
from digest.model.delivery import Counts, Outcome
from digest.model.edit import Edit
from digest.model.issue import Issue, IssueState, Selection
from digest.model.newsletter import Newsletter, SourceSpec
from digest.rules import approval
from digest.rules.email_addresses import parse_address
from digest.rules.marks import Mark
from digest.storage import activity_log, issues, ledger
from digest.views.home import source_slug
from digest.wiring import Container
from digest.workflows.collecting.collect import Collected, collect
from digest.workflows.collecting.inspect_source import SourceInspection, inspect
from digest.workflows.drafting import edit as editing
from digest.workflows.drafting import marks as marking
from digest.workflows.drafting import share as sharing
from digest.workflows.drafting.draft import draft
from digest.workflows.drafting.edit import Conflict, Edited, EditedAll, Refusal
from digest.workflows.sending import approve as approving
from digest.workflows.sending import pause as pausing
from digest.workflows.sending import send as sending
from digest.workflows.sending.deliver import deliver
from digest.workflows.sending.proof import send_proof

log = logging.getLogger(__name__)

_MOST_PROOFS = 10
_MOST_LOOKS = 4  # at sources, at the same time: one that nobody waits for any more still reads
_PATIENCE = 30.0  # seconds that a stop waits for a sender of this process


class When(Enum):
    """When an approved issue goes, where that is no time of its own."""

    NOW = "now"
    AT_SLOT = "slot"


Now, AtSlot = When.NOW, When.AT_SLOT


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofed:
    """What became of one proof."""

    address: str
    accepted: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a send is, counted from its deliveries."""

    issue: Issue
    counts: Counts
    share: float  # 0 to 1, of those who are to get it
    per_second: float  # settled since progress was asked for before; 0 at first
    left: timedelta | None  # at that rate; None where there is none
    is_running: bool  # somebody has rows in hand
    trouble: str = ""  # what ended the last send of this process
    is_ours: bool = False  # this process sends it


class Actions:
    """Made once for a process; `close` waits for what it sends."""

    def __init__(self, parts: Container) -> None:
        self._parts = parts
        self._senders: dict[int, threading.Thread] = {}
        self._troubles: dict[int, str] = {}
        self._again: set[int] = set()  # sends that were asked for while one was ending
        self._seen: dict[int, tuple[float, int]] = {}  # moment and number of the settled
        self._lock = threading.Lock()
        self._looks = threading.BoundedSemaphore(_MOST_LOOKS)

    def find(self, newsletter: str, number: int) -> tuple[Newsletter, Issue]:
        """Raises NotFound."""
        return self._parts.issue(f"{newsletter}/{number}")

    # -- content -------------------------------------------------------------------

    def edit(self, newsletter: str, number: int, what: Edit, *, by: str, seen: int) -> Edited | Conflict:
        """Carry out one edit; see `workflows.drafting.edit`."""
        of, issue = self.find(newsletter, number)
        return editing.edit(
            issue,
            what,
            newsletter=of,
            by=by,
            seen_revision=seen,
            database=self._parts.database,
            now=self._parts.clock(),
            illustrate=self._parts.illustrate(of),
        )

    def edit_all(
        self, newsletter: str, number: int, edits: Sequence[Edit], *, by: str, seen: int
    ) -> EditedAll | Refusal:
        """Carry out all of them or none; see `workflows.drafting.edit`."""
        of, issue = self.find(newsletter, number)
        return editing.edit_all(
            issue,
            edits,
            newsletter=of,
            by=by,
            seen_revision=seen,
            database=self._parts.database,
            now=self._parts.clock(),
            illustrate=self._parts.illustrate(of),
        )

    def undo(self, newsletter: str, number: int, *, by: str, seen: int) -> Edited | Conflict:
        _, issue = self.find(newsletter, number)
        parts = self._parts
        return editing.undo(issue, by=by, seen_revision=seen, database=parts.database, now=parts.clock())

    def redo(self, newsletter: str, number: int, *, by: str, seen: int) -> Edited | Conflict:
        _, issue = self.find(newsletter, number)
        parts = self._parts
        return editing.redo(issue, by=by, seen_revision=seen, database=parts.database, now=parts.clock())

    # -- going out -----------------------------------------------------------------

    def approve(
        self,
        newsletter: str,
        number: int,
        *,
        by: str,
        seen: int,
        when: When | datetime = AtSlot,
        overrides: Sequence[str] = (),
    ) -> Issue:
        """Approve the revision that was looked at: for its slot, for now, or for a time.

        Raises:
            Blocked: a blocking check is not overridden.
            Busy: it was edited since.
            NotAllowed: it is no draft, or nobody would get it.
        """
        of, issue = self.find(newsletter, number)
        if issue.revision != seen:
            raise Busy(
                f"Issue {issue.ref} was edited since you looked at it.", mend="Look again, then approve."
            )
        parts = self._parts
        approving.approve(
            issue,
            press=parts.press(of),
            database=parts.database,
            by=by,
            overrides=overrides,
            send_at=when if isinstance(when, datetime) else None,
            now=parts.clock(),
        )
        if when is Now:
            self._begin(newsletter, number)
        return self.find(newsletter, number)[1]

    def take_back(self, newsletter: str, number: int, *, by: str) -> Issue:
        """Make an approved issue a draft again, of which nothing has gone.

        Raises:
            NotAllowed: it is not approved, or is being sent.
        """
        _, issue = self.find(newsletter, number)
        parts = self._parts
        with parts.database.write() as connection:
            if not issues.reopen_draft(connection, issue.id):
                current = issues.by_id(connection, issue.id)
                raise NotAllowed(f"Issue {issue.ref} is {current.state.said}: no approval can be taken back.")
            ledger.delete_audience(connection, issue.id)
            activity_log.record(
                connection,
                "approval taken back",
                at=parts.clock(),
                newsletter=newsletter,
                subject=issue.ref,
                who=by,
            )
            return issues.by_id(connection, issue.id)

    def cancel(self, newsletter: str, number: int, *, by: str) -> Issue:
        _, issue = self.find(newsletter, number)
        return approving.cancel(issue, database=self._parts.database, by=by, now=self._parts.clock())

    def pause(self, newsletter: str, number: int, *, by: str) -> Issue:
        _, issue = self.find(newsletter, number)
        return pausing.pause(issue, database=self._parts.database, by=by, now=self._parts.clock())

    def resume(self, newsletter: str, number: int, *, by: str) -> Issue:
        """Send on from here, in this process: what was paused, or what nobody sends any more.

        Where somebody else does send it, nothing happens: the ledger's leases are theirs.
        """
        _, issue = self.find(newsletter, number)
        if issue.state is IssueState.SENDING:
            self._begin(newsletter, number)
            return issue
        resumed = pausing.resume(issue, database=self._parts.database, by=by, now=self._parts.clock())
        self._begin(newsletter, number)
        return resumed

    def resolve(self, newsletter: str, number: int, *, decision: str, by: str) -> int:
        _, issue = self.find(newsletter, number)
        parts = self._parts
        return sending.resolve(issue, decision=decision, database=parts.database, by=by, now=parts.clock())

    def proof(self, newsletter: str, number: int, *, to: Sequence[str], by: str) -> tuple[Proofed, ...]:
        """Send a marked copy to each address.

        Raises:
            InvalidAddress: one of them is none; nothing is sent then.
            NotAllowed: there are none, or more than ten.
        """
        if not 0 < len(to) <= _MOST_PROOFS:
            raise NotAllowed(f"A proof goes to one to {_MOST_PROOFS} addresses, not to {len(to)}.")
        of, issue = self.find(newsletter, number)
        addresses = [parse_address(one).address for one in to]
        told = tuple(self._proof(of, issue, address) for address in addresses)
        with self._parts.database.write() as connection:
            what = f"proof sent to {sum(one.accepted for one in told)} of {len(told)} addresses"
            activity_log.record(
                connection, what, at=self._parts.clock(), newsletter=newsletter, subject=issue.ref, who=by
            )
        return told

    def _proof(self, of: Newsletter, issue: Issue, address: str) -> Proofed:
        parts = self._parts
        try:
            receipt = send_proof(
                issue, to=address, press=parts.press(of), transport=parts.transport(), now=parts.clock()
            )
        except DigestError as error:
            return Proofed(address=address, accepted=False, detail=error.message)
        return Proofed(address=address, accepted=receipt.outcome is Outcome.ACCEPTED, detail=receipt.detail)

    def progress(self, newsletter: str, number: int) -> Progress:
        """How far it is at this moment."""
        _, issue = self.find(newsletter, number)
        with self._parts.database.read() as connection:
            counts = ledger.counts(connection, issue.id, now=self._parts.clock())
        waiting = counts.pending + counts.deferred + counts.in_flight
        settled, moment = counts.audience - waiting, time.monotonic()
        with self._lock:
            then, before = self._seen.get(issue.id, (moment, settled))
            self._seen[issue.id] = (moment, settled)
            sender = self._senders.get(issue.id)
            trouble = self._troubles.get(issue.id, "")
        rate = max(0, settled - before) / (moment - then) if moment > then else 0.0
        is_sending = issue.state is IssueState.SENDING
        return Progress(
            issue=issue,
            counts=counts,
            share=settled / counts.audience if counts.audience else 0.0,
            per_second=rate,
            left=timedelta(seconds=waiting / rate) if rate and waiting else None,
            is_running=is_sending and (counts.in_flight > 0 or (sender is not None and sender.is_alive())),
            trouble=trouble,
            is_ours=sender is not None and sender.is_alive(),
        )

    # -- the newsletter ------------------------------------------------------------

    def collect(self, newsletter: str, *, by: str) -> tuple[Collected, ...]:  # noqa: ARG002 - read by anyone
        parts = self._parts
        of = parts.newsletter(newsletter)
        found = collect(of, database=parts.database, read=parts.read_source, now=parts.clock())
        return tuple(found)

    def look_at(self, newsletter: str, source: str) -> SourceInspection:
        """What a source shows now, by the name that the desk calls it; nothing of it is kept.

        Raises:
            NotFound: there is no such newsletter or source.
            Busy: several are being looked at already.
        """
        parts = self._parts
        of = parts.newsletter(newsletter)
        spec = next((one for one in of.sources if source_slug(of, one) == source), None)
        if spec is None:
            raise NotFound(f"{of.title} has no source “{source}”.", mend="Home lists the ones there are.")
        if not self._looks.acquire(blocking=False):
            raise Busy("Several sources are being looked at just now.", mend="Try again in half a minute.")

        def read(spec: SourceSpec, validators: Validators) -> Reading:
            try:
                return parts.read_source(spec, validators)
            finally:
                self._looks.release()

        return inspect(spec, newsletter=of, database=parts.database, read=read, now=parts.clock())

    def draft(self, newsletter: str, *, by: str) -> Issue | Selection:
        parts = self._parts
        of = parts.newsletter(newsletter)
        made = draft(
            of,
            database=parts.database,
            now=parts.clock(),
            press=parts.press(of),
            illustrate=parts.illustrate(of),
        )
        if isinstance(made, Issue):
            with parts.database.write() as connection:
                activity_log.record(
                    connection,
                    "draft asked for",
                    at=parts.clock(),
                    newsletter=newsletter,
                    subject=made.ref,
                    who=by,
                )
        return made

    def mark(self, newsletter: str, url: str, how: Mark, *, by: str, why: str = "") -> list[Article]:
        """Mark an article of this newsletter by hand; see `workflows.drafting.marks`."""
        parts = self._parts
        of = parts.newsletter(newsletter)
        return marking.mark(
            url, how, newsletters=[of], database=parts.database, by=by, why=why, now=parts.clock()
        )

    def share(self, newsletter: str, number: int, *, by: str, length: timedelta) -> tuple[str, datetime]:
        _, issue = self.find(newsletter, number)
        return sharing.share(
            issue,
            length=length,
            public_url=self._parts.settings.site.public_url,
            keys=self._parts.secret_keys,
            database=self._parts.database,
            by=by,
            now=self._parts.clock(),
        )

    def take_up(self) -> None:
        """Go on with what was being sent when the last process ended: called when one begins."""
        for newsletter in self._parts.newsletters:
            with self._parts.database.read() as connection:
                begun = issues.open_one(connection, newsletter.name)
            if begun is not None and begun.state is IssueState.SENDING:
                self._begin(newsletter.name, begun.number)

    def close(self) -> None:
        """Wait for the senders of this process; one that takes longer is resumed by whoever comes next."""
        until = time.monotonic() + _PATIENCE
        with self._lock:
            senders = list(self._senders.values())
        for sender in senders:
            sender.join(timeout=max(0.0, until - time.monotonic()))

    # -- sending in this process ---------------------------------------------------

    def _begin(self, newsletter: str, number: int) -> None:
        of, issue = self.find(newsletter, number)
        with self._lock:
            running = self._senders.get(issue.id)
            if running is not None and running.is_alive():
                # It may have seen a pause and be about to end: it looks once more before it does.
                self._again.add(issue.id)
                return
            self._troubles.pop(issue.id, None)
            sender = threading.Thread(
                target=self._send, args=(of, issue), name=f"send {issue.ref}", daemon=True
            )
            self._senders[issue.id] = sender
            sender.start()

    def _send(self, of: Newsletter, issue: Issue) -> None:
        """Send until nobody has asked for more since."""
        while True:
            self._deliver(of, issue)
            with self._lock:
                if issue.id not in self._again:
                    self._senders.pop(issue.id, None)
                    return
                self._again.remove(issue.id)
            _, issue = self.find(of.name, issue.number)
            if issue.state not in approval.CAN_SEND:
                return

    def _deliver(self, of: Newsletter, issue: Issue) -> None:
        parts = self._parts
        try:
            sent = deliver(
                issue, press=parts.press(of), database=parts.database, wire=parts.wire(), clock=parts.clock
            )
        except Busy:
            return  # another process sends it
        except Exception as error:
            log.exception("actions.send_failed: %s", issue.ref)
            what = error.message if isinstance(error, DigestError) else f"{type(error).__name__}: {error}"
            self._tell(of, issue, what)
        else:
            if sent.trouble:
                self._tell(of, issue, sent.trouble)

    def _tell(self, of: Newsletter, issue: Issue, trouble: str) -> None:
        with self._lock:
            self._troubles[issue.id] = trouble
        with self._parts.database.write() as connection:
            activity_log.record(
                connection,
                f"sending stopped: {trouble}",
                at=self._parts.clock(),
                newsletter=of.name,
                subject=issue.ref,
            )
