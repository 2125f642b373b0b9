"""Fresh databases with the newest schema, and what tests put into them.

SQLite always; PostgreSQL as well where `DIGEST_TEST_PG_URL` names a server on
which databases may be made (`postgresql+psycopg://user@host/name`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from digest.model.article import ArticleId, FoundArticle
from digest.model.issue import Choice, Issue, IssueState, Layout, Section, Selection, Teaser
from digest.model.newsletter import Mailbox, Newsletter, Policy
from digest.rules.slots import parse_schedule
from digest.storage import articles, issues, ledger, subscribers
from digest.storage.database import Connection, Database

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)  # Tuesday, nine o'clock in Berlin
SERVER = os.environ.get("DIGEST_TEST_PG_URL", "")
KINDS = ("sqlite", "postgresql") if SERVER else ("sqlite",)


@contextmanager
def fresh_url(kind: str, folder: Path, *, template: Path) -> Iterator[str]:
    """The address of a new database: a copy of the `template` file, or an empty one on the server."""
    if kind == "sqlite":
        shutil.copy(template, folder / "digest.db")
        yield f"sqlite:///{folder / 'digest.db'}"
        return
    from sqlalchemy import create_engine, make_url, text

    name = f"digest_test_{uuid4().hex[:12]}"
    server = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


def make_template(folder: Path) -> Path:
    """A migrated SQLite file to copy, since migrating takes longer than most tests."""
    file = folder / "template.db"
    Database(f"sqlite:///{file}").close()
    return file


def newsletter(name: str = "weekly", **values: object) -> Newsletter:
    given: dict[str, object] = {
        "name": name,
        "title": "Example Weekly",
        "sender": Mailbox("Example", "digest@news.example.com"),
        "sources": (),
        "policy": Policy(),
        "schedule": parse_schedule("Tue 09:00"),
        "timezone": "Europe/Berlin",
    }
    return Newsletter(**(given | values))  # type: ignore[arg-type]


def found(number: int, **values: object) -> FoundArticle:
    given: dict[str, object] = {
        "url": f"https://blog.example.com/story-{number}",
        "title": f"Story {number}",
        "published": NOW - timedelta(days=number),
    }
    return FoundArticle(**(given | values))  # type: ignore[arg-type]


def store(
    connection: Connection, *numbers: int, is_backlog: bool = False, seen: datetime = NOW, **values: object
) -> list[ArticleId]:
    """Articles of the newsletter "weekly"."""
    return articles.add(
        connection,
        "weekly",
        [found(number, **values) for number in numbers],
        source_key="feed:1",
        seen=seen,
        is_backlog=is_backlog,
    )


def layout_of(connection: Connection, ids: Sequence[int]) -> Layout:
    teasers = tuple(
        Teaser(article_id=a.id, url=a.url, headline=a.title) for a in articles.by_ids(connection, ids)
    )
    return Layout(lead=teasers[0] if teasers else None, sections=(Section(title="", teasers=teasers[1:]),))


def drafted(
    connection: Connection,
    ids: Sequence[int],
    *,
    newsletter: str = "weekly",
    slot_key: str = "",
    held: str = "",
    now: datetime = NOW,
) -> Issue:
    """A draft of these articles."""
    chosen = tuple(
        Choice(article=a, chosen=True, reason="new") for a in articles.by_ids(connection, sorted(ids))
    )
    return issues.add_draft(
        connection,
        newsletter,
        layout=layout_of(connection, ids),
        selection=Selection(chosen=chosen, left_out=(), since=None, held=held),
        now=now,
        slot_key=slot_key,
    )


def people(*names: str, domain: str = "example.org") -> list[dict[str, object]]:
    return [
        {
            "address": f"{name}@{domain}",
            "address_key": f"{name}@{domain}".casefold(),
            "name": name.title(),
            "language": "",
            "topics": [],
        }
        for name in names
    ]


def subscribe(connection: Connection, *names: str, newsletter: str = "weekly", at: datetime = NOW) -> int:
    return subscribers.add(connection, newsletter, people(*names), at=at, how="a test")


def under_way(database: Database, *names: str, now: datetime = NOW) -> Issue:
    """An issue in sending, its audience frozen."""
    with database.write() as connection:
        subscribe(connection, *names)
        [number] = store(connection, 1)
        issue = drafted(connection, [number], now=now)
        ledger.freeze_audience(connection, issue.id, "weekly", at=now)
        issues.move(connection, issue.id, to=IssueState.SENDING, among=[IssueState.DRAFT])
        return issues.by_id(connection, issue.id)
