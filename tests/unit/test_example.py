"""The example site and its newsletter folder: always fresh, written once, complete."""

from __future__ import annotations

import csv
import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import frontmatter
import pytest
from selectolax.lexbor import LexborHTMLParser

from digest import package_data
from digest.example import write_demo, write_site

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    write_site(tmp_path / "site", now=NOW)
    return tmp_path / "site"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def dates_of_feed(site: Path) -> dict[str, datetime]:
    feed = feedparser.parse((site / "index.xml").read_bytes())
    assert not feed.bozo
    return {entry.title: datetime(*entry.published_parsed[:6], tzinfo=UTC) for entry in feed.entries}


def dates_of_listing(site: Path) -> dict[str, datetime]:
    page = LexborHTMLParser((site / "stories.html").read_bytes())
    dates = {
        card.css_first("h2").text(): card.css_first("time").attributes["datetime"]
        for card in page.css("article")
    }
    return {title: datetime.fromisoformat(date or "") for title, date in dates.items()}


def dates_of_notes(site: Path) -> dict[str, datetime]:
    notes = [frontmatter.load(str(path)) for path in (site / "notes").glob("*.md")]
    return {str(note["title"]): note["date"] for note in notes if not note.get("draft")}


def test_no_date_is_left_open(site: Path) -> None:
    assert [line for line in read_all(site) if "@@" in line] == []


def test_dates_are_written_as_each_format_has_them(site: Path) -> None:
    assert dates_of_feed(site)["The pump that slept on Sundays"] == datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
    assert "<pubDate>Sun, 22 Nov 2026 07:30:00 +0000</pubDate>" in (site / "index.xml").read_text("utf-8")
    assert '<time datetime="2026-11-22T07:30:00+00:00">22 November 2026</time>' in (
        site / "stories.html"
    ).read_text("utf-8")


def test_the_example_shows_every_fate_of_an_article(site: Path) -> None:
    """Nine fresh stories, one of them in two sources; and backlog, too old ones and one of the future."""
    feed, listing, notes = dates_of_feed(site), dates_of_listing(site), dates_of_notes(site)
    ages = {title: NOW - date for title, date in (feed | listing | notes).items()}

    assert set(feed) & set(listing) == {"The pump that slept on Sundays"}
    assert len([age for age in ages.values() if timedelta(0) <= age <= timedelta(days=14)]) == 9
    assert len([age for age in ages.values() if timedelta(days=14) < age <= timedelta(days=60)]) >= 4
    assert len([age for age in ages.values() if age > timedelta(days=60)]) == 2
    assert len([age for age in ages.values() if age < timedelta(0)]) == 1


def test_one_note_is_featured_and_one_a_draft(site: Path) -> None:
    notes = [frontmatter.load(str(path)) for path in (site / "notes").glob("*.md")]

    assert [n["title"] for n in notes if n.get("featured")] == ["The night the tide came early"]
    assert len([n for n in notes if n.get("draft")]) == 1


def test_every_image_that_is_named_is_there(site: Path) -> None:
    """And is a PNG of 1200 x 675 that weighs less than 60 kB."""
    named = re.findall(r"\bimages/(\w+)\.png", "\n".join(read_all(site)))

    assert set(named) == {path.stem for path in (site / "images").glob("*.png")}
    for path in (site / "images").glob("*.png"):
        head = path.read_bytes()[:24]
        assert (int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")) == (1200, 675)
        assert path.stat().st_size < 60_000


def read_all(site: Path) -> list[str]:
    texts = [path.read_text("utf-8") for path in site.rglob("*") if path.suffix in {".html", ".xml", ".md"}]
    return [line for text in texts for line in text.splitlines()]


def test_a_second_run_keeps_everything_as_it_is(tmp_path: Path) -> None:
    write_demo(tmp_path / "demo", now=NOW)
    (tmp_path / "demo" / "digest.toml").write_text("# mine")
    before = contents(tmp_path / "demo")

    write_demo(tmp_path / "demo", now=NOW + timedelta(days=30))

    assert contents(tmp_path / "demo") == before


def test_an_interrupted_run_is_completed_by_the_next(tmp_path: Path) -> None:
    """A half-written site is never taken for the whole."""
    (tmp_path / ".site-unfinished" / "notes").mkdir(parents=True)
    (tmp_path / ".site-unfinished" / "index.xml").write_text("half a fe")

    write_demo(tmp_path, now=NOW)

    assert len(dates_of_feed(tmp_path / "site")) == 9


def test_the_settings_name_what_is_there(tmp_path: Path) -> None:
    write_demo(tmp_path, now=NOW)
    settings = tomllib.loads((tmp_path / "digest.toml").read_text("utf-8"))
    weekly = settings["newsletters"]["weekly"]

    assert [source["kind"] for source in weekly["sources"]] == ["feed", "listing", "markdown"]
    assert all((tmp_path / source["path"]).exists() for source in weekly["sources"])
    assert all((tmp_path / path).exists() for path in weekly["subscribers"])


def test_example_subscribers_are_twenty_five_at_reserved_hosts() -> None:
    """RFC 2606: mail to example.com, .net and .org reaches nobody."""
    with package_data.example_subscribers().open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert list(rows[0]) == ["email", "name", "language", "topics"]
    assert len({row["email"].casefold() for row in rows}) == 25
    assert {row["email"].rpartition("@")[2] for row in rows} == {"example.com", "example.net", "example.org"}


def test_a_checkout_is_preferred_to_a_copy_of_it(tmp_path: Path) -> None:
    """An editable install leaves a `_data` behind that ages."""
    package = tmp_path / "src" / "digest"
    (package / "_data" / "templates").mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()

    assert package_data._data(package) == tmp_path


def test_an_installed_wheel_has_its_data_inside(tmp_path: Path) -> None:
    package = tmp_path / "lib" / "site-packages" / "digest"

    assert package_data._data(package) == package / "_data"
