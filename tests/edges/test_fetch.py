"""The guarded HTTP client against real servers on the loopback, and against every trick to get there.

Most tests need the loopback, which the guard refuses: they ask with
`allow_private`, or give the fetcher another idea of which addresses are public.
"""

from __future__ import annotations

import contextlib
import gzip
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from digest.errors import FetchError, Refused
from digest.fetch import Fetcher, is_public
from digest.model.article import Validators
from fakes.web import FakeWeb, Reply

Answer = Callable[[BaseHTTPRequestHandler], None]
HERE = frozenset({"127.0.0.1"})


class Site:
    """A small web server; `paths` maps a path to what answers it, `hits` holds the requests."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.paths: dict[str, Answer] = {}
        self.hits: list[tuple[str, dict[str, str]]] = []
        self.connections = 0
        site = self

        class Asked(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                site.connections += 1
                super().setup()

            def do_GET(self) -> None:
                site.hits.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                with contextlib.suppress(OSError):
                    site.paths.get(self.path, page(status=404))(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer((host, port), Asked)
        self.server.daemon_threads = True
        self.host, self.port = host, self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def url(self, path: str = "/") -> str:
        return f"http://{self.host}:{self.port}{path}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def page(body: bytes = b"", *, status: int = 200, **headers: str) -> Answer:
    """An answer with a length; header names are written with underscores."""

    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(status)
        for name, value in headers.items():
            asked.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            asked.send_header("Content-Length", str(len(body)))
        asked.end_headers()
        asked.wfile.write(body)
        if "Content_Length" in headers:
            asked.close_connection = True

    return answer


def stream(pieces: Iterator[bytes], *, pause: float = 0.0, **headers: str) -> Answer:
    """An answer without a length, a piece at a time."""

    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(200)
        for name, value in headers.items():
            asked.send_header(name.replace("_", "-"), value)
        asked.end_headers()
        asked.close_connection = True
        for piece in pieces:
            asked.wfile.write(piece)
            time.sleep(pause)

    return answer


@pytest.fixture
def site() -> Iterator[Site]:
    running = Site()
    yield running
    running.close()


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(read_timeout=2) as fetcher:
        yield fetcher


# What comes back


def test_a_page_comes_back_whole(site: Site, fetcher: Fetcher) -> None:
    site.paths["/feed?x=1"] = page(
        b"<rss/>",
        Content_Type='Text/XML; Charset="ISO-8859-1"',
        ETag='"v1"',
        Last_Modified="Mon, 05 Jan 2026 10:00:00 GMT",
    )

    fetched = fetcher.get(site.url("/feed?x=1#part"), allow_private=True)

    assert fetched.body == b"<rss/>"
    assert fetched.url == site.url("/feed?x=1")
    assert (fetched.content_type, fetched.charset) == ("text/xml", "iso-8859-1")
    assert fetched.validators == Validators(etag='"v1"', last_modified="Mon, 05 Jan 2026 10:00:00 GMT")
    assert not fetched.unchanged


def test_it_introduces_itself_and_asks_for_gzip_only(site: Site, fetcher: Fetcher) -> None:
    site.paths["/"] = page(b"x")
    fetcher.get(site.url(), allow_private=True)

    headers = site.hits[0][1]
    assert headers["user-agent"].startswith("digest/")
    assert headers["accept-encoding"] == "gzip"
    assert "authorization" not in headers
    assert "cookie" not in headers


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", ("", "")),
        ("text/html", ("text/html", "")),
        ("text/html; foo=bar; charset=utf-8", ("text/html", "utf-8")),
        ("application/xml;charset='windows-1251'", ("application/xml", "windows-1251")),
        ("; charset=", ("", "")),
    ],
)
def test_content_type(site: Site, fetcher: Fetcher, header: str, expected: tuple[str, str]) -> None:
    site.paths["/"] = page(b"x", Content_Type=header)
    fetched = fetcher.get(site.url(), allow_private=True)

    assert (fetched.content_type, fetched.charset) == expected


def test_gzip_is_decoded_also_in_several_members(site: Site, fetcher: Fetcher) -> None:
    text = b"long text " * 20_000
    site.paths["/one"] = page(gzip.compress(text), Content_Encoding="gzip")
    site.paths["/two"] = page(
        gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0\0", Content_Encoding="x-gzip"
    )

    assert fetcher.get(site.url("/one"), allow_private=True).body == text
    assert fetcher.get(site.url("/two"), allow_private=True).body == b"one two"


def test_unchanged(site: Site, fetcher: Fetcher) -> None:
    """The validators go out as they came, and stay when the 304 repeats none."""
    site.paths["/"] = page(status=304)
    known = Validators(etag='W/"v1"', last_modified="Mon, 05 Jan 2026 10:00:00 GMT")

    fetched = fetcher.get(site.url(), validators=known, allow_private=True)

    assert fetched.unchanged
    assert fetched.body == b""
    assert fetched.validators == known
    assert site.hits[0][1]["if-none-match"] == 'W/"v1"'
    assert site.hits[0][1]["if-modified-since"] == "Mon, 05 Jan 2026 10:00:00 GMT"


def test_304_without_a_question_is_an_error(site: Site, fetcher: Fetcher) -> None:
    site.paths["/"] = page(status=304)

    with pytest.raises(FetchError):
        fetcher.get(site.url(), allow_private=True)


def test_a_validator_cannot_smuggle_a_header(site: Site, fetcher: Fetcher) -> None:
    site.paths["/"] = page(b"x")
    fetcher.get(site.url(), validators=Validators(etag='"a"\r\nX-Evil: 1'), allow_private=True)

    assert "x-evil" not in site.hits[0][1]


# What is too much


def test_a_gzip_bomb_stops_at_the_limit(site: Site) -> None:
    """200 MB in 200 KB: given up at the limit, without ever holding more."""
    import tracemalloc

    site.paths["/"] = page(gzip.compress(b"\0" * 200_000_000, compresslevel=6), Content_Encoding="gzip")
    tracemalloc.start()
    with Fetcher(limit=1_000_000) as fetcher, pytest.raises(FetchError, match="too large"):
        fetcher.get(site.url(), allow_private=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 8_000_000


def test_a_body_that_announces_too_much_is_not_read(site: Site) -> None:
    site.paths["/"] = page(b"x", Content_Length="999999999999")

    with Fetcher() as fetcher, pytest.raises(FetchError, match="too large"):
        fetcher.get(site.url(), allow_private=True)


def test_an_endless_body_stops_at_the_limit(site: Site, fetcher: Fetcher) -> None:
    site.paths["/"] = stream(iter(lambda: b"x" * 65536, b""))

    with pytest.raises(FetchError, match="too large"):
        fetcher.get(site.url(), allow_private=True, limit=200_000)


def test_a_limit_is_inclusive(site: Site, fetcher: Fetcher) -> None:
    site.paths["/"] = page(b"x" * 100)

    assert len(fetcher.get(site.url(), allow_private=True, limit=100).body) == 100
    with pytest.raises(FetchError):
        fetcher.get(site.url(), allow_private=True, limit=99)


def test_a_drip_ends_at_the_deadline(site: Site) -> None:
    """Every byte comes within the read timeout, and still the whole takes no longer than the deadline."""
    site.paths["/"] = stream(iter(lambda: b"x", b""), pause=0.05)
    started = time.monotonic()

    with Fetcher(deadline=0.4, read_timeout=0.3) as fetcher, pytest.raises(FetchError, match="in time"):
        fetcher.get(site.url(), allow_private=True)

    assert time.monotonic() - started < 2


def test_dripping_headers_end_at_the_deadline(site: Site) -> None:
    def drip(asked: BaseHTTPRequestHandler) -> None:
        asked.close_connection = True
        for number in range(40):
            asked.wfile.write(b"X: y\r\n" if number else b"HTTP/1.1 200 OK\r\n")
            time.sleep(0.05)

    site.paths["/"] = drip
    started = time.monotonic()
    with Fetcher(deadline=0.4, read_timeout=0.3) as fetcher, pytest.raises(FetchError, match="in time"):
        fetcher.get(site.url(), allow_private=True)

    assert time.monotonic() - started < 1.5


def test_silence_ends_at_the_read_timeout(site: Site) -> None:
    site.paths["/"] = lambda _: time.sleep(1)

    with (
        Fetcher(read_timeout=0.2) as fetcher,
        pytest.raises(FetchError, match="did not answer in time") as caught,
    ):
        fetcher.get(site.url(), allow_private=True)
    assert caught.value.mend


@pytest.mark.parametrize(
    "answer",
    [
        page(b"short", Content_Length="500"),
        page(gzip.compress(b"text" * 1000)[:-12], Content_Encoding="gzip"),
        page(b"not gzip at all", Content_Encoding="gzip"),
        page(b"\x8b\x01", Content_Encoding="br"),
        page(gzip.compress(gzip.compress(b"x")), Content_Encoding="gzip, gzip"),
        lambda asked: asked.wfile.write(b"SSH-2.0-OpenSSH\r\n") and None,
    ],
    ids=["cut", "cut-gzip", "no-gzip", "brotli", "twice", "not-http"],
)  # fmt: skip
def test_what_is_not_whole_is_an_error(site: Site, fetcher: Fetcher, answer: Answer) -> None:
    def last_answer(asked: BaseHTTPRequestHandler) -> None:
        asked.close_connection = True
        answer(asked)

    site.paths["/"] = last_answer

    with pytest.raises(FetchError) as caught:
        fetcher.get(site.url(), allow_private=True)
    assert caught.value.url == site.url()


# What goes wrong


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "login"),
        (403, "refuses"),
        (404, "does not exist"),
        (410, "gone"),
        (418, "could not be fetched"),
        (500, "server error"),
        (503, "temporarily unavailable"),
        (206, "could not be fetched"),
        (300, "redirects without a target"),
    ],
)
def test_a_status_becomes_a_sentence(site: Site, fetcher: Fetcher, status: int, sentence: str) -> None:
    site.paths["/"] = page(status=status)

    with pytest.raises(FetchError, match=sentence) as caught:
        fetcher.get(site.url(), allow_private=True)
    assert caught.value.status == status
    assert caught.value.mend
    assert str(status) in caught.value.message


def test_a_host_that_does_not_exist(fetcher: Fetcher) -> None:
    with pytest.raises(FetchError, match="was not found") as caught:
        fetcher.get("http://no-such-host.invalid/feed")
    assert not isinstance(caught.value, Refused)


def test_a_port_where_nobody_listens(fetcher: Fetcher) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"

        with pytest.raises(FetchError, match="refuses connections"):
            fetcher.get(url, allow_private=True)


def test_a_certificate_that_nobody_vouches_for(fetcher: Fetcher, tmp_path: Path) -> None:
    site = Site()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    site.server.socket = context.wrap_socket(site.server.socket, server_side=True)
    try:
        with pytest.raises(FetchError, match="certificate") as caught:
            fetcher.get(site.url().replace("http:", "https:"), allow_private=True)
    finally:
        site.close()
    assert caught.value.mend


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_credentials_are_sent_and_never_shown(site: Site, fetcher: Fetcher) -> None:
    site.paths["/?token=s3cret"] = page(status=500)
    url = site.url("/?token=s3cret").replace("://", "://reader:pa%20ss@")

    with pytest.raises(FetchError) as caught:
        fetcher.get(url, allow_private=True)

    assert site.hits[0][1]["authorization"] == "Basic cmVhZGVyOnBhIHNz"
    for shown in (str(caught.value), caught.value.url, repr(caught.value)):
        assert not [secret for secret in ("reader", "pa%20ss", "s3cret") if secret in shown]


# Redirects


def test_redirects_are_followed(site: Site, fetcher: Fetcher) -> None:
    site.paths |= {
        "/old": page(status=301, Location="/newer"),
        "/newer": page(status=307, Location=site.url("/new")),
        "/new": page(b"here"),
    }
    fetched = fetcher.get(site.url("/old"), allow_private=True)

    assert (fetched.url, fetched.body) == (site.url("/new"), b"here")


def test_a_loop_of_redirects_ends(site: Site, fetcher: Fetcher) -> None:
    site.paths["/"] = page(status=302, Location="/")

    with pytest.raises(FetchError, match="redirects more than 5 times"):
        fetcher.get(site.url(), allow_private=True)
    assert len(site.hits) == 6


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://x/", "javascript:alert(1)", "gopher://x:70/_"]
)
def test_a_redirect_to_another_scheme_is_refused(site: Site, fetcher: Fetcher, location: str) -> None:
    site.paths["/"] = page(status=302, Location=location)

    with pytest.raises(Refused, match="neither http nor https"):
        fetcher.get(site.url(), allow_private=True)


def test_a_redirect_to_a_private_address_is_refused(site: Site) -> None:
    """The first hop counts as public here, the second does not: it is judged like the first."""
    inner = Site("127.0.0.2", site.port)
    inner.paths["/"] = page(b"secret")
    site.paths["/"] = page(status=302, Location=inner.url())
    try:
        with (
            Fetcher(
                ports=frozenset({site.port}), is_allowed=lambda address: address == "127.0.0.1"
            ) as fetcher,
            pytest.raises(Refused),
        ):
            fetcher.get(site.url())
    finally:
        inner.close()

    assert len(site.hits) == 1
    assert inner.connections == 0


def test_a_redirect_to_another_port_is_refused(site: Site) -> None:
    other = Site()
    site.paths["/"] = page(status=302, Location=other.url())
    try:
        with (
            Fetcher(ports=frozenset({site.port}), is_allowed=lambda _: True) as fetcher,
            pytest.raises(Refused),
        ):
            fetcher.get(site.url())
    finally:
        other.close()
    assert other.connections == 0


def test_credentials_do_not_follow_to_another_origin(site: Site, fetcher: Fetcher) -> None:
    other = Site()
    other.paths["/"] = page(b"x")
    site.paths["/"] = page(status=302, Location=other.url().replace("://", "://stolen:too@"))
    try:
        fetcher.get(site.url().replace("://", "://reader:pw@"), allow_private=True)
    finally:
        other.close()

    assert "authorization" in site.hits[0][1]
    assert "authorization" not in other.hits[0][1]


def test_https_does_not_fall_back_to_http() -> None:
    import httpx2

    from digest.fetch.client import _next_hop

    https = httpx2.URL("https://x.example/feed")
    with pytest.raises(Refused, match="from https to http"):
        _next_hop(https, "http://x.example/feed", allow_private=False)

    assert str(_next_hop(https, "http://x.example/feed", allow_private=True)) == "http://x.example/feed"


# The guard


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "[::1]", "0.0.0.0", "0", "127.1", "2130706433", "0x7f000001", "0x7f.1",
        "0177.0.0.1", "①②⑦.⓪.⓪.①", "１２７.0.0.1", "[::ffff:127.0.0.1]", "[::127.0.0.1]",
        "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::]", "10.0.0.1", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.0.1", "198.18.0.1",
        "203.0.113.1", "240.0.0.1", "[fc00::1]", "[fe80::1]", "[fe80::1%25lo]", "[fec0::1]", "[ff02::1]",
        "[2001::1]", "[2001:db8::1]", "localhost.", "127.0.0.1.",
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_every_spelling_of_a_private_address_is_refused(
    scheme: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is connected to, whatever the system's resolver makes of the spelling."""
    connected: list[object] = []
    monkeypatch.setattr(socket, "create_connection", lambda *args, **_: connected.append(args))

    with Fetcher() as fetcher, pytest.raises(FetchError):
        fetcher.get(f"{scheme}://{host}/")
    assert connected == []


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://x.example/", "gopher://x.example/", "data:text/plain,x", "//x.example/",
     "x.example", "", "http://", "http:///path", "http://x.example:22/", "https://x.example:8443/", "http://x.example:99999/",
     "http://a\nb/"],
)  # fmt: skip
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with Fetcher() as fetcher, pytest.raises(Refused):
        fetcher.get(url)


def test_the_guard_stands_before_a_server_that_would_answer(site: Site) -> None:
    site.paths["/"] = page(b"secret")

    with Fetcher(ports=frozenset({site.port})) as fetcher, pytest.raises(Refused, match="private") as caught:
        fetcher.get(site.url())
    assert site.connections == 0
    assert "allow_private_addresses" in caught.value.mend


def test_a_connection_to_a_private_address_is_not_reused_by_a_guarded_request(site: Site) -> None:
    site.paths["/"] = page(b"secret")

    with Fetcher(ports=frozenset({site.port})) as fetcher:
        fetcher.get(site.url(), allow_private=True)
        with pytest.raises(Refused):
            fetcher.get(site.url())
    assert len(site.hits) == 1


def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """All addresses must be public; which one would be taken is the attacker's choice."""
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))
        for address in ("93.184.216.34", "10.0.0.1")
    ]
    connected: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket, "create_connection", lambda *args, **_: connected.append(args))

    with Fetcher() as fetcher, pytest.raises(Refused):
        fetcher.get("http://two-faces.example/")
    assert connected == []


def test_the_address_that_was_judged_is_the_one_connected_to(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the name is asked once, and the connection is made to that answer."""
    answers = iter(["127.0.0.1", "127.0.0.2", "127.0.0.2"])
    asked: list[str] = []
    true_lookup = socket.getaddrinfo

    def lookup(host: str, port: int, *args: object, **options: object) -> list[object]:
        if host == "rebinding.example":
            asked.append(host)
            host = next(answers)
        return true_lookup(host, port, *args, **options)  # type: ignore[arg-type,return-value]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    site.paths["/"] = page(b"public")
    with Fetcher(ports=frozenset({site.port}), is_allowed=lambda address: address == "127.0.0.1") as fetcher:
        fetched = fetcher.get(f"http://rebinding.example:{site.port}/")

    assert fetched.body == b"public"
    assert asked == ["rebinding.example"]


def test_proxies_of_the_environment_are_ignored(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would connect for us, and past the guard."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, site.url())

    with Fetcher() as fetcher, pytest.raises(FetchError):
        fetcher.get("http://no-such-host.invalid/")
    assert site.connections == 0


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::1"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    ["64:ff9b::808:808", "::ffff:1.1.1.1", "2002:101:101::", "fec0::1", "ff0e::1", "fe80::1%2", "x", ""],
)
def test_addresses_that_only_look_public(address: str) -> None:
    """`ipaddress.is_global` calls most of these global."""
    assert not is_public(address)


# Politeness


def test_one_host_is_asked_one_thing_at_a_time(site: Site, fetcher: Fetcher) -> None:
    busy, most = [0], [0]

    def slow(asked: BaseHTTPRequestHandler) -> None:
        busy[0] += 1
        most[0] = max(most[0], busy[0])
        time.sleep(0.03)
        busy[0] -= 1
        page(b"x")(asked)

    site.paths["/"] = slow
    with ThreadPoolExecutor(5) as threads:
        bodies = list(threads.map(lambda _: fetcher.get(site.url(), allow_private=True).body, range(5)))

    assert bodies == [b"x"] * 5
    assert most == [1]


def test_waiting_for_ones_turn_does_not_use_up_the_deadline(site: Site) -> None:
    def slow(asked: BaseHTTPRequestHandler) -> None:
        time.sleep(0.15)
        page(b"x")(asked)

    site.paths["/"] = slow

    with Fetcher(deadline=0.5) as fetcher, ThreadPoolExecutor(4) as threads:
        bodies = list(threads.map(lambda _: fetcher.get(site.url(), allow_private=True).body, range(4)))
    assert bodies == [b"x"] * 4


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("style", ["seconds", "date"])
def test_a_host_that_says_when_is_left_alone_until_then(
    site: Site, fetcher: Fetcher, status: int, style: str
) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=600), usegmt=True)
    site.paths["/"] = page(status=status, Retry_After="600" if style == "seconds" else soon)

    with pytest.raises(FetchError, match="come back later") as first:
        fetcher.get(site.url(), allow_private=True)
    with pytest.raises(FetchError, match="asked us to wait"):
        fetcher.get(site.url("/other"), allow_private=True)

    assert first.value.status == status
    assert "10 minutes" in first.value.mend
    assert len(site.hits) == 1


def test_a_nonsensical_retry_after_is_ignored(site: Site, fetcher: Fetcher) -> None:
    site.paths["/"] = page(status=503, Retry_After="when the cows come home")

    for _ in range(2):
        with pytest.raises(FetchError, match="temporarily unavailable"):
            fetcher.get(site.url(), allow_private=True)
    assert len(site.hits) == 2


def test_robots_txt_is_asked_once_and_obeyed(site: Site, fetcher: Fetcher) -> None:
    site.paths |= {
        "/robots.txt": page(b"User-agent: digest\nDisallow: /private/\n\nUser-agent: *\nDisallow: /\n"),
        "/public/": page(b"x"),
        "/private/": page(b"y"),
    }
    for _ in range(2):
        assert fetcher.get(site.url("/public/"), allow_private=True, obey_robots=True).body == b"x"
    with pytest.raises(FetchError, match=r"robots\.txt"):
        fetcher.get(site.url("/private/"), allow_private=True, obey_robots=True)

    assert [path for path, _ in site.hits] == ["/robots.txt", "/public/", "/public/"]


def test_robots_txt_is_not_asked_for_unless_wanted(site: Site, fetcher: Fetcher) -> None:
    site.paths["/"] = page(b"x")
    fetcher.get(site.url(), allow_private=True)

    assert [path for path, _ in site.hits] == ["/"]


@pytest.mark.parametrize("answer", [page(status=404), page(status=500), page(b"\xff\xfe\x00garbage")])
def test_robots_txt_that_is_missing_or_broken_allows_everything(
    site: Site, fetcher: Fetcher, answer: Answer
) -> None:
    site.paths |= {"/robots.txt": answer, "/": page(b"x")}

    assert fetcher.get(site.url(), allow_private=True, obey_robots=True).body == b"x"


def test_it_may_be_used_again_after_closing(site: Site, fetcher: Fetcher) -> None:
    site.paths["/"] = page(b"x")
    fetcher.get(site.url(), allow_private=True)
    fetcher.close()

    assert fetcher.get(site.url(), allow_private=True).body == b"x"


# What an address answers, whatever it is


def test_an_answer_is_no_error_whatever_its_status() -> None:
    with FakeWeb() as web, Fetcher() as fetcher:
        web.paths |= {
            "/": Reply(200, b"page", (("X-Name", "a"), ("X-Name", "b"))),
            "/no": Reply(500, b"sorry"),
        }
        good, bad, gone = (
            fetcher.ask(web.url + path, most=100, private_hosts=HERE) for path in ("/#x", "/no", "/gone")
        )

    assert (good.status, good.body, good.url, good.headers["x-name"]) == (200, b"page", f"{web.url}/", "a, b")
    assert (bad.status, bad.body) == (500, b"sorry")
    assert gone.status == 404


def test_of_a_body_only_the_beginning_is_taken() -> None:
    with FakeWeb() as web, Fetcher() as fetcher:
        web.paths["/"] = Reply(200, b"x" * 300_000)
        start = fetcher.ask(web.url, most=1000, private_hosts=HERE)
        whole = fetcher.ask(web.url, most=300_000, private_hosts=HERE)

    assert (len(start.body), start.is_whole) == (1000, False)
    assert (len(whole.body), whole.is_whole) == (300_000, True)


def test_a_head_follows_redirects_and_stays_a_head() -> None:
    with FakeWeb() as web, Fetcher() as fetcher:
        web.paths |= {
            "/a": Reply(301, headers=(("Location", "/b"),)),
            "/b": Reply(302, headers=(("Location", "/c"),)),
            "/d": Reply(308, headers=(("Location", "/c"),)),
            "/c": Reply(200),
        }
        mixed, lasting = (
            fetcher.ask(web.url + path, method="HEAD", private_hosts=HERE) for path in ("/a", "/d")
        )
        stays = fetcher.ask(f"{web.url}/a", follow=False, private_hosts=HERE)

    assert (mixed.url, mixed.status, mixed.moved_for_good) == (f"{web.url}/c", 200, False)
    assert (lasting.url, lasting.moved_for_good) == (f"{web.url}/c", True)
    assert (stays.url, stays.status) == (f"{web.url}/a", 301)
    assert {asked.method for asked in web.asked[:-1]} == {"HEAD"}


def test_a_post_carries_its_form_and_follows_nothing() -> None:
    with FakeWeb() as web, Fetcher() as fetcher:
        web.paths["/u"] = Reply(303, headers=(("Location", "/"),))
        answer = fetcher.ask(
            f"{web.url}/u", method="POST", content=b"a=b", content_type="text/x", private_hosts=HERE
        )

    assert answer.status == 303
    (asked,) = web.asked
    assert (asked.method, asked.body, asked.headers["content-type"]) == ("POST", b"a=b", "text/x")
    assert asked.headers["content-length"] == "3"


def test_only_the_named_private_hosts_are_asked_at_every_hop() -> None:
    with FakeWeb() as web, Fetcher() as fetcher:
        web.paths["/"] = Reply(302, headers=(("Location", f"http://localhost:{web.port}/inside"),))
        for url in (f"http://localhost:{web.port}/", web.url):
            with pytest.raises(Refused):
                fetcher.ask(url, private_hosts=HERE)

    assert [asked.path for asked in web.asked] == ["/"]


def test_an_answer_may_be_given_less_time() -> None:
    with FakeWeb() as web, Fetcher() as fetcher:
        web.paths["/"] = Reply(200, pause=1.0)
        started = time.monotonic()
        with pytest.raises(FetchError, match="in time"):
            fetcher.ask(web.url, seconds=0.2, private_hosts=HERE)

    assert time.monotonic() - started < 0.8


def test_no_credentials_are_sent_with_a_question() -> None:
    with FakeWeb() as web, Fetcher() as fetcher:
        web.paths["/"] = Reply(200)
        answer = fetcher.ask(f"http://me:secret@127.0.0.1:{web.port}/", private_hosts=HERE)

    assert answer.url == f"{web.url}/"
    assert "authorization" not in web.asked[0].headers


def test_a_host_that_asks_for_patience_is_not_asked_again() -> None:
    with FakeWeb() as web, Fetcher() as fetcher:
        web.paths["/"] = Reply(429, headers=(("Retry-After", "60"),))
        assert fetcher.ask(web.url, private_hosts=HERE).status == 429
        with pytest.raises(FetchError, match="asked us to wait"):
            fetcher.ask(web.url, private_hosts=HERE)
