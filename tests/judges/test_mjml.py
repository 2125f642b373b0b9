"""npm's `mjml`, the reference compiler, about the MJML of our templates and what MRML makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from data.issues.mailings import mailing

pytestmark = pytest.mark.needs("node")


def test_mjml_finds_no_fault(name: str, verdicts: dict[str, Any]) -> None:
    """Not one unknown element or attribute, nothing out of its place, no value of a wrong form."""
    assert verdicts[f"{name}.mjml"]["errors"] == []


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("unknown-attribute.mjml", "Attribute paddin is illegal"),
        ("misplaced-element.mjml", "mj-text cannot be used inside mj-wrapper"),
        ("wrong-unit.mjml", "has invalid value: 3 feet"),
    ],
)
def test_mjml_finds_a_fault(file: str, said: str, verdicts: dict[str, Any]) -> None:
    assert said in "\n".join(verdicts[file]["errors"])


def test_both_compilers_print_the_same(name: str, verdicts: dict[str, Any]) -> None:
    """MRML and inlining lose no link, no picture and no word, and change none."""
    ours, theirs = mailing(name).compiled.html, verdicts[f"{name}.mjml"]["html"]

    assert links(ours) == links(theirs)
    assert pictures(ours) == pictures(theirs)
    assert words(ours) == words(theirs)


def test_a_lost_word_is_found(verdicts: dict[str, Any]) -> None:
    ours, theirs = mailing("mixed").compiled.html, verdicts["changed-word.mjml"]["html"]

    assert links(ours) != links(theirs)
    assert words(ours) != words(theirs)


def links(html: str) -> list[str | None]:
    return [link.attributes.get("href") for link in LexborHTMLParser(html).css("a")]


def pictures(html: str) -> list[tuple[str | None, str | None]]:
    images = LexborHTMLParser(html).css("img")
    return [(image.attributes.get("src"), image.attributes.get("alt")) for image in images]


def words(html: str) -> list[str]:
    body = LexborHTMLParser(html).body
    assert body
    return body.text(separator=" ").split()
