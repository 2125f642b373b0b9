"""What programs that share no code with us say about the mailings: asked once, about all of them.

The judges' names and versions are in `package.json`; those that are not written in
JavaScript come from Debian.  Each must also find what is wrong with a spoiled copy:
a judge that never finds anything is none.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from data.issues.mailings import NAMES, mailing

HERE = Path(__file__).parent
NODE = "node"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for a `name` is run for every mailing."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", NAMES)


@pytest.fixture(scope="session")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `judge.mjs` said, by file: NAME.mjml, NAME.html, NAME.eml, and the spoiled ones."""
    if missing := _missing_packages():
        pytest.skip(f"not installed by npm: {', '.join(missing)}; ./dev test --all brings them")
    folder = tmp_path_factory.mktemp("mailings")
    for name in NAMES:
        _lay_out(folder, name)
    for name, content in spoiled().items():
        (folder / name).write_bytes(content)
    done = subprocess.run(
        [NODE, HERE / "judge.mjs", folder, *_browser()],
        capture_output=True,
        check=False,
        timeout=300,
        env=os.environ | {"HOME": str(tmp_path_factory.mktemp("home"))},  # where a browser leaves its traces
    )
    assert done.returncode == 0, done.stderr.decode()
    verdicts: dict[str, Any] = json.loads(done.stdout)
    return verdicts


def _missing_packages() -> list[str]:
    pinned = json.loads((HERE / "package.json").read_text())["dependencies"]
    return [f"{name} {version}" for name, version in pinned.items() if _installed(name) != version]


def _installed(name: str) -> str:
    described = HERE / "node_modules" / name / "package.json"
    return str(json.loads(described.read_text())["version"]) if described.exists() else ""


def _browser() -> list[str]:
    found = shutil.which("chromium")
    return [found] if found else []


def _lay_out(folder: Path, name: str) -> None:
    made = mailing(name)
    (folder / f"{name}.mjml").write_text(made.mjml)
    (folder / f"{name}.html").write_text(made.message.html)
    (folder / f"{name}.eml").write_bytes(made.message.raw)


def spoiled() -> dict[str, bytes]:
    """Copies with one fault each, named after it."""
    made = mailing("mixed")
    html, raw = made.message.html, made.message.raw
    return {
        "unknown-attribute.mjml": _changed(made.mjml, "<mj-wrapper ", '<mj-wrapper paddin="3px" '),
        "misplaced-element.mjml": _changed(made.mjml, "<mj-section", "<mj-text>x</mj-text><mj-section"),
        "wrong-unit.mjml": _changed(made.mjml, 'padding="28px ', 'padding="3 feet '),
        "changed-word.mjml": _changed(made.mjml, "answered", "did not answer").replace(
            b"/posts/", b"/post/", 1
        ),
        "unclosed-element.html": _changed(html, "</h1>", ""),
        "image-without-alt.html": _changed(html, ' alt=""', ""),
        "pale.html": _changed(html, "color:#34383B", "color:#C4C8CB"),
        "pale-in-the-dark.html": _changed(html, "color:#D0D1D0 !important", "color:#34383B !important"),
        "too-wide.html": _changed(html, "<h1 ", '<p style="width:400px">x</p><h1 '),
        "wrong-encoding.eml": raw.replace(b"quoted-printable", b"7bit").replace(
            b"List-Unsubscribe: <https://", b"List-Unsubscribe: =?utf-8?q?=3Chttps://"
        ),
    }


def _changed(text: str, old: str, new: str) -> bytes:
    assert old in text, f"There is no {old} any more: spoil something else."
    return text.replace(old, new).encode()
