"""SMTP phase by phase: what each answer and each lost connection proves about one message."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import logging
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from digest.errors import TransportDown
from digest.message.compile import Compiled
from digest.message.splice import message_bytes
from digest.model.delivery import DeliveryId, Envelope, Outcome, Receipt
from digest.transports.smtp.transport import Smtp
from digest.transports.smtp.wire import Line
from fakes.messages import compiled, envelope
from fakes.smtp import CUT, HELD_UP, SILENCE, AcceptingServer, Misbehaviour, ScriptedServer, free_port

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
        "connections": 1,
    }  # fmt: skip
    smtp = Smtp(**(values | options))  # type: ignore[arg-type]
    stack.callback(smtp.close)
    return smtp


def submit(
    smtp: Smtp, *envelopes: Envelope, on_wire: Callable[..., Collection[DeliveryId]] = all_of
) -> list[Receipt]:
    return list(smtp.submit(compiled(), envelopes, on_wire=on_wire))


Script = Callable[..., ScriptedServer]


@pytest.fixture(params=["one by one", "pipelined"])
def scripted(request: pytest.FixtureRequest, stack: ExitStack) -> Script:
    """Makes a scripted server; every test that uses it is run without and with PIPELINING."""
    own = ("PIPELINING",) if request.param == "pipelined" else ()

    def make(*script: Misbehaviour, extensions: tuple[str, ...] = ("SMTPUTF8", "8BITMIME")) -> ScriptedServer:
        return stack.enter_context(ScriptedServer(*script, extensions=(*own, *extensions)))

    return make


def pipelined(stack: ExitStack, *script: Misbehaviour) -> ScriptedServer:
    return stack.enter_context(ScriptedServer(*script, extensions=("PIPELINING", "SIZE 10240000")))


# -- what goes over the wire -------------------------------------------------------------------------


def test_the_server_gets_exactly_the_message(stack: ExitStack, scripted: Script) -> None:
    """Byte for byte, with a line that is a single dot, and the envelope beside it."""
    server = scripted()
    [receipt] = submit(plain(stack, server.port), envelope(1, name="Zoë"))
    [taken] = server.taken
    assert taken.content == message_bytes(compiled(), envelope(1, name="Zoë"))
    assert (taken.sender, taken.recipients) == ("bounce+1@news.example.com", ("r1@example.org",))
    assert (receipt.outcome, receipt.provider_ref) == (ACCEPTED, "S0001")


def test_one_connection_carries_many_messages_also_over_calls(stack: ExitStack, scripted: Script) -> None:
    """No RSET after good ones: that would be a round trip each."""
    server = scripted()
    smtp = plain(stack, server.port)
    submit(smtp, envelope(1), envelope(2))
    submit(smtp, envelope(3))
    smtp.close()
    assert server.connections == 1
    assert server.commands == ["EHLO", *["MAIL", "RCPT", "DATA"] * 3, "QUIT"]


def test_a_rested_connection_that_died_is_replaced(
    stack: ExitStack, scripted: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = scripted(Misbehaviour(replies={"noop": CUT}))
    smtp = plain(stack, server.port)
    submit(smtp, envelope(1))
    monkeypatch.setattr("digest.transports.smtp.transport.IDLE_SECONDS", -1.0)
    assert [receipt.outcome for receipt in submit(smtp, envelope(2))] == [ACCEPTED]
    assert server.connections == 2


# -- several connections -----------------------------------------------------------------------------


def slow(server: ScriptedServer, seconds: float = 0.05) -> None:
    """A server that needs its time for each message: another connection is worth it then."""
    server.before_accept = lambda: time.sleep(seconds)


def test_there_are_as_many_connections_as_allowed_and_never_more(stack: ExitStack, scripted: Script) -> None:
    """Every message arrives once, and they are really under way at the same time."""
    server = scripted()
    slow(server)
    receipts = submit(plain(stack, server.port, connections=3), *(envelope(n) for n in range(20)))
    assert server.connections == 3
    assert sorted(receipt.delivery_id for receipt in receipts) == list(range(20))
    assert len({taken.recipients for taken in server.taken}) == len(server.taken) == 20
    assert max(taken.at for taken in server.taken) - min(taken.at for taken in server.taken) < 20 * 0.05


def test_there_are_no_more_connections_than_messages(stack: ExitStack, scripted: Script) -> None:
    server = scripted()
    slow(server, 0.2)
    submit(plain(stack, server.port, connections=10), envelope(1), envelope(2))
    assert server.connections <= 2


def test_messages_that_are_ready_together_are_declared_together(stack: ExitStack, scripted: Script) -> None:
    """One of each connection, and none before its forerunner has a receipt."""
    server = scripted()
    all_begun = threading.Barrier(4)
    first = iter(range(4))

    def answer_the_first_together() -> None:
        if next(first, None) is not None:
            all_begun.wait(timeout=10)

    server.before_accept = answer_the_first_together
    told: list[int] = []
    declared: set[DeliveryId] = set()

    def on_wire(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        # A commit that takes its time: meanwhile the others have their answers.
        until = time.monotonic() + 10
        while 4 <= sum(told) > len(server.taken) and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.02)  # from being taken to the answer
        told.append(len(ids))
        declared.update(ids)
        assert len(declared) <= 4, "more than one of a connection is declared and has no receipt"
        return ids

    smtp = plain(stack, server.port, connections=4)
    for receipt in smtp.submit(compiled(), [envelope(n) for n in range(40)], on_wire=on_wire):
        declared.discard(receipt.delivery_id)
    assert sum(told) == 40
    assert max(told) > 1


def test_one_connection_in_trouble_does_not_hold_up_the_others(stack: ExitStack, scripted: Script) -> None:
    """One falls silent after the dot; all others are through long before it is given up."""
    server = scripted(Misbehaviour(replies={"dot": SILENCE}))
    slow(server, 0.01)
    smtp = plain(stack, server.port, connections=2, dot_timeout=1)
    begin = time.monotonic()
    at: dict[int, float] = {}
    outcomes = {}
    for receipt in smtp.submit(compiled(), [envelope(n) for n in range(10)], on_wire=all_of):
        at[receipt.delivery_id] = time.monotonic() - begin
        outcomes[receipt.delivery_id] = receipt.outcome
    [silent] = [number for number, outcome in outcomes.items() if outcome is not ACCEPTED]
    assert outcomes[DeliveryId(silent)] is UNCERTAIN
    assert at[silent] >= 1
    assert len([moment for moment in at.values() if moment < 0.9]) >= 8


def test_a_server_that_wants_fewer_connections_gets_fewer(stack: ExitStack, scripted: Script) -> None:
    """The first is needed, the others are welcome."""
    full = Misbehaviour(replies={"greeting": "421 4.7.0 too many connections"})
    server = scripted(Misbehaviour(), full, full, full, full)
    slow(server)
    receipts = submit(plain(stack, server.port, connections=5), *(envelope(n) for n in range(12)))
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED] * 12
    assert 2 <= server.connections <= 5


def test_when_no_connection_is_left_it_is_told(stack: ExitStack, scripted: Script) -> None:
    cut = Misbehaviour(replies={"mail": CUT}, at_message=1)
    server = scripted(cut, Misbehaviour(replies={"greeting": "421 4.3.2 going down"}))
    receipts: list[Receipt] = []
    with pytest.raises(TransportDown, match="going down"):
        receipts.extend(
            plain(stack, server.port).submit(compiled(), [envelope(n) for n in range(5)], on_wire=all_of)
        )
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED, DEFERRED]


def test_what_is_on_its_way_gets_its_receipt_before_an_error_is_raised(
    stack: ExitStack, scripted: Script
) -> None:
    """One connection meets a refusal of the sender, while on the other a dot waits for its answer."""
    server = scripted(Misbehaviour(), Misbehaviour(replies={"mail": "550 5.7.1 not this sender"}))
    slow(server, 0.3)
    receipts: list[Receipt] = []
    with pytest.raises(TransportDown, match="not this sender"):
        receipts.extend(
            plain(stack, server.port, connections=2).submit(
                compiled(), [envelope(n) for n in range(9)], on_wire=all_of
            )
        )
    assert {receipt.outcome for receipt in receipts} == {ACCEPTED}
    assert len(receipts) == len(server.taken) >= 1


def test_an_error_of_the_intent_leaves_no_doubt_behind(stack: ExitStack, scripted: Script) -> None:
    """What was declared before has its receipt; what was to be declared then did not go."""
    server = scripted()
    slow(server, 0.1)
    told: list[DeliveryId] = []

    def on_wire(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        if len(told) >= 3:
            raise LookupError("the ledger is gone")
        told.extend(ids)
        return ids

    receipts: list[Receipt] = []
    smtp = plain(stack, server.port, connections=3)
    with pytest.raises(LookupError):
        receipts.extend(smtp.submit(compiled(), [envelope(n) for n in range(9)], on_wire=on_wire))
    assert sorted(receipt.delivery_id for receipt in receipts) == sorted(told)
    assert len(server.taken) == len(told)


def test_a_connection_that_is_still_being_made_is_not_waited_for(stack: ExitStack, scripted: Script) -> None:
    """All the work is done: the second connection, which never gets a greeting, would be for nothing."""
    server = scripted(Misbehaviour(), Misbehaviour(replies={"greeting": SILENCE}))
    slow(server, 0.1)
    begin = time.monotonic()
    receipts = submit(plain(stack, server.port, connections=2, timeout=20), *(envelope(n) for n in range(4)))
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED] * 4
    assert time.monotonic() - begin < 5


def test_the_end_of_all_work_is_no_trouble(stack: ExitStack, scripted: Script) -> None:
    """A further connection that is refused when everything is done already harms nobody."""
    late = Misbehaviour(replies={"greeting": "421 4.7.0 too many"})
    server = scripted(Misbehaviour(), late, late)
    slow(server, 0.1)
    receipts: list[Receipt] = []
    for receipt in plain(stack, server.port, connections=3).submit(
        compiled(), [envelope(n) for n in range(2)], on_wire=all_of
    ):
        receipts.append(receipt)
        time.sleep(0.2)
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED] * 2


def test_connections_do_not_pile_up_over_calls(stack: ExitStack, scripted: Script) -> None:
    server = scripted()
    slow(server)
    smtp = plain(stack, server.port, connections=3)
    for first in range(0, 80, 20):
        submit(smtp, *(envelope(first + n) for n in range(20)))
    assert server.connections == 3


def test_with_a_rate_no_transaction_stands_open_while_it_waits(stack: ExitStack, scripted: Script) -> None:
    """Neither ahead of its turn, nor on more connections than have a turn within seconds."""
    server = scripted()
    turns: list[int] = []

    def pool() -> Iterator[Envelope]:
        for number in range(3):
            turns.append(server.commands.count("DATA") - len(server.taken))
            yield envelope(number)

    smtp = plain(stack, server.port, connections=10, per_second=0.1)
    assert smtp.window == 1
    assert len(list(smtp.submit(compiled(), pool(), on_wire=all_of))) == 3
    assert turns == [0, 0, 0]
    assert plain(stack, server.port, connections=10, per_second=1.0).window == 5


def test_goodbyes_are_said_together(stack: ExitStack, scripted: Script) -> None:
    """Nobody waits for servers that do not answer, one after the other."""
    silent = Misbehaviour(replies={"quit": SILENCE})
    server = scripted(silent, silent, silent)
    slow(server)
    smtp = plain(stack, server.port, connections=3, timeout=0.5)
    submit(smtp, *(envelope(n) for n in range(12)))
    begin = time.monotonic()
    smtp.close()
    assert time.monotonic() - begin < 1.2


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
def test_the_phase_decides(
    stack: ExitStack, scripted: Script, phase: str, reply: str, outcome: Outcome
) -> None:
    """The second of three messages meets trouble; the first and the third never notice."""
    server = scripted(Misbehaviour(replies={phase: reply}, at_message=1))
    smtp = plain(stack, server.port, timeout=0.5, dot_timeout=0.5)
    receipts = submit(smtp, *(envelope(n) for n in (1, 2, 3)))
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED, outcome, ACCEPTED]
    taken = [one.recipients[0] for one in server.taken]
    assert ("r2@example.org" in taken) == (reply in {CUT, SILENCE} and phase == "dot")
    if reply[0].isdigit():
        assert reply[:3] in receipts[1].detail


def test_a_lost_answer_is_uncertain_also_when_the_message_was_not_taken(
    stack: ExitStack, scripted: Script
) -> None:
    server = scripted(Misbehaviour(replies={"dot": CUT}, takes=False))
    [receipt] = submit(plain(stack, server.port), envelope(1))
    assert receipt.outcome is UNCERTAIN
    assert server.taken == []


def huge() -> Compiled:
    """More than the kernel takes at once, so that the dot stays behind."""
    return replace(compiled(), segments=(*compiled().segments, (b"x" * 70 + b"\r\n") * 300_000))


def test_a_connection_lost_in_the_body_is_certain(stack: ExitStack, scripted: Script) -> None:
    """What breaks before the dot was handed over gets none, so the message can not have been taken."""
    server = scripted(Misbehaviour(replies={"body": CUT}))
    [receipt] = plain(stack, server.port).submit(huge(), [envelope(1)], on_wire=all_of)
    assert receipt.outcome is DEFERRED
    assert "before the message was complete" in receipt.detail
    assert server.taken == []


def test_a_connection_lost_after_all_of_a_message_has_left_is_uncertain(
    stack: ExitStack, scripted: Script
) -> None:
    """The server went in the body; but the dot was on its way by then, and might have been read."""
    server = scripted(Misbehaviour(replies={"body": CUT}))
    [receipt] = submit(plain(stack, server.port), envelope(1))
    assert receipt.outcome is UNCERTAIN


@pytest.mark.parametrize("said", ["421 4.4.2 timeout exceeded", CUT])
def test_a_server_that_left_while_the_intent_was_written_gets_no_dot(
    stack: ExitStack, scripted: Script, said: str
) -> None:
    """A commit may take its time; what came in meanwhile spares the doubt."""
    replies = {"body": said} if said != CUT else {"idle": CUT}
    server = scripted(Misbehaviour(replies=replies))

    def on_wire(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        assert server.has_cut.wait(5)
        return ids

    [receipt] = submit(plain(stack, server.port), envelope(1), on_wire=on_wire)
    assert receipt.outcome is DEFERRED
    assert server.taken == []


def test_a_failed_quit_changes_nothing(stack: ExitStack, scripted: Script) -> None:
    server = scripted(Misbehaviour(replies={"quit": CUT}))
    smtp = plain(stack, server.port)
    assert [receipt.outcome for receipt in submit(smtp, envelope(1))] == [ACCEPTED]
    smtp.close()


def test_a_refused_recipient_is_followed_by_a_reset_and_nothing_else(stack: ExitStack) -> None:
    server = stack.enter_context(ScriptedServer(Misbehaviour(replies={"rcpt": "550 5.1.1 no"})))
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
def test_what_is_no_recipients_fault_stops_everything(
    stack: ExitStack, scripted: Script, phase: str, reply: str
) -> None:
    """Else one wrong setting would cost the whole audience."""
    server = scripted(Misbehaviour(replies={phase: reply}))
    with pytest.raises(TransportDown) as caught:
        submit(plain(stack, server.port), envelope(1), envelope(2))
    assert reply[4:] in caught.value.message
    assert caught.value.mend
    assert server.taken == []


def test_three_broken_connections_in_a_row_are_enough(stack: ExitStack, scripted: Script) -> None:
    """Three are deferred and known; the rest was never tried."""
    server = scripted(*(Misbehaviour(replies={"mail": CUT}) for _ in range(5)))
    receipts: list[Receipt] = []
    answers = plain(stack, server.port).submit(compiled(), [envelope(n) for n in range(9)], on_wire=all_of)
    with pytest.raises(TransportDown, match="3 connections in a row"):
        receipts.extend(answers)
    assert [receipt.outcome for receipt in receipts] == [DEFERRED] * 3
    assert server.connections == 3


def test_a_success_between_them_starts_the_count_again(stack: ExitStack, scripted: Script) -> None:
    trouble = Misbehaviour(replies={"mail": CUT})
    later = Misbehaviour(replies={"mail": CUT}, at_message=1)
    server = scripted(trouble, trouble, later, trouble)
    receipts = submit(plain(stack, server.port), *(envelope(n) for n in range(6)))
    assert [receipt.outcome for receipt in receipts] == [
        DEFERRED,
        DEFERRED,
        ACCEPTED,
        DEFERRED,
        DEFERRED,
        ACCEPTED,
    ]


def test_the_dot_waits_for_the_intent(stack: ExitStack, scripted: Script) -> None:
    """The whole body is out when `on_wire` is asked, and the server still has no message."""
    server = scripted()
    order: list[str] = []
    server.before_accept = lambda: order.append("taken")

    def on_wire(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        assert server.commands[-1] == "DATA"
        order.append("intent")
        return ids

    submit(plain(stack, server.port), envelope(1), envelope(2), on_wire=on_wire)
    assert order == ["intent", "taken"] * 2


def test_what_was_withheld_costs_the_connection_and_no_receipt(stack: ExitStack, scripted: Script) -> None:
    """Without its dot the server must forget the message; dropping is no sign of a broken server."""
    server = scripted()
    smtp = plain(stack, server.port)
    receipts = submit(
        smtp, *(envelope(n) for n in range(6)), on_wire=lambda ids: [] if ids[0] < 5 else list(ids)
    )
    assert [receipt.delivery_id for receipt in receipts] == [5]
    assert [one.recipients for one in server.taken] == [("r5@example.org",)]


def test_a_sender_that_was_frozen_lets_nothing_go(
    stack: ExitStack, scripted: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its claim may be lost by now, and somebody else may be sending."""
    monkeypatch.setattr("digest.transports.smtp.session.INTENT_SECONDS", -1.0)
    server = scripted()
    [receipt] = submit(plain(stack, server.port), envelope(1))
    assert receipt.outcome is DEFERRED
    assert server.taken == []


# -- pipelining (RFC 2920) ---------------------------------------------------------------------------


def test_the_next_message_is_opened_together_with_the_dot(stack: ExitStack) -> None:
    """The server answers the first dot only when it has the second DATA: one flight per message."""
    server = pipelined(stack, Misbehaviour(waits_for_more=True))
    receipts = submit(plain(stack, server.port, timeout=2, dot_timeout=2), envelope(1), envelope(2))
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED, ACCEPTED]


def test_nothing_is_sent_ahead_where_pipelining_is_not_offered(stack: ExitStack) -> None:
    server = stack.enter_context(ScriptedServer(Misbehaviour(waits_for_more=True)))
    first, second = submit(plain(stack, server.port, timeout=1, dot_timeout=0.3), envelope(1), envelope(2))
    assert (first.outcome, second.outcome) == (UNCERTAIN, ACCEPTED)


def test_a_receipt_is_known_before_the_next_message_is_declared(stack: ExitStack, scripted: Script) -> None:
    """So at most one message of a connection is declared and not settled."""
    server = scripted()
    order: list[str] = []

    def on_wire(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        order.append(f"declare {ids[0]}")
        return ids

    for receipt in plain(stack, server.port).submit(
        compiled(), [envelope(n) for n in (1, 2, 3)], on_wire=on_wire
    ):
        order.append(f"settle {receipt.delivery_id}")
    assert order == ["declare 1", "settle 1", "declare 2", "settle 2", "declare 3", "settle 3"]


def test_an_envelope_is_pulled_only_when_it_is_its_turn(stack: ExitStack, scripted: Script) -> None:
    """At most one ahead where the next message is opened with the dot, none where it is not."""
    server = scripted()
    pulled: list[int] = []
    ahead: list[int] = []

    def pool() -> Iterator[Envelope]:
        for number in range(1, 6):
            pulled.append(number)
            yield envelope(number)

    def on_wire(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        ahead.append(len(pulled) - ids[0])
        return ids

    receipts = list(plain(stack, server.port).submit(compiled(), pool(), on_wire=on_wire))
    assert len(receipts) == 5
    is_pipelined = "PIPELINING" in server.extensions
    assert ahead == ([1, 1, 1, 1, 0] if is_pipelined else [0] * 5)


def test_nothing_is_pulled_after_the_server_turned_us_away(stack: ExitStack, scripted: Script) -> None:
    server = scripted(Misbehaviour(replies={"mail": "550 5.7.1 not from you"}, at_message=1))
    pulled: list[int] = []

    def pool() -> Iterator[Envelope]:
        for number in range(1, 9):
            pulled.append(number)
            yield envelope(number)

    receipts: list[Receipt] = []
    with pytest.raises(TransportDown):
        receipts.extend(plain(stack, server.port).submit(compiled(), pool(), on_wire=all_of))
    assert pulled == [1, 2]
    assert len(server.taken) == 1


def test_a_pool_that_breaks_leaves_nothing_unaccounted(stack: ExitStack, scripted: Script) -> None:
    """What was opened and has no receipt was not taken."""
    server = scripted()
    receipts: list[Receipt] = []

    def pool() -> Iterator[Envelope]:
        yield from (envelope(1), envelope(2))
        raise LookupError("the ledger is gone")

    with pytest.raises(LookupError):
        receipts.extend(plain(stack, server.port).submit(compiled(), pool(), on_wire=all_of))
    assert [one.recipients for one in server.taken] == [
        (f"r{receipt.delivery_id}@example.org",) for receipt in receipts
    ]


def test_a_refused_recipient_whose_data_is_wanted_all_the_same_gets_a_dot(stack: ExitStack) -> None:
    """RFC 2920, 3.1: an empty message for nobody, which needs no intent; the connection goes on."""
    server = pipelined(stack, Misbehaviour(replies={"rcpt": "550 5.1.1 no"}, at_message=1))
    declared: list[int] = []

    def on_wire(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        declared.extend(ids)
        return ids

    receipts = submit(plain(stack, server.port), *(envelope(n) for n in (1, 2, 3)), on_wire=on_wire)
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED, REFUSED, ACCEPTED]
    assert declared == [1, 3]
    assert (server.connections, server.without_recipient) == (1, 1)
    assert [one.recipients for one in server.taken] == [("r1@example.org",), ("r3@example.org",)]


def test_a_refused_recipient_whose_data_is_not_wanted_is_reset(stack: ExitStack) -> None:
    replies = {"rcpt": "550 5.1.1 no", "data": "554 5.5.1 no valid recipients"}
    server = pipelined(stack, Misbehaviour(replies=replies, at_message=1))
    receipts = submit(plain(stack, server.port), *(envelope(n) for n in (1, 2, 3)))
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED, REFUSED, ACCEPTED]
    assert receipts[1].detail == "550 5.1.1 no"
    assert server.commands == ["EHLO", *["MAIL", "RCPT", "DATA"] * 2, "RSET", "MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize("mail", ["450 4.2.0 later", "354 what?"])
def test_an_empty_message_never_reaches_anybody(stack: ExitStack, mail: str) -> None:
    """A server that refuses the sender, and wants a body for the recipient all the same, gets no dot."""
    server = pipelined(stack, Misbehaviour(replies={"mail": mail}))
    [receipt] = submit(plain(stack, server.port), envelope(1))
    assert receipt.outcome is DEFERRED
    assert server.taken == []
    assert server.connections == 1


def test_one_that_was_opened_for_nothing_goes_over_the_next_connection(stack: ExitStack) -> None:
    """Its neighbour's dot was answered by 421: no fault of its own, and it is declared once."""
    server = pipelined(stack, Misbehaviour(replies={"dot": "421 4.3.2 going down"}))
    declared: list[int] = []

    def on_wire(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        declared.extend(ids)
        return ids

    receipts = submit(plain(stack, server.port), envelope(1), envelope(2), on_wire=on_wire)
    assert [(receipt.delivery_id, receipt.outcome) for receipt in receipts] == [(1, DEFERRED), (2, ACCEPTED)]
    assert declared == [1, 2]
    assert server.connections == 2


def test_a_bad_address_between_two_good_ones_is_never_opened(stack: ExitStack) -> None:
    server = pipelined(stack)
    receipts = submit(plain(stack, server.port), envelope(1), envelope(2, "a b@example.org"), envelope(3))
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED, REFUSED, ACCEPTED]
    assert server.commands == ["EHLO", *["MAIL", "RCPT", "DATA"] * 2]


def test_a_return_path_that_cannot_be_written_stops_everything(stack: ExitStack) -> None:
    """It is made of the settings: to refuse every recipient for it would cost the audience."""
    server = pipelined(stack)
    with pytest.raises(TransportDown) as caught:
        submit(plain(stack, server.port), envelope(1)._replace(return_path="a b@example.org"))
    assert caught.value.mend
    assert server.commands == ["EHLO"]


def test_a_caller_that_stops_leaves_no_open_transaction_behind(stack: ExitStack, scripted: Script) -> None:
    """The second message is opened when the first receipt comes: what follows must not become its body."""
    server = scripted()
    smtp = plain(stack, server.port)
    receipts = smtp.submit(compiled(), [envelope(1), envelope(2)], on_wire=all_of)
    next(receipts)
    receipts.close()  # type: ignore[attr-defined]
    assert [receipt.outcome for receipt in submit(smtp, envelope(9))] == [ACCEPTED]
    assert [one.recipients for one in server.taken] == [("r1@example.org",), ("r9@example.org",)]
    assert server.taken[1].content == message_bytes(compiled(), envelope(9))


def connected(stack: ExitStack) -> tuple[socket.socket, socket.socket]:
    """Two ends of a TCP connection with little room between them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = stack.enter_context(socket.create_connection(listener.getsockname()))
        there = stack.enter_context(listener.accept()[0])
    here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return here, there


def test_a_message_that_is_held_up_for_too_long_gets_no_dot(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim behind the intent may be lost by the time that the other side reads on."""
    monkeypatch.setattr("digest.transports.smtp.session.INTENT_SECONDS", 0.3)
    server = stack.enter_context(ScriptedServer(Misbehaviour(replies={"body": HELD_UP})))
    [receipt] = plain(stack, server.port).submit(huge(), [envelope(1)], on_wire=all_of)
    assert (receipt.outcome, server.taken) == (DEFERRED, [])
    assert receipt.detail == "before the message was complete: delayed for too long"


def test_a_server_that_reads_no_more_is_given_up(stack: ExitStack) -> None:
    """Nothing leaves for as long as the timeout, while the dot is still here."""
    server = stack.enter_context(ScriptedServer(Misbehaviour(replies={"body": HELD_UP})))
    [receipt] = plain(stack, server.port, timeout=0.3).submit(huge(), [envelope(1)], on_wire=all_of)
    assert (receipt.outcome, server.taken) == (DEFERRED, [])
    assert receipt.detail == "before the message was complete: no answer in time"


def test_a_message_that_goes_in_pieces_arrives_whole(stack: ExitStack) -> None:
    """Each call hands over a part; the dot goes once, and last, and until then that is known."""
    here, there = connected(stack)
    content, ending = bytes(range(256)) * 40_000, b".\r\nMAIL FROM:<>\r\n"
    line = Line(here)
    there.setblocking(False)
    received = bytearray()
    is_out = line.send_message(content, ending)
    while not is_out:
        assert line.is_before_dot
        with contextlib.suppress(BlockingIOError):
            received += there.recv(100_000)
        is_out = line.push()
    there.settimeout(5)
    while len(received) < len(content) + len(ending):
        received += there.recv(100_000)
    assert received == content + ending
    assert not line.is_before_dot


def test_a_real_server_takes_pipelined_messages(stack: ExitStack) -> None:
    server = stack.enter_context(AcceptingServer(pipelining=True))
    server.refused_recipients.add("r2@example.org")
    receipts = submit(plain(stack, server.port), *(envelope(n) for n in (1, 2, 3, 4)))
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED, REFUSED, ACCEPTED, ACCEPTED]
    assert [taken.content for taken in server.taken] == [
        message_bytes(compiled(), envelope(n)) for n in (1, 3, 4)
    ]


def test_an_answer_may_take_longer_than_other_replies(stack: ExitStack, scripted: Script) -> None:
    """The dot has its own patience (RFC 5321, 4.5.3.2.6); commands keep theirs."""
    server = scripted()
    server.before_accept = lambda: time.sleep(0.5)
    receipts = submit(plain(stack, server.port, timeout=0.2, dot_timeout=5), envelope(1), envelope(2))
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED, ACCEPTED]


# -- postfix's own sink ------------------------------------------------------------------------------

SINK = [
    ([], [ACCEPTED] * 3, ""),
    (["-w", "1"], [ACCEPTED] * 1, ""),
    (["-f", "rcpt"], [REFUSED] * 3, ""),
    (["-r", "rcpt"], [DEFERRED] * 3, ""),
    (["-f", "data"], [REFUSED] * 3, ""),
    (["-r", "data"], [DEFERRED] * 3, ""),
    (["-f", "."], [REFUSED] * 3, ""),
    (["-r", "."], [DEFERRED] * 3, ""),
    (["-f", "mail"], [], "does not accept mail from"),
    (["-q", "mail"], [DEFERRED] * 3, "in a row"),
    (["-q", "rcpt"], [DEFERRED] * 3, "in a row"),
    (["-q", "data"], [DEFERRED] * 3, "in a row"),
    (["-q", "."], [UNCERTAIN] * 3, "in a row"),
    (["-q", "connect"], [], "closed the connection|cannot be reached"),
    (["-f", "connect"], [], "refuses the connection"),
]


@pytest.mark.needs("smtp-sink")
@pytest.mark.parametrize("options", [[], ["-p"]], ids=["pipelined", "one by one"])
@pytest.mark.parametrize(
    ("switches", "outcomes", "down"), SINK, ids=[" ".join(words) or "all well" for words, _, _ in SINK]
)
def test_a_sink_that_fails_on_purpose(
    stack: ExitStack, options: list[str], switches: list[str], outcomes: list[Outcome], down: str
) -> None:
    """The table of phases, against a server that is not of our making; one message more than it answers."""
    smtp = plain(stack, sink(stack, *options, *switches))
    receipts: list[Receipt] = []
    count = max(1, len(outcomes)) + bool(down)
    answers = smtp.submit(compiled(), [envelope(n) for n in range(count)], on_wire=all_of)
    if down:
        with pytest.raises(TransportDown, match=down):
            receipts.extend(answers)
    else:
        receipts.extend(answers)
    assert [receipt.outcome for receipt in receipts] == outcomes


def sink(stack: ExitStack, *options: str) -> int:
    """Start postfix's smtp-sink; the port on which it listens."""
    port = free_port()
    program = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([program, *user, *options, f"127.0.0.1:{port}", "100"])
    stack.callback(process.wait)
    stack.callback(process.kill)
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return port
        time.sleep(0.02)
    raise AssertionError("smtp-sink does not listen")


# -- addresses ---------------------------------------------------------------------------------------


def test_a_non_ascii_address_needs_smtputf8(stack: ExitStack, scripted: Script) -> None:
    with_it = scripted()
    assert submit(plain(stack, with_it.port), envelope(1, "jörg@example.org"))[0].outcome is ACCEPTED
    without = scripted(extensions=("8BITMIME",))
    first, second = submit(plain(stack, without.port), envelope(1, "jörg@example.org"), envelope(2))
    assert (first.outcome, second.outcome) == (REFUSED, ACCEPTED)
    assert "does not accept non-ASCII addresses" in first.detail


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
def test_a_greeting_that_is_none(stack: ExitStack, scripted: Script, greeting: str) -> None:
    server = scripted(Misbehaviour(replies={"greeting": greeting}))
    with pytest.raises(TransportDown):
        submit(plain(stack, server.port, timeout=0.5), envelope(1))


def test_starttls_is_never_done_without(stack: ExitStack, scripted: Script) -> None:
    """A server, or someone between, that hides STARTTLS gets nothing."""
    server = scripted()
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
    assert "login accepted" in smtp.verify()
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


@pytest.mark.parametrize("extensions", [("PIPELINING",), ()], ids=["pipelined", "one by one"])
@pytest.mark.parametrize(
    ("phase", "reply", "outcome"),
    [
        ("mail", CUT, DEFERRED),
        ("rcpt", "550 5.1.1 no such user", REFUSED),
        ("data", CUT, DEFERRED),
        ("dot", CUT, UNCERTAIN),
        ("dot", SILENCE, UNCERTAIN),
    ],
)
def test_the_phase_decides_over_tls_too(
    stack: ExitStack,
    certificate: tuple[Path, ssl.SSLContext],
    extensions: tuple[str, ...],
    phase: str,
    reply: str,
    outcome: Outcome,
) -> None:
    """Cut and silent in the middle of an encrypted conversation."""
    public, context = certificate
    trouble = Misbehaviour(replies={phase: reply}, at_message=1)
    server = stack.enter_context(ScriptedServer(trouble, extensions=extensions, tls=context))
    smtp = plain(stack, server.port, security="tls", ca_file=public, timeout=0.5, dot_timeout=0.5)
    receipts = submit(smtp, *(envelope(n) for n in (1, 2, 3)))
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED, outcome, ACCEPTED]


def test_a_message_of_many_tls_records_arrives_whole(
    stack: ExitStack, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    public, context = certificate
    server = stack.enter_context(ScriptedServer(extensions=("PIPELINING",), tls=context))
    message = compiled(padding="<p>A story, and what is to be said about it.</p>\n" * 4000)
    smtp = plain(stack, server.port, security="tls", ca_file=public)
    receipts = list(smtp.submit(message, [envelope(1), envelope(2)], on_wire=all_of))
    assert [receipt.outcome for receipt in receipts] == [ACCEPTED, ACCEPTED]
    assert [one.content for one in server.taken] == [message_bytes(message, envelope(n)) for n in (1, 2)]


def test_a_server_that_left_over_tls_gets_no_dot(
    stack: ExitStack, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    public, context = certificate
    trouble = Misbehaviour(replies={"body": "421 4.4.2 timeout exceeded"})
    server = stack.enter_context(ScriptedServer(trouble, extensions=("PIPELINING",), tls=context))

    def on_wire(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        assert server.has_cut.wait(5)
        return ids

    smtp = plain(stack, server.port, security="tls", ca_file=public)
    [receipt] = submit(smtp, envelope(1), on_wire=on_wire)
    assert receipt.outcome is DEFERRED
    assert server.taken == []


def test_tls_on_a_port_without_it_says_which_setting(stack: ExitStack, scripted: Script) -> None:
    server = scripted()
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


def test_a_server_that_quotes_the_password_does_not_get_it_into_the_receipt(
    stack: ExitStack, scripted: Script
) -> None:
    server = scripted(Misbehaviour(replies={"rcpt": f"550 5.1.1 no, {PASSWORD}"}), extensions=("AUTH PLAIN",))
    smtp = plain(stack, server.port, username="digest", password=PASSWORD)
    [receipt] = submit(smtp, envelope(1))
    assert receipt.detail == "550 5.1.1 no, …"


def test_a_login_that_the_server_does_not_offer(stack: ExitStack, scripted: Script) -> None:
    server = scripted()
    with pytest.raises(TransportDown, match="offers no supported login"):
        submit(plain(stack, server.port, username="digest", password=PASSWORD), envelope(1))


def test_verify_says_that_nothing_is_encrypted(stack: ExitStack, scripted: Script) -> None:
    server = scripted()
    assert plain(stack, server.port).verify() == (
        f"127.0.0.1:{server.port} answers, not encrypted, without login."
    )
    assert server.commands == ["EHLO", "NOOP"]
