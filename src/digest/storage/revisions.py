"""Revisions: the history of an issue's content, and adding the next step without overwriting one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, and_, insert, null, select, update

from digest.model.edit import EDIT_KINDS, Edit, Revision, StepKind
from digest.model.issue import Content, IssueId
from digest.storage.codec import from_json, to_json
from digest.storage.tables import issue, revision


def add(connection: Connection, which: IssueId, made: Revision, content: Content) -> bool:
    """Store a revision and make its content the issue's; False if someone else was faster.

    The revision's number must follow the issue's current one: that is the fence.
    """
    values = {
        "layout": to_json(content.layout),
        "texts": to_json(content.texts),
        "taken_out": [to_json(out) for out in content.taken_out],
        "revision": made.number,
    }
    mine = and_(issue.c.id == which, issue.c.revision == made.number - 1)
    if connection.execute(update(issue).where(mine).values(**values)).rowcount != 1:
        return False
    _insert(connection, which, made, content)
    return True


def begin(connection: Connection, which: IssueId, made: Revision, content: Content) -> None:
    """Store the draft as created, before its first edit."""
    _insert(connection, which, made, content)


def _insert(connection: Connection, which: IssueId, made: Revision, content: Content) -> None:
    row = {
        "issue_id": which,
        "number": made.number,
        "deed": made.kind.value,
        "at": made.at,
        "by": made.by,
        "what": made.what,
        "state": made.state,
        "before": made.before,
        "edit": edit_to_json(made.edit) if made.edit else null(),
        # An undo or redo only refers to the state it restores.
        "content": to_json(content) if made.state == made.number else null(),
    }
    connection.execute(insert(revision).values(**row))


def drop_content(connection: Connection, which: IssueId, number: int) -> None:
    """Drop the content of a step that the next one continues: no undo leads to it any longer."""
    mine = and_(revision.c.issue_id == which, revision.c.number == number)
    connection.execute(update(revision).where(mine).values(content=null()))


def history(connection: Connection, which: IssueId) -> list[Revision]:
    """The revisions, oldest first; empty for an issue that was never edited."""
    rows = (
        select(*(column for column in revision.c if column.name not in {"issue_id", "content"}))
        .where(revision.c.issue_id == which)
        .order_by(revision.c.number)
    )
    return [_revision(row) for row in connection.execute(rows)]


def content_at(connection: Connection, which: IssueId, state: int) -> Content | None:
    """The content of a state; None if it was dropped."""
    mine = and_(revision.c.issue_id == which, revision.c.number == state)
    document = connection.scalar(select(revision.c.content).where(mine))
    return from_json(Content, document) if document is not None else None


def edit_to_json(edit: Edit) -> dict[str, Any]:
    """The edit as a document that includes its kind."""
    return {"kind": type(edit).__name__, **to_json(edit)}


def edit_from_json(document: Mapping[str, Any]) -> Edit:
    """The edit that `edit_to_json` wrote.

    Raises:
        ValueError: the document's kind is unknown.
    """
    values = dict(document)
    kind = EDIT_KINDS.get(str(values.pop("kind", "")))
    if kind is None:
        raise ValueError(f"“{document.get('kind')}” is not a kind of edit.")
    edit: Edit = from_json(kind, values)
    return edit


def _revision(row: Row[Any]) -> Revision:
    values = dict(row._mapping)
    values["kind"] = StepKind(values.pop("deed"))
    values["edit"] = edit_from_json(values["edit"]) if values["edit"] else None
    return Revision(**values)
