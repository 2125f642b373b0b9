"""The command that mail servers call with a mail sent to a return path, on standard input."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.articles import AsJson
from digest.cli.context import application_of
from digest.cli.output import print_error, print_json, show
from digest.errors import DigestError, SettingsError

if TYPE_CHECKING:
    from digest.application.results import Received
    from digest.model.delivery import DeliveryEvent

TRY_LATER = 75  # EX_TEMPFAIL of sysexits.h: the mail server keeps the mail and calls again


def register(app: typer.Typer) -> None:
    app.command()(feedback)


def feedback(
    context: typer.Context,
    to: Annotated[
        str, typer.Option("--to", metavar="ADDRESS", help="The address the mail was delivered to.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Record one bounce or complaint, piped to standard input by a mail server's alias."""
    if sys.stdin.isatty():
        raise typer.BadParameter("there is no mail on standard input.", param_hint="standard input")
    raw = _read()
    try:
        event, received = application_of(context).record_bounce(raw, to=to)
    except DigestError as error:
        # Whatever the reason: the mail server must neither lose this mail nor bounce it.
        findings = error.findings if isinstance(error, SettingsError) else ()
        print_error(error.message, as_json=as_json, mend=error.mend, findings=findings)
        raise typer.Exit(TRY_LATER) from None
    if as_json:
        print_json(_as_json(event, received))
    else:
        show(_summary(event, received))


def _read() -> bytes:
    """The first MAX_BYTES of the mail; the rest is read and dropped, as some mail servers fail otherwise."""
    from digest.message.bounce import MAX_BYTES

    raw = sys.stdin.buffer.read(MAX_BYTES)
    while sys.stdin.buffer.read(65_536):
        pass
    return raw


def _as_json(event: DeliveryEvent, received: Received) -> dict[str, Any]:
    return {
        "kind": event.kind.value,
        "detail": event.detail,
        "delivery": event.delivery_id if received.belonging else None,
        "new": bool(received.kept),
        "suppressed": bool(received.suppressed),
        "ended": bool(received.ended),
    }


def _summary(event: DeliveryEvent, received: Received) -> str:
    """One line for the log of the mail server, without an address."""
    if not received.kept:
        return "Already recorded."
    whose = f"delivery {event.delivery_id}" if received.belonging else "no known delivery"
    follows = "; the address is suppressed" if received.suppressed else ""
    return f"Recorded: {event.kind.value}, {whose}{follows}."
