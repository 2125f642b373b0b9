"""SendGrid: what each HTTP outcome proves about a batch, and that the key never shows."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta

import pytest

from digest.errors import SettingsError, TransportDown
from digest.message.compile import MessageFacts, compile_message
from digest.model.delivery import DeliveryId, Envelope, Outcome, Receipt
from digest.model.issue import Rendered
from digest.model.newsletter import Mailbox
from digest.transports.sendgrid.transport import SendGrid
from fakes.messages import compiled, envelope
from fakes.sendgrid import (
    FakeSendGrid,
    Scripted,
    accept_slowly,
    accept_then_500,
    accept_then_drop,
    drop,
    problems,
    refuse,
)

KEY = "SG.right-key"
ACCEPTED, REFUSED, DEFERRED, UNCERTAIN = (
    Outcome.ACCEPTED, Outcome.REFUSED, Outcome.DEFERRED, Outcome.UNCERTAIN
)  # fmt: skip


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSendGrid]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with FakeSendGrid(api_key=KEY) as server:
        yield server


def all_of(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
    return ids


class Intent:
    """Allows everything and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[DeliveryId] = []

    def __call__(self, ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        self.told.extend(ids)
        return ids


def submit(
    fake: FakeSendGrid,
    *envelopes: Envelope,
    on_wire: Callable[..., Collection[DeliveryId]] = all_of,
    batch_size: int = 500,
    timeout: float = 5,
    subject: str = "One story",
) -> list[Receipt]:
    transport = SendGrid(api_key=KEY, host=fake.url, batch_size=batch_size, timeout=timeout)
    return list(transport.submit(compiled(subject), envelopes, on_wire=on_wire))


def outcomes(receipts: list[Receipt]) -> dict[int, Outcome]:
    assert len({receipt.delivery_id for receipt in receipts}) == len(receipts)
    return {receipt.delivery_id: receipt.outcome for receipt in receipts}


def people(count: int) -> list[Envelope]:
    return [envelope(n) for n in range(1, count + 1)]


# -- what is posted ----------------------------------------------------------------------------------


def test_a_batch_is_one_request_within_every_published_rule(fake: FakeSendGrid) -> None:
    submit(fake, *people(5))
    [asked] = fake.asked
    assert problems(asked.body) == []
    assert asked.body["categories"] == ["newsletter"]
    assert asked.body["tracking_settings"] == {
        "click_tracking": {"enable": False, "enable_text": False},
        "open_tracking": {"enable": False},
        "subscription_tracking": {"enable": False},
    }


def test_every_personalization_carries_its_own_ids(fake: FakeSendGrid) -> None:
    """By them an event, or evidence after a lost answer, finds its delivery and its batch."""
    submit(fake, *people(3), batch_size=2)
    args = {one.address: one.custom_args for one in fake.accepted}
    assert [args[f"r{n}@example.org"]["d"] for n in (1, 2, 3)] == ["1", "2", "3"]
    assert {one["i"] for one in args.values()} == {"weekly/3"}
    assert args["r1@example.org"]["b"] == args["r2@example.org"]["b"] != args["r3@example.org"]["b"]


def test_text_and_html_get_values_of_their_own(fake: FakeSendGrid) -> None:
    """One substitution serves all parts: a plain one would break HTML, an escaped one the text."""
    submit(fake, envelope(1, "a&b@example.org", "<Ann> & 'Co'"))
    [one] = fake.accepted
    assert "Hi <Ann> & 'Co'\n" in one.text
    assert "Sent to a&b@example.org\n" in one.text
    assert "Hi &lt;Ann&gt; &amp; &#x27;Co&#x27;</p>" in one.html
    assert "Unsubscribe a&amp;b@example.org" in one.html


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("Ann, Dr.; Example", "Ann Dr. Example"),
        ("=?utf-8?q?x?=", "= ?utf-8?q?x?="),
        (",;", ""),
        ("a\r\nb", "a b"),
    ],
)
def test_names_lose_what_the_provider_refuses(fake: FakeSendGrid, name: str, seen: str) -> None:
    submit(fake, envelope(1, name=name))
    assert fake.accepted[0].name == seen


def test_the_sender_name_is_ascii_on_the_way(fake: FakeSendGrid) -> None:
    message = compiled(sender=Mailbox("Beispiele für alle", "digest@news.example.com"))
    list(SendGrid(api_key=KEY, host=fake.url).submit(message, [envelope(1)], on_wire=all_of))
    assert fake.accepted[0].sender_name == "=?utf-8?q?Beispiele_f=C3=BCr_alle?="


def test_one_address_twice_goes_in_two_requests(fake: FakeSendGrid) -> None:
    receipts = submit(fake, envelope(1, "ann@example.org"), envelope(2), envelope(3, "ANN@example.org"))
    assert outcomes(receipts) == {1: ACCEPTED, 2: ACCEPTED, 3: ACCEPTED}
    assert [len(asked.body["personalizations"]) for asked in fake.asked] == [2, 1]


def test_the_window_is_never_over_the_providers_thousand(fake: FakeSendGrid) -> None:
    assert SendGrid(api_key=KEY, batch_size=5000).window == 1000


# -- what each outcome proves ------------------------------------------------------------------------


def test_202_is_a_yes_for_all_with_the_providers_id(fake: FakeSendGrid) -> None:
    receipts = submit(fake, *people(3))
    assert set(outcomes(receipts).values()) == {ACCEPTED}
    assert {receipt.provider_ref for receipt in receipts} == {fake.accepted[0].message_id}


@pytest.mark.parametrize(
    ("step", "taken"),
    [
        (accept_then_500(), 2),
        (Scripted(status=503), 2),
        (accept_then_drop(), 2),
        (drop(), 0),
        (refuse(502), 0),
    ],
    ids=["500", "503", "dropped after", "dropped before", "502"],
)
def test_without_a_clear_answer_the_whole_batch_is_uncertain(
    fake: FakeSendGrid, step: Scripted, taken: int
) -> None:
    """Taken or not looks the same from here; never is it posted again blindly."""
    fake.script(step)
    receipts = submit(fake, *people(2))
    assert outcomes(receipts) == {1: UNCERTAIN, 2: UNCERTAIN}
    assert len(fake.accepted) == taken
    assert len(fake.asked) == 1
    [batch] = {receipt.provider_ref for receipt in receipts}
    assert batch == fake.asked[0].body["personalizations"][0]["custom_args"]["b"]


def test_a_timeout_is_uncertain(fake: FakeSendGrid) -> None:
    fake.script(accept_slowly(3))
    receipts = submit(fake, envelope(1), timeout=0.3)
    assert outcomes(receipts) == {1: UNCERTAIN}
    assert "in time" in receipts[0].detail
    assert len(fake.accepted) == 1


def test_after_an_unclear_answer_the_sandbox_is_asked_first(fake: FakeSendGrid) -> None:
    """A provider in trouble makes one batch uncertain, not one after the other."""
    fake.script(accept_then_500())
    receipts = submit(fake, *people(4), batch_size=2)
    assert outcomes(receipts) == {1: UNCERTAIN, 2: UNCERTAIN, 3: ACCEPTED, 4: ACCEPTED}
    assert [asked.status for asked in fake.asked] == [500, 200, 202]


def test_while_the_trouble_lasts_nothing_more_is_posted(fake: FakeSendGrid) -> None:
    fake.script(accept_then_500())
    fake.sandbox_status = 503
    receipts: list[Receipt] = []
    intent = Intent()
    transport = SendGrid(api_key=KEY, host=fake.url, batch_size=2)
    answers = transport.submit(compiled(), people(4), on_wire=intent)
    with pytest.raises(TransportDown, match="503"):
        receipts.extend(answers)
    assert outcomes(receipts) == {1: UNCERTAIN, 2: UNCERTAIN}
    assert intent.told == [1, 2]


@pytest.mark.parametrize(
    ("status", "mend"), [(401, "API key"), (403, "verify the sender"), (404, "host"), (302, "host")]
)
def test_a_no_to_all_of_it_stops_with_what_to_do(fake: FakeSendGrid, status: int, mend: str) -> None:
    fake.script(refuse(status, "no", Location="http://127.0.0.1:1/elsewhere"))
    with pytest.raises(TransportDown, match=str(status)) as caught:
        submit(fake, *people(2))
    assert mend in caught.value.mend
    assert fake.accepted == []


def test_429_waits_as_long_as_the_provider_says(fake: FakeSendGrid) -> None:
    """Nothing of this batch was taken; what waits behind it stays where it is."""
    fake.script(refuse(429, "too many requests", X_RateLimit_Reset=str(int(time.time()) + 30)))
    pool = iter(people(5))
    transport = SendGrid(api_key=fake.api_key, host=fake.url, batch_size=2, timeout=5)
    receipts = list(transport.submit(compiled(), pool, on_wire=all_of))
    assert outcomes(receipts) == dict.fromkeys(range(1, 3), DEFERRED)
    assert [one.delivery_id for one in pool] == [3, 4, 5]
    for receipt in receipts:
        assert receipt.retry_after is not None
        assert timedelta(seconds=25) < receipt.retry_after <= timedelta(seconds=30)
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "7"}, 7),
        ({"X_RateLimit_Reset": "1"}, 1),
        ({"X_RateLimit_Reset": "soon"}, 60),
        ({"X_RateLimit_Reset": "99999999999"}, 3600),
    ],
)
def test_a_pause_is_never_nothing_and_never_for_ever(
    fake: FakeSendGrid, headers: dict[str, str], seconds: int
) -> None:
    fake.script(refuse(429, "slow down", **headers))
    assert submit(fake, envelope(1))[0].retry_after == timedelta(seconds=seconds)


def test_a_named_recipient_is_refused_and_the_rest_goes_again(fake: FakeSendGrid) -> None:
    fake.refused_addresses = {"r2@example.org", "r4@example.org"}
    intent = Intent()
    receipts = submit(fake, *people(5), on_wire=intent)
    assert outcomes(receipts) == {1: ACCEPTED, 2: REFUSED, 3: ACCEPTED, 4: REFUSED, 5: ACCEPTED}
    assert [asked.status for asked in fake.asked] == [400, 202]
    assert intent.told == [1, 2, 3, 4, 5]
    assert "valid address" in next(receipt.detail for receipt in receipts if receipt.delivery_id == 2)


def test_an_unnamed_recipient_is_found_by_halves(fake: FakeSendGrid) -> None:
    """The sandbox clears the message first; then halves, until only the bad ones are left."""
    fake.refused_addresses, fake.vague = {"r2@example.org", "r11@example.org"}, True
    receipts = submit(fake, *people(16))
    refused = {number for number, outcome in outcomes(receipts).items() if outcome is REFUSED}
    assert refused == {2, 11}
    assert len(receipts) == 16
    assert len(fake.accepted) == 14
    assert len(fake.asked) < 20


def test_a_413_is_halved_too(fake: FakeSendGrid) -> None:
    fake.script(refuse(413, "too large"))
    assert outcomes(submit(fake, *people(4))) == dict.fromkeys(range(1, 5), ACCEPTED)
    assert [len(asked.body["personalizations"]) for asked in fake.asked if asked.status == 202] == [2, 2]


def test_a_bad_message_never_costs_the_recipients(fake: FakeSendGrid) -> None:
    """A 400 about the message itself: nobody is refused for it."""
    fake.refused_subject = "One story"
    with pytest.raises(TransportDown, match="subject"):
        submit(fake, *people(3))
    fake.vague = True
    with pytest.raises(TransportDown, match="Bad Request"):
        submit(fake, envelope(1))
    assert fake.accepted == []


def test_a_single_bad_recipient_is_refused(fake: FakeSendGrid) -> None:
    fake.refused_addresses = {"r1@example.org"}
    assert outcomes(submit(fake, envelope(1))) == {1: REFUSED}


def test_a_crash_of_trouble_in_the_middle_of_halves_keeps_the_account(fake: FakeSendGrid) -> None:
    """Half accepted, then an unclear answer: each recipient has the outcome of its own request."""
    fake.refused_addresses = {"r1@example.org"}
    fake.script(Scripted(), accept_then_500())
    receipts = submit(fake, *people(3))
    assert outcomes(receipts) == {1: REFUSED, 2: UNCERTAIN, 3: UNCERTAIN}


def test_a_sender_that_was_frozen_posts_nothing(fake: FakeSendGrid, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its claim may be lost by now, and somebody else may be sending."""
    monkeypatch.setattr("digest.transports.sendgrid.transport.INTENT_SECONDS", -1.0)
    assert outcomes(submit(fake, *people(2))) == {1: DEFERRED, 2: DEFERRED}
    assert fake.asked == []


# -- without a connection ----------------------------------------------------------------------------


def test_no_connection_means_nothing_was_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    transport = SendGrid(api_key=KEY, host=f"http://127.0.0.1:{port}", timeout=1)
    with pytest.raises(TransportDown, match="cannot be reached"):
        list(transport.submit(compiled(), [envelope(1)], on_wire=all_of))


def test_a_failed_handshake_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS that breaks off is certain: the request was never written."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=hang_up, args=(server,))
        thread.start()
        transport = SendGrid(api_key=KEY, host=f"https://127.0.0.1:{server.getsockname()[1]}", timeout=2)
        with pytest.raises(TransportDown, match="cannot be reached"):
            list(transport.submit(compiled(), [envelope(1)], on_wire=all_of))
        thread.join()


def hang_up(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(10)
        connection.sendall(b"this is no TLS\r\n")


# -- the key -----------------------------------------------------------------------------------------


def test_the_key_is_in_no_log_error_or_receipt(fake: FakeSendGrid, caplog: pytest.LogCaptureFixture) -> None:
    """Neither with everything on DEBUG, nor when the provider quotes it."""
    fake.script(refuse(500, f"your key {KEY} is odd"), refuse(403, f"your key {KEY} is odd"))
    with caplog.at_level(logging.DEBUG):
        [receipt] = submit(fake, envelope(1))
        with pytest.raises(TransportDown) as caught:
            submit(fake, envelope(2))
    assert "is odd" in receipt.detail
    shown = "".join([caplog.text, repr(receipt), repr(caught.value), str(caught.value)])
    assert KEY not in shown
    assert "r1@example.org" not in caplog.text


def test_the_key_does_not_follow_a_redirect(fake: FakeSendGrid) -> None:
    with FakeSendGrid() as elsewhere:
        fake.script(refuse(302, "moved", Location=f"{elsewhere.url}/v3/mail/send"))
        with pytest.raises(TransportDown, match="302"):
            submit(fake, envelope(1))
        assert elsewhere.asked == []


@pytest.mark.parametrize("key", ["", "SG.a\nb", "SG.ä", "SG a"])
def test_a_key_that_can_be_none_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        SendGrid(api_key=key)
    assert not key or key not in str(caught.value)


# -- verify ------------------------------------------------------------------------------------------


def test_verify_with_a_sender_uses_the_sandbox(fake: FakeSendGrid) -> None:
    transport = SendGrid(api_key=KEY, host=fake.url, sender=Mailbox("Example", "digest@news.example.com"))
    assert "digest@news.example.com" in transport.verify()
    assert fake.accepted == []
    assert fake.asked[0].body["mail_settings"] == {"sandbox_mode": {"enable": True}}
    assert problems(json.loads(json.dumps(fake.asked[0].body))) == []


def test_verify_names_a_sender_that_is_not_verified(fake: FakeSendGrid) -> None:
    fake.verified = frozenset()
    transport = SendGrid(api_key=KEY, host=fake.url, sender=Mailbox("", "digest@news.example.com"))
    with pytest.raises(TransportDown, match="verified Sender Identity") as caught:
        transport.verify()
    assert "verify the sender" in caught.value.mend


def test_verify_without_a_sender_reads_the_rights_of_the_key(fake: FakeSendGrid) -> None:
    assert "may send mail" in SendGrid(api_key=KEY, host=fake.url).verify()
    fake.scopes = ("stats.read",)
    with pytest.raises(TransportDown, match="not allowed to send"):
        SendGrid(api_key=KEY, host=fake.url).verify()
    with pytest.raises(TransportDown, match="401"):
        SendGrid(api_key="SG.wrong", host=fake.url).verify()


def test_a_letter_to_one_person_names_no_list(fake: FakeSendGrid) -> None:
    """It is not from a list, so there is nothing to leave; the rest of the request is as ever."""
    letter = compile_message(
        Rendered(
            subject="It waits",
            preheader="",
            html="<p>Look</p>\n",
            text="Look\n",
            nonce="0" * 20,
            language="en",
        ),
        MessageFacts(
            issue_ref="weekly/1",
            sender=Mailbox("Example", "digest@news.example.com"),
            list_name="",
            list_id="",
            feedback_id="",
            language="en",
            is_letter=True,
        ),
    )
    transport = SendGrid(api_key=KEY, host=fake.url, batch_size=500, timeout=5)
    [receipt] = transport.submit(letter, [envelope(1)], on_wire=all_of)
    transport.close()

    assert receipt.outcome is ACCEPTED
    [taken] = fake.asked
    assert "List-" not in json.dumps(taken.body)
    assert taken.body["headers"]["Auto-Submitted"] == "auto-generated"
