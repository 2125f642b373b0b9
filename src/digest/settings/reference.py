"""The keys of digest.toml as a table for people: name, type, default and description."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from digest.model.newsletter import Mailbox
from digest.model.slot import Schedule
from digest.setting_types import Table

_WORDS: dict[Any, str] = {
    str: "text",
    Path: "text",
    int: "number",
    float: "number",
    bool: "true or false",
    SecretStr: "secret",
    Mailbox: "mailbox",
    Schedule: "schedule",
    timedelta: "duration",
}


def rows(table: type[Table], *, heading: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Each key with its type, its default as TOML writes it (or "required"), and its sentence.

    For the whole file this takes the table of `schema.root_table`.
    """
    for key, field in table.model_fields.items():
        name, kind = f"{heading}{key}", field.annotation
        inner = get_args(kind)[-1] if get_args(kind) else kind
        if isinstance(inner, type) and issubclass(inner, Table):
            yield from rows(inner, heading=_heading(name, kind))
        else:
            yield name, _type(kind), _default(field), field.description or ""


def _heading(name: str, kind: Any) -> str:
    if get_origin(kind) is dict:
        return f"{name}.NAME."
    return f"{name}[]." if get_origin(kind) is list else f"{name}."


def _type(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(f'"{word}"' for word in get_args(kind))
    inner = [part for part in get_args(kind) if part is not type(None)]
    if get_origin(kind) is list:
        return "list of text"
    if get_origin(kind) is dict:
        return "table of text"
    return _type(inner[0]) if inner else _WORDS[kind]


def _default(field: FieldInfo) -> str:
    default = field.default
    if field.is_required():
        return "required"
    if default is None or isinstance(default, SecretStr):
        return "none"
    if isinstance(default, Schedule):
        return f'"{default.text}"'
    if isinstance(default, bool):
        return str(default).lower()
    return f'"{default}"' if isinstance(default, str) else str(default)
