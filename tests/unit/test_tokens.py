"""Tokens of unsubscribe links: only ours work, each for its one purpose, and old ones go on working."""

from __future__ import annotations

import base64
import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.rules.signed_links import sign, sign_until, verify, verify_until

KEYS = ("the-newest-key", "the-key-before", "the-oldest-key")
ALPHABET = string.ascii_letters + string.digits + "-_"


def token(number: int = 4711, *, purpose: str = "unsubscribe", keys: tuple[str, ...] = KEYS) -> str:
    return sign(number, purpose=purpose, keys=keys)


def read(text: str, *, purpose: str = "unsubscribe", keys: tuple[str, ...] = KEYS) -> int | None:
    return verify(text, purpose=purpose, keys=keys)


@given(st.integers(0, 2**40 - 1))
def test_a_token_names_its_subscription(number: int) -> None:
    """Also at both ends of what five bytes hold; it is 22 characters that no link needs to quote."""
    made = token(number)

    assert read(made) == number
    assert len(made) == 22
    assert set(made) <= set(ALPHABET)


def test_a_token_is_for_one_purpose() -> None:
    assert read(token(), purpose="confirm") is None


def test_purpose_and_number_cannot_be_shifted_into_each_other() -> None:
    """A purpose that ends in bytes of the number gives another signature."""
    assert read(token(purpose="a"), purpose="a\0") is None


@pytest.mark.parametrize("position", range(22))
def test_every_other_letter_anywhere_is_refused(position: int) -> None:
    """Also in the last place, whose four lowest bits carry nothing: one link, one spelling."""
    made = token()
    others = [
        made[:position] + letter + made[position + 1 :] for letter in ALPHABET if letter != made[position]
    ]

    assert [read(other) for other in others] == [None] * 63


@pytest.mark.parametrize("length", range(22))
def test_a_token_that_was_cut_off_is_refused(length: int) -> None:
    assert read(token()[:length]) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A" * 22,
        "!" * 22,
        "=" * 22,
        "-" * 22,
        "\0" * 22,
        "é" * 22,
        "漢" * 22,
        " " + "A" * 20 + " ",
        "A" * 10_000,
    ],
)
def test_nonsense_is_refused_without_an_error(text: str) -> None:
    """The address is public: whatever is asked for, the answer is "no"."""
    assert read(text) is None


@given(st.text(max_size=30))
def test_no_text_at_all_is_an_error(text: str) -> None:
    assert read(text) is None


@given(st.text(ALPHABET + "=!/+ ", min_size=22, max_size=22))
def test_no_text_of_the_right_length_is_an_error(text: str) -> None:
    assert read(text) is None


def test_characters_that_decoders_skip_do_not_count() -> None:
    """Python's decoder drops what is not of its alphabet: such a spelling is another token."""
    made = token()

    assert read(made[:11] + "!" + made[11:21]) is None
    assert read(made + "\n") is None
    assert read(made + "==") is None


def test_the_other_alphabet_is_refused() -> None:
    """Plain base64 writes + and / for - and _."""
    made = next(t for t in map(token, range(1000)) if "-" in t or "_" in t)

    assert read(made.replace("-", "+").replace("_", "/")) is None


def test_old_links_work_while_their_key_is_kept() -> None:
    """A new key goes to the front; the number in a token counts from the oldest."""
    old = token(keys=("first",))

    assert read(old, keys=("second", "first")) == 4711
    assert read(old, keys=("third", "second", "first")) == 4711
    assert read(old, keys=("third",)) is None


def test_new_links_are_signed_with_the_newest_key() -> None:
    made = token(keys=("second", "first"))

    assert read(made, keys=("second", "something else")) == 4711
    assert read(made, keys=("something else", "first")) is None


def test_a_key_number_that_does_not_exist_is_refused() -> None:
    raw = bytearray(base64.urlsafe_b64decode(token() + "=="))
    for number in (3, 4, 255):
        raw[0] = number
        assert read(base64.urlsafe_b64encode(raw).rstrip(b"=").decode()) is None


def test_without_keys_nothing_is_ours() -> None:
    assert read(token(), keys=()) is None


# --- tokens that end ----------------------------------------------------------------

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def ending(number: int = 41, *, purpose: str = "share", keys: tuple[str, ...] = KEYS) -> str:
    return sign_until(number, NOON, purpose=purpose, keys=keys)


def read_ending(
    text: str,
    *,
    purpose: str = "share",
    keys: tuple[str, ...] = KEYS,
    now: datetime = NOON - timedelta(days=1),
) -> int | None:
    return verify_until(text, purpose=purpose, keys=keys, now=now)


@given(st.integers(0, 2**40 - 1))
def test_a_token_that_ends_names_its_thing(number: int) -> None:
    made = ending(number)

    assert read_ending(made) == number
    assert len(made) == 36
    assert set(made) <= set(ALPHABET)


def test_it_ends_to_the_second() -> None:
    assert read_ending(ending(), now=NOON - timedelta(seconds=1)) == 41
    assert read_ending(ending(), now=NOON) is None


@pytest.mark.parametrize("place", range(36))
def test_no_character_of_it_may_differ(place: int) -> None:
    """Its end is signed: nobody makes it last longer."""
    made = ending()
    for other in ALPHABET:
        forged = made[:place] + other + made[place + 1 :]
        assert (read_ending(forged) is None) is (forged != made)


def test_it_is_for_one_purpose_and_not_one_of_the_permanent_ones() -> None:
    assert read_ending(ending(purpose="unsubscribe")) is None
    assert read_ending(token(purpose="share")) is None
    assert read(ending(purpose="unsubscribe")) is None


def test_it_goes_on_with_a_new_key_in_front_and_not_without_its_own() -> None:
    assert read_ending(ending(keys=KEYS[1:])) == 41
    assert read_ending(ending(keys=("another",))) is None


@given(st.text(max_size=60))
def test_what_is_no_token_is_refused(text: str) -> None:
    assert read_ending(text) is None
