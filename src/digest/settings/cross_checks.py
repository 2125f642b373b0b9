"""Checks that need more than one value: misplaced secrets, sources, names, the database.

The functions examine the tables as written, whatever else is wrong with them, so
that a single reading finds every mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from digest.setting_types import did_you_mean
from digest.settings.mistakes import Mistake, Place, shown, spelled, tables_of
from digest.settings.schema import RootTable
from digest.settings.themes import clashes


def secret_places(root: type[RootTable]) -> list[Place]:
    """Where secrets go; a key with `_file` behind its name points at a file with it instead."""
    return [
        (*heading.split("."), key)
        for heading, table in tables_of(root)
        for key, field in table.model_fields.items()
        if field.annotation is SecretStr
    ]


def secrets_in_file(tables: Mapping[str, Any], secrets: Sequence[Place]) -> Iterator[Mistake]:
    """Secrets in digest.toml itself, which is shown, copied and committed."""
    for place in secrets:
        if value_at(tables, place) is not None:
            yield Mistake(
                place,
                f"is a secret and is not allowed in this file. Put it into the environment "
                f"variable {variable_of(place)}, or into a file of its own and name that in "
                f"{file_place(place)[-1]}.",
            )
    url = value_at(tables, ("database", "url"))
    if isinstance(url, str) and _has_password(url):
        yield Mistake(
            ("database", "url"),
            f"contains a password. Put the URL into the environment variable "
            f"{variable_of(('database', 'url'))}, or the password into ~/.pgpass.",
        )


def crossings(
    tables: Mapping[str, Any], *, transports: Sequence[str], source_kinds: Sequence[str]
) -> Iterator[Mistake]:
    """All else that is wrong between values."""
    yield from _database(value_at(tables, ("database", "url")))
    yield from _transport(value_at(tables, ("delivery", "transport")), transports)
    newsletters = value_at(tables, ("newsletters",))
    for name, newsletter in (newsletters if isinstance(newsletters, Mapping) else {}).items():
        yield from _newsletter_name(name)
        if isinstance(newsletter, Mapping):
            yield from _limits(newsletter, ("newsletters", name))
            yield from _deadline(newsletter, ("newsletters", name))
            yield from _sources(newsletter.get("sources"), ("newsletters", name, "sources"), source_kinds)
            yield from clashes(newsletter, ("newsletters", name))


def unsigned(root: RootTable, *, has_key: bool) -> Iterator[Mistake]:
    """A DKIM signature that is only half configured, or that does not authenticate a sender (DMARC)."""
    dkim = root.delivery.dkim
    place: Place = ("delivery", "dkim")
    given = {"domain": bool(dkim.domain), "selector": bool(dkim.selector), "key_file": has_key}
    if not any(given.values()):
        return
    for key, is_given in given.items():
        if not is_given:
            yield Mistake(place, f"has no {key}, which is needed to sign.")
    for name, newsletter in root.newsletters.items():
        if dkim.domain and not _is_aligned(newsletter.sender.domain, dkim.domain):
            yield Mistake(
                (*place, "domain"),
                f"“{dkim.domain}” does not authenticate {newsletter.sender.address}, the sender of "
                f"newsletters.{name}. Sign with the sender's domain, or a parent of it.",
            )


def read_secret(tables: Mapping[str, Any], place: Place, *, folder: Path) -> str:
    """A secret from the environment or from its file; empty if there is neither.

    Raises:
        ValueError: the file cannot be used; the message is a sentence about `file_place(place)`.
    """
    given = value_at(tables, place)
    file = value_at(tables, file_place(place))
    if isinstance(given, str) or not isinstance(file, str):
        return str(given or "")
    return _secret_in(folder / Path(file).expanduser())


def file_place(place: Place) -> Place:
    return (*place[:-1], f"{place[-1]}_file")


def variable_of(place: Place) -> str:
    return "DIGEST_" + "__".join(str(part).upper() for part in place)


def value_at(tables: Any, place: Place) -> Any:
    """The value at that place, or None; a wrong type on the way counts as missing."""
    for part in place:
        tables = tables.get(part) if isinstance(tables, Mapping) else None
    return tables


def source_key(kind: str, *, url: str | None, path: str | None) -> str:
    """What identifies a source in the database, while its kind and place stay the same."""
    return f"{kind}:{url or path or ''}"


def _secret_in(file: Path) -> str:
    try:
        if file.stat().st_mode & 0o004:
            raise ValueError(f"{file} can be read by everyone on this machine. Run: chmod 600 {file}")
        secret = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        why = wrong.strerror if isinstance(wrong, OSError) else "it is not text"
        raise ValueError(f"{file} cannot be read: {why}.") from None
    if not secret:
        raise ValueError(f"{file} is empty.")
    return secret


def _is_aligned(sender: str, signing: str) -> bool:
    """RFC 7489, 3.1.1, without the Public Suffix List: one domain must be the other or below it."""
    shorter, longer = sorted((sender.lower(), signing.lower()), key=len)
    return shorter == longer or ("." in shorter and longer.endswith("." + shorter))


def _database(url: Any) -> Iterator[Mistake]:
    place: Place = ("database", "url")
    if not isinstance(url, str):
        return
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        if not rest.strip("/") or ":memory:" in rest or not rest.startswith("/"):
            yield Mistake(
                place, "names no file. Write sqlite:///digest.db, or four slashes before an absolute path."
            )
    elif scheme not in {"postgresql", "postgresql+psycopg"}:
        known = ["sqlite:///digest.db", "postgresql://user@host/name"]
        hint = did_you_mean(scheme, ["sqlite", "postgresql"])
        yield Mistake(
            place, f"“{shown(scheme)}” is not a supported database. Write {' or '.join(known)}.{hint}"
        )


def _has_password(url: str) -> bool:
    try:
        return bool(urlsplit(url).password) or "password=" in urlsplit(url).query
    except ValueError:
        return False


def _transport(name: Any, known: Sequence[str]) -> Iterator[Mistake]:
    if isinstance(name, str) and name not in known:
        yield Mistake(("delivery", "transport"), _unknown("transport", name, known))


def _newsletter_name(name: str) -> Iterator[Mistake]:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        yield Mistake(
            ("newsletters", name),
            "is not a valid newsletter name: it is used in commands and web addresses. "
            "Use lower-case letters, digits and hyphens, at most 40.",
        )


def _limits(newsletter: Mapping[str, Any], place: Place) -> Iterator[Mistake]:
    least, most = newsletter.get("min_articles", 1), newsletter.get("max_articles", 12)
    if isinstance(least, int) and isinstance(most, int) and least > most >= 1:
        yield Mistake(
            (*place, "min_articles"),
            f"is {least}, but an issue holds at most {most}, so none would ever be sent. Lower it.",
        )


def _deadline(newsletter: Mapping[str, Any], place: Place) -> Iterator[Mistake]:
    """A draft made at its slot leaves no time to approve it."""
    if newsletter.get("on_deadline") not in ("skip", "send"):
        return
    if newsletter.get("approval") != "required":
        yield Mistake(
            (*place, "on_deadline"),
            'only applies to issues that need approval. Set approval = "required" too.',
        )
    elif newsletter.get("draft_ahead") is None:
        yield Mistake(
            (*place, "on_deadline"),
            'leaves no time to approve a draft. Set draft_ahead too, such as "1d".',
        )


def _sources(sources: Any, place: Place, kinds: Sequence[str]) -> Iterator[Mistake]:
    if not isinstance(sources, list):
        return
    seen: dict[str, int] = {}
    for index, source in enumerate(sources):
        if not isinstance(source, Mapping):
            continue
        here = (*place, index)
        yield from _source(source, here, kinds)
        key = source_key(str(source.get("kind")), url=source.get("url"), path=source.get("path"))
        if key in seen and not key.endswith(":"):
            yield Mistake(here, f"is the same source as {spelled((*place, seen[key]))}. Remove one of them.")
        seen.setdefault(key, index)


def _source(source: Mapping[str, Any], place: Place, kinds: Sequence[str]) -> Iterator[Mistake]:
    kind = source.get("kind")
    if isinstance(kind, str) and not _is_known_kind(kind, built_in=kinds):
        yield Mistake((*place, "kind"), _unknown("kind of source", kind, kinds))
    if "url" in source and "path" in source:
        yield Mistake(place, "has both url and path. Keep the one it is read from.")
    elif "url" not in source and "path" not in source:
        yield Mistake(place, "has neither url nor path. Set one of them.")
    elif kind == "markdown" and "url" in source:
        yield Mistake(
            (*place, "url"), "cannot be used with Markdown, which is read from a folder. Write path instead."
        )


def _is_known_kind(kind: str, *, built_in: Sequence[str]) -> bool:
    from importlib.metadata import entry_points

    return kind in built_in or bool(entry_points(group="digest.sources", name=kind))


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    listed = ", ".join(f"“{k}”" for k in known)
    return f"There is no {what} “{shown(name)}”. Use one of {listed}.{did_you_mean(name, list(known))}"
