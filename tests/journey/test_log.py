"""What an operator does by command and a program by the API, as the activity log tells it afterwards."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from digest.clock import Clock
from digest.model.editor import Role
from digest.web.app import create_app
from digest.wiring import Container
from digest.workflows.operating import tokens
from fakes.activity import actor
from fakes.folders import Command
from fakes.processes import Process

pytestmark = pytest.mark.slow

CANARY = "canary.bird@example.org"
PASSWORD = "tin roof, old rain"


def entries(digest: Command, *words: str) -> list[dict[str, Any]]:
    code, out, _ = digest("log", *words, "--limit", "200", "--json")
    assert code == 0
    found: list[dict[str, Any]] = json.loads(out)["entries"]
    return found


def actions(found: list[dict[str, Any]]) -> list[str]:
    return [entry["action"] for entry in reversed(found)]


def raw(folder: Path) -> str:
    """All that the log holds, as it is kept."""
    file = next(folder.glob("*.db"))
    with sqlite3.connect(file) as look:
        rows = look.execute("SELECT * FROM activity").fetchall()
    look.close()
    assert rows
    return str(rows)


def first_article(digest: Command) -> str:
    found: str = json.loads(digest("plan", "--json")[1])["chosen"][0]["url"]
    return found


def test_every_command_that_does_something_is_told_once_and_names_nobody(
    digest: Command, folder: Path, tmp_path: Path
) -> None:
    people = tmp_path / "people.csv"
    people.write_text(f"email,name\n{CANARY},Canary Bird\nother@example.org,Other\n")

    def did(*words: str, stdin: str = "") -> str:
        code, out, err = digest(*words, stdin=stdin)
        assert code == 0, (words, err)
        return out

    did("collect")
    url = first_article(digest)
    did("exclude", url, "--why", f"{CANARY} asked for it")
    did("feature", url)
    did("subscribers", "import", str(people))
    did("subscribers", "add", "another.canary@example.org", "--name", "Canary Bird")
    did("subscribers", "remove", CANARY)
    did("subscribers", "remove", CANARY)  # changes nothing more
    did("subscribers", "erase", CANARY)
    did("editors", "add", "Ann", "--role", "editor", "--password-stdin", stdin=f"{PASSWORD}\n")
    did("editors", "password", "Ann", "--password-stdin", stdin=f"{PASSWORD}!\n")
    did("editors", "role", "Ann", "admin")
    did("editors", "remove", "Ann")
    token = did("tokens", "add", "cms", "--role", "editor").strip()
    did("tokens", "remove", "cms")
    did("draft")
    did("proof", "latest", "--to", CANARY)
    link = json.loads(did("share", "latest", "--json"))["url"]
    did("approve", "latest")
    did("cancel", "latest")
    did("draft")
    did("send", "--yes")

    found = entries(digest)
    assert actions(found) == [
        "collected",
        "subscribers-imported",  # of the example's own file, by `collect`
        "marked",
        "marked",
        "subscribers-imported",
        "subscriber-added",
        "subscriber-removed",
        "subscriber-erased",
        "account-added",
        "account-password",
        "account-role",
        "account-removed",
        "token-added",
        "token-removed",
        "drafted",
        "proof-sent",
        "shared",
        "approved",
        "cancelled",
        "drafted",
        "approved",
        "sent",
    ]
    by_people = [entry for entry in found if entry["action"] != "sent"]
    assert {entry["door"] for entry in by_people} == {"command-line"}
    assert len({entry["who"] for entry in by_people}) == 1
    assert [entry["detail"] for entry in found if entry["action"] == "proof-sent"] == [
        "proof sent to 1 of 1 addresses"
    ]
    kept = raw(folder).casefold()
    for secret in ("canary", PASSWORD, token, link.rpartition("/")[2]):
        assert secret.casefold() not in kept


def test_the_log_is_narrowed_and_paged(digest: Command) -> None:
    assert digest("collect")[0] == 0
    assert digest("draft")[0] == 0
    assert digest("approve", "latest")[0] == 0
    [newsletter, *_] = {entry["newsletter"] for entry in entries(digest) if entry["newsletter"]}

    assert actions(entries(digest, f"{newsletter}/1")) == ["drafted", "approved"]
    assert actions(entries(digest, newsletter, "--action", "approved")) == ["approved"]
    assert entries(digest, "--door", "api") == []
    assert entries(digest, "--who", "nobody at all") == []
    assert entries(digest, "--since", "2199-01-01") == []
    assert entries(digest, "--until", "2001-01-01") == []
    first = json.loads(digest("log", "--limit", "1", "--json")[1])
    second = json.loads(digest("log", "--limit", "1", "--before", str(first["next"]), "--json")[1])
    assert [first["entries"][0]["action"], second["entries"][0]["action"]] == ["approved", "drafted"]
    assert set(first["entries"][0]) == {
        "id", "at", "newsletter", "subject", "action", "detail", "who", "door", "network",
    }  # fmt: skip

    shown = digest("log", "--limit", "1")
    assert "approved for" in shown[1]
    assert "command line" in shown[1]
    assert f"--before {first['next']}" in shown[2]
    assert digest("log", "--door", "api") == (0, "No entries match.\n", "")
    for wrong in (("--door", "window"), ("--action", "danced"), ("--since", "soon"), ("nothing",)):
        assert digest("log", *wrong)[0] == 2


def test_what_a_program_does_is_told_once_under_its_name(digest: Command, folder: Path) -> None:
    assert digest("collect")[0] == 0
    url = first_article(digest)
    parts = Container.from_file(folder / "digest.toml", environ={}, clock=Clock(None))
    token = tokens.add("cms", role=Role.ADMIN, database=parts.database, by=actor("root"), now=parts.clock())
    doing = Process(parts)
    app = create_app(doing, one_time_secret="")
    name = parts.newsletters[0].name
    issue, of = f"/api/issues/{name}/1", f"/api/newsletters/{name}"
    caller, bearer = ("203.0.113.9", 50_000), {"Authorization": f"Bearer {token}"}
    with TestClient(app, headers=bearer, client=caller) as client:

        def did(path: str, body: object = None) -> Any:
            answer = client.post(path, json=body)
            assert answer.is_success, (path, answer.text)
            return answer.json()

        did(f"{of}/marks", {"url": url, "mark": "excluded", "why": f"{CANARY} asked for it"})
        did(f"{of}/marks", {"url": url, "mark": "unmarked"})
        did(f"{of}/draft")
        did(f"{issue}/proof", {"to": [CANARY, "other@example.org"]})
        link = did(f"{issue}/share", {"days": 1})["url"]
        did(f"{issue}/approve", {"revision": 0})
        text = {"kind": "SetText", "text": "note", "value": f"Write to {CANARY}", "was": ""}
        did(f"{issue}/edits", {"revision": 0, "edits": text})
        did(f"{issue}/approve", {"revision": 1})
        did(f"{issue}/take-back")
        did(f"{issue}/cancel")
        told = client.get("/api/log", params={"door": "api", "limit": 100}).json()["entries"]
        of_issue = client.get(f"{issue}/log").json()["entries"]
    doing.senders.close()
    parts.close()

    assert actions(told) == [
        "marked",
        "marked",
        "drafted",
        "proof-sent",
        "shared",
        "approved",
        "withdrew-approval",
        "approved",
        "withdrew-approval",
        "cancelled",
    ]
    assert {entry["who"] for entry in told} == {"cms (API)"}
    assert actions(of_issue) == actions(told)[2:]
    assert {entry["network"] for entry in told} == {"203.0.113.0/24"}
    assert {entry["network"] for entry in of_issue} == {""}
    assert [entry["id"] for entry in entries(digest, "--door", "api")] == [entry["id"] for entry in told]
    kept = raw(folder).casefold()
    for secret in ("canary", token, link.rpartition("/")[2]):
        assert secret.casefold() not in kept


def test_what_the_schedule_does_is_told_as_its_own(digest: Command) -> None:
    """Of collecting, which it does all day, nothing is told."""
    assert digest("collect")[0] == 0
    assert digest("run", "--once")[0] == 0
    [standing] = json.loads(digest("status", "--json")[1])["newsletters"]
    due = datetime.fromisoformat(standing["next_slots"][0])
    before = entries(digest)[0]["id"]
    assert digest("--now", (due + timedelta(minutes=1)).isoformat(), "run", "--once")[0] == 0

    of_slot = [entry for entry in entries(digest) if entry["id"] > before]
    assert [(entry["action"], entry["who"], entry["door"]) for entry in reversed(of_slot)] == [
        ("drafted", "scheduler", "scheduler"),
        ("approved", "scheduler", "scheduler"),
        ("sent", "", ""),
        ("slot", "scheduler", "scheduler"),
    ]
    assert actions(entries(digest, "--door", "scheduler")) == [
        "drafted",
        "approved",
        "slot",
    ]
