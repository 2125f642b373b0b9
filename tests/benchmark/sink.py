"""An SMTP sink for machines without Postfix: takes everything, keeps nothing, looks at nothing.

`python sink.py PORT` serves on 127.0.0.1 until it is ended; ten minutes at most.
"""

from __future__ import annotations

import asyncio
import sys

_END = b"\r\n.\r\n"


class Sink(asyncio.Protocol):
    """One connection: a reply for every line, and one for every message."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._unread = bytearray()
        self._is_in_message = False
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._unread += data
        replies = bytearray()
        while (reply := self._next()) is not None:
            replies += reply
        if replies:
            self._transport.write(bytes(replies))

    def _next(self) -> bytes | None:
        end = self._unread.find(_END if self._is_in_message else b"\n")
        if end < 0:
            return None
        if self._is_in_message:
            del self._unread[: end + len(_END)]
            self._is_in_message = False
            return b"250 2.0.0 Ok\r\n"
        verb = bytes(self._unread[:4]).upper()
        del self._unread[: end + 1]
        if verb == b"EHLO":
            return b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
        if verb == b"DATA":
            self._is_in_message = True
            return b"354 go on\r\n"
        if verb == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
            return None
        return b"250 2.1.0 Ok\r\n"


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port, backlog=100)
    async with server:
        await asyncio.wait([asyncio.create_task(server.serve_forever())], timeout=600)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
