"""Images that some readers would not get, one counter-example for each."""

from __future__ import annotations

import pytest

from data.issues.messages import findings, severities, with_html

FIRST = '<img src="https://img.lockstep.example/1.png" alt="" width="160" height="90">'


@pytest.mark.parametrize(
    ("alt", "expected"),
    [
        ("", {"block"}),
        ('alt="1.png"', {"warn"}),
        ('alt="IMG_2041.JPG"', {"warn"}),
        ('alt=""', set()),
        ('alt="Two rings"', set()),
        ('alt="How we moved to image.png-free mails"', set()),
    ],
)
def test_every_image_has_a_text_or_needs_none(alt: str, expected: set[str]) -> None:
    assert severities("img-alt", with_html(FIRST, FIRST.replace('alt=""', alt))) == expected


def test_a_link_of_nothing_but_a_silent_image_leads_nowhere() -> None:
    """Unless a link with words leads to the same page."""
    lonely = f'<a href="https://other.example/">{FIRST}</a>'

    assert severities("img-alt", with_html("</body>", f"{lonely}</body>")) == {"block"}


def test_a_finding_names_the_story() -> None:
    found = findings("img-alt", with_html(FIRST, FIRST.replace(' alt=""', "")))

    assert [finding.where for finding in found] == ["Story number 1 of the week"]


@pytest.mark.parametrize("old", ['width="160"', 'height="90"'])
def test_every_image_states_its_size(old: str) -> None:
    """Also `height="auto"` is no size."""
    assert severities("img-dim", with_html(FIRST, FIRST.replace(old, ""))) == {"warn"}
    auto = old.partition("=")[0] + '="auto"'
    assert severities("img-dim", with_html(FIRST, FIRST.replace(old, auto))) == {"warn"}


def test_no_image_is_wider_than_the_mail() -> None:
    assert severities("img-dim", with_html(FIRST, FIRST.replace("160", "700"))) == {"warn"}


@pytest.mark.parametrize(
    ("src", "expected"),
    [
        ("http://img.lockstep.example/1.png", {"warn"}),
        ("https://img.lockstep.example/1.webp", {"warn"}),
        ("https://img.lockstep.example/1.png?as=webp", set()),
        ("/1.png", {"block"}),
        ("", {"block"}),
        ("cid:1", {"block"}),
    ],
)
def test_every_image_can_be_fetched(src: str, expected: set[str]) -> None:
    message = with_html(FIRST, FIRST.replace("https://img.lockstep.example/1.png", src))

    assert severities("img-url", message) == expected
