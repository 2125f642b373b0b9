"""The API over a real database and the real application: every operation, and everybody who may not.

`CALLS` exercises every row of the table, and a test holds it to that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

from digest.clock import Clock
from digest.model.editor import Role
from digest.model.issue import IssueState
from digest.passwords import Cost, Passwords
from digest.rules.accounts import includes, least_role
from digest.storage import issues
from digest.web.api.operations import LARGE, OPERATIONS, Operation
from digest.web.app import create_app
from digest.wiring import Container
from digest.workflows.operating import accounts, tokens
from fakes.activity import actor, logged
from fakes.databases import NOW, store, subscribe
from fakes.processes import Process

SETTINGS = """
[site]
name = "Example Engineering"
url = "https://blog.example.com"
public_url = "https://news.example.com"
postal_address = "Example Ltd, 1 Example Street, Example Town"
[newsletters.weekly]
title = "Example Weekly"
sender = "Example <digest@news.example.com>"
timezone = "Europe/Berlin"
schedule = "Tue 09:00"
[[newsletters.weekly.sources]]
kind = "markdown"
path = "posts"
"""
POST = "---\ntitle: From a folder\ndate: 2026-11-23\n---\nIt was written by hand.\n"
ISSUE = "/api/issues/weekly/1"
PUSH = {"newsletter": "weekly", "url": "https://blog.example.com/pushed", "title": "Pushed"}


@dataclass
class Api:
    """The application, its parts, and a token for each role."""

    app: Starlette
    parts: Container
    tokens: dict[Role, str] = field(default_factory=dict)

    def call(
        self, method: str, path: str, body: object = None, *, role: Role = Role.ADMIN, **headers: str
    ) -> Response:
        given = {"authorization": f"Bearer {self.tokens[role]}"} | headers
        return self.raw(method, path, headers=given, json=body)

    def raw(self, method: str, path: str, address: str = "203.0.113.9", **more: Any) -> Response:
        browser = TestClient(
            self.app,
            base_url="https://news.example.com",
            client=(address, 50_000),
            follow_redirects=False,
            raise_server_exceptions=False,
        )
        return browser.request(method, path, **more)

    def get(self, path: str, **more: Any) -> Any:
        answer = self.call("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object = None, *, status: int = 200, **more: Any) -> Any:
        answer = self.call("POST", path, body, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def drafted(self) -> Any:
        return self.post("/api/newsletters/weekly/draft", status=201)["issue"]

    def sending(self) -> None:
        """As if somebody was sending the first issue right now."""
        self.drafted()
        self.post(f"{ISSUE}/approve", {"revision": 0})
        with self.parts.database.write() as connection:
            which = issues.by_number(connection, "weekly", 1)
            assert which is not None
            issues.move(connection, which.id, to=IssueState.SENDING, among=[IssueState.APPROVED])


@pytest.fixture
def api(tmp_path: Path, template: Path) -> Iterator[Api]:
    (tmp_path / "digest.toml").write_text(SETTINGS)
    (tmp_path / "digest.db").write_bytes(template.read_bytes())
    (tmp_path / "secret-keys").write_text("a-key-for-tests\n")
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts" / "one.md").write_text(POST)
    parts = Container.from_file(tmp_path / "digest.toml", environ={}, clock=Clock(NOW))
    with parts.database.write() as connection:
        subscribe(connection, "ann", "ben")
        store(connection, 1, 2, 3, teaser="What it is about.", author="Ann")
    actions = Process(parts)
    app = create_app(actions, one_time_secret="")
    made = Api(app=app, parts=parts)
    for role in Role:
        made.tokens[role] = tokens.add(
            f"a {role}", role=role, database=parts.database, by=actor("root"), now=NOW
        )
    yield made
    actions.senders.close()
    parts.close()


def error(answer: Response) -> Any:
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    return answer.json()["error"]


# --- every operation --------------------------------------------------------------


@dataclass(frozen=True)
class Try:
    """How an operation is called, in which state of the first issue, and what is answered."""

    path: str
    body: object = None
    state: str = "draft"  # none, pushed, draft, approved, sending, paused
    status: int = 200
    holds: str = ""  # what stands in the answer


CALLS = {
    "newsletters": Try("/api/newsletters", state="none", holds='"next_slots":["2026-'),
    "newsletter": Try("/api/newsletters/weekly", holds='"state":"draft"'),
    "plan": Try("/api/newsletters/weekly/plan?all=1", state="none", holds='"title":"Story 1"'),
    "collect": Try("/api/newsletters/weekly/collect", state="none", holds='"new":1'),
    "draft": Try("/api/newsletters/weekly/draft", state="none", status=201, holds='"issue":"weekly/1"'),
    "push": Try("/api/articles", PUSH, status=201, holds='"new":true'),
    "mark": Try(
        "/api/newsletters/weekly/marks",
        {"url": PUSH["url"], "mark": "excluded", "why": "old news"},
        state="pushed",
        holds='"chosen":false,"standing":"It stays out of issue 1: taken out by an editor',
    ),
    "issue": Try(f"{ISSUE}?checks=1", holds='"findings":[{"id":'),
    "html": Try(f"{ISSUE}/html", holds="<html"),
    "text": Try(f"{ISSUE}/text", holds="Story 1"),
    "history": Try(f"{ISSUE}/history", holds='{"revisions":[]}'),
    "issueLog": Try(f"{ISSUE}/log?limit=1", holds='"action":"drafted","detail":"drafted with'),
    "log": Try("/api/log?issue=weekly/1&action=drafted&door=api", holds='"who":"a admin (API)","door":"api"'),
    "leftOut": Try(f"{ISSUE}/left-out", holds='{"articles":[]}'),
    "search": Try(f"{ISSUE}/search?q=nothing", holds='{"articles":[]}'),
    "progress": Try(f"{ISSUE}/progress", state="approved", holds='"state":"approved"'),
    "edit": Try(
        f"{ISSUE}/edits",
        {"revision": 0, "edits": {"kind": "SetText", "text": "subject", "value": "Mine", "was": ""}},
        holds='"subject":"Mine"',
    ),
    "undo": Try(f"{ISSUE}/undo", {"revision": 1}, state="edited", holds='"revision":2'),
    "redo": Try(f"{ISSUE}/redo", {"revision": 2}, state="undone", holds='"revision":3'),
    "share": Try(f"{ISSUE}/share", {"days": 3}, status=201, holds='"ends":"2026-'),
    "proof": Try(f"{ISSUE}/proof", {"to": ["ann@example.org", "ben@example.org"]}, holds='"accepted":true'),
    "approve": Try(f"{ISSUE}/approve", {"revision": 0}, holds='"state":"approved"'),
    "takeBack": Try(f"{ISSUE}/take-back", state="approved", holds='"state":"draft"'),
    "cancel": Try(f"{ISSUE}/cancel", holds='"state":"cancelled"'),
    "pause": Try(f"{ISSUE}/pause", state="sending", holds='"state":"held"'),
    "resume": Try(f"{ISSUE}/resume", state="paused", holds='"issue":"weekly/1"'),
    "resolve": Try(f"{ISSUE}/resolve", {"decision": "skip"}, state="sending", holds='"resolved":0'),
}
ALL = [pytest.param(one, id=one.name) for one in OPERATIONS]
CHANGING = [pytest.param(one, id=one.name) for one in OPERATIONS if one.method != "GET"]


def bring_to(api: Api, state: str) -> None:
    if state in {"sending", "paused"}:
        api.sending()
    elif state == "pushed":
        api.post("/api/articles", PUSH, status=201)
    elif state != "none":
        api.drafted()
    if state == "approved":
        api.post(f"{ISSUE}/approve", {"revision": 0})
    if state == "paused":
        api.post(f"{ISSUE}/pause")
    if state in {"edited", "undone"}:
        api.post(f"{ISSUE}/edits", CALLS["edit"].body)
    if state == "undone":
        api.post(f"{ISSUE}/undo", {"revision": 1})


def everything(api: Api) -> str:
    """What the database holds but for tokens and their use: nothing in it changes where one may not."""
    names = ("article", "issue", "revision", "delivery", "activity", "source")
    with api.parts.database.read() as connection:
        return str([connection.exec_driver_sql(f"SELECT * FROM {name}").all() for name in names])


def test_every_row_of_the_table_is_tried_here() -> None:
    assert sorted(CALLS) == sorted(one.name for one in OPERATIONS)
    assert len({one.name for one in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize("operation", ALL)
def test_an_operation_does_what_it_says_for_the_least_role_that_may(api: Api, operation: Operation) -> None:
    call = CALLS[operation.name]
    bring_to(api, call.state)
    before = everything(api)

    answer = api.call(operation.method, call.path, call.body, role=least_role(operation.action))

    assert answer.status_code == call.status, answer.text
    assert call.status in operation.answers
    assert call.holds in answer.text
    assert (everything(api) != before) == (operation.method == "POST")


@pytest.mark.parametrize("operation", ALL)
def test_without_a_token_nothing_is_told_or_done(api: Api, operation: Operation) -> None:
    call = CALLS[operation.name]
    bring_to(api, call.state)
    before = everything(api)

    answers = [
        api.raw(operation.method, call.path, json=call.body, headers=headers)
        for headers in (
            {},
            {"authorization": "Bearer dgt_wrong"},
            {"authorization": f"Basic {api.tokens[Role.ADMIN]}"},
            {"authorization": api.tokens[Role.ADMIN]},
        )
    ]

    for answer in answers:
        assert answer.status_code == 401
        assert error(answer)["code"] == "token"
        assert answer.headers["www-authenticate"].startswith('Bearer realm="digest"')
    assert 'error="invalid_token"' in answers[1].headers["www-authenticate"]
    assert everything(api) == before


@pytest.mark.parametrize("operation", CHANGING)
def test_a_lesser_role_is_refused(api: Api, operation: Operation) -> None:
    call = CALLS[operation.name]
    least = least_role(operation.action)
    bring_to(api, call.state)
    before = everything(api)

    lesser = [role for role in Role if not includes(role, least)]
    for role in lesser:
        answer = api.call(operation.method, call.path, call.body, role=role)
        assert answer.status_code == 403
        assert error(answer)["code"] == "role"
        assert least.value in error(answer)["message"]
    assert lesser or least is Role.EDITOR
    assert everything(api) == before


@pytest.mark.parametrize("operation", CHANGING)
def test_a_browser_that_is_logged_in_to_the_desk_is_nobody_here(api: Api, operation: Operation) -> None:
    """So no page elsewhere can use it: a cookie alone opens nothing."""
    call, parts = CALLS[operation.name], api.parts
    bring_to(api, call.state)
    word = "tin roof, old rain"
    cheap = Passwords(Cost(memory=64, rounds=1, lanes=1))
    made = {"database": parts.database, "passwords": cheap, "now": NOW}
    accounts.add("Ann", role=Role.ADMIN, password=word, by=actor("root"), **made)  # type: ignore[arg-type]
    session = accounts.log_in("Ann", word, address="203.0.113.9", **made).session  # type: ignore[arg-type]
    before = everything(api)

    cookie = {"cookie": f"__Host-digest={session}; digest_desk={session}"}
    assert api.raw("GET", "/desk", headers=cookie).status_code == 200
    answer = api.raw(operation.method, call.path, json=call.body, headers=cookie)

    assert answer.status_code == 401
    assert everything(api) == before


# --- tokens -----------------------------------------------------------------------


def test_a_removed_token_ends_at_once(api: Api) -> None:
    assert api.call("GET", "/api/newsletters").status_code == 200
    tokens.remove("a admin", database=api.parts.database, by=actor("root"), now=NOW)

    assert api.call("GET", "/api/newsletters").status_code == 401


def test_who_tries_wrong_tokens_has_to_wait_and_who_has_a_right_one_never(api: Api) -> None:
    wrong = {"authorization": "Bearer dgt_wrong"}
    codes = [api.raw("GET", "/api/newsletters", headers=wrong).status_code for _ in range(21)]

    assert codes == [401] * 20 + [429]
    assert api.raw("GET", "/api/newsletters", headers=wrong).headers["retry-after"].isdecimal()
    assert api.raw("GET", "/api/newsletters", "198.51.100.1", headers=wrong).status_code == 401
    assert api.call("GET", "/api/newsletters").status_code == 200


def test_what_was_done_is_in_the_log_by_the_tokens_name_and_network(api: Api) -> None:
    api.drafted()
    api.post(f"{ISSUE}/cancel", role=Role.PUBLISHER)

    entries = logged(api.parts.database, limit=2)
    assert [(e.who, e.what.value, e.subject, e.where) for e in entries] == [
        ("a publisher (API)", "cancelled", "weekly/1", "203.0.113.0/24"),
        ("a admin (API)", "drafted", "weekly/1", "203.0.113.0/24"),
    ]


def test_what_was_refused_is_not_in_the_log(api: Api) -> None:
    before = logged(api.parts.database, limit=100)
    api.post("/api/issues/weekly/7/cancel", status=404)
    api.drafted()
    api.post(f"{ISSUE}/pause", status=409)

    told = logged(api.parts.database, limit=100)
    assert [e.what.value for e in told[: len(told) - len(before)]] == ["drafted"]


# --- articles ---------------------------------------------------------------------


def test_an_article_is_pushed_and_comes_into_the_next_draft(api: Api) -> None:
    body = PUSH | {
        "title": "A & B < C",
        "teaser": "<p>How it <i>began</i>.</p><script>alert(1)</script>",
        "author": "Ann <ann@example.org>",
        "published": "2026-11-24T08:30:00+01:00",
        "image": {"url": "https://blog.example.com/a.jpg", "alt": "A <gate>"},
        "tags": ["Rust", "Rust"],
        "language": "en_gb",
        "featured": True,
    }
    done = api.post("/api/articles", body, status=201, role=Role.EDITOR)

    assert (done["new"], done["chosen"]) == (True, True)
    assert done["standing"].startswith("It comes into issue 1")
    article = done["article"]
    assert article["title"] == "A & B < C", "a title is text, and is printed as it is written"
    assert article["teaser"] == "How it began."
    assert article["published"] == "2026-11-24T07:30:00Z"
    assert (article["tags"], article["language"]) == (["Rust"], "en-GB")
    assert article["image"]["alt"] == "A <gate>"
    assert api.drafted()["layout"]["lead"]["headline"] == "A & B < C"
    assert "A &amp; B &lt; C" in api.call("GET", f"{ISSUE}/html").text

    again = api.post("/api/articles", body)
    assert (again["new"], again["article"]["id"]) == (False, article["id"])
    names = [source["name"] for source in api.get("/api/newsletters/weekly")["sources"]]
    assert names[-1] == "Pushed by programs"


def test_before_anything_is_pushed_it_is_no_source(api: Api) -> None:
    names = [source["name"] for source in api.get("/api/newsletters/weekly")["sources"]]
    assert len(names) == 1


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"title": ""}, ["title"]),
        ({"title": None}, ["title"]),
        ({"published": "2026-11-24T08:00:00"}, ["published"]),
        ({"published": "yesterday"}, ["published"]),
        ({"featured": "yes"}, ["featured"]),
        ({"tags": "one"}, ["tags"]),
        ({"image": {"alt": "no address"}}, ["image.url"]),
        ({"teasr": "A slip of the finger."}, ["teasr"]),
    ],
)
def test_what_is_wrong_in_a_body_is_told_by_field(api: Api, change: Any, fields: list[str]) -> None:
    told = error(api.call("POST", "/api/articles", PUSH | change))

    assert told["code"] == "invalid"
    assert [one["field"] for one in told["fields"]] == fields


@pytest.mark.parametrize("url", ["javascript:alert(1)", "/a-story", "https://user:word@blog.example.com/a"])
def test_an_address_that_no_reader_may_get_is_refused(api: Api, url: str) -> None:
    answer = api.call("POST", "/api/articles", PUSH | {"url": url})

    assert (answer.status_code, error(answer)["code"]) == (422, "no_article")


def test_bodies_have_limits_and_are_json(api: Api) -> None:
    large = PUSH | {"teaser": "word " * 100_000}
    assert api.call("POST", "/api/articles", large).status_code == 201, "half a megabyte is a long story"

    huge = json.dumps(PUSH | {"teaser": "x" * LARGE}).encode()
    headers = {"authorization": f"Bearer {api.tokens[Role.ADMIN]}", "content-type": "application/json"}
    for content in (huge, iter([huge[:LARGE], huge[LARGE:]])):  # the second one does not say how long it is
        answer = api.raw("POST", "/api/articles", content=content, headers=headers)
        assert (answer.status_code, error(answer)["code"]) == (413, "too_large")

    answer = api.raw("POST", "/api/articles", content=b"{", headers=headers)
    assert (answer.status_code, error(answer)["code"]) == (400, "not_json")
    answer = api.raw("POST", "/api/articles", content=b"[" * 60_000, headers=headers)
    assert answer.status_code == 400
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = api.raw("POST", "/api/articles", content=b"{}", headers=headers | {"content-type": kind})
        assert (answer.status_code, error(answer)["code"]) == (415, "media_type")


# --- editing ----------------------------------------------------------------------


def edit_of(kind: str, **values: object) -> dict[str, object]:
    return {"kind": kind, **values}


def test_edits_are_carried_out_in_order(api: Api) -> None:
    stories = api.drafted()["layout"]["sections"][0]["teasers"]
    second = stories[-1]["article_id"]
    done = api.post(
        f"{ISSUE}/edits",
        {
            "revision": 0,
            "edits": [
                edit_of("MakeLead", article=second),
                edit_of(
                    "EditTeaser",
                    article=second,
                    field="headline",
                    value="Better",
                    was=stories[-1]["headline"],
                ),
                edit_of("TakeOut", article=stories[0]["article_id"], reason="told before"),
            ],
        },
    )

    assert (done["done"], done["issue"]["revision"]) == (3, 3)
    assert done["issue"]["layout"]["lead"]["headline"] == "Better"
    [out] = api.get(f"{ISSUE}/left-out")["articles"]
    assert (out["article"]["id"], out["reason"], out["was_taken_out"]) == (
        stories[0]["article_id"],
        "told before",
        True,
    )
    steps = api.get(f"{ISSUE}/history")["revisions"]
    assert [step["number"] for step in steps] == [3, 2, 1, 0]
    assert {step["by"] for step in steps[:3]} == {"a admin (API)"}
    found = api.get(f"{ISSUE}/search?q=story")["articles"]
    assert [one["article"]["id"] for one in found] == [stories[0]["article_id"]]


def test_two_programs_and_one_text_are_a_conflict_with_both(api: Api) -> None:
    api.drafted()
    mine = edit_of("SetText", text="subject", value="Mine", was="")
    theirs = edit_of("SetText", text="subject", value="Theirs", was="")
    note = edit_of("SetText", text="note", value="A note.", was="")
    api.post(f"{ISSUE}/edits", {"revision": 0, "edits": theirs}, role=Role.EDITOR)
    before = everything(api)

    answer = api.call("POST", f"{ISSUE}/edits", {"revision": 0, "edits": [note, mine]})

    told = error(answer)
    assert (answer.status_code, told["code"]) == (409, "conflict")
    assert (told["mine"], told["theirs"], told["by"]) == ("Mine", "Theirs", "a editor (API)")
    assert (told["edit"], told["revision"]) == (1, 1)
    assert everything(api) == before, "the note before it does not stand there either"


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"kind": "PullIn", "article": 999, "section": "", "position": 0}, 404, "not_found"),
        ({"kind": "EditTeaser", "article": 1, "field": "headline", "value": " "}, 409, "not_allowed"),
        ({"kind": "MoveSection", "title": "No such section", "position": 0}, 409, "conflict"),
    ],
)
def test_of_a_list_of_edits_all_are_carried_out_or_none(
    api: Api, wrong: dict[str, object], status: int, code: str
) -> None:
    first = api.drafted()["layout"]["lead"] or {}
    wrong = wrong | ({"was": first.get("headline", "")} if "field" in wrong else {})
    good = edit_of("SetText", text="subject", value="Mine", was="")
    before = everything(api)

    answer = api.call("POST", f"{ISSUE}/edits", {"revision": 0, "edits": [good, good, wrong, good]})

    assert answer.status_code == status, answer.text
    assert (error(answer)["code"], error(answer)["edit"]) == (code, 2)
    assert everything(api) == before


def test_an_edit_that_is_none_is_told_by_field(api: Api) -> None:
    api.drafted()
    for wrong in (
        edit_of("Rewrite"),
        edit_of("Move", article=1, section=""),
        edit_of("Move", article="1", section="", position=0),
        edit_of("PullIn", article=1, teaser={"url": "https://elsewhere.example", "headline": "x"}),
    ):
        answer = api.call("POST", f"{ISSUE}/edits", {"revision": 0, "edits": [wrong]})
        assert answer.status_code == 422
        assert error(answer)["fields"][0]["field"].startswith("edits.0")
    assert api.get(ISSUE)["revision"] == 0


def test_an_approval_holds_only_for_what_was_looked_at(api: Api) -> None:
    api.drafted()
    api.post(f"{ISSUE}/edits", CALLS["edit"].body)

    assert error(api.call("POST", f"{ISSUE}/approve", {"revision": 0}))["code"] in {"busy", "not_allowed"}
    done = api.post(f"{ISSUE}/approve", {"revision": 1, "when": "slot"}, role=Role.PUBLISHER)
    assert (done["state"], done["approved_by"]) == ("approved", "a publisher (API)")
    assert done["counts"]["audience"] == 2


def test_a_check_that_blocks_is_named_and_can_be_overridden_by_name(api: Api) -> None:
    api.post("/api/articles", PUSH | {"url": "http://10.0.0.1/at-home", "featured": True}, status=201)
    api.drafted()
    answer = api.call("POST", f"{ISSUE}/approve", {"revision": 0})

    told = error(answer)
    assert (answer.status_code, told["code"]) == (409, "blocked")
    assert {one["id"] for one in told["checks"]} == {"link-url"}
    assert "overrides" in told["mend"]
    done = api.post(f"{ISSUE}/approve", {"revision": 0, "overrides": ["link-url"]})
    assert (done["state"], done["overrides"]) == ("approved", ["link-url"])


@pytest.mark.parametrize("when", ["soon", "2026-11-24", 5, None])
def test_a_time_that_is_none_approves_nothing(api: Api, when: object) -> None:
    api.drafted()
    assert api.call("POST", f"{ISSUE}/approve", {"revision": 0, "when": when}).status_code == 422
    assert api.get(ISSUE)["state"] == "draft"


def test_an_address_that_is_none_gets_no_proof(api: Api) -> None:
    api.drafted()
    for to in ([], ["nobody"], ["a@example.org\nBcc: b@example.org"], ["a@example.org"] * 11):
        assert api.call("POST", f"{ISSUE}/proof", {"to": to}).status_code == 422


# --- what is not there -------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/api/newsletters/monthly",
        "/api/newsletters/monthly/plan",
        "/api/issues/weekly/7",
        "/api/issues/monthly/1/html",
        "/api/issues/weekly/99999999999999999999999",
        "/api/issues/weekly/latest",
        "/api/nothing",
    ],
)
def test_what_is_not_there_is_told_as_json(api: Api, path: str) -> None:
    answer = api.call("GET", path)
    assert (answer.status_code, error(answer)["code"]) == (404, "not_found")


def test_another_method_is_told_as_json_with_what_there_is(api: Api) -> None:
    answer = api.call("GET", f"{ISSUE}/approve")
    assert (answer.status_code, error(answer)["code"]) == (405, "method")
    assert answer.headers["allow"] == "POST"
    assert api.call("DELETE", ISSUE).headers["allow"] == "GET, HEAD"


def test_a_query_that_is_not_known_is_refused(api: Api) -> None:
    api.drafted()
    for path in (f"{ISSUE}?cheks=1", f"{ISSUE}?checks=perhaps", f"{ISSUE}/search", f"{ISSUE}/search?q="):
        answer = api.call("GET", path)
        assert (answer.status_code, error(answer)["code"]) == (422, "invalid")


def test_a_fault_of_ours_is_told_without_its_inside(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("the inside")

    monkeypatch.setattr(Process, "find", broken)
    answer = api.call("GET", ISSUE)
    assert (answer.status_code, error(answer)["code"]) == (500, "broken")
    assert "inside" not in answer.text


def test_a_mail_in_an_answer_can_run_nothing(api: Api) -> None:
    api.drafted()
    answer = api.call("GET", f"{ISSUE}/html")
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"


# --- marks and links ----------------------------------------------------------------


def marked(api: Api, mark: str, **more: str) -> Any:
    body = {"url": PUSH["url"], "mark": mark, **more}
    [found] = api.post("/api/newsletters/weekly/marks", body)["articles"]
    return found


def test_a_mark_decides_on_an_article_and_can_be_taken_back(api: Api) -> None:
    api.post("/api/articles", PUSH, status=201)
    before = marked(api, "unmarked")
    featured = marked(api, "featured")
    excluded = marked(api, "excluded", why="old news")
    after = marked(api, "unmarked")

    assert before["chosen"]
    assert featured["standing"] == "It comes into issue 1: featured by an editor."
    assert (excluded["chosen"], excluded["article"]["title"]) == (False, "Pushed")
    assert excluded["standing"] == "It stays out of issue 1: taken out by an editor."
    assert after == before
    assert after["open_issue"] == ""


def test_a_mark_leaves_the_issue_that_is_begun_and_says_so(api: Api) -> None:
    api.post("/api/articles", PUSH, status=201)
    drafted = api.drafted()

    assert marked(api, "excluded")["open_issue"] == "weekly/1"
    assert api.get(ISSUE)["layout"] == drafted["layout"]


def test_only_what_is_known_to_this_newsletter_is_marked(api: Api) -> None:
    body = {"url": "https://elsewhere.example/", "mark": "featured"}
    answer = api.call("POST", "/api/newsletters/weekly/marks", body)

    assert (answer.status_code, error(answer)["code"]) == (404, "not_found")
    wrong = api.call("POST", "/api/newsletters/weekly/marks", body | {"mark": "liked"})
    assert error(wrong)["fields"][0]["field"] == "mark"


def test_a_link_shows_the_draft_to_somebody_without_a_token_until_it_ends(api: Api) -> None:
    api.drafted()
    made = api.post(f"{ISSUE}/share", {"days": 2}, status=201, role=Role.EDITOR)

    path = made["url"].removeprefix("https://news.example.com")
    ends = datetime.fromisoformat(made["ends"])
    assert NOW <= ends - timedelta(days=2) <= api.parts.clock()
    assert "Story 1" in api.raw("GET", path).text
    assert logged(api.parts.database, limit=1)[0].who == "a editor (API)"
    api.post(f"{ISSUE}/cancel")
    assert api.raw("GET", path).status_code == 404
    assert error(api.call("POST", f"{ISSUE}/share", {"days": 2}))["code"] == "not_allowed"


@pytest.mark.parametrize("days", [0, 91, "7", None])
def test_a_link_without_an_end_within_ninety_days_is_not_made(api: Api, days: object) -> None:
    api.drafted()
    answer = api.call("POST", f"{ISSUE}/share", {"days": days})

    assert (answer.status_code, error(answer)["fields"][0]["field"]) == (422, "days")


# --- the document and its page ------------------------------------------------------


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for one in part.values():
            yield from references(one)
    elif isinstance(part, list):
        for one in part:
            yield from references(one)


def test_the_document_is_whole(api: Api) -> None:
    answer = api.raw("GET", "/api/openapi.json")
    document = answer.json()

    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "https://news.example.com"}]
    components = document["components"]
    known = {f"#/components/{kind}/{name}" for kind in components for name in components[kind]}
    assert set(references(document)) <= known
    shapes = {f"#/components/schemas/{name}" for name in components["schemas"]}
    assert shapes == {ref for ref in references(document) if ref in shapes}, "and nothing stands there unused"
    ids = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert sorted(ids) == sorted(CALLS)
    for path, methods in document["paths"].items():
        for described in methods.values():
            named = {p["name"] for p in described.get("parameters", []) if p["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))
            assert {"401", "403"} <= set(described["responses"])
            assert described["summary"]
    kinds = components["schemas"]["EditsRequest"]["properties"]["edits"]
    assert "SetText" in json.dumps(kinds)
    assert "teaser" not in components["schemas"]["PullIn"]["properties"]


def test_the_page_shows_every_operation_and_shape_without_a_script(api: Api) -> None:
    answer = api.raw("GET", "/api/docs")
    page, policy = answer.text, answer.headers["content-security-policy"]

    assert answer.status_code == 200
    assert "<script" not in page
    assert "script-src" not in policy or "'unsafe" not in policy
    for operation in OPERATIONS:
        assert f'id="{operation.name}"' in page
        assert f"<code>{operation.path}</code>" in page
    document = api.raw("GET", "/api/openapi.json").json()
    names = re.findall(r'id="(\w+)"', page)
    assert len(names) == len(set(names))
    assert set(document["components"]["schemas"]) <= set(names)
    assert set(re.findall(r'href="#(\w+)"', page)) <= set(names)
    assert api.raw("GET", "/api").headers["location"] == "/api/docs"
