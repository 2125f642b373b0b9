"""Runs `digest` in a process that is killed at its N-th step, again and again from one warm parent.

A step is a moment at which a crash may matter: before and after a commit, after
a name was given to a file, before an fsync, and after a send on a socket.  The
product knows nothing of it: the steps are laid around what it calls.

Reads one JSON document a line: {"words", "kill_at" (0: never), "window"};
answers with {"code" (negative: the signal), "out", "steps"}.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any


class Steps:
    """Counts, and dies at the one it was told."""

    def __init__(self, kill_at: int) -> None:
        self.kill_at = kill_at
        self.count = 0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self.count += 1
            if self.count == self.kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(60)  # the signal is on its way


def lay_around(step: Steps, *, window: int) -> None:
    """Put a step beside everything that leaves a trace."""
    from digest.storage.database import Database
    from digest.transports.outbox import Outbox
    from digest.transports.smtp import Smtp

    write = Database.write

    @contextlib.contextmanager
    def counted_write(self: Database) -> Iterator[Any]:
        with write(self) as connection:
            yield connection
            step()
        step()

    Database.write = counted_write  # type: ignore[method-assign]
    Outbox.window = Smtp.window = window

    os.replace = _then(os.replace, step)
    os.fsync = _first(os.fsync, step)
    socket.socket.sendall = _then(socket.socket.sendall, step)  # type: ignore[method-assign]


def _first(call: Callable[..., Any], step: Steps) -> Callable[..., Any]:
    def counted(*given: Any, **more: Any) -> Any:
        step()
        return call(*given, **more)

    return counted


def _then(call: Callable[..., Any], step: Steps) -> Callable[..., Any]:
    def counted(*given: Any, **more: Any) -> Any:
        answer = call(*given, **more)
        step()
        return answer

    return counted


def warm_up() -> None:
    """Import what a send needs, once for all."""
    import digest.cli.app
    import digest.rendering.issue
    import digest.transports.outbox
    import digest.transports.smtp
    import digest.workflows.approve
    import digest.workflows.send  # noqa: F401


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Fork, run one command in the child, and say how it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_digest(order, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    answer = json.loads(said) if said else {"out": "", "steps": 0}
    return answer | {"code": os.waitstatus_to_exitcode(status)}


def _be_digest(order: dict[str, Any], writing: int) -> None:
    from digest.cli import main

    step = Steps(order["kill_at"])
    lay_around(step, window=order["window"])
    code = 70
    raw = io.BytesIO()
    sys.stdout = io.TextIOWrapper(raw, encoding="utf-8")
    try:
        main(order["words"])
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException as error:  # noqa: BLE001 - told to the test
        raw.write(repr(error).encode())
    sys.stdout.flush()
    os.write(writing, json.dumps({"out": raw.getvalue().decode(), "steps": step.count}).encode())
    os._exit(code)


def main() -> None:
    warm_up()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
