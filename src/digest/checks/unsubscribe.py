"""Unsubscribing: one click, a link in both bodies, a postal address."""

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
    """RFC 2369 and RFC 8058, 3.1: one https address first, and at most one mailto."""
    value = message.header("List-Unsubscribe")
    if value is None:
        yield Problem(
            "There is no List-Unsubscribe header, so mail apps show no unsubscribe button.",
            "List-Unsubscribe",
        )
        return
    if not _URI_LIST.fullmatch(value):
        yield Problem(
            "List-Unsubscribe is not a list of <addresses> separated by commas.", "List-Unsubscribe"
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
            "The address in List-Unsubscribe is not https, so Gmail and Yahoo ignore it. "
            "Fix site.public_url.",
            "List-Unsubscribe",
            severity,
        )
    if facts.unsubscribe_url not in uris:
        yield Problem("List-Unsubscribe does not contain this recipient's own address.", "List-Unsubscribe")


def post_header(message: Message, facts: Facts) -> Iterator[Problem]:  # noqa: ARG001
    """RFC 8058, 3.1: exactly this value."""
    if (message.header("List-Unsubscribe-Post") or "").strip() != _ONE_CLICK:
        yield Problem(f"List-Unsubscribe-Post must be “{_ONE_CLICK}”.", "List-Unsubscribe-Post")


def signature(message: Message, facts: Facts) -> Iterator[Problem]:
    """RFC 8058, 4: a valid signature must cover both headers."""
    signatures = message.headers_named("DKIM-Signature")
    if not signatures and not facts.dkim:
        yield Problem(
            "digest does not sign this mail. Make sure that your provider or mail server does: without a "
            "signature, mail apps hide the unsubscribe button.",
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
    """RFC 8058, 3.1: the address identifies the subscriber."""
    if facts.other_unsubscribe_url == facts.unsubscribe_url:
        yield Problem(
            "Two recipients have the same unsubscribe address, so one would unsubscribe the other. "
            "Please report this bug and do not send.",
            "List-Unsubscribe",
        )


def links(message: Message, facts: Facts) -> Iterator[Problem]:
    """Both bodies must have a visible link."""
    fix = "Print {{ slots.unsubscribe_url }} in the template."
    found = [node for node in elements(message.html, "a") if attribute(node, "href") == facts.unsubscribe_url]
    if not any(text_of(node) for node in found):
        yield Problem(f"The HTML part has no unsubscribe link. {fix}")
    if facts.unsubscribe_url not in message.text:
        yield Problem(f"The plain text has no unsubscribe address. {fix}")


def postal(message: Message, facts: Facts) -> Iterator[Problem]:
    """CAN-SPAM and similar laws require a postal address in every copy."""
    address = without_whitespace(facts.site.postal_address)
    if not address:
        yield Problem("No postal address is set. Fill in site.postal_address.")
        return
    if address not in without_whitespace(visible_text(message.html)):
        yield Problem("The HTML part lacks the postal address. Print {{ site.postal_address }}.")
    if address not in without_whitespace(message.text):
        yield Problem("The plain text lacks the postal address. Print {{ site.postal_address }}.")


CHECKS = (
    Check("lu-present", Severity.BLOCK, "Mail apps can offer to unsubscribe.", header),
    Check("lu-post", Severity.BLOCK, "One click is enough to unsubscribe.", post_header),
    Check("lu-dkim", Severity.BLOCK, "The signature covers the unsubscribe headers.", signature),
    Check("lu-unique", Severity.BLOCK, "Every recipient has their own unsubscribe address.", own_address),
    Check("lu-body", Severity.BLOCK, "Both bodies have an unsubscribe link.", links),
    Check("postal", Severity.BLOCK, "Both bodies contain the postal address.", postal),
)
