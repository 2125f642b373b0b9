"""Provider: all that digest has to know of the one behind a transport, as plain values and functions.

Loading one is cheap: it imports the settings table and nothing that sends.
What is heavy (`smtplib`, a provider's library) the functions import when they
are called.
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
    """What a transport is opened with, beside its own table."""

    signer: Signer | None  # None: this machine signs nothing, or the provider signs itself
    senders: int  # how many transports like this one are open at once and share its limits
    per_second: float | None  # messages of all senders together; None is no limit
    sender: Mailbox  # whom `verify` may try to send as


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """How the posts of a provider at /hooks/NAME are told from anybody else's, and what they say.

    The mapping of headers does not mind case.  None of these raises.
    """

    may_be_signed: Callable[[Mapping[str, str], datetime], bool]  # by headers alone: the body is not read yet
    is_signed: Callable[[Mapping[str, str], bytes], bool]  # over the bytes of the body as they came
    unpack: Callable[[bytes], Sequence[object] | None]  # the events of a post; None: it is no list of events
    event: Callable[[object, datetime], DeliveryEvent]  # one of them in our words; the time is now


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
    """The provider behind one transport.  The functions take its table, as the settings hold it.

    `open` and `webhook` raise SettingsError where the table is not complete, with
    a sentence of the provider's own; the others raise nothing.
    """

    name: str  # in digest.toml, in the ledger and in /hooks/NAME: small letters, digits and _
    table: type[TableT]  # of [delivery.NAME]; all its keys have defaults
    open: Callable[[TableT, OpenOptions], Transport]  # a new transport, for one sender

    # Traits
    reaches_people: bool = True  # False: its messages go nowhere, so DNS and the like do not matter
    signs_itself: bool = False  # it signs with DKIM for the sender, and bounces go to a domain of the sender
    # How many threads send at once; with True, each message costs this machine a signature.
    senders: Callable[[TableT, bool], int] = _one_sender
    recipients_per_request: Callable[[TableT], int] = _one
    # Where bounces come back by mail, each with a token of its delivery (VERP); "" where they do not.
    bounce_address: Callable[[TableT], str] = _nothing
    limits: ProviderLimits | None = None  # what it would refuse a whole issue for, for the pre-flight
    after_send: Callable[[TableT], str] = _nothing  # a sentence for whoever has sent from the command line

    # What it tells later
    webhook: Callable[[TableT], Webhook | None] = _no_webhook  # None: no key is set, and the door stays shut
