"""Headers that must not leave, one counter-example for each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from data.issues.messages import HEADERS, MESSAGE, findings, severities, with_header, with_headers

LONG_WORD = "=?utf-8?q?" + "a" * 80 + "?="


@pytest.mark.parametrize("name", ["From", "To", "Date", "Message-ID", "Subject", "MIME-Version"])
def test_what_is_required_is_there_once(name: str) -> None:
    missing, double = with_header(name, None), with_headers(*HEADERS, (name, "again"))

    assert "is missing" in findings("hdr-required", missing)[0].message
    assert "2 times" in findings("hdr-required", double)[0].message
    assert severities("hdr-required", missing) == {"block"}


def test_no_line_is_over_998_octets() -> None:
    """RFC 5322, 2.1.1."""
    assert severities("hdr-line", replace(MESSAGE, raw=b"a" * 998)) == set()
    assert severities("hdr-line", replace(MESSAGE, raw=b"a" * 999)) == {"block"}


def test_long_header_lines_want_a_look_but_addresses_of_pages_may_be_long() -> None:
    assert severities("hdr-line", with_header("X-Long", "word " * 30)) == {"warn"}
    assert severities("hdr-line", with_header("List-Archive", f"<https://a.example/{'a' * 90}>")) == set()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("List-Unsubscribe", "=?utf-8?q?=3Chttps=3A//a?=", {"block"}),
        ("Feedback-ID", "=?utf-8?q?41?=", {"block"}),
        ("To", "sam <=?utf-8?q?sam?=@reader.example>", {"block"}),
        ("To", "=?utf-8?q?S=C3=A4m?= <sam@reader.example>", set()),
        ("Subject", "=?utf-8?q?S=C3=A4m?=", set()),
    ],
)
def test_encoded_words_stand_only_for_text(name: str, value: str, expected: set[str]) -> None:
    """RFC 2047, 5; the bug that hides the button to unsubscribe."""
    assert severities("hdr-encoded-struct", with_header(name, value)) == expected


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (LONG_WORD, "75 is the limit"),
        ("=?iso-8859-1?q?=E4?=", "not in UTF-8"),
        ("=?utf-8?q?=E4?=", "cannot be decoded"),
        ("=?utf-8?b?!!!!?=", "cannot be decoded"),
        ("=?utf-8?x?abcd?=", "cannot be decoded"),
        ("=?utf-8?b?w6Q=?=", ""),
        ("=?UTF-8?Q?=C3=A4?=", ""),
        ("Why 2 =? 3", ""),
    ],
)
def test_every_encoded_word_can_be_read(word: str, said: str) -> None:
    found = findings("hdr-ew", with_header("Subject", word))

    assert bool(found) is bool(said)
    assert all(said in finding.message for finding in found)


@pytest.mark.parametrize(
    "header", [("Subject", "a\r\nBcc: b@c.example"), ("To", "a\x00b"), ("Bcc", "a@b.example")]
)
def test_no_content_becomes_a_header(header: tuple[str, str]) -> None:
    assert severities("hdr-inject", with_headers(*HEADERS, header)) == {"block"}


def test_quoted_printable_lines_have_76_characters() -> None:
    """RFC 2045, 6.7."""
    text, html = MESSAGE.parts
    message = replace(MESSAGE, parts=(text, replace(html, longest_line=77)))

    assert "text/html is 77" in findings("qp-76", message)[0].message


@pytest.mark.parametrize("raw", [b"a\nb", b"a\rb", b"a\r\n\nb"])
def test_lines_end_with_cr_lf(raw: bytes) -> None:
    assert severities("qp-76", replace(MESSAGE, raw=raw)) == {"block"}


def test_the_plain_part_comes_first() -> None:
    text, html = MESSAGE.parts

    assert severities("mime-shape", replace(MESSAGE, parts=(html, text))) == {"block"}
    assert severities("mime-shape", replace(MESSAGE, parts=(html,))) == {"block"}
    assert severities("mime-shape", replace(MESSAGE, parts=(replace(text, charset="latin-1"), html))) == {
        "block"
    }
    assert severities("mime-shape", with_header("Content-Type", "multipart/mixed")) == {"block"}


@pytest.mark.parametrize(
    ("sender", "name", "expected"),
    [
        ("digest@gmail.com", "", {"block"}),
        ("digest@bücher.example", "", {"block"}),
        ("", "", {"block"}),
        ("digest@news.example", "boss@bank.example", {"block"}),
        ("digest@news.example", "News, Inc.", {"warn"}),
        ("digest@news.example", "digest@news.example", {"warn"}),
        ("digest@news.example", "Müller & Söhne", set()),
    ],
)
def test_one_honest_sender(sender: str, name: str, expected: set[str]) -> None:
    message = replace(MESSAGE, sender_address=sender, sender_name=name)

    assert severities("from-one", message) == expected


def test_two_senders_are_one_too_many() -> None:
    assert severities("from-one", with_header("From", "a@news.example, b@news.example")) == {"block"}


@pytest.mark.parametrize(
    ("value", "fine"),
    [
        ("<weekly.news.example>", True),
        ("Weekly <weekly.news.example>", True),
        ('"Weekly, all of it" <weekly.news.example>', True),
        ("weekly.news.example", False),
        ("<weekly>", False),
        (None, False),
    ],
)
def test_the_list_id_is_well_formed(value: str | None, fine: bool) -> None:
    """RFC 2919."""
    assert severities("list-id", with_header("List-ID", value)) == (set() if fine else {"warn"})


@pytest.mark.parametrize("name", ["Auto-Submitted", "Precedence"])
def test_automatic_replies_are_turned_off(name: str) -> None:
    assert severities("auto-sub", with_header(name, None)) == {"warn"}


@pytest.mark.parametrize(
    ("value", "fine"),
    [
        ("<41.abc@news.lockstep.example>", True),
        ("<41.abc@mx1.News.Lockstep.example>", True),
        ("<41.abc@lockstep.example>", False),
        ("<41.abc@evilnews.lockstep.example>", False),
        ("<41.abc@mta.sendgrid.example>", False),
        (f"<{'a' * 500}@news.lockstep.example>", False),
        ("<41.abc>", False),
    ],
)
def test_the_message_id_is_of_the_senders_domain(value: str, fine: bool) -> None:
    assert severities("mid-domain", with_header("Message-ID", value)) == (set() if fine else {"warn"})


@pytest.mark.parametrize(
    ("value", "fine"),
    [
        ("41:weekly:newsletter:lockst", True),
        ("lockstep", True),
        (None, True),
        ("41:weekly:newsletter:more:lockst", False),
        ("41:weekly:newsletter:lock", False),
        ("41:weekly:newsletter:lockstepengineering", False),
        ("sam@reader.example:weekly:newsletter:lockst", False),
    ],
)
def test_gmail_counts_by_the_feedback_id(value: str | None, fine: bool) -> None:
    """At most four fields, the last one the sender's, nothing of one recipient."""
    assert severities("feedback-id", with_header("Feedback-ID", value)) == (set() if fine else {"warn"})


def signed_by(domain: str) -> tuple[str, str]:
    return "DKIM-Signature", f"v=1; a=rsa-sha256; s=x; d={domain};\r\n h=from:subject; bh=x; b=y"


@pytest.mark.parametrize(
    ("domains", "fine"),
    [
        (["news.lockstep.example"], True),
        (["Lockstep.Example"], True),
        (["mx.news.lockstep.example"], True),
        (["other.lockstep.example"], True),
        (["sendgrid.example", "lockstep.example"], True),
        (["sendgrid.example"], False),
        (["example"], False),
        (["evillockstep.example"], False),
    ],
)
def test_a_signature_is_of_the_senders_organisation(domains: list[str], fine: bool) -> None:
    """RFC 7489, 3.1.1: relaxed alignment; one that is aligned is enough."""
    message = with_headers(*HEADERS, *map(signed_by, domains))

    assert severities("dmarc-align", message) == (set() if fine else {"block"})


def test_who_shares_a_suffix_is_not_one_organisation() -> None:
    message = with_headers(*HEADERS, signed_by("other.co.uk"))

    assert severities("dmarc-align", replace(message, sender_address="a@news.lockstep.co.uk")) == {"block"}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"dkim": False, "return_path": "b@bounces.lockstep.example"}, set()),
        ({"dkim": False, "return_path": "b@mailhouse.example"}, {"warn"}),
        ({"dkim": True, "return_path": "b@mailhouse.example"}, set()),
        ({"dkim": False, "return_path": "b@mailhouse.example", "signed_by_provider": True}, set()),
        ({"dkim": False, "return_path": ""}, set()),
    ],
)
def test_without_a_signature_the_envelope_speaks_for_the_sender(
    facts: dict[str, object], expected: set[str]
) -> None:
    """Where a provider signs there is nothing to say."""
    assert severities("dmarc-align", **facts) == expected
