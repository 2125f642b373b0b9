"""Showing one draft to somebody without an account: a link that is signed, ends, and shows the mail only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from digest.errors import NotAllowed
from digest.model.activity import ActivityKind, Actor
from digest.model.issue import Issue, IssueState
from digest.rules import approval
from digest.rules.signed_links import SHARE, sign_until
from digest.storage import activity_log
from digest.storage.database import Database

_NEVER_SHOWN = frozenset({IssueState.CANCELLED, IssueState.SKIPPED})


def share(
    issue: Issue,
    *,
    length: timedelta,
    public_url: str,
    keys: Sequence[str],
    database: Database,
    by: Actor,
    now: datetime,
) -> tuple[str, datetime]:
    """A link to the issue as it is at any moment until then, and when that is; the making is recorded.

    Raises:
        NotAllowed: there is no draft to show.
    """
    if issue.state in approval.WENT_OUT:
        raise NotAllowed(
            f"Issue {issue.ref} has gone out.",
            mend=f"Everybody can read it at {public_url}/archive/{issue.newsletter}/{issue.number}.",
        )
    if issue.state in _NEVER_SHOWN:
        raise NotAllowed(f"Issue {issue.ref} is {issue.state.said}.", mend="`digest draft` makes a new one.")
    until = (now + length).replace(microsecond=0)
    token = sign_until(issue.id, until, purpose=SHARE, keys=keys)
    what = f"made a share link until {until:%Y-%m-%d %H:%M} UTC"
    with database.write() as connection:
        activity_log.record_of_issue(connection, issue, ActivityKind.SHARED, what, by=by, at=now)
    return f"{public_url}/share/{token}", until
