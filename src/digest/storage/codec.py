"""Converts frozen values of the model to JSON documents and back."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """A JSON-ready form of a model dataclass."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_json(kind: type[T], document: Any) -> T:
    """The value that `to_json` wrote; fields added to a class later need defaults."""
    value: T = _adapter(kind).validate_python(document)
    return value


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]
