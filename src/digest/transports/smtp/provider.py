"""A mail server as a provider: its settings and traits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field, SecretStr

from digest.errors import SettingsError
from digest.setting_types import Line, Name, ReturnPath, TransportTable, Whole, is_this_machine
from digest.transports.provider import OpenOptions, Provider

if TYPE_CHECKING:
    from digest.transports import Transport


class SmtpTable(TransportTable):
    host: Name = Field(default="127.0.0.1", description="The mail server.")
    port: Whole = Field(default=587, ge=1, le=65535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="`starttls`, `tls` from the first byte, or `none` for a server on your own machine.",
    )
    connections: Whole = Field(default=10, ge=1, le=100, description="How many connections are open at once.")
    username: Line = Field(default="", description="The user name, if the server requires a login.")
    password: SecretStr = Field(
        default=SecretStr(""), strict=False, description="The password; only from the environment."
    )
    password_file: Name | None = Field(
        default=None, description="A file that contains the password, readable only by you."
    )
    bounce_address: ReturnPath | None = Field(
        default=None,
        description="Where bounces go, each with a token of its delivery; `digest feedback` processes them.",
    )

    def warnings(self) -> Iterator[tuple[str, str]]:
        has_password = bool(self.password.get_secret_value())
        if self.username and not has_password:
            yield (
                "",
                "has a username but no password. Set DIGEST_DELIVERY__SMTP__PASSWORD, or password_file.",
            )
        if has_password and not self.username:
            yield "", "has a password but no username, so it is not used."
        if self.username and self.security == "none" and not is_this_machine(self.host):
            yield "security", "is “none”, so the password crosses the network for all to read."


def _open(table: SmtpTable, options: OpenOptions) -> Transport:
    from digest.transports.smtp.transport import Smtp

    if table.username and not table.password.get_secret_value():
        raise SettingsError(
            f"No password is set for user “{table.username}” at {table.host}.",
            mend="Set DIGEST_DELIVERY__SMTP__PASSWORD, or password_file in [delivery.smtp].",
        )
    return Smtp(
        host=table.host,
        port=table.port,
        security=table.security,
        username=table.username,
        password=table.password.get_secret_value(),
        connections=table.connections // options.senders,
        per_second=options.per_second,
        signer=options.signer,
    )


def _senders(table: SmtpTable, signs: bool) -> int:
    """One thread serves all connections, unless it has to sign each message."""
    return min(os.cpu_count() or 1, table.connections) if signs else 1


def _bounce_address(table: SmtpTable) -> str:
    return table.bounce_address.address if table.bounce_address else ""


PROVIDER = Provider(
    name="smtp", table=SmtpTable, open=_open, senders=_senders, bounce_address=_bounce_address
)
