"""Feeds as the world writes them: every file in tests/data/feeds has its expected reading beside it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import SourceError
from digest.model.article import FoundArticle, Image, Reading
from digest.sources.feed import reading_of
from digest.sources.feed_bytes import PIECE, as_text
from digest.sources.feed_dates import moment_of

FEEDS = Path(__file__).parents[1] / "data" / "feeds"
FILES = sorted(path.name for path in FEEDS.iterdir() if path.suffix != ".json")
BASE = "https://site.example/blog/feed.xml"


def read(body: bytes, *, charset: str = "") -> Reading:
    return reading_of(body, base=BASE, name="the feed", charset=charset)


def rss(items: str) -> bytes:
    return f'<rss version="2.0"><channel><title>Site</title>{items}</channel></rss>'.encode()


def as_written(value: object) -> object:
    """A value as the expected answers write it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Image):
        return {key: part for key, part in dataclasses.asdict(value).items() if part not in ("", None)}
    return list(value) if isinstance(value, tuple) else value


def article_as_written(article: FoundArticle) -> dict[str, object]:
    fields = {field.name: getattr(article, field.name) for field in dataclasses.fields(article)}
    return {name: as_written(value) for name, value in fields.items() if value not in ("", None, (), False)}


def answer_to(body: bytes) -> dict[str, object]:
    try:
        reading = read(body)
    except SourceError as error:
        return {"error": str(error)}
    parts = {name: getattr(reading, name) for name in ("title", "language", "warnings", "skipped")}
    said = {name: as_written(value) for name, value in parts.items() if value}
    return said | {"articles": [article_as_written(article) for article in reading.articles]}


@pytest.mark.parametrize("name", FILES)
def test_a_feed_is_read_as_expected(name: str) -> None:
    expected = json.loads((FEEDS / name).with_suffix(".json").read_text("utf-8"))

    assert answer_to((FEEDS / name).read_bytes()) == expected


def test_the_charset_of_http_counts_where_the_bytes_prove_nothing() -> None:
    body = rss("<item><title>Новая</title><link>/a</link></item>").decode().encode("koi8-r")

    assert read(body, charset="koi8-r").articles[0].title == "Новая"


@pytest.mark.parametrize(
    "charset", ["iso-8859-1", "us-ascii", "no-such-charset", "utf-7", "base64", "utf-16"]
)
def test_valid_utf_8_is_utf_8_whatever_http_says(charset: str) -> None:
    body = rss("<item><title>Crème +ADw-</title><link>/a</link></item>")

    assert read(body, charset=charset).articles[0].title == "Crème +ADw-"


@given(
    st.binary(max_size=200),
    st.sampled_from(["", "utf-8", "utf-16", "utf-7", "hz", "iso-2022-jp", "rot13", "x"]),
)
def test_any_bytes_become_text(body: bytes, charset: str) -> None:
    """Text that XML may hold, and that can be written again."""
    text = as_text(body, charset=charset)

    assert text.encode().decode() == text
    assert not set(text) & set("\x00\x08\x0b\x1f\ufffe\uffff")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_feed_or_an_error(body: bytes) -> None:
    for whole in (body, rss("<item><title>") + body, b'{"items": [' + body):
        with contextlib.suppress(SourceError):
            assert read(whole).validators


def test_the_body_is_never_taken_for_a_file_name(tmp_path: Path) -> None:
    """feedparser would open it: bytes are names of files to Python."""
    file = tmp_path / "feed.xml"
    file.write_bytes(rss("<item><title>From the disk</title><link>/a</link></item>"))

    with pytest.raises(SourceError, match="not a feed"):
        read(str(file).encode())


@pytest.mark.parametrize(
    ("media", "chosen"),
    [
        ('<enclosure url="/a.jpg" type="image/jpeg" length="0"/>', Image(url="https://site.example/a.jpg")),
        # The lighter one, whatever stands first; a heavy one rather than none, since it can be copied.
        (
            (
                '<enclosure url="/a.jpg" type="image/jpeg" length="8000000"/>'
                '<media:content url="/b.jpg" medium="image" width="800" height="450" fileSize="90000"/>'
            ),
            Image(url="https://site.example/b.jpg", width=800, height=450, file_size=90_000),
        ),
        (
            '<enclosure url="/a.jpg" type="image/jpeg" length="8000000"/>',
            Image(url="https://site.example/a.jpg", file_size=8_000_000),
        ),
        ('<media:thumbnail url="/a.jpg" width="75" height="75"/>',
         Image(url="https://site.example/a.jpg", width=75, height=75)),
        ('<media:thumbnail url="/face.jpg" width="32" height="32"/>', None),
        ('<media:content url="/line.gif" medium="image" width="600" height="1"/>', None),
        ('<media:content url="https://0.gravatar.com/avatar/1" medium="image"/>', None),
        ('<enclosure url="cid:1@site.example" type="image/jpeg" length="1"/>', None),
    ],
)  # fmt: skip
def test_the_picture_of_an_entry(media: str, chosen: Image | None) -> None:
    body = (
        '<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>S</title>'
        f"<link>https://site.example/</link><item><title>T</title><link>/t</link>{media}</item></channel></rss>"
    )

    assert read(body.encode()).articles[0].image == chosen


# Size and time


def many(count: int, text: str = "Short text.") -> bytes:
    return rss(
        "".join(
            f"<item><title>Post {number}</title><link>/p/{number}</link><guid>g{number}</guid>"
            f"<pubDate>Mon, 05 Jan 2026 10:00:00 GMT</pubDate><description>{text}</description></item>\n"
            for number in range(count)
        )
    )


def test_a_large_feed_is_read_in_pieces_with_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when it is not well-formed; only the line numbers differ."""
    body = many(2 * PIECE + 7)
    in_pieces = read(body)
    monkeypatch.setattr("digest.sources.feed_bytes.PIECE", 10_000)
    whole = read(body)

    assert len(in_pieces.articles) == 2 * PIECE + 7
    assert in_pieces == whole


def test_entries_within_entries_are_not_taken_apart() -> None:
    nested = (
        "<item><title>A</title><link>/a</link><description><![CDATA[<item>x</item>]]></description></item>"
    )
    body = rss(nested * 400)

    assert len(read(body).articles) == 1  # 400 times the same one


def test_5000_entries_take_seconds_and_more_are_cut_with_a_warning() -> None:
    body = many(5003, "&lt;p&gt;" + "Some words of text. " * 5 + "&lt;/p&gt;")
    started = time.process_time()
    reading = read(body)

    assert time.process_time() - started < 12
    assert len(reading.articles) == 5000
    assert reading.articles[-1].title == "Post 4999"
    assert reading.warnings == ("The feed has more than 5000 entries; the last 3 were skipped.",)


def test_memory_stays_near_the_size_of_the_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsed in one piece, a feed of full texts takes twice as much."""
    body = many(40, "&lt;p&gt;" + "Some words of text. " * 1000 + "&lt;/p&gt;")
    monkeypatch.setattr("digest.sources.feed_bytes.PIECE", 4)
    tracemalloc.start()
    read(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 4 * len(body)


W = '<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>%s</channel></rss>'


@pytest.mark.parametrize(
    "hostile",
    [
        "<item " + " ".join(f'a{n}="x>"' for n in range(100_000)) + "><title>t</title></item>",
        "<br><item " + " ".join(f"a{n}=<" for n in range(100_000)) + "><title>t</title></item>",
        "<br><item " + " ".join(f"a{n}" for n in range(100_000)) + "><title>t</title></item>",
        "<br><item>" + "<a " * 100_000 + "</item>",
        "<item>" + "<a>" * 100_000 + "</item>",
        "<br><item><title>" + "&" * 100_000 + "</title></item>",
        "<br><item><title>" + "<![CDATA[" * 100_000 + "</title></item>",
        "<br><item><title>" + "<!--" * 100_000 + "</title></item>",
        "<item><title>t</title>" + "<category>x</category>" * 20_000 + "</item>",
    ],
)  # fmt: skip
def test_nothing_keeps_the_parser_busy(hostile: str) -> None:
    """Refused or read, in a second or two; a quadratic step would take minutes."""
    started = time.process_time()
    with contextlib.suppress(SourceError):
        read((W % hostile).encode())

    assert time.process_time() - started < 4


def test_deep_content_in_cdata_is_no_bomb() -> None:
    """A listing of 5,000 unclosed paragraphs is silly, but it is text."""
    body = rss(
        "<item><title>t</title><link>/a</link><description><![CDATA["
        + "<p>x" * 5000
        + "]]></description></item>"
    )

    assert len(read(body).articles) == 1


# Dates


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Mon, 05 Jan 2026 10:00:00 CET", "2026-01-05T09:00"),
        ("Mon, 05 Jan 2026 10:00:00 MESZ", "2026-01-05T08:00"),
        ("Mon, 05 Jan 2026 10:00 pst", "2026-01-05T18:00"),
        ("Mon, 05 Jan 2026 10:00:00 XYZ", "2026-01-05T10:00"),
        ("Mon, 05 Jan 2026 10:00:00 -0000 (UTC)", "2026-01-05T10:00"),
        ("  Mon,\n 05 Jan 2026\t10:00:00 +01:00 ", "2026-01-05T09:00"),
        ("05-Jan-2026 10:00:00 GMT", "2026-01-05T10:00"),
        ("5 January 2026", "2026-01-05T00:00"),
        ("January 5, 2026", "2026-01-05T00:00"),
        ("05 Jan 95 10:00:00 GMT", "1995-01-05T10:00"),
        ("2026-01", "2026-01-01T00:00"),
        ("2026-01-05T10:00Z", "2026-01-05T10:00"),
        ("2026-01-05 10:00:00.5 -05:30", "2026-01-05T15:30"),
        ("2026-01-05T10:00:00 Europe", "2026-01-05T10:00"),
    ],
)
def test_moments(text: str, moment: str) -> None:
    found = moment_of(text)

    if text.endswith("Europe"):
        assert found is None  # a zone of six letters is no zone
    else:
        assert found == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026", "2026-02-30", "2026-13-01", "Mon, 05 Foo 2026 10:00:00 GMT",
     "2026-01-05T25:00:00Z", "2026-01-05T10:00:00+99:00", "1989-12-31", "2101-01-01",
     "0000-00-00 00:00:00", "99999999999"],
)  # fmt: skip
def test_what_is_no_moment(text: str) -> None:
    assert moment_of(text) is None


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    moment = moment_of(text)

    assert moment is None or moment.tzinfo == UTC
