"""A socket for SMTP: sends bytes and reads replies, but knows nothing about their meaning.

Every message passes through it, so it makes few system calls, and none of them
blocks: waiting is done in `event_loop`.
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
    """The connection broke, timed out, or received something that is not SMTP."""


class ReplyCutShort(ConnectionLost):
    """The same, while a message was certainly incomplete: its dot was not sent."""


class Reply(NamedTuple):
    """One reply of the server (RFC 5321, 4.2); `raw` is its text, with lines joined by a space."""

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
    """One connection.  Data that the kernel does not accept at once waits here for `push`."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._tls = sock if isinstance(sock, ssl.SSLSocket) else None
        self._unread = b""
        self._unsent: list[bytes | memoryview] = []
        self._before_dot = 0  # bytes of a message still to be sent before its dot
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the dot must not wait for an ACK
        sock.setblocking(False)

    def fileno(self) -> int:
        return self._sock.fileno()

    @property
    def tls_version(self) -> str:
        """For example "TLSv1.3"; empty if the connection is not encrypted."""
        return (self._tls.version() or "") if self._tls else ""

    # Sending.

    def send(self, octets: bytes) -> bool:
        """Send bytes; returns whether the kernel has all of them.

        Raises:
            ConnectionLost: it is unknown how much was sent.
        """
        self._unsent.append(octets)
        return self.push()

    def send_message(self, content: bytes, ending: bytes) -> bool:
        """Send a message and its `ending`, which begins with the dot, in one system call if possible.

        Returns whether the kernel has all of it.

        Raises:
            ReplyCutShort: nothing of `ending` was sent.
            ConnectionLost: some of it may have been sent.
        """
        self._before_dot = len(content)
        self._unsent += (content, ending)
        return self.push()

    def push(self) -> bool:
        """Pass waiting data to the kernel; returns whether nothing is left.  Raises like `send_message`."""
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
        """Whether a message was begun whose dot was certainly not sent."""
        return self._before_dot > 0

    def _sent(self, count: int) -> None:
        self._before_dot = max(0, self._before_dot - count)
        while self._unsent and count >= len(self._unsent[0]):
            count -= len(self._unsent.pop(0))
        if count:
            self._unsent[0] = memoryview(self._unsent[0])[count:]

    # Receiving.

    def reply(self) -> Reply | None:
        """The next reply, if all of it has arrived.

        Raises:
            ConnectionLost: the data received is not SMTP.
        """
        found = _ONE_LINE.match(self._unread)
        if found is None:
            return self._long_reply()
        self._unread = self._unread[found.end() :]
        return Reply(int(found[1]), found[2] or b"")

    def _long_reply(self) -> Reply | None:
        """A reply of several lines, whose last has no hyphen after its code; None if incomplete."""
        *lines, unfinished = self._unread.split(b"\n")
        for number, line in enumerate(lines):
            if not _CODE.match(line):
                raise ConnectionLost("the server sent something that is not an SMTP reply")
            if line[3:4] != b"-":
                text = b" ".join(each[4:].removesuffix(b"\r") for each in lines[: number + 1])
                self._unread = b"\n".join((*lines[number + 1 :], unfinished))
                return Reply(int(line[:3]), text)
        if len(lines) > _REPLY_LIMIT or len(unfinished) > _REPLY_LINE_LIMIT:
            raise ConnectionLost("the server's reply does not end")
        return None

    def receive(self) -> None:
        """Read the data that has arrived.

        Raises:
            ConnectionLost: the connection is gone, and nothing more has arrived.
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
        """Whether the server sent something unasked, such as a goodbye, or is gone.  Never blocks."""
        if self._unread:
            return True
        try:
            if self._tls:  # a TLS record may hold no data, only a session ticket: reading shows it
                self._unread = self._tls.recv(1)
            else:
                self._sock.recv(1, socket.MSG_PEEK)
        except _WOULD_WAIT:
            return False
        except OSError:
            return True
        return True


def printable(raw: bytes) -> str:
    """A server's reply for people: one line without control characters, at most 500 characters."""
    text = raw.decode("utf-8", "replace")
    if not (text.isascii() and text.isprintable()):
        text = _UNPRINTABLE.sub(" ", text)
    return text[:500]


def reason(error: OSError) -> str:
    """The network error as a phrase."""
    if isinstance(error, TimeoutError | BlockingIOError):
        return "no answer in time"
    return error.strerror or str(error) or type(error).__name__
