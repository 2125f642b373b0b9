"""The activity log's nouns: who did what, when, and by which door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Door(StrEnum):
    """How somebody came to do something."""

    NONE = ""  # digest itself, or an entry older than the record of doors
    COMMAND_LINE = "command-line"
    DESK = "desk"
    API = "api"
    SCHEDULER = "scheduler"

    @property
    def said(self) -> str:
        """For people."""
        return _DOORS_SAID.get(self, self.value)


_DOORS_SAID = {Door.COMMAND_LINE: "command line", Door.API: "API"}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something, by which door, and from which range of addresses (never a whole address)."""

    name: str
    door: Door
    network: str = ""


# For what follows by itself: a send that ends, a provider that refuses everybody.
DIGEST = Actor("", Door.NONE)
SCHEDULER = Actor("scheduler", Door.SCHEDULER)


class ActivityKind(StrEnum):
    """What was done.  The words are kept in databases and named in filters: add some, never change one."""

    COLLECTED = "collected"
    PUSHED = "pushed"
    MARKED = "marked"
    DRAFTED = "drafted"
    EDITED = "edited"  # a story came into an issue or left it; every edit is a revision of the issue
    PROOF_SENT = "proof-sent"
    SHARED = "shared"
    REMINDED = "reminded"
    APPROVED = "approved"
    WITHDREW_APPROVAL = "withdrew-approval"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    RESUMED = "resumed"
    RESOLVED = "resolved"
    SENT = "sent"
    HELD = "held"
    SKIPPED = "skipped"
    STOPPED = "stopped"  # a send ended before its time; it can go on
    SLOT = "slot"
    SUBSCRIBERS_IMPORTED = "subscribers-imported"
    SUBSCRIBER_ADDED = "subscriber-added"
    SUBSCRIBER_REMOVED = "subscriber-removed"
    SUBSCRIBER_ERASED = "subscriber-erased"
    LOGIN = "login"
    LOGIN_FAILED = "login-failed"
    LOGOUT = "logout"
    ACCOUNT_ADDED = "account-added"
    ACCOUNT_PASSWORD = "account-password"  # noqa: S105 - a word of the log
    ACCOUNT_ROLE = "account-role"
    ACCOUNT_REMOVED = "account-removed"
    TOKEN_ADDED = "token-added"  # noqa: S105 - a word of the log
    TOKEN_REMOVED = "token-removed"  # noqa: S105 - a word of the log
    OTHER = "other"  # entries of earlier versions that had no word of their own


# What concerns editors, programs and what they hand out.
ACCOUNT_KINDS = frozenset(
    {
        ActivityKind.LOGIN,
        ActivityKind.LOGIN_FAILED,
        ActivityKind.LOGOUT,
        ActivityKind.ACCOUNT_ADDED,
        ActivityKind.ACCOUNT_PASSWORD,
        ActivityKind.ACCOUNT_ROLE,
        ActivityKind.ACCOUNT_REMOVED,
        ActivityKind.TOKEN_ADDED,
        ActivityKind.TOKEN_REMOVED,
        ActivityKind.SHARED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One entry of the log.  It holds no subscriber's address and no secret."""

    id: int
    at: datetime
    what: ActivityKind
    detail: str  # in words
    newsletter: str = ""
    subject: str = ""  # weekly/3, an article's address, or the name of an account or token
    who: str = ""
    door: Door = Door.NONE
    network: str = ""

    @property
    def where(self) -> str:
        """The range of addresses where one is known, else the door."""
        return self.network or self.door.said


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityFilter:
    """Which entries to show; what is empty narrows nothing."""

    newsletter: str = ""
    issue: str = ""  # weekly/3
    who: str = ""
    door: Door | None = None
    kinds: frozenset[ActivityKind] = frozenset()
    since: datetime | None = None
    until: datetime | None = None  # not included
    of_editors: bool = False  # what came by the desk or the API, and what concerns accounts
