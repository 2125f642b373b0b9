"""`digest check --online` from a local blog to its report: what is asked, what is not, what is said."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Self

import pytest

from fakes.picture_heads import png
from fakes.warm import Warm
from fakes.web import FakeWeb, Reply

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SETTINGS = """
[site]
name = "Lockstep Engineering"
url = "{blog}"
public_url = "{public}"
postal_address = "Lockstep Ltd, 12 Harbour Row, Northport NP4 1AB"
[delivery]
transport = "outbox"
[newsletters.weekly]
title = "Lockstep Weekly"
sender = "Lockstep <digest@news.lockstep.example>"
schedule = "Tue 09:00"
subscribers = ["weekly.csv"]
[[newsletters.weekly.sources]]
kind = "feed"
url = "{blog}/index.xml"
allow_private_addresses = true
"""
STORIES = {"there": "The pump that slept", "gone": "A clock backwards", "moved": "How it began"}


@dataclass
class Checked:
    """One report, and what the blog was asked for it."""

    code: int
    report: dict[str, Any]
    err: str
    asked: set[tuple[str, str]]

    def of(self, check: str) -> list[dict[str, Any]]:
        return [one for one in self.report["checks"] if one["id"] == check]


@dataclass
class Told:
    checks: dict[str, Checked] = field(default_factory=dict)
    asked_by_desk: set[tuple[str, str]] = field(default_factory=set)
    people: list[dict[str, Any]] = field(default_factory=list)
    table: str = ""

    def __getitem__(self, name: str) -> Checked:
        return self.checks[name]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("online")
    with FakeWeb() as blog, Warm() as process:
        publish(blog)
        public = f"http://127.0.0.1:{free_port()}"
        (folder / "digest.toml").write_text(SETTINGS.format(blog=blog.url, public=public))
        (folder / "weekly.csv").write_text("email,name\nann@example.org,Ann\n")

        def digest(*words: str) -> dict[str, Any]:
            # No program is found: SpamAssassin is missing, also on a machine that has it.
            done = process.run("--now", NOW.isoformat(), *words, folder=folder, environ={"PATH": ""})
            assert "Traceback" not in done["err"], done["err"]
            return done

        def check(*words: str) -> Checked:
            blog.asked.clear()
            done = digest("check", "weekly/1", "--json", *words)
            asked = {(one.method, one.path) for one in blog.asked}
            return Checked(done["code"], json.loads(done["out"]), done["err"], asked)

        digest("collect")
        digest("draft")
        story = Told()
        story.checks["offline"] = check()
        story.checks["alone"] = check("--online")
        story.checks["spam"] = check("--spam")
        with Serving(folder, public) as serving:
            story.checks["online"] = check("--online")
            story.table = digest("check", "weekly/1", "--online")["out"]
            blog.asked.clear()
            assert "The pump that slept" in serving.desk("/desk/weekly/1")
            story.asked_by_desk = {(one.method, one.path) for one in blog.asked}
        story.people = json.loads(digest("subscribers", "list", "--json")["out"])["subscribers"]
        yield story


def publish(blog: FakeWeb) -> None:
    items = "".join(
        f"<item><title>{title}</title><link>{blog.url}/{slug}/</link><guid>{slug}</guid>"
        f"<pubDate>{format_datetime(NOW - timedelta(days=2))}</pubDate>"
        f"<description>{'What this is about, in a sentence or two. ' * 4}</description>"
        f'<enclosure url="{blog.url}/{slug}.png" type="image/png" length="1"/></item>'
        for slug, title in STORIES.items()
    )
    feed = (
        f'<rss version="2.0"><channel><title>Lockstep</title><link>{blog.url}/</link>{items}</channel></rss>'
    )
    blog.paths |= {
        "/index.xml": Reply(200, feed.encode(), (("Content-Type", "application/rss+xml"),)),
        "/": Reply(200),
        "/there/": Reply(200),
        "/moved/": Reply(301, headers=(("Location", "/there/"),)),
        "/there.png": Reply(200, png(1200, 630), (("Content-Type", "image/png"),)),
        "/moved.png": Reply(200, png(1200, 630), (("Content-Type", "image/png"),)),
    }


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Serving:
    """`digest serve` at the public address."""

    def __init__(self, folder: Path, public: str) -> None:
        self._public = public
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "digest",
                "--now",
                NOW.isoformat(),
                "serve",
                "--port",
                public[-5:].strip(":"),
            ],
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def __enter__(self) -> Self:
        assert self._process.stderr is not None
        said = ""
        while "/desk/enter/" not in said:
            line = self._process.stderr.readline()
            assert line, said
            said += line
        found = re.search(r"http://\S+/desk/enter/[\w-]+", said)
        assert found
        self._opener.open(found[0], timeout=20).close()
        return self

    def desk(self, path: str) -> str:
        with self._opener.open(self._public + path, timeout=20) as page:
            return str(page.read().decode())

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(timeout=20) == 0
        assert self._process.stderr is not None
        self._process.stderr.close()


def test_nothing_goes_online_unless_asked(told: Told) -> None:
    """Not `check` itself, not `--spam`, and not the desk's preview."""
    assert told["offline"].asked == told["spam"].asked == told.asked_by_desk == set()
    ids = {one["id"] for one in told["offline"].report["checks"]}
    assert ids.isdisjoint({"lu-live", "img-live", "link-live", "spam-score"})


def test_online_adds_to_the_list_and_changes_no_shape(told: Told) -> None:
    offline, online = told["offline"].report, told["online"].report

    assert online.keys() == offline.keys()
    assert online["checks"][: len(offline["checks"])] == offline["checks"]
    added = online["checks"][len(offline["checks"]) :]
    assert list(dict.fromkeys(one["id"] for one in added)) == [
        "lu-live",
        "img-live",
        "link-live",
        "spam-score",
    ]
    assert all(one.keys() == offline["checks"][0].keys() for one in added)
    assert online["warnings"] >= offline["warnings"] + 2


def test_links_and_images_are_judged_by_the_blog_s_answers(told: Told) -> None:
    links, images = told["online"].of("link-live"), told["online"].of("img-live")

    assert {(one["severity"], one["where"]) for one in links} == {
        ("warn", STORIES["gone"]),
        ("info", STORIES["moved"]),
    }
    assert [(one["severity"], one["where"]) for one in images] == [("warn", STORIES["gone"])]
    assert {("HEAD", "/there/"), ("GET", "/there.png")} <= told["online"].asked


def test_the_endpoint_is_tried_and_nobody_leaves(told: Told) -> None:
    (served,), (alone,) = told["online"].of("lu-live"), told["alone"].of("lu-live")

    assert served["passed"]
    assert not alone["passed"]
    assert "Nobody can unsubscribe" in alone["message"]
    assert [person["state"] for person in told.people] == ["confirmed"]


def test_spam_alone_adds_one_check(told: Told) -> None:
    assert len(told["spam"].report["checks"]) == len(told["offline"].report["checks"]) + 1
    (found,) = told["spam"].of("spam-score")
    assert (found["severity"], found["passed"]) == ("info", False)
    assert "not installed" in found["message"]
    assert told["spam"].report["warnings"] == told["offline"].report["warnings"]


def test_people_see_the_same_in_the_table(told: Told) -> None:
    assert "link-live" in told.table
    assert "is broken (404)" in told.table
