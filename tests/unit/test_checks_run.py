"""How checks report: every one of them, every time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.issues.messages import FACTS, HTML, MESSAGE
from digest.checks import REGISTRY, Severity, run, sizes

IDS = (
    "hdr-required hdr-line hdr-encoded-struct hdr-ew hdr-inject qp-76 mime-shape mid-domain from-one "
    "dmarc-align list-id feedback-id auto-sub lu-present lu-post lu-dkim lu-unique lu-body postal "
    "size-html room style-16k style-parse doctype important-kept html-valid no-active lang-dir "
    "table-role h-order contrast dark-meta font-min img-alt img-dim img-url link-text link-url "
    "merge-left preheader subject c1-chars text-parity dup-content empty recipients sg-limits "
    "compatibility"
).split()


def test_every_check_reports_also_when_all_is_well() -> None:
    found = run(MESSAGE, FACTS)

    assert [finding.id for finding in found] == IDS
    assert [finding for finding in found if not finding.passed] == []
    assert all(finding.message.endswith(".") for finding in found)


def test_the_ids_are_a_contract() -> None:
    """Overrides and docs name them."""
    assert list(REGISTRY) == IDS


def test_the_same_fault_in_sixty_places_is_said_nine_times() -> None:
    html = HTML.replace("</body>", '<img src="https://a.example/a.png">' * 60 + "</body>")
    found = [finding for finding in run(replace(MESSAGE, html=html), FACTS) if finding.id == "img-alt"]

    assert len(found) == 9
    assert "52 more places" in found[-1].message
    assert found[-1].severity is Severity.BLOCK


def test_the_same_input_gives_the_same_findings() -> None:
    assert run(MESSAGE, FACTS) == run(MESSAGE, FACTS)


def test_an_empty_message_is_judged_not_stumbled_over() -> None:
    """Whatever arrives, each check has an answer."""
    empty = replace(
        MESSAGE,
        raw=b"",
        headers=(),
        raw_headers=(),
        subject="",
        sender_name="",
        sender_address="",
        html="",
        text="",
        parts=(),
    )
    found = run(empty, FACTS)

    assert {finding.id for finding in found} == set(IDS)
    assert not all(finding.passed for finding in found)


def test_sizes_count_bytes_not_characters() -> None:
    message = replace(MESSAGE, html="<style>é</style>ü", text="日")

    assert sizes(message) == (19, 2, 3)


@pytest.mark.parametrize("html", ["<html></html>", "<p>", "<<<>>>", "\x00" * 10, "<table><tr><td>" * 2000])
def test_broken_html_breaks_no_check(html: str) -> None:
    assert run(replace(MESSAGE, html=html), FACTS)
