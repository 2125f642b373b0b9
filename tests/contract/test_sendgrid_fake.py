"""The fake SendGrid keeps the provider's published rules: each of them, tried by a plain HTTP client."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from fakes.sendgrid import FakeSendGrid, accept_then_500, accept_then_drop, drop, problems, refuse

VALID: dict[str, Any] = {
    "personalizations": [
        {
            "to": [{"email": "ann@example.org", "name": "Ann"}],
            "headers": {"List-Unsubscribe": "<https://n.example/u/a>"},
            "substitutions": {"-name-": "Ann & Co"},
            "custom_args": {"d": "1"},
        },
        {"to": [{"email": "bob@example.org"}], "substitutions": {"-name-": "Bob"}},
    ],
    "from": {"email": "digest@news.example.com", "name": "Example"},
    "reply_to": {"email": "editor@example.com"},
    "subject": "Hello -name-",
    "content": [
        {"type": "text/plain", "value": "Hi -name-"},
        {"type": "text/html", "value": "<p>Hi -name-</p>"},
    ],
    "headers": {"Precedence": "bulk"},
    "categories": ["newsletter"],
    "tracking_settings": {"click_tracking": {"enable": False, "enable_text": False}},
}


@pytest.fixture
def fake() -> Iterator[FakeSendGrid]:
    with FakeSendGrid() as server:
        yield server


def post(
    fake: FakeSendGrid, document: object, *, key: str = "SG.right-key", kind: str = "application/json"
) -> tuple[int, Any, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection(fake.url.removeprefix("http://"), timeout=5)
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": kind}
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        connection.request("POST", "/v3/mail/send", body=body, headers=headers)
        answer = connection.getresponse()
        payload = answer.read()
        return answer.status, json.loads(payload) if payload else None, answer.headers
    finally:
        connection.close()


def test_a_valid_request_is_answered_202_with_an_empty_body_and_an_id(fake: FakeSendGrid) -> None:
    status, body, headers = post(fake, VALID)
    assert (status, body) == (202, None)
    assert headers["X-Message-Id"]
    assert headers["X-RateLimit-Remaining"]


def test_the_accept_log_shows_what_each_recipient_sees(fake: FakeSendGrid) -> None:
    """Tags are replaced without escaping, in subject and both bodies; headers merge."""
    post(fake, VALID)
    ann, bob = fake.accepted
    assert (ann.address, ann.name, ann.subject) == ("ann@example.org", "Ann", "Hello Ann & Co")
    assert (ann.text, ann.html) == ("Hi Ann & Co", "<p>Hi Ann & Co</p>")
    assert ann.headers == {"Precedence": "bulk", "List-Unsubscribe": "<https://n.example/u/a>"}
    assert ann.custom_args == {"d": "1"}
    assert bob.text == "Hi Bob"
    assert bob.message_id == ann.message_id


def test_a_wrong_key_is_401(fake: FakeSendGrid) -> None:
    status, body, _ = post(fake, VALID, key="SG.wrong")
    assert status == 401
    assert body["errors"][0].keys() == {"message", "field", "help"}
    assert fake.accepted == []


def test_other_content_types_are_415_and_broken_json_400(fake: FakeSendGrid) -> None:
    assert post(fake, VALID, kind="text/plain")[0] == 415
    assert post(fake, b"{")[0] == 400
    assert post(fake, [])[0] == 400


def test_thirty_megabytes_are_413(fake: FakeSendGrid) -> None:
    assert post(fake, b" " * (30 * 1024 * 1024))[0] == 413


def test_the_sandbox_answers_200_and_takes_nothing(fake: FakeSendGrid) -> None:
    status, body, headers = post(fake, VALID | {"mail_settings": {"sandbox_mode": {"enable": True}}})
    assert (status, body) == (200, None)
    assert "X-Message-Id" not in headers
    assert fake.accepted == []


def test_a_sender_that_is_not_verified_is_403(fake: FakeSendGrid) -> None:
    fake.verified = frozenset({"other@example.com"})
    status, body, _ = post(fake, VALID)
    assert (status, body["errors"][0]["field"]) == (403, "from")


def many(count: int) -> list[dict[str, Any]]:
    return [{"to": [{"email": f"r{n}@example.org"}]} for n in range(count)]


def changed(path: str, value: object) -> dict[str, Any]:
    """VALID with one place changed; the path is dotted as in the provider's errors."""
    document: Any = deepcopy(VALID)
    spot = document
    *way, last = path.split(".")
    for step in way:
        spot = spot[int(step)] if step.isdigit() else spot.setdefault(step, {})
    spot[int(last) if last.isdigit() else last] = value
    return document  # type: ignore[no-any-return]


RULES = [
    ("unknown", 1, "unknown"),
    ("personalizations", [], "personalizations"),
    ("personalizations", many(1001), "personalizations"),
    ("personalizations", [{"to": [{"email": f"r{n}@example.org"} for n in range(1001)]}], "personalizations"),
    ("personalizations.0.to", [], "personalizations.0.to"),
    ("personalizations.0.unknown", 1, "personalizations.0.unknown"),
    ("personalizations.0.to.0.email", "nonsense", "personalizations.0.to.0.email"),
    ("personalizations.0.to.0.email", 7, "personalizations.0.to.0.email"),
    ("personalizations.0.to.0.name", "A, B", "personalizations.0.to.0.name"),
    ("personalizations.0.to.0.name", "A; B", "personalizations.0.to.0.name"),
    ("personalizations.0.to.0.name", "A\nB", "personalizations.0.to.0.name"),
    ("personalizations.0.cc", [{"email": "c@example.org", "name": "A;"}], "personalizations.0.cc.0.name"),
    ("personalizations.1.to.0.email", "ANN@example.org", "personalizations.1"),
    ("personalizations.0.bcc", [{"email": "bob@example.org"}], "personalizations.1"),
    ("personalizations.0.substitutions.x", 1, "personalizations.0.substitutions.x"),
    ("personalizations.0.substitutions.x", "y" * 10_001, "personalizations.0.substitutions"),
    ("personalizations.0.custom_args.x", 1, "personalizations.0.custom_args.x"),
    ("personalizations.0.custom_args.x", "y" * 10_001, "personalizations.0.custom_args"),
    ("personalizations.0.headers.To", "x", "personalizations.0.headers.To"),
    ("personalizations.0.headers.X-A", 1, "personalizations.0.headers.X-A"),
    ("personalizations.0.headers.X-A", "a\r\nBcc: e@x", "personalizations.0.headers.X-A"),
    ("personalizations.0.subject", "", "personalizations.0.subject"),
    ("from", {"name": "x"}, "from.email"),
    ("from.email", "dïgest@news.example.com", "from.email"),
    ("from.name", "Exämple", "from.name"),
    ("reply_to_list", [{"email": "a@example.com"}], "reply_to"),
    ("subject", "", "subject"),
    ("subject", None, "subject"),
    ("subject", "a\r\nb", "subject"),
    ("content", [], "content"),
    ("content", VALID["content"][::-1], "content"),
    ("content.0.value", "", "content.0.value"),
    ("content.1.type", "text/html; charset=utf-8", "content.1.type"),
    *[
        (f"headers.{name}", "x", f"headers.{name}")
        for name in ("Subject", "received", "DKIM-Signature", "x-sg-id")
    ],
    ("headers.X-A", "ünicode", "headers.X-A"),
    ("custom_args", "text", "custom_args"),
    ("categories", [str(n) for n in range(11)], "categories"),
    ("categories", ["a", "a"], "categories"),
    ("categories", ["x" * 256], "categories"),
    ("send_at", 10**12, "send_at"),
    ("send_at", "soon", "send_at"),
    ("tracking_settings.click_tracking.enable", "no", "tracking_settings.click_tracking.enable"),
    ("tracking_settings.unknown", {}, "tracking_settings.unknown"),
    ("mail_settings.sandbox_mode", True, "mail_settings.sandbox_mode"),
    ("ip_pool_name", "x", "ip_pool_name"),
]


@pytest.mark.parametrize(("path", "value", "field"), RULES)
def test_each_published_rule_is_kept(path: str, value: object, field: str) -> None:
    """One thing wrong: the errors name exactly that field."""
    assert {problem.field for problem in problems(changed(path, value))} == {field}


def test_the_valid_request_breaks_no_rule_and_a_wrong_one_is_a_400(fake: FakeSendGrid) -> None:
    assert problems(VALID) == []
    status, body, _ = post(fake, changed("personalizations.1.to.0.email", "nonsense"))
    assert status == 400
    assert body["errors"][0]["field"] == "personalizations.1.to.0.email"
    assert fake.accepted == []


def test_one_address_of_many_can_be_refused(fake: FakeSendGrid) -> None:
    fake.refused_addresses.add("bob@example.org")
    status, body, _ = post(fake, VALID)
    assert status == 400
    assert [error["field"] for error in body["errors"]] == ["personalizations.1.to.0.email"]
    fake.vague = True
    assert [error["field"] for error in post(fake, VALID)[1]["errors"]] == [None]


def test_a_script_decides_how_requests_end(fake: FakeSendGrid) -> None:
    """Taken but answered 500, refused with a reset time, and then by the rules again."""
    fake.script(accept_then_500(), refuse(429, "too many requests", X_RateLimit_Reset="12"), refuse(503))
    assert (post(fake, VALID)[0], len(fake.accepted)) == (500, 2)
    status, body, headers = post(fake, VALID)
    assert (status, headers.get_all("X-RateLimit-Reset")) == (429, ["12"])
    assert body["errors"][0]["message"] == "too many requests"
    assert (post(fake, VALID)[0], len(fake.accepted)) == (503, 2)
    assert (post(fake, VALID)[0], len(fake.accepted)) == (202, 4)


@pytest.mark.parametrize(("step", "taken"), [(accept_then_drop, 2), (drop, 0)])
def test_a_connection_can_be_cut_with_and_without_taking(
    fake: FakeSendGrid, step: Callable[[], Any], taken: int
) -> None:
    fake.script(step())
    with pytest.raises(ConnectionError):
        post(fake, VALID)
    assert len(fake.accepted) == taken
