"""Login attempts by hashed name and by address range, kept as long as the limits look back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, text, update

from digest.rules.accounts import name_key, token_hash
from digest.storage.tables import login_attempt


def hold(connection: Connection) -> None:
    """Lock counting until the transaction ends, so that simultaneous attempts are counted one by one."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        connection.execute(text("LOCK TABLE login_attempt IN SHARE ROW EXCLUSIVE MODE"))


def failures_of_name(connection: Connection, name: str, *, since: datetime) -> list[datetime]:
    """The failures after the last successful login."""
    mine = login_attempt.c.name_hash == _hash(name)
    worked = select(func.max(login_attempt.c.id)).where(mine, login_attempt.c.failed.is_(False))
    last = connection.execute(worked).scalar() or 0
    return _times(connection, mine, login_attempt.c.id > last, since=since)


def failures_of_network(connection: Connection, network: str, *, since: datetime) -> list[datetime]:
    return _times(connection, login_attempt.c.network == network, since=since)


def begin(connection: Connection, name: str, *, network: str, at: datetime, forget: datetime) -> int:
    """Count an attempt as failed until it succeeds; deletes those older than `forget`.  Returns its id."""
    connection.execute(delete(login_attempt).where(login_attempt.c.at < forget))
    row = {"at": at, "name_hash": _hash(name), "network": network, "failed": True}
    number = connection.execute(insert(login_attempt).values(**row)).inserted_primary_key
    return int(number[0]) if number else 0


def record_success(connection: Connection, number: int) -> None:
    connection.execute(update(login_attempt).where(login_attempt.c.id == number).values(failed=False))


def _hash(name: str) -> str:
    return token_hash(name_key(name))


def _times(connection: Connection, *which: object, since: datetime) -> list[datetime]:
    rows = select(login_attempt.c.at).where(login_attempt.c.failed, login_attempt.c.at > since, *which)  # type: ignore[arg-type]
    return list(connection.execute(rows.order_by(login_attempt.c.id)).scalars())
