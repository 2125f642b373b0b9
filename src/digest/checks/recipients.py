"""Recipients: there are some, and the provider accepts the mail for them.

The frozen audience already guarantees that every address is valid and that no mailbox
occurs twice; the transport takes care of the limits of a batch.
"""

from __future__ import annotations

from collections.abc import Iterator

from digest.checks.types import Check, Facts, Message, Problem, Severity


def audience(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    if facts.audience_count == 0:
        yield Problem(
            f"No one would receive it: {facts.newsletter.name} has no confirmed subscribers. "
            "Add some to the file named in subscribers, then run `digest collect`."
        )


def provider_limits(message: Message, facts: Facts) -> Iterator[Problem]:
    """What the provider would refuse the whole issue for; its folder in `transports` knows."""
    if facts.provider_limits is not None:
        yield from facts.provider_limits(message, facts)


CHECKS = (
    Check("recipients", Severity.BLOCK, "There are subscribers to receive it.", audience),
    Check("sg-limits", Severity.BLOCK, "It is within the provider's limits.", provider_limits),
)
