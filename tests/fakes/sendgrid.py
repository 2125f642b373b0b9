"""A strict SendGrid on 127.0.0.1: `POST /v3/mail/send` and `GET /v3/scopes` by the published rules.

Written from the provider's documents, before the client: the Mail Send
reference, its "limitations" and "errors" pages and the OpenAPI description.
Where those leave a choice, the fake takes the stricter reading.  `accepted` is
the truth of every test: one entry per recipient whose message was taken, as
that recipient would see it.

It delivers nothing, and keeps nothing beyond its own life.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

MEGABYTE = 1024 * 1024
ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message"

TOP_KEYS = {
    "personalizations", "from", "reply_to", "reply_to_list", "subject", "content", "attachments",
    "template_id", "headers", "categories", "custom_args", "send_at", "batch_id", "asm", "ip_pool_name",
    "mail_settings", "tracking_settings", "sections",
}  # fmt: skip
PERSONALIZATION_KEYS = {
    "from", "to", "cc", "bcc", "subject", "headers", "substitutions", "dynamic_template_data", "custom_args",
    "send_at",
}  # fmt: skip
RESERVED_HEADERS = {
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to",
    "from", "subject", "reply-to", "cc", "bcc",
}  # fmt: skip
MAIL_SETTINGS: dict[str, dict[str, type]] = {
    "bypass_list_management": {"enable": bool},
    "bypass_spam_management": {"enable": bool},
    "bypass_bounce_management": {"enable": bool},
    "bypass_unsubscribe_management": {"enable": bool},
    "footer": {"enable": bool, "text": str, "html": str},
    "sandbox_mode": {"enable": bool},
}
TRACKING_SETTINGS: dict[str, dict[str, type]] = {
    "click_tracking": {"enable": bool, "enable_text": bool},
    "open_tracking": {"enable": bool, "substitution_tag": str},
    "subscription_tracking": {"enable": bool, "text": str, "html": str, "substitution_tag": str},
    "ganalytics": {
        "enable": bool, "utm_source": str, "utm_medium": str, "utm_term": str, "utm_content": str,
        "utm_campaign": str,
    },
}  # fmt: skip


# -- what a test sees and says ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """One recipient's message, with its substitutions made."""

    address: str
    name: str
    sender: str
    sender_name: str
    reply_to: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    custom_args: Mapping[str, str]
    categories: tuple[str, ...]
    message_id: str  # X-Message-Id of its request
    at: float  # monotonic


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request, as it came in."""

    path: str
    body: Any
    size: int
    status: int  # what was answered; 0 where the connection was cut
    at: float


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """How one request is to end.  Without a script a request is judged by the rules alone."""

    takes: bool = True  # whether a valid request is accepted
    status: int = 202
    headers: Mapping[str, str] = field(default_factory=dict)
    drops: bool = False  # the connection is reset instead of an answer
    waits: float = 0.0  # seconds before the answer
    message: str = ""


def accept_then_500() -> Scripted:
    return Scripted(status=500, message="Internal Server Error")


def accept_then_drop() -> Scripted:
    return Scripted(drops=True)


def drop() -> Scripted:
    return Scripted(takes=False, drops=True)


def accept_slowly(seconds: float) -> Scripted:
    return Scripted(waits=seconds)


def refuse(status: int, message: str = "refused", **headers: str) -> Scripted:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Scripted(takes=False, status=status, headers=names, message=message)


class FakeSendGrid:
    """Use as a context manager; `url` is the host to give to the client."""

    def __init__(self, *, api_key: str = "SG.right-key", verified: frozenset[str] | None = None) -> None:
        self.api_key = api_key
        self.verified = verified  # sender addresses; None: all of them
        self.refused_addresses: set[str] = set()  # a 400 that names the recipient
        self.refused_subject = ""  # a 400 about the message itself
        self.vague = False  # refusals of the two above name no field
        self.sandbox_status = 200
        self.scopes: tuple[str, ...] = ("mail.send", "sender_verification_eligible")
        self.accepted: list[Accepted] = []
        self.asked: list[Asked] = []
        self.before_accept: Callable[[], None] = lambda: None
        self.stopping = threading.Event()
        self._script: list[Scripted] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Door)
        self._server.fake = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def script(self, *steps: Scripted) -> None:
        """The next mails end like this, one step per request; sandbox requests use none up."""
        self._script.extend(steps)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def come_to_rest(self) -> None:
        """Wait until all that was sent here, also by a client that has died, is read and worked on."""
        with socket.create_connection(self._server.server_address[:2]) as last:  # accepted after all others
            last.settimeout(5)
            last.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while last.recv(4096):
                pass
        for _ in range(500):
            if not self._server.active:
                return
            time.sleep(0.01)
        raise TimeoutError("a request does not come to its end")

    def take(self, document: dict[str, Any], message_id: str) -> None:
        self.before_accept()
        with self._lock:
            self.accepted.extend(rendered(document, message_id))

    def next_step(self) -> Scripted:
        with self._lock:
            return self._script.pop(0) if self._script else Scripted()


# -- the rules ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    field: str | None
    message: str

    def as_json(self) -> dict[str, str | None]:
        return {"message": self.message, "field": self.field, "help": HELP if self.field else None}


def problems(document: object, *, now: float | None = None) -> list[Problem]:
    """Everything that is wrong with a request body, by the published rules."""
    if not isinstance(document, dict):
        return [Problem(None, "Bad Request")]
    now = time.time() if now is None else now
    found = [
        *_unknown("", document, TOP_KEYS),
        *_personalizations(document, now),
        *_sender(document),
        *_reply_to(document),
        *_subject(document),
        *_content(document),
        *_headers("headers", document.get("headers")),
        *_strings("custom_args", document.get("custom_args"), limit=10_000),
        *_categories(document.get("categories")),
        *_send_at("send_at", document.get("send_at"), now),
        *_settings("mail_settings", document.get("mail_settings"), MAIL_SETTINGS),
        *_settings("tracking_settings", document.get("tracking_settings"), TRACKING_SETTINGS),
    ]
    if "ip_pool_name" in document and not 2 <= len(str(document["ip_pool_name"])) <= 64:
        found.append(Problem("ip_pool_name", "The ip_pool_name must be between 2 and 64 characters."))
    return found


def _unknown(where: str, value: Mapping[str, Any], known: set[str]) -> Iterator[Problem]:
    for key in value:
        if key not in known:
            path = f"{where}.{key}" if where else key
            yield Problem(path, f"Additional property {key} is not allowed")


def _personalizations(document: dict[str, Any], now: float) -> Iterator[Problem]:
    blocks = document.get("personalizations")
    if not isinstance(blocks, list) or not blocks:
        yield Problem("personalizations", "You must have at least one personalization.")
        return
    if len(blocks) > 1000:
        yield Problem(
            "personalizations", f"Limited to 1000 personalizations. You have provided {len(blocks)}."
        )
    if not all(isinstance(block, dict) for block in blocks):
        yield Problem("personalizations", "Each personalization must be an object.")
        return
    for index, block in enumerate(blocks):
        yield from _personalization(f"personalizations.{index}", block, now)
    yield from _recipients_together(blocks)


def _personalization(where: str, block: dict[str, Any], now: float) -> Iterator[Problem]:
    yield from _unknown(where, block, PERSONALIZATION_KEYS)
    if not block.get("to"):
        yield Problem(f"{where}.to", "The to array is required for all personalization objects.")
    for kind in ("to", "cc", "bcc"):
        people = block.get(kind, [])
        if not isinstance(people, list):
            yield Problem(f"{where}.{kind}", "The parameter must be an array.")
            continue
        for index, person in enumerate(people):
            yield from _person(f"{where}.{kind}.{index}", person)
    if "subject" in block and not block["subject"]:
        yield Problem(f"{where}.subject", "The subject must be at least one character.")
    yield from _headers(f"{where}.headers", block.get("headers"))
    yield from _strings(f"{where}.custom_args", block.get("custom_args"), limit=10_000)
    yield from _strings(f"{where}.substitutions", block.get("substitutions"), limit=10_000)
    yield from _send_at(f"{where}.send_at", block.get("send_at"), now)


def _person(where: str, person: object) -> Iterator[Problem]:
    if not isinstance(person, dict) or not isinstance(person.get("email"), str):
        yield Problem(f"{where}.email", "Each object must at least have an email address.")
        return
    yield from _unknown(where, person, {"email", "name"})
    if not ADDRESS.fullmatch(person["email"]):
        yield Problem(f"{where}.email", "Does not contain a valid address.")
    name = person.get("name", "")
    if not isinstance(name, str):
        yield Problem(f"{where}.name", "The name must be a string.")
    elif re.search(r"[,;]", name):
        yield Problem(f"{where}.name", "The name cannot include either the ; or , characters.")
    elif re.search(r"[\r\n\x00]", name):
        yield Problem(f"{where}.name", "The name cannot include line breaks.")


def _recipients_together(blocks: list[dict[str, Any]]) -> Iterator[Problem]:
    """At most 1,000 in all, and each address once, in any case, across the request."""
    seen: Counter[str] = Counter()
    for index, block in enumerate(blocks):
        for kind in ("to", "cc", "bcc"):
            people = block.get(kind, [])
            for person in people if isinstance(people, list) else []:
                address = str(person.get("email", "") if isinstance(person, dict) else "").lower()
                seen[address] += 1
                if seen[address] == 2:
                    yield Problem(
                        f"personalizations.{index}",
                        "Each unique email address in the personalizations array should only be included "
                        f"once. You have included [{address}] more than once.",
                    )
    if seen.total() > 1000:
        yield Problem(
            "personalizations", "There is a limit of 1000 total recipients (to + cc + bcc) per request."
        )


def _sender(document: dict[str, Any]) -> Iterator[Problem]:
    sender = document.get("from")
    if not isinstance(sender, dict) or not ADDRESS.fullmatch(str(sender.get("email", ""))):
        yield Problem("from.email", "The from object must be provided for every email send.")
        return
    yield from _unknown("from", sender, {"email", "name"})
    for key in ("email", "name"):
        if not str(sender.get(key, "")).isascii():
            yield Problem(f"from.{key}", "Unicode encoding is not supported for the from field.")


def _reply_to(document: dict[str, Any]) -> Iterator[Problem]:
    if "reply_to" in document and "reply_to_list" in document:
        yield Problem("reply_to", "Either reply_to or reply_to_list can be set, not both.")
    if "reply_to" in document:
        yield from _person("reply_to", document["reply_to"])


def _subject(document: dict[str, Any]) -> Iterator[Problem]:
    subject = document.get("subject")
    blocks = document.get("personalizations")
    everywhere = isinstance(blocks, list) and all(isinstance(b, dict) and b.get("subject") for b in blocks)
    if subject is None and (everywhere or document.get("template_id")):
        return
    if not isinstance(subject, str) or not subject:
        yield Problem("subject", "The subject is required.")
    elif re.search(r"[\r\n]", subject):
        yield Problem("subject", "The subject cannot include line breaks.")


def _content(document: dict[str, Any]) -> Iterator[Problem]:
    content = document.get("content")
    if content is None and document.get("template_id"):
        return
    if not isinstance(content, list) or not content:
        yield Problem("content", "Unless a valid template_id is provided, the content parameter is required.")
        return
    kinds = []
    for index, part in enumerate(content):
        where = f"content.{index}"
        if not isinstance(part, dict):
            yield Problem(where, "Each content must be an object.")
            continue
        yield from _unknown(where, part, {"type", "value"})
        kinds.append(part.get("type"))
        if not isinstance(part.get("type"), str) or not part["type"] or re.search(r"[;\r\n]", part["type"]):
            yield Problem(f"{where}.type", "The type must be a MIME type without parameters.")
        if not isinstance(part.get("value"), str) or not part["value"]:
            yield Problem(
                f"{where}.value", "The content value must be a string at least one character in length."
            )
    wanted = [kind for kind in ("text/plain", "text/html") if kind in kinds]
    if kinds[: len(wanted)] != wanted:
        yield Problem(
            "content", "If present, text/plain must be first, followed by text/html, then any other."
        )


def _headers(where: str, value: object) -> Iterator[Problem]:
    yield from _strings(where, value)
    for name, text in value.items() if isinstance(value, dict) else ():
        if str(name).lower() in RESERVED_HEADERS:
            yield Problem(f"{where}.{name}", f"The header {name} is reserved and can not be set.")
        if not str(name).isascii() or not re.fullmatch(r"[!-9;-~]+", str(name)):
            yield Problem(f"{where}.{name}", "Header names must be printable ASCII without colons.")
        if re.search(r"[\r\n\x00]", str(text)) or not str(text).isascii():
            yield Problem(
                f"{where}.{name}", "Header values must be properly encoded and hold no line breaks."
            )


def _strings(where: str, value: object, *, limit: int | None = None) -> Iterator[Problem]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield Problem(where, "The parameter must be an object of key/value pairs.")
        return
    for key, text in value.items():
        if not isinstance(text, str):
            yield Problem(f"{where}.{key}", "Each value must be a string.")
    size = sum(len(str(key).encode()) + len(str(text).encode()) for key, text in value.items())
    if limit is not None and size > limit:
        yield Problem(where, f"The total length must be less than {limit} bytes; it is {size}.")


def _categories(value: object) -> Iterator[Problem]:
    if value is None:
        return
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        yield Problem("categories", "The categories must be an array of strings.")
        return
    if len(value) > 10:
        yield Problem("categories", "You can only include up to 10 categories.")
    if len(set(value)) != len(value):
        yield Problem("categories", "The categories must be unique.")
    if any(not 1 <= len(item) <= 255 for item in value):
        yield Problem("categories", "A category may not exceed 255 characters.")


def _send_at(where: str, value: object, now: float) -> Iterator[Problem]:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        yield Problem(where, "The send_at parameter must be a unix timestamp.")
    elif value > now + 72 * 3600:
        yield Problem(where, "You can not schedule more than 72 hours in advance.")


def _settings(where: str, value: object, known: dict[str, dict[str, type]]) -> Iterator[Problem]:
    if value is None:
        return
    if not isinstance(value, dict):
        yield Problem(where, "The settings must be an object.")
        return
    yield from _unknown(where, value, set(known))
    for name in known.keys() & value.keys():
        inner = value[name]
        if not isinstance(inner, dict):
            yield Problem(f"{where}.{name}", "Each setting must be an object.")
            continue
        yield from _unknown(f"{where}.{name}", inner, set(known[name]))
        for key in known[name].keys() & inner.keys():
            if type(inner[key]) is not known[name][key]:
                yield Problem(f"{where}.{name}.{key}", f"The value must be a {known[name][key].__name__}.")


# -- what the recipients would see -------------------------------------------------------------------


def rendered(document: dict[str, Any], message_id: str) -> Iterator[Accepted]:
    """One message per recipient: everybody in `to`, `cc` and `bcc` of a personalization."""
    parts = {part["type"]: part["value"] for part in document.get("content", [])}
    for block in document["personalizations"]:
        fill = _substituter(block.get("substitutions", {}))
        for person in [*block["to"], *block.get("cc", []), *block.get("bcc", [])]:
            yield Accepted(
                address=person["email"],
                name=person.get("name", ""),
                sender=document["from"]["email"],
                sender_name=document["from"].get("name", ""),
                reply_to=document.get("reply_to", {}).get("email", ""),
                subject=fill(block.get("subject") or document["subject"]),
                text=fill(parts.get("text/plain", "")),
                html=fill(parts.get("text/html", "")),
                headers={**document.get("headers", {}), **block.get("headers", {})},
                custom_args={**document.get("custom_args", {}), **block.get("custom_args", {})},
                categories=tuple(document.get("categories", ())),
                message_id=message_id,
                at=time.monotonic(),
            )


def _substituter(values: Mapping[str, str]) -> Callable[[str], str]:
    """Every tag is replaced as it stands, without any escaping, in one pass."""
    if not values:
        return lambda text: text
    tags = re.compile("|".join(re.escape(tag) for tag in sorted(values, key=len, reverse=True)))
    return lambda text: tags.sub(lambda found: values[found[0]], text)


# -- the HTTP side -----------------------------------------------------------------------------------


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fake: FakeSendGrid
    active = 0  # connections that are being served

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self.fake._lock:
            self.active += 1
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self.fake._lock:
                self.active -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error here: tests cut connections on purpose."""


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        if self.path != "/v3/scopes":
            return self._refuse(404, Problem(None, "The resource could not be found."))
        if not self._is_authorized():
            return None
        return self._answer(200, {"scopes": list(self.server.fake.scopes)})

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", "0"))
        raw = self.rfile.read(size)
        if self.path != "/v3/mail/send":
            return self._refuse(404, Problem(None, "The resource could not be found."))
        if not self._is_authorized():
            return None
        if self.headers.get("Content-Type") != "application/json":
            return self._refuse(415, Problem(None, "Content-Type should be application/json."))
        if size >= 30 * MEGABYTE:
            return self._refuse(413, Problem(None, "The JSON payload you have included is too large."))
        try:
            document = json.loads(raw)
        except ValueError:
            return self._refuse(400, Problem(None, "Bad Request"))
        return self._mail(document, size)

    def _is_authorized(self) -> bool:
        if self.headers.get("Authorization") == f"Bearer {self.server.fake.api_key}":
            return True
        self._refuse(401, Problem(None, "The provided authorization grant is invalid, expired, or revoked"))
        return False

    def _mail(self, document: Any, size: int) -> None:
        fake = self.server.fake
        found = problems(document) or self._refused_recipients(document)
        is_sandbox = (
            not found and document.get("mail_settings", {}).get("sandbox_mode", {}).get("enable") is True
        )
        step = Scripted(takes=False, status=fake.sandbox_status) if is_sandbox else fake.next_step()
        if not step.takes and step.status not in {200, 202}:
            return self._finish(step, document, size, [Problem(None, step.message)])
        if found:
            return self._finish(Scripted(status=400), document, size, found)
        if fake.verified is not None and document["from"]["email"] not in fake.verified:
            message = "The from address does not match a verified Sender Identity."
            return self._finish(Scripted(status=403), document, size, [Problem("from", message)])
        if is_sandbox:
            return self._finish(step, document, size)
        message_id = f"fake-{id(document):x}-{len(fake.asked)}"
        if step.takes:
            fake.take(document, message_id)
        return self._finish(step, document, size, message_id=message_id)

    def _refused_recipients(self, document: dict[str, Any]) -> list[Problem]:
        fake = self.server.fake
        found = [
            Problem(f"personalizations.{index}.to.0.email", "Does not contain a valid address.")
            for index, block in enumerate(document["personalizations"])
            if block["to"][0]["email"] in fake.refused_addresses
        ]
        if fake.refused_subject and document.get("subject") == fake.refused_subject:
            found.append(Problem("subject", "This subject is not wanted here."))
        return [Problem(None, "Bad Request")] if found and fake.vague else found

    def _finish(
        self,
        step: Scripted,
        document: Any,
        size: int,
        found: list[Problem] | None = None,
        message_id: str = "",
    ) -> None:
        fake = self.server.fake
        if step.waits:
            fake.stopping.wait(step.waits)
        status = 0 if step.drops else step.status
        fake.asked.append(Asked(path=self.path, body=document, size=size, status=status, at=time.monotonic()))
        if step.drops:
            return self._reset()
        headers = {"X-Message-Id": message_id} if message_id and step.status == 202 else {}
        if step.status >= 400 and not found:
            found = [Problem(None, step.message)]
        body = {"errors": [problem.as_json() for problem in found]} if found else None
        return self._answer(step.status, body, {**headers, **step.headers})

    def _refuse(self, status: int, problem: Problem) -> None:
        self.server.fake.asked.append(
            Asked(path=self.path, body=None, size=0, status=status, at=time.monotonic())
        )
        self._answer(status, {"errors": [problem.as_json()]})

    def _answer(self, status: int, body: object = None, headers: Mapping[str, str] | None = None) -> None:
        payload = b"" if body is None else json.dumps(body).encode()
        limits = {
            "X-RateLimit-Limit": "600",
            "X-RateLimit-Remaining": "599",
            "X-RateLimit-Reset": str(int(time.time()) + 60),
        }
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            for name, value in {**limits, **(headers or {})}.items():
                self.send_header(name, value)
            if payload:
                self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

    def _reset(self) -> None:
        """Cut the connection as a crashed balancer would: a TCP reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own signature
        """Quiet."""
