"""Who did what at the desk and to its accounts, and from where; nothing is ever changed here."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from digest.model.editor import AuditEntry
from digest.storage.tables import audit_entry


def record(connection: Connection, entry: AuditEntry) -> None:
    """In the transaction of what was done: either both are kept, or neither."""
    row = {
        "at": entry.at,
        "who": entry.who,
        "what": entry.what,
        "subject": entry.subject,
        "place": entry.where,
    }
    connection.execute(insert(audit_entry).values(**row))


def recent(connection: Connection, *, limit: int) -> list[AuditEntry]:
    """Newest first."""
    rows = connection.execute(select(audit_entry).order_by(audit_entry.c.id.desc()).limit(limit))
    return [
        AuditEntry(at=row.at, who=row.who, what=row.what, subject=row.subject, where=row.place)
        for row in rows
    ]
