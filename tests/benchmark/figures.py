"""What a benchmark measured, for programs: a line of JSON for each figure, beside what it prints for people.

A figure is known by its name, which begins with that of its benchmark, so that
`./dev bench --against` finds it again in another revision.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "DIGEST_BENCH_FILE"  # names the file; without it figures are only printed


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float
    unit: str  # "ms", "/s", "MB", "times" and so on; empty for a bare number

    @property
    def is_better_when_more(self) -> bool:
        return self.unit in {"/s", "times", "ratio"}


def note(name: str, value: float, unit: str) -> None:
    """Add one figure to the file that DIGEST_BENCH_FILE names; nothing where it names none."""
    if path := os.environ.get(FILE):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(Figure(name, value, unit))) + "\n")


def noted(path: Path) -> list[Figure]:
    """What was added to the file; nothing where there is none."""
    if not path.exists():
        return []
    return [Figure(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]
