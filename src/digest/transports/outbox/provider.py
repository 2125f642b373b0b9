"""The outbox as a provider: it stores messages in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from digest.setting_types import LocalPath, TransportTable
from digest.transports.provider import OpenOptions, Provider

if TYPE_CHECKING:
    from digest.transports import Transport


class OutboxTable(TransportTable):
    path: LocalPath = Field(
        default="outbox",
        validate_default=True,
        description="The folder for the .eml files, one per message.",
    )


def _open(table: OutboxTable, options: OpenOptions) -> Transport:
    from digest.transports.outbox.transport import Outbox

    return Outbox(table.path, signer=options.signer)


PROVIDER = Provider(
    name="outbox",
    table=OutboxTable,
    open=_open,
    reaches_people=False,
    after_send=lambda table: f"The messages are in {table.path}.",
)
