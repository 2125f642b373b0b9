"""A transport that somebody else wrote works from digest.toml to the receipts in the ledger.

`tests/data/third_party_transport` is what `pip install` leaves of such a
package, and `fakes.carrier` the provider behind it.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from digest.application import Application
from digest.cli import main
from digest.clock import Clock
from digest.errors import SettingsError
from digest.web.app import create_app
from digest.wiring import Container, read_settings
from fakes.carrier import THIRD_PARTY, FakeCarrier, signed

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
WEBHOOK_KEY = "a key of the webhook"
TOKEN = "DIGEST_DELIVERY__CARRIER__TOKEN"
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
{newsletter}
[[newsletters.weekly.sources]]
kind = "markdown"
path = "posts"
"""


@dataclass
class Letter:
    """A newsletter folder that sends with Carrier, and the program run in it."""

    folder: Path
    fake: FakeCarrier
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    def write(self, delivery: str = 'transport = "carrier"', carrier: str = "", newsletter: str = "") -> None:
        table = f'{delivery}\n[delivery.carrier]\nhost = "{self.fake.url}"\n{carrier}'
        (self.folder / "digest.toml").write_text(SETTINGS.format(delivery=table, newsletter=newsletter))

    def run(self, *words: str) -> tuple[int, Any]:
        """Exit code, and the answer as JSON."""
        self.patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        self.capture.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(["--config", str(self.folder / "digest.toml"), "--now", NOW.isoformat(), *words, "--json"])
        return int(stop.value.code or 0), json.loads(self.capture.readouterr().out)

    def findings(self) -> tuple[str, ...]:
        with pytest.raises(SettingsError) as wrong:
            read_settings(self.folder / "digest.toml", environ=os.environ)
        return wrong.value.findings

    def parts(self) -> Container:
        return Container.from_file(self.folder / "digest.toml", environ=os.environ, clock=Clock(NOW))


@pytest.fixture
def letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Letter]:
    monkeypatch.syspath_prepend(THIRD_PARTY)
    monkeypatch.setenv("DIGEST_SECRET_KEYS", "a key for tests that is long enough")
    monkeypatch.setenv(TOKEN, FakeCarrier.token)
    (tmp_path / "people.csv").write_text("email\nann@example.org\nbob@example.org\ncid@example.org\n")
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts" / "pump.md").write_text("---\ntitle: The pump\ndate: 2026-11-20\n---\nIt runs.\n")
    with FakeCarrier() as fake:
        made = Letter(tmp_path, fake, capsys, monkeypatch)
        made.write()
        yield made


def test_it_sends_an_issue_and_its_receipts_are_in_the_ledger(letter: Letter) -> None:
    """With traits and a path of its own table, which begins at the folder of digest.toml."""
    letter.write(carrier='receipts = "receipts.txt"')
    assert letter.run("collect")[0] == 0
    code, sent = letter.run("send", "--yes")

    assert (code, sent["state"], sent["counts"]["accepted"]) == (0, "sent", 3)
    assert sorted(one.address for one in letter.fake.carried) == [
        "ann@example.org",
        "bob@example.org",
        "cid@example.org",
    ]
    parts = letter.parts()
    try:
        with parts.database.read() as connection:
            rows = connection.execute(text("SELECT state, provider_ref FROM delivery")).all()
    finally:
        parts.close()
    assert sorted(map(tuple, rows)) == [("accepted", "c-1"), ("accepted", "c-2"), ("accepted", "c-3")]
    assert sorted((letter.folder / "receipts.txt").read_text().split()) == ["c-1", "c-2", "c-3"]


def test_nobody_gets_it_twice(letter: Letter) -> None:
    letter.run("collect")
    letter.run("send", "--yes")
    assert letter.run("send", "--yes")[0] == 3

    assert len(letter.fake.carried) == 3


def test_the_command_line_says_where_to_look_after_a_send(letter: Letter) -> None:
    letter.run("collect")
    with pytest.raises(SystemExit):
        main(["--config", str(letter.folder / "digest.toml"), "--now", NOW.isoformat(), "send", "--yes"])

    assert f"{letter.fake.url} has the details." in " ".join(letter.capture.readouterr().err.split())


def test_doctor_tries_its_login_and_sends_nothing(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.workflows.operating.doctor._texts", lambda name: [])  # no DNS here

    def diagnosis() -> list[tuple[str, str]]:
        findings = letter.run("doctor")[1]["findings"]
        return [(one["severity"], one["finding"]) for one in findings if one["what"] == "carrier"]

    assert diagnosis() == [("ok", f"{letter.fake.url} accepts the token.")]
    monkeypatch.setenv(TOKEN, "another")
    assert diagnosis() == [("error", f"{letter.fake.url} does not know the token.")]
    monkeypatch.delenv(TOKEN)
    assert diagnosis() == [("error", "There is no token for Carrier.")]
    assert letter.fake.carried == []


def test_doctor_asks_dns_since_it_reaches_people(letter: Letter, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("digest.workflows.operating.doctor._texts", lambda name: asked.append(name) or [])

    letter.run("doctor")
    assert "news.example.com" in asked
    asked.clear()
    letter.write(delivery='transport = "outbox"')
    letter.run("doctor")
    assert asked == []


def test_what_its_settings_lack_is_a_warning_in_its_own_words(
    letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOKEN)
    settings = read_settings(letter.folder / "digest.toml", environ=os.environ)

    says = "delivery.carrier: has no token. Set DIGEST_DELIVERY__CARRIER__TOKEN, or token_file."
    assert says in settings.warnings
    assert letter.run("collect")[0] == 0
    code, told = letter.run("send", "--yes")
    assert (code, told["error"]) == (2, "There is no token for Carrier.")


def test_its_secret_comes_from_a_file_too_and_never_from_the_settings(
    letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOKEN)
    (letter.folder / "token").write_text(FakeCarrier.token + "\n")
    (letter.folder / "token").chmod(0o600)
    letter.write(carrier='token_file = "token"')
    table: Any = read_settings(letter.folder / "digest.toml", environ={}).delivery.tables["carrier"]
    assert table.token.get_secret_value() == FakeCarrier.token
    assert FakeCarrier.token not in repr(table)

    letter.write(carrier=f'token = "{FakeCarrier.token}"')
    [finding] = letter.findings()
    assert "is a secret and is not allowed in this file" in finding
    assert TOKEN in finding
    assert "token_file" in finding
    assert FakeCarrier.token not in finding


def test_its_values_are_checked_and_overridden_like_all_others(letter: Letter) -> None:
    letter.write(carrier="parallel = 21\nparalel = 2")
    assert list(letter.findings()) == [
        "digest.toml: delivery.carrier.parallel: must be at most 20, but is 21.",
        "digest.toml: delivery.carrier.paralel: is not a setting. Did you mean “parallel”?",
    ]

    letter.write()
    environ = {"DIGEST_DELIVERY__CARRIER__PARALLEL": "7"}
    table: Any = read_settings(letter.folder / "digest.toml", environ=environ).delivery.tables["carrier"]
    assert table.parallel == 7


def test_the_environment_alone_may_name_it(letter: Letter) -> None:
    """A file that knows nothing of it, and a container that sets variables."""
    (letter.folder / "digest.toml").write_text(
        SETTINGS.format(delivery='transport = "outbox"', newsletter="")
    )
    environ = {
        "DIGEST_DELIVERY__TRANSPORT": "carrier",
        "DIGEST_DELIVERY__CARRIER__HOST": letter.fake.url,
        TOKEN: FakeCarrier.token,
    }
    parts = Container.from_file(letter.folder / "digest.toml", environ=environ, clock=Clock(NOW))

    assert parts.transport().verify() == f"{letter.fake.url} accepts the token."


def test_an_unknown_one_is_told_with_all_that_there_are(letter: Letter) -> None:
    letter.write(delivery='transport = "carier"')
    [finding] = letter.findings()

    assert "There is no transport “carier”." in finding
    assert "“outbox”, “smtp”, “sendgrid”, “carrier”. Did you mean “carrier”?" in finding


def test_its_limits_are_known_before_anything_is_approved(letter: Letter) -> None:
    long = (
        'subject = "The pump runs, and what it took to make it run, told in {{ issue.number }} part or more"'
    )
    letter.write(newsletter=long)
    letter.run("collect")
    letter.run("draft")
    code, told = letter.run("check", "weekly/latest")
    blocked = [one["message"] for one in told["checks"] if one["id"] == "sg-limits" and not one["passed"]]

    assert code == 1
    assert blocked == ["Carrier takes subjects of 60 characters. Shorten it."]
    letter.write(delivery='transport = "outbox"', newsletter=long)
    _, told = letter.run("check", "weekly/latest")
    assert [one for one in told["checks"] if one["id"] == "sg-limits" and not one["passed"]] == []


def test_what_it_tells_later_comes_in_signed_and_is_heeded(
    letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGEST_DELIVERY__CARRIER__WEBHOOK_KEY", WEBHOOK_KEY)
    letter.run("collect")
    letter.run("send", "--yes")
    reference = {one.address: one.reference for one in letter.fake.carried}
    events = [
        {"id": "1", "what": "returned", "reference": reference["ann@example.org"]},
        {"id": "2", "what": "arrived", "reference": reference["bob@example.org"]},
    ]
    parts = letter.parts()
    try:
        client = TestClient(
            create_app(Application(parts), one_time_secret=""),
            base_url="https://news.example.com",
        )
        answers = [
            client.post("/hooks/carrier", content=body, headers=headers).status_code
            for body, headers in (signed(WEBHOOK_KEY, events), signed("another key", events))
        ]
        bare = client.post("/hooks/carrier", content=b"{}").status_code
        elsewhere = client.post("/hooks/sendgrid", content=b"[]").status_code
    finally:
        parts.close()

    assert (answers, bare, elsewhere) == ([204, 403], 403, 404)
    counts = letter.run("status")[1]["newsletters"][0]["issues"][0]["counts"]
    assert (counts["accepted"], counts["delivered"], counts["bounced"]) == (3, 1, 1)


def test_one_that_cannot_be_loaded_is_told_where_it_is_named(
    letter: Letter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And harms nobody who does not use it."""
    metadata = tmp_path / "broken" / "broken-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[digest.transports]\nbroken = nowhere:PROVIDER\nwrong = carrier:LONGEST_SUBJECT\n"
    )
    monkeypatch.syspath_prepend(metadata.parent)

    read_settings(letter.folder / "digest.toml", environ={})
    for name, why in (
        ("broken", "No module named 'nowhere'"),
        ("wrong", "its entry point is not a Provider of that name"),
    ):
        with pytest.raises(SettingsError, match=why) as told:
            read_settings(letter.folder / "digest.toml", environ={"DIGEST_DELIVERY__TRANSPORT": name})
        assert f"The transport “{name}” cannot be loaded" in told.value.message


@pytest.mark.parametrize("transport", ["outbox", "smtp", "sendgrid", "carrier"])
def test_a_command_that_sends_nothing_loads_nothing_that_sends(letter: Letter, transport: str) -> None:
    """In a process of its own, with the package installed as it would be."""
    letter.write(delivery=f'transport = "{transport}"')
    program = (
        "import sys\nfrom digest.cli import main\n"
        f"try: main(['--config', {str(letter.folder / 'digest.toml')!r}, 'status', '--json'])\n"
        "except SystemExit as stop: assert not stop.code\n"
        "heavy = {'smtplib', 'sendgrid', 'python_http_client', 'carrier.transport'}\n"
        "heavy |= {f'digest.transports.{name}.transport' for name in ('outbox', 'smtp', 'sendgrid')}\n"
        "print(sorted(heavy & set(sys.modules)), 'carrier' in sys.modules, file=sys.stderr)\n"
    )
    path = os.pathsep.join([str(THIRD_PARTY), *filter(None, [os.environ.get("PYTHONPATH")])])
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )

    # Its table is in the file each time, so its settings are loaded and judged.
    assert ran.stderr.splitlines()[-1] == "[] True"
