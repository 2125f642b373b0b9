"""The values actions take and return, re-exported so that callers import no workflow.

Importing this loads every workflow; commands do so only for type hints.
"""

from digest.sources.entries import Entry
from digest.transports import Webhook
from digest.workflows.collecting.collect import Collected
from digest.workflows.collecting.inspect_source import SourceInspection
from digest.workflows.collecting.push import NoArticle, Pushed
from digest.workflows.composing.preflight import Report
from digest.workflows.drafting.draft import Plan
from digest.workflows.drafting.edit import Conflict, Edited, EditedAll, Refusal
from digest.workflows.operating.doctor import Diagnosis
from digest.workflows.people.feedback import Received
from digest.workflows.people.subscribers import Imported
from digest.workflows.sending.approve import Blocked
from digest.workflows.sending.deliver import Sent
from digest.workflows.sending.proof import Proof
from digest.workflows.sending.schedule import ScheduleEvent, Scheduler

__all__ = [
    "Blocked",
    "Collected",
    "Conflict",
    "Diagnosis",
    "Edited",
    "EditedAll",
    "Entry",
    "Imported",
    "NoArticle",
    "Plan",
    "Proof",
    "Pushed",
    "Received",
    "Refusal",
    "Report",
    "ScheduleEvent",
    "Scheduler",
    "Sent",
    "SourceInspection",
    "Webhook",
]
