"""Accounts: valid names and passwords, permissions, login throttling and session lifetimes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from digest.model.editor import Action, EditorSession, Role

MIN_PASSWORD = 12  # characters; NIST SP 800-63B requires at least 8, and no rules about character kinds
MAX_PASSWORD = 256
MAX_NAME = 100
_BESIDE_THE_NAME = 8  # characters that a password needs in addition to the editor's name

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=30)

WINDOW = timedelta(minutes=15)
FAILURES_OF_A_NAME = 5
FAILURES_OF_A_NETWORK = 20
_FIRST_WAIT = timedelta(minutes=1)

_LADDER = tuple(Role)
_LEAST = {
    Action.LOOK: Role.EDITOR,
    Action.EDIT: Role.EDITOR,
    Action.PROOF: Role.EDITOR,
    Action.APPROVE: Role.PUBLISHER,
    Action.CANCEL: Role.PUBLISHER,
    Action.PAUSE: Role.PUBLISHER,
    Action.SEND: Role.PUBLISHER,
    Action.RESOLVE: Role.PUBLISHER,
    Action.EDITORS: Role.ADMIN,
    Action.TOKENS: Role.ADMIN,
    Action.LOG: Role.ADMIN,
}


# --- who may do what ------------------------------------------------------------


def includes(role: Role, least: Role) -> bool:
    """Whether a role is `least` or higher."""
    return _LADDER.index(role) >= _LADDER.index(least)


def least_role(action: Action) -> Role:
    """The lowest role that may do this."""
    return _LEAST[action]


def may(role: Role, action: Action) -> bool:
    return includes(role, least_role(action))


# --- names and passwords --------------------------------------------------------


def name_key(name: str) -> str:
    """The key that different spellings of one name share."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def name_problem(name: str) -> str:
    """What is wrong with a name, as a sentence; empty if the name is valid."""
    if not name_key(name):
        return "A name needs at least one character."
    if name != name.strip() or not name.isprintable():
        return "A name cannot start or end with a space or contain invisible characters."
    if len(name) > MAX_NAME or len(name_key(name)) > MAX_NAME:
        return f"A name can have at most {MAX_NAME} characters."
    return ""


def prepared(password: str) -> str:
    """The form that is hashed: keyboards encode one letter in several ways (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def password_problem(password: str, *, name: str) -> str:
    """What is wrong with a password, as a sentence without the password; empty if it is acceptable."""
    text = prepared(password)
    if len(text) < MIN_PASSWORD:
        return f"A password needs at least {MIN_PASSWORD} characters; a few words in a row work well."
    if len(text) > MAX_PASSWORD:
        return f"A password can have at most {MAX_PASSWORD} characters."
    if len(set(text)) < 4:
        return "The password repeats the same few characters."
    whole = name_key(name)
    rest = text.casefold()
    for known in (whole, whole.partition("@")[0]):
        rest = rest.replace(known, "") if len(known) > 2 else rest
    if len(rest) < _BESIDE_THE_NAME:
        return "The password is too similar to the name."
    return ""


# --- logging in -----------------------------------------------------------------


def wait(failures: Iterable[datetime], *, allowed: int, now: datetime) -> timedelta:
    """How long to wait before the next attempt, given the failures so far; zero if it may be made now.

    From the last allowed failure on, the wait doubles from one minute up to the whole
    window.  It never exceeds that, so no one can lock an editor out for good.
    """
    recent = sorted(at for at in failures if now - at < WINDOW)
    over = len(recent) - allowed
    if over < 0:
        return timedelta(0)
    pause = min(_FIRST_WAIT * (1 << min(over, 10)), WINDOW)
    return min(max(recent[-1] + pause - now, timedelta(0)), WINDOW)


def network_of(address: str) -> str:
    """The /24 or /48 range of an address: enough for limits and the log, without identifying a person."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ip_network(f"{found}/{24 if found.version == 4 else 48}", strict=False))


def caller(peer: str, *, forwarded: Sequence[str]) -> str:
    """The caller's address: the peer, or the address forwarded by a web server on this machine.

    Only the last forwarded address counts, since that web server wrote it; the ones
    before it are claims of the caller.
    """
    last = forwarded[-1].strip() if forwarded else ""
    return last if last and network_of(last) and _is_loopback(peer) else peer


# --- sessions -------------------------------------------------------------------


def token_hash(token: str) -> str:
    """What is stored of a session token.  It is long and random, so a plain hash cannot be reversed."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_alive(session: EditorSession, *, generation: int, now: datetime) -> bool:
    """Whether a session is not expired, not idle for too long, and of the current password and role."""
    return now < session.expires and now < session.last_seen + IDLE and session.generation == generation


def form_token(secret: str, *, purpose: str) -> str:
    """The token a form must send back; it can only be made with the secret in the browser's cookie."""
    made = hmac.new(secret.encode(), b"form\0" + purpose.encode(), "sha256").digest()
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def is_form_token(token: str, secret: str, *, purpose: str) -> bool:
    """Whether the token matches, compared in constant time; without a cookie no token matches."""
    return bool(secret) and hmac.compare_digest(token.encode(), form_token(secret, purpose=purpose).encode())


def is_from_own_page(*, origin: str, fetch_site: str, host: str, public_url: str) -> bool:
    """Whether a form may have been sent by one of our own pages, judging by its headers.

    Browsers state it in Sec-Fetch-Site, older ones only in Origin.  If neither is
    present, the form's token has to suffice.
    """
    if fetch_site and fetch_site not in {"same-origin", "none"}:
        return False
    if not origin:
        return True
    if origin == "null":
        return fetch_site == "same-origin"
    said, own = urlsplit(origin), urlsplit(public_url)
    is_public = (said.scheme, said.netloc.casefold()) == (own.scheme, own.netloc.casefold())
    return is_public or (bool(said.netloc) and said.netloc.casefold() == host.casefold())


def is_desk_page(path: str) -> bool:
    """Whether a login may redirect to this path: pages of the desk only."""
    return re.fullmatch(r"/desk(?:/issues|/[A-Za-z0-9_-]{1,100}/(?:[0-9]{1,9}|plan))?", path) is not None


def _is_loopback(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return bool((getattr(found, "ipv4_mapped", None) or found).is_loopback)
