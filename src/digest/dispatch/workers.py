"""Runs several senders in threads of this process.

Knows nothing about issues or ledgers: it runs the same function in every thread and
waits until each has returned or one has failed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def run(work: Callable[[threading.Event], None], *, workers: int) -> None:
    """Call `work(stop)` once in each of `workers` threads and wait for all of them.

    `stop` is set as soon as one fails, so that the others end after what they have
    in hand.

    Raises:
        Exception: the first failure, after all threads have ended.
    """
    stop = threading.Event()

    def watched() -> None:
        try:
            work(stop)
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="sender") as pool:
        futures = [pool.submit(watched) for _ in range(workers)]
        try:
            for future in futures:
                future.result()
        except BaseException:
            # Also covers Ctrl-C in the waiting thread: the senders finish their window.
            stop.set()
            raise
