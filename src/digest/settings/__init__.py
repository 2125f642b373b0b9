"""Reads digest.toml: file and environment become frozen values, or a list of mistakes.

Other modules only need `load`.  The keys with their defaults are in `schema`; single
values in `values`; checks across several keys in `cross_checks`; the wording of
mistakes in `mistakes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from digest.model.newsletter import Newsletter, Site

__all__ = ["DeliverySettings", "DkimSettings", "SendGridSettings", "Settings", "SmtpSettings", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """How to reach the SMTP server."""

    host: str
    port: int
    security: str  # starttls, tls, none
    connections: int
    username: str
    password: SecretStr  # empty if there is none
    bounce_address: str  # empty if bounces are not processed


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGridSettings:
    """How to reach SendGrid."""

    host: str
    batch_size: int
    api_key: SecretStr  # empty if there is none
    webhook_public_key: str  # empty if events are not processed


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
    outbox: Path
    smtp: SmtpSettings
    sendgrid: SendGridSettings
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


def load(file: Path, *, environ: Mapping[str, str]) -> Settings:
    """Read the file, apply the environment over it, and check everything.

    Raises:
        SettingsError: the file is missing or wrong; `findings` lists every mistake at once.
    """
    from digest.settings.loading import read

    return read(file, environ=environ)
