"""The door for providers: only what is signed comes in, whole, fresh and bounded."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from digest.errors import SettingsError, StorageError
from digest.transports import Webhook
from digest.transports.sendgrid.provider import PROVIDER, SendGridTable
from digest.web.app import create_app
from digest.web.hooks import MAX_BODY, MAX_EVENTS, routes
from fakes.webhook import SIGNATURE, TIMESTAMP, Signer, body_of
from web.fake_application import FakeApplication
from web.fake_views import NOW, SECRET, Clock

DOOR = "/hooks/sendgrid"
SIGNER = Signer()
EVENTS = [
    {"email": "sam@reader.example", "event": "delivered", "d": "1"},
    {"email": "änn@example.org", "event": "bounce", "d": "2"},
]

# The public test vector of SendGrid's libraries.
VECTOR = json.loads((Path(__file__).parents[1] / "data" / "hooks" / "sendgrid_vector.json").read_text())


class Kept:
    """What came in; or an error that the database raises."""

    def __init__(self) -> None:
        self.posts: list[list[object]] = []
        self.error: Exception | None = None

    def __call__(self, events: Any) -> None:
        if self.error:
            raise self.error
        self.posts.append(list(events))


@pytest.fixture
def kept() -> Kept:
    return Kept()


def webhooks(key: str) -> dict[str, Webhook]:
    """That of SendGrid, but that each event stays as it was posted."""
    found = PROVIDER.webhook(SendGridTable().model_copy(update={"webhook_public_key": key or None}))
    return {"sendgrid": replace(found, event=lambda told, now: told)} if found else {}  # type: ignore[arg-type, return-value]


def browser(kept: Kept, key: str, clock: Clock | None = None) -> TestClient:
    clock = clock or Clock()
    fakes = FakeApplication(clock=clock, receive=kept, webhooks=webhooks(key))
    app = create_app(fakes, one_time_secret=SECRET)
    return TestClient(app, base_url="https://news.lockstep.example", raise_server_exceptions=False)


@pytest.fixture
def sendgrid(kept: Kept) -> TestClient:
    return browser(kept, SIGNER.public_key)


def post(client: TestClient, body: bytes, *, at: datetime = NOW, **headers: str) -> Any:
    return client.post(DOOR, content=body, headers=SIGNER.headers(body, at=at) | headers)


def test_a_signed_post_is_kept_before_it_is_answered(sendgrid: TestClient, kept: Kept) -> None:
    answer = post(sendgrid, body_of(EVENTS))

    assert (answer.status_code, answer.content) == (204, b"")
    assert kept.posts == [EVENTS]
    assert "set-cookie" not in answer.headers


def test_the_public_vector_is_known(kept: Kept) -> None:
    """Signed by SendGrid itself; it is one object and no list, so the signature alone is right."""
    clock = Clock(datetime.fromtimestamp(int(VECTOR["timestamp"]), UTC))
    client = browser(kept, VECTOR["key"], clock)
    headers = {SIGNATURE: VECTOR["signature"], TIMESTAMP: VECTOR["timestamp"]}

    right = client.post(DOOR, content=VECTOR["payload"], headers=headers)
    changed = client.post(DOOR, content=VECTOR["payload"] + " ", headers=headers)

    assert (right.status_code, changed.status_code) == (400, 403)
    assert kept.posts == []


@pytest.mark.parametrize(
    "change",
    [
        {SIGNATURE: ""},
        {TIMESTAMP: ""},
        {SIGNATURE: "not base64"},
        {SIGNATURE: "AAAA"},
        {SIGNATURE: "é"},
        {SIGNATURE: base64.b64encode(b"\x30\x06\x02\x01\x01\x02\x01\x01").decode()},
        {SIGNATURE: "A" * 100_000},
        {TIMESTAMP: str(int(NOW.timestamp()) + 1)},
        {TIMESTAMP: "1e9"},
        {TIMESTAMP: "-1000000000"},
        {TIMESTAMP: "9" * 11},
        {TIMESTAMP: "9" * 400},
        {TIMESTAMP: "٠١٢٣٤٥٦٧٨٩"},
    ],
    ids=lambda change: " ".join(f"{k[-9:]}={v[:20]}" for k, v in change.items()),
)
def test_a_forged_post_is_turned_away_without_a_word(
    sendgrid: TestClient, kept: Kept, change: dict[str, str]
) -> None:
    body = body_of(EVENTS)
    headers = {k: v.encode("utf-8") for k, v in (SIGNER.headers(body, at=NOW) | change).items()}
    answer = sendgrid.post(DOOR, content=body, headers=headers)

    assert (answer.status_code, answer.content) == (403, b"")
    assert kept.posts == []


@pytest.mark.parametrize("name", [SIGNATURE, TIMESTAMP])
def test_a_post_without_the_headers_is_turned_away(sendgrid: TestClient, kept: Kept, name: str) -> None:
    body = body_of(EVENTS)
    headers = SIGNER.headers(body, at=NOW)
    del headers[name]

    assert sendgrid.post(DOOR, content=body, headers=headers).status_code == 403
    assert kept.posts == []


def test_every_byte_of_the_body_is_signed(sendgrid: TestClient, kept: Kept) -> None:
    """Also the line end behind the array: the raw bytes count, not what they mean."""
    body = body_of(EVENTS)
    headers = SIGNER.headers(body, at=NOW)
    for changed in (
        body.rstrip(),
        body.replace(b'"1"', b'"2"'),
        body.replace(b", ", b","),
        b"\xff" + body,
        b"",
    ):
        assert changed != body
        assert sendgrid.post(DOOR, content=changed, headers=headers).status_code == 403

    assert kept.posts == []


def test_another_key_does_not_open_the_door(kept: Kept) -> None:
    client = browser(kept, Signer().public_key)

    assert post(client, body_of(EVENTS)).status_code == 403
    assert kept.posts == []


@pytest.mark.parametrize(
    ("age", "status"),
    [
        (timedelta(0), 204),
        (timedelta(hours=23, minutes=59), 204),
        (timedelta(hours=24, seconds=1), 403),
        (timedelta(minutes=-4), 204),
        (timedelta(minutes=-6), 403),
        (timedelta(days=4000), 403),
    ],
)
def test_a_post_is_good_for_a_day(sendgrid: TestClient, age: timedelta, status: int) -> None:
    """SendGrid tries for 24 hours; a clock may be five minutes off."""
    assert post(sendgrid, body_of(EVENTS), at=NOW - age).status_code == status


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"null", b"[", b'{"event": "delivered"}', b'"x"', b"[" * 100_000, b"[" + b"9" * 5000 + b"]"],
    ids=lambda body: body[:12].decode(),
)
def test_signed_nonsense_is_refused(sendgrid: TestClient, kept: Kept, body: bytes) -> None:
    assert post(sendgrid, body).status_code == 400
    assert kept.posts == []


def test_a_post_may_hold_ten_thousand_events_and_not_one_more(sendgrid: TestClient, kept: Kept) -> None:
    most = json.dumps([{}] * MAX_EVENTS).encode()

    assert post(sendgrid, most).status_code == 204
    assert post(sendgrid, json.dumps([{}] * (MAX_EVENTS + 1)).encode()).status_code == 400
    assert [len(events) for events in kept.posts] == [MAX_EVENTS]


def test_a_post_over_the_limit_is_not_read(sendgrid: TestClient, kept: Kept) -> None:
    """One megabyte is far more than other doors here take, and no more."""
    just = json.dumps([{"x": "y" * 900_000}]).encode()
    over = json.dumps([{"x": "y" * MAX_BODY}]).encode()

    assert post(sendgrid, just).status_code == 204
    assert post(sendgrid, over).status_code == 413
    assert len(kept.posts) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_other_methods_are_refused(sendgrid: TestClient, method: str) -> None:
    assert sendgrid.request(method, DOOR).status_code == 405


def test_without_a_key_there_is_no_door(kept: Kept) -> None:
    assert post(browser(kept, ""), body_of(EVENTS)).status_code == 404
    assert kept.posts == []


@pytest.mark.parametrize("key", ["nonsense", VECTOR["key"][:-8] + "AAAAAA==", "MFkw"])
def test_a_key_that_is_none_is_told_before_the_door_opens(kept: Kept, key: str) -> None:
    with pytest.raises(SettingsError, match="webhook_public_key"):
        routes(FakeApplication(receive=kept, webhooks=webhooks(key)))


@pytest.mark.parametrize(("error", "status"), [(StorageError("Full."), 503), (KeyError("x"), 500)])
def test_what_could_not_be_kept_is_to_come_again(
    sendgrid: TestClient, kept: Kept, caplog: pytest.LogCaptureFixture, error: Exception, status: int
) -> None:
    """Anything else than a 2xx; and the log has no address in it."""
    kept.error = error
    with caplog.at_level(logging.DEBUG):
        answer = post(sendgrid, body_of(EVENTS))

    assert answer.status_code == status
    assert "sam@reader.example" not in caplog.text + answer.text


def test_nothing_is_logged_for_a_post(sendgrid: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="digest"):
        post(sendgrid, body_of(EVENTS))
        post(sendgrid, b"[")

    assert caplog.text == ""


def test_a_browsers_page_gets_nothing_out_of_it(sendgrid: TestClient, kept: Kept) -> None:
    """Cookies and origins play no part: the signature is all that counts."""
    body = body_of(EVENTS)

    assert post(sendgrid, body, Origin="https://evil.example", Cookie="a=b").status_code == 204
    assert sendgrid.post(DOOR, content=body, headers={"Cookie": "digest_desk=x"}).status_code == 403
    assert kept.posts == [EVENTS]
