"""Undo and redo: which earlier content an issue returns to.

Nothing is ever removed from the history: an undo is a step of its own that
restores the content of an earlier revision.  A state of the content is identified by
the revision that made it; `before` of an edit is the state it was applied to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from digest.model.edit import Edit, EditTeaser, Revision, SetText, StepKind

_IN_ONE_GO = timedelta(minutes=2)


def undo_leads_to(history: Sequence[Revision]) -> tuple[int, Revision] | None:
    """The state before the last edit still in effect, and that edit; None if there is nothing to undo."""
    state = _made(history, history[-1].state) if history else None
    if state is None or state.before is None:
        return None
    return state.before, state


def redo_leads_to(history: Sequence[Revision]) -> tuple[int, Revision] | None:
    """The state that was undone last, and the edit that made it; None after a new edit."""
    if not history:
        return None
    undone = [r for r in history if r.kind is StepKind.EDIT and r.before == history[-1].state]
    return (undone[-1].number, undone[-1]) if undone else None


def merges_with(last: Revision | None, edit: Edit) -> bool:
    """Whether an edit merely continues the last one, as typing that is saved automatically does.

    The two are then undone together.  `continues_step` also considers who made it and when.
    """
    if last is None or last.kind is not StepKind.EDIT:
        return False
    match edit, last.edit:
        case EditTeaser(), EditTeaser() as before:
            return (edit.article, edit.field) == (before.article, before.field)
        case SetText(), SetText() as before:
            return edit.text is before.text
    return False


def continues_step(last: Revision, new: Revision) -> bool:
    """Whether the new edit continues the last: same person, same text, within two minutes."""
    is_soon = new.at - last.at <= _IN_ONE_GO
    return new.edit is not None and merges_with(last, new.edit) and last.by == new.by and is_soon


def _made(history: Sequence[Revision], state: int) -> Revision | None:
    return next((revision for revision in history if revision.number == state), None)
