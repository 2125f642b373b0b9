"""Runs the web application on a port until it is stopped."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from digest.errors import SettingsError


def serve(app: ASGIApp, *, host: str, port: int, on_start: Callable[[str], None], patience: int = 10) -> None:
    """Serve until SIGTERM or SIGINT, then give open requests at most `patience` seconds to finish.

    `on_start` is called with the address once connections are accepted; port 0
    picks a free one.  Requests are not logged, since URLs contain tokens.

    Raises:
        SettingsError: the port cannot be opened.
    """
    listener = _listener(host, port)
    config = uvicorn.Config(
        app,
        access_log=False,
        server_header=False,
        # The desk must see the real peer, whatever a header says.
        proxy_headers=False,
        log_level="warning",
        timeout_graceful_shutdown=patience,
        lifespan="off",
        ws="none",
    )
    try:
        _Announcing(config, on_start=lambda: on_start(_address(listener))).run(sockets=[listener])
    finally:
        listener.close()


class _Announcing(uvicorn.Server):
    """Reports when it listens, and returns to the caller after a signal."""

    def __init__(self, config: uvicorn.Config, *, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_start()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As in uvicorn, but without raising the signal again at the end: that would end the
        process before the caller could stop what runs beside the server."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {n: signal.signal(n, self.handle_exit) for n in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as wrong:
        raise SettingsError(
            f"Cannot listen on {host}:{port}: {os.strerror(wrong.errno or 0)}.",
            mend="Choose another port with --port, or stop the program that uses it.",
        ) from None


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{port}"
