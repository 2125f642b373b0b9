"""The story in order: collect, draft, check, approve, send, feedback, subscribe.

A workflow puts steps in order and transactions around them.  It decides
nothing: that is for `digest.rules`.  Dependencies are keyword parameters.
"""

from __future__ import annotations

from collections.abc import Callable

# Told on long work: what is done, of how many, and of what.
Progress = Callable[[int, int, str], None]


def no_progress(_done: int, _total: int, _what: str) -> None:
    """The progress of someone who is not watching."""
