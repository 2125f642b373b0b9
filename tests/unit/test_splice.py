"""Splicing: every recipient's own values, encoded on their own, and not one header more."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.message import headers
from digest.message.compile import MessageFacts, compile_message
from digest.message.headers import UnsafeAddress, UnsafeValue
from digest.message.merge_slots import SlotName, marker
from digest.message.parse import parse
from digest.message.splice import message_bytes, splice
from digest.model.delivery import DeliveryId, Envelope
from digest.model.issue import Rendered
from digest.model.newsletter import Mailbox

NONCE = "00112233445566778899"
NAME, ADDRESS, URL = (
    marker(NONCE, slot) for slot in (SlotName.NAME, SlotName.ADDRESS, SlotName.UNSUBSCRIBE_URL)
)
FACTS = MessageFacts(
    issue_ref="weekly/3",
    sender=Mailbox("Example", "digest@news.example.com"),
    list_name="Example Weekly",
    list_id="weekly.news.example.com",
    feedback_id="3:weekly:newsletter:exweekly",
    language="en",
    mailto_unsubscribe="leave@news.example.com",
)
LOCAL_PARTS = st.from_regex(
    r"[A-Za-z0-9!#$%&'*+/=^_`{|}~-]{1,12}(\.[A-Za-z0-9+_-]{1,8}){0,2}", fullmatch=True
)
HEADER_NAMES = [
    "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "List-Unsubscribe",
    "List-Unsubscribe-Post", "List-ID", "List-Post", "Feedback-ID", "Auto-Submitted", "Precedence",
    "X-Auto-Response-Suppress", "Content-Language", "Content-Type",
]  # fmt: skip


def envelope(**changes: object) -> Envelope:
    values: dict[str, object] = {
        "delivery_id": DeliveryId(7),
        "address": "zoe@example.org",
        "name": "Zoë <b>& O'Brien",
        "return_path": "bounce+7@news.example.com",
        "message_id": "7.weekly.3@news.example.com",
        "unsubscribe_url": "https://news.example.com/u/" + "x" * 43,
        "date": datetime(2026, 1, 6, 8, 0, 5, 999, tzinfo=UTC),
    }
    return Envelope(**(values | changes))  # type: ignore[arg-type]


def rendered(subject: str = "Weekly 3", text: str = "", body: str = "") -> Rendered:
    return Rendered(
        subject=subject,
        preheader="",
        text=f"{text}{URL}\n{NAME}{ADDRESS} and {NAME}",
        html=f'{body}<a href="{URL}">{NAME}</a>{ADDRESS}',
        nonce=NONCE,
        language="en",
    )


@given(
    subject=st.text(max_size=150), name=st.text(max_size=80), local=LOCAL_PARTS, text=st.text(max_size=300)
)
@example(subject="=?utf-8?q?=0D=0ABcc:_e@x?=", name="=?utf-8?q?=0D=0ABcc:_e@x?=", local="a", text="")
@example(subject="a\r\nBcc: e@x", name="b\r\n\r\nforged body", local="a", text=".\r\n.\r\nFrom x\r\n")
@example(subject="a\u2028b\x00c", name=".", local="a", text="--=_x\n\x85\u2028\x0b\x0c ")
@example(subject="x", name="From here", local="a", text="x" * 74 + "ü")
def test_a_parser_gives_back_exactly_what_was_meant(subject: str, name: str, local: str, text: str) -> None:
    """For any subject, name, address and text: the headers intended, both bodies, sound lines."""
    address, link = f"{local}@example.org", "https://news.example.com/u/" + "t" * 43
    issue = rendered("S" + subject, text, html.escape(text))
    raw = message_bytes(compile_message(issue, FACTS), envelope(name=name, address=address))
    message = parse(raw)
    raw_unsubscribe = dict(message.raw_headers)["List-Unsubscribe"]

    assert [key for key, _ in message.raw_headers] == HEADER_NAMES
    assert [key for key, _ in message.headers] == HEADER_NAMES
    assert message.subject == headers.one_line("S" + subject)
    clean, lines = headers.one_line(name), text.replace("\r\n", "\n").replace("\r", "\n")
    link = envelope().unsubscribe_url
    assert message.text == f"{lines}{link}\n{clean}{address} and {clean}"
    assert (
        message.html == f'{html.escape(lines)}<a href="{link}">{html.escape(clean)}</a>{html.escape(address)}'
    )
    assert b"=?" not in raw_unsubscribe
    assert_wire_is_sound(raw)


def assert_wire_is_sound(raw: bytes) -> None:
    assert raw.endswith(b"\r\n")
    for line in raw.split(b"\r\n"):
        assert len(line) <= 76 or line.startswith((b"List-", b" <mailto:"))
        assert b"\r" not in line
        assert b"\n" not in line
        assert not line.startswith(b".")
    assert not any(part.has_bare_newline for part in parse(raw).parts)


def test_lines_stay_short_however_long_a_value_is() -> None:
    long = envelope(name="ü" * 300, unsubscribe_url="https://news.example.com/u/" + "=." * 200)
    message = parse(message_bytes(compile_message(rendered(), FACTS), long))
    assert [part.longest_line <= 76 for part in message.parts] == [True, True]
    assert long.unsubscribe_url in message.text
    assert "ü" * 300 in message.html


def test_the_unsubscribe_address_stands_verbatim() -> None:
    """Encoded or cut it would take the button away from every reader (RFC 8058, CPython #85725)."""
    url = "https://news.example.com/u/" + "x" * 300
    raw = message_bytes(compile_message(rendered(), FACTS), envelope(unsubscribe_url=url))
    assert b"\r\nList-Unsubscribe: <" + url.encode() + b">,\r\n <mailto:leave@news.example.com>\r\n" in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw


def test_the_date_is_in_utc_and_english() -> None:
    berlin = timezone(timedelta(hours=1))
    raw = message_bytes(
        compile_message(rendered(), FACTS), envelope(date=datetime(2026, 1, 6, 0, 30, tzinfo=berlin))
    )
    assert b"\r\nDate: Mon, 05 Jan 2026 23:30:00 +0000\r\n" in raw


def test_only_the_recipients_values_differ_between_two_messages() -> None:
    compiled = compile_message(rendered(), FACTS)
    ann, bob = (
        message_bytes(compiled, envelope(name=name, address=f"{name}@example.org")) for name in ("ann", "bob")
    )
    assert ann.replace(b"ann", b"bob") == bob
    assert b"bob" not in ann


def test_the_buffers_are_the_message() -> None:
    compiled = compile_message(rendered(), FACTS)
    assert b"".join(splice(compiled, envelope())) == message_bytes(compiled, envelope())


def test_an_address_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(UnsafeAddress):
        splice(compile_message(rendered(), FACTS), envelope(address="a@b\r\nBcc: e@x"))


@pytest.mark.parametrize(
    "change", [{"message_id": "a\r\nb@c"}, {"unsubscribe_url": "https://n/\r\nBcc: e@x"}]
)
def test_a_value_of_ours_that_cannot_be_written_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(UnsafeValue):
        splice(compile_message(rendered(), FACTS), envelope(**change))
