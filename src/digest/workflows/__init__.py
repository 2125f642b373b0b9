"""What digest does, step by step: collect, draft, check, approve, send, feedback, subscribe.

A workflow puts steps in order and wraps them in transactions.  It makes no
decisions; `digest.rules` does.  Dependencies are keyword parameters.
"""

from __future__ import annotations

from collections.abc import Callable

# Called during long work: how much is done, out of how much, and what it is.
ReportProgress = Callable[[int, int, str], None]


def no_progress(_done: int, _total: int, _what: str) -> None:
    """Progress that nobody watches."""
