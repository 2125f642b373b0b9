"""Who works at the desk: accounts and their sessions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

EditorId = NewType("EditorId", int)


class Role(StrEnum):
    """Each role includes the ones before it; `rules.accounts` knows what each may do."""

    EDITOR = "editor"
    PUBLISHER = "publisher"
    ADMIN = "admin"


class Action(StrEnum):
    """What someone at the desk may want to do."""

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
    """One account.  The password hash is not part of it, so that no page or log can contain it."""

    id: EditorId
    name: str
    role: Role
    created_at: datetime
    password_at: datetime  # when the current password was set
    generation: int = 1  # rises with each change of password or role, which ends all older sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class EditorSession:
    """One logged-in browser.  Only a hash of its token is stored."""

    token_hash: str
    editor_id: EditorId
    generation: int
    created_at: datetime
    last_seen: datetime
    expires: datetime
