"""Submission over SMTP (RFC 5321), with the phase of every message on record.

`smtplib` connects, secures and logs in; from MAIL FROM on the socket is driven
here.  The library reports a connection lost before DATA (certainly not sent)
and one lost after the final dot (perhaps sent) by the same exception, and that
difference is the one thing the ledger needs.

What an answer in each phase proves is the table of `_Session.submit`; what is
done about it is decided by the ledger, not here.
"""

from __future__ import annotations

import base64
import contextlib
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from digest.errors import TransportDown
from digest.message.compile import Compiled
from digest.message.headers import UnsafeAddress, checked_address
from digest.message.splice import splice
from digest.model.delivery import Envelope, Outcome, Receipt
from digest.transports import INTENT_SECONDS, OnWire

Security = Literal["starttls", "tls", "none"]
Pace = Callable[[int], None]  # waits until that many more messages may leave

MAX_BROKEN = 3  # connections in a row that break before a message got through
IDLE_SECONDS = 5.0  # a connection that rested longer is tried with NOOP before use
DOT_TIMEOUT = 600.0  # RFC 5321, 4.5.3.2.6: a hasty timeout here makes duplicates
_REPLY_LINE_LIMIT = 4096
# A relay that does not know us says so at RCPT: that is no fault of the recipient.
_OURS_AT_RCPT = re.compile(
    r"relay access denied|relay(?:ing)? (?:is )?(?:denied|not|prohibited)|(?:not \w+|unable|cannot) to relay"
    r"|authentication (?:is )?required|log ?in first",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """Where to connect and how to log in."""

    host: str
    port: int
    security: Security
    username: str
    password: str = field(repr=False)
    timeout: float
    helo_name: str | None
    ca_file: Path | None

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"


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
        rate: Pace | None = None,
    ) -> None:
        self._account = _Account(
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
        self._pace = rate
        self._free = threading.BoundedSemaphore(max(1, connections))
        self._idle: list[_Session] = []
        self._lock = threading.Lock()

    def submit(
        self, compiled: Compiled, envelopes: Sequence[Envelope], *, on_wire: OnWire
    ) -> Iterator[Receipt]:
        """See `Transport.submit`.  One message is in flight at a time; `on_wire` is asked for each alone.

        Raises:
            TransportDown: also when MAX_BROKEN connections in a row break.
        """
        with self._free:
            yield from self._submit_all(compiled, envelopes, on_wire)

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

    def _submit_all(
        self, compiled: Compiled, envelopes: Sequence[Envelope], on_wire: OnWire
    ) -> Iterator[Receipt]:
        session: _Session | None = None
        broken = 0
        try:
            for envelope in envelopes:
                if broken >= MAX_BROKEN:
                    raise TransportDown(
                        f"{self._account.place} broke off {broken} connections in a row.",
                        mend="Look at the mail server; sending goes on from here when it is well.",
                    )
                if session is None:
                    session = self._take()
                if self._pace:
                    self._pace(1)
                receipt = session.submit(compiled, envelope, on_wire)
                was_our_choice = receipt is None
                broken = 0 if session.is_open or was_our_choice else broken + 1
                session = session if session.is_open else None
                if receipt:
                    yield receipt
        finally:
            if session is not None:
                self._give_back(session)

    def _take(self) -> _Session:
        """A living connection: one that rests, or a new one."""
        while True:
            with self._lock:
                session = self._idle.pop() if self._idle else None
            if session is None:
                return _Session(self._account, self._dot_timeout)
            if time.monotonic() - session.used_at < IDLE_SECONDS or session.is_alive():
                return session

    def _give_back(self, session: _Session) -> None:
        """Keep it for the next call; a connection left in mid-message is cut, never reused."""
        if not session.is_at_rest:
            session.drop()
        if session.is_open:
            with self._lock:
                self._idle.append(session)


# -- one connection ----------------------------------------------------------------------------------


class _Lost(Exception):
    """The connection broke, timed out, or said what is no SMTP."""


@dataclass(frozen=True, slots=True)
class _Reply:
    code: int
    text: str

    @property
    def is_good(self) -> bool:
        return 200 <= self.code < 300

    @property
    def is_later(self) -> bool:
        return 400 <= self.code < 500

    @property
    def is_no(self) -> bool:
        return 500 <= self.code < 600

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()


class _Session:
    """A connection that is logged in, and the one message that may be in flight on it."""

    def __init__(self, account: _Account, dot_timeout: float) -> None:
        self._account = account
        self._dot_timeout = dot_timeout
        self._smtp = _connect(account)
        sock = self._smtp.sock
        assert sock is not None  # noqa: S101 - _connect answers with a connection or raises
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the dot must not wait for an ACK
        self._sock = sock
        self._unread = b""
        self.is_open = True
        self.is_at_rest = True
        self.used_at = time.monotonic()

    def submit(self, compiled: Compiled, envelope: Envelope, on_wire: OnWire) -> Receipt | None:
        """One message through all phases; None where `on_wire` withheld it.

            phase               2xx/3xx     4xx        5xx             connection lost
            MAIL FROM           go on       deferred   TransportDown   deferred
            RCPT TO, DATA       go on       deferred   refused         deferred
            body, before dot    –           –          –               deferred
            after the dot       accepted    deferred   refused         uncertain

        421 anywhere also ends the connection.  After the call the connection is
        at rest, or closed.

        Raises:
            TransportDown: the server does not take mail from this sender.
        """
        try:
            message = splice(compiled, envelope)
            self._check_reach(envelope)
        except UnsafeAddress as error:
            return _receipt(envelope, Outcome.REFUSED, str(error))
        self.is_at_rest = False
        try:
            refusal = self._open_transaction(envelope, sum(map(len, message)))
            if refusal:
                return refusal
            self._send(b"".join(message))
        except _Lost as lost:
            self.drop()
            return _receipt(envelope, Outcome.DEFERRED, f"before the message was complete: {lost}")
        # Asked as late as can be: without the dot the server must forget all of it (RFC 5321, 4.1.1.4).
        asked_at = time.monotonic()
        if envelope.delivery_id not in on_wire([envelope.delivery_id]):
            self.drop()
            return None
        if time.monotonic() - asked_at > INTENT_SECONDS:
            self.drop()
            return _receipt(
                envelope, Outcome.DEFERRED, "held up for too long before the message was complete"
            )
        if self._has_spoken_or_gone():
            self.drop()
            return _receipt(
                envelope, Outcome.DEFERRED, "the server broke off before the message was complete"
            )
        return self._finish(envelope)

    def is_alive(self) -> bool:
        try:
            alive = self._ask(b"NOOP").is_good
        except _Lost:
            alive = False
        if not alive:
            self.drop()
        return alive

    def described(self) -> str:
        """How this connection is secured and who logged in, for `verify`."""
        version = self._sock.version() if isinstance(self._sock, ssl.SSLSocket) else None
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
        with contextlib.suppress(_Lost):
            self._ask(b"QUIT")
        self.drop()

    def _check_reach(self, envelope: Envelope) -> None:
        if not envelope.address.isascii() and not self._smtp.has_extn("smtputf8"):
            raise UnsafeAddress("The server cannot take non-ASCII addresses (it does not offer SMTPUTF8).")

    def _open_transaction(self, envelope: Envelope, size: int) -> Receipt | None:
        """MAIL, RCPT and DATA; a receipt where the server does not go on."""
        mail = self._ask(self._mail_from(envelope, size))
        if mail.is_no:
            self._reset()
            raise TransportDown(
                f"{self._account.place} takes no mail from {envelope.return_path}: {mail}.",
                mend="Look at the sender address and at the rights of this account on the mail server.",
            )
        if not mail.is_good:
            return self._turned_away(envelope, mail)
        rcpt = self._ask(b"RCPT TO:<%b>" % envelope.address.encode("utf-8"))
        if rcpt.is_no and (rcpt.code in {530, 535, 538} or _OURS_AT_RCPT.search(rcpt.text)):
            self._reset()
            raise TransportDown(
                f"{self._account.place} does not relay for us: {rcpt}.",
                mend="Set user name and password, or allow this machine on the mail server.",
            )
        if not rcpt.is_good:
            return self._turned_away(envelope, rcpt)
        data = self._ask(b"DATA")
        return None if data.code == 354 else self._turned_away(envelope, data)

    def _mail_from(self, envelope: Envelope, size: int) -> bytes:
        sender = checked_address(envelope.return_path) if envelope.return_path else ""
        command = b"MAIL FROM:<%b>" % sender.encode("utf-8")
        if self._smtp.has_extn("size"):
            command += b" SIZE=%d" % size
        return command if envelope.address.isascii() and sender.isascii() else command + b" SMTPUTF8"

    def _turned_away(self, envelope: Envelope, reply: _Reply) -> Receipt:
        """The server said no or later before any of the message left."""
        outcome = Outcome.REFUSED if reply.is_no else Outcome.DEFERRED
        self._reset(reply)
        return _receipt(envelope, outcome, str(reply))

    def _has_spoken_or_gone(self) -> bool:
        """Whether something came in while it was our turn: then the dot can be spared, and doubt with it."""
        try:
            self._sock.settimeout(0)
            self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        return True

    def _finish(self, envelope: Envelope) -> Receipt:
        """The dot, and the answer that tells who is responsible for the message now."""
        try:
            self._send(b".\r\n")
            reply = self._reply(self._dot_timeout)
        except _Lost as lost:
            self.drop()
            return _receipt(envelope, Outcome.UNCERTAIN, f"after the message was complete: {lost}")
        self.is_at_rest = True
        self.used_at = time.monotonic()
        if reply.code == 421:
            self.drop()
        if reply.is_good:
            return _receipt(envelope, Outcome.ACCEPTED, str(reply), _queue_id(reply.text))
        if reply.is_later or reply.is_no:
            outcome = Outcome.REFUSED if reply.is_no else Outcome.DEFERRED
            return _receipt(envelope, outcome, str(reply))
        self.drop()
        return _receipt(envelope, Outcome.UNCERTAIN, f"an answer that is none: {reply}")

    def _reset(self, reason: _Reply | None = None) -> None:
        """End a failed transaction, so that the connection can be used again."""
        try:
            if (reason and reason.code == 421) or not self._ask(b"RSET").is_good:
                self.drop()
        except _Lost:
            self.drop()
        self.is_at_rest = True

    def _ask(self, command: bytes) -> _Reply:
        self._send(command + b"\r\n")
        reply = self._reply(self._account.timeout)
        self.used_at = time.monotonic()
        return reply

    def _send(self, octets: bytes) -> None:
        try:
            self._sock.settimeout(self._account.timeout)
            self._sock.sendall(octets)
        except OSError as error:
            raise _Lost(_reason(error)) from error

    def _reply(self, timeout: float) -> _Reply:
        """One answer, its lines joined (RFC 5321, 4.2.1); `timeout` is in seconds and for all of it."""
        deadline = time.monotonic() + timeout
        lines: list[str] = []
        while True:
            line = self._line(deadline)
            if not re.match(rb"[2-5][0-9][0-9](?:[ -]|$)", line):
                raise _Lost(f"{self._account.place} said what is no SMTP answer")
            lines.append(_printable(line[4:]))
            if line[3:4] != b"-":
                return _Reply(int(line[:3]), self._account_free(" ".join(lines)))
            if len(lines) > 100:
                raise _Lost("an answer without an end")

    def _line(self, deadline: float) -> bytes:
        while b"\n" not in self._unread:
            if len(self._unread) > _REPLY_LINE_LIMIT:
                raise _Lost("an answer line without an end")
            try:
                self._sock.settimeout(max(0.001, deadline - time.monotonic()))
                received = self._sock.recv(4096)
            except OSError as error:
                raise _Lost(_reason(error)) from error
            if not received:
                raise _Lost("the server closed the connection")
            self._unread += received
        line, _, self._unread = self._unread.partition(b"\n")
        return line.rstrip(b"\r")

    def _account_free(self, text: str) -> str:
        return _without_secrets(text, self._account)


def _receipt(envelope: Envelope, outcome: Outcome, detail: str, provider_ref: str = "") -> Receipt:
    return Receipt(
        delivery_id=envelope.delivery_id, outcome=outcome, detail=detail, provider_ref=provider_ref
    )


def _queue_id(text: str) -> str:
    """`queued as 4B2F01C7` (Postfix and many others); empty where the server names none."""
    found = re.search(r"queued as ([\w.-]+)", text, re.IGNORECASE)
    return found[1] if found else ""


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return error.strerror or str(error) or type(error).__name__


def _printable(line: bytes) -> str:
    return re.sub(r"[^ -~\u00a0-\U0010ffff]", " ", line.decode("utf-8", "replace"))[:500]


# -- connecting --------------------------------------------------------------------------------------


def _connect(account: _Account) -> smtplib.SMTP:
    """A connection, secured and logged in as the account says.

    Raises:
        TransportDown: what went wrong, without any credential in it.
    """
    smtp: smtplib.SMTP | None = None
    try:
        smtp = _greeted(account)
        _secure(smtp, account)
        _log_in(smtp, account)
    except BaseException as error:
        if smtp is not None:
            smtp.close()
        if isinstance(error, OSError | smtplib.SMTPException):
            # "from None": the library's exception can hold what was sent.
            raise _down(account, error) from None
        raise
    return smtp


def _greeted(account: _Account) -> smtplib.SMTP:
    smtp: smtplib.SMTP
    if account.security == "tls":
        smtp = smtplib.SMTP_SSL(
            account.host,
            account.port,
            local_hostname=account.helo_name,
            timeout=account.timeout,
            context=_tls(account),
        )
    else:
        smtp = smtplib.SMTP(
            account.host, account.port, local_hostname=account.helo_name, timeout=account.timeout
        )
    smtp.ehlo_or_helo_if_needed()
    return smtp


def _secure(smtp: smtplib.SMTP, account: _Account) -> None:
    """STARTTLS where it is asked for; never on without it."""
    if account.security != "starttls":
        return
    if not smtp.has_extn("starttls"):
        raise TransportDown(
            f"{account.place} does not offer STARTTLS, and nothing is sent unencrypted.",
            mend='Use another port, or set security = "tls" or, inside one machine, "none".',
        )
    smtp.starttls(context=_tls(account))
    smtp.ehlo_or_helo_if_needed()


def _log_in(smtp: smtplib.SMTP, account: _Account) -> None:
    if account.username:
        smtp.login(account.username, account.password)


def _tls(account: _Account) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(account.ca_file) if account.ca_file else None)


def _down(account: _Account, error: OSError | smtplib.SMTPException) -> TransportDown:
    """The library's exception as a sentence with its mend."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return TransportDown(
            f"The certificate of {account.place} does not hold: {error.verify_message}.",
            mend="Connect by the name in the certificate, or give its authority as ca_file.",
        )
    if isinstance(error, ssl.SSLError):
        return TransportDown(
            f"{account.place} does not speak TLS here: {error.reason}.",
            mend='Port 465 wants security = "tls", port 587 "starttls".',
        )
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return TransportDown(
            f"{account.place} refuses the login: {error.smtp_code} {_words(error, account)}.",
            mend="Look at user name and password.",
        )
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return TransportDown(
            f"{account.place} offers no login that digest knows.",
            mend="Leave the user name empty, or use the port for submission.",
        )
    if isinstance(error, smtplib.SMTPResponseException):
        return TransportDown(f"{account.place} turns us away: {error.smtp_code} {_words(error, account)}.")
    if isinstance(error, smtplib.SMTPException):
        return TransportDown(f"{account.place} hung up before the login was done.")
    return TransportDown(
        f"{account.place} cannot be reached: {_reason(error)}.",
        mend="Is the mail server running, and are host and port right?",
    )


def _words(error: smtplib.SMTPResponseException, account: _Account) -> str:
    raw = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
    return _without_secrets(_printable(raw), account)


def _without_secrets(text: str, account: _Account) -> str:
    """A server may quote what we sent: no form of the password gets into receipts and messages."""
    if not account.password:
        return text
    user, password = account.username.encode(), account.password.encode()
    for secret in (
        account.password,
        base64.b64encode(password).decode(),
        base64.b64encode(b"\0" + user + b"\0" + password).decode(),
    ):
        text = text.replace(secret, "…")
    return text
