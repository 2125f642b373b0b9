"""Links that lead nowhere or say nothing, one counter-example for each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.issues import SITE
from data.issues.messages import findings, severities, with_html


def with_link(href: str, text: str = "A page") -> object:
    return with_html("</body>", f'<div><h2>A card</h2><a href="{href}">{text}</a></div></body>')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"block"}),
        (" &nbsp; ", {"block"}),
        ("Read more", {"warn"}),
        ("here →", {"warn"}),
        ("Weiterlesen …", {"warn"}),
        ("Story number 1 of the week", {"warn"}),  # two pages of one name
        ("Here is how", set()),
        ('<img src="https://a.example/a.png" alt="x">', set()),
    ],
)
def test_every_link_says_where_it_leads(text: str, expected: set[str]) -> None:
    assert severities("link-text", with_link("https://a.example/", text)) == expected


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("https://a.example/x?y=1#z", set()),
        ("mailto:a@b.example", set()),
        ("tel:+491234", set()),
        ("http://a.example/", {"warn"}),
        ("/posts/1", {"block"}),
        ("a.example/", {"block"}),
        ("#top", {"block"}),
        ("", {"block"}),
        ("ftp://a.example/", {"block"}),
        ("https://user:secret@a.example/", {"block"}),
        ("https://a.example:port/", {"block"}),
        ("https://[::1/", {"block"}),
        ("http://localhost:8000/", {"block"}),
        ("https://127.0.0.1/", {"block"}),
        ("https://10.0.0.7/x", {"block"}),
        ("https://[::1]/", {"block"}),
        ("https://staging.internal/x", {"block"}),
        ("https://intranet/x", {"block"}),
    ],
)
def test_every_link_leads_to_a_public_page(href: str, expected: set[str]) -> None:
    assert severities("link-url", with_link(href)) == expected


def test_who_tries_digest_out_on_one_machine_may_link_to_it() -> None:
    local = replace(SITE, url="http://localhost:8000", public_url="http://localhost:8080")

    assert severities("link-url", with_link("http://localhost:8000/posts/1"), site=local) == {"warn"}


def test_a_finding_names_the_story_but_no_password() -> None:
    found = findings("link-url", with_link("https://user:secret@a.example/"))

    assert [finding.where for finding in found] == ["A card"]
    assert "secret" not in found[0].message
