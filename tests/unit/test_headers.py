"""The header writer: what a parser reads is what was meant, and nothing else."""

from __future__ import annotations

import email
import email.policy
import re
from email.header import decode_header, make_header
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.message import headers

TRICK = "=?utf-8?q?=0D=0ABcc:_e@x?="
LOCAL_PARTS = st.from_regex(
    r"[A-Za-z0-9!#$%&'*+/=^_`{|}~-]{1,12}(\.[A-Za-z0-9+_-]{1,8}){0,2}", fullmatch=True
)


def read(field: bytes) -> Any:
    """The one header of a message made of this field alone, as the standard library parses it."""
    message = email.message_from_bytes(field + b"\r\n\r\nbody\r\n", policy=email.policy.default)
    assert len(message.keys()) == 1, message.keys()
    return message[message.keys()[0]]


def unfolded(field: bytes) -> str:
    """A second, independent reading: RFC 2047 by `email.header`."""
    value = field.decode("utf-8").partition(": ")[2].replace("\r\n", "")
    return str(make_header(decode_header(value)))


def assert_lines_are_sound(field: bytes, limit: int = 76) -> None:
    for line in field.split(b"\r\n"):
        assert len(line) <= limit
        assert b"\r" not in line
        assert b"\n" not in line
    assert all(line.startswith((b" ", b"\t")) and line.strip() for line in field.split(b"\r\n")[1:])


@given(st.text(max_size=300))
@example(TRICK)
@example("Weekly 3\r\nBcc: everyone@example.org")
@example("a\u2028b\u2029c\x85d\x00e\x7f\ud800")
@example("  double  spaces  ")
@example("x" * 400)
@example("👩‍👩‍👧‍👦" * 60)
@example("=?utf-8?b?QmNjOiBlQHg=?= =?=")
@example("")
def test_free_text_comes_back_as_one_clean_line(text: str) -> None:
    """Whatever stands in a title, exactly its cleaned line is the Subject, in lines of at most 76."""
    field = headers.unstructured("Subject", text)
    assert_lines_are_sound(field)
    assert str(read(field)) == headers.one_line(text)
    assert field.isascii()
    for word in re.findall(rb"=\?[^ ]*\?=", field):
        assert len(word) <= 75


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"], include_characters=" "), max_size=200))
def test_free_text_reads_the_same_to_a_second_decoder(text: str) -> None:
    assert unfolded(headers.unstructured("Subject", text)) == headers.one_line(text)


def test_plain_ascii_stays_readable() -> None:
    assert headers.encode_unstructured("Hello, world: 3 stories") == b"Hello, world: 3 stories"


def test_an_encoded_word_in_the_text_stays_literal_text() -> None:
    """CVE-2024-6923: the trick of a title that decodes to a line break and a field."""
    field = headers.unstructured("Subject", TRICK)
    assert TRICK.encode() not in field
    assert str(read(field)) == TRICK


@pytest.mark.parametrize(
    ("text", "letter"), [("Grüße", b"b"), ("A rather long title, with one é in it", b"q"), ("日本語", b"b")]
)
def test_the_shorter_of_b_and_q_is_taken(text: str, letter: bytes) -> None:
    word = headers.encode_unstructured(text)
    other = headers._q_word(text) if letter == b"b" else headers._b_word(text)
    assert word.startswith(b"=?utf-8?" + letter)
    assert len(word) <= len(other)


@given(st.text(max_size=120), LOCAL_PARTS)
@example('Ann, "the" <e@x>; O\'Brien \\', "ann")
@example("a\r\nBcc: e@x", "ann")
@example(TRICK, "ann")
@example("Zoë " * 30, "zoe")
@example("x" * 200, "x")
@example("(comment) name", "ann")
def test_a_display_name_never_becomes_part_of_the_address(name: str, local: str) -> None:
    """One mailbox, the address exactly as given, and the name as one cleaned line."""
    field = b"To: " + headers.mailbox(name, f"{local}@example.org", column=4)
    assert_lines_are_sound(field)
    [address] = read(field).addresses
    assert address.addr_spec == f"{local}@example.org"
    wanted = " ".join(headers.one_line(name).split())
    assert unfolded_name(field) == wanted


def unfolded_name(field: bytes) -> str:
    """The display name by RFC 2047 and 5322: encoded-words, or one quoted string."""
    phrase = field.partition(b": ")[2].decode().replace("\r\n", "").rpartition("<")[0].strip()
    if phrase.startswith('"'):
        return re.sub(r"\\(.)", r"\1", phrase[1:-1])
    return str(make_header(decode_header(phrase)))


def test_a_name_reads_right_in_the_standard_library_too() -> None:
    for name in ('Ann "the" Example', "Zoë <b>& O'Brien", "Ann, Example; Ltd", "名前"):
        [address] = read(b"To: " + headers.mailbox(name, "a@example.org", column=4)).addresses
        assert address.display_name == name


def test_a_mailbox_without_name_is_the_bare_address() -> None:
    assert headers.mailbox(" \t ", "a@example.org") == b"a@example.org"


def test_an_internationalised_local_part_is_written_as_utf8() -> None:
    assert headers.mailbox("", "jörg@xn--bcher-kva.example") == "jörg@xn--bcher-kva.example".encode()


@pytest.mark.parametrize(
    "address",
    [
        "a@b\r\nRCPT TO:<c@d>",
        "a b@example.org",
        '"a b"@example.org',
        "a@example.org>",
        "<a@example.org",
        "a@b@example.org",
        "a,b@example.org",
        "a@bücher.example",
        "a@[127.0.0.1]",
        "a..b@example.org",
        "@example.org",
        "a@",
        "plain",
        "",
        "a\u2028b@example.org",
        "a\u200bé@example.org",
        "=?utf-8?q?x?=@example.org",
        "a@example.org\n",
        "x" * 250 + "@example.org",
    ],
)
def test_an_address_that_programs_could_read_differently_is_refused(address: str) -> None:
    with pytest.raises(headers.UnsafeAddress):
        headers.mailbox("Ann", address)


@pytest.mark.parametrize("value", ["a\r\nBcc: e@x", "a\nb", "a\x00b", "Zoë", TRICK, " a", "a\tb"])
def test_a_structured_value_is_plain_or_refused(value: str) -> None:
    with pytest.raises(headers.UnsafeValue):
        headers.structured("Feedback-ID", value)


def test_a_structured_value_stands_verbatim() -> None:
    """The standard library would fold 73 characters or more into encoded-words (CPython #85725)."""
    url = "<https://news.example.com/u/" + "x" * 200 + ">"
    assert headers.structured("List-Archive", url) == b"List-Archive: " + url.encode()


def test_a_structured_value_over_998_octets_is_refused() -> None:
    with pytest.raises(headers.UnsafeValue, match="998"):
        headers.structured("Feedback-ID", "x" * 990)


def test_a_structured_value_folds_at_white_space_only() -> None:
    folded = headers.structured("X-Words", " ".join(["word"] * 40))
    assert_lines_are_sound(folded)
    assert folded.replace(b"\r\n", b"") == b"X-Words: " + b" ".join([b"word"] * 40)


def test_list_unsubscribe_has_the_web_address_first() -> None:
    assert headers.list_unsubscribe("https://n.example/u/1", "leave@n.example") == (
        "<https://n.example/u/1>, <mailto:leave@n.example>"
    )
    assert headers.list_unsubscribe("https://n.example/u/1", "mailto:l@n.example?subject=u").endswith(
        "<mailto:l@n.example?subject=u>"
    )


@pytest.mark.parametrize(
    ("url", "mailto"),
    [
        ("", ""),
        ("mailto:a@example.org", ""),
        ("javascript:alert(1)", ""),
        ("https://n.example/u/1>, <mailto:e@x", ""),
        ("https://n.example/a b", ""),
        ("https://n.example/ü", ""),
        ("https://n.example/?=?utf-8?q?x", ""),
        ("https://n.example/\r\nBcc: e@x", ""),
        ("https://n.example/" + "x" * 1000, ""),
        ("https://n.example/u", "a@example.org>, <https://e.example/"),
        ("https://n.example/u", "a@example.org\r\nBcc: e@x"),
    ],
)
def test_list_unsubscribe_refuses_what_would_break_it(url: str, mailto: str) -> None:
    with pytest.raises(headers.UnsafeValue):
        headers.list_unsubscribe(url, mailto)


@pytest.mark.parametrize("value", ["", "a", "a@b>", "a@b\r\n", "a b@c", "x" * 500 + "@b", "=?x@b"])
def test_a_message_id_is_sound_or_refused(value: str) -> None:
    with pytest.raises(headers.UnsafeValue):
        headers.message_id(value)
    assert headers.message_id("7.weekly.3@news.example.com") == b"<7.weekly.3@news.example.com>"
