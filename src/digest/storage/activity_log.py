"""What people did and what the machine decided, in words; nothing is ever changed here."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from digest.storage.tables import event


def record(
    connection: Connection, what: str, *, at: datetime, newsletter: str = "", subject: str = "", who: str = ""
) -> None:
    row = {"at": at, "newsletter": newsletter, "subject": subject, "what": what, "who": who}
    connection.execute(insert(event).values(**row))


def recent(
    connection: Connection, newsletter: str, *, limit: int = 20
) -> list[tuple[datetime, str, str, str]]:
    """When, about what, what, who; newest first."""
    rows = (
        select(event.c.at, event.c.subject, event.c.what, event.c.who)
        .where(event.c.newsletter == newsletter)
        .order_by(event.c.id.desc())
        .limit(limit)
    )
    return [(at, subject, what, who) for at, subject, what, who in connection.execute(rows)]


def newest(connection: Connection) -> int:
    """The number of the newest one: another one as soon as anybody has done anything that is recorded."""
    return int(connection.scalar(select(func.max(event.c.id))) or 0)
