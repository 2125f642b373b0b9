"""Runs `digest` in a process that is killed at its N-th step, again and again from one warm parent.

A step is a moment at which a crash may matter: before and after a commit, after
a name was given to a file, before an fsync, after bytes were handed to a socket
and before and after an HTTP answer.  The product knows nothing of it: the steps
are laid around what it calls.

An order to it names "kill_at" (0: never), "window" for the outbox and "senders"
for SendGrid; see `fakes.warm`.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fakes.warm import SENDING, serve


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


def lay_around(step: Steps, *, window: int, senders: int) -> None:
    """Put a step beside everything that leaves a trace."""
    from digest.storage.database import Database
    from digest.transports.outbox.transport import Outbox
    from digest.transports.sendgrid import provider
    from digest.transports.smtp.wire import Line

    write = Database.write

    @contextlib.contextmanager
    def counted_write(self: Database) -> Iterator[Any]:
        with write(self) as connection:
            yield connection
            step()
        step()

    Database.write = counted_write  # type: ignore[method-assign]
    _lay_around_the_hot_ledger(step)
    Outbox.window = window
    assert provider._IN_FLIGHT
    provider._IN_FLIGHT = senders

    os.replace = _then(os.replace, step)
    os.fsync = _first(os.fsync, step)
    Line.push = _then(Line.push, step)  # type: ignore[method-assign]
    socket.socket.sendall = _then(socket.socket.sendall, step)  # type: ignore[method-assign]
    http.client.HTTPResponse.begin = _first(  # type: ignore[method-assign]
        _then(http.client.HTTPResponse.begin, step), step
    )


def _lay_around_the_hot_ledger(step: Steps) -> None:
    """Before and after each of its commits."""
    from digest.storage import ledger_sqlite

    transaction = ledger_sqlite._Transaction
    leave = transaction.__exit__

    def counted_leave(self: Any, *given: Any) -> Any:
        step()
        answer = leave(self, *given)
        step()
        return answer

    transaction.__exit__ = counted_leave  # type: ignore[method-assign]


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


def prepare(order: dict[str, Any]) -> None:
    lay_around(Steps(order["kill_at"]), window=order["window"], senders=order["senders"])


if __name__ == "__main__":
    serve(prepare, modules=SENDING)
