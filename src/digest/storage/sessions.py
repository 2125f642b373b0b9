"""Sessions of editors' browsers, identified by the hashes of their tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from digest.model.editor import Editor, EditorId, EditorSession
from digest.storage.editors import editor_of
from digest.storage.tables import editor, session


def begin(connection: Connection, new: EditorSession) -> None:
    """Store a session, and delete expired ones."""
    connection.execute(delete(session).where(session.c.expires <= new.created_at))
    row = {
        "token_hash": new.token_hash,
        "editor_id": new.editor_id,
        "generation": new.generation,
        "created_at": new.created_at,
        "last_seen": new.last_seen,
        "expires": new.expires,
    }
    connection.execute(insert(session).values(**row))


def by_hash(connection: Connection, token_hash: str) -> EditorSession | None:
    """The session with this hash; `rules.accounts` decides whether it is still alive."""
    row = connection.execute(select(session).where(session.c.token_hash == token_hash)).first()
    return _session(row._mapping) if row else None


def with_editor(connection: Connection, token_hash: str) -> tuple[EditorSession, Editor] | None:
    """The same, and whose it is: asked for each request of the desk, and in one statement."""
    both = select(session, editor).join(editor, editor.c.id == session.c.editor_id)
    row = connection.execute(both.where(session.c.token_hash == token_hash)).first()
    return (_session(row._mapping), editor_of(row._mapping)) if row else None


def _session(row: Mapping[Any, Any]) -> EditorSession:
    return EditorSession(
        token_hash=row[session.c.token_hash],
        editor_id=EditorId(row[session.c.editor_id]),
        generation=row[session.c.generation],
        created_at=row[session.c.created_at],
        last_seen=row[session.c.last_seen],
        expires=row[session.c.expires],
    )


def touch(connection: Connection, token_hash: str, *, at: datetime) -> None:
    connection.execute(update(session).where(session.c.token_hash == token_hash).values(last_seen=at))


def end(connection: Connection, token_hash: str) -> None:
    connection.execute(delete(session).where(session.c.token_hash == token_hash))


def end_all_of(connection: Connection, editor_id: EditorId) -> int:
    """End all sessions of an editor; returns how many there were."""
    return connection.execute(delete(session).where(session.c.editor_id == editor_id)).rowcount


def last_seen(connection: Connection) -> dict[EditorId, datetime]:
    """When each editor with a stored session was last at the desk."""
    rows = select(session.c.editor_id, func.max(session.c.last_seen)).group_by(session.c.editor_id)
    return {EditorId(number): at for number, at in connection.execute(rows)}
