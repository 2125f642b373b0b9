"""Edits: what editors can do to a draft, each a value; and what became of one.

An edit names a story by its article and never by its place, so that two editors
who work on different things do not get in each other's way.  What an edit does
is decided in `rules.editing`.
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
    """A text of the whole issue; see `Texts`."""

    SUBJECT = "subject"
    PREHEADER = "preheader"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Put a story at this place of a section, which is made if there is none of that title."""

    article: ArticleId
    section: str
    position: int  # among the section's other stories; 0 is the first


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeLead:
    """Put a story on top; the one that led comes first below it."""

    article: ArticleId


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOut:
    """Take a story out of this issue; the reason is kept."""

    article: ArticleId
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullIn:
    """Put an article in that stayed out, or that was taken out: then as it was."""

    article: ArticleId
    section: str = ""
    position: int = 0
    teaser: Teaser | None = None  # made from the article where the edit is carried out


@dataclass(frozen=True, slots=True, kw_only=True)
class EditTeaser:
    """Write a field of a story anew."""

    article: ArticleId
    field: TeaserField
    value: str
    was: str  # what the editor saw there


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetTeaser:
    """Give a field of a story back to what its source says."""

    article: ArticleId
    field: TeaserField
    was: str  # what the editor saw there


@dataclass(frozen=True, slots=True, kw_only=True)
class SetText:
    """Write a text of the whole issue; an empty one goes back to what digest makes of the stories."""

    text: IssueText
    value: str
    was: str  # what the editor saw there


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameSection:
    """Give a section another title; if there is one of that title, its stories come first."""

    title: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveSection:
    """Put a section at this place among the others; 0 is the first."""

    title: str
    position: int


Edit = Move | MakeLead | TakeOut | PullIn | EditTeaser | ResetTeaser | SetText | RenameSection | MoveSection

# Every kind by its name, as the history, the API and the desk's forms call it.
EDIT_KINDS: Mapping[str, type[Edit]] = {kind.__name__: kind for kind in get_args(Edit)}

# Fields that digest fills in; nobody else may: a program could give a story a link of its own.
FILLED_IN_HERE = frozenset({"teaser"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Why an edit was not carried out: somebody else has changed what it was about."""

    sentence: str
    mine: str = ""  # what the edit would have written
    theirs: str = ""  # what stands there now


class StepKind(StrEnum):
    """What made a revision."""

    BEGIN = "begin"  # the draft as it was made
    EDIT = "edit"
    UNDO = "undo"
    REDO = "redo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One step in the history of an issue's content."""

    number: int
    deed: StepKind
    at: datetime
    by: str
    what: str  # a sentence for people
    state: int  # the revision whose content this one has: itself, or for undo and redo an earlier one
    before: int | None  # of an edit: the state that undoing it leads to
    edit: Edit | None = None  # of an undo or redo: what was undone or done again
