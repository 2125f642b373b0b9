"""The pre-flight checks: pure functions over one parsed message, one file per family.

    headers        who the mail is from, and whether each header follows the RFCs
    unsubscribe    how to unsubscribe: headers, links, postal address, signature
    size           what Gmail would clip or drop
    structure      doctype, languages, tables, headings, no active content
    legibility     colours in light and dark mode, font sizes
    images         alt texts, sizes, addresses
    links          where they lead and what they say
    content        subject, preheader, template leftovers, parity of HTML and text
    recipients     someone to receive it, within the provider's limits
    compatibility  what each mail app will show differently

A check never blocks a genuine story: whatever a blog writes, a template can render.
Checks that need the network or a program other than Python are in `external_checks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from digest.checks import (
    compatibility,
    content,
    headers,
    images,
    legibility,
    links,
    recipients,
    size,
    structure,
    unsubscribe,
)
from digest.checks.compatibility import ACCEPTED, MailApp, RenderingDifference, differences
from digest.checks.size import Sizes, sizes
from digest.checks.types import Check, Facts, Finding, Message, Problem, Severity
from digest.rules.cleaning import plain

# Per check: sixty links with the same fault are one fault.
_MOST = 8

# The families in reading order, under the titles that the desk shows.
FAMILIES = {
    "Headers and sender": headers,
    "Unsubscribe and postal address": unsubscribe,
    "Size": size,
    "Structure and accessibility": structure,
    "Colours and type": legibility,
    "Images": images,
    "Links": links,
    "Content": content,
    "Recipients": recipients,
    "Mail apps": compatibility,
}

# The external checks, under the same titles.
_JUDGED = {
    "lu-live": "Unsubscribe and postal address",
    "img-live": "Images",
    "link-live": "Links",
    "spam-score": "Content",
}

REGISTRY: dict[str, Check] = {check.id: check for family in FAMILIES.values() for check in family.CHECKS}


def family_of(check_id: str) -> str:
    """The title of the family that a check belongs to; empty if it belongs to none."""
    found = next((title for title, f in FAMILIES.items() if check_id in {c.id for c in f.CHECKS}), "")
    return found or _JUDGED.get(check_id, "")


def run(message: Message, facts: Facts) -> tuple[Finding, ...]:
    """The findings of all checks, in the order of the families; a check without problems passes."""
    return tuple(
        finding
        for check in REGISTRY.values()
        for finding in verdict(check.id, check.severity, check.fine, check.look(message, facts))
    )


def verdict(check_id: str, severity: Severity, fine: str, found: Iterable[Problem]) -> Iterator[Finding]:
    """The findings of one check: `fine`, or its problems, of which only the first few are listed."""
    problems = list(found)
    if not problems:
        yield Finding(check_id, severity, True, plain(fine, limit=600))
    for problem in problems[:_MOST]:
        message, where = plain(problem.message, limit=600), plain(problem.where)
        yield Finding(check_id, problem.severity or severity, False, message, where)
    if len(problems) > _MOST:
        rest = problems[_MOST:]
        worst = min((problem.severity or severity for problem in rest), key=list(Severity).index)
        yield Finding(check_id, worst, False, f"The same problem occurs in {len(rest)} more places.")


__all__ = [
    "ACCEPTED",
    "REGISTRY",
    "Check",
    "Facts",
    "Finding",
    "MailApp",
    "Message",
    "Problem",
    "RenderingDifference",
    "Severity",
    "Sizes",
    "differences",
    "family_of",
    "run",
    "sizes",
    "verdict",
]
