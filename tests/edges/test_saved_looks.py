"""A theme that is saved while digest runs: seen, approved and sent alike; a broken file changes nothing."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.clock import Clock
from digest.views.issue import IssueViews
from digest.wiring import Container
from fakes.activity import actor
from fakes.databases import NOW, store, subscribe
from fakes.processes import Process
from web.test_home import SETTINGS

RED = 'accent = "#A63A1E"\n'


@pytest.fixture
def file(tmp_path: Path, template: Path) -> Path:
    shutil.copy(template, tmp_path / "digest.db")
    written = tmp_path / "digest.toml"
    written.write_text(SETTINGS.replace("min_articles = 3", "min_articles = 1"))
    return written


@pytest.fixture
def parts(file: Path) -> Iterator[Container]:
    made = Container.from_file(file, environ={}, clock=Clock(NOW))
    with made.database.write() as connection:
        store(connection, 1, 2)
        subscribe(connection, "ann")
    Process(made).draft("weekly", by=actor("ann"))
    yield made
    made.close()


def with_red(text: str) -> str:
    return text.replace("min_articles = 1\n", f"min_articles = 1\n{RED}")


def save(file: Path, text: str) -> None:
    """As an editor does it, a moment later."""
    before = file.stat().st_mtime_ns
    file.write_text(text)
    os.utime(file, ns=(before + 1_000_000, before + 1_000_000))


def test_the_new_colour_is_in_the_next_look_and_in_what_is_approved(parts: Container, file: Path) -> None:
    answers = IssueViews(parts)
    before = answers.view("weekly", 1)
    assert before
    assert "#A63A1E" not in before.html

    save(file, with_red(file.read_text()))

    after = answers.view("weekly", 1)
    assert after
    assert "#A63A1E" in after.html
    assert answers.stamp("weekly", 1) == after.stamp != before.stamp
    approved = Process(parts).approve("weekly/1", by=actor("ann"), seen=0)
    assert approved.rendered
    assert "#A63A1E" in approved.rendered.html


def test_what_was_approved_before_stays_as_it_was(parts: Container, file: Path) -> None:
    Process(parts).approve("weekly/1", by=actor("ann"), seen=0)

    save(file, with_red(file.read_text()))

    shown = IssueViews(parts).view("weekly", 1)
    assert shown
    assert "#A63A1E" not in shown.html


def test_only_the_looks_are_taken_over(parts: Container, file: Path) -> None:
    save(file, file.read_text().replace("Tue 10:00", "Wed 11:00").replace("Example Weekly", "Another Name"))

    running = parts.newsletter("weekly")
    assert running.title == "Another Name"
    assert (
        running.schedule
        != Container.from_file(file, environ={}, clock=Clock(NOW)).newsletter("weekly").schedule
    )


def test_a_file_that_does_not_load_is_told_once_and_changes_nothing(
    parts: Container, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = file.read_text()
    with caplog.at_level(logging.WARNING):
        save(file, text + "\n[newsletters.weekly.theme\n")
        assert parts.newsletter("weekly").title == "Example Weekly"
        assert parts.newsletter("weekly").title == "Example Weekly"
    assert caplog.text.count("settings.not_taken_over") == 1

    save(file, with_red(text))
    assert parts.newsletter("weekly").accent == "#A63A1E"


def test_a_newsletter_that_is_gone_from_the_file_goes_on_until_the_restart(
    parts: Container, file: Path
) -> None:
    save(file, file.read_text().replace("newsletters.weekly", "newsletters.other"))

    assert [newsletter.name for newsletter in parts.newsletters] == ["weekly"]


def test_a_file_that_is_gone_for_a_moment_changes_nothing(parts: Container, file: Path) -> None:
    file.unlink()

    assert parts.newsletter("weekly").title == "Example Weekly"
