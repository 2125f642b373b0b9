"""A process that sends in its background, as `digest serve` does."""

from __future__ import annotations

from digest.application import Application
from digest.jobs.sender import BackgroundSenders
from digest.wiring import Container


class Process(Application):
    """The application of one process, with senders of its own."""

    def __init__(self, container: Container) -> None:
        self.senders = BackgroundSenders()
        super().__init__(container, senders=self.senders)
