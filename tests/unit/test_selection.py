"""What an issue holds, and why the rest stays out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model.article import Article, ArticleId
from digest.model.issue import Selection
from digest.model.newsletter import Policy, SourceSpec
from digest.rules.layout import lay_out
from digest.rules.selection import select

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)
LAST = NOW - timedelta(days=7)
SOURCES = {
    "feed": SourceSpec(kind="feed", key="feed", name="Blog", section="Engineering"),
    "notes": SourceSpec(kind="feed", key="notes", name="Notes", featured=True),
}


def article(number: int, *, seen: float = 1, published: float | None = 1, **more: object) -> Article:
    """An article first seen and published that many days before now."""
    return Article(
        id=ArticleId(number),
        newsletter="weekly",
        source=str(more.pop("source", "feed")),
        url=f"https://blog.example.com/{number}",
        title=f"Story {number}",
        first_seen=NOW - timedelta(days=seen),
        published=None if published is None else NOW - timedelta(days=published),
        **more,
    )


def chosen(*articles: Article, since: datetime | None = LAST, **policy: object) -> list[int]:
    return [c.article.id for c in pick(*articles, since=since, **policy).chosen]


def pick(*articles: Article, since: datetime | None = LAST, **policy: object) -> Selection:
    return select(articles, policy=Policy(**policy), sources=SOURCES, now=NOW, since=since)


def why_not(only: Article, since: datetime | None = LAST, **policy: object) -> str:
    selection = pick(only, since=since, **policy)
    assert not selection.chosen
    return selection.left_out[0].reason if selection.left_out else next(iter(selection.earlier))


def test_new_is_what_was_first_seen_since_the_last_issue():
    """Also where it is dated weeks back; the published date comes late or wrong."""
    assert chosen(article(1, seen=1, published=21)) == [1]
    assert chosen(article(1, seen=1, published=None)) == [1]


def test_an_issued_article_stays_out():
    """Whatever else is true of it."""
    assert why_not(article(1, last_issue=3, last_issued_at=LAST)) == "already in issue 3"


def test_an_editor_brings_an_old_or_issued_article_back_once():
    """`feature` counts from the moment it was said, until an issue holds it."""
    at = NOW - timedelta(hours=1)
    old = article(1, seen=300, published=400, is_backlog=True, featured_at=at)
    again = article(2, seen=30, last_issue=1, last_issued_at=LAST, featured_at=at)
    assert chosen(old, again) == [1, 2]
    issued_since = replace(again, last_issued_at=NOW)
    assert why_not(issued_since) == "already in issue 1"


@pytest.mark.parametrize("later", ["unfeatured_at", "excluded_at"])
def test_the_later_word_counts(later):
    """Featured and then taken back, or taken out: it does not come."""
    at = NOW - timedelta(hours=2)
    old = article(1, seen=30, published=40, is_backlog=True, featured_at=at)
    assert chosen(old) == [1]
    assert chosen(replace(old, **{later: NOW - timedelta(hours=1)})) == []


def test_taken_out_by_an_editor():
    """It stays out until it is featured."""
    out = article(1, excluded_at=NOW - timedelta(hours=2))
    assert why_not(out) == "taken out by an editor"
    assert chosen(replace(out, featured_at=NOW)) == [1]


def test_the_first_issue_reaches_back_as_far_as_the_policy_says():
    """What was there before is backlog; an article without a date counts as of when it was first seen."""
    recent, old = article(1, published=13, is_backlog=True), article(2, published=15, is_backlog=True)
    undated = article(3, published=None, is_backlog=True)
    assert chosen(recent, old, undated, since=None) == [3, 1]
    assert why_not(old, since=None) == "older than the first issue reaches"


def test_the_backlog_of_a_source_that_is_added_later_stays_out():
    """Only what it published since the last issue is new."""
    assert chosen(article(1, published=2, is_backlog=True), article(2, published=9, is_backlog=True)) == [1]


def test_what_does_not_fit_the_first_issue_is_backlog():
    """It does not come in the second one either; what did not fit later does."""
    first = pick(
        article(1, published=1, is_backlog=True), article(2, published=2, is_backlog=True),
        since=None, max_articles=1,
    )  # fmt: skip
    assert [c.reason for c in first.left_out] == ["over the limit of 1 of the first issue; counts as backlog"]
    assert chosen(article(2, seen=8, published=9, is_backlog=True)) == []
    assert chosen(article(3, seen=8, published=9)) == [3]


def test_too_old_and_too_early():
    """By the policy; a future date waits for its day unless the owner wants it sent."""
    assert why_not(article(1, published=61)) == "older than 60 days"
    assert chosen(article(1, published=59)) == [1]
    assert why_not(article(1, published=-3)) == "dated in the future: 13 March 2026"
    assert chosen(article(1, published=-3), sends_future_dated=True) == [1]


def test_tags_in_and_out():
    """Excluded tags beat wanted ones; letter case does not count."""
    go = article(1, tags=("Go", "Jobs"))
    assert why_not(go, exclude_tags=frozenset({"jobs"})) == "tag “Jobs” is excluded"
    assert why_not(go, include_tags=frozenset({"rust"})) == "has none of the wanted tags"
    assert chosen(go, include_tags=frozenset({"go"})) == [1]


def test_who_waited_comes_before_who_is_new():
    """Or a busy blog would carry an article over until it is too old."""
    waited = article(1, seen=8, published=8)
    fresh = [article(n, seen=1, published=1) for n in (2, 3)]
    selection = pick(*fresh, waited, max_articles=2)
    assert {c.article.id for c in selection.chosen} == {1, 2}
    assert selection.left_out[0].reason == "over the limit of 2; next in line"


def test_fewer_than_the_minimum_wait():
    """Nothing is sent, and each says what it waits for."""
    selection = pick(article(1), min_articles=3)
    assert selection.nothing == "There is 1 new article, and the minimum is 3."
    assert selection.left_out[0].reason == "waits: fewer than 3 articles so far"
    assert pick().nothing == "There are no new articles."


def test_a_flood_of_old_articles_is_held():
    """More old ones at once than the limit is a moved site, not a busy week; new ones are no flood."""
    at_once = [article(n, seen=1, published=30) for n in range(26)]
    assert "26 articles that look old" in pick(*at_once, max_articles=99).held
    assert not pick(*at_once[:25], max_articles=99).held
    assert not pick(*[article(n, published=1) for n in range(40)], max_articles=99).held
    one_by_one = [article(n, seen=n / 10, published=30) for n in range(1, 40)]
    assert not pick(*one_by_one, max_articles=99).held


def test_undated_articles_count_towards_a_flood():
    """Nothing shows that they are young; the first look at a source is no flood."""
    undated = [article(n, published=None) for n in range(26)]
    assert pick(*undated, max_articles=99).held
    assert not pick(*[replace(a, is_backlog=True) for a in undated], since=None, max_articles=99).held


def test_featured_articles_lead():
    """By an editor first, then by their source, then the newest."""
    by_source = article(1, published=5, source="notes")
    by_front_matter = article(2, published=6, is_featured_at_source=True)
    by_editor = article(3, published=40, featured_at=NOW)
    assert chosen(article(4, published=1), by_source, by_front_matter, by_editor) == [3, 1, 2, 4]
    not_any_more = replace(by_front_matter, unfeatured_at=NOW)
    assert chosen(article(4, published=1), not_any_more) == [4, 2]


def test_older_articles_are_counted_and_not_listed():
    """The plan lists the candidates since the last issue; the rest is a number with its reason."""
    selection = pick(
        article(1, seen=30, last_issue=2, last_issued_at=LAST),
        article(2, seen=30, last_issue=2, last_issued_at=LAST),
        article(3, seen=300, published=300),
        article(4),
    )
    assert selection.earlier == {"already in issue 2": 2, "older than 60 days": 1}
    assert not selection.left_out


def test_all_can_be_listed():
    """`plan --all`: then nothing is only counted."""
    old = article(1, seen=30, last_issue=2, last_issued_at=LAST)
    selection = select([old], policy=Policy(), sources=SOURCES, now=NOW, since=LAST, lists_all=True)
    assert [c.reason for c in selection.left_out] == ["already in issue 2"]
    assert not selection.earlier


moments = st.one_of(st.none(), st.floats(min_value=-5, max_value=400))
articles = st.builds(
    article,
    st.integers(1, 10_000),
    seen=st.floats(min_value=0, max_value=400),
    published=moments,
    source=st.sampled_from(["feed", "notes", "gone"]),
    tags=st.sampled_from([(), ("go",), ("jobs",)]),
    is_backlog=st.booleans(),
    is_featured_at_source=st.booleans(),
    last_issue=st.one_of(st.none(), st.integers(1, 4)),
    featured_at=st.one_of(st.none(), st.just(NOW), st.just(NOW - timedelta(days=90))),
    excluded_at=st.one_of(st.none(), st.just(NOW - timedelta(days=1))),
)


@given(
    st.lists(articles, max_size=30, unique_by=lambda a: a.id),
    st.sampled_from([None, LAST]),
    st.integers(1, 5),
    st.integers(1, 4),
)
def test_nothing_disappears(found, since, most, least):
    """Every article is chosen, left out with a reason, or counted under one; never two of them."""
    selection = pick(
        *found, since=since, max_articles=most, min_articles=least, exclude_tags=frozenset({"jobs"})
    )
    told = len(selection.chosen) + len(selection.left_out) + sum(selection.earlier.values())
    assert told == len(found)
    assert len({c.article.id for c in (*selection.chosen, *selection.left_out)}) == told - sum(
        selection.earlier.values()
    )
    assert all(c.reason and not c.chosen for c in selection.left_out)
    assert len(selection.chosen) <= most
    assert bool(selection.nothing) == (not selection.chosen)


@given(st.lists(articles, max_size=20, unique_by=lambda a: a.id), st.randoms())
def test_the_order_of_the_store_does_not_matter(found, random):
    """The same articles, policy and moment always give the same answer."""
    shuffled = random.sample(found, len(found))
    assert pick(*found, max_articles=4) == pick(*shuffled, max_articles=4)


def test_the_layout_prints_every_chosen_article_once():
    """The first one leads, sections follow in the policy's order, each teaser in one of them."""
    found = [article(n, source=s) for n, s in enumerate(["feed", "gone", "feed", "notes"], start=1)]
    policy = Policy(section_order=("Later", "Engineering"))
    selection = select(found, policy=policy, sources=SOURCES, now=NOW, since=LAST)
    layout = lay_out(selection.chosen, policy=policy, sources=SOURCES)
    assert sorted(t.article_id for t in layout.teasers) == [1, 2, 3, 4]
    assert [s.title for s in layout.sections] == ["", "Engineering"]


def test_what_no_source_puts_into_a_section_goes_by_its_tags():
    """Only sections that the owner has named; a source's own section wins; order and case are the owner's."""
    found = [
        article(1, source="notes", tags=("go",)),
        article(2, source="notes", tags=("databases", "go")),
        article(3, source="notes", tags=("jobs",)),
        article(4, source="feed", tags=("go",)),
        article(5, source="notes", tags=("Databases",)),
    ]
    policy = Policy(section_order=("Databases", "Go"))
    layout = lay_out(pick(*found).chosen, policy=policy, sources=SOURCES)
    where = {t.article_id: s.title for s in layout.sections for t in s.teasers}
    assert layout.lead is not None
    expected = {1: "Go", 2: "Databases", 3: "", 4: "Engineering", 5: "Databases"}
    assert where == {number: title for number, title in expected.items() if number != layout.lead.article_id}
    titles = [s.title for s in layout.sections]
    assert titles == [title for title in ("", "Databases", "Go", "Engineering") if title in titles]
