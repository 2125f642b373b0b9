"""Proof: a test copy of an issue to one address, marked as such and outside the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from digest.errors import DigestError, TransportError
from digest.model.delivery import Delivery, DeliveryId, Outcome, Receipt
from digest.model.issue import Issue
from digest.rules.email_addresses import parse_address
from digest.storage import activity_log
from digest.storage.database import Database
from digest.transports import Transport
from digest.workflows.composing import compose as printing
from digest.workflows.composing.compose import Composer


def send_proofs(
    issue: Issue,
    *,
    to: Sequence[str],
    press: Composer,
    open_transport: Callable[[], Transport],
    database: Database,
    by: str,
    now: datetime,
) -> list[tuple[str, Receipt | DigestError]]:
    """Send a copy to each address: its receipt, or why there is none.

    The activity log gets how many were accepted, and no address.
    """
    answers: list[tuple[str, Receipt | DigestError]] = []
    for address in to:
        try:
            receipt = send_proof(issue, to=address, press=press, transport=open_transport(), now=now)
            answers.append((address, receipt))
        except DigestError as error:
            answers.append((address, error))
    accepted = sum(isinstance(one, Receipt) and one.outcome is Outcome.ACCEPTED for _, one in answers)
    with database.write() as connection:
        activity_log.record(
            connection,
            f"proof sent to {accepted} of {len(to)} addresses",
            at=now,
            newsletter=issue.newsletter,
            subject=issue.ref,
            who=by,
        )
    return answers


def send_proof(issue: Issue, *, to: str, press: Composer, transport: Transport, now: datetime) -> Receipt:
    """Submit one marked copy; its unsubscribe link belongs to nobody.

    Raises:
        InvalidAddress: the address is not one.
        TransportError: the server cannot be reached, or gave no answer.
    """
    address = parse_address(to).address
    reader = Delivery(
        id=DeliveryId(0), address=address, name="", language="", subscription_id=0, epoch=0, attempt=0
    )
    compiled = printing.compiled(press, issue, now=now, is_proof=True)
    envelope = printing.envelope(press, issue, reader, now=now)
    # Every proof has its own id: a reader must see the second one too.
    local, _, domain = envelope.message_id.rpartition("@")
    envelope = envelope._replace(message_id=f"{local}.proof.{now:%Y%m%d%H%M%S%f}@{domain}")
    try:
        for receipt in transport.submit(compiled, [envelope], on_wire=set):
            return receipt
    finally:
        transport.close()
    raise TransportError(f"There was no answer for the proof to {to}.")
