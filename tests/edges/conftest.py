"""What the tests of the edges share: a database that is migrated once, to be copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.databases import make_template


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template"))
