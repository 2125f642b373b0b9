"""Addresses of people: which are taken, how they are written, and when two are one mailbox."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.rules import email_addresses
from digest.rules.email_addresses import Address, InvalidAddress, clean_name, parse_address

# What is written, and how it stands in To; the key is the same, case folded.
GOOD = [
    ("ann@example.org", "ann@example.org"),
    ("  ann@example.org \t", "ann@example.org"),
    ("Ann.Lee@EXAMPLE.Org", "Ann.Lee@example.org"),
    ("ann+news@example.org", "ann+news@example.org"),
    ("ann%lists@example.org", "ann%lists@example.org"),
    ("_@example.org", "_@example.org"),
    ("1@example.org", "1@example.org"),
    ("o'neil@example.org", "o'neil@example.org"),
    ("a!b#c$d&e*f=g?h^i`j{k|l}m~n@example.org", "a!b#c$d&e*f=g?h^i`j{k|l}m~n@example.org"),
    ("x@y.co", "x@y.co"),
    ("x@a.b.c.d.example.museum", "x@a.b.c.d.example.museum"),
    ("x@3com.com", "x@3com.com"),
    ("x@my-host.example.org", "x@my-host.example.org"),
    ("ann@münchen.de", "ann@xn--mnchen-3ya.de"),
    ("ann@MÜNCHEN.DE", "ann@xn--mnchen-3ya.de"),
    ("ann@xn--mnchen-3ya.de", "ann@xn--mnchen-3ya.de"),
    ("ann@例え.jp", "ann@xn--r8jz45g.jp"),
    ("ann@faß.de", "ann@xn--fa-hia.de"),
    ("jürgen@example.org", "jürgen@example.org"),
    ("用户@例え.jp", "用户@xn--r8jz45g.jp"),
    ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
    ("a@" + "b" * 63 + ".org", "a@" + "b" * 63 + ".org"),
]

BAD = [
    "",
    "   ",
    "ann",
    "@example.org",
    "ann@",
    "ann@example",
    "ann@@example.org",
    "ann@b@example.org",
    "ann.@example.org",
    ".ann@example.org",
    "ann..lee@example.org",
    "ann@example..org",
    "ann@.example.org",
    "ann@example.org.",
    "ann@-example.org",
    "ann@example-.org",
    "ann@exa_mple.org",
    "ann@exam ple.org",
    "ann lee@example.org",
    "ann@example.org, bob@example.org",
    "ann@example.org;bob@example.org",
    "Ann <ann@example.org>",
    "<ann@example.org>",
    "mailto:ann@example.org",
    '"ann"@example.org',
    '"ann@work"@example.org',
    "ann(comment)@example.org",
    "ann@(comment)example.org",
    "ann@[127.0.0.1]",
    "ann@[IPv6:::1]",
    "ann@127.0.0.1",
    "ann@example.123",
    "ann\\@example.org",
    "ann@example.org\r\nBcc: eve@example.com",
    "ann\r\nBcc: eve@example.com\r\n\r\n@example.org",
    "ann\n@example.org",
    "ann@exam\nple.org",
    "ann\0@example.org",
    "ann\x7f@example.org",
    "ann\u200b@example.org",
    "ann\u202e@example.org",
    "ann@exa\u00admple.org.\u2028",
    "ann@xn--.org",
    "ann@xn--zzzzzzzzzzzz99999.org",
    "ann@ab--cd.org",
    "ann@localhost",
    "ann@host.localhost",
    "ann@host.invalid",
    "ann@host.test",
    "ann@host.local",
    "ann@host.onion",
    "ann@4.3.2.1.in-addr.arpa",
    "a" * 65 + "@example.org",
    "ann@" + "b" * 64 + ".org",
    "ann@" + "b." * 124 + "example.org",
    "a" * 64 + "@" + ".".join(["b" * 50] * 5) + ".org",  # 323 characters
    "=?utf-8?q?ann?=@example..org",
    "ann@example.org\u0000",
    "\ufeff",
]


@pytest.mark.parametrize(("written", "address"), GOOD)
def test_an_address_is_taken(written: str, address: str) -> None:
    assert parse_address(written) == Address(address, address.casefold())


@pytest.mark.parametrize("written", BAD)
def test_what_is_no_address_is_refused_with_a_sentence(written: str) -> None:
    with pytest.raises(InvalidAddress) as refused:
        parse_address(written)

    words = str(refused.value)
    assert words.endswith(".")
    assert "\n" not in words
    assert "\r" not in words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@Example.org", "ann@example.ORG"),
        ("ann@MÜNCHEN.de", "ANN@xn--mnchen-3ya.de"),
        ("JÜRGEN@example.org", "jürgen@example.org"),
        ("ju\u0308rgen@example.org", "jürgen@example.org"),
        ("O'NEIL@example.org", "o'neil@example.org"),
    ],
)
def test_two_spellings_of_one_mailbox_have_one_key(one: str, other: str) -> None:
    assert parse_address(one).key == parse_address(other).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@example.org", "ann+news@example.org"),
        ("ann.lee@example.org", "annlee@example.org"),
        ("ann@example.org", "ann@mail.example.org"),
    ],
)
def test_what_only_the_receiver_can_know_stays_two(one: str, other: str) -> None:
    assert parse_address(one).key != parse_address(other).key


_LOCAL = st.text("abzAZ09_%+-.", min_size=1, max_size=66)
_LABEL = st.text("abzAZ09-", min_size=1, max_size=65)
_DOMAIN = st.builds(
    lambda labels, last: ".".join([*labels, last]),
    st.lists(_LABEL, min_size=1, max_size=5),
    st.text("abzAZ", min_size=1, max_size=26) | _LABEL,
)


def _answer(written: str, *, by_library: bool) -> Address | None:
    try:
        return Address(*email_addresses._by_library(written)) if by_library else parse_address(written)
    except InvalidAddress:
        return None


@settings(max_examples=400, deadline=None)
@example("a@ab--cd.com")
@example("a@XN--MNCHEN-3YA.de")
@example("a@b.internal")
@example("a@example.TEST")
@given(st.builds("{}@{}".format, _LOCAL, _DOMAIN))
def test_the_fast_way_and_the_library_agree(written: str) -> None:
    """What nearly all people have is not sent through the library; the answer is the same."""
    assert _answer(written, by_library=False) == _answer(written, by_library=True)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_no_text_breaks_a_header(written: str) -> None:
    found = _answer(written, by_library=False)

    if found is not None:
        assert not set(found.address) & set('\r\n\t <>,;:"()[]\\\0')
        assert found.address.count("@") == 1
        assert parse_address(found.address) == found


def test_a_name_is_one_clean_line() -> None:
    assert clean_name("  Ann\r\nBcc: eve@example.com\t\u202e<b>Lee</b> ") != ""
    assert not set(clean_name("Ann\r\nBcc: eve\u2028\u202e\0Lee")) & set("\r\n\0\u2028\u202e")
    assert len(clean_name("x" * 5000)) <= 101
