"""Carrier, a provider of mail: its settings, its traits and its webhook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pydantic import Field, SecretStr

from digest.errors import SettingsError
from digest.setting_types import LocalPath, Name, TransportTable, WebRoot, Whole
from digest.transports import OpenOptions, Provider, Webhook

if TYPE_CHECKING:
    from digest.checks.types import Facts, Message, Problem
    from digest.transports import Transport

LONGEST_SUBJECT = 60


class CarrierTable(TransportTable):
    host: WebRoot = Field(default="https://carrier.example", description="Where the API is.")
    parallel: Whole = Field(default=2, ge=1, le=20, description="How many requests are under way at once.")
    receipts: LocalPath | None = Field(default=None, description="A file that gets a line per message.")
    token: SecretStr = Field(
        default=SecretStr(""), strict=False, description="The token; only from the environment."
    )
    token_file: Name | None = Field(default=None, description="A file with the token.")
    webhook_key: SecretStr = Field(
        default=SecretStr(""), strict=False, description="What signs events; only from the environment."
    )
    webhook_key_file: Name | None = Field(default=None, description="A file with that key.")

    def warnings(self) -> Iterator[tuple[str, str]]:
        if not self.token.get_secret_value():
            yield "", "has no token. Set DIGEST_DELIVERY__CARRIER__TOKEN, or token_file."


def _open(table: CarrierTable, options: OpenOptions) -> Transport:
    from carrier.transport import Carrier

    token = table.token.get_secret_value()
    if not token:
        raise SettingsError(
            "There is no token for Carrier.",
            mend="Set DIGEST_DELIVERY__CARRIER__TOKEN, or token_file in [delivery.carrier].",
        )
    return Carrier(host=table.host, token=token, receipts=table.receipts, signer=options.signer)


def _limits(message: Message, facts: Facts) -> Iterable[Problem]:
    from digest.checks.types import Problem

    if len(message.subject) > LONGEST_SUBJECT:
        yield Problem(f"Carrier takes subjects of {LONGEST_SUBJECT} characters. Shorten it.", "Subject")


def _webhook(table: CarrierTable) -> Webhook | None:
    from carrier.events import webhook

    key = table.webhook_key.get_secret_value()
    return webhook(key.encode()) if key else None


PROVIDER = Provider(
    name="carrier",
    table=CarrierTable,
    open=_open,
    senders=lambda table, signs: table.parallel,
    limits=_limits,
    after_send=lambda table: f"{table.host} has the details.",
    webhook=_webhook,
)
