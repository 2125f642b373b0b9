"""Shares a draft with people who have no account: a signed link that expires and shows only the mail."""

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

SHORTEST = timedelta(days=1)
LONGEST = timedelta(days=90)

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
    """Make a link that shows the current draft until it expires; returns the link and the expiry time.

    `length` is 1 to 90 days, whichever door asks.

    The activity log records it.

    Raises:
        NotAllowed: there is no draft to show, or the link would work for too short or too long a time.
    """
    if not SHORTEST <= length <= LONGEST:
        raise NotAllowed("A share link works for 1 to 90 days.", mend="Choose a number of days from 1 to 90.")
    if issue.state in approval.WENT_OUT:
        raise NotAllowed(
            f"Issue {issue.ref} has already been sent.",
            mend=f"Anyone can read it at {public_url}/archive/{issue.newsletter}/{issue.number}.",
        )
    if issue.state in _NEVER_SHOWN:
        raise NotAllowed(f"Issue {issue.ref} is {issue.state.said}.", mend="Make a new one: `digest draft`.")
    until = (now + length).replace(microsecond=0)
    token = sign_until(issue.id, until, purpose=SHARE, keys=keys)
    what = f"made a share link until {until:%Y-%m-%d %H:%M} UTC"
    with database.write() as connection:
        activity_log.record_of_issue(connection, issue, ActivityKind.SHARED, what, by=by, at=now)
    return f"{public_url}/share/{token}", until
