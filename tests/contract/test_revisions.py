"""What an editor can rely on: nothing is overwritten, everything can be undone, also after a restart."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from digest.errors import NotAllowed, NotFound
from digest.model.article import ArticleId, Image
from digest.model.edit import (
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
from digest.model.issue import (
    Choice,
    Content,
    Issue,
    IssueState,
    Layout,
    LeftOut,
    Rendered,
    Selection,
    SourceValue,
    TakenOut,
    Teaser,
    TeaserField,
    Texts,
)
from digest.storage import articles, issues, ledger, revisions
from digest.storage.codec import from_json, to_json
from digest.storage.database import Database
from digest.views.history import history
from digest.views.left_out import left_out, search_older
from digest.workflows.composing.images import no_images
from digest.workflows.drafting.edit import (
    Conflict,
    Edited,
    EditedAll,
    Refusal,
    edit,
    edit_all,
    redo,
    undo,
)
from fakes.activity import actor, told
from fakes.databases import NOW, drafted, layout_of, newsletter, store, subscribe

A = ArticleId
LATER = NOW + timedelta(minutes=10)


@pytest.fixture
def draft(database: Database) -> Issue:
    """Weekly/1 with three stories; two others stayed out."""
    with database.write() as connection:
        ids = store(connection, 1, 2, 3, 4, 5, teaser="What it is about.")
        known = articles.by_ids(connection, ids[3:])
        out = tuple(
            Choice(article=a, chosen=False, reason="over the limit of 3; next in line") for a in known
        )
        return issues.add_draft(
            connection,
            "weekly",
            layout=layout_of(connection, ids[:3]),
            selection=Selection(chosen=(), left_out=out, since=None),
            now=NOW,
        )


def do(
    database: Database, issue: Issue, what: Edit, *, by: str = "ann", seen: int | None = None, at=NOW
) -> Edited | Conflict:
    seen = issue.revision if seen is None else seen
    return edit(
        issue, what, newsletter=newsletter(), by=actor(by), seen_revision=seen, database=database, now=at
    )


def done(database: Database, issue: Issue, what: Edit, **values) -> Issue:
    answer = do(database, issue, what, **values)
    assert isinstance(answer, Edited)
    return answer.issue


def headline(value: str, was: str = "Story 1", article: int = 1) -> EditTeaser:
    return EditTeaser(article=A(article), field=TeaserField.HEADLINE, value=value, was=was)


def reserved(database: Database) -> list[int]:
    with database.read() as connection:
        return [a.id for a in articles.all_of(connection, "weekly") if a.last_issue == 1]


# -- storing ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "what",
    [
        Move(article=A(1), section="Go", position=2),
        MakeLead(article=A(1)),
        TakeOut(article=A(1), reason="not now"),
        PullIn(
            article=A(1), teaser=Teaser(article_id=A(1), url="https://x.example", headline="x", published=NOW)
        ),
        headline("x"),
        ResetTeaser(article=A(1), field=TeaserField.ALT, was="x"),
        SetText(text=IssueText.NOTE, value="Ünïcode 🎉", was=""),
        RenameSection(title="Go", new="Ops"),
        MoveSection(title="Go", position=0),
    ],
)
def test_an_edit_comes_back_as_it_went_in(database: Database, draft: Issue, what: Edit) -> None:
    made = Revision(number=1, kind=StepKind.EDIT, at=NOW, by="ann", what="…", state=1, before=0, edit=what)
    content = Content(
        layout=draft.layout,
        texts=Texts(subject="S", preheader="P", note="N"),
        taken_out=(
            TakenOut(
                teaser=Teaser(
                    article_id=A(9),
                    url="https://x.example",
                    headline="x",
                    said=(
                        SourceValue(field=TeaserField.IMAGE, text="y", image=Image(url="https://y.example")),
                    ),
                ),
                reason="z",
            ),
        ),
    )
    with database.write() as connection:
        assert revisions.add(connection, draft.id, made, content)
        assert revisions.history(connection, draft.id) == [made]
        assert revisions.content_at(connection, draft.id, 1) == content
        assert issues.by_id(connection, draft.id).content == content
        assert issues.by_id(connection, draft.id).revision == 1


def test_a_document_that_is_no_edit_is_refused() -> None:
    with pytest.raises(ValueError, match="not a kind of edit"):
        revisions.edit_from_json({"kind": "Issue"})
    with pytest.raises(ValueError, match="position"):
        revisions.edit_from_json({"kind": "Move", "article": 1, "section": ""})


def test_a_revision_is_written_only_after_the_one_it_follows(database: Database, draft: Issue) -> None:
    made = Revision(number=1, kind=StepKind.EDIT, at=NOW, by="ann", what="", state=1, before=0)
    with database.write() as connection:
        assert revisions.add(connection, draft.id, made, draft.content)
        assert not revisions.add(connection, draft.id, replace(made, by="bob"), draft.content)
        assert [r.by for r in revisions.history(connection, draft.id)] == ["ann"]


def test_issues_of_before_there_were_edits_still_load() -> None:
    """What the codec wrote then had none of the new fields."""
    layout = Layout(lead=Teaser(article_id=A(1), url="https://x.example", headline="x"))
    document = to_json(layout)
    del document["lead"]["said"]

    assert from_json(Layout, document) == layout
    assert from_json(Texts, {}) == Texts()


# -- editing ------------------------------------------------------------------------


def test_an_edit_changes_the_issue_and_is_told(database: Database, draft: Issue) -> None:
    answer = do(database, draft, headline("Better"))

    assert isinstance(answer, Edited)
    assert answer.issue.layout.lead is not None
    assert answer.issue.layout.lead.headline == "Better"
    assert (answer.issue.revision, answer.others, answer.withdrew_approval) == (1, (), False)
    assert [(r.by, r.what) for r in history(draft, database=database)] == [
        ("ann", "changed the headline of “Story 1”"),
        ("", "drafted"),
    ]


def test_an_edit_that_changes_nothing_is_no_revision(database: Database, draft: Issue) -> None:
    answer = do(database, draft, headline("Story 1"))

    assert isinstance(answer, Edited)
    assert (answer.revision, answer.issue.revision) == (None, 0)
    assert history(draft, database=database) == []


def test_two_editors_of_the_same_text_do_not_overwrite(database: Database, draft: Issue) -> None:
    """The slower one gets both texts and whose the other is; nothing is changed."""
    done(database, draft, headline("Ann's"), by="ann")
    answer = do(database, draft, headline("Bob's"), by="bob", at=LATER)

    assert isinstance(answer, Conflict)
    assert (answer.mine, answer.theirs, answer.by, answer.at) == ("Bob's", "Ann's", "ann", NOW)
    assert answer.issue.revision == 1


def test_who_asks_again_is_told_again_whose_the_other_text_is(database: Database, draft: Issue) -> None:
    """Also after having seen it, and what a third one did since."""
    done(database, draft, headline("Ann's"), by="ann")
    done(database, draft, SetText(text=IssueText.SUBJECT, value="Herons", was=""), by="cid")
    answer = do(database, draft, headline("Bob's"), by="bob", seen=2, at=LATER)

    assert isinstance(answer, Conflict)
    assert (answer.mine, answer.theirs, answer.by, answer.at) == ("Bob's", "Ann's", "ann", NOW)


def test_two_editors_of_different_things_both_get_their_way(database: Database, draft: Issue) -> None:
    """Each is told what the other did."""
    done(database, draft, headline("Ann's"), by="ann")
    done(database, draft, SetText(text=IssueText.SUBJECT, value="Herons", was=""), by="cid", seen=0)
    answer = do(database, draft, MakeLead(article=A(3)), by="bob", seen=0)

    assert isinstance(answer, Edited)
    assert [r.by for r in answer.others] == ["ann", "cid"]
    assert answer.issue.layout.lead is not None
    assert answer.issue.layout.lead.article_id == 3
    assert {t.headline for t in answer.issue.layout.teasers} == {"Ann's", "Story 2", "Story 3"}
    assert answer.issue.texts.subject == "Herons"


def do_all(
    database: Database, issue: Issue, *edits: Edit, by: str = "ann", seen: int = 0, at=NOW
) -> EditedAll | Refusal:
    return edit_all(
        issue, edits, newsletter=newsletter(), by=actor(by), seen_revision=seen, database=database, now=at
    )


def test_a_list_of_edits_is_one_transaction_and_a_step_for_each(database: Database, draft: Issue) -> None:
    came = do_all(database, draft, headline("Better"), TakeOut(article=A(3)), MakeLead(article=A(2)))

    assert isinstance(came, EditedAll)
    assert (came.done, came.issue.revision, len(came.issue.layout.teasers)) == (3, 3, 2)
    undone = undo(came.issue, by=actor("ann"), seen_revision=3, database=database, now=LATER)
    assert isinstance(undone, Edited)
    assert [t.article_id for t in undone.issue.layout.teasers] == [1, 2]
    assert reserved(database) == [1, 2]


def test_of_a_list_with_a_clash_nothing_stays(database: Database, draft: Issue) -> None:
    do(database, draft, headline("Theirs"), by="bo")
    steps = history(draft, database=database)

    came = do_all(database, draft, TakeOut(article=A(3)), headline("Mine"), seen=0)

    assert isinstance(came, Refusal)
    assert isinstance(came.why, Conflict)
    assert (came.position, came.why.by, came.why.mine, came.why.theirs) == (1, "bo", "Mine", "Theirs")
    assert came.why.issue.revision == 1
    assert history(draft, database=database) == steps
    assert reserved(database) == [1, 2, 3]


def test_a_list_that_contradicts_itself_blames_nobody_else(database: Database, draft: Issue) -> None:
    do(database, draft, SetText(text=IssueText.SUBJECT, value="Bo's", was=""), by="bo")

    came = do_all(database, draft, headline("First"), headline("Second"), seen=0)

    assert isinstance(came, Refusal)
    assert isinstance(came.why, Conflict)
    assert (came.position, came.why.by, came.why.theirs) == (1, "ann", "First")


def test_of_a_list_that_may_not_stand_nothing_stays(database: Database, draft: Issue) -> None:
    out = [TakeOut(article=A(number)) for number in (1, 2, 3)]

    came = do_all(database, draft, *out)

    assert isinstance(came, Refusal)
    assert (came.position, type(came.why)) == (2, NotAllowed)
    assert history(draft, database=database) == []


def test_a_refused_list_leaves_the_approval(database: Database, draft: Issue) -> None:
    assert approved(database, draft)

    refused = do_all(database, draft, headline("Mine"), headline("Again"))
    with database.read() as connection:
        still = issues.by_id(connection, draft.id)
    came = do_all(database, draft, headline("Mine"), TakeOut(article=A(3)))

    assert isinstance(refused, Refusal)
    assert still.state is IssueState.APPROVED
    assert isinstance(came, EditedAll)
    assert (came.withdrew_approval, came.issue.state) == (True, IssueState.DRAFT)


def test_a_story_that_is_gone_says_who_took_it_out(database: Database, draft: Issue) -> None:
    done(database, draft, TakeOut(article=A(2)), by="ann")
    answer = do(database, draft, headline("x", "Story 2", 2), by="bob")

    assert isinstance(answer, Conflict)
    assert (answer.sentence, answer.by) == ("“Story 2” is no longer in this issue.", "ann")


def test_many_editors_at_once_lose_nothing(url: str, database: Database, draft: Issue) -> None:
    """Every edit is either there or told as a conflict; each number of the history is there once."""
    start = threading.Barrier(4)

    def one(number: int) -> list[Edited | Conflict]:
        mine = Database(url)
        start.wait()
        try:
            return [
                do(
                    mine,
                    draft,
                    SetText(text=IssueText.NOTE, value=f"{number}.{turn}", was=""),
                    by=f"p{number}",
                )
                if turn == 2
                else do(mine, draft, headline(f"{number}.{turn}", f"Story {number}", number), by=f"p{number}")
                if turn == 0 and number <= 3
                else do(
                    mine,
                    draft,
                    Move(article=A(number % 3 + 1), section=f"S{number}", position=0),
                    by=f"p{number}",
                )
                for turn in range(3)
            ]
        finally:
            mine.close()

    with ThreadPoolExecutor(4) as pool:
        answers = [answer for some in pool.map(one, range(1, 5)) for answer in some]

    steps = history(draft, database=database)
    assert [s.number for s in steps] == list(range(len(steps)))[::-1]
    notes = [a for a in answers if isinstance(a, Conflict)]
    assert len(notes) == 3
    assert all("note was changed" in a.sentence for a in notes)
    with database.read() as connection:
        now = issues.by_id(connection, draft.id)
    assert now.revision == len(steps) - 1
    assert {t.headline for t in now.layout.teasers} == {"1.0", "2.0", "3.0"}


# -- undo -----------------------------------------------------------------------------


def test_undo_and_redo_survive_a_restart(url: str, database: Database, draft: Issue) -> None:
    once = done(database, draft, headline("One"))
    twice = done(database, once, TakeOut(article=A(2), reason="not now"), by="bob")
    again = Database(url)
    first = undo(twice, by=actor("cid"), seen_revision=2, database=again, now=LATER)
    assert isinstance(first, Edited)
    assert first.issue.content == once.content
    second = undo(first.issue, by=actor("cid"), seen_revision=3, database=again, now=LATER)
    assert isinstance(second, Edited)
    assert second.issue.content == draft.content
    third = redo(second.issue, by=actor("cid"), seen_revision=4, database=again, now=LATER)
    fourth = redo(second.issue, by=actor("cid"), seen_revision=5, database=again, now=LATER)
    again.close()

    assert isinstance(third, Edited)
    assert isinstance(fourth, Edited)
    assert third.issue.content == once.content
    assert fourth.issue.content == twice.content
    assert [r.what for r in history(draft, database=database)][:2] == [
        "redid: removed “Story 2”: not now",
        "redid: changed the headline of “Story 1”",
    ]
    with pytest.raises(NotAllowed, match="nothing to redo"):
        redo(fourth.issue, by=actor("cid"), seen_revision=6, database=database, now=LATER)


def test_an_untouched_issue_has_nothing_to_undo(database: Database, draft: Issue) -> None:
    with pytest.raises(NotAllowed, match="nothing to undo"):
        undo(draft, by=actor("ann"), seen_revision=0, database=database, now=NOW)


def test_nobody_undoes_what_they_have_not_seen(database: Database, draft: Issue) -> None:
    mine = done(database, draft, headline("Mine"), by="ann")
    done(database, mine, MakeLead(article=A(3)), by="bob")
    answer = undo(mine, by=actor("ann"), seen_revision=1, database=database, now=LATER)

    assert isinstance(answer, Conflict)
    assert (answer.by, answer.issue.revision) == ("bob", 2)


def test_typing_that_saves_itself_is_undone_in_one_go(database: Database, draft: Issue) -> None:
    issue, was = draft, "Story 1"
    for number, text in enumerate(("H", "He", "Her", "Herons")):
        issue = done(database, issue, headline(text, was), at=NOW + timedelta(seconds=number))
        was = text
    answer = undo(issue, by=actor("ann"), seen_revision=4, database=database, now=LATER)

    assert isinstance(answer, Edited)
    assert answer.issue.content == draft.content
    back = redo(answer.issue, by=actor("ann"), seen_revision=5, database=database, now=LATER)
    assert isinstance(back, Edited)
    assert back.issue.content == issue.content


# -- articles ---------------------------------------------------------------------------


def test_what_is_taken_out_is_free_and_what_comes_in_is_reserved(database: Database, draft: Issue) -> None:
    out = done(database, draft, TakeOut(article=A(2), reason="not now"))
    assert reserved(database) == [1, 3]
    both = done(database, out, PullIn(article=A(4), position=0))
    assert reserved(database) == [1, 3, 4]
    [first, *_] = [t for s in both.layout.sections for t in s.teasers]
    assert (first.headline, first.text) == ("Story 4", "What it is about.")
    undone = undo(both, by=actor("ann"), seen_revision=2, database=database, now=NOW)
    assert isinstance(undone, Edited)
    undo(undone.issue, by=actor("ann"), seen_revision=3, database=database, now=NOW)
    assert reserved(database) == [1, 2, 3]


def test_an_undo_does_not_take_a_story_from_a_later_issue(database: Database, draft: Issue) -> None:
    out = done(database, draft, TakeOut(article=A(2)))
    with database.write() as connection:
        drafted(connection, [2])
    with pytest.raises(NotAllowed, match="“Story 2” is in issue 2"):
        undo(out, by=actor("ann"), seen_revision=1, database=database, now=NOW)

    with database.read() as connection:
        assert issues.by_id(connection, draft.id).revision == 1


def test_an_older_story_can_be_pulled_in_again(database: Database) -> None:
    """An editor knows what they do; taken out again, it stands in its old issue."""
    with database.write() as connection:
        one, two = store(connection, 1, 2)
        first = drafted(connection, [one])
        issues.move(connection, first.id, to=IssueState.SENT, among=[IssueState.DRAFT])
        second = drafted(connection, [two], now=LATER)
    both = done(database, second, PullIn(article=one))
    with database.read() as connection:
        assert articles.by_ids(connection, [one])[0].last_issue == 2
    done(database, both, TakeOut(article=one))
    with database.read() as connection:
        assert articles.by_ids(connection, [one])[0].last_issue == 1


def test_another_newsletters_article_is_not_pulled_in(database: Database, draft: Issue) -> None:
    other = newsletter("monthly")
    with pytest.raises(NotFound):
        edit(
            draft,
            PullIn(article=A(4)),
            newsletter=other,
            by=actor("ann"),
            seen_revision=0,
            database=database,
            now=NOW,
        )


def test_the_picture_of_what_comes_in_is_decided_as_for_a_draft(database: Database, draft: Issue) -> None:
    with database.write() as connection:
        [number] = store(connection, 9, image=Image(url="https://blog.example.com/9.png"))
    answer = edit(
        draft,
        PullIn(article=number),
        newsletter=newsletter(),
        by=actor("ann"),
        seen_revision=0,
        database=database,
        now=NOW,
        choose_images=no_images,
    )

    assert isinstance(answer, Edited)
    assert {t.image for t in answer.issue.layout.teasers} == {None}


def test_what_stayed_out_is_told_with_its_reason(database: Database, draft: Issue) -> None:
    out = done(database, draft, TakeOut(article=A(2), reason="a duplicate of Story 1"))
    done(database, out, PullIn(article=A(4)))

    assert [(a.article.id, a.reason, a.was_taken_out) for a in left_out(draft, database=database)] == [
        (2, "a duplicate of Story 1", True),
        (5, LeftOut.FULL.value.format(3), False),
    ]


def test_older_articles_are_found_by_every_word(database: Database, draft: Issue) -> None:
    with database.write() as connection:
        store(connection, 30, title="Über Reiher", teaser="Ein Vogel, 100% grau.")
        store(connection, 20, title="HERONS and egrets", teaser="Birds_of the river.")
        sent = drafted(connection, [6])
        issues.move(connection, sent.id, to=IssueState.SENT, among=[IssueState.DRAFT])

    def found(words: str) -> list[int]:
        return [a.article.id for a in search_older(draft, words, database=database)]

    assert found("story") == [4, 5]
    assert found("herons river") == [7]
    assert found("herons grau") == []
    assert (found("über"), found("ÜBER"), found("100%"), found("birds_of"), found("s%s")) == (
        [6],
        [6],
        [6],
        [7],
        [],
    )
    assert found("  ") == []
    assert [a.reason for a in search_older(draft, "reiher", database=database)] == ["already in issue 2"]


# -- approval -----------------------------------------------------------------------------


def approved(database: Database, issue: Issue) -> bool:
    rendered = Rendered(subject="s", preheader="", html="h", text="t", nonce="0" * 20, language="en")
    with database.write() as connection:
        frozen = issues.freeze(
            connection,
            issue.id,
            revision=issue.revision,
            rendered=rendered,
            content_hash="sha256:a",
            at=NOW,
            by="ann",
            overrides=["subject"],
        )
        if frozen:
            ledger.freeze_audience(connection, issue.id, "weekly", at=NOW)
        return frozen


def test_an_edit_takes_the_approval_back(database: Database, draft: Issue) -> None:
    """Audience, hash and rendering are gone, and the record says who did it."""
    with database.write() as connection:
        subscribe(connection, "ann", "bob")
    assert approved(database, draft)
    answer = do(database, draft, headline("Better"), by="bob")

    assert isinstance(answer, Edited)
    assert answer.withdrew_approval
    now = answer.issue
    assert (now.state, now.content_hash, now.rendered, now.approved_by, now.overrides) == (
        IssueState.DRAFT, "", None, "", ()
    )  # fmt: skip
    with database.read() as connection:
        assert ledger.counts(connection, draft.id, now=NOW).candidates == 0
    withdrawn = "approval of ann withdrawn: bob changed the headline of “Story 1”"
    assert (withdrawn, "bob") in told(database)
    assert approved(database, now)


def test_a_conflict_leaves_the_approval(database: Database, draft: Issue) -> None:
    assert approved(database, draft)
    answer = do(database, draft, headline("x", was="something else"))

    assert isinstance(answer, Conflict)
    assert answer.issue.state is IssueState.APPROVED


def test_only_the_revision_that_was_looked_at_is_approved(database: Database, draft: Issue) -> None:
    edited = done(database, draft, headline("Better"))

    assert not approved(database, draft)
    assert approved(database, edited)


def test_what_was_compiled_before_an_edit_is_not_taken_up(database: Database, draft: Issue) -> None:
    """Approved, compiled, edited, and approved anew: the first one's bytes must not go."""
    assert approved(database, draft)
    with database.write() as connection:
        compiled = issues.by_id(connection, draft.id)
        assert not issues.start_sending(connection, replace(compiled, content_hash="sha256:older"))
        assert issues.start_sending(connection, compiled)


@pytest.mark.parametrize(
    "state", [IssueState.SENDING, IssueState.SENT, IssueState.CANCELLED, IssueState.HELD]
)
def test_what_goes_out_is_not_edited(database: Database, draft: Issue, state: IssueState) -> None:
    """Held means here: in the middle of its send."""
    assert approved(database, draft)
    with database.write() as connection:
        issues.move(connection, draft.id, to=state, among=[IssueState.APPROVED])
    with pytest.raises(NotAllowed, match="can no longer be edited"):
        do(database, draft, headline("x"))
    with pytest.raises(NotAllowed, match="can no longer be edited"):
        undo(draft, by=actor("ann"), seen_revision=0, database=database, now=NOW)
