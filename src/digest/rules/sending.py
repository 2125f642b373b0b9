"""When to try again, and what an account of deliveries means for its issue."""

from __future__ import annotations

from datetime import datetime, timedelta

from digest.model.delivery import Counts, DeliveryState, Outcome, Receipt, Settlement

LEASE = timedelta(minutes=15)  # longer than SMTP's ten minutes for the answer to the dot
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=4)
_DETAIL_KEPT = 1000  # characters of the server's words
_REF_KEPT = 200
MAX_ATTEMPTS = 12  # a bit over a day of waiting in all


def wait_after(attempt: int, *, asked: timedelta | None = None) -> timedelta:
    """How long a deferred delivery rests after its `attempt`-th try (1, 2, …).

    Doubles from a minute up to four hours; what the server asks for counts if
    it is longer.
    """
    own = min(_FIRST_WAIT * (1 << min(max(attempt, 1) - 1, 20)), _LONGEST_WAIT)
    return max(own, asked) if asked is not None else own


def settlement(receipt: Receipt, *, attempt: int, now: datetime) -> Settlement:
    """What a receipt makes of its row: a deferred one is pending again, until it was deferred too often."""
    state, not_before = DeliveryState(_STATE_AFTER[receipt.outcome]), None
    if receipt.outcome is Outcome.DEFERRED and not is_exhausted(attempt):
        state, not_before = DeliveryState.PENDING, now + wait_after(attempt, asked=receipt.retry_after)
    return Settlement(
        delivery_id=receipt.delivery_id,
        state=state,
        detail=receipt.detail[:_DETAIL_KEPT],
        provider_ref=receipt.provider_ref[:_REF_KEPT],
        batch_id=receipt.batch_id,
        not_before=not_before,
    )


_STATE_AFTER = {
    Outcome.ACCEPTED: DeliveryState.ACCEPTED,
    Outcome.REFUSED: DeliveryState.REFUSED,
    Outcome.DEFERRED: DeliveryState.REFUSED,  # once it was deferred too often
    Outcome.UNCERTAIN: DeliveryState.UNCERTAIN,
}


def is_exhausted(attempt: int) -> bool:
    """A delivery that was deferred this often is refused, with the server's last words."""
    return attempt >= MAX_ATTEMPTS


def pool_size(per_second: float | None) -> int:
    """Rows in one durable claim: so many that an fsync costs next to nothing per message.

    With a rate only what goes out in a third of a lease, lest the lease runs out over it.
    """
    most = 500
    if per_second is None:
        return most
    return max(1, min(most, int(per_second * LEASE.total_seconds() / 3)))


class Breaker:
    """Opens when the provider refuses everybody in a row: then it is not the recipients' fault.

    Counted over all senders of a process.  A list that is simply old has
    refusals too, but not fifty without one acceptance between them.
    """

    LIMIT = 50

    def __init__(self) -> None:
        self._in_a_row = 0
        self.why = ""

    @property
    def is_open(self) -> bool:
        return bool(self.why)

    def note(self, receipt: Receipt) -> None:
        if receipt.outcome is not Outcome.REFUSED:
            self._in_a_row = 0
            return
        self._in_a_row += 1
        if self._in_a_row == self.LIMIT:
            self.why = (
                f"The provider refused {self.LIMIT} recipients in a row, "
                f"the last with “{receipt.detail[:300]}”. "
                "Mend the cause, then send with --yes; who was refused is not tried again."
            )


def is_finished(counts: Counts) -> bool:
    """Nothing is left to do and nothing is in doubt."""
    return counts.adds_up and not (counts.pending or counts.deferred or counts.in_flight or counts.uncertain)


def why_unfinished(counts: Counts) -> str:
    """One sentence for the operator, or empty when the issue is finished."""
    if not counts.adds_up:
        return "The account does not add up: this is a bug, please report it."
    if counts.uncertain:
        people = "1 person" if counts.uncertain == 1 else f"{counts.uncertain} people"
        return (
            f"{people} may or may not have it. Decide with `digest resolve ISSUE --uncertain skip` "
            "(leave it at that) or `--uncertain resend` (some may get it twice)."
        )
    if counts.in_flight:
        return f"{counts.in_flight} are with another sender at this moment."
    if counts.deferred:
        return f"{counts.deferred} were deferred by the server; send again later, or let `digest run` do it."
    if counts.pending:
        return f"{counts.pending} still wait."
    return ""
