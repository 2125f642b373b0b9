"""Writes a new newsletter folder for `digest init`: commented settings, a list, a templates folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from digest.errors import NotAllowed


def write_newsletter(folder: Path, *, values: Mapping[str, str], source: str) -> list[Path]:
    """Create a newsletter folder and return the files written.

    `values` fills the placeholders of the settings; they are written as TOML
    strings, whatever they contain.  `source` is the table of the first source.

    Raises:
        NotAllowed: the folder already contains a digest.toml, or cannot be written.
    """
    settings = folder / "digest.toml"
    if settings.exists():
        raise NotAllowed(f"{settings} already exists.", mend="Choose another folder, or edit that file.")
    text = _text("digest.toml.in")
    for name, value in values.items():
        text = text.replace(f"@{name}@", json.dumps(value, ensure_ascii=False))
    try:
        return [
            _write(settings, text.replace("@source@", source)),
            _write(folder / "subscribers" / "weekly.csv", _text("weekly.csv")),
            _write(folder / "templates" / "README.md", _text("templates.md")),
            _write(folder / ".gitignore", _text("gitignore")),
        ]
    except OSError as error:
        raise NotAllowed(f"{folder} cannot be written: {error.strerror}.") from error


def source_table(kind: str, location: Mapping[str, str]) -> str:
    """A `[[newsletters.weekly.sources]]` table as TOML."""
    lines = ["[[newsletters.weekly.sources]]", f'kind = "{kind}"']
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in location.items()]
    return "\n".join(lines)


def _text(name: str) -> str:
    return (files("digest.scaffold") / name).read_text("utf-8")


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(text, "utf-8")
    return path
