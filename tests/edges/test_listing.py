"""Reading listings: pages of cards in many shapes, plain text, paging, selectors.

Each page in tests/data/listings stands beside what must be read from it.
"""

from __future__ import annotations

import json
import lzma
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

from digest.errors import FetchError, SourceError
from digest.fetch import Fetcher
from digest.model.article import Image, Reading, Validators
from digest.model.newsletter import SourceSpec
from digest.rules.cleaning import without_tracking
from digest.sources.listing import articles_of, read
from digest.sources.page_tree import Element, decoded, parse
from digest.sources.pagination import next_page
from digest.sources.text_listing import is_markup, read_text_listing
from fakes.answers import as_json

NOW = datetime(2026, 7, 25, 12, tzinfo=UTC)
PAGES = Path(__file__).parents[1] / "data" / "listings"


# --- shapes of pages


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.html")), ids=lambda page: page.stem)
def test_a_page_gives_exactly_the_articles_beside_it(page: Path) -> None:
    """Every card with every field, and nothing that is no card."""
    expected = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    parsed = parse(page.read_bytes(), url=expected["url"])

    found = articles_of(parsed, now=datetime.fromisoformat(expected["now"]))

    assert [as_json(article) for article in found] == expected["articles"]


def test_links_to_the_page_itself_under_its_canonical_name_are_no_articles() -> None:
    page = parse(
        '<link rel="canonical" href="https://blog.example/"><h2>'
        '<a href="https://blog.example/">The blog of a mill</a></h2>'
        "<time>2026-07-01</time><p>Flour, water and a long, long weir that nobody has mended.</p>",
        url="http://127.0.0.1:8000/",
    )
    assert articles_of(page, now=NOW) == ()


def test_cards_with_the_sites_own_absolute_links_count_as_own_on_a_mirror() -> None:
    """A page that is read from another host still knows where it lives."""
    card = '<article><h2><a href="{}">{}</a></h2><time datetime="2026-07-0{}"></time><p>{}</p></article>'
    text = "A paragraph that is long enough to be taken for the beginning of an article."
    page = parse(
        '<link rel="canonical" href="https://blog.example/">'
        + card.format("/one-of-them", "One of them", 1, text)
        + card.format("/two-of-them", "Two of them", 2, text)
        + card.format("https://blog.example/three-of-them", "Three of them", 3, text),
        url="http://127.0.0.1:8000/index.html",
    )
    assert [a.title for a in articles_of(page, now=NOW)] == ["One of them", "Two of them", "Three of them"]


def test_an_advertisement_among_own_cards_is_left_out() -> None:
    """An undated card that leads elsewhere, between dated cards of the site."""
    own = (
        '<div class="card"><h3><a href="/blog/{0}-stones">{0} stones</a></h3>'
        '<span class="date">2026-07-0{1}</span><p>{2}</p></div>'
    )
    text = "What they weigh, where they come from, and how they were brought here."
    page = parse(
        "<main>"
        + own.format("seven", 7, text)
        + (
            f'<div class="card"><h3>'
            f'<a href="https://ads.example/buy-boots-now">Boots for all weathers</a></h3><p>{text}</p></div>'
        )
        + own.format("six", 6, text)
        + own.format("five", 5, text)
        + "</main>",
        url="https://site.example/",
    )
    assert [a.title for a in articles_of(page, now=NOW)] == ["seven stones", "six stones", "five stones"]


def test_template_syntax_and_comments_stay_out_of_titles_and_teasers() -> None:
    """Visible template syntax is text; what stands in a comment is nothing."""
    page = parse(
        "<main><article><h2><a href='/b/braces'>Braces: {{ 7*7 }}</a></h2><time>2026-07-02</time>"
        "<p><!-- {% comment %} licence {% endcomment %} -->Vec&lt;T&gt; and {% raw %} are only "
        "words here.</p></article>"
        "<article><h2><a href='/b/other'>The other one</a></h2><time>2026-07-01</time>"
        "<p>Nothing special in here.</p></article></main>",
        url="https://site.example/",
    )
    first = articles_of(page, now=NOW)[0]
    assert first.title == "Braces: {{ 7*7 }}"
    assert first.teaser == "Vec<T> and {% raw %} are only words here."


def test_one_link_with_and_without_fragment_are_two_articles() -> None:
    card = (
        '<section class="post"><h2><a href="/log#{0}">Change {0} of the tool</a></h2>'
        '<time datetime="2026-07-0{0}"></time><p>{1}</p></section>'
    )
    text = "What was changed, why it was changed, and how to change it back again."
    page = parse(
        card.format(3, text) + card.format(2, text) + card.format(1, text), url="https://site.example/"
    )
    found = articles_of(page, now=NOW)
    assert [urlsplit(a.url).fragment for a in found] == ["3", "2", "1"]
    assert not any(a.url_is_shared for a in found)


def test_a_post_without_words_in_it_is_passed_over() -> None:
    page = parse(
        '<article><a href="/x"></a></article><article><a href="/y"> </a></article>',
        url="https://site.example/",
    )
    assert articles_of(page, now=NOW) == ()


@pytest.mark.parametrize(
    ("body", "charset", "expected"),
    [
        (b"\xef\xbb\xbf<p>caf\xc3\xa9", "iso-8859-1", "<p>café"),  # the BOM wins
        (b"<meta charset=utf-8><p>caf\xe9", "iso-8859-1", "<meta charset=utf-8><p>café"),  # then HTTP
        (b'<meta charset="windows-1251"><p>\xec\xe8\xf0', "", '<meta charset="windows-1251"><p>мир'),
        (b"<p>caf\xc3\xa9", "", "<p>café"),
        (b"<p>caf\xe9", "no-such-charset", "<p>caf�"),
        (b"<p>\x93x\x94", "latin1", "<p>“x”"),  # on the web latin1 means windows-1252
        (b"<p>+ADw-script+AD4-", "utf-7", "<p>+ADw-script+AD4-"),  # never: it hides markup
        ("\ufeff<p>ü".encode("utf-16-le"), "", "<p>ü"),
    ],
)
def test_the_charset_is_found(body: bytes, charset: str, expected: str) -> None:
    """BOM, then HTTP, then the page's own word, then UTF-8; bad bytes never stop the reading."""
    assert decoded(body, charset) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\x01\x02",
        b"<",
        b"<html>",
        b"<div>" * 20_000 + b"x",
        b"<a href='http://[::1'>x</a>" * 5,
        b"<p>" + b"\xff" * 1000,
    ],
    ids=["empty", "binary", "angle", "bare", "deep", "bad-address", "bad-bytes"],
)
def test_no_page_is_too_broken(body: bytes) -> None:
    assert articles_of(parse(body, url="https://site.example/"), now=NOW) == ()


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.html")), ids=lambda page: page.stem)
def test_a_page_cut_anywhere_is_read_and_nothing_is_invented(page: Path) -> None:
    """Every address in the answer stands in a link of the page, or in its JSON-LD."""
    whole = page.read_text(encoding="utf-8")
    for part in range(1, 8):
        cut = whole[: len(whole) * part // 8]
        parsed = parse(cut, url="https://site.example/blog/")
        known = {parsed.absolute(e.attributes["href"]) for e in parsed.elements if e.attributes.get("href")}
        known = {without_tracking(url) for url in known}
        for article in articles_of(parsed, now=NOW):
            assert article.title
            assert article.url in known or urlsplit(article.url).path in cut


def test_a_megabyte_with_five_hundred_cards_is_read_quickly() -> None:
    """Well under two seconds of work for a page far larger than real ones, however busy the machine is."""
    filler = "Words that fill a teaser with nothing in particular, again and again. " * 26
    cards = "".join(
        f'<div class="row"><div class="c{n % 3}"><h2><a href="/blog/card-number-{n}">Card {n} of all</a></h2>'
        f'<p class="meta">Posted on {n % 28 + 1} May 2026 by Ann Author</p><p>{filler}</p>'
        f'<a href="/blog/card-number-{n}">Read more</a></div></div>'
        for n in range(500)
    )
    page = f"<html><body><nav>{'<a href=/x>menu</a>' * 50}</nav><main>{cards}</main></body></html>"
    assert len(page) > 1_000_000

    start = time.process_time()
    found = articles_of(parse(page, url="https://site.example/blog/"), now=NOW)

    assert len(found) == 500
    assert time.process_time() - start < 4  # measured 1 s


# --- text listings


def test_teasers_in_plain_text() -> None:
    """The first sentence is the title, the rest the teaser, the page's address the link of all."""
    text = (
        "\nRetries are promises. Keep few of them. A guide.\nRead More\nsync.Pool is not a cache. It "
        "only looks like one.\nRead More"
    )
    found = read_text_listing(text, url="https://site.example/blog/", now=NOW)
    assert [(a.title, a.teaser) for a in found] == [
        ("Retries are promises", "Keep few of them. A guide."),
        ("sync.Pool is not a cache", "It only looks like one."),
    ]
    assert all(
        a.title_is_made and a.url_is_shared and a.url == "https://site.example/blog/" and a.published is None
        for a in found
    )


def test_a_teaser_of_one_sentence_leaves_nothing_for_the_teaser() -> None:
    (found,) = read_text_listing(
        "Only one sentence here.\nRead more →\n", url="https://site.example/", now=NOW
    )
    assert (found.title, found.teaser) == ("Only one sentence here", "")


def test_a_long_first_sentence_is_continued_in_the_teaser() -> None:
    """Nothing is lost and nothing said twice where a title has to be cut."""
    sentence = (
        "Why blind retries during an election of leaders cause storms, and how budgets, "
        "boundaries and names for errors make a system that one can predict."
    )
    (found,) = read_text_listing(f"{sentence}\nRead More", url="https://site.example/", now=NOW)
    assert len(found.title) <= 110
    assert found.title.endswith("…")
    assert found.teaser.startswith("…")
    words = f"{found.title} {found.teaser}".replace("…", " ").split()
    assert words == sentence.split()


def test_copied_blocks_with_title_date_author_and_time() -> None:
    text = (
        "Tiny queues\nWhy we cap every queue at two hundred entries.\nJul 14, 2026 · by Ines Duarte "
        "· 6 min read\nRead More\n\n"
        "On-call calendars\nSwaps without asking, holidays by default.\nJuly 3, 2026\nBy Paul "
        "Oduya\n4 min read\nRead More\n"
    )
    first, second = read_text_listing(text, url="https://site.example/blog/", now=NOW)
    assert (first.title, first.teaser, first.author, first.minutes) == (
        "Tiny queues",
        "Why we cap every queue at two hundred entries.",
        "Ines Duarte",
        6,
    )
    assert first.published == datetime(2026, 7, 14, tzinfo=UTC)
    assert (second.title, second.author, second.minutes) == ("On-call calendars", "Paul Oduya", 4)
    assert not first.title_is_made


def test_the_head_of_a_copied_page_is_no_teaser() -> None:
    teasers = [
        "Ropes wear out. Knots wear them.",
        "Sails are cut flat. Wind bends them.",
        "Oars are levers. Rowers know.",
    ]
    text = (
        "The Harbour Blog\nAll posts\n"
        + "".join(f"{t}\nRead more\n" for t in teasers)
        + "© 2026 The Harbour\n"
    )
    assert [a.title for a in read_text_listing(text, url="https://site.example/", now=NOW)] == [
        "Ropes wear out",
        "Sails are cut flat",
        "Oars are levers",
    ]


def test_a_date_inside_a_sentence_dates_nothing() -> None:
    (found,) = read_text_listing(
        "Go shipped generics on 15 March 2022. We waited.\nRead More", url="https://s.example/", now=NOW
    )
    assert found.published is None
    assert found.title == "Go shipped generics on 15 March 2022"


def test_wrapped_lines_are_joined() -> None:
    text = (
        "A sentence that a program has broken in the middle of the line\nbecause it was too long. And a "
        "second one.\nRead More\n"
    )
    (found,) = read_text_listing(text, url="https://s.example/", now=NOW)
    assert (
        found.title
        == "A sentence that a program has broken in the middle of the line because it was too long"
    )


def test_invitations_at_the_end_of_a_line_close_a_teaser_too() -> None:
    text = "Bread needs time. Ours gets a night. Read more\nSalt needs nothing. It is a stone. Read more\n"
    assert [a.title for a in read_text_listing(text, url="https://s.example/", now=NOW)] == [
        "Bread needs time",
        "Salt needs nothing",
    ]


@pytest.mark.parametrize(
    ("text", "content_type", "expected"),
    [
        ("Use Vec<T> and <div> with care.\nRead More", "text/plain", False),
        ("Use Vec<T> and <div> with care.\nRead More", "", False),
        ("Plain words.\nRead More", "text/html", False),
        ("<!doctype html><title>x</title>", "text/plain", True),
        ("x <a href='/y'>y</a>", "text/plain", True),
        ("<p>one</p>", "", True),
    ],
)
def test_text_is_told_from_markup(text: str, content_type: str, expected: bool) -> None:
    assert is_markup(text, content_type) is expected


def test_the_example_listing_has_ten_teasers(shared_folder: Path) -> None:
    seed = shared_folder / "seed" / "listing.txt"
    found = read_text_listing(seed.read_text(encoding="utf-8"), url="https://blog.example.com/blog/", now=NOW)
    assert len(found) == 10
    assert len({a.title for a in found}) == 10
    assert found[1].title == "Go 1.18 shipped generics in March 2022"
    assert found[3].title.startswith("sync.Pool is the Go feature")


# --- files


def spec_of(**said: object) -> SourceSpec:
    return replace(SourceSpec(kind="listing", key="k", name="blog"), **said)  # type: ignore[arg-type]


class NoNetwork(Fetcher):
    """Proves that nothing is fetched."""

    def get(self, url: str, **_: object) -> object:  # type: ignore[override]
        raise AssertionError(url)


def read_file(path: Path, **said: object) -> Reading:
    spec = spec_of(path=path, base_url="https://site.example/blog/", **said)
    return read(spec, fetcher=NoNetwork(), validators=Validators(), now=NOW)


def test_a_file_never_leads_to_the_network(tmp_path: Path) -> None:
    """Not even for the next page that it names."""
    page = (PAGES / "article_cards.html").read_text(encoding="utf-8")
    file = tmp_path / "listing.html"
    file.write_text(page, encoding="utf-8")

    found = read_file(file, pages=9)

    assert len(found.articles) == 2
    assert found.title == "Harbour Notes"
    assert found.language == "en-US"
    assert found.warnings == ()


def test_a_text_file_is_a_listing(tmp_path: Path) -> None:
    file = tmp_path / "listing.txt"
    file.write_text("Ropes wear out. Use <b> knots </b> rarely.\nRead More", encoding="utf-8")
    (article,) = read_file(file).articles
    assert article.url == "https://site.example/blog/"
    assert article.teaser == "Use <b> knots </b> rarely."


def test_a_file_without_base_url_says_so(tmp_path: Path) -> None:
    file = tmp_path / "listing.txt"
    file.write_text("x", encoding="utf-8")
    with pytest.raises(SourceError, match="base_url"):
        read(spec_of(path=file), fetcher=NoNetwork(), validators=Validators(), now=NOW)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere\.html"):
        read_file(tmp_path / "nowhere.html")


def test_a_page_without_teasers_is_an_empty_reading_with_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "nav.html"
    file.write_bytes((PAGES / "none_nav.html").read_bytes())
    found = read_file(file)
    assert found.articles == ()
    assert "selectors" in found.warnings[0]


# --- selectors

ODD = """<html><body><h1>Odd</h1>
<div class="x1"><b class="t">Alpha</b><i class="d">1 July 2026</i><u class="w">Ann</u>
<q>All about the first letter.</q>
<img class="p" src="/a.png" width="600"><a class="l" href="/alpha">→</a><a href="/other">other</a></div>
<div class="x1"><b class="t">Beta</b><i class="d">2 July 2026</i><u class="w">Bob</u>
<q>All about the second letter.</q><a class="l" href="/beta">→</a></div>
</body></html>"""


def read_odd(tmp_path: Path, **selectors: str) -> Reading:
    file = tmp_path / "odd.html"
    file.write_text(ODD, encoding="utf-8")
    return read_file(file, selectors=selectors)


def test_selectors_say_what_detection_cannot_see(tmp_path: Path) -> None:
    found = read_odd(
        tmp_path, card=".x1", title=".t", link=".l", date=".d", teaser="q", image=".p", author=".w"
    )
    assert [(a.title, a.url, a.teaser, a.author) for a in found.articles] == [
        ("Alpha", "https://site.example/alpha", "All about the first letter.", "Ann"),
        ("Beta", "https://site.example/beta", "All about the second letter.", "Bob"),
    ]
    assert found.articles[0].published == datetime(2026, 7, 1, tzinfo=UTC)
    assert found.articles[0].image == Image(url="https://site.example/a.png", width=600)
    assert found.warnings == ()


def test_a_card_selector_that_finds_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"card = “\.y9”"):
        read_odd(tmp_path, card=".y9")


def test_another_selector_that_finds_nothing_is_a_warning(tmp_path: Path) -> None:
    found = read_odd(tmp_path, card=".x1", link=".l", title=".t", teaser=".nothing")
    assert len(found.articles) == 2
    assert "teaser = “.nothing”" in found.warnings[0]


@pytest.mark.parametrize(("name", "selector"), [("card", "a[["), ("colour", ".x")])
def test_a_wrong_selector_is_named(tmp_path: Path, name: str, selector: str) -> None:
    with pytest.raises(SourceError, match=name):
        read_odd(tmp_path, **{name: selector})


def test_cards_without_a_link_are_counted(tmp_path: Path) -> None:
    found = read_odd(tmp_path, card=".x1", link=".p", title=".t")
    assert found.articles == ()
    assert any("2 of 2 cards" in warning for warning in found.warnings)


# --- paging


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ('<link rel="next" href="/blog/page/2/">', "/blog/page/2/"),
        ('<a rel="next nofollow" href="?page=2">go on</a>', "/blog/?page=2"),
        (
            (
                '<div class="pagination"><a href="/blog/page/1/">1</a><a href="/blog/page/2/">2</a>'
                '<a href="/blog/page/9/">9</a></div>'
            ),
            "/blog/page/2/",
        ),
        ('<a href="/blog/page/2/">Older posts →</a>', "/blog/page/2/"),
        ('<a href="/blog/page2/">Ältere Beiträge</a>', "/blog/page2/"),
        ('<nav class="pager"><a href="/blog/archive-2024/">Page suivante »</a></nav>', "/blog/archive-2024/"),
        ('<a class="next page-numbers" href="/blog/?paged=2"><i></i></a>', "/blog/?paged=2"),
        ('<div class="pager"><a href="/blog/page/2">»</a></div>', "/blog/page/2"),
        # and never:
        ('<a rel="next" href="https://other.example/page/2">next</a>', ""),
        ('<a href="/blog/why-next">Next</a>', ""),
        ('<a href="/blog/a-story">Next post</a>', ""),
        ('<a rel="prev" href="/blog/page/2/">Newer</a>', ""),
        ('<link rel="next" href="/blog/one-article">', ""),
        ('<link rel="next" href="/blog/">', ""),
        ('<a rel="next" href="javascript:void(0)">next</a>', ""),
    ],
)
def test_the_next_page_is_found_and_nothing_else(markup: str, expected: str) -> None:
    page = parse(markup, url="https://site.example/blog/")
    found = next_page(page, articles=["https://site.example/blog/one-article"])
    assert found == (f"https://site.example{expected}" if expected else "")


Answer = tuple[int, str, dict[str, str]]


class Site:
    """A local site: `pages` maps path and query to an answer; `asked` lists the requests."""

    def __init__(self) -> None:
        self.pages: dict[str, Callable[[dict[str, str]], Answer]] = {}
        self.asked: list[str] = []
        site = self

        class Doors(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                status, body, headers = site.pages.get(self.path, lambda _: (404, "gone", {}))(
                    dict(self.headers)
                )
                data = body.encode()
                self.send_response(status)
                for name, value in ({"Content-Type": "text/html; charset=utf-8"} | headers).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Doors)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def show(self, path: str, body: str, **headers: str) -> None:
        self.pages[path] = lambda _: (200, body, {k.replace("_", "-"): v for k, v in headers.items()})

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    running = Site()
    yield running
    running.close()


def listing(*numbers: int, more: str = "") -> str:
    cards = "".join(
        f'<article><h2><a href="/blog/story-number-{n}">Story number {n}</a></h2>'
        f'<time datetime="2026-06-{n:02}"></time>'
        f"<p>The beginning of story {n}, which is about something else.</p></article>"
        for n in numbers
    )
    return f"<html lang=en><title>Stories</title><main>{cards}{more}</main></html>"


def numbers(reading: Reading) -> list[int]:
    return [int(a.title.split()[-1]) for a in reading.articles]


def read_site(site: Site, **said: object) -> Reading:
    spec = spec_of(url=f"{site.url}/blog/", allow_private_addresses=True, **said)
    with Fetcher() as fetcher:
        return read(spec, fetcher=fetcher, validators=Validators(), now=NOW)


def test_further_pages_are_read_up_to_the_limit(site: Site) -> None:
    for page in range(1, 6):
        path = "/blog/" if page == 1 else f"/blog/page/{page}/"
        site.show(path, listing(20 - page, more=f'<a href="/blog/page/{page + 1}/">Older posts</a>'))

    assert numbers(read_site(site)) == [19, 18, 17]
    assert numbers(read_site(site, pages=1)) == [19]
    assert numbers(read_site(site, pages=9)) == [19, 18, 17, 16, 15]


def test_a_page_that_adds_nothing_new_is_the_last(site: Site) -> None:
    """A site that shows its first page for every number is asked twice, not for ever."""
    site.show("/blog/", listing(9, 8, more='<a rel="next" href="/blog/page/2/">Next</a>'))
    site.show("/blog/page/2/", listing(9, 8, more='<a rel="next" href="/blog/page/3/">Next</a>'))
    assert numbers(read_site(site, pages=50)) == [9, 8]
    assert "/blog/page/3/" not in site.asked


def test_a_story_that_moved_to_the_next_page_comes_once(site: Site) -> None:
    site.show("/blog/", listing(9, 8, more='<a rel="next" href="/blog/page/2/">Next</a>'))
    site.show("/blog/page/2/", listing(8, 7))
    assert numbers(read_site(site)) == [9, 8, 7]


def test_a_further_page_that_fails_is_only_a_warning(site: Site) -> None:
    site.show("/blog/", listing(9, 8, more='<a rel="next" href="/blog/page/2/">Next</a>'))
    found = read_site(site)
    assert numbers(found) == [9, 8]
    assert "/blog/page/2/" in found.warnings[0]


def test_further_pages_obey_robots_txt(site: Site) -> None:
    """The configured page is read on the owner's word, others only where robots may go."""
    site.show("/robots.txt", "User-agent: *\nDisallow: /blog/page/\n", Content_Type="text/plain")
    site.show("/blog/", listing(9, more='<a rel="next" href="/blog/page/2/">Next</a>'))
    site.show("/blog/page/2/", listing(8))
    found = read_site(site)
    assert numbers(found) == [9]
    assert "/blog/page/2/" not in site.asked
    assert len(found.warnings) == 1


def test_an_unchanged_listing_asks_for_nothing_more(site: Site) -> None:
    def answer(headers: dict[str, str]) -> Answer:
        if headers.get("If-None-Match") == '"v1"':
            return 304, "", {"ETag": '"v1"'}
        return 200, listing(9, more='<a rel="next" href="/blog/page/2/">Next</a>'), {"ETag": '"v1"'}

    site.pages["/blog/"] = answer
    site.show("/blog/page/2/", listing(8))
    spec = spec_of(url=f"{site.url}/blog/", allow_private_addresses=True)
    with Fetcher() as fetcher:
        first = read(spec, fetcher=fetcher, validators=Validators(), now=NOW)
        site.asked.clear()
        again = read(spec, fetcher=fetcher, validators=first.validators, now=NOW)
    assert numbers(first) == [9, 8]
    assert again.unchanged
    assert again.articles == ()
    assert site.asked == ["/blog/"]


def test_a_first_page_that_fails_is_an_error(site: Site) -> None:
    with pytest.raises(FetchError):
        read_site(site)


def test_a_text_answer_is_a_text_listing(site: Site) -> None:
    site.show("/blog/", "Ropes wear out. Knots help.\nRead More\n", Content_Type="text/plain; charset=utf-8")
    (article,) = read_site(site).articles
    assert (article.title, article.url) == ("Ropes wear out", f"{site.url}/blog/")


def test_a_private_address_needs_leave(site: Site) -> None:
    spec = spec_of(url=f"{site.url}/blog/")
    with Fetcher() as fetcher, pytest.raises(FetchError):
        read(spec, fetcher=fetcher, validators=Validators(), now=NOW)


# --- a real site's history


def test_every_card_of_a_recorded_site_is_read(shared_folder: Path) -> None:
    """Six snapshots out of twenty months: all headlines, dates and authors, and nothing else."""
    recorded = shared_folder / "replays" / "datafusion.tar.xz"
    with lzma.open(recorded) as packed, tarfile.open(fileobj=packed) as archive:
        pages = {
            m.name: archive.extractfile(m) for m in archive.getmembers() if m.name.endswith("index.html")
        }
        chosen = [body.read() for name, body in sorted(pages.items())[::13] if body is not None]
    for body in chosen:
        page = parse(body, url="https://datafusion.apache.org/blog/index.html")
        headlines = [page.text_of(e) for e in page.elements if e.tag == "h1" and _is_link(e)]
        found = articles_of(page, now=NOW)
        assert [a.title for a in found] == headlines
        assert all(a.published and a.author for a in found)
        assert not any("License" in a.teaser or "Posted on" in a.teaser for a in found)


def _is_link(headline: Element) -> bool:
    return any(child.tag == "a" and "headerlink" not in child.classes for child in headline.children)
