"""What every command gets: the settings file, the clock, and the application made from them."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from digest.clock import Clock, parse_moment

if TYPE_CHECKING:
    from digest.application import Application, Senders
    from digest.model.activity import Actor


class Invocation:
    """One call of the program."""

    def __init__(self, *, file: Path, now: str | None, environ: Mapping[str, str]) -> None:
        self.file = file
        self.environ = environ
        self.clock = Clock(_start(now))

    @cached_property
    def application(self) -> Application:
        """The application of this settings file; its warnings are shown once.

        Raises:
            SettingsError: the file is missing or invalid.
        """
        return self.open(self.file, warns=True)

    def open(self, file: Path, *, senders: Senders | None = None, warns: bool = False) -> Application:
        """The application of a settings file, with this call's environment and clock."""
        from digest.application import Application
        from digest.cli.output import warn

        made = Application.from_file(file, environ=self.environ, clock=self.clock, senders=senders)
        for warning in made.settings.warnings if warns else ():
            warn(warning)
        return made

    def close(self) -> None:
        made = self.__dict__.get("application")
        if made is not None:
            made.close()


def application_of(context: typer.Context) -> Application:
    found: Invocation = context.obj
    return found.application


def whoami() -> Actor:
    """Who gave this command, for the activity log."""
    from digest.model.activity import Actor, Door

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown user on the command line"
    return Actor(name, Door.COMMAND_LINE)


class addresses_checked:  # noqa: N801 - reads as a phrase in `with`
    """Report an invalid address as wrong usage (exit code 2)."""

    def __init__(self, address: str) -> None:
        self._address = address

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        from digest.rules.email_addresses import InvalidAddress

        if isinstance(error, InvalidAddress):
            raise typer.BadParameter(f"“{self._address}” is not an email address: {error}") from None


def _start(now: str | None) -> datetime | None:
    if now is None:
        return None
    try:
        return parse_moment(now)
    except ValueError:
        raise typer.BadParameter(
            f"“{now}” is not an ISO time; write 2026-11-24T09:00:00Z.", param_hint="--now"
        ) from None
