"""Edits a draft, and undoes edits.

One edit, or a whole list of them, is one transaction.  An edit is applied to the
issue as it is now, not as the editor saw it: edits of different things by two
editors both succeed, and edits of the same text are a `Conflict` for the slower
editor.  The article store's reservations follow the content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime

from digest.errors import Busy, NotAllowed, NotFound
from digest.model.activity import ActivityKind, Actor
from digest.model.article import ArticleId, Image
from digest.model.edit import Clash, Edit, EditTeaser, PullIn, ResetTeaser, Revision, SetText, StepKind
from digest.model.issue import Content, Issue, IssueState, Layout, Section
from digest.model.newsletter import Newsletter
from digest.rules import approval, editing
from digest.rules.history import continues_step, redo_leads_to, undo_leads_to
from digest.rules.layout import teaser_for
from digest.rules.lead_change import fit_to_place, promoted_or_demoted
from digest.rules.pictures import with_pictures
from digest.storage import activity_log, articles, issues, ledger, revisions
from digest.storage.database import Connection, Database
from digest.workflows.composing.images import ChooseImages
from digest.workflows.composing.lead_images import copies_for_leads


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """The issue after a step, and what others have changed since the editor last looked."""

    issue: Issue
    revision: Revision | None  # None where the edit changed nothing
    others: tuple[Revision, ...] = ()
    withdrew_approval: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Nothing was changed, because somebody else was faster.  Both texts, for the editor to choose."""

    issue: Issue  # as it is now
    sentence: str
    mine: str = ""
    theirs: str = ""
    by: str = ""  # who made the conflicting change, if known
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedAll:
    """The issue after a list of edits, all of them applied."""

    issue: Issue
    done: int  # how many of them changed something
    others: tuple[Revision, ...] = ()
    withdrew_approval: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """None of a list of edits was applied, because one of them was not possible."""

    position: int  # of that edit; 0 is the first
    why: Conflict | NotAllowed | NotFound


def edit(
    issue: Issue,
    what: Edit,
    *,
    newsletter: Newsletter,
    by: Actor,
    seen_revision: int,
    database: Database,
    now: datetime,
    choose_images: ChooseImages | None = None,
) -> Edited | Conflict:
    """Apply one edit; an approved issue becomes a draft again.

    `choose_images` decides on the image of an added article, as it does for a draft, and
    makes a larger copy for a story that becomes the lead.

    Raises:
        NotAllowed: the issue is sent or being sent, or the new value is not allowed.
        NotFound: an article to add does not belong to this newsletter.
    """
    what = _prepared(what, newsletter, database=database, choose_images=choose_images)
    copies = copies_for_leads(issue, [what], newsletter, database=database, choose_images=choose_images)
    with database.write() as connection:
        current = _editable(connection, issue)
        step = _Steps(connection, by=by, seen=seen_revision, stood=current.revision, now=now, copies=copies)
        return _carry_out(step, current, what)


def edit_all(
    issue: Issue,
    edits: Sequence[Edit],
    *,
    newsletter: Newsletter,
    by: Actor,
    seen_revision: int,
    database: Database,
    now: datetime,
    choose_images: ChooseImages | None = None,
) -> EditedAll | Refusal:
    """Apply all edits in order, each on the result of the one before; or none at all.

    Each becomes a step of its own in the history: an undo reverts the last of them.

    Raises:
        NotAllowed: the issue is sent or being sent.
    """
    prepared = []
    for position, what in enumerate(edits):
        try:
            prepared.append(_prepared(what, newsletter, database=database, choose_images=choose_images))
        except (NotAllowed, NotFound) as error:
            return Refusal(position=position, why=error)
    copies = copies_for_leads(issue, prepared, newsletter, database=database, choose_images=choose_images)
    try:
        with database.write() as connection:
            begun = _editable(connection, issue)
            steps = _Steps(
                connection, by=by, seen=seen_revision, stood=begun.revision, now=now, copies=copies
            )
            return _carry_out_all(steps, begun, prepared)
    except _Stopped as stopped:
        return stopped.refusal


class _Stopped(Exception):
    """Rolls back the transaction of a list of edits."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__()
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class _Steps:
    """What the edits of one transaction share."""

    connection: Connection
    _: KW_ONLY
    by: Actor
    seen: int  # the revision that the editor has seen
    stood: int  # the revision at which the transaction began
    now: datetime
    copies: Mapping[ArticleId, Image]  # lead-sized copies of images


def _carry_out_all(steps: _Steps, begun: Issue, edits: Sequence[Edit]) -> EditedAll:
    issue, done, others, withdrew = begun, 0, tuple[Revision, ...](), False
    for position, what in enumerate(edits):
        try:
            came = _carry_out(steps, issue, what)
        except Busy:
            raise
        except NotAllowed as error:
            raise _Stopped(Refusal(position=position, why=error)) from error
        if isinstance(came, Conflict):
            # The issue as it is stored, so without the earlier edits of this list.
            raise _Stopped(Refusal(position=position, why=replace(came, issue=begun)))
        issue, others = came.issue, came.others
        done += came.revision is not None
        withdrew = withdrew or came.withdrew_approval
    return EditedAll(issue=issue, done=done, others=others, withdrew_approval=withdrew)


def undo(
    issue: Issue, *, by: Actor, seen_revision: int, database: Database, now: datetime
) -> Edited | Conflict:
    """Restore the content before the last edit that is not undone, whoever made it.

    Raises:
        NotAllowed: there is nothing to undo, or the issue is sent or being sent.
    """
    return _along(issue, StepKind.UNDO, by=by, seen_revision=seen_revision, database=database, now=now)


def redo(
    issue: Issue, *, by: Actor, seen_revision: int, database: Database, now: datetime
) -> Edited | Conflict:
    """Revert the last undo.

    Raises:
        NotAllowed: there is nothing to redo, or the issue is sent or being sent.
    """
    return _along(issue, StepKind.REDO, by=by, seen_revision=seen_revision, database=database, now=now)


def _prepared(
    what: Edit, newsletter: Newsletter, *, database: Database, choose_images: ChooseImages | None
) -> Edit:
    """The edit as it is applied: with clean texts, and with the teaser of an added article."""
    what = editing.clean(what)
    if isinstance(what, PullIn):
        return _with_teaser(what, newsletter, database=database, choose_images=choose_images)
    return what


def _carry_out(steps: _Steps, current: Issue, what: Edit) -> Edited | Conflict:
    """Apply one edit to the issue as it is in this transaction."""
    connection = steps.connection
    content = editing.apply(what, current.content)
    history = revisions.history(connection, current.id)
    if isinstance(content, Clash):
        return _conflict(current, content, what, history, seen=steps.seen, stood=steps.stood)
    content = _fitted(connection, current.content, content, steps.copies)
    if content == current.content:
        return Edited(issue=current, revision=None, others=_since(history, steps.seen, steps.by.name))
    made = Revision(
        number=current.revision + 1,
        kind=StepKind.EDIT,
        at=steps.now,
        by=steps.by.name,
        what=editing.describe(what, current.content),
        state=current.revision + 1,
        before=history[-1].state if history else 0,
        edit=what,
    )
    if history and continues_step(history[-1], made):
        made = replace(made, before=history[-1].before)
        revisions.drop_content(connection, current.id, history[-1].number)
    return _step(connection, current, made, content, history, by=steps.by, seen=steps.seen)


def _fitted(
    connection: Connection, before: Content, after: Content, copies: Mapping[ArticleId, Image]
) -> Content:
    stories = promoted_or_demoted(before.layout, after.layout)
    if not stories:
        return after
    known = {article.id: article for article in articles.by_ids(connection, stories)}
    return replace(after, layout=fit_to_place(before.layout, after.layout, known=known, copies=copies))


def _along(
    issue: Issue, kind: StepKind, *, by: Actor, seen_revision: int, database: Database, now: datetime
) -> Edited | Conflict:
    leads_to: Callable[[list[Revision]], tuple[int, Revision] | None]
    leads_to = undo_leads_to if kind is StepKind.UNDO else redo_leads_to
    with database.write() as connection:
        current = _editable(connection, issue)
        history = revisions.history(connection, issue.id)
        if current.revision != seen_revision:
            # Undo reverts the last step, and the editor has not seen which one that is now.
            return _as_conflict(
                current,
                Clash(sentence="The issue was changed in the meantime."),
                history[-1] if history else None,
            )
        found = leads_to(history)
        if found is None:
            raise NotAllowed(f"There is nothing to {kind.value} in issue {issue.ref}.")
        state, of = found
        content = revisions.content_at(connection, issue.id, state)
        if content is None:
            raise NotAllowed(f"Revision {state} of issue {issue.ref} is missing.", mend="Please report this.")
        made = Revision(
            number=current.revision + 1,
            kind=kind,
            at=now,
            by=by.name,
            what=f"{'undid' if kind is StepKind.UNDO else 'redid'}: {of.what}",
            state=state,
            before=None,
            edit=of.edit,
        )
        return _step(connection, current, made, content, history, by=by, seen=seen_revision)


def _step(
    connection: Connection,
    current: Issue,
    made: Revision,
    content: Content,
    history: list[Revision],
    *,
    by: Actor,
    seen: int,
) -> Edited:
    if not history:
        first = Revision(
            number=0, kind=StepKind.BEGIN, at=current.created_at, by="", what="drafted", state=0, before=None
        )
        revisions.begin(connection, current.id, first, current.content)
    if not revisions.add(connection, current.id, made, content):
        raise Busy(f"Issue {current.ref} was changed at the same moment.", mend="Try again.")
    _follow(connection, current, content, made, by=by)
    withdrew = current.state is IssueState.APPROVED
    if withdrew:
        _withdraw_approval(connection, current, made, by=by)
    return Edited(
        issue=issues.by_id(connection, current.id) if withdrew else _with(content, current, made.number),
        revision=made,
        others=_since(history, seen, made.by),
        withdrew_approval=withdrew,
    )


def _with(content: Content, issue: Issue, revision: int) -> Issue:
    """The issue as this transaction has written it; nobody else can have changed the locked row."""
    return replace(
        issue, layout=content.layout, texts=content.texts, taken_out=content.taken_out, revision=revision
    )


def _editable(connection: Connection, issue: Issue) -> Issue:
    current = issues.for_update(connection, issue.id)
    is_paused = current.state is IssueState.HELD and bool(current.content_hash)
    if is_paused or current.state is IssueState.SENDING:
        why = "paused partway through sending" if is_paused else current.state.said
        raise NotAllowed(
            f"Issue {issue.ref} is {why}: "
            "the approved version is what will be sent, so it can no longer be edited."
        )
    if current.state not in approval.CAN_EDIT:
        raise NotAllowed(f"Issue {issue.ref} is {current.state.said} and can no longer be edited.")
    return current


def _withdraw_approval(connection: Connection, issue: Issue, made: Revision, *, by: Actor) -> None:
    """The content is no longer what was approved; the next approval freezes the audience again."""
    if not issues.reopen_draft(connection, issue.id):
        raise Busy(f"Sending of issue {issue.ref} has just begun, so it can no longer be edited.")
    ledger.delete_audience(connection, issue.id)
    what = f"approval of {issue.approved_by} withdrawn: {made.by} {made.what}"
    activity_log.record_of_issue(connection, issue, ActivityKind.WITHDREW_APPROVAL, what, by=by, at=made.at)


def _follow(connection: Connection, issue: Issue, content: Content, made: Revision, *, by: Actor) -> None:
    """Reserve the articles that were added and release those that were taken out."""
    before = {teaser.article_id for teaser in issue.layout.teasers}
    after = {teaser.article_id for teaser in content.layout.teasers}
    issues.free(connection, issue.id, sorted(before - after))
    for article in articles.by_ids(connection, after - before):
        # An editor may use a sent article again; an undo must not take one that a later issue now has.
        if made.kind is not StepKind.EDIT and (article.last_issue or 0) > issue.number:
            raise NotAllowed(f"“{article.title}” is in issue {article.last_issue} now.")
    issues.reserve(connection, issue.id, issue.number, sorted(after - before), issue.selected_at)
    if before != after:
        activity_log.record_of_issue(connection, issue, ActivityKind.EDITED, made.what, by=by, at=made.at)


def _with_teaser(
    what: PullIn, newsletter: Newsletter, *, database: Database, choose_images: ChooseImages | None
) -> PullIn:
    """Make the teaser before the transaction, which must not wait for an image server."""
    with database.read() as connection:
        found = [a for a in articles.by_ids(connection, [what.article]) if a.newsletter == newsletter.name]
    if not found:
        raise NotFound(
            f"{newsletter.name} has no article {what.article}.",
            mend="Look for it among the articles left out, or search for it.",
        )
    teaser = teaser_for(found[0], language=newsletter.language)
    source = next((spec for spec in newsletter.sources if spec.key == found[0].source), None)
    if choose_images is not None:
        alone = Layout(lead=None, sections=(Section(title="", teasers=(teaser,)),))
        pictures = choose_images(alone, {what.article: source} if source else {})
        teaser = with_pictures(alone, pictures).teasers[0]
    return replace(what, teaser=teaser)


def _conflict(
    current: Issue, clash: Clash, what: Edit, history: list[Revision], *, seen: int, stood: int
) -> Conflict:
    newer = [revision for revision in history if revision.number > seen]
    about = [revision for revision in newer if _is_about_the_same(revision.edit, what)]
    # An editor who tries again has seen the newest revision, but not who wrote the current text.
    wrote = [r for r in history if _is_about_the_same(r.edit, what) and _value(r.edit) == clash.theirs]
    others = about or wrote or [revision for revision in newer if revision.number <= stood]
    return _as_conflict(current, clash, others[-1] if others else None)


def _value(edit: Edit | None) -> str | None:
    return edit.value if isinstance(edit, EditTeaser | SetText) else None


def _as_conflict(current: Issue, clash: Clash, other: Revision | None) -> Conflict:
    return Conflict(
        issue=current,
        sentence=clash.sentence,
        mine=clash.mine,
        theirs=clash.theirs,
        by=other.by if other else "",
        at=other.at if other else None,
    )


def _is_about_the_same(theirs: Edit | None, mine: Edit) -> bool:
    if isinstance(mine, SetText):
        return isinstance(theirs, SetText) and theirs.text is mine.text
    if isinstance(mine, EditTeaser | ResetTeaser) and isinstance(theirs, EditTeaser | ResetTeaser):
        return (theirs.article, theirs.field) == (mine.article, mine.field)
    article = getattr(mine, "article", None)
    return article is not None and getattr(theirs, "article", None) == article


def _since(history: list[Revision], seen: int, by: str) -> tuple[Revision, ...]:
    return tuple(revision for revision in history if revision.number > seen and revision.by != by)
