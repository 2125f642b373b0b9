"""Nobody to send to, and what a provider would refuse; one counter-example for each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.issues import NEWSLETTER, UNSUBSCRIBE_URL
from data.issues.messages import MESSAGE, findings, severities, with_header
from digest.transports.sendgrid.provider import PROVIDER as SENDGRID
from digest.transports.smtp.provider import PROVIDER as SMTP


@pytest.mark.parametrize(("count", "expected"), [(0, {"block"}), (1, set()), (None, set())])
def test_somebody_gets_it(count: int | None, expected: set[str]) -> None:
    """Where nobody knows how many they are, nothing is said."""
    assert severities("recipients", audience_count=count) == expected


def test_sendgrid_takes_what_is_within_its_limits() -> None:
    assert severities("sg-limits", provider_limits=SENDGRID.limits) == set()
    named = with_header("Reply-To", '"Sam, the editor; and others" <editors@news.lockstep.example>')
    assert severities("sg-limits", named, provider_limits=SENDGRID.limits) == set()


@pytest.mark.parametrize(
    "message",
    [
        replace(MESSAGE, subject=" "),
        replace(MESSAGE, raw_headers=(("From", "From: Müller <a@news.lockstep.example>".encode()),)),
        with_header("Reply-To", "a@news.lockstep.example, b@news.lockstep.example"),
        with_header("Reply-To", "münchen@news.lockstep.example"),
    ],
    ids=["subject", "from", "two", "unicode"],
)
def test_what_sendgrid_refuses_is_said_before(message: object) -> None:
    """Other transports carry it, or have checks of their own."""
    assert severities("sg-limits", message, provider_limits=SENDGRID.limits) == {"block"}  # type: ignore[arg-type]
    assert severities("sg-limits", message, provider_limits=SMTP.limits) == set()  # type: ignore[arg-type]


def test_what_differs_from_recipient_to_recipient_has_room() -> None:
    long_address = UNSUBSCRIBE_URL + "x" * 5_000
    long_name = replace(NEWSLETTER, name="w" * 10_000)

    [finding] = findings("sg-limits", provider_limits=SENDGRID.limits, unsubscribe_url=long_address)
    assert "public_url" in finding.message
    [finding] = findings("sg-limits", provider_limits=SENDGRID.limits, newsletter=long_name)
    assert "newsletter's name" in finding.message
