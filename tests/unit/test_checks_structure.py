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


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        (".a{color:red}.b,.c>d{color:blue;margin:0}", set()),
        (
            "@media print{.a{color:red !important}}@font-face{font-family:x;src:url(https://a.example/x;y)}",
            set(),
        ),
        (".a{font-family:'It''s {';background:url(https://a.example/{.png)} /* the end */", set()),
        (".a{/* why */color:red;/* because */}", set()),
        (".a{color:red}/* of b */.b{color:red}", {"block"}),
        ("@media print{/* of b */ .b{color:red !important}}", {"block"}),
        ("/* open .a{color:red}", {"block"}),
        ("@media print{@media screen{.a{color:red !important}}}", {"block"}),
        ("@supports (color:red){@font-face{font-family:x}}", {"block"}),
        (".a{color:red", {"block"}),
        (".a{color:red}}.b{color:red}", {"block"}),
        (".a{font-family:'x\n;color:red}", {"block"}),
        ('.a{font-family:"x\n;color:red}', {"block"}),
        (".a{color red;margin:0}", {"warn"}),
        ("{color:red}", {"warn"}),
        (".a{.b{color:red}}", {"warn"}),
        (".a{color:red} .b", {"warn"}),
    ],
)
def test_gmail_can_read_the_styles(css: str, expected: set[str]) -> None:
    """One fault costs all rules of the block, or at least its own."""
    assert severities("style-parse", with_html("</style>", f"{css}</style>")) == expected


def test_styles_stand_in_the_head() -> None:
    assert severities("style-parse", with_html("</p>", "</p><style>.a{color:red}</style>")) == {"block"}
    # Such a one is Outlook's alone.
    outlook = "</p><!--[if mso]><style>.a{</style><![endif]-->"
    assert severities("style-parse", with_html("</p>", outlook)) == set()


@pytest.mark.parametrize(
    ("piece", "fine"),
    [
        ("<br><img alt=''><hr/><ul><li>one<li>two</ul>", True),
        ("<table><tr><td>one<td>two<tr><td>three</table>", True),
        ("<p>one<p>two<div>three</div>", True),
        ("<!--[if mso]><table><tr><td><![endif]--><b>x</b><!--[if mso]></td></tr></table><![endif]-->", True),
        ("<!--[if !mso]><!--><b>x</b><!--<![endif]-->", True),
        ("<svg><path d='M0 0'/></svg><o:p/>", True),
        ("<code>&lt;div&gt; &lt;!--[if mso]&gt;</code>", True),
        ("<!-- a <div> that nobody sees -->", True),
        ("<div>", False),
        ("</div>", False),
        ("<div/>", False),
        ("<b><i>x</b></i>", False),
        ("<table><tr><td><div>x</td></tr></table>", False),
        ("<p><table><tr><td>x</td></tr></table></p>", False),
        ("x</img>", False),
        ("<!--[if mso]><table>", False),
        ("<b>x</b><![endif]-->", False),
        ("<!--[if mso]><!--[if gte mso 9]>x<![endif]--><![endif]-->", False),
    ],
)
def test_every_element_is_closed(piece: str, fine: bool) -> None:
    """By the letter of the standard, which lets some end tags be left out."""
    found = severities("html-valid", with_html("</body>", f"{piece}</body>"))

    assert found == (set() if fine else {"block"})


def test_what_is_not_closed_is_named_with_its_line_and_story() -> None:
    [finding] = findings("html-valid", with_html("</div></body>", "<p><b>x</p></div></body>"))

    assert finding.message.startswith("<b> of line ")
    assert finding.where == LAYOUT.teasers[-1].headline


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
