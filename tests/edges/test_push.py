"""Articles that a program pushes: one way into the store with what sources show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest.errors import NotAllowed
from digest.model.article import FoundArticle, Reading
from digest.model.issue import Issue
from digest.model.newsletter import SourceSpec
from digest.sources.entries import Entry
from digest.storage.database import Database
from digest.views.status import status
from digest.workflows.collecting.collect import Collected, collect
from digest.workflows.collecting.push import NoArticle, Pushed, push
from digest.workflows.drafting import article_status
from digest.workflows.drafting.draft import draft, plan
from fakes.activity import actor
from fakes.databases import NOW, found, newsletter

FEED = SourceSpec(kind="feed", key="feed:https://blog.example.com/feed", name="Blog", section="News")
LETTER = newsletter(sources=(FEED,))
URL = "https://blog.example.com/story-1"
STORY = Entry(links=(URL,), title="Story 1", summary="It <b>began</b> at night.", published=NOW)


@pytest.fixture
def database(tmp_path: Path, template: Path) -> Iterator[Database]:
    file = tmp_path / "digest.db"
    file.write_bytes(template.read_bytes())
    made = Database(f"sqlite:///{file}")
    yield made
    made.close()


def pushed(database: Database, entry: Entry = STORY, *, featured: bool = False) -> Pushed:
    return push(
        entry, newsletter=LETTER, featured=featured, database=database, by=actor("cms (API)"), now=NOW
    )


def collected(database: Database, *articles: FoundArticle) -> Collected:
    [done] = collect(
        LETTER,
        database=database,
        by=actor("a test"),
        read=lambda _s, _v: Reading(articles=articles),
        now=NOW + timedelta(hours=1),
    )
    return done


def test_a_pushed_article_is_cleaned_like_one_of_a_feed_and_comes_into_the_next_issue(
    database: Database,
) -> None:
    done = pushed(database, replace(STORY, links=(URL + "?utm_source=cms",), title=" Story\u202e \x00 1 "))

    assert (done.article.title, done.article.teaser, done.article.url) == (
        "Story 1",
        "It began at night.",
        URL,
    )
    assert done.is_new
    assert done.is_chosen
    assert done.sentence.startswith("It comes into issue 1: ")


def test_the_same_article_again_is_known_and_a_correction_is_taken(database: Database) -> None:
    first, again = pushed(database), pushed(database)
    corrected = pushed(database, replace(STORY, title="Story 1, corrected"))

    assert (again.is_new, corrected.is_new) == (False, False)
    assert {first.article.id, again.article.id, corrected.article.id} == {first.article.id}
    assert corrected.article.title == "Story 1, corrected"


def test_pushed_first_and_in_the_feed_later_it_is_one_article(database: Database) -> None:
    """Though it was the first look at the feed, whose articles are backlog."""
    first = pushed(database)
    done = collected(database, found(1, published=NOW, teaser="The feed says more."), found(2))

    assert (done.shown, done.new) == (2, 1)
    planned = plan(LETTER, database=database, now=NOW + timedelta(hours=2), everything=True)
    chosen = [c.article for c in planned.selection.chosen if c.article.url == URL]
    assert [(a.id, a.teaser) for a in chosen] == [(first.article.id, "It began at night.")]


def test_in_the_feed_first_and_pushed_later_it_is_one_article_and_the_feeds(database: Database) -> None:
    collected(database, found(1, teaser="The feed says this."))
    done = pushed(database)

    assert not done.is_new
    assert (done.article.source, done.article.teaser) == (FEED.key, "The feed says this.")


def test_a_featured_one_leads_the_issue_that_is_drafted_of_it(database: Database) -> None:
    pushed(database)
    other = Entry(links=("https://blog.example.com/story-2",), title="Story 2", published=NOW)
    pushed(database, other, featured=True)

    made = draft(LETTER, database=database, by=actor("a test"), now=NOW)
    assert isinstance(made, Issue)
    assert made.layout.lead is not None
    assert made.layout.lead.headline == "Story 2"
    assert [t.headline for t in made.layout.teasers] == ["Story 2", "Story 1"]
    assert "issue 1" in pushed(database).sentence  # it knows where it is


def test_a_plan_beside_an_open_draft_says_what_is_so(database: Database) -> None:
    pushed(database)
    draft(LETTER, database=database, by=actor("a test"), now=NOW + timedelta(hours=1))

    planned = plan(LETTER, database=database, now=NOW + timedelta(hours=2))

    assert planned.warnings[0] == "Issue weekly/1 is a draft; this plan is for the one after it."
    assert planned.selection.earlier == {"already in an issue": 1}, "the draft is no earlier issue yet"
    with pytest.raises(NotAllowed, match="Issue weekly/1 is a draft and not finished"):
        draft(LETTER, database=database, by=actor("a test"), now=NOW + timedelta(hours=2))


def test_why_and_status_know_a_source_that_is_not_configured(database: Database) -> None:
    assert [s.name for s in status(LETTER, database=database, now=NOW).sources] == ["Blog"]
    pushed(database)

    [standing] = article_status.why(URL, newsletters=[LETTER], database=database, now=NOW)
    assert standing.sentence.startswith("It comes into issue 1")
    assert [(s.name, s.ok, s.last_new) for s in status(LETTER, database=database, now=NOW).sources][1:] == [
        ("Pushed by programs", True, NOW)
    ]


@pytest.mark.parametrize(
    "entry",
    [
        replace(STORY, links=("javascript:alert(1)",)),
        replace(STORY, links=("/relative",)),
        replace(STORY, title="\u200b", summary=""),
    ],
)
def test_what_cannot_be_an_article_is_refused_and_leaves_nothing(database: Database, entry: Entry) -> None:
    with pytest.raises(NoArticle):
        pushed(database, entry)
    assert len(status(LETTER, database=database, now=NOW).sources) == 1
