"""Sends proofs: test copies of an issue, marked as such and not recorded in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from digest.errors import DigestError, NotAllowed, TransportError
from digest.model.activity import ActivityKind, Actor
from digest.model.delivery import Delivery, DeliveryId, Outcome, Receipt
from digest.model.issue import Issue
from digest.rules.email_addresses import parse_address
from digest.storage import activity_log
from digest.storage.database import Database
from digest.transports import Transport
from digest.workflows.composing import compose
from digest.workflows.composing.compose import Composer

_MOST_PROOFS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The result of sending one proof."""

    address: str
    accepted: bool
    detail: str = ""
    outcome: Outcome | None = None  # None if it could not be submitted; `error` says why
    error: DigestError | None = None


def send_proofs(
    issue: Issue,
    *,
    to: Sequence[str],
    composer: Composer,
    open_transport: Callable[[], Transport],
    database: Database,
    by: Actor,
    now: datetime,
) -> tuple[Proof, ...]:
    """Send a marked copy to each address; the log records how many, but not to whom.

    Raises:
        InvalidAddress: one of them is not an address; nothing is sent.
        NotAllowed: there are no addresses, or more than ten.
    """
    if not 0 < len(to) <= _MOST_PROOFS:
        raise NotAllowed(f"A proof goes to one to {_MOST_PROOFS} addresses, not to {len(to)}.")
    addresses = [parse_address(one).address for one in to]
    proofs = tuple(
        _proof(issue, address, composer=composer, open_transport=open_transport, now=now)
        for address in addresses
    )
    what = f"proof sent to {sum(one.accepted for one in proofs)} of {len(proofs)} addresses"
    with database.write() as connection:
        activity_log.record_of_issue(connection, issue, ActivityKind.PROOF_SENT, what, by=by, at=now)
    return proofs


def _proof(
    issue: Issue, address: str, *, composer: Composer, open_transport: Callable[[], Transport], now: datetime
) -> Proof:
    try:
        receipt = _send_proof(issue, to=address, composer=composer, transport=open_transport(), now=now)
    except DigestError as error:
        return Proof(address=address, accepted=False, detail=error.message, error=error)
    accepted = receipt.outcome is Outcome.ACCEPTED
    return Proof(address=address, accepted=accepted, detail=receipt.detail, outcome=receipt.outcome)


def _send_proof(issue: Issue, *, to: str, composer: Composer, transport: Transport, now: datetime) -> Receipt:
    """Submit one marked copy; its unsubscribe link belongs to no subscriber.

    Raises:
        TransportError: the server cannot be reached, or gave no answer.
    """
    reader = Delivery(
        id=DeliveryId(0), address=to, name="", language="", subscription_id=0, epoch=0, attempt=0
    )
    compiled = compose.compiled(composer, issue, now=now, is_proof=True)
    envelope = compose.envelope(composer, issue, reader, now=now)
    # Every proof has its own id, so that mail apps show the second one too.
    local, _, domain = envelope.message_id.rpartition("@")
    envelope = envelope._replace(message_id=f"{local}.proof.{now:%Y%m%d%H%M%S%f}@{domain}")
    try:
        for receipt in transport.submit(compiled, [envelope], on_wire=set):
            return receipt
    finally:
        transport.close()
    raise TransportError(f"The provider gave no answer about the proof to {to}.")
