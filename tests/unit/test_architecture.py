"""What docs/architecture.md says is so: its picture, its paths, its places to add something."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

import draw_architecture as drawing  # noqa: E402

PAGE = ROOT / "docs" / "architecture.md"


def table_after(heading: str) -> list[list[str]]:
    """The rows of the table under a heading, without its head."""
    text = PAGE.read_text(encoding="utf-8").split(f"## {heading}")[1].split("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip("|"))] for row in rows[2:]]


def paths_in(text: str) -> list[str]:
    """What a page names in backticks that looks like a file or folder of the project."""
    named = re.findall(r"`([\w./-]+/[\w.-]*|[\w./-]+\.(?:py|md))`", text)
    return [name for name in named if not name.startswith("docs/images")]


def found(name: str) -> bool:
    return any((base / name).exists() for base in (ROOT, ROOT / "src" / "digest"))


def test_the_picture_is_what_the_imports_draw() -> None:
    """`./dev picture` draws it again."""
    assert drawing.PICTURE.read_text(encoding="utf-8") == drawing.drawn()


def test_the_picture_has_every_room_and_no_arrow_upward() -> None:
    floors = drawing.floors()
    height = {room: number for number, floor in enumerate(floors) for room in floor}

    assert set(height) == set(drawing.CAPTIONS)
    arrows = [(room, other) for room, below in drawing.imports().items() for other in below]
    assert len(arrows) > 50
    assert [(a, b) for a, b in arrows if height[a] >= height[b]] == []


def test_an_arrow_is_left_out_only_where_others_say_the_same() -> None:
    arrows = {"a": {"b", "c"}, "b": {"c"}, "c": set()}

    assert drawing.without_detours(arrows) == {"a": {"b"}, "b": {"c"}, "c": set()}


def test_every_file_that_the_page_names_is_there() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = paths_in(text)

    assert len(named) > 30
    assert [name for name in named if not found(name)] == []
    assert paths_in("`no/such/file.py` and `a/folder/`") == ["no/such/file.py", "a/folder/"]


def test_every_room_has_its_row() -> None:
    rows = " ".join(row[0] for row in table_after("The floors"))
    named = set(re.findall(r"`(\w+)`", rows))

    assert set(drawing.CAPTIONS) - named <= {
        "passwords",
        "example",
        "scaffold",
        "clock",
        "package_data",
        "setting_types",
    }
    assert named <= set(drawing.CAPTIONS)


@pytest.mark.parametrize("row", table_after("Where do I add …?"), ids=lambda row: row[0])
def test_the_tables_that_the_page_names_exist(row: list[str]) -> None:
    """`OPERATIONS` of a file is really there, and so are the tests that are to prove a change."""
    for name, path in re.findall(r"`(\w+)` (?:of|in) `src/([\w/]+)\.py`", row[1]):
        module = import_module(path.replace("/", ".").removesuffix(".__init__"))
        assert hasattr(module, name), (name, path)
    proofs = paths_in(row[2])
    assert proofs
    assert all((ROOT / proof).exists() for proof in proofs)
