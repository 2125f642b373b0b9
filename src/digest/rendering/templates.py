"""Finds, compiles and renders Jinja2 templates.

A mistake in a template becomes a `TemplateError` that names the file and line.  This
module does not know what the templates say or which variables they get.
"""

from __future__ import annotations

import re
import secrets
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

import digest
from digest.errors import TemplateError
from digest.rendering.plaintext import line_of, wrapped
from digest.rendering.saved_files import FileVersion, version_of

# Every MJML tag of a template carries its position in an attribute of this name, until `mjml.to_html`
# removes it.  Drawn once per process, so that no article can imitate one.
PLACE = f"data-place-{secrets.token_hex(8)}"
_MJML_TAG = re.compile(r"<(mj[a-z-]*)(?=[\s/>])", re.IGNORECASE)

LONGEST = 1_000_000  # characters that one template may print; Gmail clips a mail at a tenth of that


class OutOfTime(BaseException):
    """A template used up its time; not an `Exception`, which Jinja2 would swallow in some places."""


# What an owner's template can raise besides Jinja2's own errors.
_FAULTS = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)


@cache
def bundled() -> Path:
    """The folder of the templates that come with digest."""
    installed = Path(digest.__file__).parent / "_data" / "templates"
    return installed if installed.is_dir() else Path(digest.__file__).parents[2] / "templates"


def search_path(folders: Sequence[Path], family: str, *, look: str = "") -> tuple[Path, ...]:
    """Where templates of `family` are searched: first in the owner's folders, then in the bundled one.

    A folder can be laid out like the bundled one (`issue/card.mjml.j2`) or contain the file itself.
    A look's own templates are in its folder, which comes before what all looks share.
    """
    owned = [place for folder in folders for place in (folder / family, folder)]
    ours = bundled() / family
    return (*owned, ours / "looks" / look, ours) if look else (*owned, ours)


def owners(path: tuple[Path, ...]) -> list[str]:
    """The names of the owner's templates, any of which may be used."""
    folders = (folder for folder in path if not _comes_with_digest(folder))
    return sorted({file.name for folder in folders for file in folder.rglob("*.j2")})


def only_bundled(path: tuple[Path, ...]) -> tuple[Path, ...]:
    """The trusted part of a search path."""
    return tuple(folder for folder in path if _comes_with_digest(folder))


def _comes_with_digest(folder: Path) -> bool:
    return folder.is_relative_to(bundled())


class _Sandbox(ImmutableSandboxedEnvironment):
    # Intercepted operators are not evaluated while compiling, so an error in `9**9**9` has a line number.
    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        del self.globals["lipsum"]  # subscribers need no dummy text


# For one-line templates in settings; they cannot include others.
LINES = _Sandbox(undefined=jinja2.StrictUndefined)


@lru_cache(maxsize=32)
def environment(path: tuple[Path, ...]) -> jinja2.Environment:
    """One environment per search path: a template is compiled once, and again when it changes."""
    made = _Sandbox(
        loader=_PlacingLoader([str(folder) for folder in path]),
        autoescape=_is_markup,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(wrapped=wrapped, line_of=line_of)
    return made


def fill(made: jinja2.Environment, name: str, variables: Mapping[str, object]) -> str:
    """Render the template `name`.

    Raises:
        TemplateError: it is missing, does not compile, or fails; with file and line.
    """
    return _guarded(lambda: made.get_template(name).render(variables), name)


def filled_line(source: str, variables: Mapping[str, object], title: str) -> str:
    """Render a template that is itself a setting, such as a subject; `title` names it in errors.

    Raises:
        TemplateError: it does not compile or fails.
    """
    return _guarded(lambda: _compiled_line(source).render(variables), title)


def is_plain_line(source: str) -> bool:
    """Whether a one-line template only prints values, so that it can neither run forever nor grow.

    A template that cannot be parsed counts as plain: rendering it then reports what is wrong.
    """
    try:
        tree = LINES.parse(source)
    except (jinja2.TemplateSyntaxError, RecursionError):
        return True
    return all(isinstance(node, _PLAIN) for node in tree.find_all(nodes.Node))


_PLAIN = (nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr)


@lru_cache(maxsize=64)
def _compiled_line(source: str) -> jinja2.Template:
    return LINES.from_string(source)


class _PlacingLoader(jinja2.FileSystemLoader):
    """Marks every MJML tag, and the beginning, with its file and line."""

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        _, filename, _ = super().get_source(environment, template)
        version = version_of(filename)
        # Read after its version: what takes its place meanwhile is then read again, never overlooked.
        source, filename, _ = super().get_source(environment, template)
        if template.endswith(".mjml.j2"):
            source = _with_places(source, template)
        return source, filename, lambda: _is_still(filename, version)


def _is_still(filename: str, version: FileVersion) -> bool:
    try:
        return version_of(filename) == version
    except OSError:
        return False


def _with_places(source: str, template: str) -> str:
    lines = source.split("\n")
    name = quote(template)
    placed = "\n".join(
        _MJML_TAG.sub(rf"<\1 {PLACE}={name}:{number};", line) for number, line in enumerate(lines, start=1)
    )
    return f" {PLACE}={name}:1;{placed}"  # for what precedes the first tag


def _is_markup(name: str | None) -> bool:
    return name is not None and not name.endswith(".txt.j2")


def _guarded(render: Callable[[], str], name: str) -> str:
    try:
        printed = render()
        if len(printed) > LONGEST:
            raise TemplateError(
                f"{name} prints {len(printed):,} characters, but no mail can hold more than {LONGEST:,}.",
                mend="Look for a loop that runs too often.",
            )
        return printed  # noqa: TRY300 - the refusal above belongs to the rendering
    except jinja2.TemplateNotFound as error:
        raise TemplateError(
            f"The template “{error.name}” does not exist.", mend="Put it into the templates folder."
        ) from error
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"{error.name or name}, line {error.lineno}: {error.message}.") from error
    except (jinja2.TemplateError, MemoryError, OutOfTime, *_FAULTS) as error:
        raise TemplateError(f"{_place_of(error, name)}: {_sentence(error)}") from error


def _place_of(error: BaseException, name: str) -> str:
    """The file and line of the innermost template on the stack; Jinja2 puts both into the traceback."""
    for frame, number in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        # After a timeout, Jinja2 has not rewritten the traceback: the line is that of the generated Python.
        template = frame.f_globals.get("__jinja_template__")
        line = template.get_corresponding_lineno(number) if template else number
        if file.endswith(".j2"):
            return f"{Path(file).name}, line {line}"
        if file == "<template>":
            return f"{name}, line {line}"
    return name


def _sentence(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "The template includes itself, or calls itself endlessly."
    if isinstance(error, OutOfTime):
        return "This takes too long. Look for endless loops."
    if isinstance(error, MemoryError):
        return "This needs too much memory. Look for very long texts."
    return f"{str(error).rstrip('.') or type(error).__name__}."
