"""A socket that carries SMTP: octets out, replies in, and nothing about what they mean.

It stands between every message and the network, so it is written for few
system calls: timeouts are set once, and are the kernel's own where the
connection is not encrypted (Python's cost a `poll` before each call).
"""

from __future__ import annotations

import re
import socket
import ssl
import struct
import time
from typing import NamedTuple

_REPLY_LINE_LIMIT = 4096
_REPLY_LIMIT = 100  # lines
_UNPRINTABLE = re.compile(r"[^ -~\u00a0-\U0010ffff]")
_CODE = re.compile(rb"[2-5][0-9][0-9](?:[ -]|\r?$)")
_EARLY = 0.05  # seconds by which a timeout may come before it is due


class Lost(Exception):
    """The connection broke, timed out, or said what is no SMTP."""


class CutShort(Lost):
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
    """One connection; `tick` is the longest time in seconds that a single call waits for the network."""

    def __init__(self, sock: socket.socket, *, tick: float) -> None:
        self._sock = sock
        self._tick = tick
        self._is_encrypted = isinstance(sock, ssl.SSLSocket)
        self._unread = b""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the dot must not wait for an ACK
        if self._is_encrypted:
            sock.settimeout(tick)  # OpenSSL does not see the kernel's timeouts
        else:
            _set_kernel_timeouts(sock, tick)

    @property
    def tls_version(self) -> str:
        """Such as "TLSv1.3"; empty where nothing is encrypted."""
        return (self._sock.version() or "") if isinstance(self._sock, ssl.SSLSocket) else ""

    def send(self, octets: bytes) -> None:
        """Raises `Lost`; then it is unknown how much has left."""
        try:
            self._sock.sendall(octets)
        except OSError as error:
            raise Lost(reason(error)) from error

    def send_message(self, content: bytes, ending: bytes, *, until: float) -> None:
        """A message and what goes after it, its dot first, in one system call where possible.

        Once all of the content is with the kernel the dot follows at once; not
        after the monotonic time `until`, though.

        Raises:
            CutShort: nothing of `ending` has left.
            Lost: some of it may have.
        """
        sent, view = 0, memoryview(content)
        try:
            if not self._is_encrypted:  # there is no such call in `ssl`
                sent = self._sock.sendmsg((content, ending))
            while sent < len(content):
                if time.monotonic() > until:
                    raise CutShort("held up for too long")
                sent += self._sock.send(view[sent:])
        except OSError as error:
            raise CutShort(reason(error)) from error
        if left := ending[sent - len(content) :]:
            self.send(left)

    def reply(self, timeout: float) -> Reply:
        """The next answer; `timeout` is in seconds and for all of it, to a tick.

        Raises:
            Lost: no answer in time, or none that is SMTP.
        """
        deadline = time.monotonic() + timeout
        line = self._next_line(deadline)
        if line[3:4] == b" ":
            return Reply(_code(line), line[4:])
        lines = [line[4:]]
        code = _code(line)
        while line[3:4] == b"-":
            if len(lines) > _REPLY_LIMIT:
                raise Lost("an answer without an end")
            line = self._next_line(deadline)
            code = _code(line)
            lines.append(line[4:])
        return Reply(code, b" ".join(lines))

    def has_spoken_or_gone(self) -> bool:
        """Whether something came in that nobody asked for, such as a goodbye.  Costs no waiting."""
        if self._unread:
            return True
        try:
            if self._is_encrypted:
                return self._has_spoken_encrypted()
            self._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _has_spoken_encrypted(self) -> bool:
        """A record may hold no word for us, such as a session ticket: only reading it tells."""
        self._sock.settimeout(0)
        try:
            self._unread = self._sock.recv(1)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        finally:
            self._sock.settimeout(self._tick)
        return True

    def _next_line(self, deadline: float) -> bytes:
        end = self._unread.find(b"\n")
        while end < 0:
            if len(self._unread) > _REPLY_LINE_LIMIT:
                raise Lost("an answer line without an end")
            self._unread += self._receive(deadline)
            end = self._unread.find(b"\n")
        line, self._unread = self._unread[:end], self._unread[end + 1 :]
        return line[:-1] if line.endswith(b"\r") else line

    def _receive(self, deadline: float) -> bytes:
        while True:
            try:
                received = self._sock.recv(4096)
            except (TimeoutError, BlockingIOError) as error:
                if time.monotonic() < deadline - _EARLY:
                    continue
                raise Lost("no answer in time") from error
            except OSError as error:
                raise Lost(reason(error)) from error
            if not received:
                raise Lost("the server closed the connection")
            return received


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


def _code(line: bytes) -> int:
    if not _CODE.match(line):
        raise Lost("the server said what is no SMTP answer")
    return int(line[:3])


def _set_kernel_timeouts(sock: socket.socket, seconds: float) -> None:
    """Calls block in the kernel, and come back with EAGAIN after so long without progress."""
    interval = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
    sock.settimeout(None)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, interval)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, interval)
