"""The application: every action that a person or a program may ask for, bound once to this process.

Command line, desk, API and scheduler call nothing else, so what they do for one
verb is the same.  A door finds out who asks and for what, calls one method, and
shows what comes back.  There is no HTTP here, and no thread: a send that nobody
waits for is handed to the `Senders` of the process.

Each story has a file of its own.  What is heavy is imported inside the methods:
a command loads only what its own action needs.
"""

from digest.application.binding import NoSenders, Senders, SenderState
from digest.application.collecting import CollectReport
from digest.application.operating import Operating
from digest.application.people import People
from digest.application.scheduling import Scheduling
from digest.application.sending import AT_SLOT, NOW, Progress, Resolved, When
from digest.workflows import Progress as ReportProgress
from digest.workflows import no_progress

__all__ = [
    "AT_SLOT",
    "NOW",
    "Application",
    "CollectReport",
    "NoSenders",
    "Progress",
    "ReportProgress",
    "Resolved",
    "SenderState",
    "Senders",
    "When",
    "no_progress",
]


class Application(Scheduling, People, Operating):
    """One for a process.  `close` closes what was opened, after the process's senders have ended."""
