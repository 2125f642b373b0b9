"""Recipients: somebody gets it, and the provider takes it for them (rules 51 to 53).

That no mailbox is there twice and every address is one, the frozen audience
itself promises; what a batch may hold, the transport sees to.
"""

from __future__ import annotations

from collections.abc import Iterator

from digest.checks.types import Check, Facts, Message, Problem, Severity


def audience(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    if facts.audience_count == 0:
        yield Problem(
            f"Nobody would get it: {facts.newsletter.name} has no confirmed subscribers. "
            "Add some to the file named in subscribers, then run digest collect."
        )


def provider_limits(message: Message, facts: Facts) -> Iterator[Problem]:
    """What the provider would refuse the whole issue for; its folder in `transports` knows."""
    if facts.provider_limits is not None:
        yield from facts.provider_limits(message, facts)


CHECKS = (
    Check("recipients", Severity.BLOCK, "There is somebody to get it.", audience),
    Check("sg-limits", Severity.BLOCK, "It is within the limits of its provider.", provider_limits),
)
