"""Mails that come back: what each of them reports, and nothing guessed from text for people."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.message.bounce import MAX_BYTES, read_bounce
from digest.model.delivery import EventKind
from digest.rules.signed_links import verify

FOLDER = Path(__file__).parents[1] / "data" / "bounces"
MAILS = sorted(FOLDER.glob("*.eml"))
KEYS = ("a key for tests",)


def expected(path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(path.with_suffix(".json").read_text("utf-8"))
    return found


def names_our_delivery(addresses: tuple[str, ...]) -> bool:
    """The examples are about delivery 7."""
    tokens = (address.partition("@")[0].rpartition("+")[2] for address in addresses)
    return 7 in {verify(token, purpose="bounce", keys=KEYS) for token in tokens}


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.stem)
def test_a_mail_is_read_for_what_it_reports(path: Path) -> None:
    """Kind, words without addresses, and whether a return path of ours stands in it."""
    read = read_bounce(path.read_bytes())

    found = {"kind": read.kind.value, "detail": read.detail, "token": names_our_delivery(read.addresses)}
    assert found == expected(path)


def test_there_is_an_example_of_every_kind_that_mail_can_report() -> None:
    kinds = {expected(path)["kind"] for path in MAILS}

    assert kinds == {"bounced", "blocked", "deferred", "delivered", "processed", "complained", "unknown"}


def test_a_mail_that_is_handed_over_twice_is_known_again() -> None:
    """Each hand-over adds lines of its own; another mail is another one."""
    raw = (FOLDER / "postfix_user_unknown.eml").read_bytes()
    again = b"Received: from relay.example by news.example.com\r\n" + raw
    other = (FOLDER / "exchange_mailbox_full.eml").read_bytes()

    assert read_bounce(again).fingerprint == read_bounce(raw).fingerprint
    assert read_bounce(other).fingerprint != read_bounce(raw).fingerprint


def test_the_surest_address_comes_first() -> None:
    raw = (
        b"To: shown@example.org\r\nDelivered-To: real@example.org\r\nX-Original-To: alias@example.org\r\n\r\n"
    )

    assert read_bounce(raw).addresses == ("real@example.org", "alias@example.org", "shown@example.org")


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_either_line_end_is_read(line_end: bytes) -> None:
    raw = (FOLDER / "postfix_user_unknown.eml").read_bytes().replace(b"\r\n", line_end)

    assert read_bounce(raw).kind is EventKind.BOUNCED


def test_a_report_in_front_of_an_endless_mail_is_read() -> None:
    """What is over the limit is the mail that it quotes."""
    raw = (FOLDER / "postfix_user_unknown.eml").read_bytes() + b"x" * (2 * MAX_BYTES)

    assert read_bounce(raw).kind is EventKind.BOUNCED


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/report; boundary=a\n\n" + b"--a\nContent-Type: multipart/mixed\n\n" * 3000,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2000)),
        b"Content-Type: message/rfc822\n\n" * 3000,
        b"To: " + b"a@b.example, " * 50_000 + b"\n\n",
        b"Content-Type: message/delivery-status\n\nAction: failed\nStatus: " + b"5." * 100_000,
        b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n!!!!",
        b"Content-Type: text/rfc822-headers; charset=no-such\nContent-Transfer-Encoding: x-uuencode\n\nbegin",
        b"\xff\xfe\x00 : \x00\n\n\x80",
    ],
)
def test_a_hostile_mail_is_read_to_its_end(raw: bytes) -> None:
    """Deep, long or broken: it says little, and never takes a suppression with it."""
    assert read_bounce(raw).kind in {EventKind.UNKNOWN, EventKind.BOUNCED, EventKind.BLOCKED}


@given(st.binary(max_size=400), st.sampled_from(MAILS), st.integers(0, 3000))
def test_a_damaged_mail_is_read(noise: bytes, path: Path, at: int) -> None:
    """Whatever a broken line does to a report, reading it ends with a kind and one line of words."""
    raw = path.read_bytes()
    read = read_bounce(raw[:at] + noise + raw[at:])

    assert "\n" not in read.detail
    assert not re.search(r"\w@\w", read.detail)
    assert len(read.detail) <= 300
