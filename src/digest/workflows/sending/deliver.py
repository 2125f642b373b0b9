"""Deliver: bring an approved issue to what is left of its audience; run again, it resumes.

The senders share a pool of claimed rows.  For each message the order is the
ledger's: claimed (durable), declared just before the bytes that can cause
delivery, submitted, settled together with the next declaration.  A crash
between any two leaves rows from which `recover` knows what is certain and what
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
from digest.workflows import Progress, no_progress
from digest.workflows.composing import compose
from digest.workflows.composing.compose import Composer

Clock = Callable[[], datetime]

_KEPT_BACK = 100  # results that a sender keeps at most before it writes them down, or a window of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How an issue stands after a call."""

    issue: Issue | None
    state: str  # of the issue; "skipped" where there is nothing to send
    reason: str = ""
    counts: Counts = field(default_factory=Counts)
    nothing: Selection | None = None  # where there was nothing to send
    trouble: str = ""  # of the wire, where that is what ended the call


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """How messages leave: a transport for each sender, how many, and how fast."""

    open: Callable[[], Transport]
    senders: int = 1  # at most
    per_request: int = 1  # recipients: no more senders than there are requests to fill
    per_second: float | None = None  # of all senders together
    replaces: bool = False  # a repeated message takes the place of the first


def deliver(
    issue: Issue,
    *,
    composer: Composer,
    database: Database,
    options: SendOptions,
    clock: Clock,
    progress: Progress = no_progress,
) -> Sent:
    """Submit what is left of an approved issue, then say how it stands.

    Raises:
        Busy: another process is sending it.
        NotAllowed: it is not approved.
    """
    policy = "resend" if options.replaces else composer.newsletter.on_uncertain
    recover(issue, policy=policy, database=database, clock=clock)
    compiled = compose.compiled(composer, issue, now=clock())
    counts = _start_sending(issue, database=database, now=clock())
    if counts is None:
        return finish(issue, database=database, clock=clock)  # somebody else brought it to its end
    job = _Job(
        issue, compiled, composer=composer, database=database, options=options, clock=clock, progress=progress
    )
    trouble = job.run(counts)
    if job.breaker.is_open:
        return _hold_refused(issue, job.breaker.why, database=database, clock=clock)
    return finish(issue, database=database, clock=clock, trouble=trouble)


def recover(issue: Issue, *, policy: str, database: Database, clock: Clock) -> None:
    """Take back what dead senders left, and apply the policy (hold, resend, skip) to what is uncertain.

    Raises:
        Busy: a sender of this issue is alive.
    """
    with database.write() as connection:
        reclaim_rows(connection, issue, database=database)
        alive = ledger.owners(connection, issue.id)
        if alive:
            raise Busy(
                f"Issue {issue.ref} is being sent by another process ({_who(alive)}).",
                mend="Wait for it, or stop it and run this again.",
            )
        _apply_policy(policy, issue, connection=connection, now=clock())


def reclaim_rows(connection: Connection, issue: Issue, *, database: Database) -> None:
    """Rows of senders that died: pending where nothing was submitted, uncertain where that is unknown."""
    holders = ledger.owners(connection, issue.id)
    # What was on the wire is marked so that it survives the process, not the machine.
    doubtful = owners.cut_off_among(holders) if database.sqlite_file else set()
    # What this very thread holds is left over from a job that failed: it sends nothing just now.
    mine = {owners.this_process()} & holders
    ledger.recover(
        connection,
        issue.id,
        dead=owners.dead_among(holders) | mine,
        doubtful=doubtful,
        alive=owners.alive_among(holders) - mine,
        now=_by_the_wall_clock(),
    )
    # Before anybody decides: the provider may have told of it while its answer was lost.
    delivery_events.accept_on_evidence(connection, issue.id, now=_by_the_wall_clock())


def _apply_policy(policy: str, issue: Issue, *, connection: Connection, now: datetime) -> None:
    decided = {
        "skip": (DeliveryState.ABANDONED, "uncertain; left at that by policy"),
        "resend": (DeliveryState.PENDING, "uncertain; sent again by policy"),
    }
    if policy in decided:
        to, detail = decided[policy]
        count = ledger.resolve(connection, issue.id, to=to, detail=detail, not_before=None, now=now)
        if count:
            what = f"{count} uncertain: {policy}, by on_uncertain"
            activity_log.record_of_issue(connection, issue, ActivityKind.RESOLVED, what, at=now)


def _start_sending(issue: Issue, *, database: Database, now: datetime) -> Counts | None:
    """Move the issue to sending; None where it came to its end meanwhile."""
    with database.write() as connection:
        if issues.start_sending(connection, issue):
            return ledger.counts(connection, issue.id, now=now)
        current = issues.by_id(connection, issue.id)
        if current.content_hash and current.content_hash != issue.content_hash:
            raise Busy(
                f"Issue {issue.ref} was edited and approved anew at this moment.", mend="Send it again."
            )
        if current.state in approval.OPEN:
            raise NotAllowed(f"Issue {issue.ref} is not approved.", mend=f"`digest approve {issue.ref}`")
        return None


def finish(issue: Issue, *, database: Database, clock: Clock, trouble: str = "") -> Sent:
    """Close the issue if its account is complete; how it stands, in one sentence."""
    now = clock()
    with database.write() as connection:
        if issues.by_id(connection, issue.id).state is IssueState.CANCELLED:
            # What a sender gave back after the cancelling must not lie there as if it were to be sent.
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
    """The provider refuses everything: a person must look before the rest is refused too."""
    now = clock()
    with database.write() as connection:
        if issues.move(connection, issue.id, to=IssueState.HELD, among=[IssueState.SENDING], reason=why):
            activity_log.record_of_issue(connection, issue, ActivityKind.HELD, f"held: {why}", at=now)
        current = issues.by_id(connection, issue.id)
        counts = ledger.counts(connection, issue.id, now=now)
    return Sent(issue=current, state=current.state.value, reason=current.reason, counts=counts)


class _Job:
    """The senders' common work on one issue."""

    def __init__(
        self,
        issue: Issue,
        compiled: Compiled,
        *,
        composer: Composer,
        database: Database,
        options: SendOptions,
        clock: Clock,
        progress: Progress,
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
        """Send until nothing is due; what stopped it early, or empty."""
        self._total = counts.audience
        self._done = counts.audience - counts.pending - counts.deferred
        try:
            requests = -(-counts.pending // self.options.per_request)
            workers.run(self._work, workers=max(1, min(self.options.senders, requests)))
        except TransportError as error:
            return str(error)
        finally:
            # Rows that no transport has seen were certainly not submitted.
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
    """Claimed rows that the senders share; claims the next lot when it is empty."""

    def __init__(self, rows: SqliteLedgerWriter, *, clock: Clock, size: int) -> None:
        self._rows = rows
        self._clock = clock
        self._size = size
        self._lock = threading.Lock()
        self._claimed: deque[Delivery] = deque()
        self._is_empty = False

    def take(self, most: int) -> list[Delivery]:
        """At most so many rows; none when there are no more."""
        with self._lock:
            if not self._claimed and not self._is_empty:
                lease_until = _by_the_wall_clock() + sending.LEASE
                self._claimed.extend(self._rows.claim(self._size, now=self._clock(), lease_until=lease_until))
                self._is_empty = not self._claimed
            return [self._claimed.popleft() for _ in range(min(most, len(self._claimed)))]

    def left(self) -> list[DeliveryId]:
        return [row.id for row in self._claimed]


class _Sender:
    """One sender: what it holds, what it knows and has not written down yet."""

    def __init__(self, job: _Job, stop: threading.Event) -> None:
        self._job = job
        self._stop = stop
        self._own: deque[Delivery] = deque()  # taken from the pool, not yet given to the transport
        self._held: dict[DeliveryId, Delivery] = {}  # given to the transport, and no answer yet
        self._known: list[Settlement] = []
        self._keeps = _KEPT_BACK
        self._is_vouched_for = True  # the transport itself came to an end, whichever

    def run(self, transport: Transport) -> None:
        """Feed the transport until the pool is empty or the job is stopped.

        Whatever is raised, what is known is written down, and what was certainly not submitted given back.
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
            with suppress(StorageError):  # the first error is the one to be told
                self._end()
            raise

    def _envelopes(self, window: int) -> Iterator[Envelope]:
        job, now = self._job, self._job.clock()
        while not self._stop.is_set():
            if not self._own:
                # A window at a time: for every row the senders would be in each other's way.
                self._own.extend(job.pool.take(window))
                now = job.clock()
                if not self._own:
                    return
            if job.rate is not None:
                # Here, not on the wire: an open transaction must not wait for its turn.
                job.rate.take()
                now = job.clock()
            row = self._own.popleft()
            self._held[row.id] = row
            yield job.address(row, now=now)

    def _on_wire(self, ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        """The last moment: write down what is known, and declare what goes now, in one commit."""
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
        """Write down what is known, which stays known if that fails."""
        job, count = self._job, len(self._known)
        lease_until = _by_the_wall_clock() + sending.LEASE
        going = job.rows.exchange(self._known, declared, now=job.clock(), lease_until=lease_until)
        del self._known[:count]
        job.advance(count)
        return going

    def _end(self) -> None:
        """The transport is done and vouches that what it did not answer for was not submitted."""
        self._exchange(())
        held = self._held if self._is_vouched_for else ()
        unsent = [*held, *(row.id for row in self._own)]
        self._job.rows.release(unsent, now=self._job.clock())


def _by_the_wall_clock() -> datetime:
    """For leases, which must not follow a clock that `--now` has moved."""
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
