"""Submits mail over SMTP (RFC 5321), keeping track of the phase of every message.

`smtplib` connects, secures and logs in (`login`); from MAIL FROM on, the socket
is driven by our own code (`session`, `wire`).  The library raises the same
exception for a connection lost before DATA (certainly not sent) and after the
final dot (perhaps sent), and that difference is the one thing the ledger needs.

This module manages the connections: how many, when to open one, when to give up.
"""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterable, Iterator
from math import ceil
from pathlib import Path

from digest.errors import TransportDown
from digest.message.compile import Compiled
from digest.message.dkim import Signer
from digest.message.splice import splice
from digest.model.delivery import Envelope, Receipt
from digest.transports import OnWire
from digest.transports.smtp.event_loop import (
    Conversation,
    EventLoop,
    Step,
    alone,
    in_thread,
    together,
)
from digest.transports.smtp.login import Credentials, Security, connect
from digest.transports.smtp.session import Queue, SmtpSession

MAX_BROKEN = 3  # connections in a row that break before a message gets through
IDLE_SECONDS = 5.0  # a connection idle for longer is tested with NOOP before use
MOST_OPEN_SECONDS = 5.0  # that a transaction may stay open while others wait for their turn
DOT_TIMEOUT = 600.0  # RFC 5321, 4.5.3.2.6: a shorter timeout here causes duplicates


class Smtp:
    """One `submit` uses up to `connections` connections at once, and leaves them open for the next.

    Not thread-safe: each thread creates its own.
    """

    name = "smtp"
    replaces = False

    def __init__(  # noqa: PLR0913 - each is a separate setting
        self,
        *,
        host: str,
        port: int,
        security: Security,
        username: str = "",
        password: str = "",
        connections: int = 10,
        per_second: float | None = None,
        timeout: float = 30,
        dot_timeout: float = DOT_TIMEOUT,
        helo_name: str = "",
        ca_file: Path | None = None,
        signer: Signer | None = None,
    ) -> None:
        self._account = Credentials(
            host=host,
            port=port,
            security=security,
            username=username,
            password=password,
            timeout=timeout,
            helo_name=helo_name or None,
            ca_file=ca_file,
        )
        # With a rate limit, transactions must not stay open while messages wait for their turn: only as many
        # connections as get a turn within seconds, and no message is opened before its turn.
        most = connections if per_second is None else min(connections, ceil(per_second * MOST_OPEN_SECONDS))
        self.window = max(1, most)
        self._looks_ahead = per_second is None
        self._dot_timeout = dot_timeout
        self._splice = signer.splice if signer else splice
        self._resting: list[SmtpSession] = []

    def submit(
        self, compiled: Compiled, envelopes: Iterable[Envelope], *, on_wire: OnWire
    ) -> Iterator[Receipt]:
        """See `Transport.submit`.

        `on_wire` is called for at most one message per connection at a time, after
        the previous message on that connection has its receipt.  At most one
        further envelope is taken per connection.  The first connection must
        succeed; there are as many others as the server allows.

        Raises:
            TransportDown: also if MAX_BROKEN connections in a row break.
        """
        queue = Queue(envelopes)
        if not queue.has(1):
            return
        places = _Places(self, compiled, queue, first=self._take() or self._new())
        yield from EventLoop(
            on_wire=on_wire, more=places.another, is_done=lambda: not queue.has(1), on_trouble=queue.close
        ).run()

    def verify(self) -> str:
        """Connect, log in and send NOOP.

        Raises:
            TransportDown: what is wrong, and how to fix it.
        """
        session = self._take() or self._new()
        try:
            if not alone(session.is_alive()):
                raise TransportDown(f"{self._account.place} closed the connection after login.")
            return f"{self._account.place} answers{session.described()}."
        finally:
            self.give_back(session)

    def close(self) -> None:
        """Say goodbye on every connection that is not in use."""
        resting, self._resting = self._resting, []
        together(session.quit() for session in resting)

    def opened(self) -> Step[SmtpSession]:
        """Open a new connection without blocking.

        Raises:
            TransportDown: no connection can be opened.
        """
        try:
            smtp = yield from in_thread(lambda: connect(self._account), discard=lambda smtp: smtp.close())
        except (OSError, RuntimeError) as error:  # this machine has no more file handles or threads
            raise TransportDown(f"This machine cannot open another connection: {error}.") from error
        return self._session(smtp)

    def rested(self) -> SmtpSession | None:
        """A connection that was used a moment ago; those idle for longer are closed, not tested."""
        while self._resting:
            session = self._resting.pop()
            if time.monotonic() - session.used_at < IDLE_SECONDS:
                return session
            session.drop()
        return None

    def give_back(self, session: SmtpSession) -> None:
        """Keep it for the next call; a connection with an unfinished message is closed, never reused."""
        if not session.is_at_rest:
            session.drop()
        if session.is_open:
            self._resting.append(session)

    def broke_off(self, times: int) -> TransportDown:
        return TransportDown(
            f"{self._account.place} broke off {times} connections in a row.",
            mend="Check the mail server, then resume sending.",
        )

    def _new(self) -> SmtpSession:
        return self._session(connect(self._account))

    def _session(self, smtp: smtplib.SMTP) -> SmtpSession:
        return SmtpSession(
            smtp,
            self._account,
            dot_timeout=self._dot_timeout,
            splice=self._splice,
            looks_ahead=self._looks_ahead,
        )

    def _take(self) -> SmtpSession | None:
        """An idle connection that still works."""
        while self._resting:
            session = self._resting.pop()
            if time.monotonic() - session.used_at < IDLE_SECONDS or alone(session.is_alive()):
                return session
        return None


class _Places:
    """The slots for connections during one call; each gets a new connection when its own breaks."""

    def __init__(self, smtp: Smtp, compiled: Compiled, queue: Queue, *, first: SmtpSession) -> None:
        self._smtp = smtp
        self._compiled = compiled
        self._queue = queue
        self._first: SmtpSession | None = first
        self._count = 0
        self._being_opened = 0
        self._has_failed = False  # the server accepts no more connections

    def another(self) -> Conversation | None:
        """One more connection, if there is work for it."""
        if (
            self._count >= self._smtp.window
            or self._has_failed
            or not self._queue.has(self._being_opened + 1)
        ):
            return None
        self._count += 1
        session, self._first = self._first, None
        return self._filled(session)

    def _filled(self, session: SmtpSession | None) -> Conversation:
        broken = 0
        try:
            while self._queue.has(1):
                if broken >= MAX_BROKEN:
                    raise self._smtp.broke_off(broken)
                session = session or (yield from self._opened())
                if session is None:
                    return
                yield from self._worked(session)
                broken = (0 if session.has_worked else broken) + session.is_broken
                session = None
        finally:
            self._count -= 1

    def _worked(self, session: SmtpSession) -> Conversation:
        try:
            yield from session.converse(self._compiled, self._queue)
        finally:
            self._smtp.give_back(session)

    def _opened(self) -> Step[SmtpSession | None]:
        """None if no connection can be opened, but others are working and can finish without it."""
        if session := self._smtp.rested():
            return session
        self._being_opened += 1
        try:
            return (yield from self._smtp.opened())
        except TransportDown:
            self._has_failed = True
            if self._count == 1 and self._queue.has(1):
                raise
            return None
        finally:
            self._being_opened -= 1
