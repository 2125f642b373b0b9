"""Waiting for what a test looks at, and never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

MOST = 60.0  # seconds, for a machine that is busy with other things; a quiet one takes hundredths


def until(is_so: Callable[[], object], *, what: str = "it never came to be") -> None:
    """Return as soon as it is so.

    Raises:
        AssertionError: it was not so for a minute.
    """
    end = time.monotonic() + MOST
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.01)
