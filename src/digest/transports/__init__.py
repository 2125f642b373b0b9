"""Hands messages over to providers: one folder per provider, all with the same structure.

A transport submits envelopes and yields one receipt for each.  It knows nothing
about the ledger; it only calls `on_wire` at the last moment before it sends bytes
that can cause delivery, so that the caller can make its intent durable.

The rest of digest knows a provider only by one value, its `Provider`.  `BUILT_IN`
names those that ship with digest; third parties add theirs with an entry point in
the group `digest.transports`.  Every transport passes
`tests/contract/test_transports.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from digest.transports.provider import OpenOptions, Provider, Webhook

if TYPE_CHECKING:  # a command that sends nothing loads only the settings tables
    from importlib.metadata import EntryPoint

    from digest.message.compile import Compiled
    from digest.model.delivery import DeliveryId, Envelope, Receipt

BUILT_IN: dict[str, str] = {
    "outbox": "digest.transports.outbox.provider:PROVIDER",
    "smtp": "digest.transports.smtp.provider:PROVIDER",
    "sendgrid": "digest.transports.sendgrid.provider:PROVIDER",
}

# Called with the deliveries whose bytes are about to be sent; returns those that
# may be sent.  The rest is not submitted and gets no receipt: somebody else owns
# it, or its address was suppressed in the meantime.
OnWire = Callable[[Sequence["DeliveryId"]], Collection["DeliveryId"]]

# How long an answer of `on_wire` is valid, in seconds.  A sender that was frozen for
# longer may have lost its claim in the meantime and must not send the bytes.
INTENT_SECONDS = 120.0


class Transport(Protocol):
    name: str
    window: int  # the maximum number of envelopes declared together and in flight at once
    replaces: bool  # submitting a delivery again replaces its first message, so repeating is safe

    def submit(
        self, compiled: Compiled, envelopes: Iterable[Envelope], *, on_wire: OnWire
    ) -> Iterator[Receipt]:
        """Hand over one message per envelope, and yield a receipt for each as soon as it is known.

        `envelopes` may come from a pool shared with others: an envelope is taken
        only when it is about to be processed, at most two windows are taken but
        unanswered, and none is taken after the last one or after an error.  If
        the provider asks for a pause, the call ends early.  An envelope that was
        taken and has no receipt at the end was certainly not submitted, even if
        `envelopes` or `on_wire` raised; only a caller that stops asking for
        receipts may leave some declared and unanswered.

        The phase decides, not the exception: a failure before the bytes that can
        cause delivery is DEFERRED or REFUSED, a loss after them is UNCERTAIN.
        One bad recipient never fails the others.

        Raises:
            TransportDown: the server cannot be reached or refuses everything.
        """
        ...

    def verify(self) -> str:
        """Test login and sender without sending; returns a sentence with the result.

        Raises:
            TransportError: what is wrong, and how to fix it.
        """
        ...

    def close(self) -> None: ...


def provider_of(name: str) -> Provider[Any]:
    """The provider of this name.

    Raises:
        SettingsError: there is none, or an installed third-party transport cannot be loaded.
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
        f"There is no transport “{name}”.", mend=f"Use one of: {', '.join([*BUILT_IN, *installed()])}."
    )


def installed() -> list[str]:
    """The names of installed third-party transports; this loads none of them.

    A name is used for a table of digest.toml, in variables and in URLs: lower-case letters, digits and _.
    """
    names = {entry.name for entry in _entry_points()} - set(BUILT_IN)
    return sorted(name for name in names if re.fullmatch(r"[a-z][a-z0-9_]*", name))


def _entry_points() -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points

    return entry_points(group="digest.transports")


def _loaded(entry: EntryPoint) -> Provider[Any]:
    from digest.errors import SettingsError

    mend = f"Check the package that provides it: {entry.value}."
    try:
        provider = entry.load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"The transport “{entry.name}” cannot be loaded: {error}.", mend=mend) from error
    if not isinstance(provider, Provider) or provider.name != entry.name:
        raise SettingsError(
            f"The transport “{entry.name}” cannot be loaded: its entry point is not a Provider of that name.",
            mend=mend,
        )
    return provider


def windows(envelopes: Iterable[Envelope], size: int) -> Iterator[list[Envelope]]:
    """Lists of at most `size` envelopes; each is taken when it is asked for, and nothing after the last."""
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
