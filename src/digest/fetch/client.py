"""Requests one address over HTTP: limits, politeness, redirects, and errors that a person can act on.

`guard` decides which addresses may be connected to.  There are no cookies,
no proxies from the environment, no cache and no retries: the caller keeps the
validators and comes back in its next round.
"""

from __future__ import annotations

import base64
import re
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from types import TracebackType
from typing import Self, TypeVar

import httpcore2
import httpx2

from digest import __version__
from digest.errors import FetchError, Refused
from digest.fetch import guard
from digest.fetch.body import SizeError, read_body
from digest.fetch.failures import duration, shown, status_sentence, translated
from digest.fetch.robots import Robots
from digest.model.article import Validators

USER_AGENT = f"digest/{__version__} (+newsletter digest)"
WEB_PORTS = frozenset({80, 443})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
ROBOTS_LIMIT = 500 * 1024  # RFC 9309, 2.5: parsers must take at least 500 KiB

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The response to one request, complete and decoded."""

    url: str  # after redirects, without credentials
    body: bytes = b""  # empty when unchanged
    content_type: str = ""  # lower case, without parameters
    charset: str = ""  # of Content-Type, lower case; empty if it names none
    validators: Validators = field(default_factory=Validators)  # for the next request
    unchanged: bool = False  # 304: nothing changed since the validators were issued
    status: int = 200
    announced_size: int | None = None  # Content-Length: bytes as they travel


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """What an address answers, whatever the status; only the beginning of the body, as it was sent."""

    url: str  # after redirects, without credentials
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes = b""
    is_whole: bool = True  # the body was read to its end
    moved_for_good: bool = False  # it was redirected, by 301 or 308 only


class Fetcher:
    """The HTTP client of digest; one for a whole process, safe to share between threads.

    Requests to one host run one after another, never in parallel.  A host that
    answers with Retry-After is not asked again until then.
    """

    def __init__(
        self,
        *,
        user_agent: str = USER_AGENT,
        limit: int = 10 * 1024 * 1024,
        deadline: float = 30.0,
        connect_timeout: float = 5.0,
        read_timeout: float = 10.0,
        max_redirects: int = 5,
        ports: frozenset[int] = WEB_PORTS,
        is_allowed: Callable[[str], bool] = guard.is_public,
    ) -> None:
        """Times are in seconds; `deadline` covers a whole request with its redirects.

        `limit` counts bytes of the decoded body.  `is_allowed` decides
        about the IP addresses that a name resolves to.
        """
        self._user_agent = user_agent
        self._limit = limit
        self._deadline = deadline
        self._timeouts = {"connect": connect_timeout, "read": read_timeout, "write": read_timeout}
        self._max_redirects = max_redirects
        self._ports = ports
        self._is_allowed = is_allowed

        self._lock = threading.Lock()
        self._host_locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._left_alone_until: dict[str, float] = {}
        # Two pools, so that no connection to a private address is ever reused by a guarded request.
        self._pools: dict[bool, httpcore2.ConnectionPool] = {}
        self._robots = {private: self._new_robots(private) for private in (False, True)}

    def get(
        self,
        url: str,
        *,
        validators: Validators | None = None,
        allow_private: bool = False,
        limit: int | None = None,
        obey_robots: bool = False,
    ) -> Fetched:
        """Fetch an address, follow redirects, and return the whole body.

        With `validators` the answer may be `unchanged`.  `allow_private` allows
        every address and port for this request; `limit` overrides the limit of
        the body in bytes.

        Raises:
            Refused: the guard does not allow the address, or one it redirects to.
            FetchError: no complete answer with a success status came in time.
        """
        return self._follow(
            url,
            method="GET",
            validators=validators or Validators(),
            allow_private=allow_private,
            limit=self._limit if limit is None else limit,
            obey_robots=obey_robots,
        )

    def size_of(self, url: str, *, allow_private: bool = False, obey_robots: bool = False) -> int | None:
        """The size in bytes at an address, as the server announces it (HEAD, RFC 9110, 9.3.2), or None.

        Raises:
            Refused: the guard does not allow the address, or one it redirects to.
            FetchError: no answer with a success status came in time.
        """
        answer = self._follow(
            url,
            method="HEAD",
            validators=Validators(),
            allow_private=allow_private,
            limit=0,
            obey_robots=obey_robots,
        )
        return answer.announced_size

    def _follow(
        self,
        url: str,
        *,
        method: str,
        validators: Validators,
        allow_private: bool,
        limit: int,
        obey_robots: bool,
    ) -> Fetched:
        hop = _parsed(url)
        credentials = f"{hop.username}:{hop.password}" if hop.userinfo else ""
        first_origin = _origin(hop)
        seconds_left = self._deadline

        for _ in range(self._max_redirects + 1):
            self._check(hop, allow_private=allow_private)
            if obey_robots:
                self._check_robots(hop, allow_private=allow_private)
            request = _Request(
                method=method,
                url=hop,
                validators=validators,
                # Credentials are sent only to the origin they were written for.
                credentials=credentials if _origin(hop) == first_origin else "",
                limit=limit,
            )
            answer = self._exchange(request, self._read, allow_private=allow_private, seconds=seconds_left)
            seconds_left = guard.deadline.get() - time.monotonic()
            if isinstance(answer, Fetched):
                return answer
            hop = _next_hop(hop, answer, allow_private=allow_private)

        raise self._too_many_redirects(url)

    def ask(
        self,
        url: str,
        *,
        method: str = "GET",
        content: bytes = b"",
        content_type: str = "",
        most: int = 0,
        follow: bool = True,
        private_hosts: frozenset[str] = frozenset(),
        seconds: float | None = None,
    ) -> HttpAnswer:
        """See what an address answers; at most about `most` bytes of the body are read.

        HEAD and GET follow redirects unless `follow` is False; for other methods a
        redirect is the answer.  No credentials are sent.  Hosts in
        `private_hosts` may have any address and port, also behind a redirect.

        Raises:
            Refused: the guard does not allow the address, or one it redirects to.
            FetchError: there was no answer in time (`seconds`, or else the deadline).
        """
        hop = _parsed(url).copy_with(userinfo=b"", fragment=None)
        follow = follow and method in ("GET", "HEAD")
        seconds_left = self._deadline if seconds is None else seconds
        redirects: list[int] = []

        while len(redirects) <= self._max_redirects:
            allow_private = hop.host in private_hosts
            self._check(hop, allow_private=allow_private)
            request = _Request(
                url=hop,
                method=method,
                content=content,
                content_type=content_type,
                limit=most,
                encoding="identity",
            )
            answer = self._exchange(
                request, self._beginning, allow_private=allow_private, seconds=seconds_left
            )
            seconds_left = guard.deadline.get() - time.monotonic()
            if not (follow and answer.status in REDIRECTS and "location" in answer.headers):
                return replace(answer, moved_for_good=bool(redirects) and {301, 308}.issuperset(redirects))
            redirects.append(answer.status)
            hop = _next_hop(hop, answer.headers["location"], allow_private=allow_private)

        raise self._too_many_redirects(url)

    def _too_many_redirects(self, url: str) -> FetchError:
        return FetchError(
            f"{shown(url)} redirects more than {self._max_redirects} times.",
            url=shown(url),
            mend="Set the address to the final one.",
        )

    def close(self) -> None:
        """Close idle connections.  The fetcher may be used again."""
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check(self, url: httpx2.URL, *, allow_private: bool) -> None:
        """Refuse what can be refused without a request."""
        name = shown(url)
        if url.scheme not in ("http", "https"):
            raise Refused(
                f"{name} is neither http nor https.",
                url=name,
                mend="Use a web address, or `path` for a file.",
            )
        if not url.raw_host:
            raise Refused(f"{name} names no host.", url=name)
        if not allow_private and _port(url) not in self._ports:
            raise Refused(
                f"{name} uses port {_port(url)}; only 80 and 443 are allowed.",
                url=name,
                mend="If this host is yours, set allow_private_addresses = true for the source.",
            )

    def _check_robots(self, url: httpx2.URL, *, allow_private: bool) -> None:
        if not self._robots[allow_private].allow(str(url), origin=_origin(url)):
            raise FetchError(
                f"robots.txt of {url.host} does not allow digest to fetch {shown(url)}.",
                url=shown(url),
                mend="Ask the site's owner to allow it.",
            )

    def _exchange(
        self,
        request: _Request,
        read: Callable[[_Request, httpcore2.Response], _Read],
        *,
        allow_private: bool,
        seconds: float,
    ) -> _Read:
        """Send one request, and return what `read` makes of the response."""
        with self._lock:
            host_lock = self._host_locks[request.url.host]
        with host_lock:
            self._check_patience(request.url)
            # The time starts here: waiting for another request to the same host does not count.
            guard.deadline.set(time.monotonic() + seconds)
            with translated(request.url), self._stream(request, allow_private=allow_private) as response:
                return read(request, response)

    def _check_patience(self, url: httpx2.URL) -> None:
        left = self._left_alone_until.get(url.host, 0.0) - time.monotonic()
        if left > 0:
            raise FetchError(
                f"{shown(url)} was not fetched: {url.host} asked us to wait (Retry-After).",
                url=shown(url),
                mend=f"Try again in {duration(left)}.",
            )

    @contextmanager
    def _stream(self, request: _Request, *, allow_private: bool) -> Iterator[httpcore2.Response]:
        pool = self._pool(allow_private=allow_private)
        message = httpx2.Request(
            request.method, request.url, headers=request.headers(self._user_agent), content=request.content
        )
        with pool.stream(
            request.method,
            httpcore2.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=message.headers.raw,
            content=request.content or None,
            extensions={"timeout": self._timeouts},
        ) as response:
            yield response

    def _pool(self, *, allow_private: bool) -> httpcore2.ConnectionPool:
        with self._lock:
            if allow_private not in self._pools:
                is_allowed = _any_address if allow_private else self._is_allowed
                self._pools[allow_private] = httpcore2.ConnectionPool(
                    ssl_context=_tls(),
                    max_connections=100,
                    max_keepalive_connections=10,
                    keepalive_expiry=5.0,
                    network_backend=guard.GuardedBackend(is_allowed),
                )
            return self._pools[allow_private]

    def _read(self, request: _Request, response: httpcore2.Response) -> Fetched | str:
        """The result, or the target of a redirect."""
        headers = httpx2.Headers(response.headers)
        if response.status in REDIRECTS and "location" in headers:
            return headers["location"]
        if response.status == 304 and request.is_conditional:
            return _unchanged(request, headers)
        if not (200 <= response.status < 300) or response.status == 206:
            raise self._refusal(request.url, response.status, headers)

        body = b"" if request.method == "HEAD" else _body(response, headers, limit=request.limit)
        content_type, charset = _content_type(headers.get("content-type", ""))
        return Fetched(
            url=str(request.url.copy_with(userinfo=b"", fragment=None)),
            body=body,
            content_type=content_type,
            charset=charset,
            validators=_validators(headers),
            status=response.status,
            announced_size=_announced_size(headers),
        )

    def _beginning(self, request: _Request, response: httpcore2.Response) -> HttpAnswer:
        headers = httpx2.Headers(response.headers)
        self._heed_retry_after(request.url, response.status, headers)
        body, is_whole = bytearray(), True
        for piece in response.iter_stream():
            body += piece
            if len(body) > request.limit:
                is_whole = False
                break
        return HttpAnswer(
            url=str(request.url),
            status=response.status,
            headers=dict(headers.items()),
            body=bytes(body[: request.limit]),
            is_whole=is_whole,
        )

    def _refusal(self, url: httpx2.URL, status: int, headers: httpx2.Headers) -> FetchError:
        name = shown(url)
        wait = self._heed_retry_after(url, status, headers)
        said, mend = status_sentence(status, wait)
        return FetchError(f"{name} {said} ({status}).", url=name, status=status, mend=mend)

    def _heed_retry_after(self, url: httpx2.URL, status: int, headers: httpx2.Headers) -> float | None:
        """Do not ask the host again for as long as it wants; the seconds to wait, or None."""
        wait = _retry_after(headers.get("retry-after", "")) if status in (429, 503) else None
        if wait is not None:
            self._left_alone_until[url.host] = time.monotonic() + wait
        return wait

    def _new_robots(self, allow_private: bool) -> Robots:
        def read(url: str) -> str:
            fetched = self.get(url, allow_private=allow_private, limit=ROBOTS_LIMIT)
            return fetched.body.decode("utf-8", "replace")

        return Robots(read, user_agent=self._user_agent)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    url: httpx2.URL
    limit: int
    validators: Validators = field(default_factory=Validators)
    credentials: str = ""
    method: str = "GET"
    content: bytes = b""
    content_type: str = ""
    encoding: str = "gzip"  # the one that is decoded within limits

    @property
    def is_conditional(self) -> bool:
        return bool(self.validators.etag or self.validators.last_modified)

    def headers(self, user_agent: str) -> dict[str, str]:
        headers = {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": self.encoding}
        if self.content_type:
            headers["Content-Type"] = self.content_type
        if self.validators.etag:
            headers["If-None-Match"] = _header_value(self.validators.etag)
        if self.validators.last_modified:
            headers["If-Modified-Since"] = _header_value(self.validators.last_modified)
        if self.credentials:
            token = base64.b64encode(self.credentials.encode()).decode()
            headers["Authorization"] = f"Basic {token}"
        return headers


@cache
def _tls() -> ssl.SSLContext:
    """One for all: it takes 40 ms to make, and trusts what this machine trusts."""
    return httpx2.create_ssl_context(trust_env=False)


def _header_value(text: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "", text)


def _parsed(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url.strip())
        _ = parsed.host, parsed.port  # both may turn out to be impossible only here
    except (httpx2.InvalidURL, ValueError, UnicodeError) as error:
        raise Refused(
            f"{shown(url)} is not a web address.", url=shown(url), mend="Check its spelling."
        ) from error
    return parsed


def _port(url: httpx2.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _origin(url: httpx2.URL) -> str:
    return str(httpx2.URL(scheme=url.scheme, host=url.host, port=url.port)).rstrip("/")


def _next_hop(hop: httpx2.URL, location: str, *, allow_private: bool) -> httpx2.URL:
    """Where a redirect leads; credentials in it are dropped."""
    try:
        target = hop.copy_with(userinfo=b"").join(location.strip()).copy_with(userinfo=b"", fragment=None)
    except (httpx2.InvalidURL, ValueError, UnicodeError) as error:
        raise FetchError(
            f"{shown(hop)} redirects to something that is not a web address.", url=shown(hop)
        ) from error
    if hop.scheme == "https" and target.scheme == "http" and not allow_private:
        raise Refused(
            f"{shown(hop)} redirects from https to http ({shown(target)}).",
            url=shown(hop),
            mend="Ask the site's owner to fix the redirect, or set the http address itself.",
        )
    return target


def _any_address(_: str) -> bool:
    return True


def _unchanged(request: _Request, headers: httpx2.Headers) -> Fetched:
    fresh = _validators(headers)
    return Fetched(
        url=str(request.url.copy_with(userinfo=b"", fragment=None)),
        validators=Validators(
            etag=fresh.etag or request.validators.etag,
            last_modified=fresh.last_modified or request.validators.last_modified,
        ),
        unchanged=True,
        status=304,
    )


def _validators(headers: httpx2.Headers) -> Validators:
    """Both validators; one of absurd length is not worth keeping."""
    etag, modified = headers.get("etag", "").strip(), headers.get("last-modified", "").strip()
    return Validators(
        etag=etag if len(etag) <= 1000 else "", last_modified=modified if len(modified) <= 100 else ""
    )


def _body(response: httpcore2.Response, headers: httpx2.Headers, *, limit: int) -> bytes:
    if (_announced_size(headers) or 0) > limit:
        raise SizeError(limit)
    encoding = headers.get("content-encoding", "").strip().lower()
    return read_body(response.iter_stream(), encoding=encoding, limit=limit)


def _announced_size(headers: httpx2.Headers) -> int | None:
    announced = headers.get("content-length", "")
    return int(announced[:20]) if announced.isascii() and announced.isdigit() else None


def _content_type(header: str) -> tuple[str, str]:
    """Media type and charset of a Content-Type (RFC 9110, 8.3), both lower case."""
    media_type, _, parameters = header.partition(";")
    charset = re.search(r"""(?i)(?:^|[;\s])charset\s*=\s*["']?([\w.:+-]{1,40})""", parameters)
    return media_type.strip().lower(), charset[1].lower() if charset else ""


def _retry_after(header: str) -> float | None:
    """Seconds to wait, at most a day (RFC 9110, 10.2.3: a number or a date)."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text[:9])
    else:
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), 86400.0)
