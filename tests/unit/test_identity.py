"""Same story?  Each rule with the case it is for, and beside it the one it must not touch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model.article import FoundArticle
from digest.rules.identity import KnownArticle, keys_of, plain_title, recognise
from digest.rules.url_keys import url_key

DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
B = "https://blog.example.com"


def found(url: str, title: str, *, published: datetime | None = DAY, **more: object) -> FoundArticle:
    return FoundArticle(url=url, title=title, published=published, **more)


def known(*articles: FoundArticle, source: str = "feed") -> list[KnownArticle]:
    """The articles as they would be remembered, numbered from 1."""
    return [KnownArticle(n, source, a.published, keys_of(a)) for n, a in enumerate(articles, start=1)]


def who(
    now: list[FoundArticle],
    before: list[FoundArticle],
    *,
    shown: set[int] | None = None,
    source: str = "feed",
) -> list[int | str]:
    """The known article's number for each one found, "new", or "again" for a repeat in the reading."""
    answers = recognise(
        now,
        source=source,
        known=known(*before),
        shown_before=frozenset(range(1, len(before) + 1) if shown is None else shown),
    )
    return [a.article or ("again" if a.same_as is not None else "new") for a in answers]


OLD = found(f"{B}/2026/03/02/tides/", "Tide tables", guid="a1")


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(found("http://blog.example.com/2026/03/02/tides", "Tide tables"), id="scheme and slash"),
        pytest.param(
            found("https://www.blog.example.com/2026/03/02/tides.html", "Tide tables"), id="www, .html"
        ),
        pytest.param(found(f"{B}/2026/03/02/tides/?utm_source=rss&ref=x", "Tide tables"), id="tracking"),
        pytest.param(found(f"{B}/2026/03/02/tides/", "Tide tables, corrected"), id="title"),
        pytest.param(
            found(f"{B}/2026/03/02/tides/", "Tide tables", published=DAY + timedelta(90)), id="date"
        ),
        pytest.param(found("https://new.example.net/2026/03/02/tides/", "Tide tables"), id="host"),
        pytest.param(found("https://new.example.net/2026/03/02/tides/", "Other"), id="host and title"),
        pytest.param(found(f"{B}/news/2026/03/02/tides/", "TIDE TABLES!"), id="base path"),
        pytest.param(
            found(f"{B}/2026/03/09/tides/", "Tide tables", published=DAY + timedelta(7)), id="redated"
        ),
        pytest.param(found(f"{B}/articles/ocean-tides/", "Tide tables", guid="zz"), id="slug renamed"),
        pytest.param(found(f"{B}/x/", "Tide tables and moons", guid="a1"), id="guid and publishing time"),
        pytest.param(found(f"{B}/posts/tides/", "How tides work"), id="moved and retitled"),
    ],
)
def test_it_is_the_old_story(now):
    """One thing after another changes, and it stays the same article."""
    assert who([now], [OLD]) == [1]


NEW = found(f"{B}/2026/04/02/update/", "Update, April", published=DAY + timedelta(31))


@pytest.mark.parametrize(
    ("now", "before"),
    [
        pytest.param(
            [NEW], [found(f"{B}/2026/03/02/update/", "Update, March")], id="the monthly slug, March just gone"
        ),
        pytest.param(
            [NEW, found(f"{B}/2026/03/02/update/", "Update, March")],
            [found(f"{B}/2026/03/02/update/", "Update, March")],
            id="the monthly slug, March still there",
        ),
        pytest.param(
            [found(f"{B}/links-2/", "Links"), found(f"{B}/links-1/", "Links")],
            [found(f"{B}/links-1/", "Links")],
            id="the same title while the other still stands",
        ),
        pytest.param(
            [found(f"{B}/other/", "Other", guid="a1"), OLD],
            [OLD],
            id="a reused GUID beside its first owner",
        ),
        pytest.param(
            [found(f"{B}/other/", "Other", guid="a1", published=DAY + timedelta(3))],
            [OLD],
            id="a reused GUID with nothing else in common",
        ),
        pytest.param(
            [found("https://two.example/welcome/", "Welcome to Two"), found("https://one.example/a/", "A")],
            [found("https://one.example/welcome/", "Welcome to One"), found("https://one.example/a/", "A")],
            id="the same path on two hosts of one planet",
        ),
        pytest.param(
            [found(f"{B}/?p=7", "Seven"), found(f"{B}/?p=6", "Six")],
            [found(f"{B}/?p=6", "Six")],
            id="the query tells them apart",
        ),
        pytest.param(
            [found(f"{B}/2026/04/02/recap/", "Recap", published=DAY + timedelta(31)),
             found(f"{B}/2026/03/02/recap/", "Recap")],
            [found(f"{B}/2026/03/02/recap/", "Recap")],
            id="same slug and title side by side under two dates",
        ),
    ],
)  # fmt: skip
def test_it_is_a_new_story(now, before):
    """The counter-examples: what looks alike and is not."""
    assert who(now, before)[0] == "new"


def test_a_title_that_several_articles_share_identifies_none():
    """Of two "Links" that are gone, a third cannot be the renamed one."""
    before = [found(f"{B}/links-1/", "Links"), found(f"{B}/links-2/", "Links")]
    assert who([found(f"{B}/links-3/", "Links")], before) == ["new"]


def test_of_several_with_one_title_the_moment_of_publishing_tells_which_was_renamed():
    """A move that renames every slug keeps the monthly "Release notes" apart; without dates none is taken."""
    before = [found(f"{B}/r1/", "Release notes"),
              found(f"{B}/r2/", "Release notes", published=DAY + timedelta(30))]  # fmt: skip
    moved = [found(f"{B}/notes/two/", "Release notes", published=DAY + timedelta(30)),
             found(f"{B}/notes/one/", "Release notes")]  # fmt: skip
    third = found(f"{B}/notes/three/", "Release notes", published=DAY + timedelta(60))
    undated = [found(f"{B}/notes/one/", "Release notes", published=None)]
    assert who([third, *moved], before) == ["new", 2, 1]
    assert who(undated, before) == ["new"]


def test_a_rename_needs_its_predecessor_gone_in_this_very_reading():
    """What left the feed weeks ago was not renamed today."""
    assert who([found(f"{B}/ocean/", "Tide tables", guid="zz")], [OLD], shown=set()) == ["new"]


def test_repeats_in_one_reading_are_one_article():
    """Doubled entries, also with another GUID or ending, are stored once."""
    twice = [found(f"{B}/a/", "A", guid="1"), found(f"{B}/a.html", "A", guid="2"), found(f"{B}/b/", "B")]
    assert who(twice, []) == ["new", "again", "new"]


def test_two_sources_that_carry_one_story_give_one_article():
    """By address, or where hosts differ by title and time."""
    copy = found("https://medium.example/@us/tide-tables-9f3", "Tide tables of the coast")
    own = found(f"{B}/tides/", "Tide tables of the coast")
    assert who([own], [own], source="listing", shown=set()) == [1]
    assert who([copy], [own], source="listing", shown=set()) == [1]


def test_two_sources_may_use_one_title():
    """Weeks apart, or with a title of two words, they are different stories."""
    own = found(f"{B}/tides/", "Tide tables of the coast")
    later = found("https://x.example/t/", "Tide tables of the coast", published=DAY + timedelta(20))
    short = found("https://x.example/r/", "Release notes")
    assert who([later], [own], source="listing", shown=set()) == ["new"]
    assert who([short], [found(f"{B}/r1/", "Release notes")], source="listing", shown=set()) == ["new"]


def text(first: str, rest: str) -> FoundArticle:
    return found(f"{B}/blog/", first, teaser=rest, published=None, url_is_shared=True)


def test_the_words_are_the_identity_where_the_link_is_the_pages_own():
    """A corrected typo keeps the article; another teaser is another article."""
    before = [text("Docker is not a VM", "Fifteen years in, both are misunderstod, and misused."),
              text("Pools", "When pooling buffers saves time.")]  # fmt: skip
    now = [text("Docker is not a VM", "Fifteen years in, both are misunderstood, and misused."),
           text("Pools", "When pooling buffers saves time."),
           text("Budgets", "Why retries storm.")]  # fmt: skip
    assert who(now, before) == [1, 2, "new"]


def test_anchors_of_one_page_are_told_apart_by_title():
    """A changelog has one address and many entries."""
    one, two = found(f"{B}/changes/#v1", "Version 1"), found(f"{B}/changes/#v2", "Version 2")
    assert who([two, one], [one]) == ["new", 1]
    assert who([two, one], [one, two]) == [2, 1]


def test_an_address_decides_before_any_weaker_rule():
    """Whose slug and title another item shares is still found by its own address."""
    a, b = found(f"{B}/x/a/", "Same"), found(f"{B}/y/a/", "Different")
    swapped = [found(f"{B}/y/a/", "Same"), found(f"{B}/x/a/", "Different")]
    assert who(swapped, [a, b]) == [2, 1]


def test_titles_are_compared_as_words():
    """Markup, entities, punctuation and case do not make another title."""
    assert plain_title("A &amp;amp; B: <em>C</em>!") == plain_title("a & b – c")
    assert plain_title("C++ 20") != plain_title("C 21")


@pytest.mark.parametrize(
    ("url", "address", "slug", "date"),
    [
        ("HTTPS://WWW.Example.com:443/A/B/?utm_source=x", "example.com/a/b", "b", ""),
        ("https://example.com/2026/7/20/x.html#top", "example.com/2026/7/20/x", "x", "2026-07-20"),
        ("https://example.com/2026-07-20-x/", "example.com/2026-07-20-x", "2026-07-20-x", "2026-07-20"),
        ("https://example.com/a/index.html", "example.com/a", "a", ""),
        ("https://example.com/?b=2&a=1&fbclid=9", "example.com?a=1&b=2", "", ""),
        ("https://example.com/caf%C3%A9/", "example.com/café", "café", ""),
        ("https://example.com/", "example.com", "", ""),
        ("http://[broken", "http://[broken", "", ""),
    ],
)
def test_what_a_link_says(url, address, slug, date):
    """Everything that sites change without meaning it is left off."""
    found_place = url_key(url)
    assert (found_place.address, found_place.slug, found_place.date) == (address, slug, date)


titles = st.sampled_from(["Links", "Update", "Tides", "Pumps and dykes", "Recap of the week"])
urls = st.builds(
    "{}/{}{}{}".format,
    st.sampled_from([B, "http://www.blog.example.com", "https://other.example"]),
    st.sampled_from(["", "2026/03/02/", "2026/04/02/", "posts/"]),
    st.sampled_from(["links", "update", "tides", "a"]),
    st.sampled_from(["", "/", ".html", "?p=1"]),
)
readings = st.lists(
    st.builds(found, urls, titles, published=st.sampled_from([None, DAY, DAY + timedelta(31)])), max_size=8
)


@given(readings)
def test_the_same_reading_again_brings_nothing_new(reading):
    """Whatever a source shows: shown unchanged once more, every article is known."""
    first = recognise(reading, source="feed", known=[])
    ids = {index: index + 1 for index, answer in enumerate(first) if answer.is_new}
    remembered = [KnownArticle(ids[i], "feed", reading[i].published, first[i].keys) for i in ids]
    for answer in first:
        if answer.same_as is not None:
            old = remembered[list(ids).index(answer.same_as)]
            remembered[list(ids).index(answer.same_as)] = KnownArticle(
                old.id, old.source, old.published, old.keys | answer.keys
            )
    again = recognise(reading, source="feed", known=remembered, shown_before=frozenset(ids.values()))
    assert not [answer for answer in again if answer.is_new]


@given(readings)
def test_every_found_article_gets_exactly_one_answer(reading):
    """A repeat points at an earlier article that is itself no repeat."""
    answers = recognise(reading, source="feed", known=[])
    assert len(answers) == len(reading)
    for index, answer in enumerate(answers):
        assert answer.same_as is None or (answer.same_as < index and answers[answer.same_as].is_new)
