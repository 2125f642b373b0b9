"""Handing messages over: one folder per provider, all of one shape.

A transport submits envelopes and answers with one receipt for each.  It knows
nothing of the ledger; it only calls `on_wire` at the last moment before bytes
leave that can cause delivery, so that the caller can make its intent durable.

What the rest of digest has to know of a provider is one value, its `Provider`.
`BUILT_IN` names those that ship with digest; third parties add theirs by an
entry point in the group `digest.transports`.  Every transport passes
`tests/contract/test_transports.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from digest.transports.provider import OpenOptions, Provider, Webhook

if TYPE_CHECKING:  # a command that sends nothing loads no more than the tables of the settings
    from importlib.metadata import EntryPoint

    from digest.message.compile import Compiled
    from digest.model.delivery import DeliveryId, Envelope, Receipt

BUILT_IN: dict[str, str] = {
    "outbox": "digest.transports.outbox.provider:PROVIDER",
    "smtp": "digest.transports.smtp.provider:PROVIDER",
    "sendgrid": "digest.transports.sendgrid.provider:PROVIDER",
}

# Called with the deliveries whose bytes are about to leave; answers with those
# that may really go.  The rest is not submitted and gets no receipt: somebody
# else owns it, or its address was suppressed meanwhile.
OnWire = Callable[[Sequence["DeliveryId"]], Collection["DeliveryId"]]

# How long an answer of `on_wire` holds, in seconds.  A sender that was frozen for
# longer may have lost its claim meanwhile and must not let the bytes go.
INTENT_SECONDS = 120.0


class Transport(Protocol):
    name: str
    window: int  # how many envelopes are declared together and in the air at once, at most
    replaces: bool  # submitting a delivery again replaces its first message: repeating is safe

    def submit(
        self, compiled: Compiled, envelopes: Iterable[Envelope], *, on_wire: OnWire
    ) -> Iterator[Receipt]:
        """Hand over one message per envelope, and yield a receipt for each as it is known.

        `envelopes` may be drawn from a pool that others draw from too: one is
        taken only when it is about to be worked on, at most two windows are
        taken and not answered, and none is after the last one or after an
        error.  A provider that asks for a pause ends the call early.  What was
        taken and has no receipt in the end was certainly not submitted, also
        when `envelopes` or `on_wire` raised; only a caller that stops asking
        for receipts may leave some declared and unanswered.

        The phase decides, not the exception: what fails before the bytes that
        can cause delivery is DEFERRED or REFUSED, what is lost after them is
        UNCERTAIN.  One bad recipient never fails the others.

        Raises:
            TransportDown: the server cannot be reached or turns everything away.
        """
        ...

    def verify(self) -> str:
        """Try login and sender without sending; a sentence that says what was found.

        Raises:
            TransportError: what is wrong, with its mend.
        """
        ...

    def close(self) -> None: ...


def provider_of(name: str) -> Provider[Any]:
    """What is to be known of the provider of this name.

    Raises:
        SettingsError: there is none, or what a third party installed cannot be loaded.
    """
    from importlib import import_module

    from digest.errors import SettingsError

    if name in BUILT_IN:
        module, value = BUILT_IN[name].split(":")
        found: Provider[Any] = getattr(import_module(module), value)
        return found
    for entry in _entry_points():
        if entry.name == name:
            return _loaded(entry)
    raise SettingsError(
        f"There is no transport “{name}”.", mend=f"Known: {', '.join([*BUILT_IN, *installed()])}."
    )


def installed() -> list[str]:
    """The names of the transports that third parties brought; nothing of them is loaded.

    A name is a table of digest.toml and a part of variables and addresses: small letters, digits and _.
    """
    names = {entry.name for entry in _entry_points()} - set(BUILT_IN)
    return sorted(name for name in names if re.fullmatch(r"[a-z][a-z0-9_]*", name))


def _entry_points() -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points

    return entry_points(group="digest.transports")


def _loaded(entry: EntryPoint) -> Provider[Any]:
    from digest.errors import SettingsError

    mend = f"Look at the package that brings it: {entry.value}."
    try:
        provider = entry.load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"The transport “{entry.name}” cannot be loaded: {error}.", mend=mend) from error
    if not isinstance(provider, Provider) or provider.name != entry.name:
        raise SettingsError(
            f"The transport “{entry.name}” cannot be loaded: its entry point gives no Provider of that name.",
            mend=mend,
        )
    return provider


def windows(envelopes: Iterable[Envelope], size: int) -> Iterator[list[Envelope]]:
    """At most `size` at a time, taken when they are asked for, and nothing after the last one."""
    rest, count = iter(envelopes), size
    while count == size:
        window = list(islice(rest, size))
        count = len(window)
        if window:
            yield window


__all__ = [
    "BUILT_IN",
    "INTENT_SECONDS",
    "OnWire",
    "OpenOptions",
    "Provider",
    "Transport",
    "Webhook",
    "installed",
    "provider_of",
    "windows",
]
