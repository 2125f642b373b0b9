"""docs/commands.md and the program have the same commands and options, both ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from digest.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
GLOBAL = ""
OPTION = re.compile(r"`(-{1,2}[a-z][a-z-]*)(?: [^`]*)?`")


def programmed() -> dict[str, set[str]]:
    """The options of every command of the program; those of all commands under an empty name."""
    return dict(_commands(typer.main.get_command(app), GLOBAL))


def _commands(command: Any, name: str) -> Iterator[tuple[str, set[str]]]:
    parts = getattr(command, "commands", {})
    if name == GLOBAL or not parts:
        yield name, {option for parameter in command.params for option in _spellings(parameter)}
    for part, inner in parts.items():
        yield from _commands(inner, f"{name} {part}".strip())


def _spellings(parameter: Any) -> list[str]:
    return [name for name in parameter.opts if name.startswith("-") and name != "--help"]


def documented() -> dict[str, set[str]]:
    """The same, from the first columns of the page's tables of options."""
    text = PAGE.read_text(encoding="utf-8")
    head = text.partition("## For every command")[2].partition("\n### ")[0]
    found = {GLOBAL: _options(head) - {"--help"}}
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        name, _, body = section.partition("\n")
        if body.lstrip().startswith("digest "):
            found[name] = _options(body)
    return found


def _options(text: str) -> set[str]:
    rows = re.findall(r"^\| (`-.*?) \|", text, flags=re.MULTILINE)
    return {option for row in rows for option in OPTION.findall(row)}


def _usages() -> dict[str, str]:
    text = PAGE.read_text(encoding="utf-8")
    return dict(re.findall(r"^### (.+)\n\n {4}(digest .+)$", text, flags=re.MULTILINE))


def test_every_command_is_documented_and_no_other() -> None:
    """A command of the program has a section of its own, and no section is about one that does not exist."""
    assert sorted(documented()) == sorted(programmed())


def test_every_option_is_documented_and_no_other() -> None:
    """The tables hold exactly the options of each command."""
    assert documented() == programmed()


def test_usage_lines_name_the_same_options_as_the_tables() -> None:
    """The line that people copy has every option of its table, in its long spelling."""
    for name, usage in _usages().items():
        assert usage.startswith(f"digest {name}"), name
        named = set(re.findall(r"--[a-z][a-z-]*", usage))
        assert named == {option for option in documented()[name] if option.startswith("--")}, name


def test_there_is_a_usage_line_for_every_command() -> None:
    assert sorted(_usages()) == sorted(name for name in programmed() if name != GLOBAL)
