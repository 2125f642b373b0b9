"""Delivery counts per issue, cached for finished issues.

Counting an issue reads a row for each recipient.  A finished issue is counted
again only when the activity log or a provider's event mentions it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from typing import cast

from digest.model.issue import IssueId, IssueState
from digest.storage import change_marks, desk_home
from digest.storage.change_marks import ChangeMarks
from digest.storage.database import Connection
from digest.storage.desk_home import DeliverySummary, IssueLine
from digest.views.cache import Kind, ViewCache
from digest.views.freshness import Freshness

_FINISHED = frozenset({IssueState.SENT, IssueState.CANCELLED, IssueState.SKIPPED})

_Named = tuple[IssueId, str]  # an issue's id in the database, and its reference (weekly/3)


def delivery_summaries(
    cache: ViewCache, connection: Connection, lines: Collection[IssueLine], fresh: Freshness
) -> dict[IssueId, DeliverySummary]:
    """The summary of each of these issues, as of now."""
    running = [line.id for line in lines if line.state not in _FINISHED]
    summaries: dict[IssueId, DeliverySummary] = {}

    def count(unknown: list[_Named]) -> dict[_Named, DeliverySummary]:
        named = {number: (number, ref) for number, ref in unknown}
        counted = desk_home.delivery_summaries(connection, [*running, *named])
        summaries.update(counted)
        return {named[number]: summary for number, summary in counted.items() if number in named}

    def changed(since: Hashable) -> Callable[[_Named], bool]:
        told = change_marks.changed_issues(connection, since=cast("ChangeMarks", since))
        return lambda named: named[0] in told.ids or named[1] in told.refs

    finished = [(line.id, line.ref) for line in lines if line.state in _FINISHED]
    kept = cache.of_many(Kind.COUNTS, finished, fresh.deliveries, count, changed=changed)
    return summaries | {number: summary for (number, _), summary in kept.items()}
