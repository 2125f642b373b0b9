"""Sending in the background: a thread for each issue that this process sends.

The ledger's leases ensure that no two processes send the same issue at the same
time; after a crash, the next process resumes where the last one stopped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from digest.application import SenderState
from digest.model.issue import Issue

_PATIENCE = 30.0  # seconds that `close` waits for a sender


class BackgroundSenders:
    """The sender threads of one process; `close` waits for them."""

    def __init__(self) -> None:
        self._threads: dict[int, threading.Thread] = {}
        self._troubles: dict[int, str] = {}
        self._again: set[int] = set()  # issues whose send was requested while one was ending
        self._lock = threading.Lock()

    def start(self, issue: Issue, work: Callable[[], str]) -> None:
        """Call `work` in its own thread; if one is running for this issue, it calls `work` once more."""
        with self._lock:
            running = self._threads.get(issue.id)
            if running is not None and running.is_alive():
                # It may have seen a pause and be about to end, so have it check once more first.
                self._again.add(issue.id)
                return
            self._troubles.pop(issue.id, None)
            thread = threading.Thread(
                target=self._run, args=(issue, work), name=f"send {issue.ref}", daemon=True
            )
            self._threads[issue.id] = thread
            thread.start()

    def state(self, issue: Issue) -> SenderState:
        with self._lock:
            thread = self._threads.get(issue.id)
            return SenderState(
                is_running=thread is not None and thread.is_alive(),
                trouble=self._troubles.get(issue.id, ""),
            )

    def close(self) -> None:
        """Wait up to 30 seconds for the senders; the next process resumes any that take longer."""
        until = time.monotonic() + _PATIENCE
        with self._lock:
            threads = list(self._threads.values())
        for thread in threads:
            thread.join(timeout=max(0.0, until - time.monotonic()))

    def _run(self, issue: Issue, work: Callable[[], str]) -> None:
        """Repeat `work` until no further send was requested while it ran."""
        while True:
            trouble = work()
            with self._lock:
                if trouble:
                    self._troubles[issue.id] = trouble
                if issue.id not in self._again:
                    self._threads.pop(issue.id, None)
                    return
                self._again.remove(issue.id)
