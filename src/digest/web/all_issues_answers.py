"""The answer to who asks for all issues: a page of them, with the accounts that home shows of the last."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from digest.model.issue import IssueState
from digest.model.newsletter import Newsletter
from digest.storage import desk_home, desk_issues
from digest.storage.desk_home import Account, IssueLine
from digest.web import words
from digest.web.counted import Accounts
from digest.web.ports import AllIssues, DeskIssue
from digest.wiring import Parts

ON_A_PAGE = 50


class AllIssuesAnswers:
    """Every issue that there ever was, of one newsletter or all."""

    def __init__(self, parts: Parts, *, accounts: Accounts) -> None:
        self._parts = parts
        self._accounts = accounts

    def page(self, *, newsletter: str, state: str, page: int) -> AllIssues:
        known = {one.name: one for one in self._parts.newsletters}
        names = [newsletter] if newsletter in known else list(known)
        wanted = IssueState(state) if state in set(IssueState) else None
        now = self._parts.clock()
        with self._parts.database.read() as connection:
            counts = desk_issues.counts(connection, names)
            total = counts[wanted] if wanted else counts.total()
            pages = max(-(-total // ON_A_PAGE), 1)
            page = min(max(page, 1), pages)
            found = desk_issues.page(
                connection, names, state=wanted, offset=(page - 1) * ON_A_PAGE, limit=ON_A_PAGE
            )
            accounts = self._accounts.of(connection, [line for line, _ in found])
            oldest = min((line.sent_at for line, _ in found if line.sent_at), default=now)
            leavings = desk_home.leavings(connection, names, since=oldest)
        return AllIssues(
            issues=tuple(
                _issue(line, known[line.newsletter], accounts[line.id], _left(line, later or now, leavings))
                for line, later in found
            ),
            total=total,
            page=page,
            pages=pages,
            states={one: counts[one] for one in IssueState if counts[one]},
            newsletters=tuple((one.name, one.title) for one in known.values()),
            newsletter=newsletter if newsletter in known else "",
            state=wanted,
        )


def _issue(line: IssueLine, newsletter: Newsletter, account: Account, left: int | None) -> DeskIssue:
    return DeskIssue(
        newsletter=line.newsletter,
        newsletter_title=newsletter.title,
        number=line.number,
        state=line.state,
        subject=line.subject,
        reason=words.sentence(line.reason),
        at=line.at.astimezone(ZoneInfo(newsletter.timezone)),
        counts=account.counts,
        left=left,
    )


def _left(line: IssueLine, until: datetime, leavings: Mapping[str, Sequence[datetime]]) -> int | None:
    """Who unsubscribed between this issue and the next one, as home counts them."""
    if line.sent_at is None:
        return None
    moments = leavings.get(line.newsletter, ())
    return bisect(moments, until) - bisect(moments, line.sent_at)
