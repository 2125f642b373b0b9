"""What may be done to an issue in which state."""

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
NOBODY_APPROVED = "Nobody approved it by its slot."


def needs_person(*, held: str, required: bool, yes: bool) -> str:
    """Why a person must approve this issue first, or empty when it may go."""
    if yes:
        return ""
    if held:
        return held
    return NEEDS_APPROVAL if required else ""


def at_deadline(policy: str, *, why: str, waited: timedelta, ahead: timedelta | None) -> str:
    """What becomes of a draft that nobody approved by its slot: hold, skip or send.

    `why` is what it waits for: a flood or a blocking check always waits for a
    person.  So does a draft that was not there for at least half of the time
    `ahead`, such as one that was made late: nobody could look at it.
    """
    if why != NEEDS_APPROVAL or ahead is None or waited < ahead / 2:
        return "hold"
    return policy


def blocked_by(blocking: set[str], overrides: set[str]) -> set[str]:
    """The blocking checks that nobody has overridden by name."""
    return blocking - overrides
