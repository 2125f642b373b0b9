"""API tokens, looked up by hash."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from digest.model.api_token import ApiToken, ApiTokenId
from digest.model.editor import Role
from digest.rules.accounts import name_key
from digest.storage.dialect import insert_or_ignore
from digest.storage.tables import api_token


def add(connection: Connection, name: str, *, role: Role, token_hash: str, at: datetime) -> bool:
    """Store a token; False if the name is taken."""
    row = {
        "name": name,
        "name_key": name_key(name),
        "role": role.value,
        "token_hash": token_hash,
        "created_at": at,
    }
    made = insert_or_ignore(connection, api_token).values(**row).returning(api_token.c.id)
    return connection.execute(made).first() is not None


def all_of(connection: Connection) -> list[ApiToken]:
    """All tokens, ordered by name."""
    return [_token(row) for row in connection.execute(select(api_token).order_by(api_token.c.name_key))]


def by_hash(connection: Connection, token_hash: str) -> ApiToken | None:
    row = connection.execute(select(api_token).where(api_token.c.token_hash == token_hash)).first()
    return _token(row) if row else None


def touch(connection: Connection, number: ApiTokenId, *, at: datetime) -> None:
    connection.execute(update(api_token).where(api_token.c.id == number).values(last_used_at=at))


def remove(connection: Connection, name: str) -> ApiToken | None:
    """Remove a token by its name in any spelling and return it; None if there is none."""
    row = connection.execute(select(api_token).where(api_token.c.name_key == name_key(name))).first()
    if row is None:
        return None
    connection.execute(delete(api_token).where(api_token.c.id == row.id))
    return _token(row)


def _token(row: Any) -> ApiToken:
    return ApiToken(
        id=ApiTokenId(row.id),
        name=row.name,
        role=Role(row.role),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )
