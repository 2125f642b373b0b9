"""A browser of this machine and one from elsewhere, in front of fake ports."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from digest.web.app import create_app
from web.fake_application import FakeApplication
from web.fake_views import SECRET, Clock, FakeDesk, FakeProbes, FakeReaders


@pytest.fixture
def readers() -> FakeReaders:
    return FakeReaders()


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def probes() -> FakeProbes:
    return FakeProbes()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(readers: FakeReaders, desk: FakeDesk, probes: FakeProbes, clock: Clock) -> Starlette:
    fakes = FakeApplication(readers=readers, desk=desk, probes=probes, clock=clock)
    return create_app(fakes, one_time_secret=SECRET, read_only=True)


@pytest.fixture
def outside(app: Starlette) -> TestClient:
    """A reader's browser, or a mail provider."""
    return TestClient(
        app,
        base_url="https://news.lockstep.example",
        client=("203.0.113.9", 50_000),
        follow_redirects=False,
        raise_server_exceptions=False,
    )


@pytest.fixture
def stranger(app: Starlette) -> TestClient:
    """A browser on this machine that has not opened the link."""
    return TestClient(
        app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50_000), follow_redirects=False
    )


@pytest.fixture
def editor(stranger: TestClient) -> TestClient:
    """A browser on this machine that has opened the one-time link."""
    entered = stranger.get(f"/desk/enter/{SECRET}")
    assert entered.status_code == 303
    return stranger
