"""`digest send` killed at every step there is: nobody twice, nobody lost, and every doubt on record.

The truth is kept outside the product: the files in the outbox, and the accept
log of the server.  Every step is tried once for each transport under `hold`;
`./dev test --all` tries every policy at every step.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fakes.databases import NOW
from fakes.folders import prepare
from fakes.sendgrid import FakeSendGrid
from fakes.smtp import ScriptedServer
from fakes.warm import Warm

pytestmark = pytest.mark.slow

CHILD = Path(__file__).with_name("child.py")
IS_THOROUGH = bool(os.environ.get("DIGEST_TEST_ALL"))
API_KEY = "SG.right-key"


@pytest.fixture(scope="module")
def runner() -> Iterator[Warm]:
    with Warm(CHILD) as warm:
        yield warm


@dataclass
class Scene:
    """A newsletter folder just before its send, and how it ends."""

    runner: Warm
    folder: Path
    people: Sequence[str]
    most_uncertain: int
    window: int
    server: ScriptedServer | FakeSendGrid | None = None
    senders: int = 1
    found_uncertain: int = 0
    was_submitting: bool = False

    def send(self, *, kill_at: int = 0) -> dict[str, Any]:
        return self._run("send", "weekly", "--yes", "--json", kill_at=kill_at)

    def decide(self, how: str) -> dict[str, Any]:
        return self._run("resolve", "weekly/1", "--uncertain", how, "--json")

    def _run(self, *words: str, kill_at: int = 0) -> dict[str, Any]:
        clock = ("--now", (NOW + timedelta(hours=1)).isoformat())
        answer = self.runner.run(
            *clock,
            *words,
            folder=self.folder,
            environ={"DIGEST_DELIVERY__SENDGRID__API_KEY": API_KEY, "no_proxy": "127.0.0.1"},
            kill_at=kill_at,
            window=self.window,
            senders=self.senders,
        )
        assert answer["code"] in {0, 1, 3, -9}, answer["err"]
        return answer

    def got(self) -> Counter[str]:
        """Who really got how many, by the truth outside."""
        if isinstance(self.server, FakeSendGrid):
            self.server.come_to_rest()
            return Counter(taken.address for taken in self.server.accepted)
        if self.server is not None:
            for thread in self.server._threads[1:]:
                thread.join(timeout=5)  # the last connection is read to its end
            return Counter(address for taken in self.server.taken for address in taken.recipients)
        files = (self.folder / "outbox").glob("*.eml")
        return Counter(path.stem.rpartition("-")[2] for path in files)

    def rows(self) -> dict[str, str]:
        """Address and state of every delivery."""
        database = sqlite3.connect(self.folder / "digest.db")
        try:
            return dict(database.execute("SELECT address, state FROM delivery"))
        finally:
            database.close()

    # -- what must hold ------------------------------------------------------------

    def check_after_the_kill(self) -> None:
        got, rows = self.got(), self.rows()
        self.was_submitting = "submitting" in rows.values()
        assert set(got.values()) <= {1}, f"twice: {got}"
        for address, state in rows.items():
            if state == "accepted":
                assert got[address] == 1, f"{address} is called accepted and has nothing"
            if got[address]:
                assert state in {"accepted", "submitting"}, f"{address} has it and is {state}"

    def check_after_the_restart(self, answer: dict[str, Any]) -> None:
        got, rows = self.got(), self.rows()
        assert set(rows) == set(self.people)
        assert set(rows.values()) <= {"accepted", "uncertain"}, rows
        assert set(got.values()) <= {1}, f"twice: {got}"
        uncertain = {address for address, state in rows.items() if state == "uncertain"}
        assert len(uncertain) <= self.most_uncertain
        assert {a for a, state in rows.items() if state == "accepted"} <= set(got)
        assert set(self.people) - set(got) <= uncertain, "somebody is silently left out"
        self.found_uncertain = len(uncertain)
        self._check_answer(answer, uncertain)

    def _check_answer(self, answer: dict[str, Any], uncertain: set[str]) -> None:
        said = json.loads(answer["out"])
        if said["issue"] is None:  # the issue was finished just before the kill
            assert (answer["code"], uncertain) == (3, set())
            return
        counts = said["counts"]
        assert counts["uncertain"] == len(uncertain)
        assert counts["accepted"] + counts["uncertain"] == counts["audience"] == len(self.people)
        assert counts["candidates"] == counts["audience"] + counts["excluded"]
        assert said["number"] == 1
        assert (answer["code"], said["state"]) == ((1, "sending") if uncertain else (0, "sent"))
        assert bool(said["reason"]) is bool(uncertain)

    def check_the_end(self, how: str) -> None:
        """A person decides, and the issue is done."""
        before = {address for address, state in self.rows().items() if state == "uncertain"}
        if not before:
            assert self.got() == Counter(self.people)
            return
        assert json.loads(self.decide(how)["out"])["resolved"] == len(before)
        assert self.send()["code"] == (0 if how == "resend" else 3)
        got, rows = self.got(), self.rows()
        for address in self.people:
            if address not in before:
                assert (rows[address], got[address]) == ("accepted", 1)
            elif how == "resend":
                assert rows[address] == "accepted"
                assert 1 <= got[address] <= 2
            else:
                assert rows[address] == "abandoned"
                assert got[address] <= 1


def every_step(
    runner: Warm,
    tmp_path: Path,
    *,
    people: int,
    window: int,
    most_uncertain: int,
    is_approved: bool = True,
    server: ScriptedServer | FakeSendGrid | None = None,
    senders: int = 1,
    **settings: Any,
) -> list[Scene]:
    """Kill at step 1, 2, 3 … until a run is not killed any more; every scene played to its end."""
    addresses = prepare(tmp_path / "template", people=people, is_approved=is_approved, **settings)
    scenes = []
    for number in range(1, 1000):
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "template", folder)
        forget(server)
        scene = Scene(runner, folder, addresses, most_uncertain, window, server, senders)
        first = scene.send(kill_at=number)
        if first["code"] == 0:
            assert scene.got() == Counter(addresses)
            return scenes
        assert first["code"] == -9
        scene.check_after_the_kill()
        scene.check_after_the_restart(scene.send())
        scene.check_the_end("skip" if number % 2 else "resend")
        scenes.append(scene)
        shutil.rmtree(folder)
    raise AssertionError("it never came to its end")


def forget(server: ScriptedServer | FakeSendGrid | None) -> None:
    if isinstance(server, FakeSendGrid):
        server.accepted.clear()
    elif server is not None:
        server.taken.clear()


def test_the_outbox_at_every_step(runner: Warm, tmp_path: Path) -> None:
    """A message that is written again takes the place of the first: there is one file each, and no doubt."""
    scenes = every_step(runner, tmp_path, people=4, window=2, most_uncertain=0)

    assert len(scenes) > 15
    assert any(scene.was_submitting for scene in scenes)


def test_a_whole_issue_at_every_step(runner: Warm, tmp_path: Path) -> None:
    """From no draft at all: drafting, approving and sending; it is always issue 1, and only one."""
    scenes = every_step(runner, tmp_path, people=2, window=2, most_uncertain=0, is_approved=False)

    assert len(scenes) > 12


@pytest.mark.parametrize(("people", "connections"), [(3, 2), *([(2, 1)] if IS_THOROUGH else [])])
@pytest.mark.parametrize("extensions", [("PIPELINING",), *([()] if IS_THOROUGH else [])])
def test_smtp_at_every_step(
    runner: Warm, tmp_path: Path, people: int, connections: int, extensions: tuple[str, ...]
) -> None:
    """At most one person in doubt for each connection, and it is the one whose dot was on its way."""
    with ScriptedServer(extensions=extensions) as server:
        scenes = every_step(
            runner,
            tmp_path,
            people=people,
            window=2,
            most_uncertain=connections,
            server=server,
            transport="smtp",
            port=server.port,
            connections=connections,
        )

    assert len(scenes) > 15
    assert any(scene.found_uncertain for scene in scenes)
    assert any(not scene.found_uncertain for scene in scenes)


@pytest.mark.parametrize(("people", "senders"), [(4, 1), *([(4, 2)] if IS_THOROUGH else [])])
def test_sendgrid_at_every_step(runner: Warm, tmp_path: Path, people: int, senders: int) -> None:
    """At most one batch in doubt for each request under way."""
    with FakeSendGrid(api_key=API_KEY) as fake:
        scenes = every_step(
            runner,
            tmp_path,
            people=people,
            window=2,
            most_uncertain=2 * senders,
            server=fake,
            senders=senders,
            transport="sendgrid",
            port=int(fake.url.rpartition(":")[2]),
        )

    assert len(scenes) > 15
    assert any(scene.found_uncertain for scene in scenes)
    assert any(not scene.found_uncertain for scene in scenes)


@pytest.mark.parametrize("policy", ["skip", "resend"])
@pytest.mark.parametrize("transport", ["smtp", *(["sendgrid"] if IS_THOROUGH else [])])
def test_the_policy_is_kept_at_every_step(runner: Warm, tmp_path: Path, transport: str, policy: str) -> None:
    """`skip` never doubles, `resend` never loses; neither leaves a doubt behind."""
    doubled = lost = 0
    with ScriptedServer() as smtp, FakeSendGrid(api_key=API_KEY) as fake:
        port = smtp.port if transport == "smtp" else int(fake.url.rpartition(":")[2])
        server = smtp if transport == "smtp" else fake
        people = prepare(
            tmp_path / "template",
            people=2 if IS_THOROUGH else 1,
            is_approved=True,
            policy=policy,
            transport=transport,
            port=port,
            batch_size=1,
        )
        for number in range(1, 1000):
            folder = tmp_path / str(number)
            shutil.copytree(tmp_path / "template", folder)
            forget(server)
            scene = Scene(runner, folder, people, 0, 2, server)
            if scene.send(kill_at=number)["code"] == 0:
                break
            scene.check_after_the_kill()
            assert scene.send()["code"] in {0, 3}
            got, rows = scene.got(), scene.rows()
            doubled += sum(count - 1 for count in got.values())
            lost += sum(address not in got for address in people)
            assert set(rows.values()) <= {"accepted", "abandoned"}
            assert all(got[address] for address, state in rows.items() if state == "accepted")
            shutil.rmtree(folder)

    if policy == "skip":
        assert doubled == 0
    else:
        assert lost == 0
        assert doubled > 0, "the doubt was never met: the test tests nothing"
