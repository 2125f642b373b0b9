"""The wheel, as somebody gets it who has never seen the checkout: complete, and the journey works with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).parent / "uv"

pytestmark = pytest.mark.slow


def run(words: Sequence[str | Path], *, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it without anything in the environment that could lead back to the checkout."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"} and not name.startswith("DIGEST_")
    }
    return subprocess.run(words, cwd=folder, env=kept, capture_output=True, text=True, check=False)


def must(words: Sequence[str | Path], *, folder: Path) -> None:
    done = run(words, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution and the wheel that is built from it; somebody's list lay beside the example."""
    folder = tmp_path_factory.mktemp("dist")
    checkout = tmp_path_factory.mktemp("checkout") / "digest"
    shutil.copytree(
        ROOT, checkout, ignore=shutil.ignore_patterns(".git", ".*_cache", ".venv", "dist", "tests")
    )
    (checkout / "subscribers" / "readers.csv").write_text("email\nsomebody@example.org\n")
    must([UV, "build", "-q", "--out-dir", folder], folder=checkout)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    [path] = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def digest(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed from the wheel with the hashed runtime lock into an environment of its own."""
    folder = tmp_path_factory.mktemp("elsewhere")
    install = [UV, "pip", "install", "-q", "--python", folder / "venv" / "bin" / "python"]
    must([UV, "venv", "-q", "--python", sys.executable, folder / "venv"], folder=folder)
    must([*install, "--require-hashes", "-r", ROOT / "requirements.lock"], folder=folder)
    must([*install, "--no-deps", wheel], folder=folder)
    return folder / "venv" / "bin" / "digest"


def files_under(folder: Path, *, beside: Path) -> set[str]:
    return {path.relative_to(beside).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_it_holds_all_that_is_bundled(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    templates = {f"digest/_data/{name}" for name in files_under(ROOT / "templates", beside=ROOT)}
    example = {
        name
        for name in files_under(ROOT / "src" / "digest" / "example", beside=ROOT / "src")
        if "__pycache__" not in name
    }

    assert templates - inside == set()
    assert example - inside == set()
    assert len(example) > 20
    assert {f"digest/checks/caniemail/{name}" for name in ("features.json", "LICENSE", "README.md")} <= inside


def test_it_holds_nobodys_subscribers(wheel: Path) -> None:
    lists = {name for name in zipfile.ZipFile(wheel).namelist() if "/subscribers/" in name}

    assert lists == {"digest/_data/subscribers/README.md", "digest/_data/subscribers/example.csv"}


def test_the_source_distribution_holds_nobodys_subscribers(dist: Path) -> None:
    [sdist] = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        lists = {
            Path(name).name for name in archive.getnames() if "/subscribers/" in name and "/src/" not in name
        }

    assert {name for name in lists if name.endswith(".csv")} == {"example.csv"}


def test_the_journey_works_outside_the_checkout(digest: Path, tmp_path: Path) -> None:
    """The first run sends one mail to each of the 25; the second finds nothing new."""
    first = run([digest, "demo", "--dir", tmp_path / "demo"], folder=tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    assert len(list((tmp_path / "demo" / "outbox").rglob("*.eml"))) == 25

    second = run([digest, "demo", "--dir", tmp_path / "demo"], folder=tmp_path)
    assert second.returncode == 3, second.stdout + second.stderr
    assert len(list((tmp_path / "demo" / "outbox").rglob("*.eml"))) == 25
