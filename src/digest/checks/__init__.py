"""The pre-flight rules: pure functions over one parsed message, a file per family.

    headers        who it is from, and whether every header is written as the RFCs want it
    unsubscribe    the way out: headers, links, postal address, signature
    size           what Gmail would cut or drop
    structure      doctype, languages, tables, headings, nothing active
    looks          colours in light and in the dark, sizes of type
    images         texts for who cannot see them, sizes, addresses
    links          where they lead and what they say
    content        subject, preheader, leftovers of templates, parity of HTML and text
    recipients     somebody to get it, within the limits of the provider
    compatibility  what which mail program will show differently

A check never blocks an honest story: whatever a blog may write, a template can
print.  What needs the network or a program outside Python lives in `judges`.
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
from digest.checks.compatibility import ACCEPTED, MailProgram, RenderingDifference, differences
from digest.checks.size import Sizes, sizes
from digest.checks.types import Check, Facts, Finding, Message, Problem, Severity
from digest.rules.cleaning import plain

# Of one check; sixty links with the same fault are one fault.
_MOST = 8

# The families in the order in which a person reads them, as the desk titles them.
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
    "Mail programs": compatibility,
}

# What `judges` find out, under the same titles.
_JUDGED = {
    "lu-live": "Unsubscribe and postal address",
    "img-live": "Images",
    "link-live": "Links",
    "spam-score": "Content",
}

REGISTRY: dict[str, Check] = {check.id: check for family in FAMILIES.values() for check in family.CHECKS}


def family_of(check_id: str) -> str:
    """The title of the family that a check belongs to; empty for none."""
    found = next((title for title, f in FAMILIES.items() if check_id in {c.id for c in f.CHECKS}), "")
    return found or _JUDGED.get(check_id, "")


def run(message: Message, facts: Facts) -> tuple[Finding, ...]:
    """Every check's verdict, in the order of the families; a check that finds nothing passes."""
    return tuple(
        finding
        for check in REGISTRY.values()
        for finding in verdict(check.id, check.severity, check.fine, check.look(message, facts))
    )


def verdict(check_id: str, severity: Severity, fine: str, found: Iterable[Problem]) -> Iterator[Finding]:
    """What a check says: `fine`, or its problems, of which the many are counted."""
    problems = list(found)
    if not problems:
        yield Finding(check_id, severity, True, plain(fine, limit=600))
    for problem in problems[:_MOST]:
        message, where = plain(problem.message, limit=600), plain(problem.where)
        yield Finding(check_id, problem.severity or severity, False, message, where)
    if len(problems) > _MOST:
        rest = problems[_MOST:]
        worst = min((problem.severity or severity for problem in rest), key=list(Severity).index)
        yield Finding(check_id, worst, False, f"The same in {len(rest)} more places.")


__all__ = [
    "ACCEPTED",
    "REGISTRY",
    "Check",
    "Facts",
    "Finding",
    "MailProgram",
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
