"""What a page costs the database: counted, since a page that asks twice is slow before anybody sees it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from starlette.testclient import TestClient

from digest.clock import Clock
from digest.model.editor import Role
from digest.storage import issues
from digest.storage.database import Database
from digest.web.app import create_app
from digest.wiring import Container
from digest.workflows.operating import accounts
from fakes.activity import actor
from fakes.databases import NOW, store, subscribe
from fakes.processes import Process
from web.fake_views import SECRET
from web.test_home import SETTINGS

PAGE = "/desk/weekly/1"
PASSWORD = "tin roof, old rain"
SCRIPT = {"HX-Request": "true"}


class Statements(list[str]):
    """Everything that a database is asked, BEGIN as well; a transaction's end is no statement here."""

    @property
    def reads_of_the_issue(self) -> list[str]:
        return [one for one in self if re.search(r"\b(?:FROM|JOIN) issue\b", one)]


@contextmanager
def counted() -> Iterator[Statements]:
    seen = Statements()

    def note(_connection, _cursor, statement, *_rest) -> None:
        seen.append(" ".join(statement.split()))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
def parts(tmp_path: Path, template: Path) -> Iterator[Container]:
    shutil.copy(template, tmp_path / "digest.db")
    (tmp_path / "digest.toml").write_text(SETTINGS.replace("min_articles = 3", "max_articles = 12"))
    made = Container.from_file(tmp_path / "digest.toml", environ={}, clock=Clock(NOW))
    with made.database.write() as connection:
        store(connection, *range(1, 16), teaser="What it is about.", author="Ann")
        subscribe(connection, "ann", "bo", "cy")
    yield made
    made.close()


class Browser:
    """One with the page of a draft of twelve stories open."""

    def __init__(self, client: TestClient, parts: Container) -> None:
        self._client = client
        self._parts = parts
        self._page = client.get(PAGE).text

    def _on_page(self, pattern: str) -> str:
        found = re.search(pattern, self._page)
        assert found
        return found[1]

    def move(self, position: int) -> None:
        """Drag the last story to another place of its section, as the page's script does."""
        stories = self._parts.issue("weekly/1")[1].layout
        assert len(stories.teasers) == 12
        section = stories.sections[-1]
        fields = {
            "token": self._on_page(r'name="token" value="([^"]+)"'),
            "revision": self._on_page(r'data-revision="(\d+)"'),
            "kind": "Move",
            "article": section.teasers[-1].article_id,
            "section": section.title,
            "position": position,
        }
        with counted() as self.seen:
            answer = self._client.post(
                f"{PAGE}/edit",
                content=urlencode(fields),
                headers={**SCRIPT, "Content-Type": "application/x-www-form-urlencoded"},
            )
        assert answer.status_code == 200, answer.text
        assert 'id="room"' in answer.text, "the whole page came back"
        self._page = answer.text


@pytest.fixture(params=["by the one-time link", "by an account"])
def browser(parts: Container, request: pytest.FixtureRequest) -> Iterator[Browser]:
    process = Process(parts)
    app = create_app(process, one_time_secret=SECRET)
    client = TestClient(
        app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50_000), follow_redirects=False
    )
    if request.param == "by an account":
        log_in(client, parts)
    else:
        client.get(f"/desk/enter/{SECRET}")
    process.draft("weekly", by=actor("Ann"))
    yield Browser(client, parts)
    process.senders.close()


def log_in(client: TestClient, parts: Container) -> None:
    accounts.add(
        "Ann",
        role=Role.EDITOR,
        password=PASSWORD,
        database=parts.database,
        passwords=parts.passwords,
        by=actor("root"),
        now=NOW,
    )
    token = re.search(r'name="token" value="([^"]+)"', client.get("/desk/login").text)
    assert token
    answer = client.post("/desk/login", data={"token": token[1], "name": "Ann", "password": PASSWORD})
    assert answer.status_code == 303


def test_a_drag_reads_the_issue_three_times_at_most_and_asks_twenty_things_with_its_page(
    browser: Browser, parts: Container
) -> None:
    before = [teaser.article_id for teaser in parts.issue("weekly/1")[1].layout.teasers]

    browser.move(2)

    seen = browser.seen
    assert len(seen.reads_of_the_issue) <= 3, seen.reads_of_the_issue
    assert len(seen) <= 20, seen
    assert any(one.startswith("UPDATE issue") for one in seen), "it was dragged"
    assert [teaser.article_id for teaser in parts.issue("weekly/1")[1].layout.teasers] != before


def test_the_next_drag_costs_no_more(browser: Browser) -> None:
    browser.move(1)
    browser.move(3)

    assert len(browser.seen.reads_of_the_issue) <= 3, browser.seen.reads_of_the_issue
    assert len(browser.seen) <= 20, browser.seen


def test_counting_sees_each_statement_and_each_read_of_an_issue(parts: Container) -> None:
    """The counter-example; and what was counted is what SQLite itself was asked."""
    Process(parts).draft("weekly", by=actor("Ann"))
    other = Database(f"sqlite:///{parts.database.sqlite_file}")
    traced: list[str] = []
    event.listen(other._engine, "checkout", lambda raw, *_: raw.set_trace_callback(traced.append))
    try:
        with counted() as seen, other.read() as connection:
            for _ in range(3):
                issues.by_number(connection, "weekly", 1)
            issues.left_out(connection, issues.open_one(connection, "weekly").id)
    finally:
        other.close()

    assert len(seen.reads_of_the_issue) == 5, seen
    assert len([one for one in traced if one.startswith(("BEGIN", "SELECT"))]) == len(seen) == 6
