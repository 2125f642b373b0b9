"""Home, the plan page, the issue page and `digest check` never disagree about one and the same thing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digest.cli.app import app
from digest.clock import Clock
from digest.model.issue import IssueState
from digest.storage import issues
from digest.views.public import DeskViews
from digest.wiring import Container
from fakes.databases import NOW, drafted, make_template, store, subscribe
from web.test_home import SETTINGS

FOOTER = "footer.mjml.j2"
BARE = (
    '<mj-section><mj-column><mj-text><a href="{{ slots.unsubscribe_url }}">Unsubscribe</a></mj-text>'
    "</mj-column></mj-section>"
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template"))


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
