"""Jinja2 templates are compiled once for a process and its forks, not once for every application.

What a compiler gives depends on the source and on the environment's settings alone,
so the code of one environment serves another that is set in the same way.
"""

from __future__ import annotations

from types import CodeType
from typing import Any

import jinja2


def compile_once() -> None:
    """Have every environment of this process ask for what another has compiled already."""
    compiled = jinja2.Environment.compile
    kept: dict[object, CodeType] = {}

    def compile_or_remember(self: jinja2.Environment, source: Any, *given: Any, **more: Any) -> Any:
        if not isinstance(source, str):
            return compiled(self, source, *given, **more)
        key = (source, given, tuple(more.items()), _settings(self))
        if key not in kept:
            kept[key] = compiled(self, source, *given, **more)
        return kept[key]

    jinja2.Environment.compile = compile_or_remember  # type: ignore[method-assign]


def _settings(environment: jinja2.Environment) -> object:
    """Whatever a compiler asks its environment for; constants are passed through filters and tests."""
    return (
        type(environment),
        environment.block_start_string,
        environment.variable_start_string,
        environment.comment_start_string,
        environment.trim_blocks,
        environment.lstrip_blocks,
        environment.keep_trailing_newline,
        environment.autoescape,
        environment.optimized,
        environment.finalize,
        environment.undefined,
        environment.is_async,
        frozenset(environment.extensions),
        frozenset(environment.filters.items()),
        frozenset(environment.tests.items()),
    )
