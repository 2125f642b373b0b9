"""SMTP phase by phase: what each answer and each lost connection proves about one message."""

from __future__ import annotations

import datetime as dt
import ipaddress
import logging
import ssl
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from digest.errors import TransportDown
from digest.message.splice import message_bytes
from digest.model.delivery import DeliveryId, Envelope, Outcome, Receipt
from digest.transports.smtp import Smtp
from fakes.messages import compiled, envelope
from fakes.smtp import CUT, SILENCE, AcceptingServer, Misbehaviour, ScriptedServer, free_port

PASSWORD = "correct horse battery"
ACCEPTED, REFUSED, DEFERRED, UNCERTAIN = (
    Outcome.ACCEPTED, Outcome.REFUSED, Outcome.DEFERRED, Outcome.UNCERTAIN
)  # fmt: skip


def all_of(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
    return ids


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def plain(stack: ExitStack, port: int, **options: object) -> Smtp:
    values: dict[str, object] = {
        "host": "127.0.0.1", "port": port, "security": "none", "helo_name": "sender.test", "timeout": 5,
    }  # fmt: skip
    smtp = Smtp(**(values | options))  # type: ignore[arg-type]
    stack.callback(smtp.close)
    return smtp


def submit(
    smtp: Smtp, *envelopes: Envelope, on_wire: Callable[..., Collection[DeliveryId]] = all_of
) -> list[Receipt]:
    return list(smtp.submit(compiled(), envelopes, on_wire=on_wire))


def scripted(stack: ExitStack, *script: Misbehaviour, **options: object) -> ScriptedServer:
    return stack.enter_context(ScriptedServer(*script, **options))  # type: ignore[arg-type]


# -- what goes over the wire -------------------------------------------------------------------------


def test_the_server_gets_exactly_the_message(stack: ExitStack) -> None:
    """Byte for byte, with a line that is a single dot, and the envelope beside it."""
    server = scripted(stack)
    [receipt] = submit(plain(stack, server.port), envelope(1, name="Zoë"))
    [taken] = server.taken
    assert taken.content == message_bytes(compiled(), envelope(1, name="Zoë"))
    assert (taken.sender, taken.recipients) == ("bounce+1@news.example.com", ("r1@example.org",))
    assert (receipt.outcome, receipt.provider_ref) == (ACCEPTED, "S0001")


def test_one_connection_carries_many_messages_also_over_calls(stack: ExitStack) -> None:
    """No RSET after good ones: that would be a round trip each."""
    server = scripted(stack)
    smtp = plain(stack, server.port)
    submit(smtp, envelope(1), envelope(2))
    submit(smtp, envelope(3))
    smtp.close()
    assert server.connections == 1
    assert server.commands == ["EHLO", *["MAIL", "RCPT", "DATA"] * 3, "QUIT"]


def test_a_rested_connection_that_died_is_replaced(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    server = scripted(stack, Misbehaviour(replies={"noop": CUT}))
    smtp = plain(stack, server.port)
    submit(smtp, envelope(1))
    monkeypatch.setattr("digest.transports.smtp.IDLE_SECONDS", -1.0)
    assert [receipt.outcome for receipt in submit(smtp, envelope(2))] == [ACCEPTED]
    assert server.connections == 2


def test_calls_in_threads_use_connections_of_their_own(stack: ExitStack) -> None:
    """As many as allowed, never more; every message arrives once."""
    server = scripted(stack)
    smtp = plain(stack, server.port, connections=2)
    threads = [
        threading.Thread(target=submit, args=(smtp, *(envelope(10 * t + n) for n in range(3))))
        for t in range(1, 5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.connections <= 2
    assert len({taken.recipients for taken in server.taken}) == len(server.taken) == 12


def test_the_rate_is_asked_before_each_message(stack: ExitStack) -> None:
    asked: list[int] = []
    server = scripted(stack)
    submit(plain(stack, server.port, rate=asked.append), envelope(1), envelope(2))
    assert asked == [1, 1]


# -- the table of phases -----------------------------------------------------------------------------

PHASES = [
    ("mail", "450 4.2.0 later", DEFERRED),
    ("mail", "421 4.3.2 going down", DEFERRED),
    ("mail", CUT, DEFERRED),
    ("rcpt", "450 4.2.0 greylisted", DEFERRED),
    ("rcpt", "421 4.3.2 going down", DEFERRED),
    ("rcpt", "550 5.1.1 no such user", REFUSED),
    ("rcpt", "550 5.1.1 User unknown in relay recipient table", REFUSED),
    ("rcpt", CUT, DEFERRED),
    ("rcpt", SILENCE, DEFERRED),
    ("rcpt", "hello there", DEFERRED),
    ("data", "451 4.3.0 later", DEFERRED),
    ("data", "554 5.5.1 no", REFUSED),
    ("data", CUT, DEFERRED),
    ("dot", "451 4.3.0 later", DEFERRED),
    ("dot", "421 4.3.2 going down", DEFERRED),
    ("dot", "554 5.7.1 spam", REFUSED),
    ("dot", CUT, UNCERTAIN),
    ("dot", SILENCE, UNCERTAIN),
    ("dot", "hello there", UNCERTAIN),
    ("dot", "354 what?", UNCERTAIN),
]


@pytest.mark.parametrize(
    ("phase", "reply", "outcome"), PHASES, ids=[f"{p}-{r.strip(chr(0))[:8]}" for p, r, _ in PHASES]
)
def test_the_phase_decides(stack: ExitStack, phase: str, reply: str, outcome: Outcome) -> None:
    """The second of three messages meets trouble; the first and the third never notice."""
    server = scripted(stack, Misbehaviour(replies={phase: reply}, at_message=1))
    smtp = plain(stack, server.port, timeout=0.5, dot_timeout=0.5)
    receipts = submit(smtp, *(envelope(n) for n in (1, 2, 3)))
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED, outcome, ACCEPTED]
    taken = [one.recipients[0] for one in server.taken]
    assert ("r2@example.org" in taken) == (reply in {CUT, SILENCE} and phase == "dot")
    if reply[0].isdigit():
        assert reply[:3] in receipts[1].detail


def test_a_lost_answer_is_uncertain_also_when_the_message_was_not_taken(stack: ExitStack) -> None:
    server = scripted(stack, Misbehaviour(replies={"dot": CUT}, takes=False))
    [receipt] = submit(plain(stack, server.port), envelope(1))
    assert receipt.outcome is UNCERTAIN
    assert server.taken == []


def test_a_connection_lost_in_the_body_is_certain(stack: ExitStack) -> None:
    """What is known to be broken gets no dot, so the message can not have been taken."""
    server = scripted(stack, Misbehaviour(replies={"body": CUT}))

    def on_wire(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        assert server.has_cut.wait(5)
        return ids

    [receipt] = submit(plain(stack, server.port), envelope(1), on_wire=on_wire)
    assert receipt.outcome is DEFERRED
    assert server.taken == []


def test_a_failed_quit_changes_nothing(stack: ExitStack) -> None:
    server = scripted(stack, Misbehaviour(replies={"quit": CUT}))
    smtp = plain(stack, server.port)
    assert [receipt.outcome for receipt in submit(smtp, envelope(1))] == [ACCEPTED]
    smtp.close()


def test_a_refused_recipient_is_followed_by_a_reset_and_nothing_else(stack: ExitStack) -> None:
    server = scripted(stack, Misbehaviour(replies={"rcpt": "550 5.1.1 no"}))
    submit(plain(stack, server.port), envelope(1))
    assert server.commands == ["EHLO", "MAIL", "RCPT", "RSET"]
    assert server.connections == 1


@pytest.mark.parametrize(
    ("phase", "reply"),
    [
        ("mail", "550 5.7.1 this sender is not allowed"),
        ("rcpt", "554 5.7.1 <r1@example.org>: Relay access denied"),
        ("rcpt", "530 5.7.0 Authentication required"),
    ],
)
def test_what_is_no_recipients_fault_stops_everything(stack: ExitStack, phase: str, reply: str) -> None:
    """Else one wrong setting would cost the whole audience."""
    server = scripted(stack, Misbehaviour(replies={phase: reply}))
    with pytest.raises(TransportDown) as caught:
        submit(plain(stack, server.port), envelope(1), envelope(2))
    assert reply[4:] in caught.value.message
    assert caught.value.mend
    assert server.taken == []


def test_three_broken_connections_in_a_row_are_enough(stack: ExitStack) -> None:
    """Three are deferred and known; the rest was never tried."""
    server = scripted(stack, *(Misbehaviour(replies={"mail": CUT}) for _ in range(5)))
    receipts: list[Receipt] = []
    answers = plain(stack, server.port).submit(compiled(), [envelope(n) for n in range(9)], on_wire=all_of)
    with pytest.raises(TransportDown, match="3 connections in a row"):
        receipts.extend(answers)
    assert [receipt.outcome for receipt in receipts] == [DEFERRED] * 3
    assert server.connections == 3


def test_a_success_between_them_starts_the_count_again(stack: ExitStack) -> None:
    trouble = Misbehaviour(replies={"mail": CUT})
    later = Misbehaviour(replies={"mail": CUT}, at_message=1)
    server = scripted(stack, trouble, trouble, later, trouble)
    receipts = submit(plain(stack, server.port), *(envelope(n) for n in range(6)))
    assert [receipt.outcome for receipt in receipts] == [
        DEFERRED,
        DEFERRED,
        ACCEPTED,
        DEFERRED,
        DEFERRED,
        ACCEPTED,
    ]


def test_the_dot_waits_for_the_intent(stack: ExitStack) -> None:
    """The whole body is out when `on_wire` is asked, and the server still has no message."""
    server = scripted(stack)
    order: list[str] = []
    server.before_accept = lambda: order.append("taken")

    def on_wire(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        assert server.commands[-1] == "DATA"
        order.append("intent")
        return ids

    submit(plain(stack, server.port), envelope(1), envelope(2), on_wire=on_wire)
    assert order == ["intent", "taken"] * 2


def test_what_was_withheld_costs_the_connection_and_no_receipt(stack: ExitStack) -> None:
    """Without its dot the server must forget the message; dropping is no sign of a broken server."""
    server = scripted(stack)
    smtp = plain(stack, server.port)
    receipts = submit(
        smtp, *(envelope(n) for n in range(6)), on_wire=lambda ids: [] if ids[0] < 5 else list(ids)
    )
    assert [receipt.delivery_id for receipt in receipts] == [5]
    assert [one.recipients for one in server.taken] == [("r5@example.org",)]


def test_a_sender_that_was_frozen_lets_nothing_go(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its claim may be lost by now, and somebody else may be sending."""
    monkeypatch.setattr("digest.transports.smtp.INTENT_SECONDS", -1.0)
    server = scripted(stack)
    [receipt] = submit(plain(stack, server.port), envelope(1))
    assert receipt.outcome is DEFERRED
    assert server.taken == []


# -- addresses ---------------------------------------------------------------------------------------


def test_a_non_ascii_address_needs_smtputf8(stack: ExitStack) -> None:
    with_it = scripted(stack)
    assert submit(plain(stack, with_it.port), envelope(1, "jörg@example.org"))[0].outcome is ACCEPTED
    without = scripted(stack, extensions=("8BITMIME",))
    first, second = submit(plain(stack, without.port), envelope(1, "jörg@example.org"), envelope(2))
    assert (first.outcome, second.outcome) == (REFUSED, ACCEPTED)
    assert "cannot take non-ASCII addresses" in first.detail


def test_smtputf8_is_asked_for_only_where_it_is_needed(stack: ExitStack) -> None:
    server = stack.enter_context(AcceptingServer())
    receipts = submit(plain(stack, server.port), envelope(1, "jörg@example.org"), envelope(2))
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED, ACCEPTED]
    assert [one.recipients for one in server.taken] == [("jörg@example.org",), ("r2@example.org",)]


def test_a_real_server_refuses_one_of_three(stack: ExitStack) -> None:
    server = stack.enter_context(AcceptingServer())
    server.refused_recipients.add("r2@example.org")
    receipts = submit(plain(stack, server.port), *(envelope(n) for n in (1, 2, 3)))
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED, REFUSED, ACCEPTED]
    assert receipts[1].detail == "550 5.1.1 No such mailbox here"


# -- connecting --------------------------------------------------------------------------------------


def test_nobody_listens(stack: ExitStack) -> None:
    with pytest.raises(TransportDown, match="cannot be reached"):
        submit(plain(stack, free_port()), envelope(1))


@pytest.mark.parametrize("greeting", ["554 5.3.2 go away", "421 4.3.2 too busy", CUT, SILENCE])
def test_a_greeting_that_is_none(stack: ExitStack, greeting: str) -> None:
    server = scripted(stack, Misbehaviour(replies={"greeting": greeting}))
    with pytest.raises(TransportDown):
        submit(plain(stack, server.port, timeout=0.5), envelope(1))


def test_starttls_is_never_done_without(stack: ExitStack) -> None:
    """A server, or someone between, that hides STARTTLS gets nothing."""
    server = scripted(stack)
    with pytest.raises(TransportDown, match="does not offer STARTTLS"):
        submit(plain(stack, server.port, security="starttls"), envelope(1))
    assert server.commands == ["EHLO"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for 127.0.0.1: the file to trust, and the server's side."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("certificate")
    public, private = folder / "public.pem", folder / "private.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context


def test_starttls_with_login(stack: ExitStack, certificate: tuple[Path, ssl.SSLContext]) -> None:
    public, context = certificate
    server = stack.enter_context(AcceptingServer(tls=context, login=("digest", PASSWORD)))
    smtp = plain(
        stack, server.port, security="starttls", ca_file=public, username="digest", password=PASSWORD
    )
    assert "encrypted (TLSv1" in smtp.verify()
    assert "login is accepted" in smtp.verify()
    assert [receipt.outcome for receipt in submit(smtp, envelope(1), envelope(2))] == [ACCEPTED] * 2


def test_a_certificate_of_nobody_we_know_is_refused(
    stack: ExitStack, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    server = stack.enter_context(AcceptingServer(tls=certificate[1]))
    with pytest.raises(TransportDown, match="certificate") as caught:
        submit(plain(stack, server.port, security="starttls"), envelope(1))
    assert "ca_file" in caught.value.mend


def test_tls_from_the_first_byte(stack: ExitStack, certificate: tuple[Path, ssl.SSLContext]) -> None:
    public, context = certificate
    server = stack.enter_context(AcceptingServer(tls_from_start=context))
    smtp = plain(stack, server.port, security="tls", ca_file=public)
    assert [receipt.outcome for receipt in submit(smtp, envelope(1))] == [ACCEPTED]


def test_tls_on_a_port_without_it_says_which_setting(stack: ExitStack) -> None:
    server = scripted(stack)
    with pytest.raises(TransportDown, match="does not speak TLS") as caught:
        submit(plain(stack, server.port, security="tls", timeout=1), envelope(1))
    assert "starttls" in caught.value.mend


def test_a_wrong_password_is_never_shown(
    stack: ExitStack, certificate: tuple[Path, ssl.SSLContext], caplog: pytest.LogCaptureFixture
) -> None:
    public, context = certificate
    server = stack.enter_context(AcceptingServer(tls=context, login=("digest", PASSWORD)))
    smtp = plain(
        stack, server.port, security="starttls", ca_file=public, username="digest", password="wr0ng-s3cret"
    )
    with caplog.at_level(logging.DEBUG), pytest.raises(TransportDown, match="refuses the login") as caught:
        submit(smtp, envelope(1))
    assert "password" in caught.value.mend
    shown = "".join([repr(caught.value), str(caught.value), repr(smtp), repr(vars(smtp)), caplog.text])
    assert "wr0ng-s3cret" not in shown
    assert caught.value.__cause__ is None
    assert server.taken == []


def test_a_server_that_quotes_the_password_does_not_get_it_into_the_receipt(stack: ExitStack) -> None:
    server = scripted(
        stack, Misbehaviour(replies={"rcpt": f"550 5.1.1 no, {PASSWORD}"}), extensions=("AUTH PLAIN",)
    )
    smtp = plain(stack, server.port, username="digest", password=PASSWORD)
    [receipt] = submit(smtp, envelope(1))
    assert receipt.detail == "550 5.1.1 no, …"


def test_a_login_that_the_server_does_not_offer(stack: ExitStack) -> None:
    server = scripted(stack)
    with pytest.raises(TransportDown, match="offers no login"):
        submit(plain(stack, server.port, username="digest", password=PASSWORD), envelope(1))


def test_verify_says_that_nothing_is_encrypted(stack: ExitStack) -> None:
    server = scripted(stack)
    assert plain(stack, server.port).verify() == (
        f"127.0.0.1:{server.port} answers, not encrypted, without login."
    )
    assert server.commands == ["EHLO", "NOOP"]
