"""The issue that a share link shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from digest.model.issue import Issue, IssueId, IssueState
from digest.rules.signed_links import SHARE, verify_until
from digest.storage import issues
from digest.storage.database import Database

_NEVER_SHOWN = frozenset({IssueState.CANCELLED, IssueState.SKIPPED})


def shared(token: str, *, keys: Sequence[str], database: Database, now: datetime) -> Issue | None:
    """The issue that a link shows; None if the link is forged or expired, or the issue was cancelled."""
    number = verify_until(token, purpose=SHARE, keys=keys, now=now)
    if number is None:
        return None
    with database.read() as connection:
        found = issues.find(connection, IssueId(number))
    return None if found is None or found.state in _NEVER_SHOWN else found
