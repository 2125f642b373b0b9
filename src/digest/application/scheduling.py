"""Scheduling: what the schedule sets going is what people ask for by hand."""

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
    def scheduler(self, tell: Callable[[ScheduleEvent], None]) -> Scheduler:
        """The schedule of all newsletters; each `tick` of it does what is due and reports it to `tell`."""
        from digest.workflows.sending.schedule import ScheduleHandlers, Scheduler

        handlers = ScheduleHandlers(
            collect=self._collect_on_schedule,
            send=self._send_on_schedule,
            resume=lambda _, issue: self.deliver(issue.ref),
            draft=self._draft_on_schedule,
            tell_editors=self._tell_editors,
        )
        return Scheduler(self.newsletters, database=self._database, handlers=handlers, tell=tell)

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

    def _tell_editors(self, of: Newsletter, issue: Issue) -> str:
        """What went wrong, or empty."""
        from digest.workflows.sending.remind import tell_editors

        return tell_editors(
            issue,
            composer=self._composer(self.newsletter(of.name)),
            database=self._database,
            open_transport=self._container.transport,
            now=self._now,
        )
