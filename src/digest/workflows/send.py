"""Send: from a newsletter to settled deliveries; run again, it resumes.

The order for each window of recipients is the ledger's: claim, declare the
intent just before bytes leave, submit, settle.  A crash between any two steps
leaves rows from which `recover` knows what is certain and what is not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from digest.dispatch import owner as owners
from digest.dispatch import threads
from digest.dispatch.rate import Rate
from digest.errors import Busy, NotAllowed, TransportError
from digest.message.compile import Compiled
from digest.model.delivery import Counts, Delivery, DeliveryId, DeliveryState, Receipt
from digest.model.issue import Issue, IssueState, Selection
from digest.model.newsletter import Newsletter
from digest.rules import approval, sending
from digest.storage import events, issues, ledger
from digest.storage.database import Connection, Database
from digest.transports import Transport
from digest.workflows import Progress, silent
from digest.workflows import press as printing
from digest.workflows.approve import Blocked, approve
from digest.workflows.draft import draft
from digest.workflows.press import Press

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a call of `send` came to."""

    issue: Issue | None
    state: str  # of the issue; "skipped" where there is nothing to send
    reason: str = ""
    counts: Counts = field(default_factory=Counts)
    nothing: Selection | None = None  # where there was nothing to send


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How messages leave: a transport for each sender, how many, and how fast."""

    open: Callable[[], Transport]
    senders: int = 1
    rate: Rate | None = None
    replaces: bool = False  # a repeated message takes the place of the first


def send(  # noqa: PLR0913 - each is a different thing that the caller alone knows
    newsletter: Newsletter,
    *,
    press: Press,
    database: Database,
    wire: Wire,
    clock: Clock,
    by: str,
    yes: bool = False,
    overrides: Collection[str] = (),
    slot_key: str = "",
    progress: Progress = silent,
) -> Sent:
    """Bring the newsletter's open issue, or a new one, to its readers.

    Raises:
        Blocked: a blocking check is not overridden.
        Busy: another process is sending it.
    """
    issue = _begun(newsletter, database=database, clock=clock, slot_key=slot_key)
    if isinstance(issue, Selection):
        return Sent(issue=None, state=IssueState.SKIPPED.value, reason=issue.nothing, nothing=issue)
    if issue.state not in approval.OPEN | approval.CAN_SEND:
        # This slot's issue came to its end before: one slot makes one issue.
        return finish(issue, database=database, clock=clock)
    if issue.state in approval.CAN_APPROVE:
        held = issue.reason if issue.state is IssueState.HELD else ""
        if why := approval.needs_person(held=held, required=newsletter.needs_approval, yes=yes):
            return _hold(issue, why, database=database, clock=clock)
        issue = _approved(issue, press, database, by=by, overrides=overrides, clock=clock)
    return deliver(issue, press=press, database=database, wire=wire, clock=clock, progress=progress)


def deliver(
    issue: Issue,
    *,
    press: Press,
    database: Database,
    wire: Wire,
    clock: Clock,
    progress: Progress = silent,
) -> Sent:
    """Submit what is left of an approved issue, then say how it stands.

    Raises:
        Busy: another process is sending it.
        NotAllowed: it is not approved.
    """
    policy = "resend" if wire.replaces else press.newsletter.on_uncertain
    recover(issue, policy=policy, database=database, clock=clock)
    compiled = printing.compiled(press, issue, now=clock())
    with database.write() as connection:
        may_go = issues.move(connection, issue.id, to=IssueState.SENDING, among=tuple(approval.CAN_SEND))
        if not may_go and issues.by_id(connection, issue.id).state in approval.OPEN:
            raise NotAllowed(f"Issue {issue.ref} is not approved.", mend=f"`digest approve {issue.ref}`")
        counts = ledger.counts(connection, issue.id, now=clock())
    if not may_go:
        return finish(issue, database=database, clock=clock)  # somebody else brought it to its end
    trouble = ""
    job = _Job(issue, compiled, press=press, database=database, wire=wire, clock=clock, progress=progress)
    job.expect(counts)
    try:
        threads.run(job.work, workers=max(1, min(wire.senders, counts.pending)) if counts.pending else 1)
    except TransportError as error:
        trouble = str(error)
    return finish(issue, database=database, clock=clock, trouble=trouble)


def recover(issue: Issue, *, policy: str, database: Database, clock: Clock) -> None:
    """Take back what dead senders left, and apply the policy (hold, resend, skip) to what is uncertain.

    Raises:
        Busy: a sender of this issue is alive.
    """
    with database.write() as connection:
        dead = owners.dead_among(ledger.owners(connection, issue.id))
        ledger.recover(connection, issue.id, dead=dead, now=clock())
        alive = ledger.owners(connection, issue.id)
        if alive:
            raise Busy(
                f"Issue {issue.ref} is being sent by another process ({_who(alive)}).",
                mend="Wait for it, or stop it and run this again.",
            )
        _apply_policy(policy, issue, connection=connection, now=clock())


def _apply_policy(policy: str, issue: Issue, *, connection: Connection, now: datetime) -> None:
    if policy == "skip":
        ledger.resolve(
            connection,
            issue.id,
            to=DeliveryState.ABANDONED,
            detail="uncertain; left at that by policy",
            not_before=None,
            now=now,
        )
    elif policy == "resend":
        ledger.resolve(
            connection,
            issue.id,
            to=DeliveryState.PENDING,
            detail="uncertain; sent again by policy",
            not_before=None,
            now=now,
        )


def finish(issue: Issue, *, database: Database, clock: Clock, trouble: str = "") -> Sent:
    """Close the issue if its account is complete; how it stands, in one sentence."""
    now = clock()
    with database.write() as connection:
        if issues.by_id(connection, issue.id).state is IssueState.CANCELLED:
            # What a sender gave back after the cancelling must not lie there as if it were to be sent.
            ledger.abandon_pending(connection, issue.id, detail="cancelled", now=now)
        counts = ledger.counts(connection, issue.id, now=now)
        if sending.is_finished(counts):
            moved = issues.move(
                connection, issue.id, to=IssueState.SENT, among=[IssueState.SENDING], sent_at=now, reason=""
            )
            if moved:
                what = f"sent: {counts.accepted} accepted, {counts.refused} refused"
                events.record(connection, what, at=now, newsletter=issue.newsletter, subject=issue.ref)
        current = issues.by_id(connection, issue.id)
    reason = trouble or sending.why_unfinished(counts)
    if current.state is IssueState.CANCELLED:
        reason = current.reason
    return Sent(issue=current, state=current.state.value, reason=reason, counts=counts)


def resolve(issue: Issue, *, decision: str, database: Database, by: str, now: datetime) -> int:
    """A person decides on the uncertain deliveries: "resend" or "skip"; how many there were.

    Raises:
        NotAllowed: nothing of a cancelled issue is sent again.
    """
    to = DeliveryState.PENDING if decision == "resend" else DeliveryState.ABANDONED
    with database.write() as connection:
        if decision == "resend" and issues.by_id(connection, issue.id).state is IssueState.CANCELLED:
            raise NotAllowed(
                f"Issue {issue.ref} is cancelled: nothing of it is sent again.",
                mend=f"`digest resolve {issue.ref} --uncertain skip` leaves it at that.",
            )
        dead = owners.dead_among(ledger.owners(connection, issue.id))
        ledger.recover(connection, issue.id, dead=dead, now=now)
        count = ledger.resolve(
            connection,
            issue.id,
            to=to,
            detail=f"uncertain; {decision} decided by {by}",
            not_before=None,
            now=now,
        )
        if count:
            what = f"{count} uncertain: {decision}"
            events.record(connection, what, at=now, newsletter=issue.newsletter, subject=issue.ref, who=by)
    return count


def _begun(newsletter: Newsletter, *, database: Database, clock: Clock, slot_key: str) -> Issue | Selection:
    """The issue to go on with, or a new one; where there is neither, one that waits for a decision."""
    found = _open_issue(newsletter, database=database, slot_key=slot_key)
    if found is not None:
        return found
    try:
        made = draft(newsletter, database=database, now=clock(), slot_key=slot_key)
    except NotAllowed:
        # Another sender may have drafted it at this very moment.
        found = _open_issue(newsletter, database=database, slot_key=slot_key)
        if found is None:
            raise
        return found
    if isinstance(made, Issue):
        return made
    with database.read() as connection:
        return issues.undecided(connection, newsletter.name) or made


def _open_issue(newsletter: Newsletter, *, database: Database, slot_key: str) -> Issue | None:
    """The issue that this slot made, or the open one, which this slot then serves.

    It keeps the slot's key, so that the slot makes no second one after a crash.
    """
    with database.write() as connection:
        made = issues.by_slot(connection, newsletter.name, slot_key) if slot_key else None
        begun = made or issues.open_one(connection, newsletter.name)
        if begun is None or not slot_key:
            return begun
        issues.give_slot(connection, begun.id, slot_key)
        return issues.by_id(connection, begun.id)


def _hold(issue: Issue, why: str, *, database: Database, clock: Clock) -> Sent:
    with database.write() as connection:
        if issues.move(
            connection, issue.id, to=IssueState.HELD, among=[IssueState.DRAFT, IssueState.HELD], reason=why
        ):
            what = f"held: {why}"
            events.record(connection, what, at=clock(), newsletter=issue.newsletter, subject=issue.ref)
        held = issues.by_id(connection, issue.id)
        counts = ledger.counts(connection, issue.id, now=clock())
    return Sent(issue=held, state=held.state.value, reason=why, counts=counts)


def _approved(
    issue: Issue,
    press: Press,
    database: Database,
    *,
    by: str,
    overrides: Collection[str],
    clock: Clock,
) -> Issue:
    try:
        return approve(issue, press=press, database=database, by=by, overrides=overrides, now=clock())
    except Blocked as blocked:
        _hold(issue, blocked.message, database=database, clock=clock)
        raise


class _Job:
    """The senders' common work on one issue."""

    def __init__(
        self,
        issue: Issue,
        compiled: Compiled,
        *,
        press: Press,
        database: Database,
        wire: Wire,
        clock: Clock,
        progress: Progress,
    ) -> None:
        self.issue = issue
        self.compiled = compiled
        self.press = press
        self.database = database
        self.wire = wire
        self.clock = clock
        self.progress = progress
        self.lock = threading.Lock()  # SQLite's own waiting is slow: one writer at a time in this process
        self.done = self.total = 0

    def expect(self, counts: Counts) -> None:
        self.total = counts.audience
        self.done = counts.audience - counts.pending - counts.deferred

    def work(self, stop: threading.Event) -> None:
        """One sender: claims windows until nothing is due."""
        transport = self.wire.open()
        try:
            while not stop.is_set():
                window = _Window(self, owner=owners.this_process(), stop=stop)
                if not window.claim(transport.window):
                    return
                window.submit(transport)
        finally:
            transport.close()

    def advance(self, by: int) -> None:
        self.done += by
        self.progress(self.done, self.total, self.issue.ref)


class _Window:
    """One sender's claimed rows, from claim to the last receipt."""

    def __init__(self, job: _Job, *, owner: str, stop: threading.Event) -> None:
        self.job = job
        self.owner = owner
        self.stop = stop
        self.claimed: dict[DeliveryId, Delivery] = {}
        self.receipts: list[Receipt] = []
        self.answered: set[DeliveryId] = set()

    def claim(self, limit: int) -> bool:
        job = self.job
        with job.lock, job.database.write() as connection:
            rows = ledger.claim(
                connection, job.issue.id, limit=limit, owner=self.owner, lease=sending.LEASE, now=job.clock()
            )
        self.claimed = {row.id: row for row in rows}
        return bool(rows)

    def submit(self, transport: Transport) -> None:
        """Hand the claimed rows over and record what became of each."""
        job = self.job
        now = job.clock()
        envelopes = [printing.envelope(job.press, job.issue, d, now=now) for d in self.claimed.values()]
        try:
            for receipt in transport.submit(job.compiled, envelopes, on_wire=self._on_wire):
                self.receipts.append(receipt)
                self.answered.add(receipt.delivery_id)
        except TransportError:
            # The transport vouches that what has no receipt was not submitted.
            self._settle()
            raise
        self._settle()

    def _on_wire(self, ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        """The last moment: settle what is known, and make the intent durable, in one commit."""
        job = self.job
        if self.stop.is_set():
            return set()
        if job.wire.rate is not None:
            job.wire.rate.take(len(ids))
        with job.lock, job.database.write() as connection:
            self._flush(connection)
            return ledger.declare(
                connection,
                job.issue.id,
                [self.claimed[i] for i in ids],
                owner=self.owner,
                now=job.clock(),
            )

    def _settle(self) -> None:
        job = self.job
        rest = [number for number in self.claimed if number not in self.answered]
        with job.lock, job.database.write() as connection:
            self._flush(connection)
            ledger.withdraw(connection, rest, owner=self.owner, now=job.clock())

    def _flush(self, connection: Connection) -> None:
        from sqlalchemy import Connection

        assert isinstance(connection, Connection)  # noqa: S101 - narrows for the type checker
        if not self.receipts:
            return
        ledger.settle(connection, self.receipts, owner=self.owner, now=self.job.clock(), wait=self._wait)
        self.job.advance(len(self.receipts))
        self.receipts = []

    def _wait(self, receipt: Receipt) -> timedelta | None:
        attempt = self.claimed[receipt.delivery_id].attempt
        if sending.is_exhausted(attempt):
            return None
        return sending.wait_after(attempt, asked=receipt.retry_after)


def _who(alive: Collection[str]) -> str:
    return ", ".join(
        sorted({"process " + holder.split("/")[2] for holder in alive if holder.count("/") >= 3})
    )
