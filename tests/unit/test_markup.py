"""The quick look at a page's elements calls no page plain in which the close one finds a fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.checks import markup

PAGES = sorted((Path(__file__).parents[1] / "data").rglob("*.html"))
PIECES = (
    *("<p>", "</p>", "<td>", "</td>", "<table>", "</table>", "<b>", "</b>", "<br>", "<br/>", "<i/>", "</br>"),
    *('<a href="x>y">', "</a>", "<a href=x>", "<a b='\"'>", "<!-- - -->", "<!--[if mso]>", "<![endif]-->"),
    *("<!-- a -- >", "<style>a</style>", "<style>", "</style>", "<script>", "</script>", "text", "<", "&lt;"),
    *("<li>", "</li>", "<svg>", "<path/>", "</svg>", "<!doctype html>", "<H1>", "</h1>", "</ p>", "<p", ">"),
)


def closely(html: str) -> list[markup.MarkupFault]:
    reader = markup._Reader()
    reader.feed(html)
    reader.close()
    return [*reader.found, *reader.unclosed()]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_what_is_plain_has_no_fault(html: str) -> None:
    if markup._is_nested_plainly(html):
        assert closely(html) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_of_others_are_judged_as_by_the_letter(page: Path) -> None:
    html = page.read_text(encoding="utf-8", errors="replace")
    told = [fault for fault in markup.faults(html) if fault not in closely(html)]

    assert not (markup._is_nested_plainly(html) and closely(html))
    assert all("conditional comment" in fault.message for fault in told)


@pytest.mark.parametrize(
    "html",
    ["<p><b>x</b></p>", '<table role="none"><tr><td style=\'a:"b"\'>x<br></td></tr></table><!-- c -->'],
)
def test_a_well_made_page_is_plain(html: str) -> None:
    assert markup._is_nested_plainly(html)
    assert closely(html) == []
