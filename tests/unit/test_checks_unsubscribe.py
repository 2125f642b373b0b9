"""Ways out that do not work, one counter-example for each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.issues import SITE, UNSUBSCRIBE_URL
from data.issues.messages import (
    HEADERS,
    MESSAGE,
    TEXT,
    findings,
    severities,
    with_header,
    with_headers,
    with_html,
)

URL = UNSUBSCRIBE_URL


@pytest.mark.parametrize(
    ("value", "fine"),
    [
        (f"<{URL}>", True),
        (f"<{URL}>, <mailto:leave@news.example?subject=unsubscribe>", True),
        (f"<mailto:leave@news.example>, <{URL}>", False),
        (f"<{URL}>, <https://other.example/>", False),
        (f"<{URL}>, <mailto:a@news.example>, <mailto:b@news.example>", False),
        (f"<{URL}>; <mailto:leave@news.example>", False),
        (URL, False),
        ("<https://news.lockstep.example/u/somebody-else>", False),
        ("<mailto:leave@news.example>", False),
        (None, False),
    ],
)
def test_the_header_has_one_web_address_first(value: str | None, fine: bool) -> None:
    """RFC 2369 and 8058; the address is this recipient's own."""
    assert severities("lu-present", with_header("List-Unsubscribe", value)) == (set() if fine else {"block"})


def test_without_https_nobody_is_offered_a_button() -> None:
    """Only who tries digest out on one machine gets away with a warning."""
    url = "http://127.0.0.1:8080/u/abc"
    message = with_header("List-Unsubscribe", f"<{url}>")
    local = replace(SITE, public_url="http://127.0.0.1:8080")

    assert severities("lu-present", message, unsubscribe_url=url) == {"block"}
    assert severities("lu-present", message, unsubscribe_url=url, site=local) == {"warn"}


@pytest.mark.parametrize("value", [None, "List-Unsubscribe=one-click", "yes"])
def test_one_click_is_this_literal_value(value: str | None) -> None:
    """RFC 8058, 3.1."""
    assert severities("lu-post", with_header("List-Unsubscribe-Post", value)) == {"block"}


def test_without_a_signature_of_ours_somebody_should_look() -> None:
    assert severities("lu-dkim", dkim=False) == {"warn"}
    assert severities("lu-dkim", dkim=True) == set()


@pytest.mark.parametrize(
    ("covered", "expected"),
    [
        ("from:list-unsubscribe:list-unsubscribe-post", set()),
        ("From : List-Unsubscribe :\r\n List-Unsubscribe-Post", set()),
        ("from:list-unsubscribe", {"block"}),
        ("from:subject", {"block"}),
    ],
)
def test_a_signature_covers_both_headers(covered: str, expected: set[str]) -> None:
    """RFC 8058, 4."""
    signed = with_headers(*HEADERS, ("DKIM-Signature", f"v=1; a=rsa-sha256; h={covered}; bh=x; b=y"))

    assert severities("lu-dkim", signed) == expected


def test_both_bodies_link_to_leave() -> None:
    assert "HTML" in findings("lu-body", with_html(f'"{URL}"', '"https://a.example/"'))[0].message
    assert severities("lu-body", with_html(">Unsubscribe<", "><")) == {"block"}
    assert "plain text" in findings("lu-body", replace(MESSAGE, text=TEXT.replace(URL, "")))[0].message


def test_both_bodies_name_the_postal_address() -> None:
    """However it is wrapped."""
    address = SITE.postal_address
    wrapped = replace(MESSAGE, text=TEXT.replace(address, address.replace(", ", ",\n")))

    assert severities("postal", with_html(address, "")) == {"block"}
    assert severities("postal", replace(MESSAGE, text=TEXT.replace(address, ""))) == {"block"}
    assert severities("postal", wrapped) == set()
    assert severities("postal", site=replace(SITE, postal_address=" ")) == {"block"}


def test_everybody_leaves_by_an_address_of_their_own() -> None:
    """Else one reader's click unsubscribes another."""
    assert severities("lu-unique", other_unsubscribe_url=f"{URL}x") == set()
    assert severities("lu-unique", other_unsubscribe_url=URL) == {"block"}
