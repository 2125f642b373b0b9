"""Finds names that neither a template nor the issue defines, before anything is rendered.

Jinja2 only complains about names it reaches: a typo in a part that is only printed for an
issue with a note would be found on the day when someone writes one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import jinja2
from jinja2 import nodes

from digest.errors import TemplateError
from digest.rendering.saved_files import FileVersion, version_of
from digest.rendering.templates import LINES, environment

_SOUND: dict[tuple[tuple[Path, ...], frozenset[str]], list[tuple[Path, FileVersion]]] = {}


def refuse_unknown_names(path: tuple[Path, ...], first: tuple[str, ...], known: frozenset[str]) -> None:
    """Check the templates `first` and all that they include, even branches that are not taken.

    A name that a template tests with `is defined`, or gives a `default`, may be unknown.

    Raises:
        TemplateError: an unknown name, a missing include, or bad syntax; with file and line.
    """
    files = _files(path)
    if _SOUND.get((path, known)) == files:
        return
    try:
        _refuse(environment(path), first, known)
    except RecursionError as error:
        raise TemplateError("The templates are nested too deeply to be parsed.") from error
    _SOUND[path, known] = files


def refuse_unknown_in_line(source: str, title: str, known: frozenset[str]) -> None:
    """The same for a template that is itself a setting; `title` names it in errors.

    Raises:
        TemplateError: an unknown name.  Bad syntax is left to whoever compiles it.
    """
    with suppress(jinja2.TemplateSyntaxError, RecursionError):
        tree = LINES.parse(source)
        _refuse_in(tree, title, known, {*_made_by(tree), *LINES.globals})


def _refuse(made: jinja2.Environment, first: tuple[str, ...], known: frozenset[str]) -> None:
    trees = _read(made, first)
    local = {name for tree in trees.values() for name in _made_by(tree)}
    for template, tree in trees.items():
        _refuse_in(tree, template, known, local | made.globals.keys())


def _refuse_in(tree: nodes.Template, template: str, known: frozenset[str], others: set[str]) -> None:
    allowed = known | others | set(_tested(tree))
    for used in tree.find_all(nodes.Name):
        if used.ctx == "load" and used.name not in allowed:
            raise TemplateError(
                f"{template}, line {used.lineno}: '{used.name}' is undefined.",
                mend=f"Available: {', '.join(sorted(known))}.",
            )


def _files(path: tuple[Path, ...]) -> list[tuple[Path, FileVersion]]:
    return [(file, version_of(file)) for folder in path for file in sorted(folder.glob("*.j2"))]


def _read(made: jinja2.Environment, first: tuple[str, ...]) -> dict[str, nodes.Template]:
    """Every template that may be used, by name."""
    trees: dict[str, nodes.Template] = {}
    wanted = [(name, "") for name in first]
    while wanted:
        name, place = wanted.pop()
        if name in trees:
            continue
        try:
            source, file, _ = made.loader.get_source(made, name)  # type: ignore[union-attr]  # it has one
            trees[name] = made.parse(source, name, file)
        except jinja2.TemplateNotFound as error:
            raise TemplateError(
                f"{place}The template “{name}” does not exist.", mend="Put it into the templates folder."
            ) from error
        except jinja2.TemplateSyntaxError as error:
            raise TemplateError(f"{error.name or name}, line {error.lineno}: {error.message}.") from error
        wanted += [(part, f"{name}, line {number}: ") for part, number in _parts(trees[name])]
    return trees


def _parts(tree: nodes.Template) -> Iterator[tuple[str, int]]:
    """The templates that this one names explicitly and requires."""
    for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        named = getattr(node, "template", None)
        if isinstance(named, nodes.Const) and not getattr(node, "ignore_missing", False):
            yield str(named.value), node.lineno


def _made_by(tree: nodes.Template) -> Iterator[str]:
    """The names that a template sets, which may also be used in what it includes."""
    yield from ("self", "super", "loop", "caller", "varargs", "kwargs")
    for node in tree.find_all((nodes.Name, nodes.Macro, nodes.Import, nodes.FromImport)):
        if (isinstance(node, nodes.Name) and node.ctx in {"store", "param"}) or isinstance(node, nodes.Macro):
            yield node.name
        elif isinstance(node, nodes.Import):
            yield node.target
        elif isinstance(node, nodes.FromImport):
            yield from (name if isinstance(name, str) else name[1] for name in node.names)


def _tested(tree: nodes.Template) -> Iterator[str]:
    for node in (*tree.find_all(nodes.Test), *tree.find_all(nodes.Filter)):
        if node.name in {"defined", "undefined", "default", "d"} and isinstance(node.node, nodes.Name):
            yield node.node.name
