"""Submission over SMTP (RFC 5321), with the phase of every message on record.

`smtplib` connects, secures and logs in (`smtp_login`); from MAIL FROM on the
socket is driven here.  The library reports a connection lost before DATA
(certainly not sent) and one lost after the final dot (perhaps sent) by the same
exception, and that difference is the one thing the ledger needs.

Where the server offers PIPELINING (RFC 2920), a message travels together with
MAIL, RCPT and DATA of the next one: each then costs one round trip, not four.

What an answer in each phase proves is the table of `_Session`; what is done
about it is decided by the ledger, not here.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from digest.errors import TransportDown
from digest.message.compile import Compiled
from digest.message.dkim import Signer
from digest.message.headers import UnsafeAddress, checked_address
from digest.message.splice import splice
from digest.model.delivery import Envelope, Outcome, Receipt
from digest.transports import INTENT_SECONDS, OnWire
from digest.transports.smtp_line import CutShort, Line, Lost, Reply
from digest.transports.smtp_login import Account, Security, connect, without_secrets

MAX_BROKEN = 3  # connections in a row that break before a message got through
IDLE_SECONDS = 5.0  # a connection that rested longer is tried with NOOP before use
DOT_TIMEOUT = 600.0  # RFC 5321, 4.5.3.2.6: a hasty timeout here makes duplicates
_DOT = b".\r\n"
_QUEUED_AS = re.compile(rb"queued as ([\w.-]+)", re.IGNORECASE)  # Postfix and many others
# A relay that does not know us says so at RCPT: that is no fault of the recipient.
_OURS_AT_RCPT = re.compile(
    r"relay access denied|relay(?:ing)? (?:is )?(?:denied|not|prohibited)|(?:not \w+|unable|cannot) to relay"
    r"|authentication (?:is )?required|log ?in first",
    re.IGNORECASE,
)


class Smtp:
    """Keeps up to `connections` connections; each `submit` uses one, so that calls may run in threads."""

    name = "smtp"
    window = 100
    replaces = False

    def __init__(  # noqa: PLR0913 - each is a setting of its own
        self,
        *,
        host: str,
        port: int,
        security: Security,
        username: str = "",
        password: str = "",
        connections: int = 10,
        timeout: float = 30,
        dot_timeout: float = DOT_TIMEOUT,
        helo_name: str = "",
        ca_file: Path | None = None,
        signer: Signer | None = None,
    ) -> None:
        self._account = Account(
            host=host,
            port=port,
            security=security,
            username=username,
            password=password,
            timeout=timeout,
            helo_name=helo_name or None,
            ca_file=ca_file,
        )
        self._dot_timeout = dot_timeout
        self._splice = signer.splice if signer else splice
        self._free = threading.BoundedSemaphore(max(1, connections))
        self._idle: list[_Session] = []
        self._lock = threading.Lock()

    def submit(
        self, compiled: Compiled, envelopes: Iterable[Envelope], *, on_wire: OnWire
    ) -> Iterator[Receipt]:
        """See `Transport.submit`.  `on_wire` is asked for each message alone, when all earlier ones have
        their receipt; at most one envelope is pulled ahead of the one that is asked for.

        Raises:
            TransportDown: also when MAX_BROKEN connections in a row break.
        """
        with self._free:
            yield from self._submit_all(compiled, _Queue(envelopes), on_wire)

    def verify(self) -> str:
        """Connect, log in and say NOOP.

        Raises:
            TransportDown: what is wrong, with its mend.
        """
        with self._free:
            session = self._take()
            try:
                if not session.is_alive():
                    raise TransportDown(f"{self._account.place} hung up after the login.")
                return f"{self._account.place} answers{session.described()}."
            finally:
                self._give_back(session)

    def close(self) -> None:
        """Say goodbye on every connection that is not in use."""
        with self._lock:
            idle, self._idle = self._idle, []
        for session in idle:
            session.quit()

    def _submit_all(self, compiled: Compiled, queue: _Queue, on_wire: OnWire) -> Iterator[Receipt]:
        broken = 0
        while not queue.is_empty():
            if broken >= MAX_BROKEN:
                raise TransportDown(
                    f"{self._account.place} broke off {broken} connections in a row.",
                    mend="Look at the mail server; sending goes on from here when it is well.",
                )
            session = self._take()
            try:
                for receipt in session.converse(compiled, queue, on_wire):
                    broken = 0 if session.is_open else broken + 1
                    yield receipt
            finally:
                self._give_back(session)

    def _take(self) -> _Session:
        """A living connection: one that rests, or a new one."""
        while True:
            with self._lock:
                session = self._idle.pop() if self._idle else None
            if session is None:
                return _Session(self._account, dot_timeout=self._dot_timeout, splice=self._splice)
            if time.monotonic() - session.used_at < IDLE_SECONDS or session.is_alive():
                return session

    def _give_back(self, session: _Session) -> None:
        """Keep it for the next call; a connection left in mid-message is cut, never reused."""
        if not session.is_at_rest:
            session.drop()
        if session.is_open:
            with self._lock:
                self._idle.append(session)


class _Queue:
    """Envelopes still to do.  One is pulled only when it is asked for, and may be put back for later."""

    def __init__(self, envelopes: Iterable[Envelope]) -> None:
        self._rest = iter(envelopes)
        self._next: Envelope | None = None
        self._has_ended = False

    def is_empty(self) -> bool:
        self._next = self.take()
        return self._next is None

    def take(self) -> Envelope | None:
        if self._next is not None:
            taken, self._next = self._next, None
            return taken
        if self._has_ended:
            return None
        pulled = next(self._rest, None)
        self._has_ended = pulled is None
        return pulled

    def put_back(self, envelope: Envelope) -> None:
        self._next = envelope


# -- one connection ----------------------------------------------------------------------------------

Splice = Callable[[Compiled, Envelope], list[bytes]]


class _Message(NamedTuple):
    """One message, ready for the wire; one with a `refusal` never goes there."""

    envelope: Envelope
    content: bytes = b""
    commands: tuple[bytes, ...] = ()  # MAIL, RCPT and DATA
    refusal: str = ""


_PHASES = ("mail", "rcpt", "data")


class _Session:
    """A connection that is logged in.  What each phase of a message proves:

        phase               2xx/3xx     4xx        5xx             connection lost
        MAIL FROM           go on       deferred   TransportDown   deferred
        RCPT TO, DATA       go on       deferred   refused         deferred
        body, before dot    –           –          –               deferred
        after the dot       accepted    deferred   refused         uncertain

    421 anywhere also ends the connection.
    """

    def __init__(self, account: Account, *, dot_timeout: float, splice: Splice) -> None:
        self._account = account
        self._dot_timeout = dot_timeout
        self._splice = splice
        self._smtp = connect(account)
        sock = self._smtp.sock
        assert sock is not None  # noqa: S101 - connect answers with a connection or raises
        self._line = Line(sock, tick=min(account.timeout, dot_timeout))
        self._pipelines = self._smtp.has_extn("pipelining")
        self._takes_utf8 = self._smtp.has_extn("smtputf8")
        self._takes_size = self._smtp.has_extn("size")
        self.is_open = True
        self.is_at_rest = True
        self.used_at = time.monotonic()

    def converse(self, compiled: Compiled, queue: _Queue, on_wire: OnWire) -> Iterator[Receipt]:
        """Submit from the queue until it is empty or the connection is closed.

        The receipt of a message is yielded before `on_wire` is asked for the
        next, whose transaction is open by then.  What was opened on a
        connection that broke for another message goes back into the queue.

        Raises:
            TransportDown: the server does not take mail from this sender.
        """
        following: _Message | None = None  # opened together with the dot of the message before
        while self.is_open:
            message, is_opened = (following, True) if following else (self._next(compiled, queue), False)
            following = None
            if message is None:
                return
            receipt = self._opened(message, is_opened=is_opened)
            if receipt is None:
                following = self._next(compiled, queue) if self._pipelines else None
                receipt = self._complete(message, following, on_wire)
            if receipt:
                yield receipt
        if following:
            queue.put_back(following.envelope)

    def is_alive(self) -> bool:
        try:
            alive = self._ask(b"NOOP\r\n").is_good
        except Lost:
            alive = False
        if not alive:
            self.drop()
        return alive

    def described(self) -> str:
        """How this connection is secured and who logged in, for `verify`."""
        version = self._line.tls_version
        security = f", encrypted ({version})" if version else ", not encrypted"
        return security + (", the login is accepted" if self._account.username else ", without login")

    def drop(self) -> None:
        """Close without a word: what was in flight and has no dot is forgotten by the server."""
        self.is_open = False
        self.is_at_rest = True
        with contextlib.suppress(OSError):
            self._smtp.close()

    def quit(self) -> None:
        """Say goodbye; all that matters was said before, so a failure here means nothing."""
        with contextlib.suppress(Lost):
            self._ask(b"QUIT\r\n")
        self.drop()

    # What the message is.

    def _next(self, compiled: Compiled, queue: _Queue) -> _Message | None:
        envelope = queue.take()
        if envelope is None:
            return None
        try:
            content = b"".join(self._splice(compiled, envelope))
        except UnsafeAddress as error:
            return _Message(envelope, refusal=str(error))
        if not self._takes_utf8 and not envelope.address.isascii():
            return _Message(
                envelope,
                refusal="The server cannot take non-ASCII addresses (it does not offer SMTPUTF8).",
            )
        return _Message(envelope, content, self._commands(envelope, len(content)))

    def _commands(self, envelope: Envelope, size: int) -> tuple[bytes, ...]:
        """MAIL, RCPT and DATA.  The address was checked when it was written into the message."""
        sender = self._checked_sender(envelope.return_path)
        parameters = b" SIZE=%d" % size if self._takes_size else b""
        if not envelope.address.isascii() or not sender.isascii():
            parameters += b" SMTPUTF8"
        return (
            b"MAIL FROM:<%b>%b\r\n" % (sender.encode(), parameters),
            b"RCPT TO:<%b>\r\n" % envelope.address.encode(),
            b"DATA\r\n",
        )

    def _checked_sender(self, return_path: str) -> str:
        try:
            return checked_address(return_path) if return_path else ""
        except UnsafeAddress as error:
            raise TransportDown(str(error), mend="Look at the sender of the newsletter.") from error

    # Phase by phase.

    def _opened(self, message: _Message, *, is_opened: bool) -> Receipt | None:
        """MAIL, RCPT and DATA; a receipt where it ends here."""
        if message.refusal:
            return _receipt(message, Outcome.REFUSED, message.refusal)
        try:
            return self._open(message, is_opened=is_opened)
        except Lost as lost:
            return self._given_up(message, str(lost))

    def _open(self, message: _Message, *, is_opened: bool) -> Receipt | None:
        self.is_at_rest = False
        if self._pipelines and not is_opened:
            self._line.send(b"".join(message.commands))
        for phase, command in zip(_PHASES, message.commands, strict=True):
            if not self._pipelines:
                self._line.send(command)
            reply = self._line.reply(self._account.timeout)
            if not (reply.code == 354 if phase == "data" else reply.is_good):
                return self._turned_away(message, phase, reply)
        return None

    def _turned_away(self, message: _Message, phase: str, reply: Reply) -> Receipt:
        """The server said no or later before any of the message left."""
        self._clear(phase, reply)
        said = self._quoted(reply)
        if phase == "mail" and reply.is_no:
            raise TransportDown(
                f"{self._account.place} takes no mail from {message.envelope.return_path}: {said}.",
                mend="Look at the sender address and at the rights of this account on the mail server.",
            )
        if phase == "rcpt" and reply.is_no and _is_our_fault(reply):
            raise TransportDown(
                f"{self._account.place} does not relay for us: {said}.",
                mend="Set user name and password, or allow this machine on the mail server.",
            )
        return _receipt(message, Outcome.REFUSED if reply.is_no else Outcome.DEFERRED, said)

    def _clear(self, phase: str, reply: Reply) -> None:
        """End a transaction that the server does not want, so that the connection can be used again."""
        try:
            if reply.code == 421 or not self._is_cleared(phase, reply):
                self.drop()
        except Lost:
            self.drop()
        self.is_at_rest = True

    def _is_cleared(self, phase: str, reply: Reply) -> bool:
        """Read what else was asked for, and leave the transaction; whether that worked.

        A server may want a body for a message that has no recipient (RFC 2920,
        3.1): the dot alone is one that can reach nobody.  Where the recipient was
        not refused it could, so there is none.
        """
        if not self._pipelines:
            return self._ask(b"RSET\r\n").is_good
        rcpt = reply
        for phase_ahead in _PHASES[_PHASES.index(phase) + 1 :]:
            reply = self._line.reply(self._account.timeout)
            rcpt = reply if phase_ahead == "rcpt" else rcpt
        if reply.code != 354:
            return self._ask(b"RSET\r\n").is_good
        if phase == "data" or not (rcpt.is_no or rcpt.is_later):
            return False
        self._line.send(_DOT)
        return self._line.reply(self._dot_timeout).code != 421

    def _complete(self, message: _Message, following: _Message | None, on_wire: OnWire) -> Receipt | None:
        """Declare the message and send it; None where `on_wire` withheld it.

        Without the dot the server must forget all of it (RFC 5321, 4.1.1.4).
        """
        until = time.monotonic() + INTENT_SECONDS
        number = message.envelope.delivery_id
        if number not in on_wire([number]):
            self.drop()
            return None
        if time.monotonic() > until:
            return self._given_up(message, "held up for too long")
        if self._line.has_spoken_or_gone():
            return self._given_up(message, "the server broke off")
        return self._sent(message, following, until=until)

    def _sent(self, message: _Message, following: _Message | None, *, until: float) -> Receipt:
        """The message with its dot, and the answer that tells who is responsible for it now."""
        opening = b"".join(following.commands) if following else b""
        try:
            self._line.send_message(message.content, _DOT + opening, until=until)
            reply = self._line.reply(self._dot_timeout)
        except CutShort as cut:
            return self._given_up(message, str(cut))
        except Lost as lost:
            self.drop()
            return _receipt(message, Outcome.UNCERTAIN, f"after the message was complete: {lost}")
        self.is_at_rest = not opening
        self.used_at = time.monotonic()
        if reply.is_good:
            found = _QUEUED_AS.search(reply.raw)
            return _receipt(
                message, Outcome.ACCEPTED, self._quoted(reply), found[1].decode() if found else ""
            )
        if reply.is_later or reply.is_no:
            if reply.code == 421:
                self.drop()
            return _receipt(
                message, Outcome.REFUSED if reply.is_no else Outcome.DEFERRED, self._quoted(reply)
            )
        self.drop()
        return _receipt(message, Outcome.UNCERTAIN, f"an answer that is none: {self._quoted(reply)}")

    # Words.

    def _ask(self, command: bytes) -> Reply:
        self._line.send(command)
        reply = self._line.reply(self._account.timeout)
        self.used_at = time.monotonic()
        return reply

    def _given_up(self, message: _Message, why: str) -> Receipt:
        """No dot has left, so the server has no message."""
        self.drop()
        return _receipt(message, Outcome.DEFERRED, f"before the message was complete: {why}")

    def _quoted(self, reply: Reply) -> str:
        return without_secrets(str(reply), self._account)


def _receipt(message: _Message, outcome: Outcome, detail: str, provider_ref: str = "") -> Receipt:
    return Receipt(
        delivery_id=message.envelope.delivery_id, outcome=outcome, detail=detail, provider_ref=provider_ref
    )


def _is_our_fault(rcpt: Reply) -> bool:
    return rcpt.code in {530, 535, 538} or _OURS_AT_RCPT.search(str(rcpt)) is not None
