"""What may be done to an issue in which state, and when a person must look first."""

from __future__ import annotations

import pytest

from digest.model.issue import IssueState
from digest.rules import approval
from digest.rules.approval import blocked_by, needs_person

S = IssueState
#          open   approve send   cancel out
TABLE = {
    S.DRAFT: (True, True, False, True, False),
    S.HELD: (True, True, False, True, False),
    S.APPROVED: (True, False, True, True, False),
    S.SENDING: (False, False, True, True, True),
    S.SENT: (False, False, False, False, True),
    S.SKIPPED: (False, False, False, False, False),
    S.CANCELLED: (False, False, False, False, False),
}


@pytest.mark.parametrize("state", list(IssueState))
def test_every_state_has_its_place(state: IssueState) -> None:
    found = tuple(
        state in allowed
        for allowed in (
            approval.OPEN,
            approval.CAN_APPROVE,
            approval.CAN_SEND,
            approval.CAN_CANCEL,
            approval.WENT_OUT,
        )
    )

    assert found == TABLE[state]


@pytest.mark.parametrize(
    ("held", "required", "yes", "waits"),
    [
        ("", False, False, False),
        ("", True, False, True),
        ("a flood", False, False, True),
        ("a flood", True, False, True),
        ("", True, True, False),
        ("a flood", False, True, False),
        ("a flood", True, True, False),
    ],
)
def test_a_person_is_asked_when_one_is_needed(held: str, required: bool, yes: bool, waits: bool) -> None:
    assert bool(needs_person(held=held, required=required, yes=yes)) is waits


def test_the_reason_for_holding_comes_first() -> None:
    assert needs_person(held="a flood", required=True, yes=False) == "a flood"


def test_only_the_checks_that_were_named_are_overridden() -> None:
    assert blocked_by({"subject", "postal"}, {"postal"}) == {"subject"}
    assert blocked_by({"subject"}, {"subject", "never heard of"}) == set()
    assert blocked_by({"subject"}, {"*"}) == {"subject"}
    assert blocked_by(set(), set()) == set()
