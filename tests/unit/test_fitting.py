"""A story that comes to lead shows more of its source; one that leads no more shows less."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from digest.model.article import Article, ArticleId, Image
from digest.model.edit import EditTeaser, MakeLead, ResetTeaser, TakeOut
from digest.model.issue import Content, Layout, Section, Teaser, TeaserField
from digest.rules.cleaning import teaser_of
from digest.rules.editing import apply
from digest.rules.layout import CARD_TEXT, LEAD_TEXT
from digest.rules.lead_change import fit_to_place, needs_lead_image, promoted_or_demoted

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SOURCE = Image(url="https://blog.example.com/1.png", alt="A heron")
SMALL = Image(url="https://news.example.com/media/small.jpg", alt="A heron", width=512, height=288)
LARGE = Image(url="https://news.example.com/media/large.jpg", width=1200, height=674)
SAYS = "A replica that has heard nothing for ten seconds asks the others what they know. " * 5


def article(number: int, teaser: str = SAYS, **values: object) -> Article:
    made = Article(
        id=ArticleId(number),
        newsletter="weekly",
        source="blog",
        url=f"https://blog.example.com/{number}",
        title=f"Story {number}",
        teaser=teaser,
        image=SOURCE,
        published=NOW,
        first_seen=NOW,
    )
    return replace(made, **values)


def card(number: int, *, says: str = SAYS, limit: int = CARD_TEXT, **values: object) -> Teaser:
    made = Teaser(
        article_id=ArticleId(number),
        url=f"https://blog.example.com/{number}",
        headline=f"Story {number}",
        text=teaser_of(says, limit=limit),
        image=SMALL,
    )
    return replace(made, **values)


def issue(*cards: Teaser, lead: Teaser | None = None) -> Content:
    return Content(
        layout=Layout(lead=lead or card(1, limit=LEAD_TEXT), sections=(Section(title="", teasers=cards),))
    )


def after(edit: object, before: Content, *known: Article, copies: dict[int, Image] | None = None) -> Layout:
    changed = apply(edit, before)
    assert isinstance(changed, Content)
    articles = {a.id: a for a in known or (article(1), article(2), article(3))}
    larger = {ArticleId(number): image for number, image in (copies or {}).items()}
    return fit_to_place(before.layout, changed.layout, known=articles, copies=larger)


def texts(layout: Layout) -> dict[int, str]:
    return {int(t.article_id): t.text for t in layout.teasers}


def test_the_two_that_change_places_are_cut_anew() -> None:
    made = after(MakeLead(article=ArticleId(2)), issue(card(2), card(3)))
    assert texts(made) == {
        2: teaser_of(SAYS, limit=LEAD_TEXT),
        1: teaser_of(SAYS, limit=CARD_TEXT),
        3: teaser_of(SAYS, limit=CARD_TEXT),
    }
    assert len(texts(made)[2]) > len(texts(made)[1])


def test_a_lead_that_is_taken_out_leaves_its_room_to_the_next() -> None:
    made = after(TakeOut(article=ArticleId(1)), issue(card(2), card(3)))
    assert texts(made)[2] == teaser_of(SAYS, limit=LEAD_TEXT)
    assert texts(made)[3] == teaser_of(SAYS, limit=CARD_TEXT)


def test_stories_that_stay_where_they_are_stay_as_they_are() -> None:
    # The third was drafted when a card was as long as a lead: nobody asked to change it.
    before = issue(card(2), card(3, limit=LEAD_TEXT))
    made = after(MakeLead(article=ArticleId(2)), before)
    assert texts(made)[3] == teaser_of(SAYS, limit=LEAD_TEXT)
    assert promoted_or_demoted(before.layout, made) == {1, 2}
    assert promoted_or_demoted(before.layout, before.layout) == frozenset()


def test_an_editors_words_are_kept_and_their_reset_is_of_the_new_place() -> None:
    before = issue(card(2), card(3))
    written = apply(
        EditTeaser(
            article=ArticleId(2), field=TeaserField.TEXT, value="Mine.", was=before.layout.teasers[1].text
        ),
        before,
    )
    assert isinstance(written, Content)
    made = after(MakeLead(article=ArticleId(2)), written)
    assert texts(made)[2] == "Mine."
    reset = apply(
        ResetTeaser(article=ArticleId(2), field=TeaserField.TEXT, was="Mine."), replace(written, layout=made)
    )
    assert isinstance(reset, Content)
    assert texts(reset.layout)[2] == teaser_of(SAYS, limit=LEAD_TEXT)


def test_what_the_source_says_by_now_changes_nothing() -> None:
    made = after(MakeLead(article=ArticleId(2)), issue(card(2)), article(2, teaser="Rewritten since. " * 40))
    assert texts(made)[2] == teaser_of(SAYS, limit=CARD_TEXT)


def test_a_new_lead_gets_the_larger_copy_with_the_text_that_it_has() -> None:
    before = issue(card(2, image=replace(SMALL, alt="Written by an editor")), card(3))
    made = after(MakeLead(article=ArticleId(2)), before, copies={2: LARGE, 3: LARGE})
    assert made.lead is not None
    assert made.lead.image == replace(LARGE, alt="Written by an editor")
    assert [t.image for t in made.sections[0].teasers] == [SMALL, SMALL]


def test_a_picture_of_an_editor_or_none_at_all_is_no_matter_of_copies() -> None:
    before = issue(card(2))
    chosen = apply(
        EditTeaser(
            article=ArticleId(2), field=TeaserField.IMAGE, value="https://x.example/mine.png", was=SMALL.url
        ),
        before,
    )
    assert isinstance(chosen, Content)
    made = after(MakeLead(article=ArticleId(2)), chosen, copies={2: LARGE})
    assert made.lead is not None
    assert made.lead.image == Image(url="https://x.example/mine.png")

    bare = after(MakeLead(article=ArticleId(2)), issue(card(2, image=None)), copies={2: LARGE})
    assert bare.lead is not None
    assert bare.lead.image is None


def test_only_what_is_a_copy_is_copied_again() -> None:
    assert needs_lead_image(card(1), article(1)) == SOURCE
    assert needs_lead_image(card(1, image=SOURCE), article(1)) is None  # linked: as large as it is
    assert needs_lead_image(card(1, image=None), article(1)) is None
    assert needs_lead_image(card(1), article(1, image=None)) is None  # not there any more
