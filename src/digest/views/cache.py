"""One cache for all views.

A value is stored under a key together with the part of the `Freshness` it depends
on, and is valid while that part is unchanged.  Each kind of value has its own
limit, so that many small values do not push out large ones.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Kind(Enum):
    """Kinds of values, each with its limit; the least recently used are dropped first."""

    REPORT = ("pre-flight of an issue", 16)  # about 200 KB each
    INSIGHTS = ("insights that follow from a report", 16)
    EARLIER = ("subjects of earlier issues", 64)
    LAST_SENT = ("the issue sent before", 16)
    DRAFT = ("an unsent issue, on home", 64)
    PLAN = ("the plan of a newsletter", 64)
    PLAN_PAGE = ("the plan as its page shows it", 64)
    COUNTS = ("deliveries of a finished issue", 2_000)
    LOG = ("activity log of an issue", 16)
    ARTICLES = ("number of articles", 64)
    PEOPLE = ("new and lost subscribers", 1)

    def __init__(self, what: str, kept: int) -> None:
        self.what = what
        self.kept = kept


@dataclass(slots=True)
class _Entry:
    fresh: Hashable
    value: Future[Any]


@dataclass(slots=True)
class _Shelf:
    entries: OrderedDict[Hashable, _Entry] = field(default_factory=OrderedDict)
    together: threading.Lock = field(default_factory=threading.Lock)  # for `of_many`


class ViewCache:
    """Thread-safe; if a value is asked for twice at once, it is made once and both callers get it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shelves = {kind: _Shelf() for kind in Kind}

    def of(self, kind: Kind, key: Hashable, fresh: Hashable, make: Callable[[], T]) -> T:
        """The cached value if its freshness equals `fresh`; otherwise the result of `make`.

        An exception from `make` is raised to all who wait for the value, and nothing is
        cached.  `make` may ask for other values, but never for its own.
        """
        with self._lock:
            entries = self._shelves[kind].entries
            entry = entries.get(key)
            if entry is not None and entry.fresh == fresh:
                entries.move_to_end(key)
                value, is_mine = entry.value, False
            else:
                value, is_mine = Future[T](), True
                self._keep(kind, key, _Entry(fresh, value))
        if is_mine:
            self._make(kind, key, value, make)
        made: T = value.result()
        return made

    def of_many(
        self,
        kind: Kind,
        keys: Collection[K],
        fresh: Hashable,
        make: Callable[[list[K]], Mapping[K, T]],
        *,
        changed: Callable[[Hashable], Callable[[K], bool]],
    ) -> dict[K, T]:
        """Values that are made together; `make` is called with the keys not cached, even if there are none.

        `changed` takes an older freshness and returns a test of whether a key's value may have changed
        since.  The other values count as fresh from now on.  Keys that `make` does not return are not cached.
        """
        with self._shelves[kind].together:
            kept = self._still_fresh(kind, fresh, changed)
            known = {key: kept[key] for key in keys if key in kept}
            made = make([key for key in keys if key not in known])
            with self._lock:
                for key, value in made.items():
                    done: Future[T] = Future()
                    done.set_result(value)
                    self._keep(kind, key, _Entry(fresh, done))
            return {**known, **made}

    def _still_fresh(
        self, kind: Kind, fresh: Hashable, changed: Callable[[Hashable], Callable[[K], bool]]
    ) -> dict[K, Any]:
        with self._lock:
            entries = dict(self._shelves[kind].entries)
        has_changed = {old: changed(old) for old in {entry.fresh for entry in entries.values()} - {fresh}}
        with self._lock:
            shelf = self._shelves[kind].entries
            for key, entry in entries.items():
                if entry.fresh == fresh:
                    continue
                if has_changed[entry.fresh](key):  # type: ignore[arg-type]  # a kind's keys are of one type
                    shelf.pop(key, None)
                else:
                    entry.fresh = fresh
            return {key: entry.value.result() for key, entry in shelf.items()}  # type: ignore[misc]

    def _make(self, kind: Kind, key: Hashable, value: Future[T], make: Callable[[], T]) -> None:
        try:
            value.set_result(make())
        except BaseException as error:  # noqa: BLE001 - raised to everyone who waits
            with self._lock:
                entries = self._shelves[kind].entries
                if key in entries and entries[key].value is value:
                    del entries[key]
            value.set_exception(error)

    def _keep(self, kind: Kind, key: Hashable, entry: _Entry) -> None:
        entries = self._shelves[kind].entries
        entries[key] = entry
        entries.move_to_end(key)
        while len(entries) > kind.kept:
            entries.popitem(last=False)
