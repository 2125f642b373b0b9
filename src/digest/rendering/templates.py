"""Finding, compiling and filling Jinja2 templates.

What is wrong with a template becomes a `TemplateError` that names file and
line.  What the templates say, and which variables they get, is not known here.
"""

from __future__ import annotations

import re
import secrets
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

import digest
from digest.errors import TemplateError
from digest.rendering.plaintext import line_of, wrapped

# Every MJML tag of a template carries its place as an attribute of this name, until `mjml.to_html`
# takes it off again.  Drawn once per process, so that no article can look like one.
PLACE = f"data-place-{secrets.token_hex(8)}"
_MJML_TAG = re.compile(r"<(mj[a-z-]*)(?=[\s/>])")

# What an owner's template can raise besides Jinja2's own errors.
_FAULTS = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)


def bundled() -> Path:
    """The folder of the templates that come with digest."""
    installed = Path(digest.__file__).parent / "_data" / "templates"
    return installed if installed.is_dir() else Path(digest.__file__).parents[2] / "templates"


def search_path(folders: Sequence[Path], family: str, *, look: str = "") -> tuple[Path, ...]:
    """Where a template of `family` is looked for: first the owner's folders, then the bundled one.

    A folder may be laid out like the bundled one (`issue/card.mjml.j2`) or hold the file itself.
    What a look prints its own way stands in its folder, before what all looks share.
    """
    owned = [place for folder in folders for place in (folder / family, folder)]
    ours = bundled() / family
    return (*owned, ours / "looks" / look, ours) if look else (*owned, ours)


@lru_cache(maxsize=32)
def environment(path: tuple[Path, ...]) -> jinja2.Environment:
    """One environment for each search path: a template is compiled once, and again when it changes."""
    made = ImmutableSandboxedEnvironment(
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


def fill_line(source: str, variables: Mapping[str, object], *, title: str) -> str:
    """Render a template that is itself a setting, such as a subject; `title` names it in errors.

    Raises:
        TemplateError: it does not compile or fails.
    """
    return _guarded(lambda: _compiled_line(source).render(variables), title)


@lru_cache(maxsize=64)
def _compiled_line(source: str) -> jinja2.Template:
    return ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined).from_string(source)


class _PlacingLoader(jinja2.FileSystemLoader):
    """Marks every MJML tag with the file and line it stands in."""

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        source, filename, is_fresh = super().get_source(environment, template)
        if template.endswith(".mjml.j2"):
            source = _with_places(source, template)
        return source, filename, is_fresh


def _with_places(source: str, template: str) -> str:
    lines = source.split("\n")
    name = quote(template)
    return "\n".join(
        _MJML_TAG.sub(rf"<\1 {PLACE}={name}:{number}", line) for number, line in enumerate(lines, start=1)
    )


def _is_markup(name: str | None) -> bool:
    return name is not None and not name.endswith(".txt.j2")


def _guarded(render: Callable[[], str], name: str) -> str:
    try:
        return render()
    except jinja2.TemplateNotFound as error:
        raise TemplateError(
            f"The template “{error.name}” does not exist.", mend="Put it into the templates folder."
        ) from error
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"{error.name or name}, line {error.lineno}: {error.message}.") from error
    except (jinja2.TemplateError, *_FAULTS) as error:
        raise TemplateError(f"{_place_of(error, name)}: {_sentence(error)}") from error


def _place_of(error: Exception, name: str) -> str:
    """File and line of the innermost template on the stack; Jinja2 writes both into the traceback."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.endswith(".j2"):
            return f"{Path(frame.filename).name}, line {frame.lineno}"
        if frame.filename == "<template>":
            return f"{name}, line {frame.lineno}"
    return name


def _sentence(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "The template includes itself."
    return f"{str(error) or type(error).__name__}."
