"""Merge slots: the places in a rendered issue whose values differ between recipients.

A template prints a *marker* for each slot.  A marker contains a nonce that is drawn
when the issue is rendered, so that no article can contain one.  It is plain ASCII
without characters that HTML, MJML or URLs would escape, and is also used unchanged
as a substitution tag for SendGrid.
"""

from __future__ import annotations

import re
from enum import StrEnum


class SlotName(StrEnum):
    UNSUBSCRIBE_URL = "unsubscribe-url"
    ADDRESS = "address"
    NAME = "name"  # of the recipient; may be empty


def marker(nonce: str, slot: SlotName) -> str:
    return f"-{nonce}-{slot.value}-"


def markers(nonce: str) -> dict[SlotName, str]:
    return {slot: marker(nonce, slot) for slot in SlotName}


def pattern(nonce: str) -> re.Pattern[str]:
    """A pattern that finds every marker; group 1 is the slot's name."""
    names = "|".join(re.escape(slot.value) for slot in SlotName)
    return re.compile(f"-{re.escape(nonce)}-({names})-")
