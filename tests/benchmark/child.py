"""What a benchmark runs in a process of its own: to measure its memory, or to be killed.

Its folder and that of the fakes have to be in PYTHONPATH.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path

from delivery import COMPOSER, NOW, approved_issue, fresh_database, smtp_sink

from digest.clock import Clock
from digest.message.compile import Compiled
from digest.message.splice import splice
from digest.model.delivery import Envelope, Outcome, Receipt
from digest.storage import issues, ledger
from digest.storage.database import Database
from digest.transports import OnWire
from digest.transports.smtp.transport import Smtp
from digest.workflows.sending.deliver import SendOptions, deliver, recover


class Accepting:
    """A transport that makes every message and takes it at once."""

    name, window, replaces = "accepting", 500, False

    def submit(
        self, compiled: Compiled, envelopes: Iterable[Envelope], *, on_wire: OnWire
    ) -> Iterator[Receipt]:
        drawn = iter(envelopes)
        while some := list(islice(drawn, self.window)):
            on_wire([envelope.delivery_id for envelope in some])
            for envelope in some:
                splice(compiled, envelope)
                yield Receipt(delivery_id=envelope.delivery_id, outcome=Outcome.ACCEPTED)

    def verify(self) -> str:
        return ""

    def close(self) -> None:
        """Nothing is open."""


def memory(folder: Path, recipients: int) -> float:
    """Megabytes at the peak of sending; the audience is made by another process."""
    name = f"memory-{recipients}"
    command = [sys.executable, __file__, "prepare", str(folder), str(recipients)]
    subprocess.run(command, check=True, capture_output=True)
    database = Database(f"sqlite:///{folder / name}.db")
    with database.read() as connection:
        issue = issues.by_number(connection, "weekly", 1)
    sent = deliver(
        issue,
        composer=COMPOSER,
        database=database,
        options=SendOptions(open=Accepting, senders=8),
        clock=Clock(NOW),
    )
    assert sent.counts.accepted == recipients, sent
    return _peak()


def _peak() -> float:
    """Megabytes; not `ru_maxrss`, which a new program takes over from the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def prepare(folder: Path, recipients: int) -> float:
    approved_issue(fresh_database(folder, f"memory-{recipients}"), recipients=recipients, kilobytes=60)
    return 0


def kill(folder: Path, number: int) -> float:
    """Deliveries uncertain after a sender with ten connections was killed at a random moment."""
    database = fresh_database(folder, f"kill-{number}")
    issue = approved_issue(database, recipients=20_000, kilobytes=10)
    with smtp_sink() as port:
        command = [sys.executable, __file__, "victim", str(folder), f"{number}:{port}"]
        victim = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_until_sending(database, issue.id)
        time.sleep(random.uniform(0.05, 0.6))
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        recover(issue, policy="hold", database=database, clock=Clock(NOW))
        with database.read() as connection:
            counts = ledger.counts(connection, issue.id, now=NOW)
    assert counts.adds_up
    assert 0 < counts.accepted < 20_000, counts
    return counts.uncertain


def _wait_until_sending(database: Database, issue: int) -> None:
    for _ in range(600):
        with database.read() as connection:
            if ledger.counts(connection, issue, now=NOW).accepted:
                return
        time.sleep(0.02)
    raise TimeoutError


def victim(folder: Path, where: str) -> float:
    number, port = where.split(":")
    database = Database(f"sqlite:///{folder}/kill-{number}.db")
    with database.read() as connection:
        issue = issues.by_number(connection, "weekly", 1)
    options = SendOptions(
        open=lambda: Smtp(host="127.0.0.1", port=int(port), security="none", connections=10)
    )
    deliver(issue, composer=COMPOSER, database=database, options=options, clock=Clock(NOW))
    return 0


class _Door(BaseHTTPRequestHandler):
    """Takes every request as the provider would, and looks at nothing: what is measured is the sender."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(202)
        self.send_header("X-Message-Id", "measured")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def sendgrid(port: int) -> None:
    """A door that accepts everything, until the process is ended; two minutes at most."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Door)
    server.daemon_threads = True
    threading.Timer(120, server.shutdown).start()
    server.serve_forever()


if __name__ == "__main__":
    what, folder, argument = sys.argv[1:4]
    if what == "victim":
        victim(Path(folder), argument)
    elif what == "sendgrid":
        sendgrid(int(argument))
    else:
        print({"memory": memory, "prepare": prepare, "kill": kill}[what](Path(folder), int(argument)))
    sys.stdout.flush()
    os._exit(0)
