"""API tokens: programs that may do what an editor may, each with a role and a name for the records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from digest.model.editor import Role

ApiTokenId = NewType("ApiTokenId", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """What is known of a token.  The token itself is shown once and kept nowhere."""

    id: ApiTokenId
    name: str
    role: Role
    created_at: datetime
    last_used_at: datetime | None = None  # to the minute

    @property
    def who(self) -> str:
        """For records: an editor may have the same name."""
        return f"{self.name} (API)"
