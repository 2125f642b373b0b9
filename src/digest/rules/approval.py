"""Which actions an issue allows in which state, and what happens to one that was not approved in time."""

from __future__ import annotations

from datetime import timedelta

from digest.model.issue import IssueState

OPEN = frozenset({IssueState.DRAFT, IssueState.HELD, IssueState.APPROVED})
CAN_APPROVE = frozenset({IssueState.DRAFT, IssueState.HELD})
CAN_SEND = frozenset({IssueState.APPROVED, IssueState.SENDING})
CAN_EDIT = frozenset({IssueState.DRAFT, IssueState.HELD, IssueState.APPROVED})
CAN_CANCEL = frozenset({IssueState.DRAFT, IssueState.HELD, IssueState.APPROVED, IssueState.SENDING})
WENT_OUT = frozenset({IssueState.SENDING, IssueState.SENT})


NEEDS_APPROVAL = (
    "This newsletter's issues need a person's approval: `digest approve ISSUE`, or send with --yes."
)
NOBODY_APPROVED = "It was not approved before its slot."


def needs_person(*, held: str, required: bool, yes: bool) -> str:
    """Why a person must approve this issue first; empty if it can be sent."""
    if yes:
        return ""
    if held:
        return held
    return NEEDS_APPROVAL if required else ""


def at_deadline(policy: str, *, why: str, waited: timedelta, ahead: timedelta | None) -> str:
    """What happens to a draft that is not approved by its slot: hold, skip or send.

    `why` says what holds it: a flood or a blocking check always needs a
    decision.  So does a draft that existed for less than half of the time `ahead`,
    for example one made late, because no one had time to review it.
    """
    if why != NEEDS_APPROVAL or ahead is None or waited < ahead / 2:
        return "hold"
    return policy


def blocked_by(blocking: set[str], overrides: set[str]) -> set[str]:
    """The blocking checks that no one has overridden by id."""
    return blocking - overrides
