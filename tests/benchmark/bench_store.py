"""How planning and collecting grow with the store: `./dev bench`, printed, never asserted by the clock.

The figures are ratios within one run: the same work on a store of a thousand
articles is the baseline.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmark.figures import note
from digest.model.article import FoundArticle, Reading
from digest.model.newsletter import Mailbox, Newsletter, Policy, SourceSpec
from digest.rules.slots import parse_schedule
from digest.storage.database import Database
from digest.workflows.collecting.collect import collect
from digest.workflows.drafting.draft import plan
from fakes.activity import actor

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SIZES = (1_000, 10_000, 100_000)
ROUNDS = 5

WEEKLY = Newsletter(
    name="weekly",
    title="Weekly",
    sender=Mailbox("Weekly", "digest@news.example.com"),
    sources=(SourceSpec(kind="feed", key="feed", name="Blog", url="https://blog.example.com/"),),
    policy=Policy(),
    schedule=parse_schedule("Mon 09:00"),
)


def stories(first: int, last: int) -> tuple[FoundArticle, ...]:
    return tuple(
        FoundArticle(
            url=f"https://blog.example.com/{n // 100}/story-{n}/",
            title=f"Story number {n} of the site",
            teaser="What happened, and what it taught. " * 3,
            guid=f"tag:{n}",
            published=NOW - timedelta(hours=n % 90_000),
        )
        for n in range(first, last)
    )


def bench_plan_and_collect(tmp_path: Path, capsys) -> None:
    rows = []
    for size in SIZES:
        database = Database(f"sqlite:///{tmp_path / f'{size}.db'}")
        for first in range(0, size, 5_000):
            batch = stories(first, min(first + 5_000, size))
            collect(
                WEEKLY,
                database=database,
                by=actor("a test"),
                read=lambda _s, _v, b=batch: Reading(articles=b),
                now=NOW,
            )
        last = stories(max(0, size - 1_000), size)
        again = median(
            lambda database=database, last=last: collect(
                WEEKLY,
                database=database,
                by=actor("a test"),
                read=lambda _s, _v: Reading(articles=last),
                now=NOW,
            )
        )
        planned = median(lambda database=database: plan(WEEKLY, database=database, now=NOW))
        rows.append((size, planned, again))
        note(f"store: plan, {size:,} articles", planned * 1000, "ms")
        note(f"store: collect 1,000 known ones, {size:,} articles", again * 1000, "ms")
        database.close()
    with capsys.disabled():
        print(f"\n\n{'articles':>9}  {'plan':>9}  {'ratio':>6}  {'collect 1,000':>14}  {'ratio':>6}")
        for size, planned, again in rows:
            print(
                f"{size:>9,}  {planned * 1000:>6.0f} ms  {planned / rows[0][1]:>6.1f}"
                f"  {again * 1000:>11.0f} ms  {again / rows[0][2]:>6.1f}"
            )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        note("store: peak memory", peak, "MB")
        print(f"peak memory {peak} MB")


def median(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)
