"""Home, the plan page, the issue page and `digest check` never disagree about one and the same thing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digest.cli.app import app
from digest.clock import Clock
from digest.model.issue import IssueState
from digest.storage import issues
from digest.storage.database import Connection
from digest.views.desk import DeskViews
from digest.views.health import HealthViews
from digest.views.history import history
from digest.views.left_out import left_out, search_older
from digest.views.preview import PreviewOptions
from digest.views.public import PublicViews
from digest.views.status import status
from digest.wiring import Container
from digest.workflows.composing import compose
from digest.workflows.drafting import share
from fakes.activity import actor
from fakes.databases import NOW, drafted, store, subscribe
from web.test_home import SETTINGS

FOOTER = "footer.mjml.j2"
BARE = (
    '<mj-section><mj-column><mj-text><a href="{{ slots.unsubscribe_url }}">Unsubscribe</a></mj-text>'
    "</mj-column></mj-section>"
)


@pytest.fixture
def parts(tmp_path: Path, template: Path) -> Iterator[Container]:
    shutil.copy(template, tmp_path / "digest.db")
    (tmp_path / "digest.toml").write_text(SETTINGS.replace("min_articles = 3", "min_articles = 1"))
    made = Container.from_file(
        tmp_path / "digest.toml", environ={"DIGEST_SECRET_KEYS": "a key that is for tests"}, clock=Clock(NOW)
    )
    yield made
    made.close()


def blocks_by_command(parts: Container) -> int:
    config = str(parts.settings.file)
    done = CliRunner().invoke(
        app,
        ["--config", config, "--now", NOW.isoformat(), "check", "weekly/1", "--json"],
        env={"DIGEST_SECRET_KEYS": "a key that is for tests"},
    )
    return int(json.loads(done.stdout)["blocks"])


def blocks_on_its_page(desk: DeskViews) -> int:
    shown = desk.issue("weekly", 1)
    assert shown is not None
    return sum(not found.passed and found.severity == "block" for found in shown.findings)


def replace_file(file: Path, content: str) -> None:
    """As `rsync -t` does it: another file takes the place, with the time that the old one had."""
    told = file.stat()
    new = file.with_name(f".{file.name}.new")
    new.write_text(content)
    os.utime(new, ns=(told.st_atime_ns, told.st_mtime_ns))
    new.replace(file)
    assert file.stat().st_mtime_ns == told.st_mtime_ns


@pytest.fixture
def footer(parts: Container) -> Path:
    """The owner's footer, as bundled."""
    [folder] = parts.template_folders
    folder.mkdir()
    return Path(shutil.copy(Path(__file__).parents[2] / "templates" / "issue" / FOOTER, folder))


@pytest.mark.parametrize("same_size", [False, True])
def test_a_template_replaced_with_its_time_kept_counts_everywhere(
    parts: Container, footer: Path, same_size: bool
) -> None:
    with parts.database.write() as connection:
        subscribe(connection, "ann")
        drafted(connection, store(connection, 1, 2, teaser="What it is about.", author="Ann"))
    desk = DeskViews(parts)
    before = desk.home().newsletters[0].blocks
    assert before == blocks_on_its_page(desk) == blocks_by_command(parts)

    size = footer.stat().st_size
    replace_file(footer, f"{BARE:<{size}}" if same_size else BARE)

    after = blocks_by_command(parts)
    assert after > before, "the footer held the postal address"
    assert desk.home().newsletters[0].blocks == after
    assert blocks_on_its_page(desk) == after


def test_home_and_the_plan_page_count_the_same_articles(parts: Container) -> None:
    """Three articles that came late are too old by themselves: the plan lists them, and home counts them."""
    with parts.database.write() as connection:
        subscribe(connection, "ann")
        sent = drafted(connection, store(connection, 1), now=NOW - timedelta(days=7))
        issues.move(connection, sent.id, to=IssueState.SENT, among=[IssueState.DRAFT], sent_at=NOW)
        store(connection, 2, 3, seen=NOW - timedelta(hours=1))
        store(connection, 101, 102, 103, seen=NOW - timedelta(hours=1))
    desk = DeskViews(parts)

    planned = desk.plan("weekly")
    assert planned is not None
    assert (len(planned.chosen), len(planned.left_out)) == (2, 3)
    assert desk.home().newsletters[0].plan == "2 stories so far, 3 left out"


def test_home_and_the_plan_page_follow_what_comes_in_alike(parts: Container) -> None:
    desk = DeskViews(parts)
    assert desk.home().newsletters[0].can_draft is False
    with parts.database.write() as connection:
        store(connection, 1, 2, 3)

    planned = desk.plan("weekly")
    assert planned is not None
    assert desk.home().newsletters[0].plan == f"{len(planned.chosen)} stories so far, 0 left out"


def test_no_view_writes(parts: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a database that nobody can write to: a reading connection refuses by itself, and `write` here."""
    with parts.database.write() as connection:
        subscribe(connection, "ann")
        issue = drafted(connection, store(connection, 1, 2))
        store(connection, 3)
    token = compose.unsubscribe_url(parts.composer(parts.newsletter("weekly")), 1).rpartition("/")[2]
    link, _ = share.share(
        issue,
        length=timedelta(days=1),
        public_url="https://news.example.com",
        keys=parts.secret_keys,
        database=parts.database,
        by=actor("Ann"),
        now=NOW,
    )
    monkeypatch.setattr(parts.database, "write", refuse)
    desk, readers, health = DeskViews(parts), PublicViews(parts), HealthViews(parts)

    assert desk.home().newsletters
    assert desk.all_issues(newsletter="", state="", page=1).total == 1
    assert desk.plan("weekly", marked=1)
    assert desk.source("weekly", "Blog")
    assert desk.issue("weekly", 1, whole=True)
    assert desk.stamp("weekly", 1)
    assert desk.frame("weekly", 1, PreviewOptions(reader=1))
    assert desk.search("weekly", 1, "Story")
    assert desk.people("weekly", "ann")
    assert desk.shared(link.rpartition("/")[2])
    assert left_out(issue, database=parts.database) == []
    assert search_older(issue, "Story", database=parts.database)
    assert history(issue, database=parts.database) == []
    assert status(parts.newsletter("weekly"), database=parts.database, now=NOW, limit=5).issues
    assert readers.subscription(token)
    assert readers.preferences(token)
    assert readers.newsletters()
    assert readers.archive("weekly", 1) is None
    assert readers.is_probe(token) is False
    assert health.health()["ok"]
    assert "digest_deliveries" in health.metrics()


@contextmanager
def refuse() -> Iterator[Connection]:
    raise AssertionError("a view writes")
    yield
