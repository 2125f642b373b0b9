"""The real server: announces itself, logs no addresses, stops by a signal."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from digest.errors import SettingsError
from digest.web.serve import serve

PROGRAM = """
import logging, sys
sys.path.insert(0, sys.argv[1])
from web.fake_application import FakeApplication
from web.fake_views import SITE, Clock, FakeDesk, FakeProbes, FakeReaders
from digest.web.app import create_app
from digest.web.serve import serve

logging.basicConfig(level=logging.DEBUG)
app = create_app(FakeApplication(), one_time_secret="s", read_only=True)
serve(app, host="127.0.0.1", port=0, on_start=lambda address: print(address, flush=True))
print("stopped", flush=True)
"""


def test_it_serves_until_a_signal_and_logs_no_address_of_a_page() -> None:
    """Port 0 takes a free one; addresses of pages hold tokens."""
    tests = str(Path(__file__).parents[1])
    command = [sys.executable, "-c", PROGRAM, tests]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = process.stdout.readline().strip()
        request = urllib.request.Request(
            f"{address}/healthz?canary-token", headers={"X-Forwarded-For": "8.8.8.8"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.read() == b"ok\n"
            assert answer.headers["server"] is None
        process.send_signal(signal.SIGTERM)
        rest, log = process.communicate(timeout=15)

    assert (process.returncode, rest) == (0, "stopped\n")
    assert "canary-token" not in log


def test_a_port_in_use_is_said_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError) as refused:
        serve(lambda *_: None, host="127.0.0.1", port=taken.getsockname()[1], on_start=print)  # type: ignore[arg-type,return-value]

    assert ": Address already in use. Choose another port with --port" in str(refused.value)
