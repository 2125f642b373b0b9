"""Parses the desk's edit forms.

A form names its edit kind as `storage.revisions` and the API do; a button that is
a whole edit carries it as a query string in the field `step`.  Missing or invalid
fields are refused with a message, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from enum import Enum
from typing import Any, get_type_hints
from urllib.parse import parse_qsl

from digest.errors import NotAllowed
from digest.model.edit import EDIT_KINDS, FILLED_IN_HERE, Edit

Form = Mapping[str, str]

_FIELDS = 10  # of one edit


def edit_of(form: Form) -> Edit:
    """The edit that a form requests.

    Raises:
        NotAllowed: it asks for none, or not for one that can be understood.
    """
    if step := form.get("step", ""):
        form = dict(parse_qsl(step, keep_blank_values=True, max_num_fields=_FIELDS))
    kind = EDIT_KINDS.get(form.get("kind", ""))
    if kind is None:
        raise NotAllowed("The form did not say what to change.", mend="Reload the page.")
    hints, values = get_type_hints(kind), dict[str, Any]()
    for part in fields(kind):
        if part.name not in FILLED_IN_HERE:
            values[part.name] = _value(part, hints[part.name], form, values)
    return kind(**values)


def number_of(form: Form, name: str) -> int:
    """A non-negative whole number.

    Raises:
        NotAllowed: it is not one.
    """
    written = form.get(name, "")
    if not (written.isascii() and written.isdecimal() and len(written) <= 15):
        raise NotAllowed(f"The form's “{name}” is not a number.", mend="Reload the page.")
    return int(written)


def _value(part: Field[Any], hint: Any, form: Form, known: Mapping[str, Any]) -> Any:
    """One field of the edit, out of the form; `known` are the ones before it."""
    written = form.get(part.name, "")
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _choice(hint, written, part.name)
    if hint is not str:  # an article's number, or a place
        return part.default if not written and part.default is not MISSING else number_of(form, part.name)
    if part.name == "value":  # what is written is called after the text that it is of
        return next((form.get(one.value, "") for one in known.values() if isinstance(one, Enum)), "")
    return written


def _choice(kind: type[Enum], written: str, name: str) -> Enum:
    try:
        return kind(written)
    except ValueError:
        raise NotAllowed(
            f"The form’s “{name}” is not one that can be edited.", mend="Reload the page."
        ) from None
