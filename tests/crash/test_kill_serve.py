"""`digest serve` killed in the middle of a send: the next one goes on, and nobody has it twice."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fakes.folders import prepare
from fakes.smtp import AcceptingServer

pytestmark = pytest.mark.slow

PEOPLE = 60


def digest(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "digest", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "digest", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = ""
        while not (found := re.search(r"Serving on (http://\S+);", said)):
            line = process.stderr.readline()
            assert line, said
            said += line
        try:
            yield process, found[1]
        finally:
            process.kill()
            process.wait(timeout=30)


def asked(address: str, token: str, path: str, **body: Any) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{address}{path}",
        data=json.dumps(body).encode() if body else None,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        told: dict[str, Any] = json.loads(answer.read())
    return told


def states(folder: Path) -> Counter[str]:
    counted = "SELECT state, count(*) FROM delivery GROUP BY state"
    with sqlite3.connect(folder / "digest.db") as database:
        found = Counter(dict(database.execute(counted).fetchall()))
    database.close()
    return found


def wait_until(done: Any, what: str) -> None:
    until = time.monotonic() + 60
    while not done():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def test_the_next_server_goes_on_and_nobody_has_it_twice(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    with AcceptingServer() as server:
        server.before_accept = lambda: time.sleep(0.02)
        prepare(folder, people=PEOPLE, is_approved=False, transport="smtp", port=server.port, connections=2)
        digest(folder, "draft")
        made = digest(folder, "tokens", "add", "robot", "--role", "publisher", "--json")
        token = json.loads(made)["token"]

        with serving(folder) as (process, address):
            revision = asked(address, token, "/api/issues/weekly/1")["revision"]
            asked(address, token, "/api/issues/weekly/1/approve", revision=revision, when="now")
            wait_until(lambda: len(server.taken) >= PEOPLE // 4, "it never began")
            os.kill(process.pid, signal.SIGKILL)
            process.wait(timeout=30)
        before = len(server.taken)
        assert before < PEOPLE

        with serving(folder):
            wait_until(
                lambda: not {"pending", "claimed", "submitting", "deferred"} & states(folder).keys(),
                "nobody went on",
            )
        told = states(folder)
        received = Counter(taken.recipients[0] for taken in server.taken)

    assert max(received.values()) == 1, "nobody twice"
    assert told["accepted"] + told["uncertain"] == PEOPLE, told
    assert told["uncertain"] <= 2, "one for each connection"
    assert told["accepted"] <= len(received) <= told["accepted"] + told["uncertain"]
