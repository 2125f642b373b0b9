"""The front page, the archive, the probes and the style sheets."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from digest.errors import StorageError
from web.fake_views import MAIL, FakeProbes


def test_the_front_page_leads_to_the_last_issue(outside: TestClient) -> None:
    page = outside.get("/").text

    assert "<bdi>Lockstep Engineering</bdi> newsletters" in page
    assert '<a href="/archive/weekly/40">Deploys that can say no</a>' in page
    assert "The first issue has not been sent yet." in page
    assert 'content="index, follow"' in page


def test_an_old_issue_is_shown_as_it_was_and_can_run_nothing(outside: TestClient) -> None:
    answer = outside.get("/archive/weekly/40")
    policy = answer.headers["content-security-policy"]

    assert answer.text == MAIL
    assert policy.startswith("sandbox allow-popups")
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert "form-action 'none'" in policy


@pytest.mark.parametrize(
    "path", ["/archive/weekly/41", "/archive/other/40", "/archive/weekly/x", "/nothing", "/u/"]
)
def test_what_is_not_there_is_a_page_of_ours(outside: TestClient, path: str) -> None:
    answer = outside.get(path)

    assert answer.status_code == 404
    assert "<h1>There is no" in answer.text


def test_probes_answer_machines(outside: TestClient, probes: FakeProbes) -> None:
    assert outside.get("/healthz").text == "ok\n"
    assert outside.get("/readyz").json() == {"ok": True, "database": "writable"}
    assert outside.get("/metrics").text.endswith("digest_deliveries_total 12361\n")
    assert outside.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")

    probes.found = {"ok": False, "database": "read-only"}
    assert outside.get("/readyz").status_code == 503
    probes.error = StorageError("The database cannot be opened.")
    assert outside.get("/readyz").json() == {"ok": False, "reason": "The database cannot be opened."}
    assert outside.get("/healthz").status_code == 200


def test_robots_stay_away_from_personal_links(outside: TestClient) -> None:
    assert "Disallow: /u/\n" in outside.get("/robots.txt").text


def test_a_style_sheet_named_by_its_content_is_kept_for_ever(outside: TestClient) -> None:
    """And one asked for by an old name is not."""
    (address,) = re.findall(r'href="(/static/[^"]+)"', outside.get("/").text)
    named, old = outside.get(address), outside.get("/static/readers.css?v=old")

    assert named.headers["content-type"].startswith("text/css")
    assert named.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert old.headers["cache-control"] == "no-cache"
    assert outside.get("/static/../layout.html").status_code == 404
    assert outside.get("/static/%2e%2e%2flayout.html").status_code == 404


def test_every_answer_has_the_same_guard(outside: TestClient) -> None:
    for path in (
        "/",
        "/archive/weekly/40",
        "/robots.txt",
        "/healthz",
        "/metrics",
        "/nothing",
        "/static/desk.css",
        "/desk",
    ):
        headers = outside.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "no-referrer", path


def test_the_nonce_of_a_page_is_used_once(outside: TestClient) -> None:
    pages = [outside.get("/") for _ in range(3)]
    nonces = [re.findall(r'nonce="([^"]+)"', page.text) for page in pages]

    assert len({nonce for (nonce,) in nonces}) == 3
    assert all(
        f"'nonce-{nonce}'" in p.headers["content-security-policy"]
        for p, (nonce,) in zip(pages, nonces, strict=True)
    )


def test_a_copy_of_a_picture_may_be_kept_for_ever(outside: TestClient) -> None:
    answer = outside.get(f"/media/{'a' * 64}.jpg")

    assert (answer.status_code, answer.content) == (200, b"picture")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "set-cookie" not in answer.headers
    assert outside.head(f"/media/{'a' * 64}.jpg").headers["content-length"] == "7"


@pytest.mark.parametrize(
    "path",
    [f"/media/{'b' * 64}.jpg", "/media/", "/media/../digest.toml", "/media/..%2Fdigest.toml", "/media/%00"],
)
def test_no_other_file_is_given(outside: TestClient, path: str) -> None:
    answer = outside.get(path)

    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"


def test_a_copy_is_for_reading_only(outside: TestClient) -> None:
    assert outside.post(f"/media/{'a' * 64}.jpg").status_code == 405
