"""Everything digest needs to know about the provider behind a transport, as values and functions.

Loading a provider is cheap: it imports the settings table, but nothing that sends.
Its functions import heavy modules (`smtplib`, the provider's library) when called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar

from digest.setting_types import TransportTable

if TYPE_CHECKING:
    from digest.checks.types import ProviderLimits
    from digest.message.dkim import Signer
    from digest.model.delivery import DeliveryEvent
    from digest.model.newsletter import Mailbox
    from digest.transports import Transport

TableT = TypeVar("TableT", bound=TransportTable)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOptions:
    """What a transport is opened with, in addition to its own table."""

    signer: Signer | None  # None: this machine signs nothing, or the provider signs itself
    senders: int  # how many transports like this one are open at once and share its limits
    per_second: float | None  # messages of all senders together; None means no limit
    sender: Mailbox  # the sender that `verify` may test


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """How to tell a provider's posts to /hooks/NAME from anybody else's, and how to read them.

    The mapping of headers ignores case.  None of these functions raises.
    """

    may_be_signed: Callable[[Mapping[str, str], datetime], bool]  # by headers alone, before the body is read
    is_signed: Callable[[Mapping[str, str], bytes], bool]  # over the body's bytes as received
    unpack: Callable[[bytes], Sequence[object] | None]  # the events of a post; None if it is not a list
    event: Callable[[object, datetime], DeliveryEvent]  # converts one of them, given the time now


def _one(table: TransportTable) -> int:  # noqa: ARG001
    return 1


def _one_sender(table: TransportTable, signs: bool) -> int:  # noqa: ARG001
    return 1


def _nothing(table: TransportTable) -> str:  # noqa: ARG001
    return ""


def _no_webhook(table: TransportTable) -> Webhook | None:  # noqa: ARG001
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider(Generic[TableT]):
    """The provider behind one transport.  The functions take its table from the settings.

    `open` and `webhook` raise SettingsError if the table is incomplete, with a
    message of the provider's own; the others raise nothing.
    """

    name: str  # in digest.toml, the ledger and /hooks/NAME: lower-case letters, digits and _
    table: type[TableT]  # for [delivery.NAME]; all its keys have defaults
    open: Callable[[TableT, OpenOptions], Transport]  # a new transport, for one sender

    # Traits
    reaches_people: bool = True  # False: its messages go nowhere, so DNS and the like do not matter
    signs_itself: bool = False  # it signs with DKIM for the sender, and bounces go to a domain of the sender
    # How many threads send at once; True means that this machine signs each message.
    senders: Callable[[TableT, bool], int] = _one_sender
    recipients_per_request: Callable[[TableT], int] = _one
    # The address for bounces by mail, each with a token of its delivery (VERP); "" if there are none.
    bounce_address: Callable[[TableT], str] = _nothing
    limits: ProviderLimits | None = None  # for the pre-flight check: why it would refuse a whole issue
    after_send: Callable[[TableT], str] = _nothing  # a sentence shown after sending from the command line

    # What it reports later
    webhook: Callable[[TableT], Webhook | None] = (
        _no_webhook  # None: no key is set, so the endpoint is closed
    )
