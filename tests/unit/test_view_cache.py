"""The views' cache: kept while fresh, bounded, and made once for all who ask at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from digest.views.cache import Kind, ViewCache


def test_a_value_is_made_again_only_when_it_is_not_fresh_any_more() -> None:
    cache, made = ViewCache(), []

    def of(fresh: int) -> int:
        return cache.of(Kind.PLAN, "weekly", fresh, lambda: made.append(fresh) or fresh)

    assert [of(1), of(1), of(2), of(2), of(1)] == [1, 1, 2, 2, 1]
    assert made == [1, 2, 1]


def test_what_was_not_used_longest_goes_first_and_takes_nothing_of_another_kind() -> None:
    cache, made = ViewCache(), []

    def of(kind: Kind, key: int) -> None:
        cache.of(kind, key, 0, lambda: made.append((kind, key)))

    of(Kind.PLAN, 0)
    for key in (*range(Kind.REPORT.kept), 0, Kind.REPORT.kept):
        of(Kind.REPORT, key)
    made.clear()
    for key in (0, 1):
        of(Kind.REPORT, key)
    of(Kind.PLAN, 0)

    assert made == [(Kind.REPORT, 1)]


def test_of_one_value_asked_for_at_once_one_is_made() -> None:
    cache, made = ViewCache(), []
    is_made, others_wait = threading.Event(), threading.Barrier(4)

    def make() -> str:
        made.append("once")
        is_made.wait(30)
        return "value"

    def ask() -> str:
        others_wait.wait(30)
        return cache.of(Kind.REPORT, 1, 1, make)

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask) for _ in range(4)]
        is_made.set()
        assert [one.result(30) for one in asked] == ["value"] * 4

    assert made == ["once"]


def test_what_fails_is_told_and_tried_again() -> None:
    cache = ViewCache()

    with pytest.raises(ZeroDivisionError):
        cache.of(Kind.REPORT, 1, 1, lambda: 1 // 0)

    assert cache.of(Kind.REPORT, 1, 1, lambda: 2) == 2


def test_of_many_only_those_are_made_that_have_changed() -> None:
    cache, asked = ViewCache(), []

    def make(keys: list[str]) -> dict[str, int]:
        asked.append(keys)
        return {key: len(asked) for key in keys}

    def of(fresh: int, changed: set[str]) -> dict[str, int]:
        return cache.of_many(
            Kind.COUNTS, ["a", "b"], fresh, make, changed=lambda _: lambda key: key in changed
        )

    assert of(1, set()) == {"a": 1, "b": 1}
    assert of(2, {"b"}) == {"a": 1, "b": 2}
    assert of(3, set()) == {"a": 1, "b": 2}
    assert asked == [["a", "b"], ["b"], []]
