"""What docs/architecture.md says is so: its picture, its paths, its places to add something."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from digest.checks import FAMILIES

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
    """Whether it is there; of `looks/NAME/`, where the reader puts a name, the folder before it."""
    name = name.split("NAME", maxsplit=1)[0]
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


def written_by_hand(path: Path) -> set[str]:
    """The names that a file defines at its top and that somebody can add a line to: no comprehension."""
    computed = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        value = node.value
        parts = [value, *value.args] if isinstance(value, ast.Call) else [value]
        if not any(isinstance(part, computed) for part in parts):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def to_edit(cell: str) -> list[tuple[str, Path]]:
    """The names in backticks that a recipe says to edit, each with the file that is to define it.

    "That file" of a check is every family's file.
    """
    pairs = []
    for names, path in re.findall(r"((?:`\w+`(?: or )?)+) (?:of|in) `([\w/]+\.py)`", cell):
        pairs += [(name, ROOT / path) for name in re.findall(r"`(\w+)`", names)]
    for name in re.findall(r"`(\w+)` of that file", cell):
        pairs += [(name, Path(str(family.__file__))) for family in FAMILIES.values()]
    return pairs


def missing(cell: str) -> list[str]:
    return [
        f"{name} in {path.relative_to(ROOT)}"
        for name, path in to_edit(cell)
        if name not in written_by_hand(path)
    ]


@pytest.mark.parametrize("row", table_after("Where do I add …?"), ids=lambda row: row[0])
def test_the_tables_that_the_page_names_are_written_by_hand(row: list[str]) -> None:
    """`OPERATIONS` of a file can be edited there, and the tests that are to prove a change exist."""
    assert missing(row[1]) == []
    proofs = paths_in(row[2])
    assert proofs
    assert all((ROOT / proof).exists() for proof in proofs)


def test_a_recipe_for_a_computed_table_is_seen() -> None:
    """And one for a name that the file does not define."""
    checks = "src/digest/checks/__init__.py"

    assert missing(f"its line in `REGISTRY` of `{checks}`") == [f"REGISTRY in {checks}"]
    assert missing(f"`NOWHERE` or `FAMILIES` in `{checks}`") == [f"NOWHERE in {checks}"]
    assert len(to_edit("its line in `CHECKS` of that file")) == len(FAMILIES)
    assert sum(len(to_edit(row[1])) for row in table_after("Where do I add …?")) >= 20


@pytest.mark.parametrize(
    "page", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=lambda page: page.stem
)
def test_every_file_that_a_decision_names_is_there(page: Path) -> None:
    assert [name for name in code_files_in(page.read_text(encoding="utf-8")) if not found(name)] == []


def test_a_stale_file_name_in_a_decision_is_seen() -> None:
    named = code_files_in("`storage/hot_ledger.py`, `storage/ledger.py` and `model/`, not `text/html`")

    assert [name for name in named if not found(name)] == ["storage/hot_ledger.py"]


def code_files_in(text: str) -> list[str]:
    """Paths in backticks that name a file or folder of the project, not a media type or URL."""
    return re.findall(r"`((?:[\w-]+/)+(?:[\w.-]+\.(?:py|md|html|txt|mjml|json|toml|svg))?)`", text)
