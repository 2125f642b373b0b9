"""Leaving: with one click from a mail program (RFC 8058), with a button, and never by a mere look."""

from __future__ import annotations

import html
import logging
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from digest.errors import StorageError
from digest.rules.unsubscribe_probe import ANSWER
from web.fake_views import PROBE, SAM, TOKEN, FakeReaders

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def one_click(encoding: str) -> dict[str, object]:
    """What a mail program posts, as arguments of the client: RFC 8058, 3.1."""
    if encoding == "urlencoded":
        return {"data": ONE_CLICK}
    return {"files": {"List-Unsubscribe": (None, "One-Click")}}


@pytest.mark.parametrize("encoding", ["urlencoded", "multipart"])
def test_one_click_in_either_encoding_ends_the_subscription(
    outside: TestClient, readers: FakeReaders, encoding: str
) -> None:
    """RFC 8058, 3.1 and 3.2: 200, no redirect, no cookie, a tiny body."""
    answer = outside.post(f"/u/{TOKEN}", **one_click(encoding))  # type: ignore[arg-type]

    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert "location" not in answer.headers
    assert len(answer.content) < 100
    assert readers.changes == [("unsubscribe", "one-click")]


@pytest.mark.parametrize("encoding", ["urlencoded", "multipart"])
def test_a_probe_is_answered_and_changes_nothing(
    outside: TestClient, readers: FakeReaders, encoding: str
) -> None:
    """The pre-flight sees that a click would arrive: with its form, without a redirect or a cookie."""
    clicked = outside.post(f"/u/{PROBE}", **one_click(encoding))  # type: ignore[arg-type]
    opened = outside.get(f"/u/{PROBE}")

    assert (clicked.status_code, clicked.text) == (200, f"{ANSWER}\n")
    assert (opened.status_code, ANSWER in opened.text) == (200, True)
    assert all("set-cookie" not in answer.headers for answer in (clicked, opened))
    assert readers.changes == []


@pytest.mark.parametrize("form", [{}, {"do": "leave"}, {"do": "return"}, {"List-Unsubscribe": "no"}])
def test_anything_but_a_click_on_a_probe_leads_nowhere(
    outside: TestClient, readers: FakeReaders, form: dict[str, str]
) -> None:
    """So that a form that was lost on its way is noticed."""
    assert outside.post(f"/u/{PROBE}", data=form).status_code == 404
    assert readers.view.is_active


def test_a_probe_fails_where_a_reader_s_click_would(outside: TestClient, readers: FakeReaders) -> None:
    readers.error = StorageError("The database is locked.")

    assert outside.post(f"/u/{PROBE}", data=ONE_CLICK).status_code == 503


def test_one_click_is_the_same_the_tenth_time(outside: TestClient, readers: FakeReaders) -> None:
    answers = {outside.post(f"/u/{TOKEN}", data=ONE_CLICK).status_code for _ in range(10)}

    assert answers == {200}
    assert not readers.view.is_active


def test_one_click_needs_no_cookie_and_minds_no_origin(outside: TestClient, readers: FakeReaders) -> None:
    """Providers send what they like beside the form."""
    headers = {"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site", "Cookie": "other=1"}

    assert outside.post(f"/u/{TOKEN}", data=ONE_CLICK, headers=headers).status_code == 200
    assert readers.changes == [("unsubscribe", "one-click")]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_look_changes_nothing(outside: TestClient, readers: FakeReaders, method: str) -> None:
    """Mail scanners open every link, some with the form's own words behind it."""
    for address in (f"/u/{TOKEN}", f"/u/{TOKEN}?List-Unsubscribe=One-Click&do=leave"):
        assert outside.request(method, address).status_code == 200

    assert readers.changes == []
    assert readers.view.is_active


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(outside: TestClient, readers: FakeReaders, method: str) -> None:
    assert outside.request(method, f"/u/{TOKEN}", data=ONE_CLICK).status_code == 405
    assert readers.changes == []


def test_the_page_asks_one_question_with_one_button(outside: TestClient) -> None:
    page = outside.get(f"/u/{TOKEN}").text

    assert page.count("<form") == page.count("<button") == 1
    assert 'Unsubscribe from <bdi lang="en">Lockstep Weekly</bdi>?' in page
    assert "sam@reader.example" in page
    assert "Lockstep Ltd, 12 Harbour Row" in page
    assert "<script" not in page


def test_the_button_leaves_and_the_next_one_comes_back(outside: TestClient, readers: FakeReaders) -> None:
    left = outside.post(f"/u/{TOKEN}", data={"do": "leave"})
    back = outside.post(f"/u/{TOKEN}", data={"do": "return"})

    assert (left.status_code, back.status_code) == (200, 200)
    assert "You have been unsubscribed" in left.text
    assert "Unsubscribed by mistake? Resubscribe" in left.text
    assert "You are subscribed again" in back.text
    assert readers.changes == [("unsubscribe", "page"), ("resubscribe",)]


def test_who_has_left_is_shown_that_and_not_asked_again(outside: TestClient, readers: FakeReaders) -> None:
    readers.view = replace(SAM, is_active=False)

    assert "You have been unsubscribed" in outside.get(f"/u/{TOKEN}").text


@pytest.mark.parametrize(
    "form", [{}, {"do": "everything"}, {"List-Unsubscribe": "no"}, {"list": "One-Click"}]
)
def test_a_form_that_says_nothing_known_only_shows_the_page(
    outside: TestClient, readers: FakeReaders, form: dict[str, str]
) -> None:
    answer = outside.post(f"/u/{TOKEN}", data=form)

    assert "Unsubscribe</button>" in answer.text
    assert readers.changes == []


@pytest.mark.parametrize("token", ["forged", TOKEN[:-1], TOKEN.lower(), "%00", "a" * 5000, "…"])
def test_a_forged_token_gives_one_answer_to_everything(
    outside: TestClient, readers: FakeReaders, token: str
) -> None:
    """Generic, and the same for GET and POST: it tells nothing about who exists."""
    looked = outside.get(f"/u/{token}")
    clicked = outside.post(f"/u/{token}", data=ONE_CLICK)
    pressed = outside.post(f"/u/{token}", data={"do": "return"})

    assert {a.status_code for a in (looked, clicked, pressed)} == {404}
    assert len({_without_nonce(a.text) for a in (looked, clicked, pressed)}) == 1
    assert token not in looked.text
    assert readers.changes == []


def _without_nonce(page: str) -> str:
    before, _, rest = page.partition('nonce="')
    return before + rest.partition('"')[2]


def test_a_large_body_is_refused_before_it_is_read(outside: TestClient, readers: FakeReaders) -> None:
    answer = outside.post(f"/u/{TOKEN}", data={**ONE_CLICK, "padding": "x" * 70_000})

    assert answer.status_code == 413
    assert readers.changes == []


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: nonsense"),
        ("multipart/form-data", b"List-Unsubscribe=One-Click"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nc\r\n--x--\r\n',
        ),
        ("application/x-www-form-urlencoded", b"&".join(b"a=%d" % n for n in range(50))),
        ("application/json", b'{"do": "leave"}'),
    ],
)
def test_a_broken_body_changes_nothing_and_breaks_nothing(
    outside: TestClient, readers: FakeReaders, kind: str, body: bytes
) -> None:
    answer = outside.post(f"/u/{TOKEN}", content=body, headers={"Content-Type": kind})

    assert answer.status_code in {200, 400}
    assert readers.changes == []


def test_pages_keep_the_token_to_themselves(outside: TestClient) -> None:
    """Not in a Referer, not in a cache, not in a frame, not in a search engine."""
    for page in (
        outside.get(f"/u/{TOKEN}"),
        outside.post(f"/u/{TOKEN}", data=ONE_CLICK),
        outside.get("/u/x"),
    ):
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert "set-cookie" not in page.headers
    assert 'name="robots" content="noindex' in outside.get(f"/u/{TOKEN}").text


def test_titles_and_addresses_from_outside_are_text(outside: TestClient, readers: FakeReaders) -> None:
    hostile = "</title><script>alert(1)</script>{{ 7*7 }}"
    readers.view = replace(
        SAM, newsletter_title=hostile, address="<b>@reader.example", accent="red;} body{display:none"
    )

    page = outside.get(f"/u/{TOKEN}").text

    assert "<script" not in page
    assert html.escape(hostile) in page
    assert "&lt;b&gt;@reader.example" in page
    assert "display:none" not in page, "a colour that is none is not printed"


@pytest.mark.parametrize(
    ("error", "status"), [(StorageError("The disk is full."), 503), (KeyError("secret"), 500)]
)
def test_a_fault_says_that_nothing_changed_and_logs_no_token(
    outside: TestClient,
    readers: FakeReaders,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    status: int,
) -> None:
    readers.error = error
    with caplog.at_level(logging.DEBUG, logger="digest"):
        answer = outside.post(f"/u/{TOKEN}", data=ONE_CLICK)

    assert answer.status_code == status
    assert "Nothing was changed" in answer.text
    assert "disk" not in answer.text
    assert "secret" not in answer.text
    assert "web.failed" in caplog.text
    assert TOKEN not in caplog.text
