"""Issues, the articles they contain, and the articles that were left out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    exists,
    func,
    insert,
    null,
    or_,
    select,
    update,
)

from digest.errors import NotAllowed
from digest.model.issue import (
    Issue,
    IssueId,
    IssueState,
    Layout,
    Rendered,
    Selection,
    TakenOut,
    Texts,
)
from digest.storage.codec import from_json, to_json
from digest.storage.tables import article, delivery, issue, issue_article

_NEVER_WAS = (IssueState.CANCELLED.value, IssueState.SKIPPED.value)
_NOT_SENT_YET = (IssueState.DRAFT.value, IssueState.HELD.value, IssueState.APPROVED.value)
_HIGHEST = 2**31 - 1  # the largest value of an integer column
_TO_DO = ("pending", "claimed", "submitting")


def add_draft(
    connection: Connection,
    newsletter: str,
    *,
    layout: Layout,
    selection: Selection,
    now: datetime,
    slot_key: str = "",
) -> Issue:
    """Store a draft and reserve its articles, within the caller's transaction.

    Raises:
        NotAllowed: another issue took one of the articles, or the number, in the meantime.
    """
    number = next_number(connection, newsletter)
    values = {
        "newsletter": newsletter,
        "number": number,
        "state": IssueState.HELD.value if selection.held else IssueState.DRAFT.value,
        "reason": selection.held,
        "created_at": now,
        "selected_at": now,
        "layout": to_json(layout),
        "left_out": [[choice.article.id, choice.reason] for choice in selection.left_out],
        "slot_key": slot_key,
    }
    number_in_table = connection.execute(insert(issue).values(**values)).inserted_primary_key
    if number_in_table is None:
        raise NotAllowed(f"Issue {newsletter}/{number} could not be stored.")
    added = IssueId(number_in_table[0])
    reserve(connection, added, number, [t.article_id for t in layout.teasers], now)
    return by_id(connection, added)


def reserve(
    connection: Connection, into: IssueId, number: int, articles: Sequence[int], now: datetime
) -> None:
    """Note that these articles are in this issue, so that no later one takes them by itself."""
    if not articles:
        return
    before = dict(
        connection.execute(
            select(issue_article.c.article_id, func.max(issue_article.c.appearance))
            .where(issue_article.c.article_id.in_(articles))
            .group_by(issue_article.c.article_id)
        ).all()
    )
    rows = [{"issue_id": into, "article_id": a, "appearance": before.get(a, -1) + 1} for a in articles]
    connection.execute(insert(issue_article), rows)
    connection.execute(
        update(article).where(article.c.id.in_(articles)).values(last_issue=number, last_issued_at=now)
    )


def cancel(connection: Connection, which: Issue, *, reason: str, frees_articles: bool) -> None:
    """Cancel an issue; with `frees_articles`, its articles may go into another one."""
    connection.execute(
        update(issue).where(issue.c.id == which.id).values(state=IssueState.CANCELLED.value, reason=reason)
    )
    if frees_articles:
        _free_all(connection, which.id)


def skip(connection: Connection, which: IssueId, *, reason: str) -> bool:
    """Skip a draft and free its articles; False if it is no longer a draft."""
    skipped = move(
        connection,
        which,
        to=IssueState.SKIPPED,
        among=[IssueState.DRAFT, IssueState.HELD],
        seen=issue.c.content_hash == "",
        reason=reason,
    )
    if skipped:
        _free_all(connection, which)
    return skipped


def tell_editors_once(connection: Connection, which: IssueId, *, at: datetime | None) -> bool:
    """Record that the editors were notified that it waits, or with None that they were not after all.

    False if that was already recorded.
    """
    untold = issue.c.editors_told_at.is_(None) if at is not None else issue.c.editors_told_at.is_not(None)
    mine = and_(issue.c.id == which, untold)
    return connection.execute(update(issue).where(mine).values(editors_told_at=at)).rowcount == 1


def are_editors_told(connection: Connection, which: IssueId) -> bool:
    return connection.scalar(select(issue.c.editors_told_at).where(issue.c.id == which)) is not None


def _free_all(connection: Connection, which: IssueId) -> None:
    mine = select(issue_article.c.article_id).where(issue_article.c.issue_id == which)
    free(connection, which, list(connection.execute(mine).scalars()))


def free(connection: Connection, which: IssueId, articles: Sequence[int]) -> None:
    """Take these articles out of an issue: each returns to its earlier place."""
    if not articles:
        return
    mine = and_(issue_article.c.issue_id == which, issue_article.c.article_id.in_(articles))
    connection.execute(delete(issue_article).where(mine))
    for number in articles:
        last = connection.execute(
            select(issue.c.number, issue.c.selected_at)
            .join(issue_article, issue_article.c.issue_id == issue.c.id)
            .where(issue_article.c.article_id == number)
            .order_by(issue.c.number.desc())
            .limit(1)
        ).first()
        values = {"last_issue": last[0] if last else None, "last_issued_at": last[1] if last else None}
        connection.execute(update(article).where(article.c.id == number).values(**values))


def next_number(connection: Connection, newsletter: str) -> int:
    """Numbers go up by one; the number of a cancelled issue is not reused, even if nothing was sent."""
    highest = connection.scalar(select(func.max(issue.c.number)).where(issue.c.newsletter == newsletter))
    return (highest or 0) + 1


def by_id(connection: Connection, number: IssueId) -> Issue:
    return _issue(connection.execute(select(issue).where(issue.c.id == number)).one())


def find(connection: Connection, number: IssueId) -> Issue | None:
    """The issue with this id; None if it was in another database or a newer copy of this one."""
    row = connection.execute(select(issue).where(issue.c.id == number)).first()
    return _issue(row) if row else None


def for_update(connection: Connection, number: IssueId) -> Issue:
    """The issue with this id, locked until the transaction ends."""
    return _issue(connection.execute(select(issue).where(issue.c.id == number).with_for_update()).one())


def by_number(connection: Connection, newsletter: str, number: int) -> Issue | None:
    if number > _HIGHEST:
        return None
    which = and_(issue.c.newsletter == newsletter, issue.c.number == number)
    row = connection.execute(select(issue).where(which)).first()
    return _issue(row) if row else None


def with_left_out(
    connection: Connection, newsletter: str, number: int
) -> tuple[Issue, list[tuple[int, str]]] | None:
    """The issue, and article id and reason of what stayed out when it was drafted; of one row read once."""
    if number > _HIGHEST:
        return None
    which = and_(issue.c.newsletter == newsletter, issue.c.number == number)
    row = connection.execute(select(issue).where(which)).first()
    return (_issue(row), _reasons(row.left_out)) if row else None


def latest(connection: Connection, newsletter: str) -> Issue | None:
    """The newest issue that was not cancelled or skipped."""
    rows = (
        select(issue)
        .where(issue.c.newsletter == newsletter, issue.c.state.not_in(_NEVER_WAS))
        .order_by(issue.c.number.desc())
        .limit(1)
    )
    row = connection.execute(rows).first()
    return _issue(row) if row else None


def last_selection(connection: Connection, newsletter: str) -> tuple[int, datetime] | None:
    """Number of `latest`, and when its articles were chosen; its mail is not loaded."""
    rows = (
        select(issue.c.number, issue.c.selected_at)
        .where(issue.c.newsletter == newsletter, issue.c.state.not_in(_NEVER_WAS))
        .order_by(issue.c.number.desc())
        .limit(1)
    )
    row = connection.execute(rows).first()
    return (row.number, row.selected_at) if row else None


def last_sent(connection: Connection, newsletter: str, *, before: int) -> Issue | None:
    """The newest issue before this number that was sent completely."""
    rows = (
        select(issue)
        .where(
            issue.c.newsletter == newsletter, issue.c.number < before, issue.c.state == IssueState.SENT.value
        )
        .order_by(issue.c.number.desc())
        .limit(1)
    )
    row = connection.execute(rows).first()
    return _issue(row) if row else None


def open_one(connection: Connection, newsletter: str) -> Issue | None:
    """The oldest issue that has begun and has something left to do.

    An issue that only waits for a decision on its uncertain deliveries does not count,
    since the next issue must not wait for that.
    """
    at_work = exists().where(delivery.c.issue_id == issue.c.id, delivery.c.state.in_(_TO_DO))
    begun = or_(issue.c.state.in_(_NOT_SENT_YET), and_(issue.c.state == IssueState.SENDING.value, at_work))
    return _first(connection, newsletter, begun)


def with_uncertain_deliveries(connection: Connection, newsletter: str) -> Issue | None:
    """The oldest issue still being sent; if none is open, it waits for a decision."""
    return _first(connection, newsletter, issue.c.state == IssueState.SENDING.value)


def _first(connection: Connection, newsletter: str, rule: ColumnElement[bool]) -> Issue | None:
    rows = select(issue).where(issue.c.newsletter == newsletter, rule).order_by(issue.c.number).limit(1)
    row = connection.execute(rows).first()
    return _issue(row) if row else None


def by_slot(connection: Connection, newsletter: str, slot_key: str) -> Issue | None:
    """The issue made for this slot, whatever its state."""
    which = and_(issue.c.newsletter == newsletter, issue.c.slot_key == slot_key, issue.c.slot_key != "")
    row = connection.execute(select(issue).where(which)).first()
    return _issue(row) if row else None


def all_of(connection: Connection, newsletter: str, *, limit: int = 50) -> list[Issue]:
    """The newest issues, newest first."""
    rows = select(issue).where(issue.c.newsletter == newsletter).order_by(issue.c.number.desc()).limit(limit)
    return [_issue(row) for row in connection.execute(rows)]


def left_out(connection: Connection, which: IssueId) -> list[tuple[int, str]]:
    """Article id and reason of what stayed out when this issue was drafted."""
    return _reasons(connection.scalar(select(issue.c.left_out).where(issue.c.id == which)) or [])


def _reasons(left_out: Sequence[Sequence[Any]]) -> list[tuple[int, str]]:
    return [(int(number), str(reason)) for number, reason in left_out]


def earlier_subjects(connection: Connection, newsletter: str, *, before: int) -> tuple[str, ...]:
    """Subjects of up to fifty issues before this one, newest first."""
    rows = (
        select(issue.c.rendered["subject"].as_string())
        .where(
            issue.c.newsletter == newsletter,
            issue.c.number < before,
            issue.c.state.not_in(_NEVER_WAS),
            issue.c.content_hash != "",
        )
        .order_by(issue.c.number.desc())
        .limit(50)
    )
    return tuple(subject for subject in connection.execute(rows).scalars() if subject)


def give_slot(connection: Connection, which: IssueId, slot_key: str) -> None:
    """Record that an issue begun by hand serves this slot; an issue that already has a slot keeps it."""
    mine = and_(issue.c.id == which, issue.c.slot_key == "")
    connection.execute(update(issue).where(mine).values(slot_key=slot_key))


def reopen_draft(connection: Connection, which: IssueId) -> bool:
    """Withdraw an approval before anything is sent; False if the issue is not approved."""
    return move(
        connection,
        which,
        to=IssueState.DRAFT,
        among=(IssueState.APPROVED,),
        rendered=null(),
        content_hash="",
        approved_at=None,
        approved_by="",
        overrides=[],
        send_at=None,
        reason="",
    )


def start_sending(connection: Connection, which: Issue) -> bool:
    """Start or resume sending what was approved; False if that is no longer the approved content.

    The hash is the fence: the issue may have been edited and approved again since it was compiled.
    """
    may = [IssueState.APPROVED, IssueState.SENDING, *([IssueState.HELD] if which.content_hash else [])]
    as_compiled = issue.c.content_hash == which.content_hash
    return move(connection, which.id, to=IssueState.SENDING, among=may, seen=as_compiled, reason="")


def move(
    connection: Connection,
    which: IssueId,
    *,
    to: IssueState,
    among: Sequence[IssueState],
    seen: ColumnElement[bool] | None = None,
    **values: Any,
) -> bool:
    """Change the state if it is still one of `among` and the condition `seen` still holds.

    False if someone else was faster.
    """
    allowed = and_(issue.c.id == which, issue.c.state.in_([state.value for state in among]))
    if seen is not None:
        allowed = and_(allowed, seen)
    return connection.execute(update(issue).where(allowed).values(state=to.value, **values)).rowcount == 1


def freeze(
    connection: Connection,
    which: IssueId,
    *,
    revision: int = 0,
    rendered: Rendered,
    content_hash: str,
    at: datetime,
    by: str,
    overrides: Sequence[str],
    send_at: datetime | None = None,
) -> bool:
    """Approve an issue: content and hash are fixed from now on.

    False if someone else was faster: it is no longer a draft, or no longer this revision.
    """
    return move(
        connection,
        which,
        to=IssueState.APPROVED,
        among=(IssueState.DRAFT, IssueState.HELD),
        seen=and_(issue.c.revision == revision, issue.c.content_hash == ""),
        rendered=to_json(rendered),
        content_hash=content_hash,
        approved_at=at,
        approved_by=by,
        overrides=list(overrides),
        send_at=send_at,
        reason="",
    )


def _issue(row: Row[Any]) -> Issue:
    values = dict(row._mapping)
    values.pop("left_out")
    values.pop("editors_told_at")
    values["id"] = IssueId(values["id"])
    values["state"] = IssueState(values["state"])
    values["layout"] = from_json(Layout, values["layout"])
    values["rendered"] = from_json(Rendered, values["rendered"]) if values["rendered"] else None
    values["overrides"] = tuple(values["overrides"])
    values["texts"] = from_json(Texts, values["texts"])
    values["taken_out"] = tuple(from_json(TakenOut, out) for out in values["taken_out"])
    return Issue(**values)
