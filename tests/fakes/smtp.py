"""Two SMTP servers on 127.0.0.1, each with an accept log as the truth.

`AcceptingServer` is aiosmtpd: a real, strict implementation.  `ScriptedServer`
is a stub that can break off, refuse or fall silent in any phase, which no real
server does on demand.  Both note the time at which they took a message.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True, kw_only=True)
class Taken:
    """One message whose responsibility the server took."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    at: float  # monotonic


def free_port() -> int:
    """A port that was free a moment ago: aiosmtpd cannot choose one itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _HangingUp(Controller):
    """aiosmtpd's own leaves connections open that a client has not closed, such as one just being made."""

    def __init__(self, *given: Any, **more: Any) -> None:
        self._made: list[SMTP] = []
        super().__init__(*given, **more)

    def factory(self) -> SMTP:
        self._made.append(super().factory())
        return self._made[-1]

    def hang_up(self) -> None:
        asyncio.run_coroutine_threadsafe(self._abort(), self.loop).result(timeout=10)

    async def _abort(self) -> None:
        self.server.close()
        for _ in range(5):  # one that was just accepted has its transport some steps later
            for conversation in self._made:
                if conversation.transport is not None:
                    conversation.transport.abort()
            await asyncio.sleep(0)


# -- a real server -----------------------------------------------------------------------------------


class AcceptingServer:
    """aiosmtpd; use as a context manager."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,  # required by STARTTLS
        tls_from_start: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
        smtputf8: bool = True,
        pipelining: bool = False,  # it can: it reads one line after the other
    ) -> None:
        self.taken: list[Taken] = []
        self._pipelining = pipelining
        self.before_accept: Callable[[], None] = lambda: None
        self.refused_recipients: set[str] = set()
        self.login = login
        self.port = free_port()
        # Each keyword goes to aiosmtpd's SMTP; the time limit is for a client that went away.
        self._controller = _HangingUp(
            self,
            hostname="127.0.0.1",
            port=self.port,
            ready_timeout=5.0,
            ssl_context=tls_from_start,
            enable_SMTPUTF8=smtputf8,
            tls_context=tls,
            require_starttls=tls is not None,
            auth_required=login is not None,
            auth_require_tls=tls is not None,
            authenticator=self._authenticate if login else None,
        )

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.hang_up()
        self._controller.stop()

    async def handle_EHLO(  # noqa: N802 - aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*lines[:-1], "250-PIPELINING", lines[-1]] if self._pipelining else lines

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused_recipients:
            return "550 5.1.1 No such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.before_accept()
        content = envelope.original_content or b""
        self.taken.append(
            Taken(
                sender=envelope.mail_from or "",
                recipients=tuple(envelope.rcpt_tos),
                content=content,
                at=time.monotonic(),
            )
        )
        return f"250 2.0.0 Ok: queued as A{len(self.taken):04}"

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, way: str, data: Any
    ) -> AuthResult:
        is_right = (
            isinstance(data, LoginPassword) and (data.login.decode(), data.password.decode()) == self.login
        )
        return AuthResult(success=is_right, handled=is_right)


# -- a stub that misbehaves on demand ----------------------------------------------------------------


@dataclass
class Misbehaviour:
    """What one connection does wrong.  Phases: greeting, ehlo, mail, rcpt, data, body, dot, rset,
    quit, noop, auth, idle (between DATA and body).

    A text answers in place of the usual reply; `CUT` closes the connection in
    that phase, `SILENCE` never answers; `HELD_UP` in the phase "body" never reads
    it.  A text in the phase "body" is said before any of it is read.  Of the
    messages on the connection only the one with index `at_message` is treated so.
    """

    replies: dict[str, str] = field(default_factory=dict)
    at_message: int = 0
    takes: bool = True  # whether a message whose dot was answered by CUT or SILENCE was taken
    waits_for_more: bool = False  # the dot is answered when the next DATA has come in


CUT, SILENCE, HELD_UP = "\0cut", "\0silence", "\0held up"


class ScriptedServer:
    """Each connection follows the next `Misbehaviour` of the script; after the last one all goes well."""

    def __init__(
        self,
        *script: Misbehaviour,
        extensions: tuple[str, ...] = ("SMTPUTF8", "8BITMIME"),
        tls: ssl.SSLContext | None = None,  # from the first byte
    ) -> None:
        self.taken: list[Taken] = []
        self.without_recipient = 0  # bodies for nobody: a dot and nothing else, where all goes well
        self._tls = tls
        self.commands: list[str] = []  # verbs in the order heard, over all connections
        self.connections = 0
        self.has_cut = threading.Event()  # a connection was closed from this side
        self.before_accept: Callable[[], None] = lambda: None
        self._script = deque(script)
        self.extensions = extensions
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=5)
        self._listener.close()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = self._listener.accept()
                self.connections += 1
                script = self._script.popleft() if self._script else Misbehaviour()
                self._start(self._converse, connection, script)

    def _converse(self, connection: socket.socket, script: Misbehaviour) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(_Over, OSError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            connection.settimeout(0.05)
            with connection:
                _Conversation(self, connection, script).run()
        self.has_cut.set()


class _Over(Exception):
    """The conversation has ended, one way or the other."""


class _Conversation:
    def __init__(self, server: ScriptedServer, connection: socket.socket, script: Misbehaviour) -> None:
        self._server = server
        self._connection = connection
        self._script = script
        self._unread = b""
        self._message = -1  # index of the transaction, once there is one
        self._sender, self._recipients = "", [""]

    def run(self) -> None:
        self._answer("greeting", "220 stub ESMTP")
        while True:
            line = self._line().decode("utf-8", "replace").rstrip("\r\n")
            verb = line.split(" ")[0].split(":")[0].upper()
            self._server.commands.append(verb)
            self._obey(verb, line)

    def _obey(self, verb: str, line: str) -> None:
        address = line.partition("<")[2].partition(">")[0]
        if verb in {"EHLO", "HELO"}:
            lines = ["stub", *self._server.extensions]
            text = "\r\n".join(
                f"250{'-' if n < len(lines) - 1 else ' '}{word}" for n, word in enumerate(lines)
            )
            self._answer("ehlo", text)
        elif verb == "MAIL":
            self._sender, self._recipients = address, []
            self._message += 1
            self._answer("mail", "250 2.1.0 Ok")
        elif verb == "RCPT":
            if self._answer("rcpt", "250 2.1.5 Ok"):
                self._recipients.append(address)
        elif verb == "DATA":
            if self._answer("data", "354 go on"):
                self._take_message()
        elif verb == "QUIT":
            self._answer("quit", "221 bye")
            raise _Over
        elif verb == "AUTH":
            self._answer("auth", "235 2.7.0 welcome")
        else:
            self._answer(verb.lower(), "250 2.0.0 Ok")

    def _take_message(self) -> None:
        if self._scripted("idle") == CUT:
            raise _Over
        said = self._scripted("body")
        if said == CUT:
            self._read(lambda unread: len(unread) > 10)
            raise _Over
        if said == HELD_UP:
            self._server._stopping.wait()
            raise _Over
        if said:
            self._connection.sendall(said.encode() + b"\r\n")
            raise _Over
        self._unread = b"\r\n" + self._unread  # so that a dot that comes first is found as any other
        self._read(lambda unread: b"\r\n.\r\n" in unread)
        content, _, self._unread = self._unread.partition(b"\r\n.\r\n")
        if self._script.waits_for_more and max(self._message, 0) == self._script.at_message:
            self._read(lambda unread: b"DATA\r\n" in unread)
        if not self._recipients:
            self._server.without_recipient += 1
            self._answer("dot", "554 5.5.1 Error: no valid recipients")
            return
        reply = self._scripted("dot")
        if reply is None or reply.startswith("2") or (reply in {CUT, SILENCE} and self._script.takes):
            self._server.before_accept()
            self._server.taken.append(
                Taken(
                    sender=self._sender,
                    recipients=tuple(self._recipients),
                    content=content[2:] + b"\r\n",
                    at=time.monotonic(),
                )
            )
        self._answer("dot", f"250 2.0.0 Ok: queued as S{len(self._server.taken):04}")

    def _scripted(self, phase: str) -> str | None:
        is_now = max(self._message, 0) == self._script.at_message
        return self._script.replies.get(phase) if is_now else None

    def _answer(self, phase: str, usual: str) -> bool:
        """Send the reply; whether it was the usual one."""
        scripted = self._scripted(phase)
        if scripted == CUT:
            raise _Over
        if scripted == SILENCE:
            self._server._stopping.wait()
            raise _Over
        self._connection.sendall((scripted or usual).encode() + b"\r\n")
        if scripted and scripted.startswith("421"):
            raise _Over
        return scripted is None

    def _line(self) -> bytes:
        self._read(lambda unread: b"\n" in unread)
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _read(self, is_enough: Callable[[bytes], bool]) -> None:
        while not is_enough(self._unread):
            if self._server._stopping.is_set():
                raise _Over
            with contextlib.suppress(TimeoutError):
                received = self._connection.recv(65536)
                if not received:
                    raise _Over
                self._unread += received
