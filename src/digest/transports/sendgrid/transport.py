"""Submits mail through SendGrid's Mail Send API (v3), one personalization per recipient.

`request_body` builds the requests, and `api_client` sends them; this module
decides what a response means for its recipients.  A batch without a clear
response is uncertain as a whole.
"""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from digest.errors import SettingsError, TransportDown
from digest.message import headers
from digest.message.compile import Compiled
from digest.message.headers import UnsafeAddress
from digest.model.delivery import Envelope, Outcome, Receipt
from digest.model.newsletter import Mailbox
from digest.transports import INTENT_SECONDS, OnWire, windows
from digest.transports.sendgrid.api_client import ApiClient
from digest.transports.sendgrid.request_body import RequestBodies, greeting

MAX_BATCH = 1000  # personalizations in one request
MAX_PAUSE = timedelta(hours=1)  # a rate limit that claims to last longer is not believed


class SendGrid:
    """Submits over HTTPS.  `sender` is only used by `verify`; messages name their own."""

    name = "sendgrid"
    replaces = False

    def __init__(
        self,
        *,
        api_key: str,
        host: str = "https://api.sendgrid.com",
        batch_size: int = 500,
        timeout: float = 15,
        sender: Mailbox | None = None,
    ) -> None:
        if not re.fullmatch(r"[!-~]+", api_key):
            raise SettingsError(
                "The SendGrid API key is empty or contains an invalid character.",
                mend="Set DIGEST_DELIVERY__SENDGRID__API_KEY, or api_key_file.",
            )
        self.window = max(1, min(batch_size, MAX_BATCH))
        self._host = host.rstrip("/")
        self._sender = sender
        self._is_suspect = False  # the last batch ended without a clear response
        self._api = ApiClient(api_key, host=self._host, timeout=timeout)

    def submit(
        self, compiled: Compiled, envelopes: Iterable[Envelope], *, on_wire: OnWire
    ) -> Iterator[Receipt]:
        """See `Transport.submit`.  `on_wire` is called once for each batch, right before its first request.

        When a batch is refused because of one recipient, the rest is posted again
        under the same answer of `on_wire`, because the provider accepted none of
        it.  When the provider asks for a pause, no more envelopes are taken.
        """
        bodies = RequestBodies(compiled)
        for window in windows(envelopes, self.window):
            batches = deque(_batches(window, self.window))
            while batches:
                pause = yield from self._submit_batch(bodies, batches.popleft(), on_wire)
                if pause:
                    rest = [envelope for batch in batches for envelope in batch]
                    yield from _receipts(rest, Outcome.DEFERRED, "waits for the rate limit", pause=pause)
                    return

    def verify(self) -> str:
        """Check the key's permissions; with a sender, send a mail to the sandbox, which delivers nothing.

        Raises:
            TransportDown: what is wrong, and how to fix it.
        """
        if self._sender:
            self._rehearse(greeting(self._sender))
            return f"{self._host} accepts the key, and mail from {self._sender.address}."
        answer = self._api.scopes()
        if answer.status != 200:
            raise self._api.down(answer)
        if "mail.send" not in answer.scopes:
            raise TransportDown(
                "The SendGrid API key is not allowed to send mail.",
                mend='Give it the permission "Mail Send".',
            )
        return f"{self._host} accepts the key, which may send mail."

    def close(self) -> None:
        """Does nothing: each request has its own connection."""

    def _submit_batch(
        self, bodies: RequestBodies, envelopes: Sequence[Envelope], on_wire: OnWire
    ) -> Generator[Receipt, None, timedelta | None]:
        """Yields receipts for the batch; returns the pause that the provider asked for, if any."""
        sound = yield from _without_unsafe(envelopes)
        if not sound:
            return None
        if self._is_suspect:
            self._rehearse(bodies.rehearsal(sound[0]))
            self._is_suspect = False
        deadline = time.monotonic() + INTENT_SECONDS
        may_go = set(on_wire([envelope.delivery_id for envelope in sound]))
        allowed = [envelope for envelope in sound if envelope.delivery_id in may_go]
        if not allowed:
            return None
        return (yield from self._post_until_clear(bodies, allowed, deadline))

    def _post_until_clear(
        self, bodies: RequestBodies, envelopes: list[Envelope], deadline: float
    ) -> Generator[Receipt, None, timedelta | None]:
        """Post; after a refusal, post again without the recipients at fault, or in halves to find them."""
        parts = deque([envelopes])
        message_is_good = False
        while parts:
            part = parts.popleft()
            if time.monotonic() > deadline:
                yield from _receipts(part, Outcome.DEFERRED, "delayed for too long before it was posted")
                continue
            batch_id = secrets.token_hex(8)
            answer = self._api.post(bodies.of(part, batch_id))
            if answer.status == 202:
                yield from _receipts(
                    part, Outcome.ACCEPTED, "accepted", ref=answer.message_id, batch_id=batch_id
                )
            elif answer.is_unclear:
                self._is_suspect = True
                yield from _receipts(part, Outcome.UNCERTAIN, answer.words, ref=batch_id, batch_id=batch_id)
            elif answer.status == 429:
                pause, waiting = _pause(answer.headers), [*part, *itertools.chain(*parts)]
                yield from _receipts(waiting, Outcome.DEFERRED, answer.words, pause=pause)
                return pause
            elif answer.status in {400, 413}:
                blamed = answer.blamed(len(part))
                if not message_is_good and len(blamed) in {0, len(part)}:
                    self._rehearse(bodies.rehearsal(bodies.to_ourselves(part[0])))
                    message_is_good = True
                refused, again = _isolated(part, blamed)
                yield from _receipts(refused, Outcome.REFUSED, answer.words)
                parts.extendleft(reversed(again))
            else:
                raise self._api.down(answer)
        return None

    def _rehearse(self, body: str) -> None:
        """Validate a message in the sandbox, which sends nothing: is the message bad, or a recipient?"""
        answer = self._api.post(body)
        if answer.status not in {200, 202}:
            raise self._api.down(answer)


# -- batches ------------------------------------------------------------------------------


def _batches(envelopes: Sequence[Envelope], size: int) -> Iterator[list[Envelope]]:
    """Batches of at most `size`, none with the same address twice: that would fail the whole request."""
    rest = list(envelopes)
    while rest:
        batch: dict[str, Envelope] = {}
        later: list[Envelope] = []
        for envelope in rest:
            key = envelope.address.casefold()
            if len(batch) < size and key not in batch:
                batch[key] = envelope
            else:
                later.append(envelope)
        yield list(batch.values())
        rest = later


def _without_unsafe(envelopes: Sequence[Envelope]) -> Generator[Receipt, None, list[Envelope]]:
    """Refusals of addresses that no message can carry; the return value is the rest."""
    sound = []
    for envelope in envelopes:
        try:
            headers.checked_address(envelope.address)
        except UnsafeAddress as error:
            yield from _receipts([envelope], Outcome.REFUSED, str(error))
        else:
            sound.append(envelope)
    return sound


def _isolated(part: list[Envelope], blamed: set[int]) -> tuple[list[Envelope], list[list[Envelope]]]:
    """The refused envelopes, and the parts to post again: all others, or halves if none was named."""
    if blamed:
        others = [envelope for index, envelope in enumerate(part) if index not in blamed]
        return [part[index] for index in sorted(blamed)], [others] if others else []
    if len(part) == 1:
        return part, []
    middle = len(part) // 2
    return [], [part[:middle], part[middle:]]


def _receipts(
    envelopes: Sequence[Envelope],
    outcome: Outcome,
    detail: str,
    *,
    ref: str = "",
    batch_id: str = "",
    pause: timedelta | None = None,
) -> Iterator[Receipt]:
    for envelope in envelopes:
        yield Receipt(
            delivery_id=envelope.delivery_id,
            outcome=outcome,
            detail=detail,
            provider_ref=ref,
            batch_id=batch_id,
            retry_after=pause,
        )


def _pause(answered: Mapping[str, str]) -> timedelta:
    """How long to wait: Retry-After in seconds, X-RateLimit-Reset as Unix time, else one minute."""
    lower = {name.lower(): value for name, value in answered.items()}
    seconds = _number(lower.get("retry-after"))
    reset = _number(lower.get("x-ratelimit-reset"))
    if seconds is None and reset is not None:
        seconds = reset - time.time()
    if seconds is None:
        return timedelta(minutes=1)
    return min(max(timedelta(seconds=seconds), timedelta(seconds=1)), MAX_PAUSE)


def _number(text: str | None) -> float | None:
    return float(text) if text and re.fullmatch(r"[0-9]{1,12}", text.strip()) else None
