"""Submission through SendGrid's Mail Send API (v3), one personalization per recipient.

The `sendgrid` library brings host, headers and errors; the request bodies are
plain dictionaries, because its own classes reverse the order of recipients and
put several of them into one message when asked the wrong way.

There is no idempotency key, so what is known about a request depends on how
far it got.  Without a connection nothing was taken; with one and without a
clear answer the whole batch is uncertain.  See `_Client`.
"""

from __future__ import annotations

import functools
import html
import http.client
import itertools
import json
import logging
import re
import secrets
import ssl
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from python_http_client.client import Client
from python_http_client.exceptions import HTTPError
from sendgrid.sendgrid import SendGridAPIClient

from digest.errors import SettingsError, TransportDown
from digest.message import headers
from digest.message.compile import Compiled
from digest.message.headers import UnsafeAddress
from digest.message.slots import SlotName, marker, pattern
from digest.model.delivery import Envelope, Outcome, Receipt
from digest.model.newsletter import Mailbox
from digest.transports import INTENT_SECONDS, OnWire, windows

MAX_BATCH = 1000  # personalizations in one request
MAX_PAUSE = timedelta(hours=1)  # the longest we believe a rate limit to last
_PERSONALIZATION = re.compile(r"personalizations\.(\d+)\b")

# On DEBUG the library logs the API key and every recipient.
for _name in ("python_http_client", "python_http_client.client"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class SendGrid:
    """`sender` is only for `verify`; messages name their own."""

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
                "The SendGrid API key is empty or holds a character that no key has.",
                mend="Set DIGEST_DELIVERY__SENDGRID__API_KEY, or api_key_file.",
            )
        self.window = max(1, min(batch_size, MAX_BATCH))
        self._secret = api_key
        self._host = host.rstrip("/")
        self._sender = sender
        self._is_suspect = False  # the last batch ended without a clear answer
        self._api = SendGridAPIClient(api_key, host=self._host)  # type: ignore[no-untyped-call]
        self._api.client = _Client(  # type: ignore[no-untyped-call]
            host=self._host, request_headers=self._api._default_headers, version=3, timeout=timeout
        )

    def submit(
        self, compiled: Compiled, envelopes: Iterable[Envelope], *, on_wire: OnWire
    ) -> Iterator[Receipt]:
        """See `Transport.submit`.  `on_wire` is asked once for each batch, right before its first request.

        When a batch is refused because of one recipient, the rest goes again
        under the same answer of `on_wire`: the provider took none of it.  When
        the provider asks for a pause, what was not taken from `envelopes` stays there.
        """
        for window in windows(envelopes, self.window):
            batches = deque(_batches(window, self.window))
            while batches:
                pause = yield from self._submit_batch(compiled, batches.popleft(), on_wire)
                if pause:
                    rest = [envelope for batch in batches for envelope in batch]
                    yield from _receipts(rest, Outcome.DEFERRED, "waits for the rate limit", pause=pause)
                    return

    def verify(self) -> str:
        """Ask for the rights of the key; with a sender, run a mail through the sandbox, which sends nothing.

        Raises:
            TransportDown: what is wrong, with its mend.
        """
        if self._sender:
            self._rehearse(_sandboxed(_greeting(self._sender)))
            return f"{self._host} accepts the key, and mail from {self._sender.address}."
        answer = self._ask(self._api.client.scopes.get)
        if answer.status != 200:
            raise self._down(answer)
        if "mail.send" not in answer.scopes:
            raise TransportDown(
                "The SendGrid API key has no right to send mail.", mend='Give it the right "Mail Send".'
            )
        return f"{self._host} accepts the key, which may send mail."

    def close(self) -> None:
        """Nothing stays open: each request has its own connection."""

    def _submit_batch(
        self, compiled: Compiled, envelopes: Sequence[Envelope], on_wire: OnWire
    ) -> Generator[Receipt, None, timedelta | None]:
        """Receipts for the batch; the return value is a pause that the provider asked for."""
        sound = yield from _without_unsafe(envelopes)
        if not sound:
            return None
        if self._is_suspect:
            self._rehearse(_sandboxed(_body(compiled, sound[:1], "rehearsal")))
            self._is_suspect = False
        deadline = time.monotonic() + INTENT_SECONDS
        may_go = set(on_wire([envelope.delivery_id for envelope in sound]))
        allowed = [envelope for envelope in sound if envelope.delivery_id in may_go]
        if not allowed:
            return None
        return (yield from self._post_until_clear(compiled, allowed, deadline))

    def _post_until_clear(
        self, compiled: Compiled, envelopes: list[Envelope], deadline: float
    ) -> Generator[Receipt, None, timedelta | None]:
        """Post, and after a definite refusal post again without, or in halves around, the ones to blame."""
        parts = deque([envelopes])
        message_is_good = False
        while parts:
            part = parts.popleft()
            if time.monotonic() > deadline:
                yield from _receipts(part, Outcome.DEFERRED, "held up for too long before it was posted")
                continue
            batch_id = secrets.token_hex(8)
            answer = self._post(_body(compiled, part, batch_id))
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
                    self._rehearse(_sandboxed(_body(compiled, _to_ourselves(compiled, part), batch_id)))
                    message_is_good = True
                refused, again = _isolated(part, blamed)
                yield from _receipts(refused, Outcome.REFUSED, answer.words)
                parts.extendleft(reversed(again))
            else:
                raise self._down(answer)
        return None

    def _post(self, body: Mapping[str, Any]) -> _Answer:
        return self._ask(lambda: self._api.client.mail.send.post(request_body=body))

    def _rehearse(self, body: Mapping[str, Any]) -> None:
        """Have a message judged in the sandbox, to tell a bad one from a bad recipient; it sends nothing."""
        answer = self._post(body)
        if answer.status not in {200, 202}:
            raise self._down(answer)

    def _ask(self, request: Callable[[], Any]) -> _Answer:
        """The answer, of whatever status; one without a status where the connection was lost under way.

        Raises:
            TransportDown: no connection, so nothing was taken.
        """
        try:
            response = request()
        except _NotConnected as error:
            raise self._unreachable(error.reason) from None
        except HTTPError as error:
            return self._answer(error.status_code, error.body, error.headers)
        except (OSError, http.client.HTTPException) as error:
            return _Answer(status=0, words=f"no answer: {_sentence(error)}")
        return self._answer(response.status_code, response.body, response.headers)

    def _answer(self, status: int, body: bytes, answered: Mapping[str, str]) -> _Answer:
        document = _json(body)
        errors = [error for error in document.get("errors") or [] if isinstance(error, dict)]
        words = "; ".join(_of_error(error) for error in errors[:3]) or http.client.responses.get(status, "")
        return _Answer(
            status=status,
            words=f"{status} {words}".replace(self._secret, "…")[:500],
            fields=tuple(str(error.get("field") or "") for error in errors),
            scopes=tuple(str(scope) for scope in document.get("scopes") or []),
            message_id=str(answered.get("X-Message-Id") or ""),
            headers=dict(answered.items()),
        )

    def _down(self, answer: _Answer) -> TransportDown:
        mends = {
            401: "Look at the API key.",
            403: 'Give the key the right "Mail Send", and verify the sender or its domain at SendGrid.',
            429: "Wait, or ask for fewer messages a second.",
        }
        is_redirect = 300 <= answer.status < 400 or answer.status == 404
        mend = "Is `host` right?" if is_redirect else mends.get(answer.status, "")
        return TransportDown(f"{self._host} does not take this mail: {answer.words}.", mend=mend)

    def _unreachable(self, reason: BaseException) -> TransportDown:
        if isinstance(reason, ssl.SSLCertVerificationError):
            return TransportDown(
                f"The certificate of {self._host} does not hold: {reason.verify_message}.",
                mend="Is something between this machine and SendGrid?",
            )
        return TransportDown(
            f"{self._host} cannot be reached: {_sentence(reason)}.", mend="Look at the network and at `host`."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What came back; status 0 means that nothing did."""

    status: int
    words: str
    fields: tuple[str, ...] = ()  # what each error is about, empty where it does not say
    scopes: tuple[str, ...] = ()
    message_id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_unclear(self) -> bool:
        """Whether the batch may have been taken.  200 is for the sandbox only, so it proves nothing here."""
        return self.status < 300 or self.status >= 500

    def blamed(self, count: int) -> set[int]:
        """The recipients that the errors name, by index."""
        found = (_PERSONALIZATION.match(name) for name in self.fields)
        return {int(match[1]) for match in found if match and int(match[1]) < count}


# -- who goes with whom ------------------------------------------------------------------------------


def _batches(envelopes: Sequence[Envelope], size: int) -> Iterator[list[Envelope]]:
    """At most `size` in each, and no address twice in one: the provider refuses the whole request."""
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
    """The refused ones, and the parts to post again: all others, or halves where nobody was named."""
    if blamed:
        others = [envelope for index, envelope in enumerate(part) if index not in blamed]
        return [part[index] for index in sorted(blamed)], [others] if others else []
    if len(part) == 1:
        return part, []
    middle = len(part) // 2
    return [], [part[:middle], part[middle:]]


def _to_ourselves(compiled: Compiled, part: Sequence[Envelope]) -> list[Envelope]:
    return [replace(part[0], address=compiled.facts.sender.address, name="")]


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


# -- the request body --------------------------------------------------------------------------------


def _body(compiled: Compiled, envelopes: Sequence[Envelope], batch_id: str) -> dict[str, Any]:
    """The JSON document for one batch, within the provider's published limits."""
    facts = compiled.facts
    own = {"List-Unsubscribe-Post"}  # stands beside List-Unsubscribe, in each personalization
    body: dict[str, Any] = {
        "personalizations": [_personalization(compiled, envelope, batch_id) for envelope in envelopes],
        "from": _from(facts.sender),
        "subject": _not_encoded(compiled.subject),
        "content": _content(compiled),
        "headers": {name: value for name, value in compiled.fixed_headers if name not in own},
        "categories": ["newsletter"],
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
        },
    }
    if facts.reply_to:
        body["reply_to"] = _person(facts.reply_to.name, facts.reply_to.address)
    return body


def _content(compiled: Compiled) -> list[dict[str, str]]:
    """Both parts.  Substitutions serve all parts, so the HTML has markers of its own for escaped values."""
    in_html = pattern(compiled.nonce).sub(
        lambda found: _html_marker(compiled.nonce, SlotName(found[1])), compiled.html
    )
    parts = [("text/plain", compiled.text), ("text/html", in_html)]
    return [{"type": kind, "value": value} for kind, value in parts if value]


def _personalization(compiled: Compiled, envelope: Envelope, batch_id: str) -> dict[str, Any]:
    unsubscribe = headers.list_unsubscribe(envelope.unsubscribe_url, compiled.facts.mailto_unsubscribe)
    return {
        "to": [_person(envelope.name, envelope.address)],
        "headers": {
            "List-Unsubscribe": unsubscribe,
            "List-Unsubscribe-Post": dict(compiled.fixed_headers)["List-Unsubscribe-Post"],
        },
        "substitutions": _substitutions(compiled.nonce, envelope),
        "custom_args": {"d": str(envelope.delivery_id), "b": batch_id, "i": compiled.facts.issue_ref},
    }


def _substitutions(nonce: str, envelope: Envelope) -> dict[str, str]:
    values = {
        SlotName.UNSUBSCRIBE_URL: envelope.unsubscribe_url,
        SlotName.ADDRESS: envelope.address,
        SlotName.NAME: headers.one_line(envelope.name),
    }
    plain = {marker(nonce, slot): value for slot, value in values.items()}
    escaped = {_html_marker(nonce, slot): html.escape(value) for slot, value in values.items()}
    return plain | escaped


def _html_marker(nonce: str, slot: SlotName) -> str:
    return f"-{nonce}-html-{slot.value}-"


def _person(name: str, address: str) -> dict[str, str]:
    """The provider refuses `,` and `;` in names."""
    clean = " ".join(re.sub(r"[,;]", " ", _not_encoded(headers.one_line(name))).split())
    return {"email": address, "name": clean} if clean else {"email": address}


def _from(sender: Mailbox) -> dict[str, str]:
    """The provider takes no Unicode here, so a name that needs it goes as encoded-words (RFC 2047)."""
    name = headers.one_line(sender.name)
    if not name.isascii():
        name = headers.encoded_words(name).decode("ascii").replace("\r\n", "")
        return {"email": sender.address, "name": name}
    return {"email": sender.address, "name": _not_encoded(name)} if name else {"email": sender.address}


def _not_encoded(text: str) -> str:
    """Text that looks like an encoded-word must not be taken for one behind the provider."""
    return text.replace("=?", "= ?")


def _sandboxed(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"mail_settings": {"sandbox_mode": {"enable": True}}}


def _greeting(sender: Mailbox) -> dict[str, Any]:
    """The smallest mail that is valid, from the sender to itself."""
    return {
        "personalizations": [{"to": [{"email": sender.address}]}],
        "from": _from(sender),
        "subject": "A test of the settings",
        "content": [{"type": "text/plain", "value": "This is never sent."}],
    }


# -- the connection ----------------------------------------------------------------------------------


class _NotConnected(Exception):
    """The request never left: there was no connection to send it on."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Client(Client):
    """The library's client, which notes whether a request had a connection when it failed.

    `urllib` wraps a failure to connect and a failure to send the body in the
    same URLError; only the connection itself knows the difference.  Redirects
    are not followed: they would carry the API key to another host.
    """

    def _build_client(self, name: str | None = None) -> _Client:
        return _Client(  # type: ignore[no-untyped-call]
            host=self.host,
            version=self._version,
            request_headers=self.request_headers,
            url_path=[*self._url_path, name] if name else self._url_path,
            append_slash=self.append_slash,
            timeout=self.timeout,
        )

    def _make_request(
        self, opener: Any, request: urllib.request.Request, timeout: float | None = None
    ) -> Any:
        connected: list[bool] = []
        opener = _opener(connected)
        try:
            return super()._make_request(opener, request, timeout=timeout)  # type: ignore[no-untyped-call]
        except (OSError, http.client.HTTPException) as error:
            if connected:
                raise
            reason = getattr(error, "reason", error)
            raise _NotConnected(reason if isinstance(reason, BaseException) else error) from None


def _opener(connected: list[bool]) -> urllib.request.OpenerDirector:
    """Proxies as the environment says; no redirects, cookies or other schemes."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        _Plain(connected),
        _Secure(connected),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, connected: list[bool]) -> None:
        super().__init__()
        self._connected = connected

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(functools.partial(_PlainConnection, self._connected), req)


class _Secure(urllib.request.HTTPSHandler):
    def __init__(self, connected: list[bool]) -> None:
        super().__init__()
        self._connected = connected

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        context = ssl.create_default_context()
        connect = functools.partial(_SecureConnection, self._connected)
        return self.do_open(connect, req, context=context)


class _PlainConnection(http.client.HTTPConnection):
    def __init__(self, connected: list[bool], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._connected = connected

    def connect(self) -> None:
        super().connect()
        self._connected.append(True)


class _SecureConnection(http.client.HTTPSConnection):
    def __init__(self, connected: list[bool], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._connected = connected

    def connect(self) -> None:
        """TCP and TLS: before the end of the handshake nothing of the request has left."""
        super().connect()
        self._connected.append(True)


# -- reading answers ---------------------------------------------------------------------------------


def _pause(answered: Mapping[str, str]) -> timedelta:
    """How long to wait: Retry-After in seconds, X-RateLimit-Reset as Unix time, else a minute."""
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


def _json(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _of_error(error: Mapping[str, Any]) -> str:
    where = f" ({error['field']})" if error.get("field") else ""
    return headers.one_line(str(error.get("message") or "no reason given")) + where


def _sentence(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    if isinstance(reason, TimeoutError) or isinstance(error, TimeoutError):
        return "no answer in time"
    return str(reason) or type(reason).__name__
