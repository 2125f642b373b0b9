"""One verb, whichever door it is asked at: command line, desk, API and schedule do the same.

Each test is written once.  The truth is read from the database and the outbox,
and never from what the door says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest
from starlette.testclient import TestClient

from digest.application import Application
from digest.cli import main
from digest.clock import Clock
from digest.model.activity import ActivityKind, Door
from digest.model.editor import Role
from digest.model.issue import IssueState
from digest.storage import articles, issues, ledger, subscribers, tables
from digest.web.app import create_app
from digest.wiring import Container
from fakes.activity import actor, logged
from fakes.databases import NOW
from fakes.processes import Process
from fakes.waiting import until
from fakes.web import FakeWeb, Reply

SECRET = "one-time-secret-for-tests"
STORIES = ("alpha", "beta", "gamma")
SETTINGS = """
[site]
name = "Example Engineering"
url = "{url}"
public_url = "https://news.example.com"
postal_address = "Example Ltd, 1 Example Street, Example Town"
[newsletters.weekly]
title = "Example Weekly"
sender = "Example <digest@news.example.com>"
timezone = "Europe/Berlin"
schedule = "Wed 09:00"
subscribers = ["people.csv"]
[[newsletters.weekly.sources]]
kind = "feed"
name = "Posts"
url = "{url}/feed.xml"
allow_private_addresses = true
"""


# -- the doors -----------------------------------------------------------------------


class Asker(Protocol):
    """How somebody asks for a verb at one door."""

    def collect(self) -> None: ...
    def draft(self) -> None: ...
    def approve(self) -> None: ...
    def withdraw(self) -> None: ...
    def cancel(self) -> None: ...
    def resolve(self, decision: str) -> None: ...


class CommandLine:
    def __init__(self, folder: Path, process: Process) -> None:
        self._config = ["--config", str(folder / "digest.toml"), "--now", NOW.isoformat()]

    def _run(self, *words: str) -> None:
        with pytest.raises(SystemExit) as stop:
            main([*self._config, *words])
        assert stop.value.code in {0, None}, words

    def collect(self) -> None:
        self._run("collect")

    def draft(self) -> None:
        self._run("draft")

    def approve(self) -> None:
        self._run("approve", "weekly/1")

    def withdraw(self) -> None:
        self._run("withdraw", "weekly/1")

    def cancel(self) -> None:
        self._run("cancel", "weekly/1")

    def resolve(self, decision: str) -> None:
        self._run("resolve", "weekly/1", "--uncertain", decision)
        if decision == "resend":  # a command queues them and says what to run
            self._run("send")


class Desk:
    def __init__(self, folder: Path, process: Process) -> None:
        app = create_app(process, one_time_secret=SECRET)
        self._browser = TestClient(
            app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50_000), follow_redirects=False
        )
        self._browser.get(f"/desk/enter/{SECRET}")

    def _post(self, path: str, *, page: str = "/desk", **fields: str) -> None:
        shown = self._browser.get(page).text
        token = re.search(r'name="token" value="([^"]+)"', shown)
        assert token, shown
        stamp = re.search(r'name="stamp" value="([^"]+)"', shown)
        revision = re.search(r'name="revision" value="([^"]+)"', shown)
        given = {"stamp": stamp, "revision": revision}
        read = {name: found[1] for name, found in given.items() if found}
        answer = self._browser.post(path, data={"token": token[1], **read, **fields})
        assert answer.status_code == 303, answer.text

    def collect(self) -> None:
        self._post("/desk/weekly/collect")

    def draft(self) -> None:
        self._post("/desk/weekly/draft")

    def approve(self) -> None:
        self._post("/desk/weekly/1/approve", page="/desk/weekly/1?open=approve", when="slot")

    def withdraw(self) -> None:
        self._post("/desk/weekly/1/take-back", page="/desk/weekly/1")

    def cancel(self) -> None:
        self._post("/desk/weekly/1/cancel", page="/desk/weekly/1")

    def resolve(self, decision: str) -> None:
        self._post("/desk/weekly/1/resolve?from=home", decision=decision)


class Api:
    def __init__(self, folder: Path, process: Process) -> None:
        self._client = TestClient(create_app(process, one_time_secret=""))
        self._token = process.add_token("a program", role=Role.PUBLISHER, by=ROOT)

    def _post(self, path: str, body: dict[str, Any] | None = None) -> None:
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = self._client.post(path, json=body, headers=headers)
        assert answer.status_code < 300, answer.text

    def collect(self) -> None:
        self._post("/api/newsletters/weekly/collect")

    def draft(self) -> None:
        self._post("/api/newsletters/weekly/draft")

    def approve(self) -> None:
        self._post("/api/issues/weekly/1/approve", {"revision": 0, "when": "slot"})

    def withdraw(self) -> None:
        self._post("/api/issues/weekly/1/take-back")

    def cancel(self) -> None:
        self._post("/api/issues/weekly/1/cancel")

    def resolve(self, decision: str) -> None:
        self._post("/api/issues/weekly/1/resolve", {"decision": decision})


ROOT = actor("root")
DOORS: tuple[Callable[[Path, Process], Asker], ...] = (CommandLine, Desk, Api)
DOOR_OF = {CommandLine: Door.COMMAND_LINE, Desk: Door.DESK, Api: Door.API}
DONE_BY_HAND = (
    ActivityKind.COLLECTED,
    ActivityKind.DRAFTED,
    ActivityKind.APPROVED,
    ActivityKind.WITHDREW_APPROVAL,
    ActivityKind.CANCELLED,
)
every_door = pytest.mark.parametrize("kind", DOORS, ids=lambda kind: kind.__name__)


# -- a blog and its newsletter -----------------------------------------------------------


def page_of(story: str, day: int) -> bytes:
    return f"""<!doctype html><html lang="en"><head><title>{story.title()} is out</title>
<meta property="og:description" content="What {story} brings to everybody who waits for it.">
<meta property="article:published_time" content="2026-11-{day}T08:00:00+00:00"></head>
<body><article><h1>{story.title()} is out</h1><p>What {story} brings.</p></article></body></html>""".encode()


@pytest.fixture(scope="module")
def blog() -> Iterator[FakeWeb]:
    """A feed of bare titles: dates and teasers are on the articles' own pages only."""
    with FakeWeb() as web:
        html = (("Content-Type", "text/html; charset=utf-8"),)
        items = "".join(
            f"<item><title>{s.title()} is out</title><link>{web.url}/posts/{s}/</link></item>"
            for s in STORIES
        )
        feed = f'<rss version="2.0"><channel><title>Posts</title>{items}</channel></rss>'
        web.paths["/feed.xml"] = Reply(200, feed.encode(), (("Content-Type", "application/rss+xml"),))
        for day, story in enumerate(STORIES, start=20):
            web.paths[f"/posts/{story}/"] = Reply(200, page_of(story, day), html)
        yield web


@pytest.fixture
def folder(tmp_path: Path, blog: FakeWeb) -> Path:
    (tmp_path / "digest.toml").write_text(SETTINGS.format(url=blog.url))
    (tmp_path / "people.csv").write_text("email,name\nann@example.org,Ann\n")
    return tmp_path


@pytest.fixture
def process(folder: Path) -> Iterator[Process]:
    made = Process(Container.from_file(folder / "digest.toml", environ={}, clock=Clock(NOW)))
    yield made
    made.senders.close()
    made.close()


@pytest.fixture
def parts(folder: Path, process: Process) -> Iterator[Container]:
    """Looks at the database, as another process would."""
    process.open_database()
    looking = Container.from_file(folder / "digest.toml", environ={}, clock=Clock(NOW))
    yield looking
    looking.close()


class Store(NamedTuple):
    """What a collecting left."""

    titles: int
    dated: int
    with_teaser: int
    subscribers: int


def store_of(parts: Container) -> Store:
    with parts.database.read() as connection:
        known = articles.all_of(connection, "weekly")
        people = subscribers.count(connection, "weekly").get("confirmed", 0)
    return Store(
        titles=len(known),
        dated=sum(one.published is not None for one in known),
        with_teaser=sum(bool(one.teaser) for one in known),
        subscribers=people,
    )


def state_of(parts: Container) -> IssueState:
    with parts.database.read() as connection:
        issue = issues.by_number(connection, "weekly", 1)
        assert issue is not None
        return issue.state


def leave_one_uncertain(process: Process, parts: Container) -> None:
    """As a sender does that died after handing over: the issue is being sent, its one delivery uncertain."""
    process.collect("weekly", by=ROOT)
    process.draft("weekly", by=ROOT)
    process.approve("weekly/1", by=ROOT)
    with parts.database.write() as connection:
        issue = issues.by_number(connection, "weekly", 1)
        assert issue is not None
        issues.start_sending(connection, issue)
        doubt = tables.delivery.update().where(tables.delivery.c.issue_id == issue.id)
        connection.execute(doubt.values(state="uncertain", updated_at=NOW - timedelta(hours=1)))
        assert ledger.counts(connection, issue.id, now=NOW).uncertain == 1


# -- the same, whoever asks ----------------------------------------------------------------


@every_door
def test_collecting_asks_article_pages_and_reads_subscriber_files(
    kind: Callable[[Path, Process], Asker], folder: Path, process: Process, parts: Container
) -> None:
    """Three articles with date and teaser and one subscriber, not three bare titles for nobody."""
    kind(folder, process).collect()

    assert store_of(parts) == Store(titles=3, dated=3, with_teaser=3, subscribers=1)


def test_the_schedule_collects_the_same(process: Process, parts: Container) -> None:
    process.scheduler(lambda _: None).tick(NOW)

    assert store_of(parts) == Store(titles=3, dated=3, with_teaser=3, subscribers=1)


@every_door
def test_skipping_the_last_uncertain_delivery_ends_the_issue(
    kind: Callable[[Path, Process], Asker], folder: Path, process: Process, parts: Container
) -> None:
    leave_one_uncertain(process, parts)

    kind(folder, process).resolve("skip")

    assert state_of(parts) is IssueState.SENT
    assert list((folder / "outbox").glob("*.eml")) == []


@every_door
def test_resending_sends_where_no_schedule_runs(
    kind: Callable[[Path, Process], Asker], folder: Path, process: Process, parts: Container
) -> None:
    leave_one_uncertain(process, parts)

    kind(folder, process).resolve("resend")

    until(lambda: state_of(parts) is IssueState.SENT)
    assert len(list((folder / "outbox").glob("*.eml"))) == 1


@every_door
def test_an_approval_is_withdrawn_and_given_again(
    kind: Callable[[Path, Process], Asker], folder: Path, process: Process, parts: Container
) -> None:
    door = kind(folder, process)
    door.collect()
    door.draft()
    door.approve()
    assert state_of(parts) is IssueState.APPROVED

    door.withdraw()

    assert state_of(parts) is IssueState.DRAFT
    door.approve()
    assert state_of(parts) is IssueState.APPROVED
    door.cancel()
    assert state_of(parts) is IssueState.CANCELLED


@every_door
def test_the_log_says_who_did_what_by_which_door(
    kind: Callable[[Path, Process], Asker], folder: Path, process: Process, parts: Container
) -> None:
    """Each action once, in its order, with the door it came by, and no subscriber's address."""
    door = kind(folder, process)
    for act in (door.collect, door.draft, door.approve, door.withdraw, door.approve, door.cancel):
        act()

    found = logged(parts.database, of_editors=False)
    done = [(one.what, one.door) for one in reversed(found) if one.what in DONE_BY_HAND]
    assert done == [(what, DOOR_OF[kind]) for what in (*DONE_BY_HAND[:4], DONE_BY_HAND[2], DONE_BY_HAND[4])]
    assert all(one.who for one in found if one.what in DONE_BY_HAND)
    assert "ann@example.org" not in str(found)


def test_an_application_without_senders_leaves_a_send_to_the_next_one(folder: Path, process: Process) -> None:
    """What the doors differ in: a command sends only while somebody waits for it."""
    alone = Application.from_file(folder / "digest.toml", environ={}, clock=Clock(NOW))
    try:
        process.collect("weekly", by=ROOT)
        process.draft("weekly", by=ROOT)
        process.approve("weekly/1", by=ROOT)
        with alone._database.write() as connection:
            issue = issues.by_number(connection, "weekly", 1)
            assert issue is not None
            issues.start_sending(connection, issue)
        alone.resume("weekly/1", by=ROOT)
        assert list((folder / "outbox").glob("*.eml")) == []

        alone.deliver("weekly/1")
        assert len(list((folder / "outbox").glob("*.eml"))) == 1
    finally:
        alone.close()
