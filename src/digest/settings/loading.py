"""Turns the file and the environment into `Settings`: read, overlay, check, assemble."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from digest.errors import SettingsError
from digest.model.newsletter import Newsletter, Policy, Site, SourceSpec
from digest.rules.slots import moving_hours
from digest.setting_types import FromEnvironment, TransportTable, did_you_mean, is_this_machine
from digest.settings import DeliverySettings, DkimSettings, KnownTransports, Settings
from digest.settings.cross_checks import (
    crossings,
    file_place,
    read_secret,
    secret_places,
    secrets_in_file,
    source_key,
    unsigned,
    value_at,
)
from digest.settings.mistakes import Mistake, Place, mistake_of, shown, spelled, written
from digest.settings.schema import (
    DeliveryTable,
    DkimTable,
    NewsletterTable,
    RootTable,
    SourceTable,
    root_table,
)
from digest.settings.themes import theme_of

# A year far enough ahead that every time zone follows its current rule rather than its history.
_RULES_OF = 2037


def read(
    file: Path, *, environ: Mapping[str, str], transports: KnownTransports, source_kinds: Sequence[str]
) -> Settings:
    """See `digest.settings.load`."""
    file = file.expanduser().absolute()
    tables = _toml(file)
    of_transports, names = _transports(tables, environ, transports)
    model = root_table(of_transports)
    places = secret_places(model)
    mistakes = list(secrets_in_file(tables, places))

    overlaid, variables, unknown = _overlaid(_without_secrets(tables, places), environ)
    mistakes += [*unknown, *crossings(overlaid, transports=names, source_kinds=source_kinds)]
    secrets, unreadable = _secrets(overlaid, places, folder=file.parent)
    root, wrong = _validated(model, overlaid, folder=file.parent)
    mistakes += [*unreadable, *wrong]
    if root is not None and not unreadable:
        mistakes += unsigned(root, has_key=bool(secrets["delivery", "dkim", "key"].get_secret_value()))

    findings = written(mistakes, file=file.name, tables=overlaid, variables=variables)
    if findings or root is None:
        count = "1 mistake" if len(findings) == 1 else f"{len(findings)} mistakes"
        raise SettingsError(f"{file.name} has {count}.", findings=findings)
    delivery = _delivery(root.delivery, names=list(of_transports), secrets=secrets)
    return _settings(root, file=file, delivery=delivery, environ=environ)


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(
            f"There is no {file.name} in {file.parent}.", mend="Create one with `digest init DIR`."
        ) from None
    except OSError as wrong:
        raise SettingsError(
            f"{file} cannot be read: {wrong.strerror}.", mend="Give the path of a settings file."
        ) from None
    except UnicodeDecodeError as wrong:
        line = wrong.object[: wrong.start].count(b"\n") + 1
        finding = f"{file.name}: line {line}: is not in UTF-8. Save the file in that encoding."
        raise SettingsError(f"{file.name} is not in UTF-8.", findings=(finding,)) from None
    except tomllib.TOMLDecodeError as wrong:
        raise SettingsError(
            f"{file.name} is not valid TOML.", findings=(_syntax(file.name, str(wrong)),)
        ) from None


def _syntax(file: str, message: str) -> str:
    at = re.search(r"\s*\(at (line \d+, column \d+|end of document)\)$", message)
    if not at:
        return f"{file}: {message}."
    return f"{file}: {at[1]}: {message[: at.start()]}."


# --- the environment ----------------------------------------------------------------


def _overlaid(
    tables: dict[str, Any], environ: Mapping[str, str]
) -> tuple[dict[str, Any], dict[Place, str], list[Mistake]]:
    """Apply DIGEST_TABLE__KEY variables over the tables; an empty one counts as not set."""
    variables: dict[Place, str] = {}
    mistakes: list[Mistake] = []
    for variable, value in sorted(environ.items()):
        if not variable.startswith("DIGEST_") or "__" not in variable or not value:
            continue
        place = _place_of(variable, tables)
        variables[place] = variable
        if refused := _put(tables, place, FromEnvironment(value)):
            mistakes.append(Mistake(place, refused))
    return tables, variables, mistakes


def _place_of(variable: str, tables: Mapping[str, Any]) -> Place:
    """Variables have neither hyphens nor lower case, so a newsletter's name is matched without them."""
    parts = variable.removeprefix("DIGEST_").lower().split("__")
    newsletters = value_at(tables, ("newsletters",))
    if parts[0] == "newsletters" and len(parts) > 1 and isinstance(newsletters, Mapping):
        same = [name for name in newsletters if name.lower().replace("-", "_") == parts[1]]
        parts[1:2] = same[:1] or parts[1:2]
    return tuple(parts)


def _put(tables: dict[str, Any], place: Place, value: str) -> str:
    """Set one value, or return a sentence that says why that is not possible."""
    table: Any = tables
    for depth, part in enumerate(place[:-1]):
        if depth == 1 and place[0] == "newsletters" and part not in table:
            return f"there is no such newsletter in the file.{did_you_mean(str(part), list(table))}"
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            return "cannot be set from the environment. Set it in the file."
    if isinstance(table.get(place[-1]), list | dict):
        return "cannot be set from the environment: it is a list or a table. Set it in the file."
    table[place[-1]] = value
    return ""


# --- transports -----------------------------------------------------------------------


def _transports(
    tables: Mapping[str, Any], environ: Mapping[str, str], known: KnownTransports
) -> tuple[dict[str, type[TransportTable]], list[str]]:
    """The tables of the transports, and the names of all that there are.

    Those that third parties installed are loaded only where the file or the
    environment names them: a command need not import what it does not use.

    Raises:
        SettingsError: one of them cannot be loaded.
    """
    found, names = dict(known.built_in), list(known.built_in)
    delivery = value_at(_overlaid(deepcopy(dict(tables)), environ)[0], ("delivery",))
    if not isinstance(delivery, Mapping):
        return found, names
    named = {key for key, value in delivery.items() if isinstance(value, Mapping)}
    named |= {delivery["transport"]} if isinstance(delivery.get("transport"), str) else set()
    if strangers := named - set(names) - set(DeliveryTable.model_fields):
        installed = [name for name in known.installed() if name not in DeliveryTable.model_fields]
        names += installed
        found |= {name: known.table_of(name) for name in installed if name in strangers}
    return found, names


# --- secrets --------------------------------------------------------------------------


def _without_secrets(tables: dict[str, Any], places: Sequence[Place]) -> dict[str, Any]:
    """A copy without secrets, so that no later message can print one."""
    left = deepcopy(tables)
    for place in places:
        table = value_at(left, place[:-1])
        if isinstance(table, dict):
            table.pop(place[-1], None)
    return left


def _secrets(
    tables: Mapping[str, Any], places: Sequence[Place], *, folder: Path
) -> tuple[dict[Place, SecretStr], list[Mistake]]:
    found: dict[Place, SecretStr] = {}
    mistakes: list[Mistake] = []
    for place in places:
        try:
            found[place] = SecretStr(read_secret(tables, place, folder=folder))
        except ValueError as wrong:
            mistakes.append(Mistake(file_place(place), str(wrong)))
    return found, mistakes


def _validated(
    model: type[RootTable], tables: Mapping[str, Any], *, folder: Path
) -> tuple[RootTable | None, list[Mistake]]:
    try:
        return model.model_validate(tables, context={"folder": folder}), []
    except ValidationError as wrong:
        return None, [mistake_of(error, model) for error in wrong.errors(include_url=False)]


# --- assembling -----------------------------------------------------------------------


def _settings(
    root: RootTable, *, file: Path, delivery: DeliverySettings, environ: Mapping[str, str]
) -> Settings:
    folder = file.parent
    keys = tuple(key.strip() for key in environ.get("DIGEST_SECRET_KEYS", "").split(",") if key.strip())
    site = Site(**dict(root.site))
    newsletters = {
        name: _newsletter(table, name=name, site=site, folder=folder)
        for name, table in root.newsletters.items()
    }
    return Settings(
        file=file,
        folder=folder,
        site=site,
        database_url=_database_url(root.database.url, folder),
        delivery=delivery,
        newsletters=MappingProxyType(newsletters),
        templates=folder / "templates",
        secret_keys=keys,
        warnings=tuple(_warnings(site, delivery, newsletters, keys)),
    )


def _database_url(url: str, folder: Path) -> str:
    prefix = "sqlite:///"
    return prefix + str(folder / url.removeprefix(prefix)) if url.startswith(prefix) else url


def _delivery(
    table: DeliveryTable, *, names: Sequence[str], secrets: Mapping[Place, SecretStr]
) -> DeliverySettings:
    return DeliverySettings(
        transport=table.transport,
        rate_per_second=table.rate_per_second,
        tables=MappingProxyType({name: _with_secrets(getattr(table, name), name, secrets) for name in names}),
        dkim=_dkim(table.dkim, key=secrets["delivery", "dkim", "key"]),
    )


def _with_secrets(table: TransportTable, name: str, secrets: Mapping[Place, SecretStr]) -> TransportTable:
    own = {str(place[-1]): secret for place, secret in secrets.items() if place[:-1] == ("delivery", name)}
    return table.model_copy(update=own)


def _dkim(table: DkimTable, *, key: SecretStr) -> DkimSettings | None:
    if not (table.domain and table.selector):
        return None
    return DkimSettings(domain=table.domain, selector=table.selector, key=key)


def _newsletter(table: NewsletterTable, *, name: str, site: Site, folder: Path) -> Newsletter:
    return Newsletter(
        name=name,
        title=table.title,
        sender=table.sender,
        reply_to=table.reply_to,
        sources=tuple(_source(source, site=site, folder=folder) for source in table.sources),
        policy=_policy(table),
        schedule=table.schedule,
        language=table.language,
        timezone=table.timezone,
        needs_approval=table.approval == "required",
        draft_ahead=table.draft_ahead,
        on_deadline=table.on_deadline,
        editors=tuple(table.editors),
        subject=table.subject,
        description=table.description,
        collect_every=table.collect_every,
        late=timedelta(hours=table.late_hours),
        on_uncertain=table.on_uncertain,
        subscriber_files=_subscriber_files(table, name=name, folder=folder),
        logo=table.logo or "",
        theme=theme_of(table),
        images=table.images,
    )


def _policy(table: NewsletterTable) -> Policy:
    return Policy(
        max_articles=table.max_articles,
        min_articles=table.min_articles,
        max_age=timedelta(days=table.max_age_days),
        first_issue=timedelta(days=table.first_issue_days),
        flood_limit=table.flood_limit,
        sends_future_dated=table.future_dated == "send",
        include_tags=_folded(table.include_tags),
        exclude_tags=_folded(table.exclude_tags),
        section_order=tuple(table.sections),
    )


def _subscriber_files(table: NewsletterTable, *, name: str, folder: Path) -> tuple[Path, ...]:
    if table.subscribers is not None:
        return tuple(_inside(folder, path) for path in table.subscribers)
    usual = folder / "subscribers" / f"{name}.csv"
    return (usual,) if usual.exists() else ()


def _source(table: SourceTable, *, site: Site, folder: Path) -> SourceSpec:
    path = _inside(folder, table.path) if table.path else None
    needs_base = path is not None and table.kind in {"listing", "markdown"}
    return SourceSpec(
        kind=table.kind,
        key=source_key(table.kind, url=table.url, path=table.path),
        name=table.name or _place_name(table.url, path),
        url=table.url or "",
        path=path,
        base_url=table.base_url or (site.url if needs_base else ""),
        section=table.section,
        featured=table.featured,
        include_tags=_folded(table.include_tags),
        exclude_tags=_folded(table.exclude_tags),
        allow_private_addresses=table.allow_private_addresses,
        pages=table.pages,
        selectors=MappingProxyType(dict(table.selectors)),
    )


def _place_name(url: str | None, path: Path | None) -> str:
    if path is not None:
        return path.name
    parts = urlsplit(url or "")
    return f"{parts.netloc}{parts.path}".rstrip("/")


def _inside(folder: Path, path: str) -> Path:
    return folder / Path(path).expanduser()


def _folded(tags: list[str]) -> frozenset[str]:
    return frozenset(tag.casefold() for tag in tags if tag)


# --- warnings -------------------------------------------------------------------------


def _warnings(
    site: Site, delivery: DeliverySettings, newsletters: Mapping[str, Newsletter], keys: tuple[str, ...]
) -> Iterator[str]:
    public = urlsplit(site.public_url)
    if public.scheme == "http" and not is_this_machine(public.hostname or ""):
        yield "site.public_url: is not https, so no mail app will show one-click unsubscribe."
    yield from _delivery_warnings(delivery)
    for newsletter in newsletters.values():
        yield from _clock_warning(newsletter)
    if any(len(key) < 16 for key in keys):
        yield "environment: DIGEST_SECRET_KEYS: a key has fewer than 16 characters and could be guessed."


def _delivery_warnings(delivery: DeliverySettings) -> Iterator[str]:
    """Those of the transport in use."""
    for key, sentence in delivery.tables[delivery.transport].warnings():
        yield f"{spelled(('delivery', delivery.transport, *([key] if key else [])))}: {sentence}"


def _clock_warning(newsletter: Newsletter) -> Iterator[str]:
    """01:00 to 03:59 is when most zones change their clocks; some do it at midnight."""
    moving = moving_hours(newsletter.timezone, year=_RULES_OF)
    schedule = newsletter.schedule
    if moving and schedule.hours & (moving | {1, 2, 3}) and len(schedule.hours) < 24:
        yield (
            f"newsletters.{newsletter.name}.schedule: “{shown(schedule.text)}” is near the hour at which "
            f"{newsletter.timezone} changes its clocks, so on such a day it may be sent at another hour. "
            f"Choose a time after 04:00 to avoid this."
        )
