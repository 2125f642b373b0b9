"""The way out: one click, a link in both bodies, a postal address (rules 12 to 14, 16 to 18)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from digest.checks.html_tree import (
    attribute,
    elements,
    scheme_of,
    site_is_private,
    text_of,
    visible_text,
    without_whitespace,
)
from digest.checks.types import Check, Facts, Message, Problem, Severity

_URI_LIST = re.compile(r"\s*<[^<>\s]+>\s*(,\s*<[^<>\s]+>\s*)*")
_ONE_CLICK = "List-Unsubscribe=One-Click"


def header(message: Message, facts: Facts) -> Iterator[Problem]:
    """RFC 2369 and RFC 8058, 3.1: one https address first, at most one mailto."""
    value = message.header("List-Unsubscribe")
    if value is None:
        yield Problem(
            "There is no List-Unsubscribe: mail programs show no button to leave.", "List-Unsubscribe"
        )
        return
    if not _URI_LIST.fullmatch(value):
        yield Problem(
            "List-Unsubscribe is not a list of <addresses> with commas between.", "List-Unsubscribe"
        )
        return
    yield from _faults_of_uris(re.findall(r"<([^<>]+)>", value), facts)


def _faults_of_uris(uris: list[str], facts: Facts) -> Iterator[Problem]:
    schemes = [scheme_of(uri) for uri in uris]
    web = [scheme for scheme in schemes if scheme in {"https", "http"}]
    if (
        len(web) != 1
        or schemes[0] != web[0]
        or schemes.count("mailto") != len(schemes) - 1
        or len(schemes) > 2
    ):
        yield Problem(
            "List-Unsubscribe needs one web address first, and at most one mailto.", "List-Unsubscribe"
        )
    elif web[0] == "http":
        severity = Severity.WARN if site_is_private(facts) else Severity.BLOCK
        yield Problem(
            "The address in List-Unsubscribe is not https: Gmail and Yahoo ignore it. Mend site.public_url.",
            "List-Unsubscribe",
            severity,
        )
    if facts.unsubscribe_url not in uris:
        yield Problem("List-Unsubscribe does not hold this recipient's own address.", "List-Unsubscribe")


def post_header(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 8058, 3.1: this literal value and nothing else."""
    if (message.header("List-Unsubscribe-Post") or "").strip() != _ONE_CLICK:
        yield Problem(f"List-Unsubscribe-Post must be “{_ONE_CLICK}”.", "List-Unsubscribe-Post")


def signature(message: Message, facts: Facts) -> Iterator[Problem]:
    """RFC 8058, 4: a valid signature covers both headers."""
    signatures = message.headers_named("DKIM-Signature")
    if not signatures and not facts.dkim:
        yield Problem(
            "digest does not sign this mail. Make sure that your provider or mail server does: without a "
            "signature the button to leave is not shown.",
            "DKIM-Signature",
            Severity.WARN,
        )
    for value in signatures:
        covered = re.search(r"(?:^|;)\s*h=([^;]*)", value)
        names = set(without_whitespace(covered[1]).lower().split(":")) if covered else set()
        missing = {"list-unsubscribe", "list-unsubscribe-post"} - names
        if missing:
            yield Problem(f"The signature does not cover {' and '.join(sorted(missing))}.", "DKIM-Signature")


def own_address(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 8058, 3.1: it says who leaves."""
    if facts.other_unsubscribe_url == facts.unsubscribe_url:
        yield Problem(
            "Two recipients get the same address to unsubscribe: one would unsubscribe the other. "
            "Please report it, and do not send.",
            "List-Unsubscribe",
        )


def links(message: Message, facts: Facts) -> Iterator[Problem]:
    """A link that can be seen, in both bodies."""
    mend = "Print {{ slots.unsubscribe_url }} in the template."
    found = [node for node in elements(message.html, "a") if attribute(node, "href") == facts.unsubscribe_url]
    if not any(text_of(node) for node in found):
        yield Problem(f"The HTML part has no link to unsubscribe. {mend}")
    if facts.unsubscribe_url not in message.text:
        yield Problem(f"The plain text has no address to unsubscribe. {mend}")


def postal(message: Message, facts: Facts) -> Iterator[Problem]:
    """CAN-SPAM and its likes want a postal address in every copy."""
    address = without_whitespace(facts.site.postal_address)
    if not address:
        yield Problem("No postal address is set. Fill in site.postal_address.")
        return
    if address not in without_whitespace(visible_text(message.html)):
        yield Problem("The HTML part lacks the postal address. Print {{ site.postal_address }}.")
    if address not in without_whitespace(message.text):
        yield Problem("The plain text lacks the postal address. Print {{ site.postal_address }}.")


CHECKS = (
    Check("lu-present", Severity.BLOCK, "Mail programs can offer to unsubscribe.", header),
    Check("lu-post", Severity.BLOCK, "One click is enough to unsubscribe.", post_header),
    Check("lu-dkim", Severity.BLOCK, "The signature covers the way to unsubscribe.", signature),
    Check("lu-unique", Severity.BLOCK, "Everybody leaves by an address of their own.", own_address),
    Check("lu-body", Severity.BLOCK, "Both bodies link to unsubscribe.", links),
    Check("postal", Severity.BLOCK, "Both bodies name the postal address.", postal),
)
