"""Content that would embarrass, one counter-example for each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.issues import NONCE, teaser
from data.issues.messages import (
    HTML,
    LAYOUT,
    MESSAGE,
    PREHEADER,
    STORIES,
    TEXT,
    findings,
    severities,
    with_html,
)
from digest.model.issue import Layout, Section


@pytest.mark.parametrize("left", [f"-{NONCE}-address-", "{{ lead.headline }}", "{% if x %}", "{{lead}}"])
def test_no_slot_and_no_template_source_is_left(left: str) -> None:
    """Wherever it stands: in a text, an address, the subject."""
    assert severities("merge-left", with_html("</body>", f"<p>{left}</p></body>")) == {"block"}
    assert severities(
        "merge-left", with_html("</body>", f'<a href="https://a.example/{left}">a</a></body>')
    ) == {"block"}
    assert severities("merge-left", replace(MESSAGE, text=f"{TEXT}{left}")) == {"block"}
    assert severities("merge-left", replace(MESSAGE, subject=left)) == {"block"}


@pytest.mark.parametrize("words", ["None of them", "undefined", "null", "[[ wiki ]]", "100 %% sure", "-tag-"])
def test_words_are_never_leftovers(words: str) -> None:
    assert severities("merge-left", with_html("</body>", f"<p>{words}</p></body>")) == set()


def test_a_story_may_show_template_source() -> None:
    """Also where it was cut, or wrapped in the middle."""
    story = teaser(1, headline="What {{ user.name }} means", text="Write {% if user.is_active %} and so on.")
    layout = replace(LAYOUT, lead=story)
    shown = "<p>What {{ user.name }} means</p><p>Write {% if us…</p>"
    text = f"{TEXT}\nWhat {{{{\n  user.name }}}} means"

    assert (
        severities("merge-left", replace(with_html("</body>", f"{shown}</body>"), text=text), layout=layout)
        == set()
    )
    assert severities("merge-left", with_html("</body>", f"{shown}</body>")) == {"block"}


def test_an_editors_note_may_show_it_too() -> None:
    message = with_html("</body>", "<p>Try {{ this }}</p></body>")

    assert severities("merge-left", message, note="Try {{ this }}") == set()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (PREHEADER, "", "no preheader"),
        ("display:none", "display:block", "no preheader"),
        (PREHEADER, "Too short", "9 characters"),
        (PREHEADER, "word " * 30, "149 characters"),
        (PREHEADER, "Three stories · Lockstep Engineering 41 indeed", "repeats the subject"),
        ("#34383B", "#FFFFFF", "light text colour"),
        ("#34383B", "#eee", "light text colour"),
        ("#34383B", "white", "light text colour"),
    ],
)
def test_the_preheader_is_useful(old: str, new: str, said: str) -> None:
    message = replace(with_html(old, new), subject="Three stories · Lockstep Engineering 41 indeed")
    found = findings("preheader", message)

    assert [said in finding.message for finding in found] == [True]
    assert {str(finding.severity) for finding in found} == {"warn"}


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("", {"block"}),
        ("Two stories · Lockstep Engineering 40", {"block"}),
        ("x " * 36, {"warn"}),
        ("ALL CAPITALS HERE", {"warn"}),
        ("Now!! Look", {"warn"}),
        ("FREE money", {"warn"}),
        ("CRDT 41", set()),
        ("Free as in freedom!", set()),
        ("日本語の見出し 41", set()),
    ],
)
def test_the_subject_is_new_and_does_not_shout(subject: str, expected: set[str]) -> None:
    assert severities("subject", replace(MESSAGE, subject=subject)) == expected


@pytest.mark.parametrize("character", ["\x92", "\x00", "\x1b", "\u202e", "\ud800"])
def test_control_characters_do_not_leave(character: str) -> None:
    for message in (
        replace(MESSAGE, subject=f"a{character}b"),
        replace(MESSAGE, html=HTML + character),
        replace(MESSAGE, text=TEXT + character),
    ):
        assert severities("c1-chars", message) == {"block"}
        assert all(finding.message.isprintable() for finding in findings("c1-chars", message))


def test_a_lost_letter_wants_a_look_and_stops_nothing() -> None:
    layout = replace(LAYOUT, lead=teaser(1, text="caf\ufffd"))

    assert severities("c1-chars", layout=layout) == {"warn"}


@pytest.mark.parametrize("gone", [STORIES[1].headline, STORIES[1].url])
def test_both_bodies_hold_every_story(gone: str) -> None:
    assert severities("text-parity", replace(MESSAGE, text=TEXT.replace(gone, ""))) == {"warn"}
    assert severities("text-parity", replace(MESSAGE, html=HTML.replace(gone, ""))) == {"warn"}


def test_wrapping_and_no_break_spaces_are_no_difference() -> None:
    headline = STORIES[1].headline
    message = replace(
        MESSAGE,
        text=TEXT.replace(headline, headline.replace(" ", "\n   ")),
        html=HTML.replace(headline, headline.replace(" ", "\u00a0")),
    )

    assert severities("text-parity", message) == set()


def test_plain_text_is_not_html() -> None:
    assert severities("text-parity", replace(MESSAGE, text=f"{TEXT} R&amp;D")) == {"warn"}
    story = teaser(1, text="HTML writes &amp; for an ampersand.")
    assert (
        severities("text-parity", replace(MESSAGE, text=f"{TEXT} &amp;"), layout=replace(LAYOUT, lead=story))
        == set()
    )


def test_no_story_is_in_it_twice() -> None:
    again = replace(LAYOUT, sections=(Section(title="", teasers=(teaser(1), teaser(2))),))
    other_id = replace(LAYOUT, sections=(Section(title="", teasers=(replace(teaser(1), article_id=9),)),))

    assert severities("dup-content", layout=again) == {"block"}
    assert severities("dup-content", layout=other_id) == {"block"}


def test_stories_of_one_page_share_a_link() -> None:
    """Their text is their identity."""
    page = "https://blog.lockstep.example/blog/"
    stories = tuple(teaser(number, url=page) for number in (1, 2, 3))

    assert (
        severities("dup-content", layout=Layout(lead=None, sections=(Section(title="", teasers=stories),)))
        == set()
    )


def test_an_empty_issue_is_not_sent() -> None:
    """One story may be; it is worth knowing."""
    assert severities("empty", layout=Layout(lead=None)) == {"block"}
    assert severities("empty", layout=Layout(lead=teaser(1))) == {"info"}
    assert severities("empty", layout=replace(LAYOUT, lead=teaser(1, text=""))) == {"info"}
