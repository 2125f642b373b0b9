"""The desk with accounts: logging in and out, limits, forged forms, roles; and links that share a draft.

The accounts are the real ones, over a database of their own; only a password's
hash costs less here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from httpx2 import Response
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from digest.application.operating import Operating
from digest.model.activity import ActivityKind
from digest.model.editor import Action, Role
from digest.passwords import Cost, Passwords
from digest.storage import activity_log
from digest.storage.database import Database
from digest.web.access import Access, DeskRequest
from digest.web.app import create_app
from digest.web.pages import Pages
from digest.workflows.operating import accounts
from fakes.activity import actor, logged
from web.fake_application import FakeApplication
from web.fake_views import MAIL, SECRET, SITE, Clock

PASSWORD = "tin roof, old rain"
HERE = "http://127.0.0.1:8000"
PUBLIC = SITE.public_url
COOKIE = "__Host-digest"


@dataclass
class Desk:
    """The application, and what stands behind it."""

    app: Starlette
    database: Database
    passwords: Passwords
    clock: Clock

    def browser(self, base: str = PUBLIC, address: str = "203.0.113.9") -> TestClient:
        return TestClient(self.app, base_url=base, client=(address, 50_000), follow_redirects=False)

    def add(self, name: str = "Ann", role: Role = Role.EDITOR) -> None:
        accounts.add(
            name,
            role=role,
            password=PASSWORD,
            database=self.database,
            passwords=self.passwords,
            by=actor("root"),
            now=self.clock(),
        )

    def logged(self) -> list[tuple[str, str, str, str]]:
        return [(e.who, e.detail, e.subject, e.where) for e in reversed(logged(self.database))]


@pytest.fixture
def desk(tmp_path: Path, template: Path) -> Iterator[Desk]:
    file = tmp_path / "digest.db"
    file.write_bytes(template.read_bytes())
    database, clock = Database(f"sqlite:///{file}"), Clock()
    passwords = Passwords(Cost(memory=64, rounds=1, lanes=1))
    parts = SimpleNamespace(database=database, passwords=passwords, clock=clock)
    accounts_of = Operating(parts)  # type: ignore[arg-type]
    fakes = FakeApplication(clock=clock, accounts=accounts_of)
    app = create_app(fakes, one_time_secret=SECRET, read_only=True)
    door = Access(secret="", app=fakes, pages=Pages(site=SITE, clock=clock), public_url=PUBLIC, clock=clock)

    @door.require(Action.APPROVE)
    def approve(visit: DeskRequest) -> PlainTextResponse:
        what, subject = ActivityKind.APPROVED, visit.form["issue"]
        with database.write() as connection:
            activity_log.record(connection, what, "approved", by=visit.who, at=clock(), subject=subject)
        return PlainTextResponse(f"approved by {visit.who.name}")

    # Before the desk's own, which takes every address below /desk.
    app.router.routes.insert(0, Route("/desk/approve", approve, methods=["POST"]))
    yield Desk(app=app, database=database, passwords=passwords, clock=clock)
    database.close()


def token_in(page: Response) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def log_in(browser: TestClient, name: str = "Ann", password: str = PASSWORD, **more: str) -> Response:
    token = token_in(browser.get("/desk/login"))
    return browser.post("/desk/login", data={"token": token, "name": name, "password": password, **more})


def log_out(browser: TestClient) -> Response:
    return browser.post("/desk/logout", data={"token": token_in(browser.get("/desk"))})


# --- logging in -------------------------------------------------------------------


def test_who_logs_in_sees_the_desk_from_anywhere_and_their_name_on_it(desk: Desk) -> None:
    desk.add("Ann <b>", Role.PUBLISHER)
    browser = desk.browser()

    assert browser.get("/desk").headers["location"] == "/desk/login"
    entered = log_in(browser, "Ann <b>")

    assert (entered.status_code, entered.headers["location"]) == (303, "/desk")
    for path in ("/desk", "/desk/weekly/41"):
        page = browser.get(path)
        assert page.status_code == 200
        assert "<bdi>Ann &lt;b&gt;</bdi>" in page.text
        assert ", publisher</span>" in page.text
        assert ">Log out</button>" in page.text
    assert browser.get("/desk/weekly/41/html").text == MAIL


def test_over_https_the_cookie_is_bound_to_the_host(desk: Desk) -> None:
    """RFC 6265bis: the prefix wants Secure, Path=/ and no Domain."""
    desk.add()
    cookies = log_in(desk.browser()).headers.get_list("set-cookie")

    session = next(c for c in cookies if c.startswith(f"{COOKIE}="))
    parts = {part.strip() for part in session.split(";")[1:]}
    assert parts == {"HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=lax", "Secure"}


def test_on_this_machine_a_plain_cookie_does(desk: Desk) -> None:
    """A browser keeps no Secure cookie of http."""
    desk.add()
    browser = desk.browser(HERE, "127.0.0.1")
    session = next(c for c in log_in(browser).headers.get_list("set-cookie") if c.startswith("digest="))

    assert {part.strip() for part in session.split(";")[1:]} == {
        "HttpOnly",
        "Max-Age=2592000",
        "Path=/",
        "SameSite=lax",
    }
    assert browser.get("/desk").status_code == 200


def test_the_plain_cookie_counts_for_nothing_at_the_public_address(desk: Desk) -> None:
    """Another host of the domain could have set it."""
    desk.add()
    browser = desk.browser(HERE, "127.0.0.1")
    log_in(browser)
    stolen = browser.cookies["digest"]

    assert desk.browser().get("/desk", headers={"Cookie": f"digest={stolen}"}).status_code == 303
    assert desk.browser().get("/desk", headers={"Cookie": f"{COOKIE}={stolen}"}).status_code == 200


def test_a_script_that_is_led_to_the_login_leaves_an_open_form_alone(desk: Desk) -> None:
    """A page whose session has ended asks on, while its editor logs in beside it."""
    desk.add()
    browser = desk.browser()
    answer = browser.get("/desk/login", headers={"Sec-Fetch-Dest": "empty"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    assert "set-cookie" in browser.get("/desk/login", headers={"Sec-Fetch-Dest": "document"}).headers


def test_a_login_gives_a_new_session_and_ends_the_one_before(desk: Desk) -> None:
    """A session that somebody else put into the browser is never the one that is logged in."""
    desk.add()
    browser = desk.browser()
    browser.cookies.set(COOKIE, "planted")
    log_in(browser)
    first = browser.cookies.get(COOKIE, domain="news.lockstep.example") or ""
    second = next(
        c.partition(";")[0].partition("=")[2]
        for c in log_in(browser).headers.get_list("set-cookie")
        if c.startswith(f"{COOKIE}=")
    )

    assert len({"planted", first, second}) == 3
    assert desk.browser().get("/desk", headers={"Cookie": f"{COOKIE}={first}"}).status_code == 303
    assert desk.browser().get("/desk", headers={"Cookie": f"{COOKIE}=planted"}).status_code == 303
    assert desk.browser().get("/desk", headers={"Cookie": f"{COOKIE}={second}"}).status_code == 200


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(desk: Desk) -> None:
    desk.add()
    wrong, unknown = (log_in(desk.browser(), name, "not the password") for name in ("Ann", "Eve"))

    assert wrong.status_code == unknown.status_code == 403
    plain = [re.sub(r'value="[^"]*"|nonce="[^"]*"', "", page.text) for page in (wrong, unknown)]
    assert plain[0] == plain[1]
    assert "Wrong name or password." in plain[0]
    assert "not the password" not in wrong.text
    assert not any(c.startswith(f"{COOKIE}=") for c in wrong.headers.get_list("set-cookie"))


@pytest.mark.parametrize("name", ["Ann", "Eve"])
def test_too_many_attempts_are_told_to_wait(desk: Desk, name: str) -> None:
    """Whether there is such an editor or not."""
    desk.add()
    browser = desk.browser()
    for _ in range(5):
        assert log_in(browser, name, "wrong").status_code == 403
    refused = log_in(browser, name)

    assert refused.status_code == 429
    assert "There were too many attempts. Please wait 1 minute and try again." in refused.text
    assert refused.headers["retry-after"] == "60"
    desk.clock.now += timedelta(minutes=1)
    assert log_in(browser, name).status_code == (303 if name == "Ann" else 403)


def test_behind_a_web_server_each_network_has_limits_of_its_own(desk: Desk) -> None:
    desk.add()
    for number in range(20):
        browser = desk.browser(address="127.0.0.1")
        browser.headers["X-Forwarded-For"] = f"9.9.9.9, 198.51.100.{number}"
        assert log_in(browser, f"name {number}", "wrong").status_code == 403
    limited, other = desk.browser(address="127.0.0.1"), desk.browser(address="127.0.0.1")
    limited.headers["X-Forwarded-For"] = "7.7.7.7, 198.51.100.200"
    other.headers["X-Forwarded-For"] = "192.0.2.1"

    assert log_in(limited).status_code == 429
    assert log_in(other).status_code == 303
    assert desk.logged()[-1] == ("Ann", "logged in", "", "192.0.2.0/24")


@pytest.mark.parametrize(
    ("back", "led_to"),
    [
        ("/desk/weekly/41", "/desk/weekly/41"),
        ("https://evil.example/", "/desk"),
        ("//evil.example", "/desk"),
        ("/desk/../u/x", "/desk"),
    ],
)
def test_one_is_led_to_the_page_one_asked_for_and_nowhere_else(desk: Desk, back: str, led_to: str) -> None:
    desk.add()
    browser = desk.browser()

    assert browser.get("/desk/weekly/41").headers["location"] == "/desk/login?back=/desk/weekly/41"
    assert f'name="back" value="{led_to}"' in browser.get("/desk/login", params={"back": back}).text
    assert log_in(browser, back=back).headers["location"] == led_to


def test_looking_at_the_form_says_nothing_about_accounts(desk: Desk) -> None:
    desk.add()
    form = desk.browser().get("/desk/login")

    assert form.status_code == 200
    assert "Ann" not in form.text
    assert form.headers["referrer-policy"] == "same-origin", "or browsers would not tell a form's origin"
    assert form.headers["cache-control"] == "no-store"


# --- until there are accounts -----------------------------------------------------


def test_the_one_time_link_works_until_the_first_account_exists(desk: Desk) -> None:
    early = desk.browser(HERE, "127.0.0.1")
    assert early.get(f"/desk/enter/{SECRET}").headers["location"] == "/desk"
    assert early.get("/desk").status_code == 200
    assert "Log out" not in early.get("/desk").text
    desk.add()

    assert early.get("/desk").headers["location"] == "/desk/login"
    assert early.get(f"/desk/enter/{SECRET}").headers["location"] == "/desk/login"
    assert log_in(early).status_code == 303


def test_without_accounts_there_is_nothing_to_log_in_to(desk: Desk) -> None:
    assert desk.browser().get("/desk").status_code == 404
    assert desk.browser().get("/desk/login").status_code == 404
    assert desk.browser().post("/desk/login", data={"name": "Ann", "password": PASSWORD}).status_code == 404
    assert desk.browser(HERE, "127.0.0.1").get("/desk/login").status_code == 403


# --- the end of a session ---------------------------------------------------------


def test_after_logging_out_the_session_is_dead_everywhere(desk: Desk) -> None:
    desk.add()
    browser = desk.browser()
    log_in(browser)
    session = browser.cookies[COOKIE]
    gone = log_out(browser)

    assert (gone.status_code, gone.headers["location"]) == (303, "/desk/login")
    assert COOKIE not in browser.cookies
    assert desk.browser().get("/desk", headers={"Cookie": f"{COOKIE}={session}"}).status_code == 303


@pytest.mark.parametrize("change", ["password", "role", "removal"])
def test_a_change_of_the_account_ends_its_sessions(desk: Desk, change: str) -> None:
    desk.add()
    desk.add("Bob")
    browsers = [desk.browser(), desk.browser()]
    bob = desk.browser()
    for browser in browsers:
        log_in(browser)
    log_in(bob, "Bob")
    token = token_in(browsers[0].get("/desk"))
    how = {"database": desk.database, "by": actor("root"), "now": desk.clock()}
    if change == "password":
        accounts.change_password("Ann", "old rain, tin roof", passwords=desk.passwords, **how)  # type: ignore[arg-type]
    elif change == "role":
        accounts.change_role("Ann", Role.ADMIN, **how)  # type: ignore[arg-type]
    else:
        accounts.remove("Ann", **how)  # type: ignore[arg-type]

    assert [browser.get("/desk").status_code for browser in browsers] == [303, 303]
    assert browsers[0].post("/desk/approve", data={"token": token}).status_code == 403
    assert bob.get("/desk").status_code == 200


def test_an_idle_session_ends(desk: Desk) -> None:
    desk.add()
    browser = desk.browser()
    log_in(browser)
    desk.clock.now += timedelta(hours=11, minutes=59)
    assert browser.get("/desk").status_code == 200
    desk.clock.now += timedelta(hours=12)
    assert browser.get("/desk").status_code == 303


# --- forged forms -----------------------------------------------------------------


@pytest.fixture
def publisher(desk: Desk) -> TestClient:
    desk.add("Pat", Role.PUBLISHER)
    browser = desk.browser()
    log_in(browser, "Pat")
    return browser


def test_a_form_of_the_desk_is_heeded_and_recorded(desk: Desk, publisher: TestClient) -> None:
    token = token_in(publisher.get("/desk"))
    headers = {"Origin": PUBLIC, "Sec-Fetch-Site": "same-origin"}
    done = publisher.post("/desk/approve", data={"token": token, "issue": "weekly/41"}, headers=headers)

    assert (done.status_code, done.text) == (200, "approved by Pat")
    assert desk.logged()[-1] == ("Pat", "approved", "weekly/41", "203.0.113.0/24")


@pytest.mark.parametrize("path", ["/desk/approve", "/desk/logout"])
@pytest.mark.parametrize("token", [None, "", "forged", "other"])
def test_a_form_without_the_token_of_this_session_changes_nothing(
    desk: Desk, publisher: TestClient, path: str, token: str | None
) -> None:
    desk.add("Eve", Role.ADMIN)
    other = desk.browser()
    log_in(other, "Eve")
    given = {"token": token_in(other.get("/desk")) if token == "other" else token}
    before = desk.logged()

    refused = publisher.post(path, data={k: v for k, v in given.items() if v is not None})

    assert refused.status_code == 403
    assert desk.logged() == before
    assert publisher.get("/desk").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "https://blog.lockstep.example"},
    ],
)
def test_a_form_from_elsewhere_is_refused_even_with_the_token(
    desk: Desk, publisher: TestClient, headers: dict[str, str]
) -> None:
    data = {"token": token_in(publisher.get("/desk")), "issue": "weekly/41"}

    assert publisher.post("/desk/approve", data=data, headers=headers).status_code == 403
    assert "approved" not in [what for _, what, _, _ in desk.logged()]


def test_json_and_other_methods_are_no_way_around_the_token(publisher: TestClient) -> None:
    token = token_in(publisher.get("/desk"))

    assert publisher.post("/desk/approve", json={"token": token, "issue": "weekly/41"}).status_code == 403
    assert publisher.post("/desk/approve", params={"token": token}).status_code == 403
    assert publisher.get("/desk/approve").status_code == 404
    override = {"X-HTTP-Method-Override": "POST"}
    assert publisher.get("/desk/logout", headers=override).status_code == 404
    assert publisher.put("/desk/approve", data={"token": token}).status_code == 405


def test_nobody_is_logged_in_by_a_form_from_elsewhere(desk: Desk) -> None:
    """Or a stranger could make an editor work under the stranger's name."""
    desk.add()
    fields = {"name": "Ann", "password": PASSWORD}
    browser = desk.browser()

    assert browser.post("/desk/login", data=fields).status_code == 403
    token = token_in(browser.get("/desk/login"))
    elsewhere = {"Origin": "https://evil.example"}
    assert browser.post("/desk/login", data={**fields, "token": token}, headers=elsewhere).status_code == 403
    assert desk.browser().post("/desk/login", data={**fields, "token": token}).status_code == 403
    assert browser.post("/desk/login", data={**fields, "token": token}).status_code == 303


# --- roles ------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "status"), [(Role.EDITOR, 403), (Role.PUBLISHER, 200), (Role.ADMIN, 200)])
def test_a_role_that_is_not_enough_is_told_which_is(desk: Desk, role: Role, status: int) -> None:
    desk.add("Ann", role)
    browser = desk.browser()
    log_in(browser)
    answer = browser.post(
        "/desk/approve", data={"token": token_in(browser.get("/desk")), "issue": "weekly/41"}
    )

    assert answer.status_code == status
    assert ("Only a publisher can. Nothing was changed." in answer.text) is (status == 403)


def test_who_came_by_the_link_may_do_everything_with_its_token(desk: Desk) -> None:
    """Who can read the terminal can do so anyway; a page elsewhere still cannot."""
    app = create_app(FakeApplication(clock=desk.clock), one_time_secret=SECRET, read_only=True)
    browser = TestClient(app, base_url=HERE, client=("127.0.0.1", 1), follow_redirects=False)
    browser.get(f"/desk/enter/{SECRET}")

    assert browser.get("/desk").status_code == 200
    assert browser.post("/desk/logout").status_code == 403


# --- share links ------------------------------------------------------------------


def test_a_share_link_shows_the_mail_confined_and_nothing_else(desk: Desk) -> None:
    shown = desk.browser().get("/share/shared")

    assert shown.text == MAIL
    assert shown.headers["content-security-policy"].startswith("sandbox allow-popups")
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
    assert shown.headers["x-robots-tag"] == "noindex, nofollow"
    assert shown.headers["cache-control"] == "no-store"
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in shown.headers


def test_a_share_link_is_for_reading_and_opens_no_door(desk: Desk) -> None:
    desk.add()
    browser = desk.browser()

    assert browser.get("/share/forged").status_code == 404
    assert browser.post("/share/shared").status_code == 405
    browser.get("/share/shared")
    assert browser.get("/desk").status_code == 303


# --- secrets ----------------------------------------------------------------------


def test_no_secret_gets_into_a_log_or_a_page(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.add()
    browser = desk.browser()
    with caplog.at_level(logging.DEBUG):
        pages = [log_in(browser, "Ann", "canary-wrong-password"), log_in(browser), browser.get("/desk")]
        session = browser.cookies[COOKIE]
        pages.append(log_out(browser))

    for secret in ("canary-wrong-password", PASSWORD, session):
        assert secret not in caplog.text
        assert all(secret not in page.text for page in pages)
        assert secret not in repr(desk.logged())
