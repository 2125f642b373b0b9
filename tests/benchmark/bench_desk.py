"""What the desk's pages cost the server: `./dev bench -k desk`, printed, never asserted by the clock.

One SQLite database with 500 issues and 100,000 articles; the last issues went to
12,000 people each.  Asked through the real application, without a network.  What
the test client itself costs is told by /healthz, which reads nothing.

DIGEST_BENCH_PROFILE=1 prints where the time of each page goes.
"""

from __future__ import annotations

import cProfile
import io
import os
import platform
import pstats
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from starlette.testclient import TestClient

from benchmark.figures import note
from digest.application import Application
from digest.clock import Clock
from digest.model.article import ArticleId
from digest.model.issue import Layout, Rendered, Section, Teaser
from digest.storage.codec import to_json
from digest.storage.dialect import chunks
from digest.storage.tables import article, delivery, issue, issue_article, source
from digest.web.app import create_app
from digest.wiring import Container
from fakes.databases import NOW, subscribe

ISSUES, ARTICLES, STORIES = 500, 100_000, 12
LARGE, PEOPLE, FEW = 12, 12_000, 100  # so many large issues, to so many people; to few before
SOURCES = 5
SECRET = "one-time-secret"
ROUNDS = 60
WEEK = timedelta(weeks=1)
SETTINGS = """
[site]
name = "Example Engineering"
url = "https://blog.example.com"
public_url = "https://news.example.com"
postal_address = "Example Ltd, 1 Example Street, Example Town"
[delivery]
transport = "outbox"
[newsletters.weekly]
title = "Example Weekly"
sender = "Example <digest@news.example.com>"
timezone = "Europe/Berlin"
schedule = "Tue 09:00"
"""
A_SOURCE = (
    '[[newsletters.weekly.sources]]\nkind = "feed"\nname = "Blog {0}"\nurl = "https://{0}.example.com/"\n'
)


def bench_desk(tmp_path: Path, capsys) -> None:
    (tmp_path / "digest.toml").write_text(SETTINGS + "".join(A_SOURCE.format(n) for n in range(SOURCES)))
    parts = Container.from_file(tmp_path / "digest.toml", environ={}, clock=Clock(NOW))
    try:
        begin = time.perf_counter()
        fill(parts)
        filled = time.perf_counter() - begin
        size = (tmp_path / "digest.db").stat().st_size / 1e6
        desk = Application(parts).desk
        told = [profile("home", desk.home), profile("an issue", lambda: desk.issue("weekly", ISSUES))]
        told.append(profile("all issues", lambda: desk.all_issues(newsletter="", state="", page=1)))
        told.append(profile("a plan", lambda: desk.plan("weekly")))
        with as_editor(parts) as editor:
            rows = measured(parts, editor)
    finally:
        parts.close()
    with capsys.disabled():
        print(f"\n\n{platform.machine()}, {os.cpu_count()} cores, CPython {platform.python_version()}")
        print(f"{ISSUES} issues, {ARTICLES:,} articles, {size:.0f} MB; filled in {filled:.0f} s")
        print(f"{'':<52} median    p95    first")
        print("\n".join(rows))
        if os.environ.get("DIGEST_BENCH_PROFILE"):
            print("\n".join(told))


def measured(parts: Container, editor: TestClient) -> list[str]:
    """Medians and p95 in milliseconds; the first answer of a process beside them."""
    rows = [row("GET /healthz, the test client alone", editor, "/healthz")]
    rows.append(row("GET /desk, a draft waits", editor, "/desk"))
    rows.append(row(f"GET /desk/weekly/{ISSUES}, the draft", editor, f"/desk/weekly/{ISSUES}"))
    rows.append(row("GET /desk/issues, the first fifty", editor, "/desk/issues"))
    rows.append(row("GET /desk/issues, the last fifty", editor, f"/desk/issues?page={ISSUES // 50}"))
    rows.append(row("GET /desk/issues, those that were sent", editor, "/desk/issues?state=sent"))
    rows.append(row("GET /desk/weekly/sources/…", editor, "/desk/weekly/sources/Blog%201"))
    rows.append(row("GET /desk/weekly/plan, after a draft", editor, "/desk/weekly/plan"))
    with parts.database.write() as connection:
        connection.execute(issue.update().where(issue.c.number == ISSUES).values(state="cancelled"))
        connection.execute(issue_article.delete())
    rows.append(row("GET /desk, no draft: the next issue is planned", editor, "/desk"))
    rows.append(row("GET /desk/weekly/plan, no draft", editor, "/desk/weekly/plan"))
    return rows


def row(what: str, editor: TestClient, path: str) -> str:
    taken = []
    for _ in range(ROUNDS + 1):
        begin = time.perf_counter()
        answer = editor.get(path)
        taken.append((time.perf_counter() - begin) * 1000)
        assert answer.status_code == 200, answer.text
    first, rest = taken[0], sorted(taken[1:])
    median, p95 = statistics.median(rest), rest[int(0.95 * len(rest))]
    for name, value in (("median", median), ("p95", p95), ("first answer", first)):
        note(f"desk: {what}, {name}", value, "ms")
    return f"{what:<52} {median:6.1f} {p95:6.1f} {first:8.1f} ms"


def profile(what: str, work: Callable[[], object]) -> str:
    """Where the time of a warm answer goes, without the page around it."""
    seen, out = cProfile.Profile(), io.StringIO()
    work()
    seen.runcall(lambda: [work() for _ in range(5)])
    pstats.Stats(seen, stream=out).sort_stats("cumulative").print_stats(45)
    return f"\n{what}, five times\n{out.getvalue()}"


@contextmanager
def as_editor(parts: Container) -> Iterator[TestClient]:
    """A browser of this machine that has opened the one-time link."""
    app = create_app(Application(parts), one_time_secret=SECRET)
    client = TestClient(
        app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50_000), follow_redirects=False
    )
    with client:
        assert client.get(f"/desk/enter/{SECRET}").status_code == 303
        yield client


# -- what is in the database -----------------------------------------------------------------


def fill(parts: Container) -> None:
    keys = [spec.key for spec in parts.newsletter("weekly").sources]
    with parts.database.write() as connection:
        subscribe(connection, *(f"p{number}" for number in range(PEOPLE)), at=begin_of(0))
        connection.execute(insert(source), [health(key) for key in keys])
        for some in chunks(range(ARTICLES), 5_000):
            connection.execute(insert(article), [an_article(number, keys) for number in some])
        for number in range(1, ISSUES + 1):
            add_issue(connection, number)


def health(key: str) -> dict[str, Any]:
    moments = {"first_read": begin_of(0), "last_fetched": NOW - timedelta(minutes=8), "last_new": NOW}
    return {"newsletter": "weekly", "key": key, "ok": True, "shown": list(range(50)), **moments}


def an_article(number: int, keys: Sequence[str]) -> dict[str, Any]:
    """One of 200 a week; the first twelve of a week are in its issue."""
    week, place = divmod(number, ARTICLES // ISSUES)
    seen = begin_of(week) + WEEK * place / (ARTICLES // ISSUES)
    printed = week + 1 if place < STORIES else None
    return {
        "newsletter": "weekly",
        "source": keys[number % len(keys)],
        "url": f"https://blog.example.com/{number}",
        "title": f"Story {number}: what the queue did when nobody looked",
        "teaser": "We measured it on five replicas in three cities. The median hardly moves. " * 3,
        "author": "Ann Example",
        "published": seen,
        "first_seen": seen,
        "dated": seen,
        "last_issue": printed,
        "last_issued_at": begin_of(week + 1) if printed else None,
    }


def add_issue(connection: Any, number: int) -> None:
    first = (number - 1) * (ARTICLES // ISSUES) + 1
    is_draft = number == ISSUES
    made = begin_of(number)
    state = {"state": "draft"} if is_draft else {"state": "sent", "content_hash": "x" * 64, "sent_at": made}
    values = {
        "newsletter": "weekly",
        "number": number,
        "created_at": made,
        "selected_at": made,
        "layout": to_json(layout(first)),
        "left_out": [[first + place, "over the limit of 12; next in line"] for place in range(STORIES, 200)],
        "rendered": None if is_draft else to_json(printed(number)),
        **state,
    }
    key = connection.execute(insert(issue).values(**values)).inserted_primary_key[0]
    connection.execute(
        insert(issue_article), [{"issue_id": key, "article_id": first + place} for place in range(STORIES)]
    )
    if not is_draft:
        deliver(connection, key, PEOPLE if number >= ISSUES - LARGE else FEW, made)


def deliver(connection: Any, key: int, people: int, at: datetime) -> None:
    rows = [
        {
            "issue_id": key,
            "subscription_id": place + 1,
            "address": f"p{place}@example.org",
            "address_key": f"p{place}@example.org",
            "state": "refused" if place % 400 == 0 else "accepted",
            "event": "" if place % 400 == 0 else ("bounced" if place % 300 == 0 else "delivered"),
            "event_at": at,
            "updated_at": at,
        }
        for place in range(people)
    ]
    connection.execute(insert(delivery), rows)


def layout(first: int) -> Layout:
    teasers = tuple(
        Teaser(
            article_id=ArticleId(first + place),
            url=f"https://blog.example.com/{first + place - 1}",
            headline=f"Story {first + place - 1}: what the queue did when nobody looked",
            text="We measured it on five replicas in three cities. The median hardly moves.",
            author="Ann Example",
            minutes=5,
        )
        for place in range(STORIES)
    )
    return Layout(lead=teasers[0], sections=(Section(title="Engineering", teasers=teasers[1:]),))


def printed(number: int) -> Rendered:
    return Rendered(
        subject=f"What the queue did in week {number}",
        preheader="The median hardly moves",
        html="<p>A mail of a usual size.</p>" * 1_500,
        text="A mail of a usual size.\n" * 300,
        nonce="n",
        language="en",
    )


def begin_of(week: int) -> datetime:
    """The last week is the one before now."""
    return NOW - WEEK * (ISSUES - week)
