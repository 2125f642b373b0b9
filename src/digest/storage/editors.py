"""Accounts of editors.  A password hash is returned beside an editor, never as part of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, select, update

from digest.model.editor import Editor, EditorId, Role
from digest.rules.accounts import name_key
from digest.storage.dialect import insert_or_ignore
from digest.storage.tables import editor


def any_exist(connection: Connection) -> bool:
    return bool(connection.execute(select(exists().where(editor.c.id > 0))).scalar())


def every(connection: Connection) -> list[Editor]:
    """In the order of their names."""
    return [editor_of(row._mapping) for row in connection.execute(select(editor).order_by(editor.c.name_key))]


def by_id(connection: Connection, number: EditorId) -> Editor | None:
    row = connection.execute(select(editor).where(editor.c.id == number)).first()
    return editor_of(row._mapping) if row else None


def by_name(connection: Connection, name: str) -> tuple[Editor, str] | None:
    """The editor with this name in any spelling, and the password hash; None if there is none."""
    row = connection.execute(select(editor).where(editor.c.name_key == name_key(name))).first()
    return (editor_of(row._mapping), row.password_hash) if row else None


def add(connection: Connection, name: str, *, role: Role, password_hash: str, at: datetime) -> bool:
    """Store an account; False if the name is taken."""
    row = {
        "name": name,
        "name_key": name_key(name),
        "role": role.value,
        "password_hash": password_hash,
        "created_at": at,
        "password_at": at,
    }
    made = insert_or_ignore(connection, editor).values(**row).returning(editor.c.id)
    return connection.execute(made).first() is not None


def change_password(connection: Connection, number: EditorId, *, password_hash: str, at: datetime) -> None:
    """Set a new password hash and begin a new generation; see `Editor.generation`."""
    values = {"password_hash": password_hash, "password_at": at, "generation": editor.c.generation + 1}
    connection.execute(update(editor).where(editor.c.id == number).values(**values))


def change_role(connection: Connection, number: EditorId, *, role: Role) -> None:
    """Set the role and begin a new generation; see `Editor.generation`."""
    values = {"role": role.value, "generation": editor.c.generation + 1}
    connection.execute(update(editor).where(editor.c.id == number).values(**values))


def renew_hash(connection: Connection, number: EditorId, *, old: str, new: str) -> None:
    """Rehash the same password at today's cost, unless it was changed meanwhile; sessions continue."""
    which = (editor.c.id == number) & (editor.c.password_hash == old)
    connection.execute(update(editor).where(which).values(password_hash=new))


def remove(connection: Connection, number: EditorId) -> None:
    """Remove an account with all its sessions."""
    connection.execute(delete(editor).where(editor.c.id == number))


def editor_of(row: Mapping[Any, Any]) -> Editor:
    """Of a row that holds the columns of the table, whatever else it holds."""
    return Editor(
        id=EditorId(row[editor.c.id]),
        name=row[editor.c.name],
        role=Role(row[editor.c.role]),
        created_at=row[editor.c.created_at],
        password_at=row[editor.c.password_at],
        generation=row[editor.c.generation],
    )
