"""What may be done to an issue in which state."""

from __future__ import annotations

from digest.model.issue import IssueState

OPEN = frozenset({IssueState.DRAFT, IssueState.HELD, IssueState.APPROVED})
CAN_APPROVE = frozenset({IssueState.DRAFT, IssueState.HELD})
CAN_SEND = frozenset({IssueState.APPROVED, IssueState.SENDING})
CAN_EDIT = frozenset({IssueState.DRAFT, IssueState.HELD, IssueState.APPROVED})
CAN_CANCEL = frozenset({IssueState.DRAFT, IssueState.HELD, IssueState.APPROVED, IssueState.SENDING})
WENT_OUT = frozenset({IssueState.SENDING, IssueState.SENT})


def needs_person(*, held: str, required: bool, yes: bool) -> str:
    """Why a person must approve this issue first, or empty when it may go."""
    if yes:
        return ""
    if held:
        return held
    if required:
        return (
            "This newsletter's issues need a person's approval: `digest approve ISSUE`, or send with --yes."
        )
    return ""


def blocked_by(blocking: set[str], overrides: set[str]) -> set[str]:
    """The blocking checks that nobody has overridden by name."""
    return blocking - overrides
