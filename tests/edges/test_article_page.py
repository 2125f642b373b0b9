"""Reading an article's own page, and completing what a listing left out.

Each page in tests/data/article_pages stands beside what must be read from it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.model.article import FoundArticle, Image
from digest.sources.article_page import complete, read_article_page, without_site_name
from fakes.answers import as_json

PAGES = Path(__file__).parents[1] / "data" / "article_pages"
URL = "https://site.example/blog/a-story"


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.html")), ids=lambda page: page.stem)
def test_a_page_says_what_stands_beside_it(page: Path) -> None:
    expected = json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))
    found = read_article_page(page.read_bytes(), url=expected["url"])
    assert as_json(found) == expected["article"]


def page_of(head: str = "", body: str = "") -> FoundArticle:
    return read_article_page(f"<html><head>{head}</head><body>{body}</body></html>".encode(), url=URL)


@pytest.mark.parametrize(
    ("title", "names", "headings", "expected"),
    [
        ("Tides | Coast", {"coast"}, [], "Tides"),
        ("Coast – Tides", {"coast"}, [], "Tides"),
        ("Tides - Coast", set(), ["Tides"], "Tides"),
        ("Tides - and why", set(), ["Tides - and why"], "Tides - and why"),
        ("Tides | and why", set(), [], "Tides | and why"),  # nobody says that "and why" is a site
        ("Wind-driven tides", {"coast"}, [], "Wind-driven tides"),
        ("Coast", {"coast"}, [], "Coast"),
    ],
)
def test_the_name_of_the_site_is_taken_off_only_where_it_is_known(
    title: str, names: set[str], headings: list[str], expected: str
) -> None:
    assert without_site_name(title, names=frozenset(names), headings=headings) == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ('<link rel="canonical" href="/blog/the-story">', "https://site.example/blog/the-story"),
        (
            '<meta property="og:url" content="https://www.site.example/x?fbclid=1">',
            "https://www.site.example/x",
        ),
        ('<link rel="canonical" href="https://thief.example/x">', URL),  # another site is not believed
        ('<link rel="canonical" href="/">', URL),  # nor that the article is the front page
        ('<link rel="canonical" href="javascript:1">', URL),
    ],
)
def test_the_canonical_link_stays_on_the_site(head: str, expected: str) -> None:
    assert page_of(head, "<h1>A story</h1>").url == expected


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        (
            '<meta property="article:published_time" content="2026-05-01">',
            "<time datetime='2025-01-01'></time>",
            "2026-05-01",
        ),
        (
            "",
            (
                "<h1>x y z</h1><time class='updated' datetime='2026-06-06'></time>"
                "<time datetime='2026-05-02'></time>"
            ),
            "2026-05-02",
        ),
        ('<meta name="date" content="2026-05-03T10:00:00Z">', "", "2026-05-03"),
        ('<meta property="article:published_time" content="0001-01-01T00:00:00Z">', "", None),
        ('<meta name="date" content="3000-01-01">', "", None),
    ],
)
def test_when_it_was_published(head: str, body: str, expected: str | None) -> None:
    """What the page states for machines comes first; a change and an impossible date are none."""
    found = page_of(head, body)
    assert (found.published.date().isoformat() if found.published else None) == expected


@pytest.mark.parametrize(
    "name",
    ["logo.png", "site-logo-2x.jpg", "default-share.png", "og-default.jpg", "favicon-512.png", "mark.svg"],
)
def test_a_logo_is_no_picture_of_the_article(name: str) -> None:
    assert page_of(f'<meta property="og:image" content="/static/{name}">').image is None


@pytest.mark.parametrize(
    "head",
    [
        '<meta property="og:image" content="https://stats.doubleclick.net/i.gif">',
        '<meta property="og:image" content="/i.gif"><meta property="og:image:width" content="1">',
        '<meta property="og:image" content="data:image/png;base64,R0">',
        '<meta property="og:image" content="cid:picture@site.example">',
        '<meta property="og:image" content="blob:https://site.example/1">',
        '<meta name="twitter:image" content="https://secure.gravatar.com/avatar/1">',
    ],
)
def test_what_counts_readers_or_has_no_address_gives_way_to_the_next_offer(head: str) -> None:
    story = '{"@type": "Article", "headline": "T", "image": "/next.jpg"}'
    found = page_of(f'{head}<script type="application/ld+json">{story}</script>')

    assert page_of(head).image is None
    assert found.image == Image(url="https://site.example/next.jpg")


def test_a_picture_with_logo_in_a_longer_word_stays() -> None:
    found = page_of('<meta property="og:image" content="/i/catalogue.png">')
    assert found.image == Image(url="https://site.example/i/catalogue.png")


def test_few_keywords_are_tags_and_many_are_none() -> None:
    assert page_of('<meta name="keywords" content="Wind, Tides">').tags == ("Wind", "Tides")
    assert page_of(f'<meta name="keywords" content="{",".join("abcdefghijkl")}">').tags == ()


def test_minutes_come_from_the_words_of_the_article_alone() -> None:
    """Neither menus nor comments nor code are read."""
    words = "word " * 690
    noise = "noise " * 2000
    found = page_of(
        "",
        (
            f"<nav>{noise}</nav><article><p>{words}</p><pre>{noise}</pre></article><section id=comments>"
            f"<p>{noise}</p></section>"
        ),
    )
    assert found.minutes == 3


def test_no_page_is_too_broken() -> None:
    for body in (b"", b"\x00", b"<", b"\xff\xfe\x00", b"<div>" * 10_000):
        found = read_article_page(body, url=URL)
        assert (found.title, found.title_is_made) == ("A story", True)


GIVEN = FoundArticle(
    url="https://site.example/blog/a-story",
    title="As the listing says",
    teaser="Its teaser.",
    author="Ann",
    published=datetime(2026, 7, 1, tzinfo=UTC),
    image=Image(url="https://site.example/a.png"),
    tags=("one",),
    minutes=4,
    language="en",
)
SAID = FoundArticle(
    url="https://site.example/elsewhere",
    title="As the page says",
    teaser="Another teaser.",
    author="Bob",
    published=datetime(2020, 1, 1, tzinfo=UTC),
    image=Image(url="https://site.example/b.png"),
    tags=("two",),
    minutes=9,
    language="de",
)


def test_what_was_given_is_never_changed() -> None:
    assert complete(GIVEN, SAID) == GIVEN


def test_what_lacks_is_filled() -> None:
    bare = FoundArticle(url=GIVEN.url, title="As the listing says")
    assert complete(bare, SAID) == replace(SAID, url=GIVEN.url, title="As the listing says")


def test_a_made_title_gives_way_to_a_real_one_only() -> None:
    made = replace(GIVEN, title_is_made=True)
    assert complete(made, SAID).title == "As the page says"
    assert not complete(made, SAID).title_is_made
    assert complete(made, replace(SAID, title_is_made=True)) == made


def test_the_title_is_not_repeated_as_a_teaser() -> None:
    bare = FoundArticle(url=GIVEN.url, title="Another teaser.")
    assert complete(bare, SAID).teaser == ""
