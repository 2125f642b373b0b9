"""When a deferred delivery is tried again, and what an account means for its issue."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model.delivery import Counts
from digest.rules.sending import LEASE, MAX_ATTEMPTS, is_exhausted, is_finished, wait_after, why_unfinished

STATES = ("pending", "deferred", "in_flight", "accepted", "refused", "uncertain", "suppressed", "abandoned")


def account(**states: int) -> Counts:
    total = sum(states.values())
    return Counts(candidates=total + 2, excluded=2, audience=total, **states)


@pytest.mark.parametrize(
    ("attempt", "minutes"),
    [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 64), (8, 128), (9, 240), (10, 240), (10_000, 240)],
)
def test_the_wait_doubles_up_to_four_hours(attempt: int, minutes: int) -> None:
    assert wait_after(attempt) == timedelta(minutes=minutes)


def test_a_wait_is_never_shorter_than_the_server_asks() -> None:
    assert wait_after(1, asked=timedelta(minutes=30)) == timedelta(minutes=30)
    assert wait_after(9, asked=timedelta(minutes=30)) == timedelta(hours=4)
    assert wait_after(1, asked=timedelta(days=1)) == timedelta(days=1)
    assert wait_after(1, asked=timedelta(seconds=-5)) == timedelta(minutes=1)


@given(st.integers(-5, 100))
def test_waits_never_get_shorter(attempt: int) -> None:
    assert timedelta() < wait_after(attempt) <= wait_after(attempt + 1)


def test_a_delivery_is_tried_for_about_a_day() -> None:
    """RFC 5321, 4.5.4.1 asks for days from relays; a weekly issue is stale by then."""
    tries = [attempt for attempt in range(1, 100) if not is_exhausted(attempt)]
    waiting = sum((wait_after(attempt) for attempt in tries), timedelta())

    assert tries == list(range(1, MAX_ATTEMPTS))
    assert timedelta(hours=12) < waiting < timedelta(hours=36)


def test_a_lease_outlives_the_longest_answer() -> None:
    """RFC 5321, 4.5.3.2.6: ten minutes for the answer to the final dot."""
    assert timedelta(minutes=10) < LEASE


@pytest.mark.parametrize("state", ["accepted", "refused", "suppressed", "abandoned"])
def test_what_needs_nothing_more_finishes_an_issue(state: str) -> None:
    counts = account(**{state: 3})

    assert is_finished(counts)
    assert why_unfinished(counts) == ""


@pytest.mark.parametrize("state", ["pending", "deferred", "in_flight", "uncertain"])
def test_what_is_open_keeps_an_issue_open_and_is_said(state: str) -> None:
    counts = account(**{state: 3}, accepted=5)

    assert not is_finished(counts)
    assert why_unfinished(counts).startswith("3 ")


def test_one_person_is_not_people() -> None:
    assert why_unfinished(account(uncertain=1)).startswith("1 person may")


@pytest.mark.parametrize("wrong", ["candidates", "excluded", "audience", *STATES])
def test_an_account_that_does_not_add_up_never_finishes(wrong: str) -> None:
    from dataclasses import replace

    right = account(accepted=5, refused=1)
    counts = replace(right, **{wrong: getattr(right, wrong) + 1})

    assert right.adds_up
    assert not counts.adds_up
    assert not is_finished(counts)
    assert "do not add up" in why_unfinished(counts)
