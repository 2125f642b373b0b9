"""What an editor is told beside the checks: links, the last issue, and what can be done about a finding."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from digest.model.article import ArticleId, Image
from digest.model.issue import Issue, IssueId, IssueState, Layout, Rendered, Section, Teaser, Texts
from digest.views.comparison import compare
from digest.views.links import link_rows
from digest.views.quick_fixes import quick_fixes_for

MAIL = """<html><body>
<a href="https://news.example/archive/1">View in browser</a>
<div><a href="https://blog.example/a" aria-hidden="true"><img src="x.png" alt="A tide gauge"></a>
<h3><a href="https://blog.example/a">First</a></h3></div>
<div><h3><a href="{second}">Second</a></h3><a href="https://blog.example/c">First</a></div>
<a href="https://news.example/u/token">Unsubscribe</a></body></html>"""


def rows(second: str = "https://blog.example/b"):
    return link_rows(
        MAIL.format(second=second), stories={"First": 7, "Second": 8}, personal="https://news.example/u/"
    )


def test_the_links_of_one_story_to_one_page_are_one_row() -> None:
    first = next(row for row in rows() if row.url == "https://blog.example/a")

    assert (first.text, first.where, first.story, first.host) == ("A tide gauge", "First", 7, "blog.example")
    assert [row.url for row in rows()].count("https://blog.example/a") == 1


def test_a_reader_s_own_link_is_named_and_not_odd() -> None:
    last = rows()[-1]

    assert (last.where, last.is_odd) == ("Around the stories", False)
    assert last.notes == ("Personal link; the preview shows a dummy.",)


@pytest.mark.parametrize(
    ("url", "note"),
    [
        ("http://blog.example/b", "Not encrypted (http)."),
        (
            "https://blog.example/b?utm_source=x&fbclid=y",
            "Contains tracking parameters: fbclid, utm_source.",
        ),
        ("https://localhost/b", "localhost is only reachable on this network."),
        ("/b", "Not a web address."),
        ("https://[broken/b", "Not a valid URL."),
    ],
)
def test_what_is_odd_about_a_link_is_said(url: str, note: str) -> None:
    row = next(row for row in rows(url) if row.url == url)

    assert note in row.notes
    assert row.is_odd


def test_a_usual_link_has_no_note() -> None:
    assert next(row for row in rows() if row.url == "https://blog.example/b").notes == ()


def test_one_text_for_two_pages_is_said() -> None:
    other = next(row for row in rows() if row.url == "https://blog.example/c")

    assert other.notes == ("Another link “First” leads to a different page.",)


# -- the last issue --------------------------------------------------------------------------


def story(number: int) -> Teaser:
    return Teaser(
        article_id=ArticleId(number), url=f"https://blog.example/{number}", headline=f"Story {number}"
    )


def issue(number: int, *stories: int, sections: str = "Go", note: str = "") -> Issue:
    lead, *rest = map(story, stories)
    groups = tuple(Section(title=title, teasers=tuple(rest)) for title in sections.split(",")[:1])
    return Issue(
        id=IssueId(number),
        newsletter="weekly",
        number=number,
        state=IssueState.SENT,
        reason="",
        created_at=datetime(2026, 10, number, tzinfo=UTC),
        selected_at=datetime(2026, 10, number, tzinfo=UTC),
        layout=Layout(lead=lead, sections=groups),
        texts=Texts(note=note),
    )


def printed(subject: str, size: int = 1000) -> Rendered:
    return Rendered(subject=subject, preheader="", html="x" * size, text="", nonce="n", language="en")


def told(now: Issue, last: Issue, *, here: Rendered, there: Rendered) -> list[tuple[str, str]]:
    return [(line.kind, line.what) for line in compare(now, here, last, there).lines]


def test_only_new_stories_and_the_same_of_all_else() -> None:
    lines = told(issue(2, 4, 5, 6), issue(1, 1, 2, 3), here=printed("Two"), there=printed("One"))

    assert lines == [("added", "3 new stories, none repeated"), ("changed", "Subject")]


def test_each_thing_that_differs_has_its_line() -> None:
    lines = told(
        issue(2, 3, 4, sections="Rust", note="Hello"),
        issue(1, 1, 2, 3),
        here=printed("One", 4_800),
        there=printed("One"),
    )

    assert lines == [
        ("changed", "1 new story, 1 repeated"),
        ("added", "New section “Rust”"),
        ("gone", "No section “Go”"),
        ("changed", "1 story fewer"),
        ("changed", "3.8 KB larger"),
        ("added", "Editor’s note added"),
        ("same", "Same subject"),
    ]


# -- mends -----------------------------------------------------------------------------------

PICTURED = replace(story(7), image=Image(url="https://blog.example/a.png", alt="a.png"))


def test_a_picture_s_text_is_written_or_it_is_decoration() -> None:
    write, decoration = quick_fixes_for("img-alt", PICTURED)

    assert (write.kind, write.field) == ("write", "alt")
    assert (decoration.kind, decoration.field, decoration.was, decoration.value) == (
        "set",
        "alt",
        "a.png",
        "",
    )


def test_a_picture_without_a_text_cannot_be_emptied() -> None:
    silent = replace(story(7), image=Image(url="https://blog.example/a.png", alt=""))

    assert [mend.label for mend in quick_fixes_for("img-alt", silent)] == ["Write it"]
    assert quick_fixes_for("img-alt", story(7)) == ()


def test_a_story_can_go_without_a_picture() -> None:
    _, without = quick_fixes_for("img-url", PICTURED)

    assert (without.kind, without.field) == ("set", "image")
    assert (without.was, without.value) == ("https://blog.example/a.png", "")


@pytest.mark.parametrize(
    ("check", "kinds"),
    [
        ("subject", ["subject"]),
        ("preheader", ["preheader"]),
        ("link-url", ["take-out"]),
        ("dup-content", ["take-out"]),
        ("postal", []),
        ("hdr-line", []),
    ],
)
def test_only_what_editing_can_mend_has_a_button(check: str, kinds: list[str]) -> None:
    assert [mend.kind for mend in quick_fixes_for(check, story(7))] == kinds
    if kinds == ["take-out"]:
        assert quick_fixes_for(check, None) == ()
