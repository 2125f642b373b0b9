"""A list of people that is cut off by `kill -9`: who is in is in, and reading it again adds the rest."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digest.storage.database import Database
from fakes.databases import NOW
from fakes.warm import Warm

pytestmark = pytest.mark.slow

SETTINGS = """
[site]
name = "Example Engineering"
url = "https://blog.example.com"
public_url = "https://news.example.com"
postal_address = "Example Ltd, 1 Example Street, Example Town"
[newsletters.weekly]
title = "Example Weekly"
sender = "Example <digest@news.example.com>"
timezone = "Europe/Berlin"
schedule = "Tue 09:00"
subscribers = ["people.csv"]
[[newsletters.weekly.sources]]
kind = "markdown"
path = "stories"
"""
PEOPLE = [f"p{n:02}@example.org" for n in range(14)]
KEPT = (0, 4, 7, 11, 14)  # after each transaction; the one repeated row is in the second
IMPORT = ("subscribers", "import", "people.csv", "--json")
COLLECT = ("collect", "--json")


@pytest.fixture(scope="module")
def runner() -> Iterator[Warm]:
    with Warm(Path(__file__).with_name("import_child.py")) as warm:
        yield warm


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "digest.toml").write_text(SETTINGS)
    (tmp_path / "stories").mkdir()
    rows = [*(f"{person},Name" for person in PEOPLE), "nobody,", f"{PEOPLE[3].upper()},Again"]
    (tmp_path / "people.csv").write_text("\n".join(["email,name", *rows, ""]))
    Database(f"sqlite:///{tmp_path / 'digest.db'}").close()
    return tmp_path


def run(runner: Warm, folder: Path, *words: str, kill_at: int = 0) -> dict[str, Any]:
    return runner.run("--now", NOW.isoformat(), *words, folder=folder, kill_at=kill_at)


def rows(folder: Path, words: str) -> list[Any]:
    database = sqlite3.connect(folder / "digest.db")
    try:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        return [row[0] for row in database.execute(words)]
    finally:
        database.close()


@pytest.mark.parametrize(
    ("words", "step"),
    [*((IMPORT, step) for step in range(1, 10)), (COLLECT, 4), (COLLECT, 9)],
    ids=lambda value: value[0] if isinstance(value, tuple) else str(value),
)
def test_killed_anywhere_it_is_completed_by_the_next_run(
    words: tuple[str, ...], step: int, runner: Warm, folder: Path
) -> None:
    """Who is in has the beginning of their history; what is not all in is not taken as read."""
    assert run(runner, folder, *words, kill_at=step)["code"] == -9
    before = rows(folder, "SELECT address_key FROM subscriber ORDER BY 1")
    assert len(before) == KEPT[(step - 1) // 2]
    assert before == rows(folder, "SELECT address_key FROM consent_entry ORDER BY 1")
    assert rows(folder, "SELECT path FROM subscriber_file") == []

    answer = run(runner, folder, *words)

    said = json.loads(answer["out"])
    said = said if words == IMPORT else said["newsletters"][0]["files"][0]
    assert (said["rows"], said["repeated"], said["bad_count"]) == (16, 1, 1)
    assert said["added"] == len(PEOPLE) - len(before)
    for table in ("subscriber", "consent_entry"):
        assert sorted(rows(folder, f"SELECT address_key FROM {table}")) == PEOPLE
    assert set(rows(folder, "SELECT name FROM subscriber")) == {"Name"}
