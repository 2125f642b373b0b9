"""The connection to SendGrid: the library's client, and the outcome of each request.

There is no idempotency key, so what is known about a request depends on how far
it got.  Without a connection nothing was accepted; with a connection but without
a clear answer, the outcome is unknown.
"""

from __future__ import annotations

import functools
import http.client
import json
import logging
import re
import ssl
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from python_http_client.client import Client
from python_http_client.exceptions import HTTPError
from sendgrid.sendgrid import SendGridAPIClient

from digest.errors import TransportDown
from digest.message import headers

_AS_IT_IS = "application/json; charset=utf-8"
_PERSONALIZATION = re.compile(r"personalizations\.(\d+)\b")

# On DEBUG the library logs the API key and every recipient.
for _name in ("python_http_client", "python_http_client.client"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class ApiClient:
    """The endpoints that we use.  An unclear outcome is never raised; the response says so.

    All methods raise:
        TransportDown: there was no connection, so nothing was accepted.
    """

    def __init__(self, api_key: str, *, host: str, timeout: float) -> None:
        self._secret = api_key
        self._host = host
        self._library = SendGridAPIClient(api_key, host=host)  # type: ignore[no-untyped-call]
        # The library sends a body that is already text unchanged for every type except plain JSON.
        headers = self._library._default_headers | {"Content-Type": _AS_IT_IS}
        self._library.client = _NotingClient(  # type: ignore[no-untyped-call]
            host=host, request_headers=headers, version=3, timeout=timeout
        )

    def post(self, body: str) -> ApiResponse:
        """Mail Send; the body is already JSON."""
        return self._ask(lambda: self._library.client.mail.send.post(request_body=body))

    def scopes(self) -> ApiResponse:
        """The permissions of the key."""
        return self._ask(self._library.client.scopes.get)

    def _ask(self, request: Callable[[], Any]) -> ApiResponse:
        """The response, whatever its status; status 0 if the connection was lost on the way.

        Raises:
            TransportDown: there was no connection, so nothing was accepted.
        """
        try:
            response = request()
        except _NotConnected as error:
            raise self._unreachable(error.reason) from None
        except HTTPError as error:
            return self._answer(error.status_code, error.body, error.headers)
        except (OSError, http.client.HTTPException) as error:
            return ApiResponse(status=0, words=f"no answer: {_sentence(error)}")
        return self._answer(response.status_code, response.body, response.headers)

    def _answer(self, status: int, body: bytes, answered: Mapping[str, str]) -> ApiResponse:
        document = _json(body)
        errors = [error for error in _listed(document.get("errors")) if isinstance(error, dict)]
        words = "; ".join(_of_error(error) for error in errors[:3]) or http.client.responses.get(status, "")
        return ApiResponse(
            status=status,
            words=f"{status} {words}".replace(self._secret, "…")[:500],
            fields=tuple(str(error.get("field") or "") for error in errors),
            scopes=tuple(str(scope) for scope in _listed(document.get("scopes"))),
            message_id=str(answered.get("X-Message-Id") or ""),
            headers=dict(answered.items()),
        )

    def down(self, answer: ApiResponse) -> TransportDown:
        mends = {
            401: "Check the API key.",
            403: 'Give the key the right "Mail Send", and verify the sender or its domain at SendGrid.',
            429: "Wait, or lower rate_per_second.",
        }
        is_redirect = 300 <= answer.status < 400 or answer.status == 404
        mend = "Check `host`." if is_redirect else mends.get(answer.status, "")
        return TransportDown(f"{self._host} does not accept this mail: {answer.words}.", mend=mend)

    def _unreachable(self, reason: BaseException) -> TransportDown:
        if isinstance(reason, ssl.SSLCertVerificationError):
            return TransportDown(
                f"The certificate of {self._host} is not valid: {reason.verify_message}.",
                mend="Check whether a proxy intercepts connections to SendGrid.",
            )
        return TransportDown(
            f"{self._host} cannot be reached: {_sentence(reason)}.", mend="Check the network and `host`."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiResponse:
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


class _NotConnected(Exception):
    """The request never left: there was no connection to send it on."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _NotingClient(Client):
    """The library's client, which notes whether a request had a connection when it failed.

    `urllib` wraps a failure to connect and a failure to send the body in the
    same URLError; only the connection itself knows the difference.  Redirects
    are not followed: they would carry the API key to another host.
    """

    def _build_client(self, name: str | None = None) -> _NotingClient:
        return _NotingClient(  # type: ignore[no-untyped-call]
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
        if request.data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            return super()._make_request(opener, request, timeout=timeout)  # type: ignore[no-untyped-call]
        except (OSError, http.client.HTTPException) as error:
            if connected:
                raise
            reason = getattr(error, "reason", error)
            raise _NotConnected(reason if isinstance(reason, BaseException) else error) from None


def _opener(connected: list[bool]) -> urllib.request.OpenerDirector:
    """Uses proxies from the environment; no redirects, cookies or other schemes."""
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


class _SecureConnection(_PlainConnection, http.client.HTTPSConnection):
    """Notes it after TCP and TLS: nothing of the request is sent before the handshake ends."""


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


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
