"""Reads digest.toml: file and environment become frozen values, or a list of mistakes.

Other packages only use `load`.  The keys and their defaults are in `schema`, those of
a transport in its own folder; checks that need two keys are in `cross_checks`, and
the wording of mistakes is in `mistakes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from digest.model.newsletter import Newsletter, Site
from digest.setting_types import TransportTable

__all__ = ["DeliverySettings", "DkimSettings", "KnownTransports", "Settings", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTransports:
    """What settings know about the transports: their names, and the tables of their keys."""

    built_in: Mapping[str, type[TransportTable]]
    installed: Callable[[], Sequence[str]]  # by third parties; not asked for where nothing names one
    table_of: Callable[[str], type[TransportTable]]  # of an installed one; raises SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimSettings:
    """The key that signs messages which no provider signs."""

    domain: str
    selector: str
    key: SecretStr  # PEM


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """Which transport sends issues, and how fast."""

    transport: str
    rate_per_second: float | None  # over all workers; None means no limit
    tables: Mapping[str, TransportTable]  # by transport, with their secrets; also of those not in use
    dkim: DkimSettings | None  # None: this machine signs nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of digest.toml.  Paths are absolute; no repr shows a secret."""

    file: Path
    folder: Path
    site: Site
    database_url: str = field(repr=False)  # may contain a password
    delivery: DeliverySettings
    newsletters: Mapping[str, Newsletter]
    templates: Path  # the owner's; may not exist
    secret_keys: tuple[str, ...] = field(default=(), repr=False)  # newest first; empty: none were given
    warnings: tuple[str, ...] = ()


def load(
    file: Path, *, environ: Mapping[str, str], transports: KnownTransports, source_kinds: Sequence[str]
) -> Settings:
    """Read the file, lay the environment over it, and check all of it.

    `transports` and `source_kinds` are what digest brings itself: the rooms that
    know them are no business of the settings.

    Raises:
        SettingsError: the file is missing or wrong; `findings` lists every mistake at once.
    """
    from digest.settings.loading import read

    return read(file, environ=environ, transports=transports, source_kinds=source_kinds)
