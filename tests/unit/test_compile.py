"""Compiling an issue: the same bytes every time, under a hash that covers all that is fixed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.errors import TemplateError
from digest.message.compile import Compiled, MessageFacts, WireSlot, compile_message
from digest.message.headers import UnsafeValue
from digest.message.merge_slots import SlotName, marker
from digest.model.issue import Rendered
from digest.model.newsletter import Mailbox

NONCE = "00112233445566778899"
NAME, ADDRESS, URL = (
    marker(NONCE, slot) for slot in (SlotName.NAME, SlotName.ADDRESS, SlotName.UNSUBSCRIBE_URL)
)
FACTS = MessageFacts(
    issue_ref="weekly/3",
    sender=Mailbox("Example Weekly", "digest@news.example.com"),
    reply_to=Mailbox("", "editor@example.com"),
    list_name="Example Weekly",
    list_id="weekly.news.example.com",
    feedback_id="3:weekly:newsletter:exweekly",
    language="en",
    archive_url="https://news.example.com/archive/weekly/3",
    mailto_unsubscribe="leave@news.example.com",
)
RENDERED = Rendered(
    subject="One story · Weekly 3",
    preheader="",
    html=f'<!DOCTYPE html>\n<p>Hi {NAME}</p><a href="{URL}">x</a>',
    text=f"Hi\n\n{URL}\nfor {ADDRESS}\n",
    nonce=NONCE,
    language="en",
)


def test_equal_input_gives_equal_bytes_and_hash() -> None:
    assert compile_message(RENDERED, FACTS) == compile_message(RENDERED, FACTS)


def test_the_headers_stand_in_a_sensible_order() -> None:
    block = wire(compile_message(RENDERED, FACTS)).split(b"\r\n\r\n")[0]
    names = [line.split(b":")[0].decode() for line in block.split(b"\r\n") if not line.startswith(b" ")]
    assert names == [
        "From",
        "To",
        "Reply-To",
        "Subject",
        "Date",
        "Message-ID",
        "MIME-Version",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "List-ID",
        "List-Archive",
        "List-Post",
        "Feedback-ID",
        "Auto-Submitted",
        "Precedence",
        "X-Auto-Response-Suppress",
        "Content-Language",
        "Content-Type",
    ]


def test_what_is_not_known_has_no_header() -> None:
    bare = replace(FACTS, archive_url="", reply_to=None, feedback_id="", language="")
    block = wire(compile_message(RENDERED, bare)).split(b"\r\n\r\n")[0]
    for name in (b"List-Archive", b"Reply-To", b"Feedback-ID", b"Content-Language"):
        assert name + b":" not in block


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "Another"},
        {"html": RENDERED.html + " "},
        {"text": RENDERED.text + "."},
        {"text": RENDERED.text.replace("address", "name")},
    ],
)
def test_the_hash_changes_with_the_content(change: dict[str, str]) -> None:
    before = compile_message(RENDERED, FACTS).content_hash
    assert compile_message(replace(RENDERED, **change), FACTS).content_hash != before


@pytest.mark.parametrize(
    "change",
    [
        {"sender": Mailbox("Example", "digest@news.example.com")},
        {"sender": Mailbox("Example Weekly", "other@news.example.com")},
        {"reply_to": None},
        {"list_id": "other.news.example.com"},
        {"mailto_unsubscribe": ""},
        {"language": "de"},
        {"is_proof": True},
    ],
)
def test_the_hash_changes_with_the_fixed_headers(change: dict[str, object]) -> None:
    before = compile_message(RENDERED, FACTS).content_hash
    after = compile_message(RENDERED, replace(FACTS, **change)).content_hash  # type: ignore[arg-type]
    assert after != before
    assert after.startswith("sha256:")


def test_no_line_of_the_fixed_bytes_breaks_a_limit() -> None:
    """Lines of at most 76, CRLF only, none that starts with a dot or with "From "."""
    hostile = replace(
        RENDERED,
        html="<p>" + "ü" * 500 + "</p>" + "x" * 900 + "\n.\n..\nFrom here\ntrailing \t\n" + RENDERED.html,
        text="." * 200 + "\r\nFrom now\rlast=20\x0c " + RENDERED.text,
    )
    raw = wire(compile_message(hostile, FACTS))
    for line in raw.split(b"\r\n"):
        assert len(line) <= 76, line
        assert b"\r" not in line
        assert b"\n" not in line
        assert not line.startswith(b".")
        assert line == line.rstrip() or line.startswith(b"Content-Type")
    assert raw.count(b"\r\nFrom ") == 0


def test_a_subject_with_a_recipients_value_is_refused() -> None:
    with pytest.raises(TemplateError, match="differs between recipients"):
        compile_message(replace(RENDERED, subject=f"Hi {NAME}"), FACTS)


def test_an_empty_subject_is_refused() -> None:
    with pytest.raises(TemplateError, match="empty"):
        compile_message(replace(RENDERED, subject=" \r\n "), FACTS)


def test_a_fact_that_cannot_stand_in_a_header_is_refused() -> None:
    with pytest.raises(UnsafeValue, match="List-ID"):
        compile_message(RENDERED, replace(FACTS, list_id="a\r\nBcc: e@x"))


def test_a_proof_says_so() -> None:
    proof = compile_message(RENDERED, replace(FACTS, is_proof=True))
    assert proof.subject == "[Proof] One story · Weekly 3"
    assert ("X-Digest-Proof", "yes") in proof.fixed_headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Example Weekly", '"Example Weekly" <weekly.news.example.com>'),
        ("Beispiele für alle", "<weekly.news.example.com>"),
        ('The "Best"', "<weekly.news.example.com>"),
        ("=?utf-8?q?x?=", "<weekly.news.example.com>"),
    ],
)
def test_the_list_id_is_never_encoded(name: str, value: str) -> None:
    compiled = compile_message(RENDERED, replace(FACTS, list_name=name))
    assert dict(compiled.fixed_headers)["List-ID"] == value


def test_a_marker_of_another_nonce_is_plain_text() -> None:
    """An article cannot forge a slot: it would have to know the nonce."""
    forged = marker("ffffffffffffffffffff", SlotName.ADDRESS)
    compiled = compile_message(replace(RENDERED, text=f"{forged}\n"), FACTS)
    assert WireSlot.TEXT_ADDRESS not in compiled.segments


def wire(compiled: Compiled) -> bytes:
    """The segments with a short word for each slot."""
    return b"".join(part if isinstance(part, bytes) else b"SLOT" for part in compiled.segments)
