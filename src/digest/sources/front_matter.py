"""The head of a Markdown file: YAML between `---`, TOML between `+++`, JSON, or Pelican's metadata lines.

Keys are returned in lower case, values as the format gives them; `markdown`
decides what they mean.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from frontmatter.default_handlers import YAMLHandler
from yaml import YAMLError  # type: ignore[import-untyped]

_FENCES = {
    "---": re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE),
    "+++": re.compile(r"\A\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE),
}
_METADATA_LINE = re.compile(r"([A-Za-z][\w-]*):[ \t]*(.*)")
# The first line of Pelican's metadata is one of these; "Note: …" begins a text.
_METADATA_KEYS = frozenset({
    "author", "authors", "category", "date", "keywords", "lang", "modified", "save_as", "slug", "status",
    "subtitle", "summary", "tags", "template", "title", "url",
})  # fmt: skip


class FrontMatterError(ValueError):
    """The front matter of a file cannot be read; the message says why."""


def split(text: str) -> tuple[dict[str, Any], str]:
    """Front matter and body of a file; the text has no byte-order mark and only LF line ends.

    Raises:
        FrontMatterError: the front matter begins but cannot be read.
    """
    text = text.lstrip("\n")
    for fence, pattern in _FENCES.items():
        if re.match(rf"{re.escape(fence)}[ \t]*\n", text):
            return _fenced(fence, pattern, text)
    if text.startswith(("{\n", '{"')):
        return _json(text)
    return _metadata_lines(text)


def _fenced(fence: str, pattern: re.Pattern[str], text: str) -> tuple[dict[str, Any], str]:
    match = pattern.match(text)
    if match is None:
        raise FrontMatterError(f"its front matter begins with {fence} and never ends")
    values = _yaml(match[1]) if fence == "---" else _toml(match[1])
    return values, text[match.end() :]


def _yaml(text: str) -> dict[str, Any]:
    try:
        values = YAMLHandler().load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise FrontMatterError(f"its front matter is not valid YAML ({_first_line(error)})") from error
    return _keyed(values)


def _toml(text: str) -> dict[str, Any]:
    try:
        return _keyed(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FrontMatterError(f"its front matter is not valid TOML ({_first_line(error)})") from error


def _json(text: str) -> tuple[dict[str, Any], str]:
    try:
        values, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError) as error:
        raise FrontMatterError(f"its front matter is not valid JSON ({_first_line(error)})") from error
    return _keyed(values), text[end:]


def _keyed(values: object) -> dict[str, Any]:
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise FrontMatterError("its front matter is not a list of names and values")
    return {str(key).lower(): value for key, value in values.items()}


def _first_line(error: Exception) -> str:
    """What is wrong and where; YAML's own message runs over several lines."""
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return f"line {mark.line + 2}: {problem}" if mark is not None else str(problem)


def _metadata_lines(text: str) -> tuple[dict[str, Any], str]:
    """Pelican's `Title: …` lines up to the first empty one; having no front matter is not an error."""
    values: dict[str, Any] = {}
    lines = text.split("\n")
    for number, line in enumerate(lines):
        match = _METADATA_LINE.fullmatch(line.rstrip())
        if match is None or (not values and match[1].lower() not in _METADATA_KEYS):
            return (values, "\n".join(lines[number:])) if values and not line.strip() else ({}, text)
        values[match[1].lower()] = match[2].strip()
    return values, ""
