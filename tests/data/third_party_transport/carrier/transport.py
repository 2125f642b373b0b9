"""Submission to Carrier: one request for each message, with the message as it is."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from digest.errors import TransportDown
from digest.message.compile import Compiled
from digest.message.dkim import Signer
from digest.message.headers import UnsafeAddress
from digest.message.splice import splice
from digest.model.delivery import Envelope, Outcome, Receipt
from digest.transports import OnWire, windows

MEND = "Look at the network, and at host in [delivery.carrier]."


class Carrier:
    name = "carrier"
    window = 2
    replaces = False

    def __init__(self, *, host: str, token: str, receipts: Path | None, signer: Signer | None) -> None:
        self._host = host
        self._token = token
        self._receipts = receipts
        self._splice = signer.splice if signer else splice

    def submit(
        self, compiled: Compiled, envelopes: Iterable[Envelope], *, on_wire: OnWire
    ) -> Iterator[Receipt]:
        for window in windows(envelopes, self.window):
            written: list[tuple[Envelope, bytes]] = []
            for envelope in window:
                try:
                    written.append((envelope, b"".join(self._splice(compiled, envelope))))
                except UnsafeAddress as error:
                    yield Receipt(envelope.delivery_id, Outcome.REFUSED, detail=str(error))
            if not written:
                continue
            with closing(self._connected()) as connection:
                may_go = set(on_wire([envelope.delivery_id for envelope, _ in written]))
                for envelope, content in written:
                    if envelope.delivery_id in may_go:
                        yield self._posted(connection, compiled, envelope, content)

    def verify(self) -> str:
        with closing(self._connected()) as connection:
            connection.request("GET", "/account", headers=self._headers())
            answer = connection.getresponse()
            answer.read()
        if answer.status != 200:
            raise TransportDown(f"{self._host} does not know the token.", mend="Look at the token.")
        return f"{self._host} accepts the token."

    def close(self) -> None:
        """Nothing stays open."""

    def _connected(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(urlsplit(self._host).netloc, timeout=5)
        try:
            connection.connect()
        except OSError as error:
            raise TransportDown(f"{self._host} cannot be reached: {error}.", mend=MEND) from None
        return connection

    def _posted(
        self, connection: http.client.HTTPConnection, compiled: Compiled, envelope: Envelope, content: bytes
    ) -> Receipt:
        reference = f"{compiled.facts.issue_ref} {envelope.delivery_id}"
        headers = self._headers() | {"X-Recipient": envelope.address, "X-Reference": reference}
        try:
            connection.request("POST", "/messages", body=content, headers=headers)
            answer = connection.getresponse()
            told = answer.read()
        except (OSError, http.client.HTTPException) as error:
            return Receipt(envelope.delivery_id, Outcome.UNCERTAIN, detail=f"no answer: {error}")
        if answer.status != 202:
            return Receipt(envelope.delivery_id, Outcome.REFUSED, detail=f"{answer.status} {answer.reason}")
        number = str(json.loads(told)["id"])
        if self._receipts:
            with self._receipts.open("a", encoding="utf-8") as file:
                file.write(number + "\n")
        return Receipt(envelope.delivery_id, Outcome.ACCEPTED, detail="taken", provider_ref=number)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}
