"""A compiled issue and envelopes for it, for tests of the edges that carry them."""

from __future__ import annotations

from datetime import UTC, datetime

from digest.message.compile import Compiled, MessageFacts, compile_message
from digest.message.merge_slots import SlotName, markers
from digest.model.delivery import DeliveryId, Envelope
from digest.model.issue import Rendered
from digest.model.newsletter import Mailbox

NONCE = "00112233445566778899"


def compiled(subject: str = "One story · Weekly 3", *, padding: str = "", **facts: object) -> Compiled:
    """An issue whose bodies hold every slot, and a line that is a single dot."""
    slots = markers(NONCE)
    name, address, url = slots[SlotName.NAME], slots[SlotName.ADDRESS], slots[SlotName.UNSUBSCRIBE_URL]
    rendered = Rendered(
        subject=subject,
        preheader="",
        html=f'<!DOCTYPE html><p title="{name}">Hi {name}</p>\n{padding}'
        f'<a href="{url}">Unsubscribe {address}</a>',
        text=f"Hi {name}\n.\nSent to {address}\n\n{url}\n",
        nonce=NONCE,
        language="en",
    )
    values: dict[str, object] = {
        "issue_ref": "weekly/3",
        "sender": Mailbox("Example Weekly", "digest@news.example.com"),
        "reply_to": Mailbox("The editor", "editor@example.com"),
        "list_name": "Example Weekly",
        "list_id": "weekly.news.example.com",
        "feedback_id": "3:weekly:newsletter:exweekly",
        "language": "en",
        "mailto_unsubscribe": "leave@news.example.com",
    }
    return compile_message(rendered, MessageFacts(**(values | facts)))  # type: ignore[arg-type]


def envelope(number: int, address: str = "", name: str = "") -> Envelope:
    """Delivery `number` to `r<number>@example.org`, where no other address is given."""
    return Envelope(
        delivery_id=DeliveryId(number),
        address=address or f"r{number}@example.org",
        name=name,
        return_path=f"bounce+{number}@news.example.com",
        message_id=f"{number}.weekly.3@news.example.com",
        unsubscribe_url=f"https://news.example.com/u/token-{number}-{'x' * 30}",
        date=datetime(2026, 1, 6, 8, 0, tzinfo=UTC),
    )
