"""The JSON answers on docs/commands.md have the fields that the program really gives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from digest.cli import main
from digest.example import write_demo

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def examples() -> dict[str, Any]:
    """The document of each command that has one, by the command's name."""
    sections = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = {}
    for section in sections:
        document = re.search(r"^```json\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        if document:
            found[section.partition("\n")[0]] = json.loads(document[1])
    return found


def fields(document: Any, place: str = "") -> Iterator[str]:
    """Every field of a document, however deep; those of a list's items once."""
    items = document.items() if isinstance(document, dict) else []
    for name, value in items:
        yield f"{place}{name}"
        # Reasons and states as keys differ from day to day, and empty examples say nothing.
        if name not in {"earlier", "subscribers"}:
            yield from fields(value, f"{place}{name}.")
    if isinstance(document, list):
        for item in document:
            yield from fields(item, place)


@pytest.fixture
def answers(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> dict[str, Any]:
    """What the commands answer on the example newsletter, one after the other."""
    write_demo(tmp_path, now=datetime.now(UTC))
    people = tmp_path / "subscribers" / "example.csv"
    people.write_text(f"{people.read_text('utf-8')}nobody\n", "utf-8")  # so that one row is bad

    def answer(*words: str) -> Any:
        with pytest.raises(SystemExit):
            main(["--config", str(tmp_path / "digest.toml"), *words, "--json"])
        return json.loads(capfdbinary.readouterr().out)

    found = {"collect": answer("collect"), "plan": answer("plan"), "draft": answer("draft")}
    found |= {"check": answer("check", "weekly/1"), "send": answer("send"), "status": answer("status")}
    return found


def test_examples_have_the_fields_of_the_answers(answers: dict[str, Any]) -> None:
    """No field of the page is missing in an answer, and no answer has one that the page does not show."""
    shown = {name: set(fields(document)) for name, document in examples().items() if name in answers}
    counts = {f"newsletters.issues.counts.{name}" for name in examples()["send"]["counts"]}
    shown["status"] |= counts  # "`counts` are those of send"
    chosen = {field for field in shown["plan"] if field.startswith("chosen.")}
    shown["plan"] |= {field.replace("chosen.", "left_out.") for field in chosen}  # "the same fields"
    slots = {field for field in shown["status"] if field.startswith("newsletters.recent_slots.")}

    given = {name: set(fields(answers[name])) for name in shown}
    given["status"] |= slots  # no slot has passed here

    assert set(shown) == {"collect", "plan", "check", "send", "status"}
    assert given == shown
