"""Scripts by others are what they are said to be, byte for byte."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "pages" / "static" / "vendor"
ROW = re.compile(
    r"^\| `(?P<file>\S+)` \| .* \| (?P<licence>\S+) \| `(?P<sum>[0-9a-f]{64})` \|$", re.MULTILINE
)


def test_every_vendored_script_has_its_licence_and_its_checksum() -> None:
    told = {row["file"]: row["sum"] for row in ROW.finditer((FOLDER / "README.md").read_text())}

    assert told == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in FOLDER.glob("*.js")}
    for name in told:
        assert (FOLDER / f"{name.partition('.')[0]}.LICENSE").stat().st_size > 300
