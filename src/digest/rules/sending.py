"""When to retry a delivery, and what an issue's delivery counts mean for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from digest.model.delivery import Counts, DeliveryState, Outcome, Receipt, Settlement

LEASE = timedelta(minutes=15)  # longer than SMTP's ten minutes for the reply after the final dot
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=4)
_DETAIL_KEPT = 1000  # characters of the server's words
_REF_KEPT = 200
MAX_ATTEMPTS = 12  # a little over a day of waiting in total


def wait_after(attempt: int, *, asked: timedelta | None = None) -> timedelta:
    """How long a deferred delivery waits after its `attempt`-th try (1, 2, …).

    Doubles from one minute up to four hours; a longer wait requested by the server
    takes precedence.
    """
    own = min(_FIRST_WAIT * (1 << min(max(attempt, 1) - 1, 20)), _LONGEST_WAIT)
    return max(own, asked) if asked is not None else own


def settlement(receipt: Receipt, *, attempt: int, now: datetime) -> Settlement:
    """The row's new state: a deferred delivery is pending again, until it was deferred too often."""
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
    Outcome.DEFERRED: DeliveryState.REFUSED,  # after too many deferrals
    Outcome.UNCERTAIN: DeliveryState.UNCERTAIN,
}


def is_exhausted(attempt: int) -> bool:
    """Whether a delivery was deferred so often that it is refused, with the server's last words."""
    return attempt >= MAX_ATTEMPTS


def pool_size(per_second: float | None) -> int:
    """The number of rows in one durable claim: enough that an fsync costs almost nothing per message.

    With a rate limit, only as many as are sent in a third of a lease, so that the lease does not expire.
    """
    most = 500
    if per_second is None:
        return most
    return max(1, min(most, int(per_second * LEASE.total_seconds() / 3)))


class Breaker:
    """Opens when the provider refuses many recipients in a row: that points at the sender, not at them.

    Counts over all senders of a process.  A list that is merely old has refusals too,
    but not fifty without an acceptance in between.
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
                "Fix the cause, then send with --yes; the refused recipients are not tried again."
            )


def is_finished(counts: Counts) -> bool:
    """Whether nothing is left to send and no delivery is uncertain."""
    return counts.adds_up and not (counts.pending or counts.deferred or counts.in_flight or counts.uncertain)


def why_unfinished(counts: Counts) -> str:
    """Why the issue is unfinished, in one or two sentences for the operator; empty if it is finished."""
    if not counts.adds_up:
        return "The delivery counts do not add up. This is a bug; please report it."
    if counts.uncertain:
        people = "1 person" if counts.uncertain == 1 else f"{counts.uncertain} people"
        return (
            f"{people} may or may not have received it. Decide with `digest resolve ISSUE --uncertain skip` "
            "(do not resend) or `--uncertain resend` (some may get it twice)."
        )
    if counts.in_flight:
        return f"{counts.in_flight} are being sent by another process right now."
    if counts.deferred:
        return f"{counts.deferred} were deferred by the server; send again later, or let `digest run` do it."
    if counts.pending:
        return f"{counts.pending} have not been sent yet."
    return ""
