"""Builds the paginated list of all issues, with the same delivery counts as the home page."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from digest.model.delivery import Counts
from digest.model.issue import IssueState
from digest.model.newsletter import Newsletter
from digest.storage import desk_home, desk_issues
from digest.storage.desk_home import DeliverySummary, IssueLine
from digest.views import formatting
from digest.views.cache import ViewCache
from digest.views.freshness import freshness
from digest.views.issue_counts import delivery_summaries
from digest.wiring import Container


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskIssue:
    """An issue in a list of issues."""

    newsletter: str
    newsletter_title: str
    number: int
    state: IssueState
    subject: str
    reason: str = ""
    at: datetime | None = None  # when it was sent, or else drafted
    counts: Counts = field(default_factory=Counts)
    left: int | None = None  # how many unsubscribed between this issue and the next; None before it is sent

    @property
    def has_reports(self) -> bool:
        """Whether the provider has reported the outcome of any delivery."""
        return bool(self.counts.delivered or self.counts.bounced or self.counts.complained)

    @property
    def arrived(self) -> int:
        """Delivered as far as is known: without reports, accepted deliveries count."""
        return self.counts.delivered if self.has_reports else self.counts.accepted

    @property
    def returned(self) -> int:
        """Refused at once, or bounced later."""
        return self.counts.refused + self.counts.bounced


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueList:
    """A page of the list of all issues."""

    issues: tuple[DeskIssue, ...] = ()  # newest first
    total: int = 0  # how many match the filter
    page: int = 1
    pages: int = 1
    states: Mapping[IssueState, int] = field(
        default_factory=dict
    )  # how many issues there are, before the state filter
    newsletters: tuple[tuple[str, str], ...] = ()  # name and title
    newsletter: str = ""  # the one filtered by; empty for all
    state: IssueState | None = None  # the state filtered by; None for all


ON_A_PAGE = 50


class IssueListViews:
    """All issues ever made, of one newsletter or of all."""

    def __init__(self, parts: Container, *, cache: ViewCache) -> None:
        self._parts = parts
        self._cache = cache

    def page(self, *, newsletter: str, state: str, page: int) -> IssueList:
        known = {one.name: one for one in self._parts.newsletters}
        names = [newsletter] if newsletter in known else list(known)
        wanted = IssueState(state) if state in set(IssueState) else None
        now = self._parts.clock()
        with self._parts.database.read() as connection:
            fresh = freshness(connection, self._parts, now=now)
            counts = desk_issues.counts(connection, names)
            total = counts[wanted] if wanted else counts.total()
            pages = max(-(-total // ON_A_PAGE), 1)
            page = min(max(page, 1), pages)
            found = desk_issues.page(
                connection, names, state=wanted, offset=(page - 1) * ON_A_PAGE, limit=ON_A_PAGE
            )
            accounts = delivery_summaries(self._cache, connection, [line for line, _ in found], fresh)
            oldest = min((line.sent_at for line, _ in found if line.sent_at), default=now)
            leavings = desk_home.unsubscribes(connection, names, since=oldest)
        return IssueList(
            issues=tuple(
                desk_issue(
                    line, known[line.newsletter], accounts[line.id], until=later or now, leavings=leavings
                )
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


def desk_issue(
    line: IssueLine,
    newsletter: Newsletter,
    account: DeliverySummary,
    *,
    until: datetime,
    leavings: Mapping[str, Sequence[datetime]],
) -> DeskIssue:
    """The issue as lists show it; `until` is when the next one was sent, or else now.

    `leavings` has, for each newsletter, when people unsubscribed, in order.
    """
    return DeskIssue(
        newsletter=line.newsletter,
        newsletter_title=newsletter.title,
        number=line.number,
        state=line.state,
        subject=line.subject,
        reason=formatting.sentence(line.reason),
        at=line.at.astimezone(ZoneInfo(newsletter.timezone)),
        counts=account.counts,
        left=_left(line, until, leavings.get(line.newsletter, ())),
    )


def _left(line: IssueLine, until: datetime, leavings: Sequence[datetime]) -> int | None:
    """Unsubscribe links name no issue, so this counts those who unsubscribed before the next one."""
    if line.sent_at is None:
        return None
    return bisect(leavings, until) - bisect(leavings, line.sent_at)
