"""SendGrid as a provider: its settings, traits and webhook."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, SecretStr

from digest.errors import SettingsError
from digest.setting_types import Line, Name, TransportTable, WebRoot, Whole
from digest.transports.provider import OpenOptions, Provider, Webhook

if TYPE_CHECKING:
    from digest.checks.types import Facts, Message, Problem
    from digest.transports import Transport

_IN_FLIGHT = 8  # requests at once

# Every public key on the curve P-256 begins like this (RFC 5480); a point of 64 bytes follows.
_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
_P256_BYTES = 91


def _public_key(text: str) -> str:
    """The key as SendGrid shows it: base64, without the lines of a PEM file."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("is not a key in base64. Copy the verification key as SendGrid shows it.") from None
    if not raw.startswith(_P256) or len(raw) != _P256_BYTES:
        raise ValueError("is not a public key on P-256. Copy the verification key as SendGrid shows it.")
    return text


class SendGridTable(TransportTable):
    batch_size: Whole = Field(default=500, ge=1, le=1000, description="How many messages one request holds.")
    host: WebRoot = Field(
        default="https://api.sendgrid.com", description="The address of the API; can point at a local fake."
    )
    api_key: SecretStr = Field(
        default=SecretStr(""), strict=False, description="The API key; only from the environment."
    )
    api_key_file: Name | None = Field(
        default=None, description="A file that contains the API key, readable only by you."
    )
    webhook_public_key: Annotated[Line, AfterValidator(_public_key)] | None = Field(
        default=None,
        description="The verification key of the event webhook; without it, `/hooks/sendgrid` is closed.",
    )

    def warnings(self) -> Iterator[tuple[str, str]]:
        if not self.api_key.get_secret_value():
            variable = "DIGEST_DELIVERY__SENDGRID__API_KEY"
            yield "", f"has no API key, so nothing can be sent. Set {variable}, or api_key_file."


def _open(table: SendGridTable, options: OpenOptions) -> Transport:
    from digest.transports.sendgrid.transport import SendGrid

    key = table.api_key.get_secret_value()
    if not key:
        raise SettingsError(
            "There is no API key for SendGrid.",
            mend="Set DIGEST_DELIVERY__SENDGRID__API_KEY, or api_key_file in [delivery.sendgrid].",
        )
    return SendGrid(api_key=key, host=table.host, batch_size=table.batch_size, sender=options.sender)


def _limits(message: Message, facts: Facts) -> Iterable[Problem]:
    from digest.transports.sendgrid.limits import problems

    return problems(message, facts)


def _webhook(table: SendGridTable) -> Webhook | None:
    from digest.transports.sendgrid.webhook import webhook

    return webhook(table.webhook_public_key) if table.webhook_public_key else None


PROVIDER = Provider(
    name="sendgrid",
    table=SendGridTable,
    open=_open,
    signs_itself=True,
    senders=lambda table, signs: _IN_FLIGHT,  # noqa: ARG005
    recipients_per_request=lambda table: table.batch_size,
    limits=_limits,
    webhook=_webhook,
)
