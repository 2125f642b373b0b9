"""OpenDKIM, which shares no line with our signer or with dkimpy, verifies what we sign."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from data.issues.mailings import DKIM_NAME, NAMES, dkim_record, signed

pytestmark = pytest.mark.needs("opendkim")

GOOD = "verification (s=digest1, d=news.lockstep.example, 2048-bit key) succeeded"


@pytest.fixture(scope="session")
def said(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Its sentence for each message; the exit code is 0 whatever it says."""
    folder = tmp_path_factory.mktemp("signed")
    for name, raw in ({name: signed(name) for name in NAMES} | flipped()).items():
        (folder / name).write_bytes(raw)
    names = [path.name for path in folder.iterdir()]
    (folder / "dns").write_text(f"{DKIM_NAME} {dkim_record()}\n")
    (folder / "conf").write_text(f"Mode v\nTestDNSData file:{folder}/dns\n")
    done = subprocess.run(
        [_program(), "-x", "conf", "-t", ",".join(names)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return dict(re.findall(r"^opendkim: (\S+): (.+)$", done.stdout + done.stderr, re.MULTILINE))


def test_the_signature_holds(name: str, said: Mapping[str, str]) -> None:
    assert said[name] == GOOD


@pytest.mark.parametrize("where", ["subject", "list-unsubscribe", "body", "signature"])
def test_it_breaks_with_one_byte(where: str, said: Mapping[str, str]) -> None:
    assert "succeeded" not in said[f"flipped-{where}"]


def flipped() -> dict[str, bytes]:
    """One byte is another, once for each place."""
    raw = signed("mixed")
    places = {
        "subject": raw.index(b"\r\nSubject: ") + 24,
        "list-unsubscribe": raw.index(b"\r\nList-Unsubscribe: ") + 40,
        "body": len(raw) // 2,
        "signature": raw.index(b"\r\nFrom:") - 20,
    }
    return {
        f"flipped-{where}": raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :] for where, at in places.items()
    }


def _program() -> Path:
    """It stands where only root's PATH leads."""
    found = shutil.which("opendkim") or "/usr/sbin/opendkim"
    return Path(found)
