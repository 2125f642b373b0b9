"""A newsletter folder just before its send: settings, people, one story, and where it goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from digest.clock import Clock
from digest.model.issue import Issue
from digest.storage.database import Database
from digest.wiring import Container
from digest.workflows.drafting.draft import draft
from digest.workflows.sending.approve import approve
from fakes.activity import actor
from fakes.databases import NOW, store, subscribe

# Takes the words of a command; returns its exit code and what it wrote to standard output and error.
Command = Callable[..., tuple[int, str, str]]

SETTINGS = """
[site]
name = "Example Engineering"
url = "https://blog.example.com"
public_url = "https://news.example.com"
postal_address = "Example Ltd, 1 Example Street, Example Town"
[delivery]
transport = "{transport}"
[delivery.smtp]
port = {port}
security = "none"
connections = {connections}
[delivery.sendgrid]
host = "http://127.0.0.1:{port}"
batch_size = {batch_size}
[newsletters.weekly]
title = "Example Weekly"
sender = "Example <digest@news.example.com>"
timezone = "Europe/Berlin"
schedule = "Tue 09:00"
on_uncertain = "{policy}"
[[newsletters.weekly.sources]]
kind = "feed"
url = "https://blog.example.com/index.xml"
"""


def prepare(folder: Path, *, people: int, is_approved: bool, **settings: Any) -> list[str]:
    """A folder with a database in it; the addresses."""
    folder.mkdir()
    given = {"transport": "outbox", "port": 1, "connections": 1, "batch_size": 2, "policy": "hold"} | settings
    (folder / "digest.toml").write_text(SETTINGS.format(**given))
    (folder / "secret-keys").write_text("a-key-for-tests\n")
    names = [f"p{n}" for n in range(people)]
    parts = Container.from_file(folder / "digest.toml", environ={}, clock=Clock(NOW))
    try:
        with parts.database.write() as connection:
            subscribe(connection, *names)
            store(connection, 1, teaser="What it is about.", author="Ann")
        if is_approved:
            _approve(parts, parts.database)
    finally:
        parts.close()
    return [f"{name}@example.org" for name in names]


def _approve(parts: Container, database: Database) -> None:
    newsletter = parts.newsletter("weekly")
    issue = draft(newsletter, database=database, by=actor("a test"), now=NOW)
    assert isinstance(issue, Issue)
    approve(issue, composer=parts.composer(newsletter), database=database, by=actor("a test"), now=NOW)
