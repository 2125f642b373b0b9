"""What a form of the desk asks for, as an edit.

A form names its kind as `storage.revisions` and the API do; a button that is a
whole edit by itself carries it written as a query in the field `step`.  What is
missing or odd is refused in a sentence, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from digest.errors import NotAllowed
from digest.model.article import ArticleId
from digest.model.edit import (
    Edit,
    EditTeaser,
    IssueText,
    MakeLead,
    Move,
    MoveSection,
    PullIn,
    RenameSection,
    ResetTeaser,
    SetText,
    TakeOut,
)
from digest.model.issue import TeaserField

Form = Mapping[str, str]

_FIELDS = 10  # of one edit


def edit_of(form: Form) -> Edit:
    """The edit that a form asks for.

    Raises:
        NotAllowed: it asks for none, or not for one that can be understood.
    """
    if step := form.get("step", ""):
        form = dict(parse_qsl(step, keep_blank_values=True, max_num_fields=_FIELDS))
    made = _KINDS.get(form.get("kind", ""))
    if made is None:
        raise NotAllowed("The form did not say what to change.", mend="Open the page anew.")
    return made(form)


def number_of(form: Form, name: str) -> int:
    """A whole number that is not negative.

    Raises:
        NotAllowed: it is none.
    """
    written = form.get(name, "")
    if not (written.isascii() and written.isdecimal() and len(written) <= 15):
        raise NotAllowed(f"The form's “{name}” is not a number.", mend="Open the page anew.")
    return int(written)


def _article(form: Form) -> ArticleId:
    return ArticleId(number_of(form, "article"))


def _move(form: Form) -> Edit:
    return Move(article=_article(form), section=form.get("section", ""), position=number_of(form, "position"))


def _pull_in(form: Form) -> Edit:
    position = number_of(form, "position") if form.get("position") else 0
    return PullIn(article=_article(form), section=form.get("section", ""), position=position)


def _field(form: Form) -> TeaserField:
    try:
        return TeaserField(form.get("field", ""))
    except ValueError:
        raise NotAllowed("The form names no field of a story.", mend="Open the page anew.") from None


def _edit_teaser(form: Form) -> Edit:
    field = _field(form)
    return EditTeaser(
        article=_article(form), field=field, value=form.get(field.value, ""), was=form.get("was", "")
    )


def _set_text(form: Form) -> Edit:
    try:
        text = IssueText(form.get("text", ""))
    except ValueError:
        raise NotAllowed("The form names no text of the issue.", mend="Open the page anew.") from None
    return SetText(text=text, value=form.get(text.value, ""), was=form.get("was", ""))


_KINDS: dict[str, Callable[[Form], Edit]] = {
    "Move": _move,
    "MakeLead": lambda form: MakeLead(article=_article(form)),
    "TakeOut": lambda form: TakeOut(article=_article(form), reason=form.get("reason", "")),
    "PullIn": _pull_in,
    "EditTeaser": _edit_teaser,
    "ResetTeaser": lambda form: ResetTeaser(
        article=_article(form), field=_field(form), was=form.get("was", "")
    ),
    "SetText": _set_text,
    "RenameSection": lambda form: RenameSection(title=form.get("title", ""), new=form.get("new", "")),
    "MoveSection": lambda form: MoveSection(
        title=form.get("title", ""), position=number_of(form, "position")
    ),
}
