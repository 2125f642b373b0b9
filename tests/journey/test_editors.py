"""What an operator and an editor live through with accounts, by the command line and a real server."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest

from fakes.folders import Command

pytestmark = pytest.mark.slow

PASSWORD = "tin roof, old rain"


@pytest.fixture
def serving(folder: Path, digest: Command) -> Iterator[str]:
    """The address of `digest serve`, after the first account was made."""
    assert digest("editors", "add", "Ann", "--role", "editor", "--password-stdin", stdin=PASSWORD)[0] == 0
    command = [sys.executable, "-m", "digest", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = ""
        while not (found := re.search(r"for editors with an account: (http://\S+)/desk\n", said)):
            line = process.stderr.readline()
            assert line, said
            said += line
        assert "/desk/enter/" not in said
        yield found[1]
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=20)[1]
        assert PASSWORD not in said + rest


class Browser:
    def __init__(self, address: str) -> None:
        self._address = address
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> tuple[int, str, str]:
        """Status, where it ended, and the page."""
        return self._ask(path, None)

    def post(self, path: str, **fields: str) -> tuple[int, str, str]:
        return self._ask(path, urllib.parse.urlencode(fields).encode())

    def log_in(self, name: str, password: str) -> tuple[int, str, str]:
        token = re.search(r'name="token" value="([^"]+)"', self.get("/desk/login")[2])
        assert token
        return self.post("/desk/login", token=token[1], name=name, password=password)

    def _ask(self, path: str, data: bytes | None) -> tuple[int, str, str]:
        try:
            with self._opener.open(self._address + path, data=data, timeout=20) as page:
                return page.status, urllib.parse.urlsplit(page.url).path, page.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, path, error.read().decode()


def test_an_editor_comes_in_until_the_password_is_changed(digest: Command, serving: str) -> None:
    browser = Browser(serving)

    assert browser.log_in("ann", "not the password")[0] == 403
    assert browser.log_in("ann", PASSWORD)[:2] == (200, "/desk")
    assert '<bdi>Ann</bdi><span class="role">, editor</span>' in browser.get("/desk")[2]

    code, out, err = digest("editors", "password", "Ann", "--password-stdin", stdin="old rain, tin roof\n")
    assert (code, out) == (0, "Ann has a new password and is logged out everywhere.\n")
    assert "old rain" not in out + err

    assert browser.get("/desk")[1] == "/desk/login"
    assert browser.log_in("ann", PASSWORD)[0] == 403
    assert browser.log_in("ann", "old rain, tin roof")[:2] == (200, "/desk")

    log = json.loads(digest("editors", "log", "--json")[1])["log"]
    assert [entry["what"] for entry in log] == [
        "logged in",
        "login failed",
        "new password",
        "logged in",
        "login failed",
        "added with the role editor",
    ]
    assert {entry["where"] for entry in log} == {"127.0.0.0/24", "command line"}
    assert PASSWORD not in json.dumps(log)


def test_a_draft_is_shared_until_the_issue_is_cancelled(digest: Command, serving: str) -> None:
    assert digest("collect")[0] == 0
    assert digest("draft")[0] == 0
    code, out, _ = digest("share", "1", "--days", "2", "--json")
    shared = json.loads(out)
    path = urllib.parse.urlsplit(shared["url"]).path
    stranger = Browser(serving)

    assert (code, shared["issue"].endswith("/1"), set(shared)) == (0, True, {"issue", "url", "until"})
    status, _, page = stranger.get(path)
    assert status == 200
    assert "</html>" in page
    assert "/u/" not in page, "a link to leave would be somebody's"
    assert stranger.get(path[:-1] + ("A" if path[-1] != "A" else "B"))[0] == 404
    assert stranger.post(path)[0] == 405
    assert stranger.get("/desk")[1] == "/desk/login"
    assert digest("editors", "log", "--limit", "1", "--json")[1].count("made a share link until") == 1

    assert digest("cancel", shared["issue"])[0] == 0
    assert stranger.get(path)[0] == 404
    assert digest("share", shared["issue"])[0] == 1


def test_a_link_ends(digest: Command, folder: Path) -> None:
    from digest.clock import Clock
    from digest.views.desk import DeskViews
    from digest.wiring import Container

    digest("collect")
    digest("draft")
    shared = json.loads(digest("share", "1", "--days", "2", "--json")[1])
    until = datetime.fromisoformat(shared["until"])
    token = shared["url"].rpartition("/")[2]
    late = Container.from_file(folder / "digest.toml", environ={}, clock=Clock(until))
    try:
        assert DeskViews(late).shared(token) is None
    finally:
        late.close()


def test_accounts_by_the_command_line(digest: Command) -> None:
    """Exit codes and answers are those of the contract; no answer holds a password."""

    def answer(*words: str, stdin: str = "") -> tuple[int, Any]:
        code, out, err = digest("editors", *words, "--json", stdin=stdin)
        assert PASSWORD not in out + err
        return code, json.loads(out)

    added = ("add", "Ann", "--role", "publisher", "--password-stdin")
    assert answer("list") == (0, {"editors": []})
    assert answer(*added, stdin=f"{PASSWORD}\n") == (0, {"name": "Ann", "role": "publisher"})
    assert answer(*added, stdin=f"{PASSWORD}\n")[0] == 1
    assert answer("add", "Bob", "--role", "editor", "--password-stdin", stdin="short")[0] == 1
    assert answer("add", "Bob", "--role", "king", "--password-stdin", stdin=PASSWORD)[0] == 2
    assert answer("add", "Bob", "--role", "editor")[0] == 2, "there is no terminal to ask"
    assert answer("add", "Bob", "--role", "editor", "secret words")[0] == 2, "never as an argument"
    assert answer("role", "ann", "admin") == (0, {"name": "Ann", "role": "admin"})
    assert answer("password", "Bob", "--password-stdin", stdin=PASSWORD)[0] == 2
    code, listed = answer("list")
    [ann] = listed["editors"]
    assert (code, ann["name"], ann["role"], ann["last_seen"]) == (0, "Ann", "admin", None)
    assert set(ann) == {"name", "role", "since", "password_since", "last_seen"}
    assert answer("remove", "ANN") == (0, {"name": "Ann", "removed": True})
    assert answer("remove", "Ann")[0] == 2
    assert [entry["what"] for entry in answer("log")[1]["log"]] == [
        "removed",
        "role admin instead of publisher",
        "added with the role publisher",
    ]


def test_people_read_tables(digest: Command) -> None:
    assert "No accounts yet" in digest("editors", "list")[1]
    added = digest("editors", "add", "Ann", "--role", "admin", "--password-stdin", stdin=PASSWORD)[1]
    assert added.startswith("Ann can log in at ")
    assert added.endswith("/desk as admin.\n")
    assert "Ann" in digest("editors", "list")[1]
    assert "added with the role admin" in digest("editors", "log")[1]
