"""html-validate about the HTML as a standard, axe-core about what people can see of it in a browser."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.needs("node")

LOOKS = ("light", "dark", "outlook")  # the last one is dark as Outlook does it, without a media query


def test_html_keeps_to_the_standard(name: str, verdicts: dict[str, Any]) -> None:
    assert verdicts[f"{name}.html"]["standard"] == []


@pytest.mark.parametrize(
    ("file", "rule"),
    [("unclosed-element.html", "close-order"), ("image-without-alt.html", "wcag/h37")],
)
def test_a_breach_of_the_standard_is_found(file: str, rule: str, verdicts: dict[str, Any]) -> None:
    assert rule in {found.partition(":")[0] for found in verdicts[file]["standard"]}


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("look", LOOKS)
def test_everybody_can_read_it(name: str, look: str, verdicts: dict[str, Any]) -> None:
    """No violation of any weight: contrast, names of links, order of headings, languages, tables."""
    assert verdicts[f"{name}.html"][look] == []


@pytest.mark.needs("chromium")
def test_nobody_has_to_scroll_sideways(name: str, verdicts: dict[str, Any]) -> None:
    """On a screen of 320 pixels, which is also a wide one at 400 % (WCAG 1.4.10)."""
    assert verdicts[f"{name}.html"]["width"] == 320


@pytest.mark.needs("chromium")
def test_what_is_too_wide_is_found(verdicts: dict[str, Any]) -> None:
    assert verdicts["too-wide.html"]["width"] > 320


@pytest.mark.needs("chromium")
@pytest.mark.parametrize(
    ("file", "looks", "rule"),
    [
        ("pale.html", {"light"}, "serious color-contrast"),
        ("pale-in-the-dark.html", {"dark", "outlook"}, "serious color-contrast"),
        ("image-without-alt.html", set(LOOKS), "critical image-alt"),
    ],
)
def test_what_some_cannot_read_is_found(
    file: str, looks: set[str], rule: str, verdicts: dict[str, Any]
) -> None:
    """In the looks that have the fault, and only there."""
    found = {look for look in LOOKS if any(said.startswith(rule) for said in verdicts[file][look])}

    assert found == looks
