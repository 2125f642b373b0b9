"""What every kind of source promises, tried on one site published in every way.

A new kind joins by one `Kind` below: how its place is written, and that it is
read.  Formats of feeds are kinds of their own here.
"""

from __future__ import annotations

import html
import json
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

import pytest

from digest.errors import SourceError
from digest.fetch import Fetcher
from digest.model.article import FoundArticle, Image, Reading, Validators
from digest.model.newsletter import SourceSpec
from digest.sources import BUILT_IN, source_of

NOW = datetime(2026, 2, 1, 12, tzinfo=UTC)
HOME = "https://site.example/posts/"


@dataclass(frozen=True)
class Story:
    """One article of the site, as its author wrote it."""

    slug: str
    title: str
    text: str
    published: datetime

    @property
    def url(self) -> str:
        return HOME + self.slug

    @property
    def day(self) -> str:
        return self.published.date().isoformat()


STORIES = (
    Story(
        "generics-in-production",
        "Generics in production, four years later",
        "Go 1.18 shipped generics in March 2022. Here is what they are useful for in code that is kept.",
        datetime(2026, 1, 20, tzinfo=UTC),
    ),
    Story(
        "sync-pool",
        "When sync.Pool & friends help",
        "sync.Pool is the feature most likely to be used incorrectly. A guide to measuring before pooling.",
        datetime(2026, 1, 13, tzinfo=UTC),
    ),
    Story(
        "leader-election",
        "Leader election without retry storms",
        "Why blind failing during an election causes storms, and how bounded budgets make it predictable.",
        datetime(2026, 1, 6, tzinfo=UTC),
    ),
)
HOSTILE = (
    Story(
        "seven",
        "{{ 7*7 }} {% include 'x' %}",
        "The text of this one carries {{ settings.SECRET }} in the open, and it stays as it is written.",
        datetime(2026, 1, 20, tzinfo=UTC),
    ),
    Story(
        "turned",
        "Pay\u202epal\u2066 and \u200bhidden\x07 words",
        "A text that holds <script>alert(1)</script> and <img src=x onerror=alert(1)> as words to be read.",
        datetime(2026, 1, 13, tzinfo=UTC),
    ),
    Story(
        "header",
        "=?utf-8?q?=0D=0ABcc:_e@x.example?=",
        "A title that some mail libraries would decode into a header line of its own, if they were let.",
        datetime(2026, 1, 6, tzinfo=UTC),
    ),
)


# How each kind writes the site


def text(value: str) -> str:
    """For markup: escaped, and without the characters that XML cannot hold."""
    return html.escape(value.replace("\x07", ""))


def rss(stories: Sequence[Story]) -> bytes:
    items = "".join(
        f"<item><title>{text(html.escape(s.title))}</title><link>{s.url}</link><guid>{s.url}</guid>"
        f"<pubDate>{format_datetime(s.published)}</pubDate>"
        f"<description>{text(f'<p>{html.escape(s.text)}</p>')}</description></item>"
        for s in stories
    )
    return f'<rss version="2.0"><channel><title>Site</title>{items}</channel></rss>'.encode()


def atom(stories: Sequence[Story]) -> bytes:
    entries = "".join(
        f'<entry><title>{text(s.title)}</title><link href="{s.slug}"/><id>tag:{s.slug}</id>'
        f"<published>{s.day}T01:00:00+01:00</published><summary>{text(s.text)}</summary></entry>"
        for s in stories
    )
    head = f'<feed xmlns="http://www.w3.org/2005/Atom" xml:base="{HOME}"><title>Site</title>'
    return f"{head}{entries}</feed>".encode("utf-16")


def rdf(stories: Sequence[Story]) -> bytes:
    items = "".join(
        f'<item rdf:about="{s.url}"><title>{text(html.escape(s.title))}</title><link>{s.url}</link>'
        f"<dc:date>{s.day}</dc:date><description>{text(html.escape(s.text))}</description></item>"
        for s in stories
    )
    return (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"'
        f' xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Site</title></channel>{items}</rdf:RDF>'
    ).encode()


def json_feed(stories: Sequence[Story]) -> bytes:
    items = [
        {
            "id": s.slug, "url": f"/posts/{s.slug}", "title": s.title, "summary": s.text,
            "date_published": f"{s.day}T00:00:00Z",
        }
        for s in stories
    ]  # fmt: skip
    return json.dumps(
        {"version": "https://jsonfeed.org/version/1.1", "title": "Site", "items": items}
    ).encode()


def listing(stories: Sequence[Story]) -> bytes:
    cards = "".join(
        f'<article><h2><a href="/posts/{s.slug}">{text(s.title)}</a></h2>'
        f'<time datetime="{s.day}">{s.day}</time><p>{text(s.text)}</p>'
        f'<a href="/posts/{s.slug}">Read More</a></article>'
        for s in stories
    )
    head = "<!doctype html><html><head><meta charset=utf-8><title>Site</title></head>"
    return f"{head}<body><main>{cards}</main></body></html>".encode()


def write_markdown(folder: Path, stories: Sequence[Story]) -> Path:
    posts = folder / "posts"
    posts.mkdir()
    for s in stories:
        # JSON is YAML too, and can quote any title.
        title, description = json.dumps(s.title), json.dumps(html.escape(s.text))
        head = f"---\ntitle: {title}\ndate: {s.day}\ndescription: {description}\n---\n"
        (posts / f"{s.slug}.md").write_text(head + "The whole text.", "utf-8")
    return posts


def file_writer(
    name: str, publish: Callable[[Sequence[Story]], bytes]
) -> Callable[[Path, Sequence[Story]], Path]:
    def write(folder: Path, stories: Sequence[Story]) -> Path:
        file = folder / name
        file.write_bytes(publish(stories))
        return file

    return write


@dataclass(frozen=True)
class Kind:
    name: str  # of the source, as in the settings
    write: Callable[[Path, Sequence[Story]], Path]
    publish: Callable[[Sequence[Story]], bytes] | None = None  # None where it is never fetched


def fetched(name: str, file: str, publish: Callable[[Sequence[Story]], bytes]) -> Kind:
    return Kind(name, file_writer(file, publish), publish)


KINDS = {
    "rss": fetched("feed", "index.xml", rss),
    "atom": fetched("feed", "atom.xml", atom),
    "rdf": fetched("feed", "index.rdf", rdf),
    "json": fetched("feed", "feed.json", json_feed),
    "listing": fetched("listing", "listing.html", listing),
    "markdown": Kind("markdown", write_markdown),
}
FETCHED = {name: kind for name, kind in KINDS.items() if kind.publish}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


@pytest.fixture(params=FETCHED.values(), ids=FETCHED)
def fetched_kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


class NoFetcher(Fetcher):
    """A source with a path has no business here."""

    def get(self, url: str, **_: Any) -> NoReturn:
        pytest.fail(f"the network was asked for {url}")


def spec_of(kind: Kind, *, path: Path | None = None, url: str = "") -> SourceSpec:
    return SourceSpec(
        kind=kind.name,
        key="key",
        name="The site",
        path=path,
        url=url,
        base_url=HOME if path else "",
        allow_private_addresses=True,
    )


def read(
    kind: Kind, spec: SourceSpec, *, fetcher: Fetcher | None = None, validators: Validators | None = None
) -> Reading:
    return source_of(kind.name)(
        spec, fetcher=fetcher or NoFetcher(), validators=validators or Validators(), now=NOW
    )


def read_path(kind: Kind, folder: Path, stories: Sequence[Story]) -> Reading:
    return read(kind, spec_of(kind, path=kind.write(folder, stories)))


class Server:
    """Serves one body with an ETag, and answers 304 to who knows it."""

    def __init__(self, body: bytes, content_type: str) -> None:
        self.statuses: list[int] = []
        server = self

        class Asked(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.headers.get("If-None-Match") == '"v1"'
                status = 404 if self.path != "/posts/" else 304 if known else 200
                server.statuses.append(status)
                self.send_response(status)
                self.send_header("ETag", '"v1"')
                self.send_header("Content-Type", content_type)
                self.end_headers()
                if status == 200:
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
        self.url = f"http://127.0.0.1:{self.http.server_port}/posts/"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def served(fetched_kind: Kind) -> Iterator[Server]:
    assert fetched_kind.publish
    server = Server(
        fetched_kind.publish(STORIES), "text/html" if fetched_kind.name == "listing" else "text/xml"
    )
    yield server
    server.close()


# The promises


def test_every_built_in_kind_is_tried_here() -> None:
    assert {kind.name for kind in KINDS.values()} == set(BUILT_IN)


def test_every_story_is_found_once_newest_first(kind: Kind, tmp_path: Path) -> None:
    reading = read_path(kind, tmp_path, STORIES)

    assert [(a.title, a.url, a.published) for a in reading.articles] == [
        (s.title, s.url, s.published) for s in STORIES
    ]
    assert reading.skipped == ()
    assert not reading.unchanged


def test_a_teaser_is_what_the_author_wrote(kind: Kind, tmp_path: Path) -> None:
    """From its first word, without invitations to read on."""
    for article, story in zip(read_path(kind, tmp_path, STORIES).articles, STORIES, strict=True):
        assert article.teaser == story.text


def test_dates_are_aware_and_in_utc(kind: Kind, tmp_path: Path) -> None:
    for article in read_path(kind, tmp_path, STORIES).articles:
        assert article.published is not None
        assert article.published.utcoffset() == timedelta(0)


@pytest.mark.parametrize("stories", [STORIES, HOSTILE], ids=["ordinary", "hostile"])
def test_all_text_is_plain_and_all_addresses_are_absolute(
    kind: Kind, tmp_path: Path, stories: Sequence[Story]
) -> None:
    reading = read_path(kind, tmp_path, stories)

    assert len(reading.articles) == len(stories)
    for article in reading.articles:
        for line in lines_of(article):
            kinds = {unicodedata.category(character) for character in line}
            assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
            assert not set(line) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200b\ufeff")
            assert line == " ".join(line.split())
        assert article.url.startswith("https://site.example/posts/")


def lines_of(article: FoundArticle) -> Iterator[str]:
    for field in fields(article):
        value = getattr(article, field.name)
        if isinstance(value, str):
            yield value
        elif isinstance(value, Image):
            yield from (value.url, value.alt)
        elif isinstance(value, tuple):
            yield from value


def test_hostile_text_is_text(kind: Kind, tmp_path: Path) -> None:
    """Template syntax stays literal, markup in text is text or gone, nothing is decoded twice."""
    seven, turned, header = read_path(kind, tmp_path, HOSTILE).articles

    assert seven.title == "{{ 7*7 }} {% include 'x' %}"
    assert "{{ settings.SECRET }}" in seven.teaser
    assert turned.title == "Paypal and hidden words"
    assert turned.teaser.startswith("A text that holds")
    assert header.title == "=?utf-8?q?=0D=0ABcc:_e@x.example?="


def test_nothing_to_show_is_no_error(kind: Kind, tmp_path: Path) -> None:
    """An empty source says so, that nobody takes it for a quiet week."""
    reading = read_path(kind, tmp_path, ())

    assert reading.articles == ()
    assert reading.warnings


def test_a_place_that_is_not_there_is_an_error_that_names_it(kind: Kind, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no-such-place") as caught:
        read(kind, spec_of(kind, path=tmp_path / "no-such-place"))
    assert caught.value.mend


def test_the_same_place_gives_the_same_reading(kind: Kind, tmp_path: Path) -> None:
    spec = spec_of(kind, path=kind.write(tmp_path, STORIES))

    assert read(kind, spec) == read(kind, spec)


def test_selection_is_left_to_others(kind: Kind, tmp_path: Path) -> None:
    """Tags, section and the source's own mark change nothing in what is read."""
    place = kind.write(tmp_path, STORIES)
    plain = spec_of(kind, path=place)
    marked = SourceSpec(
        kind=kind.name, key="key", name="The site", path=place, base_url=HOME, section="S", featured=True,
        include_tags=frozenset({"nothing"}), exclude_tags=frozenset({"go"}),
    )  # fmt: skip

    assert read(kind, plain) == read(kind, marked)


def test_a_url_is_fetched_and_remembers_its_validators(fetched_kind: Kind, served: Server) -> None:
    with Fetcher() as fetcher:
        reading = read(fetched_kind, spec_of(fetched_kind, url=served.url), fetcher=fetcher)

    assert [article.title for article in reading.articles] == [story.title for story in STORIES]
    assert reading.validators == Validators(etag='"v1"')


def test_unchanged_is_said_without_articles(fetched_kind: Kind, served: Server) -> None:
    with Fetcher() as fetcher:
        spec = spec_of(fetched_kind, url=served.url)
        reading = read(fetched_kind, spec, fetcher=fetcher, validators=Validators(etag='"v1"'))

    assert reading.unchanged
    assert reading.articles == ()
    assert reading.validators == Validators(etag='"v1"')
    assert served.statuses == [304]


def test_an_address_that_does_not_exist_is_an_error(fetched_kind: Kind, served: Server) -> None:
    with Fetcher() as fetcher, pytest.raises(SourceError, match="404"):
        read(fetched_kind, spec_of(fetched_kind, url=served.url + "gone"), fetcher=fetcher)


def test_a_private_address_is_refused_unless_allowed(fetched_kind: Kind, served: Server) -> None:
    spec = SourceSpec(kind=fetched_kind.name, key="key", name="The site", url=served.url)
    with Fetcher() as fetcher, pytest.raises(SourceError):
        read(fetched_kind, spec, fetcher=fetcher)

    assert served.statuses == []
