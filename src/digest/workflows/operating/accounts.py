"""Editor accounts: an operator manages them, editors log in with them, and both are recorded."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.errors import NotAllowed, NotFound
from digest.model.activity import ActivityKind, Actor, Door
from digest.model.editor import Editor, EditorSession, Role
from digest.passwords import Passwords
from digest.rules import accounts as rules
from digest.storage import activity_log, editors, login_attempts, sessions
from digest.storage.database import Connection, Database

# A page that loads further pages must not write once for each.
_SEEN_EVERY = timedelta(minutes=1)
_FORGET_ATTEMPTS = timedelta(days=1)


# --- by an operator -------------------------------------------------------------


def add(
    name: str,
    *,
    role: Role,
    password: str,
    database: Database,
    passwords: Passwords,
    by: Actor,
    now: datetime,
) -> None:
    """Create an account.

    Raises:
        NotAllowed: the name is taken, or the name or the password is not acceptable.
    """
    if wrong := rules.name_problem(name):
        raise NotAllowed(wrong, mend="Choose another name.")
    kept = _hashed(password, name=name, passwords=passwords)
    with database.write() as connection:
        if not editors.add(connection, name, role=role, password_hash=kept, at=now):
            raise NotAllowed(
                f"There is already an editor “{name}”.",
                mend="Change it with `digest editors password` or `digest editors role`.",
            )
        _record(
            connection, ActivityKind.ACCOUNT_ADDED, f"added with the role {role.value}", name, by=by, at=now
        )


def change_password(
    name: str, password: str, *, database: Database, passwords: Passwords, by: Actor, now: datetime
) -> str:
    """Set a new password; all sessions of the editor end.  Returns the name as it is stored.

    Raises:
        NotFound: there is no such editor.
        NotAllowed: the password is not acceptable.
    """
    known = find(name, database=database)
    kept = _hashed(password, name=known.name, passwords=passwords)
    with database.write() as connection:
        mine = _known(connection, name)
        editors.change_password(connection, mine.id, password_hash=kept, at=now)
        sessions.end_all_of(connection, mine.id)
        _record(connection, ActivityKind.ACCOUNT_PASSWORD, "new password", mine.name, by=by, at=now)
    return mine.name


def change_role(name: str, role: Role, *, database: Database, by: Actor, now: datetime) -> str:
    """Give an editor another role; all sessions of the editor end.  Returns the name as it is stored.

    Raises:
        NotFound: there is no such editor.
    """
    with database.write() as connection:
        mine = _known(connection, name)
        editors.change_role(connection, mine.id, role=role)
        sessions.end_all_of(connection, mine.id)
        what = f"role {role.value} instead of {mine.role.value}"
        _record(connection, ActivityKind.ACCOUNT_ROLE, what, mine.name, by=by, at=now)
    return mine.name


def remove(name: str, *, database: Database, by: Actor, now: datetime) -> str:
    """Remove an account and end all its sessions; its log entries stay.  Returns the name as it was stored.

    Raises:
        NotFound: there is no such editor.
    """
    with database.write() as connection:
        mine = _known(connection, name)
        editors.remove(connection, mine.id)
        _record(connection, ActivityKind.ACCOUNT_REMOVED, "removed", mine.name, by=by, at=now)
    return mine.name


def find(name: str, *, database: Database) -> Editor:
    """The editor of this name.

    Raises:
        NotFound: there is no such editor.
    """
    with database.read() as connection:
        return _known(connection, name)


def all_of(*, database: Database) -> list[tuple[Editor, datetime | None]]:
    """All editors by name, and when each last used the desk, if known."""
    with database.read() as connection:
        seen = sessions.last_seen(connection)
        return [(editor, seen.get(editor.id)) for editor in editors.all_of(connection)]


def any_exist(*, database: Database) -> bool:
    with database.read() as connection:
        return editors.any_exist(connection)


# --- by an editor ---------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The result of an attempt: the token of a new session, or a time to wait, or neither."""

    session: str = ""
    wait: timedelta = timedelta(0)


def log_in(
    name: str, password: str, *, address: str, database: Database, passwords: Passwords, now: datetime
) -> Login:
    """Start a session if the password is right and the limits allow an attempt.

    An attempt is counted before the password is checked, so that many at once cannot
    slip through.  For an unknown name it is counted too, and takes just as long.
    """
    network = rules.network_of(address)
    with database.write() as connection:
        pause = _pause(connection, name, network=network, now=now)
        if pause:
            return Login(wait=pause)
        attempt = login_attempts.begin(
            connection, name, network=network, at=now, forget=now - _FORGET_ATTEMPTS
        )
        known = editors.by_name(connection, name)
    prepared = rules.prepared(password)
    if not passwords.verify(prepared, known[1] if known else None) or known is None:
        with database.write() as connection:
            # An unknown name is not stored: it may be a password typed into the wrong field.
            who = Actor(known[0].name if known else "", Door.DESK, network)
            what = "login failed" if known else "login failed, unknown name"
            activity_log.record(connection, ActivityKind.LOGIN_FAILED, what, by=who, at=now)
        return Login()
    editor, kept = known
    renewed = passwords.hash(prepared) if passwords.is_outdated(kept) else ""
    return _begun(editor, attempt, kept=kept, renewed=renewed, network=network, database=database, now=now)


def editor_of(session: str, *, database: Database, now: datetime) -> Editor | None:
    """The editor of a valid session, else None; using a session keeps it from expiring as idle."""
    if not session:
        return None
    hashed = rules.token_hash(session)
    with database.read() as connection:
        known = sessions.with_editor(connection, hashed)
    if known is None:
        return None
    found, editor = known
    if not rules.is_alive(found, generation=editor.generation, now=now):
        return None
    if now - found.last_seen >= _SEEN_EVERY:
        with database.write() as connection:
            sessions.touch(connection, hashed, at=now)
    return editor


def log_out(session: str, *, address: str, database: Database, now: datetime) -> None:
    """End this session; the editor's other sessions stay."""
    hashed = rules.token_hash(session)
    with database.write() as connection:
        found = sessions.by_hash(connection, hashed)
        editor = editors.by_id(connection, found.editor_id) if found else None
        sessions.end(connection, hashed)
        if editor is not None:
            who = Actor(editor.name, Door.DESK, rules.network_of(address))
            activity_log.record(connection, ActivityKind.LOGOUT, "logged out", by=who, at=now)


# --- steps ----------------------------------------------------------------------


def _pause(connection: Connection, name: str, *, network: str, now: datetime) -> timedelta:
    login_attempts.hold(connection)
    since = now - rules.WINDOW
    of_name = login_attempts.failures_of_name(connection, name, since=since)
    of_network = login_attempts.failures_of_network(connection, network, since=since)
    return max(
        rules.wait(of_name, allowed=rules.FAILURES_OF_A_NAME, now=now),
        rules.wait(of_network, allowed=rules.FAILURES_OF_A_NETWORK, now=now),
    )


def _begun(
    editor: Editor,
    attempt: int,
    *,
    kept: str,
    renewed: str,
    network: str,
    database: Database,
    now: datetime,
) -> Login:
    token = secrets.token_urlsafe(32)
    with database.write() as connection:
        today = editors.by_id(connection, editor.id)
        if today is None or today.generation != editor.generation:
            return Login()  # the password was changed while the old one was being checked
        login_attempts.record_success(connection, attempt)
        if renewed:
            editors.renew_hash(connection, editor.id, old=kept, new=renewed)
        new = EditorSession(
            token_hash=rules.token_hash(token),
            editor_id=editor.id,
            generation=editor.generation,
            created_at=now,
            last_seen=now,
            expires=now + rules.LONGEST,
        )
        sessions.begin(connection, new)
        who = Actor(editor.name, Door.DESK, network)
        activity_log.record(connection, ActivityKind.LOGIN, "logged in", by=who, at=now)
    return Login(session=token)


def _hashed(password: str, *, name: str, passwords: Passwords) -> str:
    if wrong := rules.password_problem(password, name=name):
        raise NotAllowed(wrong, mend="Choose another password.")
    return passwords.hash(rules.prepared(password))


def _known(connection: Connection, name: str) -> Editor:
    found = editors.by_name(connection, name)
    if found is None:
        raise NotFound(f"There is no editor “{name}”.", mend="`digest editors list` lists all editors.")
    return found[0]


def _record(
    connection: Connection, what: ActivityKind, detail: str, name: str, *, by: Actor, at: datetime
) -> None:
    activity_log.record(connection, what, detail, by=by, at=at, subject=name)
