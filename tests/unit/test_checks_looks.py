"""Text that is hard to read, one counter-example for each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.issues.mailings import mailing
from data.issues.messages import MESSAGE, findings, severities, with_html
from digest.checks.computed_styles import texts
from digest.message.parse import ParsedMessage
from digest.rules.colours import contrast


def with_piece(piece: str, *, styles: str = "") -> ParsedMessage:
    """At the end of the body, with these styles."""
    made = with_html("</div></body>", f"{piece}</div></body>")
    assert made.html.count("</style>") == 1
    return replace(made, html=made.html.replace("</style>", f"{styles}</style>"))


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        ('<p style="color:#767676">x</p>', set()),
        ('<p style="color:#777777">x</p>', {"warn"}),
        ('<p style="color:#999">x</p>', {"block"}),
        ('<p style="color:#777777;font-size:24px">x</p>', set()),
        ('<p style="color:#777777;font:bold 19px/24px serif">x</p>', set()),
        ('<b style="color:#777777;font-size:19px">x</b>', set()),
        ('<p style="color:#777777;font-size:19px">x</p>', {"warn"}),
        ('<p style="color:#999;font-size:24px">x</p>', {"block"}),
        ('<p style="color:white;background:#000">x</p>', set()),
        ('<p style="color:white;background:transparent">x</p>', {"block"}),
        ('<table role="none" bgcolor="#111111"><tr><td style="color:#EEE">x</td></tr></table>', set()),
        ('<table role="none" bgcolor="#111111"><tr><td style="color:#333">x</td></tr></table>', {"block"}),
        ('<div style="background-color:#000"><p>x</p></div>', {"block"}),
        ('<div style="color:#EEE"><p style="background-color:#111">x</p></div>', set()),
        ('<div style="background-color:#000;color:#FFF"><a href="https://a.example/">x</a></div>', {"block"}),
        ('<p style="color:rgba(0, 0, 0, 0.5)">x</p>', {"warn"}),
        ('<p style="color:rgba(0, 0, 0, 0.9)">x</p>', set()),
        ('<p style="color:#FFF;background:url(https://a.example/a.png) #000">x</p>', set()),
        ('<p style="color:oklch(0.9 0 0)">x</p>', set()),
        ('<div style="display:none;color:#FFF"><p>x</p></div>', set()),
        ('<p style="color:#EEE"> · &zwnj;&nbsp;<span></span></p>', set()),
        ('<font color="#EEEEEE">x</font>', {"block"}),
    ],
)
def test_text_stands_out_from_its_ground(piece: str, expected: set[str]) -> None:
    """WCAG 2.2, 1.4.3: 4.5, or 3 for what is large; what cannot be known is not judged."""
    found = {
        f.severity
        for f in findings("contrast", with_piece(piece))
        if not f.message.startswith("In dark mode")
    }

    assert found == expected


@pytest.mark.parametrize(
    ("styles", "expected"),
    [
        (".t{color:#EEE !important;background-color:#111 !important}", set()),
        (".t{background-color:#111 !important}", {"block"}),
        (".t{color:#EEE !important}", {"block"}),
        (".t{color:#EEE !important;background:#111 !important}.t{color:#222 !important}", {"block"}),
        ("p.t{color:#EEE !important;background:#111 !important}.t{color:#222 !important}", set()),
        ("p::before,.t:is(a,p){background-color:#111 !important}.t{color:#EEE !important}", set()),
    ],
)
def test_text_stands_out_in_the_dark(styles: str, expected: set[str]) -> None:
    """By the rules over what is inline; the most specific one wins, then the last."""
    piece = '<p class="t" style="color:#222222;background-color:#FFFFFF">x</p>'
    message = with_piece(piece, styles=f"@media (prefers-color-scheme:dark){{{styles}}}")
    found = findings("contrast", message)

    assert {finding.severity for finding in found} == expected
    assert all(finding.message.startswith("In dark mode, “x”") for finding in found)


def test_the_same_two_colours_are_told_once_and_with_their_story() -> None:
    texts_of_story = '<p style="color:#999;background:#FFF">x</p>' * 5
    [finding] = findings("contrast", with_piece(f"<div><h2>A pale story</h2>{texts_of_story}</div>"))

    assert "#999999 on #FFFFFF has a contrast of 2.8" in finding.message
    assert finding.where == "A pale story"


def test_what_we_print_is_really_looked_at() -> None:
    """A check that sees no text would pass as well."""
    seen = texts(mailing("twelve_cards").message.html)
    paints = {paint for text in seen for paint in (text.light, text.dark) if paint}

    assert len(seen) > 40
    assert all(text.dark and text.dark != text.light for text in seen)
    assert len(paints) > 6
    assert all(contrast(paint.ink or "", paint.ground or "") > 4.5 for paint in paints)


@pytest.mark.parametrize("name", ["color-scheme", "supported-color-schemes"])
def test_the_page_says_that_it_has_colours_for_the_dark(name: str) -> None:
    assert severities("dark-meta", with_html(f'<meta name="{name}"', '<meta name="x"')) == {"warn"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("@media (prefers-color-scheme:dark)", "@media print", {"warn"}),
        ("[data-ogsc] .b{", ".c{", {"warn"}),
        ("[data-ogsc] .b{", "[data-ogsc] .x,.b[data-ogsc]{", set()),
        ("scheme:dark){.b{", "scheme:dark){body{background:#111 !important}.b{", set()),
        ("scheme:dark){.b{", "scheme:dark){.b{background:#111 !important;", {"warn"}),
        ("scheme:dark){.b{", "scheme:dark){.b{border-color:#111 !important;", set()),
    ],
)
def test_outlook_is_told_the_colours_for_the_dark(old: str, new: str, expected: set[str]) -> None:
    assert severities("dark-meta", with_html(old, new)) == expected


LONG = "A sentence of more than sixty characters, so that it runs over several lines."


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        ('<p style="font-size:13px">x</p>', set()),
        ('<p style="font-size:12px">x</p>', {"warn"}),
        ('<p style="font-size:9pt">x</p>', {"warn"}),
        ('<div style="font-size:20px"><p style="font-size:60%">x</p></div>', {"warn"}),
        ('<div style="font-size:20px"><small>x</small></div>', set()),
        ('<p style="font-size:12px">&nbsp;</p>', set()),
        ('<div style="display:none;font-size:1px">x</div>', set()),
        ('<div style="font-size:0"><p style="font-size:16px">x</p></div>', set()),
        (f'<p style="font-size:16px;line-height:18px">{LONG}</p>', {"warn"}),
        (f'<p style="line-height:1.1">{LONG}</p>', {"warn"}),
        (f'<p style="line-height:110%">{LONG}</p>', {"warn"}),
        (f'<p style="line-height:1.2">{LONG}</p>', set()),
        (f'<p style="line-height:normal">{LONG}</p>', set()),
        ('<p style="line-height:1">A button</p>', set()),
        (f'<h2 style="font-size:20px;line-height:22px">{LONG}</h2>', set()),
    ],
)
def test_type_is_large_enough(piece: str, expected: set[str]) -> None:
    """Under 13 px somebody has to zoom; headlines may be set tight."""
    assert severities("font-min", with_piece(piece)) == expected


def test_a_page_of_nothing_has_no_text() -> None:
    assert texts("") == ()
    assert len(texts(MESSAGE.html)) > 5
