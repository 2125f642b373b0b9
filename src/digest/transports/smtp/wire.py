"""A socket that carries SMTP: octets out, replies in, and nothing about what they mean.

It stands between every message and the network, so it is written for few
system calls, and none of them waits: who has to wait does so in `event_loop`.
"""

from __future__ import annotations

import re
import socket
import ssl
from typing import NamedTuple

_REPLY_LINE_LIMIT = 4096
_REPLY_LIMIT = 100  # lines
_UNPRINTABLE = re.compile(r"[^ -~\u00a0-\U0010ffff]")
_ONE_LINE = re.compile(rb"([2-5][0-9][0-9])(?: ([^\n]*?))?\r?\n")
_CODE = re.compile(rb"[2-5][0-9][0-9](?:[ -]|\r?$)")
_WOULD_WAIT = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class ConnectionLost(Exception):
    """The connection broke, timed out, or said what is no SMTP."""


class ReplyCutShort(ConnectionLost):
    """The same, while a message was certainly not complete: its dot has not left."""


class Reply(NamedTuple):
    """One answer of the server (RFC 5321, 4.2); `raw` is its text, lines joined by a space."""

    code: int
    raw: bytes

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
        return f"{self.code} {printable(self.raw)}".rstrip()


class Line:
    """One connection.  What the kernel does not take at once waits here for `push`."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._tls = sock if isinstance(sock, ssl.SSLSocket) else None
        self._unread = b""
        self._unsent: list[bytes | memoryview] = []
        self._before_dot = 0  # octets of a message that are still to go before its dot
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the dot must not wait for an ACK
        sock.setblocking(False)

    def fileno(self) -> int:
        return self._sock.fileno()

    @property
    def tls_version(self) -> str:
        """Such as "TLSv1.3"; empty where nothing is encrypted."""
        return (self._tls.version() or "") if self._tls else ""

    # Out.

    def send(self, octets: bytes) -> bool:
        """Whether all of it is with the kernel.  Raises `Lost`; then it is unknown how much has left."""
        self._unsent.append(octets)
        return self.push()

    def send_message(self, content: bytes, ending: bytes) -> bool:
        """A message and what goes after it, its dot first, in one system call where possible; whether
        all of it is with the kernel.

        Raises:
            CutShort: nothing of `ending` has left.
            Lost: some of it may have.
        """
        self._before_dot = len(content)
        self._unsent += (content, ending)
        return self.push()

    def push(self) -> bool:
        """Hand over what waits; whether nothing is left.  Raises as `send_message` does."""
        try:
            while self._unsent:
                self._sent(self._tls.send(self._unsent[0]) if self._tls else self._sock.sendmsg(self._unsent))
        except _WOULD_WAIT:
            return False
        except OSError as error:
            raise (ReplyCutShort if self._before_dot else ConnectionLost)(reason(error)) from error
        return True

    @property
    def is_before_dot(self) -> bool:
        """Whether a message was begun whose dot has certainly not left."""
        return self._before_dot > 0

    def _sent(self, count: int) -> None:
        self._before_dot = max(0, self._before_dot - count)
        while self._unsent and count >= len(self._unsent[0]):
            count -= len(self._unsent.pop(0))
        if count:
            self._unsent[0] = memoryview(self._unsent[0])[count:]

    # In.

    def reply(self) -> Reply | None:
        """The next answer, if all of it has come in.

        Raises:
            Lost: what came in is no SMTP.
        """
        found = _ONE_LINE.match(self._unread)
        if found is None:
            return self._long_reply()
        self._unread = self._unread[found.end() :]
        return Reply(int(found[1]), found[2] or b"")

    def _long_reply(self) -> Reply | None:
        """One of several lines, whose last has no hyphen behind its code; or none yet."""
        *lines, unfinished = self._unread.split(b"\n")
        for number, line in enumerate(lines):
            if not _CODE.match(line):
                raise ConnectionLost("the server said what is no SMTP answer")
            if line[3:4] != b"-":
                text = b" ".join(each[4:].removesuffix(b"\r") for each in lines[: number + 1])
                self._unread = b"\n".join((*lines[number + 1 :], unfinished))
                return Reply(int(line[:3]), text)
        if len(lines) > _REPLY_LIMIT or len(unfinished) > _REPLY_LINE_LIMIT:
            raise ConnectionLost("an answer without an end")
        return None

    def receive(self) -> None:
        """Take in what is there.

        Raises:
            Lost: the connection is gone, and nothing more came in.
        """
        try:
            received = self._sock.recv(65536)
            while self._tls and self._tls.pending():  # the socket will not be ready again for it
                received += self._tls.recv(65536)
        except _WOULD_WAIT:
            return
        except OSError as error:
            raise ConnectionLost(reason(error)) from error
        if not received:
            raise ConnectionLost("the server closed the connection")
        self._unread += received

    def has_spoken_or_gone(self) -> bool:
        """Whether something came in that nobody asked for, such as a goodbye.  Costs no waiting."""
        if self._unread:
            return True
        try:
            if self._tls:  # a record may hold no word for us, such as a session ticket: only reading tells
                self._unread = self._tls.recv(1)
            else:
                self._sock.recv(1, socket.MSG_PEEK)
        except _WOULD_WAIT:
            return False
        except OSError:
            return True
        return True


def printable(raw: bytes) -> str:
    """What a server said, for people: one line without controls, at most 500 characters."""
    text = raw.decode("utf-8", "replace")
    if not (text.isascii() and text.isprintable()):
        text = _UNPRINTABLE.sub(" ", text)
    return text[:500]


def reason(error: OSError) -> str:
    """Why the network failed, in words."""
    if isinstance(error, TimeoutError | BlockingIOError):
        return "no answer in time"
    return error.strerror or str(error) or type(error).__name__
