"""Describes mistakes in digest.toml in sentences: where, what, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic_core import ErrorDetails

from digest.setting_types import FromEnvironment, Table, did_you_mean
from digest.settings.schema import RootTable

Place = tuple[str | int, ...]  # ("newsletters", "weekly", "sources", 0, "url")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake and its place.  The sentence continues after the place, so it starts with a verb."""

    place: Place
    sentence: str


def mistake_of(error: ErrorDetails, root: type[RootTable]) -> Mistake:
    """Put what the validation found into our words."""
    place: Place = tuple(part for part in error["loc"] if part != "[key]")
    return Mistake(place, _sentence(error, place, root))


def written(
    mistakes: Sequence[Mistake], *, file: str, tables: Mapping[str, Any], variables: Mapping[Place, str]
) -> tuple[str, ...]:
    """One line per mistake, in file order; `variables` names the values that came from the environment."""
    ordered = sorted(dict.fromkeys(mistakes), key=lambda m: _position(m.place, tables))
    return tuple(_line(m, file=file, variables=variables) for m in ordered)


def spelled(place: Place) -> str:
    """The place as text, with list entries counted from 1: newsletters.weekly.sources[1].url."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{_key(part)}" for part in place)
    return "".join(parts).lstrip(".")


def shown(value: Any) -> str:
    """A value in printable form: short, on one line."""
    text = " ".join(str(value).split())
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= 80 else text[:79] + "…"


def _line(mistake: Mistake, *, file: str, variables: Mapping[Place, str]) -> str:
    if variable := variables.get(mistake.place):
        return f"environment: {variable}: {mistake.sentence}"
    return f"{file}: {spelled(mistake.place)}: {mistake.sentence}"


def _key(part: str) -> str:
    return part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f"“{shown(part)}”"


def _position(place: Place, tables: Any) -> tuple[int, ...]:
    """The key's position in the file; keys that are not in the file come last."""
    found: list[int] = []
    for part in place:
        keys = list(tables) if isinstance(tables, Mapping) else []
        is_entry = isinstance(tables, list) and isinstance(part, int)
        found.append(
            part if is_entry and isinstance(part, int) else keys.index(part) if part in keys else 9_999
        )
        tables = tables[part] if is_entry or part in keys else None
    return tuple(found)


# --- one sentence per kind of mistake ------------------------------------------------


_TYPES = {
    "string": "text in quotes",
    "int": "a whole number, without quotes",
    "float": "a number, without quotes",
    "bool": "true or false, without quotes",
    "list": "a list in [square brackets]",
    "dict": "a table",
    "model": "a table",
}


def _sentence(error: ErrorDetails, place: Place, root: type[RootTable]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return f"is not a setting.{_meant(place, root)}"
    if kind == "missing":
        return f"is missing. {_description(place, root)}".rstrip()
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return _unknown_word(error["input"], str(context["expected"]))
    if kind == "too_short":
        return f"is empty. {_description(place, root)}".rstrip()
    return _bound(kind, context, error["input"]) or _wrong_type(kind, error["input"])


def _unknown_word(word: Any, expected: str) -> str:
    known = re.findall(r"'([^']*)'", expected)
    listed = ", ".join(f"“{k}”" for k in known)
    hint = did_you_mean(word, known) if isinstance(word, str) else ""
    return f"“{shown(word)}” is not allowed. Use one of {listed}.{hint}"


def _bound(kind: str, context: Mapping[str, Any], value: Any) -> str:
    words = {"greater_than_equal": "at least", "less_than_equal": "at most", "greater_than": "more than"}
    if kind not in words:
        return ""
    limit = next(context[key] for key in ("ge", "le", "gt") if key in context)
    return f"must be {words[kind]} {limit:g}, but is {shown(value)}."


def _wrong_type(kind: str, value: Any) -> str:
    wanted = _TYPES.get(kind.partition("_")[0], "of another type")
    if isinstance(value, FromEnvironment):
        wanted = wanted.removesuffix(", without quotes")
    return f"must be {wanted}, but is {_named(value)}."


def _named(value: Any) -> str:
    if isinstance(value, bool):
        return f"{str(value).lower()} (true and false are not numbers or text)"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, Mapping):
        return "a table"
    return "a list" if isinstance(value, list) else f"“{shown(value)}”"


def _meant(place: Place, root: type[RootTable]) -> str:
    """What was probably meant: a key with a similar name, or the same key in another table."""
    word = str(place[-1])
    table = _table_at(place[:-1], root)
    here = list(table.model_fields) if table else []
    if hint := did_you_mean(word, here):
        return hint
    for name, other in tables_of(root):
        if word in other.model_fields and other is not table:
            return f" It belongs in [{name}]; in TOML a key belongs to the last [table] above it."
    return f" Allowed here: {', '.join(here)}." if here else ""


def _description(place: Place, root: type[RootTable]) -> str:
    table = _table_at(place[:-1], root)
    field = table.model_fields.get(str(place[-1])) if table else None
    return (field.description or "") if field else ""


def _table_at(place: Place, root: type[RootTable]) -> type[Table] | None:
    kind: Any = root
    for part in place:
        if isinstance(kind, type) and issubclass(kind, Table):
            field = kind.model_fields.get(str(part))
            kind = field.annotation if field else None
        else:  # dict[str, Table] or list[Table]
            kind = get_args(kind)[-1] if get_args(kind) else None
    return kind if isinstance(kind, type) and issubclass(kind, Table) else None


def tables_of(table: type[Table], name: str = "") -> Iterator[tuple[str, type[Table]]]:
    """Every table below this one, with the heading an owner writes for it."""
    for key, field in table.model_fields.items():
        kind: Any = field.annotation
        heading = f"{name}.{key}".lstrip(".")
        if get_origin(kind) is dict:
            kind, heading = get_args(kind)[-1], f"{heading}.NAME"
        elif get_origin(kind) is list:
            kind, heading = get_args(kind)[-1], f"[{heading}]"
        if isinstance(kind, type) and issubclass(kind, Table):
            yield heading, kind
            yield from tables_of(kind, heading)
