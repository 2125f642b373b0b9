"""Structure that renders wrongly, reads badly or acts, one counter-example for each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.issues import teaser
from data.issues.messages import HTML, LAYOUT, MESSAGE, findings, severities, with_html
from digest.model.issue import Section


def test_the_doctype_is_there() -> None:
    """Without it browsers lay out as in 1998; its case does not matter to them."""
    assert severities("doctype", with_html("<!DOCTYPE html>", "")) == {"block"}
    assert severities("doctype", with_html("<!DOCTYPE html>", "<!doctype html>")) == set()


def test_rules_for_small_screens_keep_their_important() -> None:
    """An inliner that strips it leaves the rule behind, dead."""
    assert severities("important-kept", with_html(" !important", "")) == {"block"}
    assert severities("important-kept", with_html("</style>", "@media print{.a{color:red}}</style>")) == {
        "block"
    }


@pytest.mark.parametrize(
    "active",
    [
        "<script>1</script>",
        "<form></form>",
        '<iframe src="https://a.example"></iframe>',
        '<link rel="stylesheet" href="https://a.example/a.css">',
        '<p onclick="x()">x</p>',
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" JavaScript:alert(1)">x</a>',
        '<img src="data:image/png;base64,AAAA">',
        "<style>@import url(https://a.example/a.css);</style>",
    ],
)
def test_nothing_active_is_in_the_mail(active: str) -> None:
    assert severities("no-active", with_html("</body>", f"{active}</body>")) == {"block"}


def test_words_about_active_things_are_only_words() -> None:
    """A blog about the web writes of scripts."""
    words = "<p>&lt;script&gt; and onclick= and javascript:alert(1) and @import</p>"

    assert severities("no-active", with_html("</body>", f"{words}</body>")) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<html lang="en" dir="ltr">', '<html dir="ltr">'),
        ('<html lang="en" dir="ltr">', '<html lang="english language" dir="ltr">'),
        ('<div lang="en" dir="ltr">', '<div lang="en">'),
        ('<div lang="en" dir="ltr">', '<div dir="ltr">'),
    ],
)
def test_language_and_direction_are_stated_twice(old: str, new: str) -> None:
    """Webmail throws `html` and `body` away, so their children say it again."""
    assert severities("lang-dir", with_html(old, new)) == {"block"}


def test_a_story_in_another_language_says_so() -> None:
    layout = replace(LAYOUT, sections=(Section(title="More", teasers=(teaser(2, language="de"),)),))

    assert findings("lang-dir", layout=layout)[0].where == "Story number 2 of the week"
    assert severities("lang-dir", layout=layout) == {"warn"}
    assert severities("lang-dir", with_html("<p>", '<p lang="de">'), layout=layout) == set()


def test_a_table_for_layout_says_so() -> None:
    assert severities("table-role", with_html(' role="presentation"', "")) == {"block"}
    assert (
        severities("table-role", with_html("</body>", "<table><tr><th>n</th></tr></table></body>")) == set()
    )


@pytest.mark.parametrize(
    "html",
    [
        HTML.replace("h1>", "p>"),
        HTML.replace("h2>", "h1>"),
        HTML.replace("<h2>", "<h3>").replace("</h2>", "</h3>"),
    ],
)
def test_headings_are_in_order(html: str) -> None:
    """One of the first level, none skipped."""
    assert severities("h-order", replace(MESSAGE, html=html)) == {"warn"}
