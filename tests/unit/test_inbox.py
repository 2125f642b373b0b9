"""Rows of an inbox: nothing is lost, nothing is cut inside a letter."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.rules.inbox import cut, rows


@pytest.mark.parametrize(
    ("text", "width", "shown", "rest"),
    [
        ("The region that answered twice", 38, "The region that answered twice", ""),
        ("The region that answered twice", 10, "The region", "that answered twice"),
        ("データベースの話", 6, "データ", "ベースの話"),
        ("cafe\u0301s", 4, "cafe\u0301", "s"),
        ("👩‍👩‍👧 family", 2, "👩‍👩‍👧", "family"),
        ("🇩🇪🇫🇷", 2, "🇩🇪", "🇫🇷"),
        ("👍🏽👍🏽", 3, "👍🏽", "👍🏽"),
        ("", 5, "", ""),
        ("abc", 0, "", "abc"),
    ],
)
def test_it_is_cut_between_letters(text: str, width: int, shown: str, rest: str) -> None:
    assert cut(text, width) == (shown, rest)


def test_gmail_gives_the_preheader_what_the_subject_leaves() -> None:
    gmail, phone, outlook = rows(sender="Example", subject="s" * 60, preheader="p" * 60)

    assert (len(gmail.subject), len(gmail.preheader), len(gmail.preheader_rest)) == (60, 57, 3)
    assert (len(phone.subject), len(phone.subject_rest), phone.preheader_rest) == (48, 12, "")
    assert (len(outlook.subject), len(outlook.preheader)) == (55, 55)


def test_a_long_subject_leaves_no_room_in_gmail() -> None:
    gmail = rows(sender="Example", subject="s" * 121, preheader="p")[0]

    assert (gmail.preheader, gmail.preheader_rest) == ("", "p")


def test_padding_behind_a_preheader_is_not_shown() -> None:
    row = rows(sender="Example", subject="One", preheader="Two " + "\u034f\u200c\u00a0" * 80)[1]

    assert (row.preheader, row.preheader_rest) == ("Two", "")


@pytest.mark.parametrize("text", ["👩\u200d💻 at work", "می\u200cخواهم", "a\u00adb"])
def test_what_joins_letters_inside_a_text_stays(text: str) -> None:
    row = rows(sender=text, subject=text, preheader=text)[1]

    assert (row.sender, row.subject, row.preheader) == (text, text, text)


@given(st.text(max_size=60), st.integers(0, 80))
def test_nothing_is_lost_and_no_mark_stands_alone(text: str, width: int) -> None:
    shown, rest = cut(text, width)

    assert "".join((shown + rest).split()) == "".join(text.split())
    assert not rest or not shown or not unicodedata.combining(rest[0])
