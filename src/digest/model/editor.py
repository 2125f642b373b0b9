"""Who works at the desk: accounts and their sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

EditorId = NewType("EditorId", int)


class Role(StrEnum):
    """Each may do all that the ones before it may; what that is, `rules.accounts` knows."""

    EDITOR = "editor"
    PUBLISHER = "publisher"
    ADMIN = "admin"


class Action(StrEnum):
    """What somebody at the desk may want to do."""

    LOOK = "look"
    EDIT = "edit"
    PROOF = "proof"
    APPROVE = "approve"
    CANCEL = "cancel"
    PAUSE = "pause"
    SEND = "send"
    RESOLVE = "resolve"
    EDITORS = "editors"
    TOKENS = "tokens"
    LOG = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """One account.  Its password's hash is not part of it, so that no page and no log can hold it."""

    id: EditorId
    name: str
    role: Role
    created_at: datetime
    password_at: datetime  # since when this password counts
    generation: int = 1  # goes up with each password and role: sessions of an earlier one are dead


@dataclass(frozen=True, slots=True, kw_only=True)
class EditorSession:
    """One browser that logged in.  Only a hash of its token is kept."""

    token_hash: str
    editor_id: EditorId
    generation: int
    created_at: datetime
    last_seen: datetime
    expires: datetime
