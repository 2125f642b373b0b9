"""What providers tell later, the whole way: sent, told through the real doors, heeded by the next issue."""

from __future__ import annotations

import io
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from digest.application import Application
from digest.cli import main
from digest.clock import Clock
from digest.errors import SettingsError
from digest.rules.signed_links import sign, verify
from digest.transports.sendgrid.transport import SendGrid
from digest.views.health import HealthViews
from digest.web.app import create_app
from digest.wiring import Container
from digest.wiring import read_settings as load
from fakes.messages import compiled, envelope
from fakes.sendgrid import FakeSendGrid, accept_then_500
from fakes.smtp import AcceptingServer
from fakes.webhook import Signer, body_of

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
KEY = "a key for tests that is long enough"
BOUNCES = Path(__file__).parents[1] / "data" / "bounces"
SIGNER = Signer()
SETTINGS = """
[site]
name = "Example Engineering"
url = "https://blog.example.com"
public_url = "https://news.example.com"
postal_address = "Example Ltd, 1 Example Street, Example Town"
[delivery]
{delivery}
[newsletters.weekly]
title = "Example Weekly"
sender = "Example <digest@news.example.com>"
subscribers = ["people.csv"]
[[newsletters.weekly.sources]]
kind = "markdown"
path = "posts"
"""


@dataclass
class Letter:
    """A newsletter folder, and the program run in it."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def post(self, slug: str) -> None:
        (self.folder / "posts").mkdir(exist_ok=True)
        (self.folder / "posts" / f"{slug}.md").write_text(
            f"---\ntitle: The story of {slug}\ndate: 2026-11-20\n---\nWhat {slug} is about.\n"
        )

    def run(self, *words: str, stdin: bytes = b"", at: datetime = NOW) -> tuple[int, Any]:
        """Exit code, and the answer as JSON."""
        self.patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        self.capture.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(["--config", str(self.folder / "digest.toml"), "--now", at.isoformat(), *words, "--json"])
        return int(stop.value.code or 0), json.loads(self.capture.readouterr().out)

    def send(self, slug: str) -> tuple[int, Any]:
        """The next issue, with one new story."""
        self.post(slug)
        self.run("collect")
        return self.run("send", "--yes")

    def told(self, *words: str) -> str:
        """The same for people, in one line."""
        self.capture.readouterr()
        with pytest.raises(SystemExit):
            main(["--config", str(self.folder / "digest.toml"), "--now", NOW.isoformat(), *words])
        return " ".join(self.capture.readouterr().out.split())

    def figures(self) -> str:
        parts = self.parts()
        try:
            return HealthViews(parts).metrics()
        finally:
            parts.close()

    def parts(self) -> Container:
        return Container.from_file(self.folder / "digest.toml", environ=os.environ, clock=Clock(NOW))


@pytest.fixture
def letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Letter]:
    """A newsletter with three readers; the argument is what [delivery] says."""
    monkeypatch.setenv("DIGEST_SECRET_KEYS", KEY)

    def make(delivery: str) -> Letter:
        (tmp_path / "digest.toml").write_text(SETTINGS.format(delivery=delivery))
        (tmp_path / "people.csv").write_text("email\nann@example.org\nbob@example.org\ncid@example.org\n")
        return Letter(tmp_path, capsys, monkeypatch)

    return make


# -- SendGrid ----------------------------------------------------------------------------


@dataclass
class Provider:
    """SendGrid as digest meets it: takes mail, and tells later."""

    fake: FakeSendGrid
    door: TestClient

    def event(self, name: str, word: str, **fields: object) -> dict[str, object]:
        """An event of the newest mail to this person, with the custom arguments that came with it."""
        mail = [m for m in self.fake.accepted if m.address == f"{name}@example.org"][-1]
        told = {
            "email": mail.address,
            "event": word,
            "timestamp": int(NOW.timestamp()),
            "sg_message_id": "x.y",
        }
        return told | dict(mail.custom_args) | fields

    def tell(self, *events: Mapping[str, Any]) -> int:
        body = body_of(events)
        headers = SIGNER.headers(body, at=NOW)
        return self.door.post("/hooks/sendgrid", content=body, headers=headers).status_code


@pytest.fixture
def sendgrid(
    letter: Callable[[str], Letter], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Letter, Provider]]:
    with FakeSendGrid() as fake:
        monkeypatch.setenv("DIGEST_DELIVERY__SENDGRID__API_KEY", fake.api_key)
        made = letter(
            f'transport = "sendgrid"\n[delivery.sendgrid]\nhost = "{fake.url}"\n'
            f'webhook_public_key = "{SIGNER.public_key}"'
        )
        parts = made.parts()
        door = create_app(Application(parts), one_time_secret="")
        yield made, Provider(fake, TestClient(door, base_url="https://news.example.com"))
        parts.close()


def test_what_sendgrid_tells_is_counted_and_heeded(sendgrid: tuple[Letter, Provider]) -> None:
    """Who bounced or complained is not in the next issue; the rest is; told twice it is the same."""
    made, provider = sendgrid
    assert made.send("pump")[0] == 0
    events = [
        provider.event("ann", "bounce", type="bounce", reason="550 5.1.1 no such user"),
        provider.event("bob", "delivered"),
        provider.event("bob", "spamreport"),
        provider.event("cid", "processed"),
        provider.event("cid", "delivered"),
    ]

    assert [provider.tell(*events), provider.tell(*reversed(events))] == [204, 204]
    _, status = made.run("status")
    counts = status["newsletters"][0]["issues"][0]["counts"]
    assert {k: counts[k] for k in ("accepted", "delivered", "bounced", "complained")} == {
        "accepted": 3,
        "delivered": 1,
        "bounced": 1,
        "complained": 1,
    }
    figures = made.figures()
    assert 'digest_deliveries{newsletter="weekly",issue="1",state="bounced"} 1' in figures
    assert "3 accepted (1 delivered, 1 bounced, 1 complained)" in made.told("status")
    _, ann = made.run("subscribers", "history", "ann@example.org")
    assert [(e["what"], e["how"]) for e in ann["history"]][1:] == [
        ("suppressed", "bounced, reported by sendgrid: 550 5.1.1 no such user")
    ]

    provider.fake.accepted.clear()
    code, second = made.send("clock")
    assert (code, second["counts"]["audience"], second["counts"]["excluded"]) == (0, 1, 1)
    assert [m.address for m in provider.fake.accepted] == ["cid@example.org"]


def test_a_lost_answer_is_cleared_by_events(sendgrid: tuple[Letter, Provider]) -> None:
    """Uncertain becomes accepted on evidence, the issue is closed, and nobody is asked or mailed again."""
    made, provider = sendgrid
    provider.fake.script(*[accept_then_500()] * 3)
    code, doubt = made.send("pump")
    assert (code, doubt["counts"]["uncertain"]) == (1, 3)

    for name in ("ann", "bob", "cid"):
        assert provider.tell(provider.event(name, "processed")) == 204

    _, status = made.run("status")
    [issue] = status["newsletters"][0]["issues"]
    assert (issue["state"], issue["counts"]["accepted"], issue["counts"]["uncertain"]) == ("sent", 3, 0)
    assert made.run("send", "--yes")[0] == 3
    assert len(provider.fake.accepted) == 3


def test_one_event_clears_its_whole_request(sendgrid: tuple[Letter, Provider]) -> None:
    """However many requests the senders made of the three: one event for each is enough."""
    made, provider = sendgrid
    provider.fake.script(*[accept_then_500()] * 3)
    made.send("pump")
    one_of_each = {m.custom_args["b"]: m.address.partition("@")[0] for m in provider.fake.accepted}

    assert provider.tell(*(provider.event(name, "processed") for name in one_of_each.values())) == 204

    _, status = made.run("status")
    [issue] = status["newsletters"][0]["issues"]
    assert (issue["state"], issue["counts"]["accepted"]) == ("sent", 3)


def test_an_event_that_overtakes_the_answer_is_not_forgotten(sendgrid: tuple[Letter, Provider]) -> None:
    """The provider tells while the sender still waits; then the answer is lost."""
    made, provider = sendgrid
    provider.fake.script(*[accept_then_500()] * 3)  # senders share the three as it comes
    told: list[int] = []

    def early(document: dict[str, Any], message_id: str) -> None:
        FakeSendGrid.take(provider.fake, document, message_id)
        names = [p["to"][0]["email"].partition("@")[0] for p in document["personalizations"]]
        told.extend(provider.tell(provider.event(name, "processed")) for name in names)

    provider.fake.take = early  # type: ignore[method-assign]
    code, sent = made.send("pump")

    assert told == [204, 204, 204]
    assert (code, sent["state"], sent["counts"]["accepted"]) == (0, "sent", 3)


@pytest.mark.parametrize("is_lost", [False, True])
def test_receipts_name_the_batch_that_events_will_name(is_lost: bool) -> None:
    with FakeSendGrid() as fake:
        fake.script(*[accept_then_500()] * is_lost)
        transport = SendGrid(api_key=fake.api_key, host=fake.url)
        receipts = list(transport.submit(compiled(), [envelope(1), envelope(2)], on_wire=set))

    named = {m.custom_args["d"]: m.custom_args["b"] for m in fake.accepted}
    assert {str(r.delivery_id): r.batch_id for r in receipts} == named
    assert len(set(named.values())) == 1
    assert {r.outcome.value for r in receipts} == {"uncertain" if is_lost else "accepted"}


@pytest.mark.parametrize("claim", [{"email": "eve@example.org"}, {"i": "weekly/2"}, {"d": "999"}, {"d": "x"}])
def test_an_event_of_somebody_else_changes_nothing(
    sendgrid: tuple[Letter, Provider], claim: dict[str, str]
) -> None:
    made, provider = sendgrid
    provider.fake.script(*[accept_then_500()] * 3)
    made.send("pump")

    assert provider.tell(provider.event("ann", "spamreport", **claim)) == 204

    _, status = made.run("status")
    counts = status["newsletters"][0]["issues"][0]["counts"]
    assert (counts["uncertain"], counts["complained"]) == (3, 0)
    with sqlite3.connect(made.folder / "digest.db") as look:
        assert look.execute("SELECT kind, delivery_id FROM delivery_event").fetchall() == [
            ("complained", None)
        ]
        assert look.execute("SELECT count(*) FROM suppression").fetchone() == (0,)
    look.close()


def test_no_address_is_stored_with_an_event(sendgrid: tuple[Letter, Provider]) -> None:
    """Only a hash of the recipient, and nothing at all of others that the server's words name."""
    made, provider = sendgrid
    made.send("pump")
    provider.tell(
        provider.event("ann", "bounce", reason="forwarded to <secret.other@example.net>: 550 no"),
        {"event": "open", "email": "stranger@example.net", "useragent": "stranger@example.net"},
    )

    with sqlite3.connect(made.folder / "digest.db") as look:
        stored = repr(look.execute("SELECT * FROM delivery_event").fetchall())
        history = repr(look.execute("SELECT how FROM consent_entry").fetchall())
    look.close()
    assert "@" not in stored + history


# -- SMTP --------------------------------------------------------------------------------


@pytest.fixture
def smtp(letter: Callable[[str], Letter]) -> Iterator[tuple[Letter, AcceptingServer]]:
    with AcceptingServer() as server:
        yield (
            letter(
                f'transport = "smtp"\n[delivery.smtp]\nport = {server.port}\nsecurity = "none"\n'
                'bounce_address = "bounce@news.example.com"'
            ),
            server,
        )


def report(return_path: str, name: str = "postfix_user_unknown") -> bytes:
    """An example of a bounce, come back to this return path."""
    raw = (BOUNCES / f"{name}.eml").read_bytes()
    return re.sub(rb"bounce\+[\w-]{22}@news\.example\.com", return_path.encode(), raw)


def test_each_delivery_has_a_return_path_of_its_own(smtp: tuple[Letter, AcceptingServer]) -> None:
    made, server = smtp
    assert made.send("pump")[0] == 0

    senders = {taken.recipients[0]: taken.sender for taken in server.taken}
    tokens = [re.fullmatch(r"bounce\+(.{22})@news\.example\.com", sender) for sender in senders.values()]
    numbers = {verify(t[1], purpose="bounce", keys=[KEY]) for t in tokens if t}
    assert (len(senders), len(numbers), None in numbers) == (3, 3, False)
    assert all(b"bounce+" not in taken.content for taken in server.taken)


def test_a_bounce_by_mail_suppresses_its_recipient(smtp: tuple[Letter, AcceptingServer]) -> None:
    made, server = smtp
    made.send("pump")
    senders = {taken.recipients[0]: taken.sender for taken in server.taken}
    server.taken.clear()

    code, told = made.run("feedback", stdin=report(senders["bob@example.org"]))
    again, repeated = made.run("feedback", stdin=report(senders["bob@example.org"]))
    vacation, away = made.run("feedback", stdin=report(senders["ann@example.org"], "vacation"))
    code_2, second = made.send("clock")

    assert (code, told["kind"], told["new"], told["suppressed"]) == (0, "bounced", True, True)
    assert (again, repeated["new"], repeated["suppressed"]) == (0, False, False)
    assert (vacation, away["kind"], away["suppressed"]) == (0, "unknown", False)
    assert away["delivery"]
    assert (code_2, second["counts"]["excluded"]) == (0, 1)
    assert sorted(t.recipients[0] for t in server.taken) == ["ann@example.org", "cid@example.org"]


def test_a_complaint_by_mail_ends_the_subscription(smtp: tuple[Letter, AcceptingServer]) -> None:
    made, server = smtp
    made.send("pump")
    senders = {taken.recipients[0]: taken.sender for taken in server.taken}

    code, told = made.run("feedback", stdin=report(senders["ann@example.org"], "complaint"))

    assert (code, told["kind"], told["suppressed"], told["ended"]) == (0, "complained", True, True)
    assert made.run("subscribers", "list")[1]["counts"] == {"confirmed": 2, "ended": 1}


def test_the_mail_server_may_name_the_address_itself(smtp: tuple[Letter, AcceptingServer]) -> None:
    made, server = smtp
    made.send("pump")
    sender = next(t.sender for t in server.taken if t.recipients == ("cid@example.org",))

    code, told = made.run("feedback", "--to", f"<{sender}>", stdin=report("bounce@news.example.com"))

    assert (code, told["suppressed"]) == (0, True)


@pytest.mark.parametrize("made_by", ["another key", "another purpose", "cut", "nobody"])
def test_a_forged_return_path_is_recorded_and_changes_nothing(
    smtp: tuple[Letter, AcceptingServer], made_by: str
) -> None:
    """And the mail server hears that all is well: a bounce must not bounce."""
    made, server = smtp
    made.send("pump")
    right = server.taken[0].sender.partition("@")[0].partition("+")[2]
    number = verify(right, purpose="bounce", keys=[KEY]) or 0
    token = {
        "another key": sign(number, purpose="bounce", keys=["not our key"]),
        "another purpose": sign(number, purpose="unsubscribe", keys=[KEY]),
        "cut": right[:-1],
        "nobody": sign(10**9, purpose="bounce", keys=[KEY]),
    }[made_by]

    code, told = made.run("feedback", stdin=report(f"bounce+{token}@news.example.com"))

    assert (code, told["new"], told["delivery"], told["suppressed"]) == (0, True, None, False)
    assert made.run("subscribers", "list")[1]["counts"] == {"confirmed": 3}


def test_a_mail_server_pipes_a_bounce_and_hears_that_it_is_recorded(letter: Callable[[str], Letter]) -> None:
    """The program itself, as an alias of Postfix calls it; more than a megabyte is read to its end."""
    made = letter('transport = "outbox"')
    made.send("pump")
    token = sign(1, purpose="bounce", keys=[KEY])
    raw = report(f"bounce+{token}@news.example.com") + b"quoted\r\n" * 200_000
    command = [sys.executable, "-m", "digest", "--config", str(made.folder / "digest.toml"), "feedback"]

    done = subprocess.run(command, input=raw, capture_output=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"Recorded: bounced, delivery 1; the address is suppressed.\n"


@pytest.mark.parametrize("broken", ["database", "settings", "key file"])
def test_what_cannot_be_recorded_is_kept_by_the_mail_server(
    letter: Callable[[str], Letter], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """75, EX_TEMPFAIL: the mail is neither lost nor bounced, and comes again."""
    made = letter('transport = "outbox"')
    if broken == "database":
        (made.folder / "digest.db").write_bytes(b"this is no database" * 100)
    if broken == "settings":
        (made.folder / "digest.toml").write_text("[site]\n")
    if broken == "key file":
        monkeypatch.delenv("DIGEST_SECRET_KEYS")
        (made.folder / "secret-keys").write_text("")

    code, told = made.run("feedback", stdin=report("bounce+x@news.example.com"))

    assert code == 75
    assert told["error"]


def test_without_a_mail_there_is_nothing_to_record(letter: Callable[[str], Letter]) -> None:
    """Called from a terminal it does not wait for somebody to type a mail."""
    made = letter('transport = "outbox"')

    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    made.patch.setattr(io, "TextIOWrapper", Terminal)
    code, told = made.run("feedback")

    assert code == 2
    assert "standard input" in told["error"]


def test_reading_bounces_later_needs_no_setting(letter: Callable[[str], Letter]) -> None:
    """Who takes `bounce_address` out again still understands what comes back of earlier mail."""
    made = letter('transport = "outbox"')
    made.send("pump")
    token = sign(2, purpose="bounce", keys=[KEY])

    assert made.run("feedback", stdin=report(f"old+{token}@other.example"))[1]["suppressed"] is True


# -- settings ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delivery", "says"),
    [
        (
            '[delivery.smtp]\nbounce_address = "nobody"',
            "delivery.smtp.bounce_address: “nobody” is not an email address",
        ),
        (
            f'[delivery.smtp]\nbounce_address = "{"x" * 42}@news.example.com"',
            "is too long before the @, where a token of 23 characters is added",
        ),
        (
            '[delivery.sendgrid]\nwebhook_public_key = "-----BEGIN PUBLIC KEY-----"',
            "delivery.sendgrid.webhook_public_key: is not a key in base64",
        ),
        (
            '[delivery.sendgrid]\nwebhook_public_key = "MFkw"',
            "delivery.sendgrid.webhook_public_key: is not a public key on P-256",
        ),
    ],
)
def test_a_wrong_setting_is_told(letter: Callable[[str], Letter], delivery: str, says: str) -> None:
    made = letter(f'transport = "outbox"\n{delivery}')
    with pytest.raises(SettingsError) as wrong:
        load(made.folder / "digest.toml", environ={})

    [finding] = wrong.value.findings
    assert says in finding


def test_the_settings_arrive(letter: Callable[[str], Letter]) -> None:
    made = letter(
        'transport = "smtp"\n[delivery.smtp]\nbounce_address = "bounce@news.example.com"\n'
        f'[delivery.sendgrid]\nwebhook_public_key = "{SIGNER.public_key}"'
    )
    delivery = load(made.folder / "digest.toml", environ={}).delivery

    assert delivery.tables["smtp"].bounce_address.address == "bounce@news.example.com"
    assert delivery.tables["sendgrid"].webhook_public_key == SIGNER.public_key
