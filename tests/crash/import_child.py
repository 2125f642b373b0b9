"""Runs `digest subscribers import` in a process that is killed at its N-th step, from one warm parent.

The first step is when all rows are read; then, before and after each transaction is kept.
An order names "kill_at" (0: never); see `fakes.warm`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fakes.warm import serve

MODULES = (
    "digest.application.results",
    "digest.cli.app",
    "digest.cli.people",
    "digest.wiring",
    "digest.sources.markdown",
    "digest.workflows.collecting.collect",
    "digest.workflows.collecting.enrich",
    "digest.workflows.people.subscribers",
    "email_validator",
    "rich.console",
    "sqlalchemy.dialects.sqlite",
)


def prepare(order: dict[str, Any]) -> None:
    from digest.storage.database import Database
    from digest.workflows.people import subscribers

    steps: int | None = None  # counted once all rows are read
    write = Database.write

    def step() -> None:
        nonlocal steps
        if steps is None:
            return
        steps += 1
        if steps == order["kill_at"]:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)  # the signal is on its way

    @contextlib.contextmanager
    def counted_write(self: Database) -> Iterator[Any]:
        with write(self) as connection:
            yield connection
            step()
        step()

    class Counted(subscribers.ImportSpool):
        def batches(self, size: int) -> Iterator[Any]:
            nonlocal steps
            steps = 0
            step()
            yield from super().batches(size)

    Database.write = counted_write  # type: ignore[method-assign]
    subscribers.ImportSpool = Counted  # type: ignore[misc]
    subscribers._AT_ONCE = 4


if __name__ == "__main__":
    serve(prepare, modules=MODULES)
