"""Reading digest.toml: from a file and the environment to frozen values, or to a list of mistakes.

`load` is all that the other rooms know of it.  The keys themselves, with their
defaults, stand in `schema`; single values in `values`; what needs two keys to
be judged in `cross_checks`; and how a mistake is said in `mistakes`.
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
    """How the SMTP server is reached."""

    host: str
    port: int
    security: str  # starttls, tls, none
    connections: int
    username: str
    password: SecretStr  # empty where there is none
    bounce_address: str  # empty where bounces are not read


@dataclass(frozen=True, slots=True, kw_only=True)
class SendGridSettings:
    """How SendGrid is reached."""

    host: str
    batch_size: int
    api_key: SecretStr  # empty where there is none
    webhook_public_key: str  # empty where events are not read


@dataclass(frozen=True, slots=True, kw_only=True)
class DkimSettings:
    """With what messages are signed that no provider signs."""

    domain: str
    selector: str
    key: SecretStr  # PEM


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySettings:
    """By which transport issues go out, and how fast."""

    transport: str
    rate_per_second: float | None  # over all workers; None is no limit
    outbox: Path
    smtp: SmtpSettings
    sendgrid: SendGridSettings
    dkim: DkimSettings | None  # None: nothing is signed here


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that digest.toml says.  Paths are absolute, secrets show in no repr."""

    file: Path
    folder: Path
    site: Site
    database_url: str = field(repr=False)  # may hold a password
    delivery: DeliverySettings
    newsletters: Mapping[str, Newsletter]
    templates: Path  # the newsletter's own; may not exist
    secret_keys: tuple[str, ...] = field(default=(), repr=False)  # newest first; empty: none were given
    warnings: tuple[str, ...] = ()


def load(file: Path, *, environ: Mapping[str, str]) -> Settings:
    """Read the file, lay the environment over it, and check all of it.

    Raises:
        SettingsError: the file is missing or wrong; `findings` names every mistake at once.
    """
    from digest.settings.loading import read

    return read(file, environ=environ)
