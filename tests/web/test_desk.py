"""The desk: who may come in, and what an editor sees there."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from digest.model.delivery import Counts
from digest.model.issue import IssueState, Layout, Section
from digest.views.issue import FindingView, LeftOutArticle
from digest.web.access import COOKIE, STAY
from digest.web.app import create_app
from web.fake_application import FakeApplication
from web.fake_views import MAIL, NOW, SECRET, Clock, FakeDesk, teaser

PATHS = ["/desk", "/desk/weekly/41", "/desk/weekly/41/html", "/desk/weekly/99", "/desk/what/ever"]


def browser(app: Starlette, *, address: str = "127.0.0.1", host: str = "127.0.0.1:8000") -> TestClient:
    return TestClient(app, base_url=f"http://{host}", client=(address, 50_000), follow_redirects=False)


# --- who may come in ----------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_without_the_link_the_desk_is_closed_and_says_how_to_open_it(stranger: TestClient, path: str) -> None:
    answer = stranger.get(path)

    assert answer.status_code == 403
    assert "<code>digest serve</code>" in answer.text
    assert "Lockstep Weekly" not in answer.text


@pytest.mark.parametrize("path", [*PATHS, f"/desk/enter/{SECRET}"])
@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("203.0.113.9", "127.0.0.1:8000"),  # from elsewhere
        ("10.0.0.5", "localhost:8000"),
        ("127.0.0.1", "news.lockstep.example"),  # from here, by a name that somebody else can point here
        ("127.0.0.1", "127.0.0.1.attacker.example"),
        ("127.0.0.1", "localhost.attacker.example"),
        ("::ffff:203.0.113.9", "localhost"),
    ],
)
def test_from_elsewhere_or_by_another_name_there_is_no_desk(
    app: Starlette, path: str, address: str, host: str
) -> None:
    """Neither an address nor a name alone is enough, and the secret stays unspent."""
    assert browser(app, address=address, host=host).get(path).status_code == 404
    assert browser(app).get(f"/desk/enter/{SECRET}").status_code == 303


@pytest.mark.parametrize(
    ("address", "host"), [("127.0.0.1", "localhost:8000"), ("::1", "[::1]:8000"), ("127.9.9.9", "127.0.0.1")]
)
def test_all_names_of_this_machine_are_right(app: Starlette, address: str, host: str) -> None:
    client = browser(app, address=address, host=host)
    entered = client.get(f"/desk/enter/{SECRET}")

    assert (
        client.get("/desk", headers={"Cookie": entered.headers["set-cookie"].partition(";")[0]}).status_code
        == 200
    )


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-Host"])
def test_a_proxy_on_this_machine_does_not_open_the_desk_to_others(editor: TestClient, header: str) -> None:
    """It would come from the loopback address, and many name the loopback as host."""
    assert editor.get("/desk", headers={header: "127.0.0.1"}).status_code == 404


def test_the_link_works_once(app: Starlette) -> None:
    first, second = browser(app), browser(app)

    entered = first.get(f"/desk/enter/{SECRET}")

    assert (entered.status_code, entered.headers["location"]) == (303, "/desk")
    assert first.get("/desk").status_code == 200
    assert second.get(f"/desk/enter/{SECRET}").status_code == 403
    assert second.get("/desk").status_code == 403
    assert first.get(f"/desk/enter/{SECRET}").status_code == 303, "who is in already is not sent away"


def test_the_cookie_is_for_the_desk_alone(stranger: TestClient) -> None:
    cookie = stranger.get(f"/desk/enter/{SECRET}").headers["set-cookie"]

    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=strict", "Path=/desk"} <= {part.strip() for part in cookie.split(";")}
    assert SECRET not in cookie


@pytest.mark.parametrize("secret", ["", "x", SECRET[:-1], SECRET.upper(), "ünïcode"])
def test_a_wrong_secret_opens_nothing(stranger: TestClient, secret: str) -> None:
    assert stranger.get(f"/desk/enter/{secret}").status_code == 403
    assert stranger.get("/desk").status_code == 403


def test_a_browser_that_looks_ahead_does_not_spend_the_link(stranger: TestClient) -> None:
    link = f"/desk/enter/{SECRET}"

    assert stranger.head(link).status_code == 403
    assert stranger.get(link, headers={"Sec-Purpose": "prefetch"}).status_code == 403
    assert stranger.get(link).status_code == 303


def test_a_guessed_or_old_session_is_none(editor: TestClient, clock: Clock) -> None:
    assert editor.get("/desk", headers={"Cookie": f"{COOKIE}=guessed"}).status_code == 403

    clock.now += STAY - timedelta(seconds=1)
    assert editor.get("/desk").status_code == 200
    clock.now += timedelta(seconds=1)
    assert editor.get("/desk").status_code == 403


def test_without_a_secret_the_desk_cannot_be_opened() -> None:
    app = create_app(FakeApplication(), one_time_secret="")

    assert browser(app).get("/desk/enter/").status_code == 403
    assert browser(app).get("/desk").status_code == 403


def test_the_desk_takes_no_post(editor: TestClient) -> None:
    """It shows; what changes something is a command."""
    for path in ("/desk", "/desk/weekly/41"):
        assert editor.post(path).status_code == 405


# --- an issue -------------------------------------------------------------------------------


def test_an_issue_shows_outline_left_out_and_checks(editor: TestClient) -> None:
    page = editor.get("/desk/weekly/41").text

    assert (
        "Scheduled for <strong>Tuesday 09:00 in Berlin</strong>, in 19 hours, "
        "to <strong>12,418</strong> subscribers" in page
    )
    assert "Fix 1 blocker to approve" in page
    assert "6 stories · 31 min" in page
    assert "<bdi>Distributed systems</bdi> <span>3</span>" in page
    assert "Jonas Lindqvist</bdi><span>&nbsp;· 7 min · 3 Oct</span>" in page
    assert "Over the limit of 9; next in line" in page
    assert "1,180 already in an issue; 26 older than 60 days" in page
    assert "An image has no alternative text." in page
    assert "46.2 KB" in page
    assert '<span>Headers and sender</span><span class="muted">2</span>' in page
    assert '<span>Accessibility</span><span class="muted">1 of 2</span>' in page


def test_an_issue_without_blocks_says_how_to_approve_it(editor: TestClient, desk: FakeDesk) -> None:
    passed = tuple(replace(f, passed=True) for f in desk.view.findings)
    desk.view = replace(desk.view, findings=passed)

    page = editor.get("/desk/weekly/41").text

    assert "<code>digest approve weekly/41</code>" in page
    assert "All 5 checks passed" in page


def test_an_issue_that_went_out_shows_its_account(editor: TestClient, desk: FakeDesk) -> None:
    desk.view = replace(
        desk.view,
        state=IssueState.SENT,
        sent_at=NOW - timedelta(hours=3),
        counts=Counts(candidates=10, audience=10, accepted=7, refused=1, uncertain=2),
    )

    page = editor.get("/desk/weekly/41").text

    assert (
        "Went out <strong>Monday 10:05 in Berlin</strong>, 3 hours ago, to <strong>7</strong> subscribers"
        in page
    )
    assert "<dt>Uncertain, not resent automatically</dt><dd>2</dd>" in page
    assert "approve" not in page


def test_the_frame_shows_the_very_bytes_under_a_policy_of_its_own(editor: TestClient) -> None:
    page, frame = editor.get("/desk/weekly/41?width=375"), editor.get("/desk/weekly/41/html")
    policy = frame.headers["content-security-policy"]

    assert frame.text == MAIL
    assert policy.startswith(
        "sandbox; default-src 'none'; img-src 'self' https: data:; style-src 'unsafe-inline'"
    )
    assert "frame-ancestors 'self'" in policy
    assert re.search(r'<iframe class="mail" src="/desk/weekly/41/html\?v=\w+" sandbox=""', page.text)
    assert 'class="frame width-375' in page.text
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("view", "shows"),
    [
        ("text", "<pre>LOCKSTEP WEEKLY 41"),
        ("source", "<pre>&lt;!DOCTYPE html&gt;"),
        ("headers", "<dt>List-Unsubscribe-Post</dt><dd>List-Unsubscribe=One-Click</dd>"),
        ("nonsense", "<iframe"),
    ],
)
def test_the_other_views(editor: TestClient, view: str, shows: str) -> None:
    assert shows in editor.get("/desk/weekly/41", params={"view": view}).text


def test_hostile_text_is_inert_everywhere(editor: TestClient, desk: FakeDesk) -> None:
    """A feed's title, an author, a reason, a header, a section, a check's place."""
    evil = "<script>alert(1)</script>\"'{{ 7*7 }}{% raw %}"
    desk.view = replace(
        desk.view,
        title=evil,
        subject=evil,
        preheader=evil,
        sender=evil,
        text=evil,
        html=evil,
        reason=evil,
        approved_by=evil,
        headers=((evil, evil),),
        layout=Layout(
            lead=replace(teaser(1, evil, evil), url="javascript:alert(1)", topic=evil, language='"><i>'),
            sections=(Section(title=evil, teasers=(teaser(2, evil),)),),
        ),
        findings=(
            FindingView(id=evil, severity='"><b>', passed=False, message=evil, where=evil, family=evil),
        ),
        left_out=(LeftOutArticle(title=evil, reason=evil),),
        earlier={evil: 3},
    )

    for view in ("mail", "text", "source", "headers"):
        page = editor.get("/desk/weekly/41", params={"view": view}).text
        assert page.count("<script") == page.count('<script src="/static/') == 3
        assert "javascript:" not in page
        assert "<i>" not in page
        assert "<b>alert" not in page
        assert html.escape(evil).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page


def test_an_unknown_issue_is_a_page_that_says_so(editor: TestClient) -> None:
    answer = editor.get("/desk/weekly/99")

    assert answer.status_code == 404
    assert "<code>digest status</code>" in answer.text
