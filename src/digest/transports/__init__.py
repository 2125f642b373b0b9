"""Handing messages over: one file per transport, all of one shape.

A transport submits envelopes and answers with one receipt for each.  It knows
nothing of the ledger; it only calls `on_wire` at the last moment before bytes
leave that can cause delivery, so that the caller can make its intent durable.
Every transport passes `tests/contract/test_transports.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Protocol

from digest.message.compile import Compiled
from digest.model.delivery import DeliveryId, Envelope, Receipt

# Called with the deliveries whose bytes are about to leave; answers with those
# that may really go.  The rest is not submitted and gets no receipt: somebody
# else owns it, or its address was suppressed meanwhile.
OnWire = Callable[[Sequence[DeliveryId]], Collection[DeliveryId]]

# How long an answer of `on_wire` holds, in seconds.  A sender that was frozen for
# longer may have lost its claim meanwhile and must not let the bytes go.
INTENT_SECONDS = 120.0


class Transport(Protocol):
    name: str
    window: int  # how many envelopes are declared together and in the air at once, at most
    replaces: bool  # submitting a delivery again replaces its first message: repeating is safe

    def submit(
        self, compiled: Compiled, envelopes: Iterable[Envelope], *, on_wire: OnWire
    ) -> Iterator[Receipt]:
        """Hand over one message per envelope, and yield a receipt for each as it is known.

        `envelopes` may be drawn from a pool that others draw from too: one is
        taken only when it is about to be worked on, at most two windows are
        taken and not answered, and none is after the last one or after an
        error.  A provider that asks for a pause ends the call early.  What was
        taken and has no receipt in the end was certainly not submitted, also
        when `envelopes` or `on_wire` raised; only a caller that stops asking
        for receipts may leave some declared and unanswered.

        The phase decides, not the exception: what fails before the bytes that
        can cause delivery is DEFERRED or REFUSED, what is lost after them is
        UNCERTAIN.  One bad recipient never fails the others.

        Raises:
            TransportDown: the server cannot be reached or turns everything away.
        """
        ...

    def verify(self) -> str:
        """Try login and sender without sending; a sentence that says what was found.

        Raises:
            TransportError: what is wrong, with its mend.
        """
        ...

    def close(self) -> None: ...


def windows(envelopes: Iterable[Envelope], size: int) -> Iterator[list[Envelope]]:
    """At most `size` at a time, taken when they are asked for, and nothing after the last one."""
    rest, count = iter(envelopes), size
    while count == size:
        window = list(islice(rest, size))
        count = len(window)
        if window:
            yield window
