"""The network guard: which addresses may be connected to, and until when.

It is part of the HTTP library's network backend, so it checks the address that
is really connected to.  It catches redirects, spellings such as 0x7f000001, and
names that resolve differently between check and use (DNS rebinding).
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import httpcore2

from digest.errors import FetchError, Refused

SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]

# Time (`time.monotonic`) by which this thread's request must be finished.
deadline: ContextVar[float] = ContextVar("deadline")

# `is_global` of Python 3.11 is True for several of these (measured); the IANA
# special-purpose registries are the source of all.
_FORBIDDEN_V4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
# For IPv6 only global unicast is allowed.  That excludes ::127.0.0.1,
# ::ffff:0:0/96 (mapped), 64:ff9b::/96 (NAT64), fc00::/7, fe80::/10, fec0::/10, ff00::/8.
_GLOBAL_UNICAST = ip_network("2000::/3")
_FORBIDDEN_V6 = tuple(
    ip_network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20")
)  # fmt: skip


def is_public(address: str) -> bool:
    """Whether an IP address literal is an ordinary host of the public internet."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return parsed.is_global and not any(parsed in network for network in _FORBIDDEN_V4)
    return _is_public_v6(parsed)


def _is_public_v6(address: IPv6Address) -> bool:
    if address.scope_id is not None or address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not any(address in network for network in _FORBIDDEN_V6)


class GuardedBackend(httpcore2.NetworkBackend):
    """Opens TCP connections to allowed addresses only, and respects `deadline`.

    All addresses that a name resolves to must be allowed: a name with one public
    and one private address is refused as a whole.
    """

    def __init__(self, is_allowed: Callable[[str], bool]) -> None:
        self._is_allowed = is_allowed
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = _resolve(host, port)
        if not all(self._is_allowed(address) for address in addresses):
            raise Refused(
                f"{host} is a private or special address, which digest does not contact.", mend=OPEN_UP
            )

        failure: Exception | None = None
        for address in addresses:
            try:
                stream = self._sockets.connect_tcp(
                    address, port, _within_deadline(timeout), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream)
        raise failure or httpcore2.ConnectError(f"{host} has no address")


OPEN_UP = "If this host is on your own network, set allow_private_addresses = true for the source."


def _resolve(host: str, port: int) -> tuple[str, ...]:
    """Every address of a name, in the order of the system's preference, each once."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(
            f"the host {host} was not found.", mend="Check the spelling of the address and your DNS server."
        ) from error
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class _TimedStream(httpcore2.NetworkStream):
    """A stream that also ends at the deadline: with read timeouts alone, a slow drip could last for ever."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _within_deadline(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _within_deadline(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, _within_deadline(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _within_deadline(timeout: float | None) -> float:
    left = deadline.get() - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("deadline")
    return left if timeout is None else min(timeout, left)
