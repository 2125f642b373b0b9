"""The mail in the frame: the same mail in another light, and never a way out of the frame."""

from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from digest.views.preview import PreviewOptions, framed

STORIES = {7: "https://blog.example/a", 8: "https://blog.example/b"}
MAIL = """<!doctype html><html lang="en"><head><meta name="color-scheme" content="light dark">
<style>.a{font-size:16px} @media (prefers-color-scheme:dark){.a{color:#fff}}</style></head><body>
<p>About (prefers-color-scheme:dark) and font-size in a text</p>
<table><tbody><tr><td class="a" style="font-size:20px;line-height:24px;color:red">
<a href="https://blog.example/a" aria-hidden="true"><img src="https://blog.example/a.png" alt=""></a>
<h3><a href="https://blog.example/a">First</a></h3></td></tr>
<tr><td><h3><a href="https://blog.example/b">Second</a></h3></td></tr></tbody></table>
<a href="https://news.example/u/x">Unsubscribe</a></body></html>"""


def page(**look: object) -> LexborHTMLParser:
    return LexborHTMLParser(framed(MAIL, PreviewOptions(**look), stories=STORIES))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scheme", "query", "meta"),
    [
        ("light", "(max-width:0)", "light"),
        ("dark", "(min-width:0)", "dark"),
        ("inverted", "(max-width:0)", "light"),
    ],
)
def test_a_scheme_holds_whatever_the_device_prefers(scheme: str, query: str, meta: str) -> None:
    shown = page(scheme=scheme)

    assert f"@media {query}" in shown.css_first("style").text()
    assert shown.css_first("meta[name=color-scheme]").attributes["content"] == meta
    assert "(prefers-color-scheme:dark) and font-size" in shown.css_first("p").text(), "text stays text"


def test_inverted_pictures_are_turned_back() -> None:
    assert "img{filter:invert" in page(scheme="inverted").css("style")[-1].text()


def test_type_is_twice_as_large_and_nothing_else() -> None:
    cell = page(scale=200).css_first("td").attributes["style"]

    assert cell == "font-size:40px;line-height:48px;color:red"


def test_without_styles_none_is_left_but_the_frame_s_own() -> None:
    shown = page(styles=False)

    assert not shown.css("[style], [class]")
    assert [style.text()[:24] for style in shown.css("style")] == ["a{pointer-events:none;ou"]


@pytest.mark.parametrize("look", [{}, {"styles": False}, {"scheme": "dark", "scale": 200}])
def test_no_link_leads_out_of_the_frame(look: dict[str, object]) -> None:
    assert page(**look).css("style")[-1].text().startswith("a{pointer-events:none")


def test_each_story_has_one_id_on_what_cannot_take_the_focus() -> None:
    """A frame that goes to a link would take the focus from the field that somebody writes in."""
    shown = page()

    assert [node.tag for node in shown.css("#story-7, #story-8")] == ["td", "h3"]
    assert [node.css_first("a").attributes["href"] for node in shown.css("[id]")] == list(STORIES.values())


def test_the_chosen_story_is_outlined_without_its_neighbour() -> None:
    shown = page(story=7)

    (card,) = shown.css("[data-chosen]")
    assert "First" in card.text()
    assert "Second" not in card.text()
    rules = shown.css("style")[-1].text()
    assert "border:2px solid #0B5F6B" in rules
    assert "inset:0 -8px" in rules, "not over the name of the section above"


def test_a_finding_is_outlined_in_its_severity_with_a_label() -> None:
    html = framed(
        MAIL,
        PreviewOptions(story=8, mark="x"),
        stories=STORIES,
        severity="block",
        label="Bad'}</style><script>alert(1)</script>",
    )

    assert "border:2px solid #B3261E" in html
    assert "<script" not in html
    assert html.count("</style>") == 2


def test_a_story_that_is_not_in_the_mail_changes_nothing() -> None:
    shown = framed(MAIL, PreviewOptions(story=9), stories=STORIES | {9: "https://blog.example/c"})

    assert "data-chosen" not in shown
