"""What sites ask robots not to fetch (RFC 9309), cached for a day."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from digest.errors import FetchError

_DAY = 24 * 3600.0


class Robots:
    """Answers from each origin's robots.txt; a missing or failing one allows everything."""

    def __init__(self, read: Callable[[str], str], *, user_agent: str) -> None:
        """`read` returns the text at an address or raises FetchError."""
        self._read = read
        self._user_agent = user_agent
        self._lock = threading.Lock()
        self._texts: dict[str, tuple[float, str]] = {}

    def allow(self, url: str, *, origin: str) -> bool:
        """Whether `url` may be fetched; `origin` is its scheme, host and port."""
        text = self._text_of(origin)
        if not text.strip():
            return True
        from protego import Protego

        return bool(Protego.parse(text).can_fetch(url, self._user_agent))

    def _text_of(self, origin: str) -> str:
        with self._lock:
            known = self._texts.get(origin)
        if known and time.monotonic() - known[0] < _DAY:
            return known[1]

        try:
            text = self._read(f"{origin}/robots.txt")
        except FetchError:
            text = ""
        with self._lock:
            self._texts[origin] = (time.monotonic(), text)
        return text
