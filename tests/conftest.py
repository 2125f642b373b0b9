"""What every test may ask for: programs that Python packages cannot bring, the shared folder, a database."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from compiled import compile_once
from workers import Schedule, long_first

# A slow machine is no failure.
settings.register_profile("digest", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("digest")
compile_once()

ROOT = Path(__file__).resolve().parent.parent
NO_SHARED_FOLDER = "the folder ../shared is not here"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Schedule:
    return Schedule(config, log)


@pytest.hookimpl(trylast=True)  # after they have been mixed
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        long_first(items)


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Examples that lie beside the checkout on some machines: the one thing that may always be absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(NO_SHARED_FOLDER)
    return folder


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that is migrated once, to be copied."""
    from fakes.databases import make_template  # most tests of the rules need no database

    return make_template(tmp_path_factory.mktemp("template"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        for program in mark.args:
            if not (shutil.which(program) or shutil.which(program, path="/usr/sbin")):
                pytest.skip(f"{program} is not installed; ./dev test --all brings it")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under `./dev test --all` a test that did not run is a test that failed."""
    report = yield
    if report.skipped and os.environ.get("DIGEST_TEST_ALL") and not _may_skip(report):
        report.outcome = "failed"
        report.longrepr = f"skipped under --all: {_reason(report)}"
    return report


def _may_skip(report: pytest.TestReport) -> bool:
    is_expected_failure = hasattr(report, "wasxfail")
    return is_expected_failure or NO_SHARED_FOLDER in _reason(report)


def _reason(report: pytest.TestReport) -> str:
    where = report.longrepr
    return str(where[2]) if isinstance(where, tuple) else str(where)
