"""One logged-in connection, and what each phase of a message on it proves (RFC 5321).

If the server offers PIPELINING (RFC 2920), a message is sent together with MAIL,
RCPT and DATA of the next one, so each costs one round trip instead of four.

The ledger, not this module, decides what to do about an outcome; `event_loop`
decides when to wait, so everything here is a step for it.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from digest.errors import TransportDown
from digest.message.compile import Compiled
from digest.message.headers import UnsafeAddress, checked_address
from digest.model.delivery import Envelope, Outcome, Receipt
from digest.transports import INTENT_SECONDS
from digest.transports.smtp.event_loop import Conversation, Coroutine, Declare, Step, Wait
from digest.transports.smtp.login import Credentials, without_secrets
from digest.transports.smtp.wire import ConnectionLost, Line, Reply, ReplyCutShort

Splice = Callable[[Compiled, Envelope], list[bytes]]

GOODBYE_SECONDS = 3.0

_DOT = b".\r\n"
_PHASES = ("mail", "rcpt", "data")
_QUEUED_AS = re.compile(rb"queued as ([\w.-]+)", re.IGNORECASE)  # Postfix and many others
# A relay that does not know us says so at RCPT, which is not the fault of the recipient.
_OURS_AT_RCPT = re.compile(
    r"relay access denied|relay(?:ing)? (?:is )?(?:denied|not|prohibited)|(?:not \w+|unable|cannot) to relay"
    r"|authentication (?:is )?required|log ?in first",
    re.IGNORECASE,
)


class Queue:
    """The envelopes still to send, shared by all connections of one call.

    An envelope is taken from the source only when it is asked for, and may be put back.
    """

    def __init__(self, envelopes: Iterable[Envelope]) -> None:
        self._rest = iter(envelopes)
        self._ahead: deque[Envelope] = deque()
        self._has_ended = False
        self._is_closed = False

    def has(self, count: int) -> bool:
        """Whether there are at least `count`; takes that many from the source to find out."""
        while len(self._ahead) < count and not self._has_ended:
            pulled = next(self._rest, None)
            self._has_ended = pulled is None
            if pulled is not None:
                self._ahead.append(pulled)
        return len(self._ahead) >= count

    def take(self) -> Envelope | None:
        return self._ahead.popleft() if self.has(1) else None

    def put_back(self, envelope: Envelope) -> None:
        if not self._is_closed:
            self._ahead.appendleft(envelope)

    def close(self) -> None:
        """Begin nothing more."""
        self._has_ended = self._is_closed = True
        self._ahead.clear()


class SmtpSession:
    """A logged-in connection.  What each phase of a message proves:

        phase               2xx/3xx     4xx        5xx             connection lost
        MAIL FROM           continue    deferred   TransportDown   deferred
        RCPT TO, DATA       continue    deferred   refused         deferred
        body, before dot    –           –          –               deferred
        after the dot       accepted    deferred   refused         uncertain

    421 anywhere also ends the connection.
    """

    def __init__(
        self,
        smtp: smtplib.SMTP,
        account: Credentials,
        *,
        dot_timeout: float,
        splice: Splice,
        looks_ahead: bool = True,  # opens the next message together with the dot, if the server allows it
    ) -> None:
        sock = smtp.sock
        assert sock is not None  # noqa: S101 - `connect` answers with a connection or raises
        self._smtp = smtp
        self._account = account
        self._dot_timeout = dot_timeout
        self._splice = splice
        self._line = Line(sock)
        self._pipelines = smtp.has_extn("pipelining")
        self._looks_ahead = looks_ahead and self._pipelines
        self._takes_utf8 = smtp.has_extn("smtputf8")
        self._takes_size = smtp.has_extn("size")
        self.is_open = True
        self.is_at_rest = True
        self.has_worked = False  # a message got its answer, and the connection stayed open
        self.is_broken = False  # it broke off during a message
        self.used_at = time.monotonic()

    def converse(self, compiled: Compiled, queue: Queue) -> Conversation:
        """Submit from the queue until it is empty or the connection is closed.

        The receipt of a message is yielded before the next one is declared, even
        though that one's transaction is already open.  If the connection breaks,
        a message that was only opened goes back into the queue.

        Raises:
            TransportDown: the server does not accept mail from this sender.
        """
        following: _Message | None = None  # opened together with the dot of the previous message
        while self.is_open:
            message, is_opened = (following, True) if following else (self._next(compiled, queue), False)
            following = None
            if message is None:
                return
            receipt = yield from self._opened(message, is_opened=is_opened)
            if receipt is None:
                following = self._next(compiled, queue) if self._looks_ahead else None
                receipt = yield from self._complete(message, following)
            if receipt:
                self.has_worked |= self.is_open
                self.is_broken = not self.is_open
                yield receipt
        if following:
            queue.put_back(following.envelope)

    def is_alive(self) -> Step[bool]:
        try:
            alive = (yield from self._ask(b"NOOP\r\n")).is_good
        except ConnectionLost:
            alive = False
        if not alive:
            self.drop()
        return alive

    def described(self) -> str:
        """How this connection is secured and whether it logged in, for `verify`."""
        version = self._line.tls_version
        security = f", encrypted ({version})" if version else ", not encrypted"
        return security + (", login accepted" if self._account.username else ", without login")

    def drop(self) -> None:
        """Close without QUIT: the server discards a message that has no final dot."""
        self.is_open = False
        self.is_at_rest = True
        with contextlib.suppress(OSError):
            self._smtp.close()

    def quit(self) -> Step[None]:
        """Send QUIT; everything that matters is done, so a failure here is ignored."""
        with contextlib.suppress(ConnectionLost):
            self._line.send(b"QUIT\r\n")
            yield from self._hear(min(GOODBYE_SECONDS, self._account.timeout))
        self.drop()

    # Preparing messages.

    def _next(self, compiled: Compiled, queue: Queue) -> _Message | None:
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
                refusal="The server does not accept non-ASCII addresses (it does not offer SMTPUTF8).",
            )
        return _Message(envelope, content, self._commands(envelope, len(content)))

    def _commands(self, envelope: Envelope, size: int) -> tuple[bytes, ...]:
        """MAIL, RCPT and DATA.  The address was checked when it was put into the message."""
        parameters = b" SIZE=%d" % size if self._takes_size else b""
        if not envelope.address.isascii() or not envelope.return_path.isascii():
            parameters += b" SMTPUTF8"
        return (
            b"MAIL FROM:<%b>%b\r\n" % (_checked_sender(envelope.return_path), parameters),
            b"RCPT TO:<%b>\r\n" % envelope.address.encode(),
            b"DATA\r\n",
        )

    # Phase by phase.

    def _opened(self, message: _Message, *, is_opened: bool) -> Step[Receipt | None]:
        """MAIL, RCPT and DATA; a receipt if the message ends here."""
        if message.refusal:
            return _receipt(message, Outcome.REFUSED, message.refusal)
        try:
            return (yield from self._open(message, is_opened=is_opened))
        except ConnectionLost as lost:
            return self._given_up(message, str(lost))

    def _open(self, message: _Message, *, is_opened: bool) -> Step[Receipt | None]:
        self.is_at_rest = False
        if self._pipelines and not is_opened:
            self._line.send(b"".join(message.commands))
        for phase, command in zip(_PHASES, message.commands, strict=True):
            if not self._pipelines:
                self._line.send(command)
            reply = self._line.reply() or (yield from self._hear(self._account.timeout))
            if not (reply.code == 354 if phase == "data" else reply.is_good):
                return (yield from self._turned_away(message, phase, reply))
        return None

    def _turned_away(self, message: _Message, phase: str, reply: Reply) -> Step[Receipt]:
        """The server refused or deferred it before any of the message was sent."""
        yield from self._clear(phase, reply)
        said = self._quoted(reply)
        if phase == "mail" and reply.is_no:
            raise TransportDown(
                f"{self._account.place} does not accept mail from {message.envelope.return_path}: {said}.",
                mend="Check the sender address, and what this account may send on the mail server.",
            )
        if phase == "rcpt" and reply.is_no and _is_our_fault(reply):
            raise TransportDown(
                f"{self._account.place} does not relay for us: {said}.",
                mend="Set username and password, or allow this machine to relay on the mail server.",
            )
        return _receipt(message, Outcome.REFUSED if reply.is_no else Outcome.DEFERRED, said)

    def _clear(self, phase: str, reply: Reply) -> Step[None]:
        """End a transaction that the server refused, so that the connection can be used again."""
        try:
            if reply.code == 421 or not (yield from self._is_cleared(phase, reply)):
                self.drop()
        except ConnectionLost:
            self.drop()
        self.is_at_rest = True

    def _is_cleared(self, phase: str, reply: Reply) -> Step[bool]:
        """Read the replies to pipelined commands and end the transaction; returns whether that worked.

        A server may expect a body for a message without recipients (RFC 2920, 3.1):
        a lone dot is an empty one, which can reach nobody.  If the recipient was
        not refused it could reach them, so no dot is sent.
        """
        if not self._pipelines:
            return (yield from self._ask(b"RSET\r\n")).is_good
        rcpt = reply
        for phase_ahead in _PHASES[_PHASES.index(phase) + 1 :]:
            reply = self._line.reply() or (yield from self._hear(self._account.timeout))
            rcpt = reply if phase_ahead == "rcpt" else rcpt
        if reply.code != 354:
            return (yield from self._ask(b"RSET\r\n")).is_good
        if phase == "data" or not (rcpt.is_no or rcpt.is_later):
            return False
        self._line.send(_DOT)
        reply = self._line.reply() or (yield from self._hear(self._dot_timeout))
        return reply.code != 421

    def _complete(self, message: _Message, following: _Message | None) -> Coroutine[Receipt | None]:
        """Declare the message and send it; None if it was withheld.

        Without the dot the server must discard all of it (RFC 5321, 4.1.1.4).
        """
        until = time.monotonic() + INTENT_SECONDS
        if not (yield Declare(message.envelope.delivery_id)):
            self.drop()
            return None
        if time.monotonic() > until:
            return self._given_up(message, "delayed for too long")
        if self._line.has_spoken_or_gone():
            return self._given_up(message, "the server closed the connection")
        return (yield from self._sent(message, following, until=until))

    def _sent(self, message: _Message, following: _Message | None, *, until: float) -> Step[Receipt]:
        """Send the message with its dot, and read the reply that says who is responsible for it now."""
        opening = b"".join(following.commands) if following else b""
        try:
            yield from self._send_message(message, _DOT + opening, until=until)
            reply = self._line.reply() or (yield from self._hear(self._dot_timeout))
        except ReplyCutShort as cut:
            return self._given_up(message, str(cut))
        except ConnectionLost as lost:
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
        return _receipt(message, Outcome.UNCERTAIN, f"not a valid reply: {self._quoted(reply)}")

    # Commands and replies.

    def _ask(self, command: bytes) -> Step[Reply]:
        self._line.send(command)
        reply = self._line.reply() or (yield from self._hear(self._account.timeout))
        self.used_at = time.monotonic()
        return reply

    def _hear(self, timeout: float) -> Step[Reply]:
        """Wait for the next reply; `timeout` is in seconds, for the whole reply.

        Raises:
            ConnectionLost: no reply in time, or not an SMTP reply.
        """
        until = time.monotonic() + timeout
        while True:
            if not (yield Wait(self._line, until)):
                raise ConnectionLost("no answer in time")
            self._line.receive()
            if reply := self._line.reply():
                return reply

    def _send_message(self, message: _Message, ending: bytes, *, until: float) -> Step[None]:
        """Pass all of it to the kernel; before the dot, only until the monotonic time `until`.

        Raises:
            ReplyCutShort: nothing of `ending` was sent.
            ConnectionLost: some of it may have been sent.
        """
        line = self._line
        is_out = line.send_message(message.content, ending)
        while not is_out:
            patience = time.monotonic() + self._account.timeout
            is_ready = yield Wait(line, min(patience, until) if line.is_before_dot else patience, True)
            if line.is_before_dot and time.monotonic() > until:
                raise ReplyCutShort("delayed for too long")
            if not is_ready:
                raise (ReplyCutShort if line.is_before_dot else ConnectionLost)("no answer in time")
            is_out = line.push()

    def _given_up(self, message: _Message, why: str) -> Receipt:
        """No dot was sent, so the server has no message."""
        self.drop()
        return _receipt(message, Outcome.DEFERRED, f"before the message was complete: {why}")

    def _quoted(self, reply: Reply) -> str:
        return without_secrets(str(reply), self._account)


class _Message(NamedTuple):
    """One message ready to send; one with a `refusal` is never sent."""

    envelope: Envelope
    content: bytes = b""
    commands: tuple[bytes, ...] = ()  # MAIL, RCPT and DATA
    refusal: str = ""


def _receipt(message: _Message, outcome: Outcome, detail: str, provider_ref: str = "") -> Receipt:
    return Receipt(
        delivery_id=message.envelope.delivery_id, outcome=outcome, detail=detail, provider_ref=provider_ref
    )


@lru_cache(maxsize=8)
def _checked_sender(return_path: str) -> bytes:
    """The same for all recipients, unless each has its own (VERP)."""
    try:
        return checked_address(return_path).encode() if return_path else b""
    except UnsafeAddress as error:
        raise TransportDown(str(error), mend="Check the newsletter's sender.") from error


def _is_our_fault(rcpt: Reply) -> bool:
    return rcpt.code in {530, 535, 538} or _OURS_AT_RCPT.search(str(rcpt)) is not None
