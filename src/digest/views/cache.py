"""What the views have worked out lately: one cache for all of them.

A value is kept under a key, with the part of the `Freshness` that it depends on,
and counts for as long as that part is the same.  Each kind of value has room of
its own, so that many small ones push out no large one.
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
    """Kinds of values, each with how many of it are kept; those that were not used longest go first."""

    REPORT = ("pre-flight of an issue", 16)  # some 200 KB each
    INSIGHTS = ("what follows from a report", 16)
    EARLIER = ("subjects of the issues before one", 64)
    LAST_SENT = ("the issue that went out before one", 16)
    DRAFT = ("an issue that is not sent, on home", 64)
    PLAN = ("the plan of a newsletter", 64)
    PLAN_PAGE = ("the same, as its page shows it", 64)
    COUNTS = ("deliveries of an issue that is finished", 2_000)
    LOG = ("what was done with an issue", 16)
    ARTICLES = ("how many articles there are", 64)
    PEOPLE = ("who came and who left", 1)

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
    """Thread-safe; of one value that is asked for twice at once, one is made, and both get it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shelves = {kind: _Shelf() for kind in Kind}

    def of(self, kind: Kind, key: Hashable, fresh: Hashable, make: Callable[[], T]) -> T:
        """The value that is kept, if it is as fresh as that; else what `make` makes.

        What `make` raises is raised to all who wait for it, and nothing is kept.
        A `make` may ask for other values, and never for its own.
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
        """Values that are made together; `make` is asked for those that are not kept, even if there are none.

        `changed` takes an older freshness, and tells of a key whether its value may be another one since
        then.  The others count as fresh from now on.  What `make` does not return is not kept.
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
        except BaseException as error:  # noqa: BLE001 - it is raised to each who waits
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
