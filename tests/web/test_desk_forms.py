"""What the forms of home do, over a real newsletter: token, state, and what stands there afterwards."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from digest.clock import Clock
from digest.web.app import create_app
from digest.wiring import Container
from fakes.databases import NOW, store
from fakes.processes import Process
from web.fake_views import SECRET
from web.test_home import SETTINGS


@pytest.fixture
def parts(tmp_path: Path, template: Path) -> Iterator[Container]:
    shutil.copy(template, tmp_path / "digest.db")
    (tmp_path / "digest.toml").write_text(SETTINGS.replace("min_articles = 3", "min_articles = 1"))
    made = Container.from_file(tmp_path / "digest.toml", environ={}, clock=Clock(NOW))
    yield made
    made.close()


@pytest.fixture
def desk(parts: Container) -> Iterator[TestClient]:
    actions = Process(parts)
    app = create_app(actions, one_time_secret=SECRET)
    client = TestClient(
        app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50_000), follow_redirects=False
    )
    client.get(f"/desk/enter/{SECRET}")
    yield client
    actions.senders.close()


def token_of(desk: TestClient) -> str:
    found = re.search(r'name="token" value="([^"]+)"', desk.get("/desk").text)
    assert found
    return found[1]


def test_a_draft_is_made_and_opened(desk: TestClient, parts: Container) -> None:
    with parts.database.write() as connection:
        store(connection, 1, 2)

    answer = desk.post("/desk/weekly/draft", data={"token": token_of(desk)})

    assert (answer.status_code, answer.headers["location"]) == (303, "/desk/weekly/1")
    assert desk.get("/desk/weekly/1").status_code == 200


def test_what_cannot_be_done_is_refused_in_a_sentence(desk: TestClient, parts: Container) -> None:
    with parts.database.write() as connection:
        store(connection, 1)
    token = token_of(desk)
    desk.post("/desk/weekly/draft", data={"token": token})

    paused = desk.post("/desk/weekly/1/pause", data={"token": token})
    nothing = desk.post("/desk/weekly/9/pause", data={"token": token})
    odd = desk.post("/desk/weekly/1/resolve", data={"token": token, "decision": "both"})

    assert (paused.status_code, nothing.status_code, odd.status_code) == (409, 404, 409)
    assert "only a running send can be paused" in paused.text


@pytest.mark.parametrize("path", ["draft", "collect", "1/pause", "1/resume", "1/resolve"])
def test_without_the_forms_token_nothing_is_done(desk: TestClient, parts: Container, path: str) -> None:
    with parts.database.write() as connection:
        store(connection, 1)

    assert desk.post(f"/desk/weekly/{path}", data={"token": "forged"}).status_code == 403
    assert desk.get("/desk/weekly/1").status_code == 404, "no draft was made"
