"""Scheduling: the schedule triggers the same actions that people start by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from digest.application.collecting import Collecting
from digest.application.drafting import Drafting
from digest.application.sending import Sending
from digest.model.activity import SCHEDULER
from digest.model.issue import Issue, Selection
from digest.model.newsletter import Newsletter

if TYPE_CHECKING:
    from digest.workflows.sending.deliver import Sent
    from digest.workflows.sending.schedule import ScheduleEvent, Scheduler


class Scheduling(Collecting, Drafting, Sending):
    def scheduler(self, report: Callable[[ScheduleEvent], None]) -> Scheduler:
        """The schedule of all newsletters; each `tick` runs what is due and passes events to `report`."""
        from digest.workflows.sending.schedule import ScheduleActions, Scheduler

        actions = ScheduleActions(
            collect=self._collect_on_schedule,
            send=self._send_on_schedule,
            resume=lambda _, issue: self.deliver(issue.ref),
            draft=self._draft_on_schedule,
            tell_editors=self._notify_editors,
        )
        return Scheduler(self.newsletters, database=self._database, actions=actions, tell=report)

    def _collect_on_schedule(self, of: Newsletter) -> list[ScheduleEvent]:
        from digest.workflows.sending.schedule import ScheduleEvent

        report = self.collect(of.name, by=SCHEDULER)
        troubles = [
            *(f"{one.source.name}: {one.message}" for one in report.sources if not one.ok),
            *(f"{one.source.name}: {warning}" for one in report.sources for warning in one.warnings),
            *(file.problem for file in report.files if file.problem),
        ]
        events = [ScheduleEvent(newsletter=of.name, what=what, is_trouble=True) for what in troubles]
        return [*events, ScheduleEvent(newsletter=of.name, what=f"collected, {report.new} new")]

    def _send_on_schedule(self, of: Newsletter, slot_key: str) -> Sent:
        return self.send(of.name, by=SCHEDULER, slot_key=slot_key)

    def _draft_on_schedule(self, of: Newsletter, slot_key: str) -> Issue | None:
        made = self.draft(of.name, by=SCHEDULER, slot_key=slot_key)
        return None if isinstance(made, Selection) else made

    def _notify_editors(self, of: Newsletter, issue: Issue) -> str:
        """Notify the editors; returns what went wrong, or empty."""
        from digest.workflows.sending.remind import tell_editors

        return tell_editors(
            issue,
            composer=self._composer(self.newsletter(of.name)),
            database=self._database,
            open_transport=self._container.transport,
            now=self._now,
        )
