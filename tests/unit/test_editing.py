"""Edits of an issue: no story is lost or doubled, nobody's text is overwritten, everything can be undone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import NotAllowed
from digest.model.article import ArticleId, Image
from digest.model.edit import (
    Clash,
    Edit,
    EditTeaser,
    IssueText,
    MakeLead,
    Move,
    MoveSection,
    PullIn,
    RenameSection,
    ResetTeaser,
    Revision,
    SetText,
    StepKind,
    TakeOut,
)
from digest.model.issue import Content, Layout, Section, TakenOut, Teaser, TeaserField, Texts
from digest.rules.editing import apply, clean, describe, story, value_of
from digest.rules.history import continues_step, redo_leads_to, undo_leads_to

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
PICTURE = Image(url="https://blog.example.com/1.png", alt="A heron", width=800, height=450)


def teaser(number: int, **values: object) -> Teaser:
    made = Teaser(
        article_id=ArticleId(number), url=f"https://blog.example.com/{number}", headline=f"Story {number}"
    )
    return replace(made, **values)


def content(*sections: tuple[str, tuple[int, ...]], lead: int = 1) -> Content:
    made = tuple(Section(title=title, teasers=tuple(map(teaser, numbers))) for title, numbers in sections)
    return Content(layout=Layout(lead=teaser(lead), sections=made))


WEEK = content(("", (2, 3)), ("Go", (4,)), ("Ops", (5, 6)))


def order(given: Content | Clash) -> list[tuple[str, list[int]]]:
    """The lead as a section of its own, called “^”."""
    assert isinstance(given, Content)
    lead = [("^", [int(given.layout.lead.article_id)])] if given.layout.lead else []
    return lead + [(s.title, [int(t.article_id) for t in s.teasers]) for s in given.layout.sections]


def after(edit: Edit, before: Content = WEEK) -> Content:
    made = apply(edit, before)
    assert isinstance(made, Content)
    return made


# -- order ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (
            Move(article=ArticleId(6), section="", position=0),
            [("^", [1]), ("", [6, 2, 3]), ("Go", [4]), ("Ops", [5])],
        ),
        (
            Move(article=ArticleId(2), section="", position=1),
            [("^", [1]), ("", [3, 2]), ("Go", [4]), ("Ops", [5, 6])],
        ),
        (
            Move(article=ArticleId(4), section="Ops", position=99),
            [("^", [1]), ("", [2, 3]), ("Ops", [5, 6, 4])],
        ),
        (
            Move(article=ArticleId(4), section="New", position=-3),
            [("^", [1]), ("", [2, 3]), ("Ops", [5, 6]), ("New", [4])],
        ),
        (
            Move(article=ArticleId(1), section="Go", position=1),
            [("^", [2]), ("", [3]), ("Go", [4, 1]), ("Ops", [5, 6])],
        ),
        (MakeLead(article=ArticleId(6)), [("^", [6]), ("", [1, 2, 3]), ("Go", [4]), ("Ops", [5])]),
        (MakeLead(article=ArticleId(1)), order(WEEK)),
        (TakeOut(article=ArticleId(4)), [("^", [1]), ("", [2, 3]), ("Ops", [5, 6])]),
        (TakeOut(article=ArticleId(1)), [("^", [2]), ("", [3]), ("Go", [4]), ("Ops", [5, 6])]),
        (
            PullIn(article=ArticleId(7), section="Go", position=0, teaser=teaser(7)),
            [("^", [1]), ("", [2, 3]), ("Go", [7, 4]), ("Ops", [5, 6])],
        ),
        (
            RenameSection(title="Go", new="Golang"),
            [("^", [1]), ("", [2, 3]), ("Golang", [4]), ("Ops", [5, 6])],
        ),
        (RenameSection(title="Ops", new="Go"), [("^", [1]), ("", [2, 3]), ("Go", [4, 5, 6])]),
        (MoveSection(title="Ops", position=0), [("^", [1]), ("Ops", [5, 6]), ("", [2, 3]), ("Go", [4])]),
    ],
)
def test_what_becomes_of_the_order(edit: Edit, expected: list[tuple[str, list[int]]]) -> None:
    assert order(after(edit)) == expected


def test_the_lead_comes_down_also_where_its_section_would_vanish() -> None:
    """The first section held nothing but the new lead."""
    assert order(after(MakeLead(article=ArticleId(2)), content(("Go", (2,)), ("Ops", (3,))))) == [
        ("^", [2]),
        ("Go", [1]),
        ("Ops", [3]),
    ]


def test_the_only_story_stays() -> None:
    alone = content()
    with pytest.raises(NotAllowed, match="only story"):
        apply(TakeOut(article=ArticleId(1)), alone)

    assert order(after(Move(article=ArticleId(1), section="Go", position=0), alone)) == [("^", [1])]


def test_what_was_taken_out_comes_back_as_it_was() -> None:
    """With the words of the editor, and not as the article says."""
    edited = after(
        EditTeaser(article=ArticleId(4), field=TeaserField.HEADLINE, value="Better", was="Story 4")
    )
    out = after(TakeOut(article=ArticleId(4), reason="next week"), edited)
    back = after(PullIn(article=ArticleId(4), section="Ops", teaser=teaser(4)), out)

    assert [(t.teaser.headline, t.reason) for t in out.taken_out] == [("Better", "next week")]
    assert back.taken_out == ()
    assert story(back.layout, ArticleId(4)) == story(edited.layout, ArticleId(4))


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (Move(article=ArticleId(9), section="", position=0), "no longer in this issue"),
        (MakeLead(article=ArticleId(9)), "no longer in this issue"),
        (TakeOut(article=ArticleId(9)), "no longer in this issue"),
        (PullIn(article=ArticleId(4), teaser=teaser(4)), "already in this issue"),
        (PullIn(article=ArticleId(9)), "no longer exists"),
        (
            EditTeaser(article=ArticleId(9), field=TeaserField.TEXT, value="x", was=""),
            "no longer in this issue",
        ),
        (
            EditTeaser(article=ArticleId(4), field=TeaserField.ALT, value="x", was=""),
            "no longer has an image",
        ),
        (RenameSection(title="Art", new="x"), "no longer a section"),
        (MoveSection(title="Art", position=0), "no longer a section"),
    ],
)
def test_what_is_gone_cannot_be_edited(edit: Edit, sentence: str) -> None:
    clash = apply(edit, WEEK)

    assert isinstance(clash, Clash)
    assert sentence in clash.sentence


# -- texts -------------------------------------------------------------------------


def test_a_text_that_was_changed_meanwhile_is_not_overwritten() -> None:
    theirs = after(
        EditTeaser(article=ArticleId(2), field=TeaserField.HEADLINE, value="Theirs", was="Story 2")
    )
    clash = apply(
        EditTeaser(article=ArticleId(2), field=TeaserField.HEADLINE, value="Mine", was="Story 2"), theirs
    )

    assert isinstance(clash, Clash)
    assert (clash.mine, clash.theirs) == ("Mine", "Theirs")


def test_two_who_write_the_same_do_not_clash() -> None:
    edit = SetText(text=IssueText.SUBJECT, value="Herons", was="")

    assert after(edit, after(edit)).texts == Texts(subject="Herons")


def test_a_subject_that_was_changed_meanwhile_is_not_overwritten() -> None:
    theirs = after(SetText(text=IssueText.SUBJECT, value="Theirs", was=""))
    clash = apply(SetText(text=IssueText.SUBJECT, value="", was="Mine once"), theirs)

    assert isinstance(clash, Clash)
    assert clash.theirs == "Theirs"


def pictured(**values: object) -> Content:
    return Content(layout=Layout(lead=teaser(1, image=PICTURE, text="By the source", **values)))


@pytest.mark.parametrize("field", list(TeaserField))
def test_resetting_brings_back_what_the_source_said(field: TeaserField) -> None:
    before = pictured(topic="Birds")
    first = before.layout.teasers[0]
    value = "https://blog.example.com/2.png" if field is TeaserField.IMAGE else "By an editor"
    once = after(
        EditTeaser(article=ArticleId(1), field=field, value=value, was=value_of(first, field)), before
    )
    twice = after(EditTeaser(article=ArticleId(1), field=field, value=f"{value}2", was=value), once)
    again = after(ResetTeaser(article=ArticleId(1), field=field, was=f"{value}2"), twice)

    assert twice.layout.teasers[0].edited == {field}
    assert again == before


def test_writing_what_the_source_says_is_no_edit() -> None:
    before = pictured()
    there = after(
        EditTeaser(article=ArticleId(1), field=TeaserField.TEXT, value="x", was="By the source"), before
    )
    back = after(
        EditTeaser(article=ArticleId(1), field=TeaserField.TEXT, value="By the source", was="x"), there
    )

    assert back == before


def test_another_picture_loses_the_text_of_the_first() -> None:
    """A text that tells of another picture misleads who cannot see it; both come back together."""
    before = pictured()
    told = after(
        EditTeaser(article=ArticleId(1), field=TeaserField.ALT, value="An egret", was="A heron"), before
    )
    other = after(
        EditTeaser(
            article=ArticleId(1), field=TeaserField.IMAGE, value="https://x.example/e.png", was=PICTURE.url
        ),
        told,
    )
    none = after(
        EditTeaser(article=ArticleId(1), field=TeaserField.IMAGE, value="", was="https://x.example/e.png"),
        other,
    )
    back = after(ResetTeaser(article=ArticleId(1), field=TeaserField.IMAGE, was=""), none)

    assert other.layout.teasers[0].image == Image(url="https://x.example/e.png")
    assert none.layout.teasers[0].image is None
    assert back == before


@pytest.mark.parametrize(
    ("edit", "value"),
    [
        (EditTeaser(article=ArticleId(1), field=TeaserField.TEXT, value=" a\n\tb\u202e\x07 ", was=""), "a b"),
        (
            EditTeaser(
                article=ArticleId(1), field=TeaserField.IMAGE, value=" https://x.example/a b.png", was=""
            ),
            "https://x.example/a%20b.png",
        ),
        (
            SetText(text=IssueText.SUBJECT, value="One\r\nBcc: all@example.org", was=""),
            "One Bcc: all@example.org",
        ),
        (
            SetText(text=IssueText.NOTE, value="Dear all,\r\n\r\n*hello*\x00  \r\n", was=""),
            "Dear all,\n\n*hello*",
        ),
    ],
)
def test_texts_are_cleaned(edit: EditTeaser | SetText, value: str) -> None:
    cleaned = clean(edit)

    assert isinstance(cleaned, EditTeaser | SetText)
    assert cleaned.value == value
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (TeaserField.HEADLINE, " \u200b"),
        (TeaserField.IMAGE, "javascript:alert(1)"),
        (TeaserField.IMAGE, "a.png"),
    ],
)
def test_what_cannot_stand_there_is_refused(field: TeaserField, value: str) -> None:
    with pytest.raises(NotAllowed):
        clean(EditTeaser(article=ArticleId(1), field=field, value=value, was=""))


# -- whatever editors do -------------------------------------------------------------

ids = st.integers(1, 9).map(ArticleId)
titles = st.sampled_from(["", "Go", "Ops", "New"])
places = st.integers(-2, 9)
words = st.sampled_from(["", "a", "b", "https://x.example/a.png"])
fields = st.sampled_from(list(TeaserField))
edits: st.SearchStrategy[Edit] = st.one_of(
    st.builds(Move, article=ids, section=titles, position=places),
    st.builds(MakeLead, article=ids),
    st.builds(TakeOut, article=ids, reason=words),
    st.builds(
        lambda n, s, p: PullIn(article=n, section=s, position=p, teaser=teaser(n)), ids, titles, places
    ),
    st.builds(EditTeaser, article=ids, field=fields, value=words, was=words | st.just("Story 2")),
    st.builds(ResetTeaser, article=ids, field=fields, was=words),
    st.builds(SetText, text=st.sampled_from(list(IssueText)), value=words, was=words),
    st.builds(RenameSection, title=titles, new=titles),
    st.builds(MoveSection, title=titles, position=places),
)


def carried_out(edit: Edit, before: Content) -> Content | None:
    try:
        made = apply(edit, before)
    except NotAllowed:
        return None
    return made if isinstance(made, Content) else None


@given(st.lists(edits, max_size=25))
def test_no_story_is_lost_or_doubled(doings: list[Edit]) -> None:
    """Every story is in the issue or taken out, once; there is a lead; sections are filled and told apart."""
    now, known = WEEK, {1, 2, 3, 4, 5, 6}
    for edit in doings:
        made = carried_out(edit, now)
        if made is None:
            continue
        now = made
        if isinstance(edit, PullIn):
            known.add(int(edit.article))
        here = [int(t.article_id) for t in now.layout.teasers]
        out = [int(o.teaser.article_id) for o in now.taken_out]
        assert sorted(here + out) == sorted(known)
        assert now.layout.lead is not None
        assert all(section.teasers for section in now.layout.sections)
        assert len({section.title for section in now.layout.sections}) == len(now.layout.sections)
        assert describe(edit, now)


@given(ids.filter(lambda n: n <= 6), titles, places)
def test_moving_is_total(article: ArticleId, section: str, position: int) -> None:
    """A story that is there can be put anywhere, and the others keep their order."""
    moved = after(Move(article=article, section=section, position=position))
    lead = WEEK.layout.lead
    assert lead is not None
    if article != lead.article_id:
        titled = next(s for s in moved.layout.sections if s.title == section)
        assert article in {t.article_id for t in titled.teasers}
        assert moved.layout.lead == lead
    others = [[n for n in numbers if n != article] for _, numbers in order(WEEK)]
    left = [[n for n in numbers if n != article] for _, numbers in order(moved)]
    assert list(chain(*left)) == list(chain(*others))


@given(st.lists(edits, max_size=6), edits, edits)
def test_edits_of_different_stories_texts_commute(earlier: list[Edit], one: Edit, other: Edit) -> None:
    """Two editors who write different texts get the same, whoever is first."""
    texts = (EditTeaser, ResetTeaser, SetText)
    same_place = type(one) is type(other) and getattr(one, "article", None) == getattr(other, "article", None)
    if not (isinstance(one, texts) and isinstance(other, texts)) or same_place:
        return
    if getattr(one, "article", 1) == getattr(other, "article", 2):
        return
    now = WEEK
    for edit in earlier:
        now = carried_out(edit, now) or now
    first = carried_out(other, carried_out(one, now) or now) or carried_out(one, now) or now
    second = carried_out(one, carried_out(other, now) or now) or carried_out(other, now) or now
    assert first == second


# -- undo and redo -------------------------------------------------------------------


class Line:
    """A history as storage keeps it, beside two plain stacks that say what is right."""

    def __init__(self) -> None:
        self.history = [Revision(number=0, kind=StepKind.BEGIN, at=NOW, by="", what="", state=0, before=None)]
        self.done, self.undone = [0], list[int]()

    def add(self, deed: StepKind, state: int | None = None, before: int | None = None) -> int:
        number = len(self.history)
        made = Revision(
            number=number,
            kind=deed,
            at=NOW,
            by="",
            what="",
            state=number if state is None else state,
            before=before,
        )
        self.history.append(made)
        return number


@given(st.lists(st.sampled_from(["edit", "undo", "undo", "redo"]), max_size=40))
def test_undo_and_redo_are_two_stacks(doings: list[str]) -> None:
    """undo(apply(x)) == x, redo(undo(x)) == x, and after a new edit there is nothing to do again."""
    line = Line()
    for what in doings:
        if what == "edit":
            line.done.append(line.add(StepKind.EDIT, before=line.history[-1].state))
            line.undone = []
            continue
        leads = undo_leads_to(line.history) if what == "undo" else redo_leads_to(line.history)
        if what == "undo":
            assert (leads is None) == (len(line.done) == 1)
            if leads:
                line.undone.append(line.done.pop())
        else:
            assert (leads is None) == (not line.undone)
            if leads:
                line.done.append(line.undone.pop())
        if leads:
            assert leads[0] == line.done[-1]
            line.add(StepKind(what), state=leads[0])


def typed(at: datetime, *, by: str = "ann", article: int = 1) -> Revision:
    edit = EditTeaser(article=ArticleId(article), field=TeaserField.TEXT, value="x", was="")
    return Revision(number=1, kind=StepKind.EDIT, at=at, by=by, what="", state=1, before=0, edit=edit)


@pytest.mark.parametrize(
    ("later", "is_one"),
    [
        (typed(NOW + timedelta(seconds=90)), True),
        (typed(NOW + timedelta(minutes=3)), False),
        (typed(NOW, by="bob"), False),
        (typed(NOW, article=2), False),
    ],
)
def test_typing_is_undone_in_one_go(later: Revision, is_one: bool) -> None:
    assert continues_step(typed(NOW), later) is is_one


def test_the_history_is_in_sentences() -> None:
    out = TakeOut(article=ArticleId(4), reason="not now")
    gone = Content(layout=WEEK.layout, taken_out=(TakenOut(teaser=teaser(8), reason=""),))

    assert describe(out, WEEK) == "removed “Story 4”: not now"
    assert describe(PullIn(article=ArticleId(8)), gone) == "added “Story 8”"
    assert describe(SetText(text=IssueText.NOTE, value="", was="x"), WEEK) == "removed the editor's note"
