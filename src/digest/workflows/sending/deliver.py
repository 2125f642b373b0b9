"""Sends an approved issue to the rest of its audience; run again, it resumes.

The senders share a pool of claimed rows.  Each message follows the order of the
ledger: claimed (durable), declared just before the bytes that can cause delivery,
submitted, and settled together with the next declaration.  After a crash between
any two of these steps, `recover` can tell from the rows what is certain and what
is not.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from digest.dispatch import process_identity as owners
from digest.dispatch import workers
from digest.dispatch.rate import Rate
from digest.errors import Busy, NotAllowed, StorageError, TransportError
from digest.message.compile import Compiled
from digest.model.activity import ActivityKind
from digest.model.delivery import Counts, Delivery, DeliveryId, DeliveryState, Envelope, Receipt, Settlement
from digest.model.issue import Issue, IssueState, Selection
from digest.rules import approval, sending
from digest.storage import activity_log, delivery_events, issues, ledger
from digest.storage.database import Connection, Database
from digest.storage.ledger_sqlite import SqliteLedgerWriter
from digest.transports import Transport
from digest.workflows import ReportProgress, no_progress
from digest.workflows.composing import compose
from digest.workflows.composing.compose import Composer

Clock = Callable[[], datetime]

_KEPT_BACK = 100  # results a sender holds at most before it stores them, or one window if that is more


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The state of an issue after a call."""

    issue: Issue | None
    state: str  # of the issue; "skipped" if there is nothing to send
    reason: str = ""
    counts: Counts = field(default_factory=Counts)
    nothing: Selection | None = None  # set if there was nothing to send
    trouble: str = ""  # the transport error, if one ended the call


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """How messages are sent: a transport for each sender, how many senders, and how fast."""

    open: Callable[[], Transport]
    senders: int = 1  # the maximum
    per_request: int = 1  # recipients; there are never more senders than requests to fill
    per_second: float | None = None  # messages of all senders together
    replaces: bool = False  # a repeated message replaces the first


def deliver(
    issue: Issue,
    *,
    composer: Composer,
    database: Database,
    options: SendOptions,
    clock: Clock,
    progress: ReportProgress = no_progress,
) -> Sent:
    """Send an approved issue to everyone still pending, and return its state.

    Raises:
        Busy: another process is sending it.
        NotAllowed: it is not approved.
    """
    policy = "resend" if options.replaces else composer.newsletter.on_uncertain
    recover(issue, policy=policy, database=database, clock=clock)
    compiled = compose.compiled(composer, issue, now=clock())
    counts = _start_sending(issue, database=database, now=clock())
    if counts is None:
        return finish(issue, database=database, clock=clock)  # somebody else finished it
    while True:
        job = _Job(
            issue,
            compiled,
            composer=composer,
            database=database,
            options=options,
            clock=clock,
            progress=progress,
        )
        trouble = job.run(counts)
        if job.breaker.is_open:
            return _hold_refused(issue, job.breaker.why, database=database, clock=clock)
        sent = finish(issue, database=database, clock=clock, trouble=trouble)
        if trouble or not _was_resumed(sent, since=counts):
            return sent
        counts = sent.counts


def _was_resumed(sent: Sent, *, since: Counts) -> bool:
    """Whether somebody paused the issue and resumed it while this sender was ending.

    Whoever resumed it found this sender alive and left the send to it, so it has to go
    on.  Rows that a whole round left as they were would not move in the next one either.
    """
    is_due = sent.counts.pending > 0 and not sent.counts.in_flight
    return sent.state == IssueState.SENDING.value and is_due and sent.counts != since


def recover(issue: Issue, *, policy: str, database: Database, clock: Clock) -> None:
    """Recover the rows of dead senders, and apply the policy (hold, resend, skip) to uncertain deliveries.

    Raises:
        Busy: a sender of this issue is alive.
    """
    with database.write() as connection:
        reclaim_rows(connection, issue, database=database)
        alive = ledger.owners(connection, issue.id)
        if alive:
            raise Busy(
                f"Issue {issue.ref} is being sent by another process ({_who(alive)}).",
                mend="Wait for it, or stop it and run this command again.",
            )
        _apply_policy(policy, issue, connection=connection, now=clock())


def reclaim_rows(connection: Connection, issue: Issue, *, database: Database) -> None:
    """Make the rows of dead senders pending if nothing was submitted, or uncertain if that is unknown."""
    holders = ledger.owners(connection, issue.id)
    # The mark of messages on the wire survives the end of a process, but not that of the machine.
    doubtful = owners.cut_off_among(holders) if database.sqlite_file else set()
    # This thread is sending nothing now, so any rows it holds are left over from a job that failed.
    mine = {owners.this_process()} & holders
    ledger.recover(
        connection,
        issue.id,
        dead=owners.dead_among(holders) | mine,
        doubtful=doubtful,
        alive=owners.alive_among(holders) - mine,
        now=_by_the_wall_clock(),
    )
    # Before anybody decides: the provider may have reported a delivery whose receipt was lost.
    delivery_events.accept_on_evidence(connection, issue.id, now=_by_the_wall_clock())


def _apply_policy(policy: str, issue: Issue, *, connection: Connection, now: datetime) -> None:
    decided = {
        "skip": (DeliveryState.ABANDONED, "uncertain; not resent, by policy"),
        "resend": (DeliveryState.PENDING, "uncertain; resent, by policy"),
    }
    if policy in decided:
        to, detail = decided[policy]
        count = ledger.resolve(connection, issue.id, to=to, detail=detail, not_before=None, now=now)
        if count:
            what = f"{count} uncertain: {policy}, by on_uncertain"
            activity_log.record_of_issue(connection, issue, ActivityKind.RESOLVED, what, at=now)


def _start_sending(issue: Issue, *, database: Database, now: datetime) -> Counts | None:
    """Move the issue to sending; None if it was finished in the meantime."""
    with database.write() as connection:
        if issues.start_sending(connection, issue):
            return ledger.counts(connection, issue.id, now=now)
        current = issues.by_id(connection, issue.id)
        if current.content_hash and current.content_hash != issue.content_hash:
            raise Busy(
                f"Issue {issue.ref} was edited and approved again at the same moment.", mend="Send it again."
            )
        if current.state in approval.OPEN:
            raise NotAllowed(f"Issue {issue.ref} is not approved.", mend=f"Run `digest approve {issue.ref}`.")
        return None


def finish(issue: Issue, *, database: Database, clock: Clock, trouble: str = "") -> Sent:
    """Close the issue if every delivery is settled; returns its state with a reason of one sentence."""
    now = clock()
    with database.write() as connection:
        if issues.by_id(connection, issue.id).state is IssueState.CANCELLED:
            # Rows that a sender released after the cancellation must not stay pending.
            ledger.abandon_pending(connection, issue.id, detail="cancelled", now=now)
        delivery_events.accept_on_evidence(connection, issue.id, now=now)
        counts = ledger.counts(connection, issue.id, now=now)
        if sending.is_finished(counts):
            moved = issues.move(
                connection, issue.id, to=IssueState.SENT, among=[IssueState.SENDING], sent_at=now, reason=""
            )
            if moved:
                what = f"sent: {counts.accepted} accepted, {counts.refused} refused"
                activity_log.record_of_issue(connection, issue, ActivityKind.SENT, what, at=now)
        current = issues.by_id(connection, issue.id)
    reason = trouble or sending.why_unfinished(counts)
    if current.state in {IssueState.CANCELLED, IssueState.HELD, IssueState.SKIPPED}:
        reason = current.reason
    return Sent(issue=current, state=current.state.value, reason=reason, counts=counts, trouble=trouble)


def _hold_refused(issue: Issue, why: str, *, database: Database, clock: Clock) -> Sent:
    """The provider refuses everything: hold the issue for a person, before the rest is refused too."""
    now = clock()
    with database.write() as connection:
        if issues.move(connection, issue.id, to=IssueState.HELD, among=[IssueState.SENDING], reason=why):
            activity_log.record_of_issue(connection, issue, ActivityKind.HELD, f"held: {why}", at=now)
        current = issues.by_id(connection, issue.id)
        counts = ledger.counts(connection, issue.id, now=now)
    return Sent(issue=current, state=current.state.value, reason=current.reason, counts=counts)


class _Job:
    """What the senders of one issue share."""

    def __init__(
        self,
        issue: Issue,
        compiled: Compiled,
        *,
        composer: Composer,
        database: Database,
        options: SendOptions,
        clock: Clock,
        progress: ReportProgress,
    ) -> None:
        self.compiled = compiled
        self.options = options
        self.clock = clock
        self.rate = Rate(options.per_second) if options.per_second else None
        self.address = compose.EnvelopeFactory(composer, issue)
        self.rows = SqliteLedgerWriter(database, issue.id, owner=owners.this_process())
        self.pool = _ClaimedRows(self.rows, clock=clock, size=sending.pool_size(options.per_second))
        self.breaker = sending.Breaker()
        self._ref = issue.ref
        self._progress = progress
        self._done = self._total = 0

    def run(self, counts: Counts) -> str:
        """Send until nothing is due; returns the error that stopped it early, or empty."""
        self._total = counts.audience
        self._done = counts.audience - counts.pending - counts.deferred
        try:
            requests = -(-counts.pending // self.options.per_request)
            workers.run(self._work, workers=max(1, min(self.options.senders, requests)))
        except TransportError as error:
            return str(error)
        finally:
            # Rows that no transport has taken were certainly not submitted.
            self.rows.release(self.pool.left(), now=self.clock())
            self.rows.close()
        return ""

    def _work(self, stop: threading.Event) -> None:
        transport = self.options.open()
        try:
            _Sender(self, stop).run(transport)
        finally:
            transport.close()

    def note(self, receipt: Receipt, stop: threading.Event) -> None:
        self.breaker.note(receipt)
        if self.breaker.is_open:
            stop.set()

    def advance(self, by: int) -> None:
        self._done += by
        self._progress(self._done, self._total, self._ref)


class _ClaimedRows:
    """Claimed rows that the senders share; claims more when it is empty."""

    def __init__(self, rows: SqliteLedgerWriter, *, clock: Clock, size: int) -> None:
        self._rows = rows
        self._clock = clock
        self._size = size
        self._lock = threading.Lock()
        self._claimed: deque[Delivery] = deque()
        self._is_empty = False

    def take(self, most: int) -> list[Delivery]:
        """At most `most` rows; an empty list when there are no more."""
        with self._lock:
            if not self._claimed and not self._is_empty:
                lease_until = _by_the_wall_clock() + sending.LEASE
                self._claimed.extend(self._rows.claim(self._size, now=self._clock(), lease_until=lease_until))
                self._is_empty = not self._claimed
            return [self._claimed.popleft() for _ in range(min(most, len(self._claimed)))]

    def left(self) -> list[DeliveryId]:
        return [row.id for row in self._claimed]


class _Sender:
    """One sender: the rows it holds, and the results it has not stored yet."""

    def __init__(self, job: _Job, stop: threading.Event) -> None:
        self._job = job
        self._stop = stop
        self._own: deque[Delivery] = deque()  # taken from the pool, not yet given to the transport
        self._held: dict[DeliveryId, Delivery] = {}  # given to the transport, no receipt yet
        self._known: list[Settlement] = []
        self._keeps = _KEPT_BACK
        self._is_vouched_for = (
            True  # False while handling a receipt: only a transport that ended by itself vouches
        )

    def run(self, transport: Transport) -> None:
        """Feed the transport until the pool is empty or the job is stopped.

        Even after an error, known results are stored and rows that were certainly not submitted released.
        """
        self._keeps = max(_KEPT_BACK, transport.window)
        envelopes = self._envelopes(transport.window)
        try:
            for receipt in transport.submit(self._job.compiled, envelopes, on_wire=self._on_wire):
                self._is_vouched_for = False
                self._note(receipt)
                self._is_vouched_for = True
            self._end()
        except Exception:
            with suppress(StorageError):  # the first error is the one to report
                self._end()
            raise

    def _envelopes(self, window: int) -> Iterator[Envelope]:
        job, now = self._job, self._job.clock()
        while not self._stop.is_set():
            if not self._own:
                # One window at a time: taking single rows, senders would block each other.
                self._own.extend(job.pool.take(window))
                now = job.clock()
                if not self._own:
                    return
            if job.rate is not None:
                # Here, not in the transport: an open transaction must not wait for its turn.
                job.rate.take()
                now = job.clock()
            row = self._own.popleft()
            self._held[row.id] = row
            yield job.address(row, now=now)

    def _on_wire(self, ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        """At the last moment: store known results and declare what is sent now, in one commit."""
        if self._stop.is_set():
            return ()
        return self._exchange([self._held[number] for number in ids])

    def _note(self, receipt: Receipt) -> None:
        row = self._held.pop(receipt.delivery_id)
        self._job.note(receipt, self._stop)
        self._known.append(sending.settlement(receipt, attempt=row.attempt, now=self._job.clock()))
        if len(self._known) >= self._keeps:
            self._exchange(())

    def _exchange(self, declared: Sequence[Delivery]) -> Collection[DeliveryId]:
        """Store known results and declare rows; if that fails, the results are kept for the next try."""
        job, count = self._job, len(self._known)
        lease_until = _by_the_wall_clock() + sending.LEASE
        going = job.rows.exchange(self._known, declared, now=job.clock(), lease_until=lease_until)
        del self._known[:count]
        job.advance(count)
        return going

    def _end(self) -> None:
        """Release the rest: an ended transport guarantees that rows without receipt were not submitted."""
        self._exchange(())
        held = self._held if self._is_vouched_for else ()
        unsent = [*held, *(row.id for row in self._own)]
        self._job.rows.release(unsent, now=self._job.clock())


def _by_the_wall_clock() -> datetime:
    """Leases use real time, never the `--now` clock."""
    return datetime.now(UTC)


def _who(alive: Collection[str]) -> str:
    return ", ".join(
        sorted(
            {
                "process " + holder.split("/")[2].partition("@")[0]
                for holder in alive
                if holder.count("/") >= 3
            }
        )
    )
