"""API tokens: let a program do what an editor may do, each with a role and a name for the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from digest.model.editor import Role

ApiTokenId = NewType("ApiTokenId", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """What is stored about a token.  The token itself is shown once and never stored."""

    id: ApiTokenId
    name: str
    role: Role
    created_at: datetime
    last_used_at: datetime | None = None  # precise to the minute

    @property
    def who(self) -> str:
        """The name used in the log; the suffix sets it apart from an editor of the same name."""
        return f"{self.name} (API)"
