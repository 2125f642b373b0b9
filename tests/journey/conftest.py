"""The example newsletter in a folder of its own, and the command line on it."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.cli import main
from digest.example import write_demo
from fakes.folders import Command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_demo(tmp_path, now=datetime.now(UTC))
    return tmp_path


@pytest.fixture
def digest(
    folder: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Command:
    def command(*words: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as left:
            main(["--config", str(folder / "digest.toml"), *words])
        said = capfdbinary.readouterr()
        code = left.value.code
        return (code if isinstance(code, int) else 0), said.out.decode(), said.err.decode()

    return command
