"""What every transport promises, tried on each of them against a server that keeps the truth.

The outbox's truth is its folder, SMTP's the accept log of aiosmtpd, SendGrid's
that of the strict fake.  Another transport joins by one more `Bench`, as that
of a third party does here.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from digest.errors import TransportDown
from digest.message.parse import parse
from digest.model.delivery import DeliveryId, Envelope, Outcome, Receipt
from digest.model.newsletter import Mailbox
from digest.setting_types import TransportTable
from digest.transports import OpenOptions, Transport, provider_of
from digest.transports.outbox.transport import Outbox
from digest.transports.sendgrid.transport import SendGrid
from digest.transports.smtp.transport import Smtp
from fakes.carrier import THIRD_PARTY, FakeCarrier
from fakes.messages import NONCE, compiled, envelope
from fakes.sendgrid import FakeSendGrid
from fakes.smtp import AcceptingServer, free_port

TRICK = "=?utf-8?q?=0D=0ABcc:_e@x?="


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A message as its one recipient sees it."""

    address: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]


@dataclass(kw_only=True)
class Bench:
    """A transport beside the truth about what was taken."""

    transport: Transport
    seen: Callable[[], list[Seen]]
    down: Callable[[], Transport]  # the same kind of transport, with nothing behind it


def outbox_bench(stack: ExitStack, folder: Path) -> Bench:
    def seen() -> list[Seen]:
        return [from_wire(path.read_bytes()) for path in sorted((folder / "outbox").glob("*.eml"))]

    def down() -> Transport:
        (folder / "file").write_text("a file, where a folder should be")
        return Outbox(folder / "file")

    return Bench(transport=Outbox(folder / "outbox"), seen=seen, down=down)


def smtp_bench(stack: ExitStack, folder: Path) -> Bench:
    server = stack.enter_context(AcceptingServer())

    def smtp(port: int) -> Smtp:
        return Smtp(host="127.0.0.1", port=port, security="none", helo_name="sender.test", timeout=5)

    return Bench(
        transport=smtp(server.port),
        seen=lambda: [from_wire(taken.content) for taken in server.taken],
        down=lambda: smtp(free_port()),
    )


def pipelined_bench(stack: ExitStack, folder: Path) -> Bench:
    """The same server, which takes the next message before it has answered for the last."""
    bench, server = smtp_bench(stack, folder), stack.enter_context(AcceptingServer(pipelining=True))
    bench.transport = Smtp(host="127.0.0.1", port=server.port, security="none", helo_name="s.test", timeout=5)
    bench.seen = lambda: [from_wire(taken.content) for taken in server.taken]
    return bench


def sendgrid_bench(stack: ExitStack, folder: Path) -> Bench:
    fake: FakeSendGrid = stack.enter_context(FakeSendGrid())

    def seen() -> list[Seen]:
        return [
            Seen(
                address=one.address,
                subject=one.subject,
                text=one.text,
                html=one.html,
                headers=dict(one.headers),
            )
            for one in fake.accepted
        ]

    def down() -> Transport:
        return SendGrid(api_key=fake.api_key, host=f"http://127.0.0.1:{free_port()}", timeout=5)

    transport = SendGrid(api_key=fake.api_key, host=fake.url, batch_size=3, timeout=5)
    return Bench(transport=transport, seen=seen, down=down)


def third_party_bench(stack: ExitStack, folder: Path) -> Bench:
    """Opened as digest opens it: by the entry point of its package."""
    fake: FakeCarrier = stack.enter_context(FakeCarrier())
    provider = provider_of("carrier")

    def carrier(host: str) -> Transport:
        table = provider.table(host=host, token=fake.token)
        options = OpenOptions(
            signer=None, senders=1, per_second=None, sender=Mailbox("Example", "digest@news.example.com")
        )
        return provider.open(table, options)

    return Bench(
        transport=carrier(fake.url),
        seen=lambda: [from_wire(one.content) for one in fake.carried],
        down=lambda: carrier(f"http://127.0.0.1:{free_port()}"),
    )


def from_wire(raw: bytes) -> Seen:
    message = parse(raw)
    return Seen(
        address=(message.header("To") or "").rpartition("<")[2].rstrip(">"),
        subject=message.subject,
        text=message.text,
        html=message.html,
        headers=dict(message.headers),
    )


BENCHES = {
    "outbox": outbox_bench, "smtp": smtp_bench, "smtp-pipelined": pipelined_bench, "sendgrid": sendgrid_bench,
    "third-party": third_party_bench,
}  # fmt: skip


@pytest.fixture(params=BENCHES.values(), ids=list(BENCHES))
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.syspath_prepend(THIRD_PARTY)
    with ExitStack() as stack:
        made: Bench = request.param(stack, tmp_path)
        stack.callback(made.transport.close)
        yield made


def all_of(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
    return ids


def submit(
    bench: Bench, *envelopes: Envelope, on_wire: Callable[..., Collection[DeliveryId]] = all_of
) -> dict[int, Receipt]:
    receipts = list(bench.transport.submit(compiled(), envelopes, on_wire=on_wire))
    by_id = {receipt.delivery_id: receipt for receipt in receipts}
    assert len(by_id) == len(receipts), "one receipt for each"
    return by_id  # type: ignore[return-value]


def test_every_envelope_gets_exactly_one_receipt(bench: Bench) -> None:
    """Also over several windows, and a reference where the provider gives one."""
    receipts = submit(bench, *(envelope(n) for n in range(1, 9)))
    assert sorted(receipts) == list(range(1, 9))
    assert {receipt.outcome for receipt in receipts.values()} == {Outcome.ACCEPTED}
    assert all(receipt.provider_ref for receipt in receipts.values())
    assert sorted(one.address for one in bench.seen()) == [f"r{n}@example.org" for n in range(1, 9)]


def test_nothing_to_submit_gives_no_receipt(bench: Bench) -> None:
    assert submit(bench) == {}
    assert bench.seen() == []


def test_the_intent_is_told_before_the_server_takes_anything(bench: Bench) -> None:
    """When `on_wire` is called for a delivery, the truth does not hold it yet; afterwards it does."""
    told: list[DeliveryId] = []

    def on_wire(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        taken = {one.address for one in bench.seen()}
        assert taken.isdisjoint(f"r{one}@example.org" for one in ids)
        told.extend(ids)
        return ids

    submit(bench, *(envelope(n) for n in range(1, 6)), on_wire=on_wire)
    assert sorted(told) == [1, 2, 3, 4, 5]
    assert len(bench.seen()) == 5


def test_what_the_intent_withholds_is_not_submitted_and_gets_no_receipt(bench: Bench) -> None:
    """Somebody else owns it, or its address was suppressed: the others go all the same."""
    receipts = submit(
        bench,
        *(envelope(n) for n in range(1, 6)),
        on_wire=lambda ids: [one for one in ids if one not in {2, 5}],
    )
    assert sorted(receipts) == [1, 3, 4]
    assert sorted(one.address for one in bench.seen()) == [
        "r1@example.org",
        "r3@example.org",
        "r4@example.org",
    ]


def test_when_everything_is_withheld_nothing_leaves(bench: Bench) -> None:
    assert submit(bench, envelope(1), envelope(2), on_wire=lambda ids: []) == {}
    assert bench.seen() == []


def test_an_error_in_the_intent_stops_before_anything_leaves(bench: Bench) -> None:
    def broken(ids: Sequence[DeliveryId]) -> Collection[DeliveryId]:
        raise LookupError("the ledger is gone")

    with pytest.raises(LookupError):
        submit(bench, envelope(1), on_wire=broken)
    assert bench.seen() == []
    assert submit(bench, envelope(1))[1].outcome is Outcome.ACCEPTED


def test_each_sees_the_own_values_and_no_others(bench: Bench) -> None:
    """The own unsubscribe link in header, text and HTML; nobody else's address or token anywhere."""
    submit(bench, envelope(1, name="Ann"), envelope(2, name="Bob & <b>Söhne</b>"))
    for one in bench.seen():
        number, other = ("1", "2") if one.address.startswith("r1") else ("2", "1")
        token = f"https://news.example.com/u/token-{number}-"
        everything = "\n".join([one.text, one.html, one.subject, *one.headers.values()])
        assert one.headers["List-Unsubscribe"].startswith(f"<{token}")
        assert "mailto:leave@news.example.com" in one.headers["List-Unsubscribe"]
        assert token in one.text
        assert f'href="{token}' in one.html
        assert f"r{other}@" not in everything
        assert f"token-{other}" not in everything
        assert NONCE not in everything


def test_names_are_plain_in_text_and_escaped_in_html(bench: Bench) -> None:
    name = """Zoë "Z" & <b>O'Brien</b>"""
    submit(bench, envelope(1, name=name))
    [one] = bench.seen()
    assert one.text.startswith(f"Hi {name}\n.\n")
    assert f'<p title="{html.escape(name)}">Hi {html.escape(name)}</p>' in one.html


def test_an_empty_name_leaves_nothing_behind(bench: Bench) -> None:
    submit(bench, envelope(1))
    [one] = bench.seen()
    assert one.text.startswith("Hi \n.\nSent to r1@example.org\n")


def test_the_fixed_headers_are_the_same_everywhere(bench: Bench) -> None:
    submit(bench, envelope(1))
    [one] = bench.seen()
    for name, value in compiled().fixed_headers:
        assert one.headers[name] == value
    assert one.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    "name",
    [TRICK, "a\r\nBcc: evil@example.net", "x\x00y", "Ann, <evil@example.net>; Bob", "a\u2028b", ".", '"'],
)
def test_a_hostile_name_is_inert(bench: Bench, name: str) -> None:
    """It adds no header and no recipient, and the message arrives."""
    assert submit(bench, envelope(1, name=name))[1].outcome is Outcome.ACCEPTED
    [one] = bench.seen()
    assert one.address == "r1@example.org"
    assert not {"bcc", "cc"} & {header.lower() for header in one.headers}
    assert "\n" not in one.text.partition("\n.\n")[0]


@pytest.mark.parametrize("title", [TRICK, "a\r\nBcc: evil@example.net", "x\x00y\u2028z", "\u202eabc"])
def test_a_hostile_title_is_inert(bench: Bench, title: str) -> None:
    list(bench.transport.submit(compiled(title), [envelope(1)], on_wire=all_of))
    [one] = bench.seen()
    assert not {"bcc", "cc"} & {header.lower() for header in one.headers}
    assert "\n" not in one.subject
    assert "\r" not in one.subject
    # A provider may put a subject into the header as it is: there it must not be an encoded-word.
    assert one.subject.replace("= ?", "=?") == compiled(title).subject


@pytest.mark.parametrize(
    "address", ["a@b\r\nRCPT TO:<evil@example.net>", "a b@example.org", "nonsense", TRICK + "@x.org"]
)
def test_a_bad_address_is_refused_and_never_fails_the_others(bench: Bench, address: str) -> None:
    receipts = submit(bench, envelope(1), envelope(2, address=address), envelope(3))
    assert {number: receipt.outcome for number, receipt in receipts.items()} == {
        1: Outcome.ACCEPTED,
        2: Outcome.REFUSED,
        3: Outcome.ACCEPTED,
    }
    assert receipts[2].detail
    assert sorted(one.address for one in bench.seen()) == ["r1@example.org", "r3@example.org"]


def test_two_deliveries_to_one_address_are_both_made(bench: Bench) -> None:
    """Who is to get two is not for a transport to decide (two people may share a box)."""
    receipts = submit(bench, envelope(1, "ann@example.org"), envelope(2, "Ann@example.org"))
    assert {receipt.outcome for receipt in receipts.values()} == {Outcome.ACCEPTED}
    assert len(bench.seen()) == 2


def test_a_sender_name_outside_ascii_arrives(bench: Bench) -> None:
    message = compiled(sender=Mailbox("Beispiele für alle", "digest@news.example.com"))
    [receipt] = bench.transport.submit(message, [envelope(1)], on_wire=all_of)
    assert receipt.outcome is Outcome.ACCEPTED


def test_a_server_that_is_down_takes_nothing(bench: Bench) -> None:
    """No receipt, but an error that says what to do."""
    down = bench.down()
    with pytest.raises(TransportDown) as caught:
        list(down.submit(compiled(), [envelope(1)], on_wire=all_of))
    assert caught.value.mend
    assert bench.seen() == []


def test_verify_says_what_it_found_and_sends_nothing(bench: Bench) -> None:
    assert bench.transport.verify().endswith(".")
    assert bench.seen() == []


def test_verify_of_a_server_that_is_down_says_what_to_do(bench: Bench) -> None:
    with pytest.raises(TransportDown) as caught:
        bench.down().verify()
    assert caught.value.mend


def test_a_pool_is_drawn_from_only_for_what_is_worked_on(bench: Bench) -> None:
    """At most a window is taken and not yet answered, and another opened ahead; no draw after the last."""
    drawn: list[int] = []
    ended: list[bool] = []
    open_ahead: list[int] = []

    class Pool:
        def __iter__(self) -> Iterator[Envelope]:
            return self

        def __next__(self) -> Envelope:
            assert not ended, "it was asked again after its end"
            if len(drawn) == 7:
                ended.append(True)
                raise StopIteration
            drawn.append(len(drawn) + 1)
            return envelope(drawn[-1])

    answered = 0
    for _ in bench.transport.submit(compiled(), Pool(), on_wire=all_of):
        open_ahead.append(len(drawn) - answered)
        answered += 1
    assert answered == 7
    assert max(open_ahead) <= min(2 * bench.transport.window, 7)


def test_a_pool_that_is_empty_is_asked_once(bench: Bench) -> None:
    """No connection is made for nothing: a server that is down is not even noticed."""
    assert list(bench.down().submit(compiled(), iter(()), on_wire=all_of)) == []


def test_an_error_of_the_pool_loses_no_account(bench: Bench) -> None:
    """What was drawn and has no receipt is nowhere."""

    def pool() -> Iterator[Envelope]:
        yield from (envelope(n) for n in range(1, 6))
        raise LookupError("the ledger is gone")

    receipts: list[Receipt] = []
    with pytest.raises(LookupError):
        receipts.extend(bench.transport.submit(compiled(), pool(), on_wire=all_of))
    assert len(bench.seen()) == len(receipts)


def test_a_caller_may_stop_in_the_middle(bench: Bench) -> None:
    """What was not asked for is not submitted, and the transport can be used again."""
    receipts = bench.transport.submit(compiled(), [envelope(n) for n in range(1, 5)], on_wire=all_of)
    first = next(receipts)
    receipts.close()  # type: ignore[attr-defined]
    assert first.outcome is Outcome.ACCEPTED
    assert submit(bench, envelope(9))[9].outcome is Outcome.ACCEPTED


def test_closing_twice_is_harmless(bench: Bench) -> None:
    submit(bench, envelope(1))
    bench.transport.close()
    bench.transport.close()


def test_name_and_window_are_known(bench: Bench) -> None:
    """Names for wiring and a window for the ledger are part of the seam."""
    assert bench.transport.name in {"outbox", "smtp", "sendgrid", "carrier"}
    assert bench.transport.window >= 1


def test_its_provider_goes_by_its_name(bench: Bench) -> None:
    """Which is a table of digest.toml, a part of variables and an address: small letters, digits and _."""
    provider = provider_of(bench.transport.name)

    assert provider.name == bench.transport.name
    assert re.fullmatch(r"[a-z][a-z0-9_]*", provider.name)


def test_its_table_says_all_by_itself(bench: Bench) -> None:
    """Every key has a default, so that a file need not mention it, and a sentence for the reference."""
    table = provider_of(bench.transport.name).table

    assert issubclass(table, TransportTable)
    assert [key for key, field in table.model_fields.items() if field.is_required()] == []
    assert [key for key, field in table.model_fields.items() if not field.description] == []


def test_each_secret_of_it_can_stand_in_a_file_of_its_own(bench: Bench) -> None:
    fields = provider_of(bench.transport.name).table.model_fields
    secrets = [key for key, field in fields.items() if field.annotation is SecretStr]

    assert [key for key in secrets if f"{key}_file" not in fields] == []
    assert [key for key in secrets if fields[key].default.get_secret_value()] == []


def test_its_traits_are_known_without_opening_it(bench: Bench) -> None:
    """Of a table as it is without a line in the file."""
    provider = provider_of(bench.transport.name)
    table = provider.table()

    assert provider.senders(table, False) >= 1
    assert provider.senders(table, True) >= 1
    assert provider.recipients_per_request(table) >= 1
    assert "\n" not in provider.after_send(table)
    assert provider.webhook(table) is None, "without a key nobody can be told from anybody else"
