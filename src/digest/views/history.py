"""The edits of an issue, step by step."""

from __future__ import annotations

from digest.model.edit import Revision
from digest.model.issue import Issue
from digest.storage import revisions
from digest.storage.database import Database


def history(issue: Issue, *, database: Database) -> list[Revision]:
    """Every step since the draft was made, newest first."""
    with database.read() as connection:
        return revisions.history(connection, issue.id)[::-1]
