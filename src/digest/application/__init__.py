"""The application: every action a person or program may ask for, bound once to this process.

Command line, desk, API and scheduler call nothing else, so each action does the
same everywhere.  A caller finds out who asks for what, calls one method and shows
the result.  There is no HTTP here and no thread: a background send is handed to
the `Senders` of the process.

Each group of actions has its own file.  Heavy modules are imported inside the
methods, so that a command only loads what its own action needs.
"""

from digest.application.binding import NoSenders, Senders, SenderState
from digest.application.collecting import CollectReport
from digest.application.operating import Operating
from digest.application.people import People
from digest.application.scheduling import Scheduling
from digest.application.sending import AT_SLOT, NOW, Resolved, SendProgress, When
from digest.workflows import ReportProgress, no_progress

__all__ = [
    "AT_SLOT",
    "NOW",
    "Application",
    "CollectReport",
    "NoSenders",
    "ReportProgress",
    "Resolved",
    "SendProgress",
    "SenderState",
    "Senders",
    "When",
    "no_progress",
]


class Application(Scheduling, People, Operating):
    """All actions; one instance per process.  Call `close` after its senders have ended."""
