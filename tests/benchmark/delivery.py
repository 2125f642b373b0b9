"""What the delivery benchmarks share: an approved issue of a given size, sinks, and peers to race against."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from digest.message.merge_slots import SlotName, marker
from digest.model.article import FoundArticle
from digest.model.issue import Issue, Layout, Rendered, Selection, Teaser
from digest.model.newsletter import Mailbox, Newsletter, Policy, Site, SourceSpec
from digest.rules.slots import parse_schedule
from digest.storage import articles, issues, ledger
from digest.storage.database import Database
from digest.storage.tables import subscriber, subscription
from digest.workflows.composing.compose import Composer, compiled

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SITE = Site(
    name="Bench",
    url="https://blog.example.com",
    public_url="https://news.example.com",
    postal_address="Bench Ltd, 1 Measure Row, Clocktown",
)
WEEKLY = Newsletter(
    name="weekly",
    title="Weekly",
    sender=Mailbox("Weekly", "digest@news.example.com"),
    sources=(SourceSpec(kind="feed", key="feed", name="Blog", url="https://blog.example.com/"),),
    policy=Policy(),
    schedule=parse_schedule("Mon 09:00"),
)
COMPOSER = Composer(site=SITE, newsletter=WEEKLY, folders=(), secret_keys=("a bench key of some length",))


def approved_issue(database: Database, *, recipients: int, kilobytes: int) -> Issue:
    """An issue with that many kilobytes of HTML, its audience frozen; neither is part of the measurement."""
    _people(database, recipients)
    with database.write() as connection:
        story = FoundArticle(url="https://blog.example.com/story/", title="Story", published=NOW)
        (number,) = articles.add(
            connection, WEEKLY.name, [story], source_key="feed", seen=NOW, is_backlog=False
        )
        lead = Teaser(article_id=number, url=story.url, headline=story.title)
        nothing = Selection(chosen=(), left_out=(), since=None)
        draft = issues.add_draft(
            connection, WEEKLY.name, layout=Layout(lead=lead), selection=nothing, now=NOW
        )
        rendered = content(kilobytes)
        content_hash = compiled(COMPOSER, replace(draft, rendered=rendered), now=NOW).content_hash
        issues.freeze(
            connection,
            draft.id,
            rendered=rendered,
            content_hash=content_hash,
            at=NOW,
            by="bench",
            overrides=(),
        )
        ledger.freeze_audience(connection, draft.id, WEEKLY.name, at=NOW)
        return issues.by_id(connection, draft.id)


def _people(database: Database, recipients: int) -> None:
    for first in range(0, recipients, 20_000):
        numbers = range(first + 1, min(first + 20_000, recipients) + 1)
        with database.write() as connection:
            connection.execute(
                subscriber.insert(),
                [
                    {
                        "id": n,
                        "address": f"reader{n}@example.org",
                        "address_key": f"reader{n}@example.org",
                        "name": f"Reader {n}",
                        "created_at": NOW,
                    }
                    for n in numbers
                ],
            )
            connection.execute(
                subscription.insert(),
                [
                    {
                        "id": n,
                        "subscriber_id": n,
                        "newsletter": WEEKLY.name,
                        "state": "confirmed",
                        "topics": [],
                        "since": NOW,
                    }
                    for n in numbers
                ],
            )


def content(kilobytes: int) -> Rendered:
    """HTML and text of the given size, with the slots that a real issue has."""
    chance = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyz     "
    nonce = "0123456789abcdef0123"
    unsubscribe, address = marker(nonce, SlotName.UNSUBSCRIBE_URL), marker(nonce, SlotName.ADDRESS)
    lines = ("<p>" + "".join(chance.choices(letters, k=200)) + "</p>" for _ in range(kilobytes * 5))
    body = "\n".join(lines)[: kilobytes * 1000]
    foot = f'<p>You get this at {address}. <a href="{unsubscribe}">Unsubscribe</a></p>'
    return Rendered(
        subject="What is new",
        preheader="",
        html=f"<!DOCTYPE html><html><body>{body}{foot}</body></html>\n",
        text=body[: kilobytes * 120] + f"\n\nYou get this at {address}.\n{unsubscribe}\n",
        nonce=nonce,
        language="en",
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(name: str) -> str | None:
    """Postfix's tools lie where only root looks."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/libexec/postfix")


@contextmanager
def smtp_sink() -> Iterator[int]:
    """A sink on a free port that takes everything and keeps nothing: Postfix's, or else our own."""
    port = free_port()
    if postfix := program("smtp-sink"):
        command = [postfix, "-u", "nobody", f"127.0.0.1:{port}", "1000"]
    else:
        command = [sys.executable, str(Path(__file__).with_name("sink.py")), str(port)]
    sink = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port
    finally:
        sink.terminate()
        sink.wait(10)


def smtp_source(port: int, *, messages: int, octets: int, sessions: int = 10) -> float:
    """Messages a second of Postfix's generator with reused connections."""
    command = [str(program("smtp-source")), "-d", "-s", str(sessions), "-m", str(messages), "-l", str(octets)]
    begin = time.perf_counter()
    subprocess.run([*command, f"127.0.0.1:{port}"], check=True, capture_output=True, timeout=120)
    return messages / (time.perf_counter() - begin)


def wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(port)


def fresh_database(folder: Path, name: str) -> Database:
    for old in folder.glob(f"{name}.db*"):
        old.unlink()
    return Database(f"sqlite:///{folder / name}.db")
