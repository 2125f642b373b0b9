"""Requests many addresses in bounded time: hosts in parallel, the addresses of one host one by one."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from digest.errors import FetchError, Refused
from digest.fetch import Fetcher, HttpAnswer

# Progress: how many are done, of how many, and of what.
Tell = Callable[[int, int, str], None]
# None: time ran out, or the host failed to answer too often.
Outcome = HttpAnswer | FetchError | None

_HOSTS_AT_ONCE = 6
_SECONDS_EACH = 10.0
# A host that does not answer costs ten seconds each time, and the others need their turn.
_PATIENCE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PoliteClient:
    """The HTTP client, and its limits."""

    fetcher: Fetcher
    private_hosts: frozenset[str] = frozenset()  # that may be contacted although only this network knows them
    seconds: float = 60.0  # for all addresses of one check together
    tell: Tell = lambda _done, _total, _what: None

    def ask(
        self, url: str, *, seconds: float = _SECONDS_EACH, method: str = "GET", most: int = 0
    ) -> HttpAnswer:
        """Request one address, following redirects.

        Raises:
            FetchError: there is no answer, or the guard does not allow the address.
        """
        return self.fetcher.ask(
            url, method=method, most=most, seconds=seconds, private_hosts=self.private_hosts
        )


def ask_all(
    urls: Sequence[str], ask: Callable[[str, float], HttpAnswer], *, web: PoliteClient, what: str
) -> dict[str, Outcome]:
    """What each address answers to `ask`, which gets the address and how many seconds it may take."""
    over = time.monotonic() + web.seconds
    outcomes: dict[str, Outcome] = dict.fromkeys(urls)
    done, lock, given_up = 0, threading.Lock(), threading.Event()

    def go_through(of_one_host: Iterable[str]) -> None:
        nonlocal done
        silences = 0
        for url in of_one_host:
            left = over - time.monotonic()
            if left > 0 and silences < _PATIENCE and not given_up.is_set():
                outcomes[url] = outcome = _outcome(ask, url, min(left, _SECONDS_EACH))
                silences = silences + 1 if _is_silence(outcome) else 0
            with lock:
                done += 1
                web.tell(done, len(urls), what)

    web.tell(0, len(urls), what)
    with ThreadPoolExecutor(_HOSTS_AT_ONCE) as threads:
        try:
            list(threads.map(go_through, _by_host(urls)))
        finally:
            given_up.set()  # an interrupt waits for one answer, not for all
    return outcomes


def _by_host(urls: Iterable[str]) -> list[list[str]]:
    hosts: defaultdict[str, list[str]] = defaultdict(list)
    for url in urls:
        hosts[urlsplit(url).netloc.rpartition("@")[2].lower()].append(url)
    return list(hosts.values())


def _outcome(ask: Callable[[str, float], HttpAnswer], url: str, seconds: float) -> Outcome:
    try:
        return ask(url, seconds)
    except FetchError as error:
        return error


def _is_silence(outcome: Outcome) -> bool:
    return isinstance(outcome, FetchError) and not isinstance(outcome, Refused)
