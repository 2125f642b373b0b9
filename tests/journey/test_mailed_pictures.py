"""A blog with pictures, from its feed to a mail that shows small copies of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pytest_httpserver import HTTPServer

from digest.cli import main
from digest.clock import Clock
from digest.model.edit import MakeLead
from digest.model.issue import Teaser
from digest.views.public import PublicViews
from digest.wiring import Container
from digest.workflows.drafting.edit import Edited
from fakes.activity import actor
from fakes.pictures import declared, photograph
from fakes.processes import Process

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
PUBLIC = "https://news.lockstep.example"

SETTINGS = """
[site]
name = "Lockstep Engineering"
url = "https://blog.lockstep.example"
public_url = "{public}"
postal_address = "Lockstep Ltd, 12 Harbour Row, Northport NP4 1AB"
[newsletters.weekly]
title = "Lockstep Weekly"
sender = "Lockstep <digest@news.lockstep.example>"
images = "{images}"
[[newsletters.weekly.sources]]
kind = "feed"
url = "{url}"
allow_private_addresses = true
"""

# Each story with the picture that its feed names.
STORIES = {"pump": "/pump.jpg", "clock": "/clock.png", "bomb": "/bomb.png", "tide": "/gone.jpg"}
ABOUT = "It counts what passes, and tells it to whoever asks. " * 12


@pytest.fixture
def blog(httpserver: HTTPServer) -> HTTPServer:
    served = {
        "/pump.jpg": (photograph(1600, 1200, quality=100), "image/jpeg"),
        "/clock.png": (photograph(800, 800, kind="PNG"), "image/png"),
        "/bomb.png": (declared(30_000, 30_000), "image/png"),
    }
    for path, (content, kind) in served.items():
        httpserver.expect_request(path).respond_with_data(content, content_type=kind)
    httpserver.expect_request("/gone.jpg").respond_with_data("", 404)
    httpserver.expect_request("/robots.txt").respond_with_data("", 404)
    httpserver.expect_request("/index.xml").respond_with_data(feed(httpserver), content_type="text/xml")
    return httpserver


def feed(server: HTTPServer) -> str:
    items = "".join(
        f"<item><title>About the {name}</title><link>{server.url_for(f'/{name}/')}</link>"
        f"<pubDate>{format_datetime(NOW - timedelta(hours=number))}</pubDate>"
        f"<description>{ABOUT}</description><author>a@example.org (Ann)</author>"
        f'<enclosure url="{path}" type="image/jpeg" length="0"/></item>'
        for number, (name, path) in enumerate(STORIES.items(), start=1)
    )
    head = f"<title>Blog</title><link>{server.url_for('/')}</link>"
    return f'<rss version="2.0"><channel>{head}{items}</channel></rss>'


@pytest.fixture
def digest(blog: HTTPServer, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., str]:
    """Runs one command for the newsletter with this way of `images`."""

    def run(images: str, *words: str) -> str:
        settings = SETTINGS.format(public=PUBLIC, images=images, url=blog.url_for("/index.xml"))
        (tmp_path / "digest.toml").write_text(settings)
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(tmp_path / "digest.toml"), "--now", NOW.isoformat(), *words])
        assert ended.value.code == 0, capfdbinary.readouterr().err
        return capfdbinary.readouterr().out.decode()

    return run


def drafted(digest: Callable[..., str], images: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The answer of `draft`, and the address of every picture of the mail by what stands for its story."""
    digest(images, "collect")
    answer = json.loads(digest(images, "draft", "--json"))
    html = digest(images, "show", "weekly/1")
    shown = re.findall(r'<a href="[^"]*/(\w+)/"[^>]*>\s*<img src="([^"]+)"[^>]*>', html)
    return answer, dict(shown)


def test_a_mail_shows_copies(digest: Callable[..., str], tmp_path: Path) -> None:
    answer, shown = drafted(digest, "copy")

    assert sorted(shown) == ["clock", "pump"]
    assert [article["title"] for article in answer["articles"]] == [f"About the {name}" for name in STORIES]
    bomb, gone = answer["warnings"]
    assert bomb.startswith("“About the bomb”: its image is left out: ")
    assert bomb.endswith("/bomb.png has too many pixels.")
    assert gone.endswith("/gone.jpg does not exist (404).")
    for address, size in ((shown["pump"], (1200, 674)), (shown["clock"], (512, 288))):
        assert re.fullmatch(rf"{PUBLIC}/media/[0-9a-f]{{64}}\.jpg", address)
        file = tmp_path / "media" / address.rpartition("/")[2]
        assert file.stat().st_size < 200_000
        with Image.open(file) as picture:
            assert picture.size == size
        parts = Container.from_file(tmp_path / "digest.toml", environ={}, clock=Clock())
        assert PublicViews(parts).picture(file.name) == (file.read_bytes(), "image/jpeg")


def test_what_was_drafted_asks_nobody_any_more(
    digest: Callable[..., str], blog: HTTPServer, tmp_path: Path
) -> None:
    """The picture of a draft stays, whatever becomes of the blog until it is sent."""
    _, shown = drafted(digest, "copy")
    blog.clear()

    assert shown["pump"] in digest("copy", "show", "weekly/1")
    assert not blog.log


def test_a_mail_links_to_the_blog(digest: Callable[..., str], blog: HTTPServer, tmp_path: Path) -> None:
    """Only sizes are asked: what is gone or too heavy is left out, what is in the files nobody knows."""
    answer, shown = drafted(digest, "link")

    assert shown == {name: blog.url_for(STORIES[name]) for name in ("clock", "bomb")}
    heavy, gone = answer["warnings"]
    assert heavy == "“About the pump”: its image is larger than 1 MB, too large to link to"
    assert gone.endswith("/gone.jpg does not exist (404).")
    assert {r.method for r, _ in blog.log if r.path.endswith((".jpg", ".png"))} == {"HEAD"}
    assert not (tmp_path / "media").exists()


def test_a_mail_without_pictures(digest: Callable[..., str], blog: HTTPServer) -> None:
    answer, shown = drafted(digest, "none")

    assert (shown, answer["warnings"]) == ({}, [])
    assert not [r for r, _ in blog.log if r.path.endswith((".jpg", ".png"))]


def test_a_new_lead_gets_a_large_picture_and_a_longer_text(
    digest: Callable[..., str], blog: HTTPServer, tmp_path: Path
) -> None:
    _, shown = drafted(digest, "copy")
    led, leads = make_clock_lead(tmp_path)

    assert leads.image is not None
    assert leads.image.url != shown["clock"]
    with Image.open(tmp_path / "media" / leads.image.url.rpartition("/")[2]) as picture:
        assert picture.size == (800, 449)  # no more than there is
    assert len(led.text) < len(leads.text)
    assert led.image is not None
    assert led.image.url == shown["pump"]


def test_a_new_lead_with_a_linked_picture_asks_nobody(
    digest: Callable[..., str], blog: HTTPServer, tmp_path: Path
) -> None:
    _, shown = drafted(digest, "link")
    blog.clear()
    led, leads = make_clock_lead(tmp_path)

    assert leads.image is not None
    assert leads.image.url == shown["clock"]
    assert len(led.text) < len(leads.text)
    assert not blog.log


def make_clock_lead(folder: Path) -> tuple[Teaser, Teaser]:
    """The teaser that led before, as a card; and the new lead."""
    parts = Container.from_file(folder / "digest.toml", environ={}, clock=Clock())
    before = parts.issue("weekly/1")[1].content.layout
    clock = next(teaser for teaser in before.teasers if "clock" in teaser.headline)
    done = Process(parts).edit("weekly/1", MakeLead(article=clock.article_id), by=actor("ann"), seen=0)
    assert isinstance(done, Edited)
    after = done.issue.content.layout
    assert before.lead is not None
    assert after.lead is not None
    led = before.lead.article_id
    assert len(before.lead.text) == len(after.lead.text)
    return next(teaser for teaser in after.teasers if teaser.article_id == led), after.lead


def test_pillow_is_loaded_where_pictures_are_copied_alone() -> None:
    code = (
        "import sys, digest.cli.app, digest.wiring, digest.views.desk, digest.views.health; "
        "import digest.views.public, digest.workflows.sending.send; "
        "import digest.media.folder; sys.exit('PIL' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
