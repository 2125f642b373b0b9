"""API tokens: an operator manages them, programs present them, and guessing is slowed down."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.errors import NotAllowed, NotFound
from digest.model.activity import ActivityKind, Actor
from digest.model.api_token import ApiToken
from digest.model.editor import Role
from digest.rules import accounts as limits
from digest.rules import api_tokens as rules
from digest.storage import activity_log, api_tokens, login_attempts
from digest.storage.database import Database

_NOBODY = "\0api"  # no editor can have this name: see `rules.accounts.name_problem`
_FORGET_ATTEMPTS = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCheck:
    """The result of checking a token: the known token, or a time to wait, or neither."""

    token: ApiToken | None = None
    wait: timedelta = timedelta(0)


def add(name: str, *, role: Role, database: Database, by: Actor, now: datetime) -> str:
    """Create a token and return it, this once: only its hash is stored.

    Raises:
        NotAllowed: the name is taken or not acceptable.
    """
    if wrong := limits.name_problem(name):
        raise NotAllowed(wrong, mend="Choose another name.")
    token = rules.token_of(secrets.token_bytes(rules.SECRET_BYTES))
    with database.write() as connection:
        if not api_tokens.add(connection, name, role=role, token_hash=rules.kept(token), at=now):
            raise NotAllowed(
                f"There is already a token “{name}”.",
                mend="Choose another name, or remove the old token first with `digest tokens remove`.",
            )
        what = f"API token made with the role {role.value}"
        activity_log.record(connection, ActivityKind.TOKEN_ADDED, what, by=by, at=now, subject=name)
    return token


def all_of(*, database: Database) -> list[ApiToken]:
    """All tokens by name."""
    with database.read() as connection:
        return api_tokens.all_of(connection)


def remove(name: str, *, database: Database, by: Actor, now: datetime) -> str:
    """Revoke a token at once; its log entries stay.  Returns the name as it was stored.

    Raises:
        NotFound: there is no such token.
    """
    with database.write() as connection:
        gone = api_tokens.remove(connection, name)
        if gone is None:
            raise NotFound(f"There is no token “{name}”.", mend="`digest tokens list` lists all tokens.")
        what = "API token removed"
        activity_log.record(connection, ActivityKind.TOKEN_REMOVED, what, by=by, at=now, subject=gone.name)
    return gone.name


def show(token: str, *, address: str, database: Database, now: datetime) -> TokenCheck:
    """Check a token.  A valid one always works; a network may try twenty wrong ones, then has to wait.

    Attempts during the wait are not counted.  Tokens are counted separately from logins,
    so that a script with an old token locks no editor out.
    """
    with database.read() as connection:
        found = api_tokens.by_hash(connection, rules.kept(token)) if rules.is_shaped(token) else None
    if found is None:
        return TokenCheck(wait=_counted(address, database=database, now=now))
    if rules.is_use_due(found.last_used_at, now=now):
        with database.write() as connection:
            api_tokens.touch(connection, found.id, at=now)
    return TokenCheck(token=found)


def _counted(address: str, *, database: Database, now: datetime) -> timedelta:
    network = f"api {limits.network_of(address)}"
    with database.write() as connection:
        login_attempts.hold(connection)
        failed = login_attempts.failures_of_network(connection, network, since=now - limits.WINDOW)
        pause = limits.wait(failed, allowed=limits.FAILURES_OF_A_NETWORK, now=now)
        if not pause:
            login_attempts.begin(connection, _NOBODY, network=network, at=now, forget=now - _FORGET_ATTEMPTS)
        return pause
