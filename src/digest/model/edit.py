"""Edits: the changes that editors can make to a draft, each as a value, and their results.

An edit refers to a story by its article, never by its position, so that two
editors working on different things do not get in each other's way.  `rules.editing`
decides what an edit does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import get_args

from digest.model.article import ArticleId
from digest.model.issue import Teaser, TeaserField


class IssueText(StrEnum):
    """A text that belongs to the whole issue; see `Texts`."""

    SUBJECT = "subject"
    PREHEADER = "preheader"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Move a story to a position in a section; a section with this title is created if there is none."""

    article: ArticleId
    section: str
    position: int  # among the section's other stories, from 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeLead:
    """Make a story the lead; the previous lead moves to first place below it."""

    article: ArticleId


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOut:
    """Take a story out of this issue; the reason is recorded."""

    article: ArticleId
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullIn:
    """Add an article that was left out, or put back one that was taken out, unchanged."""

    article: ArticleId
    section: str = ""
    position: int = 0
    teaser: Teaser | None = None  # built from the article when the edit is applied


@dataclass(frozen=True, slots=True, kw_only=True)
class EditTeaser:
    """Change one field of a story."""

    article: ArticleId
    field: TeaserField
    value: str
    was: str  # what the editor saw before changing it


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetTeaser:
    """Restore one field of a story to the source's value."""

    article: ArticleId
    field: TeaserField
    was: str  # what the editor saw before resetting it


@dataclass(frozen=True, slots=True, kw_only=True)
class SetText:
    """Change a text of the whole issue; an empty value restores the one that digest generates."""

    text: IssueText
    value: str
    was: str  # what the editor saw before changing it


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameSection:
    """Give a section another title; if a section already has that title, its stories come first."""

    title: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveSection:
    """Move a section to a position among the others, counted from 0."""

    title: str
    position: int


Edit = Move | MakeLead | TakeOut | PullIn | EditTeaser | ResetTeaser | SetText | RenameSection | MoveSection

# Every kind by its name, as the history, the API and the desk's forms call it.
EDIT_KINDS: Mapping[str, type[Edit]] = {kind.__name__: kind for kind in get_args(Edit)}

# Fields that digest fills in; nobody else may: a program could give a story a link of its own.
FILLED_IN_HERE = frozenset({"teaser"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Why an edit was not applied: someone else has changed what it was about."""

    sentence: str
    mine: str = ""  # the value the edit would have set
    theirs: str = ""  # the current value


class StepKind(StrEnum):
    """What created a revision."""

    BEGIN = "begin"  # the draft as it was created
    EDIT = "edit"
    UNDO = "undo"
    REDO = "redo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One step in the history of an issue's content."""

    number: int
    kind: StepKind
    at: datetime
    by: str
    what: str  # a sentence for people
    state: int  # the revision whose content this one has: itself, or an earlier one after undo or redo
    before: int | None  # for an edit: the state that undoing it restores
    edit: Edit | None = None  # for undo and redo: the edit that was undone or redone
