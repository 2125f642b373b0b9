"""Discovering what a site offers, against a local one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from digest.errors import FetchError
from digest.fetch import Fetcher
from digest.sources.discovery import Discovery, advertised_feeds, discover
from digest.sources.page_tree import parse

NOW = datetime(2026, 7, 25, 12, tzinfo=UTC)
RSS = (
    '<?xml version="1.0"?><rss version="2.0"><channel><title><![CDATA[Tides &amp; Mud]]></title>'
    "<language>en-gb</language><description>Of the coast</description><item>"
    "<title>Not this</title></item></channel></rss>"
)
ATOM = (
    '<?xml version="1.0"?><!-- made by hand --><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de">'
    "<title>Watt</title></feed>"
)
JSON_FEED = '{"version": "https://jsonfeed.org/version/1.1", "title": "Mud", "language": "nl", "items": []}'
CARDS = "".join(
    (
        f'<article><h2><a href="/blog/{word}-story">The {word} story of the coast</a></h2>'
        f'<time datetime="2026-07-0{n}"></time><p>How it began, went on and ended one day.</p></article>'
    )
    for n, word in enumerate(("first", "second", "third"), 1)
)


class Site:
    """A local site of fixed answers; `asked` lists the requests."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, str]] = {}
        self.asked: list[str] = []
        site = self

        class Doors(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                body, kind = site.pages.get(self.path, ("nothing here", "text/plain"))
                data = body.encode()
                self.send_response(200 if self.path in site.pages else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Doors)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def show(self, path: str, body: str, kind: str = "text/html; charset=utf-8") -> None:
        self.pages[path] = (body, kind)

    def discover(self, path: str = "/") -> Discovery:
        with Fetcher() as fetcher:
            return discover(self.url + path, fetcher=fetcher, now=NOW, allow_private=True)


@pytest.fixture
def site() -> Iterator[Site]:
    running = Site()
    yield running
    running.server.shutdown()
    running.server.server_close()


def test_a_blog_with_feeds_and_cards(site: Site) -> None:
    """Title, language, description, feeds with posts first, and the page itself as a listing."""
    site.show(
        "/",
        '<html lang="en-GB"><head><title>Home | Tides &amp; Mud</title>'
        '<meta name="description" content="Of the coast.">'
        '<link rel="alternate" type="application/rss+xml" title="Tides » Comments" href="/comments/feed/">'
        '<link rel="alternate" type="application/rss+xml" title="Tides" href="/feed/">'
        '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/pages/7"></head>'
        f"<body><main>{CARDS}</main></body></html>",
    )
    found = site.discover()
    assert found.title == "Tides & Mud"
    assert found.language == "en-GB"
    assert found.description == "Of the coast."
    assert found.feeds == ((f"{site.url}/feed/", "Tides"), (f"{site.url}/comments/feed/", "Tides » Comments"))
    assert found.listing_url == f"{site.url}/"
    assert found.warnings == ()
    assert site.asked == ["/"]  # what is advertised is not guessed


@pytest.mark.parametrize(
    ("body", "kind", "title", "language"),
    [
        (RSS, "application/rss+xml", "Tides & Mud", "en-gb"),
        (RSS, "text/html", "Tides & Mud", "en-gb"),  # by content, whatever the server calls it
        (ATOM, "application/xml", "Watt", "de"),
        (JSON_FEED, "application/json", "Mud", "nl"),
    ],
)
def test_an_address_that_is_a_feed(site: Site, body: str, kind: str, title: str, language: str) -> None:
    site.show("/x", body, kind)
    found = site.discover("/x")
    assert (found.title, found.language, found.feeds) == (title, language, ((f"{site.url}/x", title),))
    assert found.listing_url == ""


def test_a_feed_that_is_not_advertised_is_looked_for_in_the_usual_places(site: Site) -> None:
    site.show("/", f"<html><title>T</title><main>{CARDS}</main></html>")
    site.show("/feed", "<!doctype html><title>An error page with status 200</title>")
    site.show("/atom.xml", ATOM, "application/xml")
    assert site.discover().feeds == ((f"{site.url}/atom.xml", "Watt"),)


def test_a_feed_below_the_blog_comes_before_one_at_the_root(site: Site) -> None:
    site.show("/blog/", f"<html><title>T</title><main>{CARDS}</main></html>")
    site.show("/blog/index.xml", RSS, "application/xml")
    site.show("/feed", ATOM, "application/xml")
    assert site.discover("/blog/").feeds == ((f"{site.url}/blog/index.xml", "Tides & Mud"),)


def test_the_blog_behind_a_home_page_is_the_listing(site: Site) -> None:
    site.show(
        "/",
        (
            '<html><title>Product</title><nav><a href="/pricing">Pricing</a>'
            '<a href="/blog/">Blog</a></nav><h1>Buy it</h1></html>'
        ),
    )
    site.show("/blog/", f"<html><main>{CARDS}</main></html>")
    assert site.discover().listing_url == f"{site.url}/blog/"


def test_a_home_page_without_anything_says_so(site: Site) -> None:
    site.show(
        "/", '<html><title>Product</title><nav><a href="/pricing">Pricing</a></nav><h1>Buy it</h1></html>'
    )
    found = site.discover()
    assert found.feeds == ()
    assert found.listing_url == ""
    assert "No feed and no teasers" in found.warnings[0]


def test_a_blog_link_that_leads_nowhere_is_only_a_warning(site: Site) -> None:
    site.show("/", '<html><title>Product</title><a href="/blog/">Blog</a></html>')
    found = site.discover()
    assert found.listing_url == ""
    assert "/blog/" in found.warnings[0]


def test_a_text_listing_is_a_listing(site: Site) -> None:
    site.show("/list.txt", "Ropes wear out. Knots help.\nRead More\n", "text/plain")
    assert site.discover("/list.txt").listing_url == f"{site.url}/list.txt"


def test_an_address_that_fails_is_an_error(site: Site) -> None:
    with pytest.raises(FetchError):
        site.discover("/nowhere")


def test_feeds_of_tags_come_last_and_icons_are_none() -> None:
    page = parse(
        '<link rel="alternate" type="application/rss+xml" href="/tag/x/feed.xml">'
        '<link rel="alternate" hreflang="de" href="/de/">'
        '<link rel="alternate" type="application/atom+xml" href="/atom.xml"><link rel="icon" href="/i.ico">',
        url="https://site.example/",
    )
    assert [url for url, _ in advertised_feeds(page)] == [
        "https://site.example/atom.xml",
        "https://site.example/tag/x/feed.xml",
    ]
