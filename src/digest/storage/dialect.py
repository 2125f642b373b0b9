"""The few statements that differ between SQLite and PostgreSQL, and splitting work into chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, func
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")


def insert_or_ignore(connection: Connection, table: Table) -> Any:
    """INSERT … ON CONFLICT DO NOTHING: an existing row stays as it is."""
    return _insert(connection, table).on_conflict_do_nothing()


def insert_or_update(
    connection: Connection,
    table: Table,
    *,
    key: Sequence[str],
    update: Sequence[str],
    update_unless_empty: Sequence[str] = (),
) -> Any:
    """INSERT … ON CONFLICT (key) DO UPDATE; `update_unless_empty` keeps the old value if the new is empty."""
    statement = _insert(connection, table)
    said = {name: func.nullif(statement.excluded[name], "") for name in update_unless_empty}
    values = {name: statement.excluded[name] for name in update} | {
        name: func.coalesce(value, table.c[name]) for name, value in said.items()
    }
    return statement.on_conflict_do_update(index_elements=list(key), set_=values)


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size` items, in order; the last may be shorter, none is empty."""
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some


def _insert(connection: Connection, table: Table) -> Any:
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)
