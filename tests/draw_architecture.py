"""Draws docs/images/architecture.svg: the floors as pyproject.toml has them, the arrows as the code has them.

`./dev picture` runs it, and a test compares what it draws with the file that is
committed.  An arrow is left out where a longer way of arrows says the same, so
that what remains can be read.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "digest"
PICTURE = ROOT / "docs" / "images" / "architecture.svg"

CAPTIONS = {
    "cli": "the command line",
    "web": "readers, desk, API, hooks",
    "jobs": "timer and sender threads",
    "application": "every action, bound once",
    "views": "what is shown, as values",
    "wiring": "builds the parts from settings",
    "workflows": "the story in order",
    "settings": "digest.toml",
    "sources": "feeds, listings, Markdown",
    "rendering": "Jinja2, MJML, premailer",
    "media": "copies of pictures",
    "storage": "the database",
    "transports": "a folder per provider",
    "dispatch": "rate, workers, liveness",
    "external_checks": "links, images, spam",
    "passwords": "argon2id",
    "example": "the demo site",
    "scaffold": "what init writes",
    "clock": "now",
    "setting_types": "values of one key",
    "fetch": "the guarded HTTP client",
    "message": "MIME: compile, splice, sign",
    "checks": "the pre-flight rules",
    "rules": "the decisions",
    "model": "the nouns",
    "errors": "one tree of errors",
    "package_data": "bundled files",
}
SVG = "http://www.w3.org/2000/svg"
UNDRAWN = {"__main__", "__init__"}

BOX_WIDTH, BOX_HEIGHT, GAP, FLOOR_GAP, MARGIN = 176, 50, 14, 46, 20
MOST_IN_A_ROW = 6

STYLE = """
text{font-family:system-ui,sans-serif;fill:#1b2327}.name{font-size:14px;font-weight:600}
.caption{font-size:11px;fill:#56646b}rect{fill:#fff;stroke:#b9c5ca}.ground{fill:#f6f8f9;stroke:none}
path{fill:none;stroke:#0b5f6b;stroke-opacity:.45;stroke-width:1.2}
@media(prefers-color-scheme:dark){text{fill:#e7edef}.caption{fill:#a3b1b7}rect{fill:#1d262a;stroke:#41505a}
.ground{fill:#12181b}path{stroke:#7cc7d0}}
""".strip().replace("\n", "")


class Place(NamedTuple):
    x: float
    y: float


def main() -> None:
    PICTURE.write_text(drawn(), encoding="utf-8")
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)} is drawn.\n")


def drawn() -> str:
    """The picture, as the code is now."""
    rows = list(_rows(floors()))
    places = _places(rows)
    width = 2 * MARGIN + MOST_IN_A_ROW * BOX_WIDTH + (MOST_IN_A_ROW - 1) * GAP
    height = 2 * MARGIN + len(rows) * BOX_HEIGHT + (len(rows) - 1) * FLOOR_GAP
    arrows = [
        _arrow(places[room], places[other])
        for room, below in sorted(without_detours(imports()).items())
        for other in sorted(below)
    ]
    boxes = [_box(room, place) for room, place in sorted(places.items())]
    title = "The rooms of digest, and which imports which"
    return "\n".join(
        [
            f'<svg xmlns="{SVG}" viewBox="0 0 {width} {height}" role="img" aria-label="{title}">',
            f"<title>{title}</title><style>{STYLE}</style>",
            f'<rect class="ground" width="{width}" height="{height}"/>',
            *arrows,
            *boxes,
            "</svg>\n",
        ]
    )


def floors() -> list[list[str]]:
    """The rooms of each floor, the top one first, by the import contract."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [contract] = [one for one in settings["tool"]["importlinter"]["contracts"] if one["id"] == "floors"]
    found = [[room.strip() for room in floor.split("|")] for floor in contract["layers"]]
    return [kept for floor in found if (kept := [room for room in floor if room not in UNDRAWN])]


def imports() -> dict[str, set[str]]:
    """Which rooms each room imports, anywhere in its files."""
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room not in UNDRAWN:
            found.setdefault(room, set()).update(set(_imported(path)) - {room})
    return found


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("digest."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.ImportFrom) and node.module == "digest":
            yield from (one.name for one in node.names if one.name in CAPTIONS)
        elif isinstance(node, ast.Import):
            yield from (one.name.split(".")[1] for one in node.names if one.name.startswith("digest."))


def without_detours(arrows: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Only the arrows that no other way of arrows replaces (the transitive reduction)."""

    def reached(room: str) -> set[str]:
        below = arrows.get(room, set())
        return below.union(*(reached(one) for one in below))

    return {
        room: {one for one in below if not any(one in reached(other) for other in below - {one})}
        for room, below in arrows.items()
    }


def _rows(floors: list[list[str]]) -> Iterator[list[str]]:
    """A floor with many rooms takes several rows."""
    for floor in floors:
        count = -(-len(floor) // MOST_IN_A_ROW)
        size = -(-len(floor) // count)
        yield from (floor[begin : begin + size] for begin in range(0, len(floor), size))


def _places(rows: list[list[str]]) -> dict[str, Place]:
    whole = MOST_IN_A_ROW * BOX_WIDTH + (MOST_IN_A_ROW - 1) * GAP
    found = {}
    for number, row in enumerate(rows):
        used = len(row) * BOX_WIDTH + (len(row) - 1) * GAP
        left = MARGIN + (whole - used) / 2
        for position, room in enumerate(row):
            found[room] = Place(
                left + position * (BOX_WIDTH + GAP), MARGIN + number * (BOX_HEIGHT + FLOOR_GAP)
            )
    return found


def _arrow(begin: Place, end: Place) -> str:
    x, y = begin.x + BOX_WIDTH / 2, begin.y + BOX_HEIGHT
    to_x, to_y = end.x + BOX_WIDTH / 2, end.y
    middle = (y + to_y) / 2
    return f'<path d="M{x:g} {y:g}C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}"/>'


def _box(room: str, place: Place) -> str:
    middle = place.x + BOX_WIDTH / 2
    return (
        f'<g><rect x="{place.x:g}" y="{place.y:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8"/>'
        f'<text class="name" text-anchor="middle" x="{middle:g}" y="{place.y + 22:g}">{escape(room)}</text>'
        f'<text class="caption" text-anchor="middle" x="{middle:g}" y="{place.y + 39:g}">'
        f"{escape(CAPTIONS[room])}</text></g>"
    )


if __name__ == "__main__":
    main()
