"""What every command gets: the settings file, the clock, and the parts made from them."""

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
    from digest.model.activity import Actor
    from digest.wiring import Container


class Invocation:
    """One call of the program."""

    def __init__(self, *, file: Path, now: str | None, environ: Mapping[str, str]) -> None:
        self.file = file
        self.environ = environ
        self.clock = Clock(_start(now))

    @cached_property
    def parts(self) -> Container:
        """The settings and all that hangs on them; warnings are told once.

        Raises:
            SettingsError: the file is missing or wrong.
        """
        from digest.cli.output import warn
        from digest.wiring import Container

        made = Container.from_file(self.file, environ=self.environ, clock=self.clock)
        for warning in made.settings.warnings:
            warn(warning)
        return made

    def close(self) -> None:
        made = self.__dict__.get("parts")
        if made is not None:
            made.close()


def parts_of(context: typer.Context) -> Container:
    found: Invocation = context.obj
    return found.parts


def whoami() -> Actor:
    """Who gave this command, for the activity log."""
    from digest.model.activity import Actor, Door

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "somebody on the command line"
    return Actor(name, Door.COMMAND_LINE)


class addresses_checked:  # noqa: N801 - reads as a phrase in `with`
    """An address that is not one is wrong usage."""

    def __init__(self, address: str) -> None:
        self._address = address

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        from digest.rules.email_addresses import InvalidAddress

        if isinstance(error, InvalidAddress):
            raise typer.BadParameter(f"“{self._address}” is not an address: {error}") from None


def _start(now: str | None) -> datetime | None:
    if now is None:
        return None
    try:
        return parse_moment(now)
    except ValueError:
        raise typer.BadParameter(
            f"“{now}” is not an ISO time; write 2026-11-24T09:00:00Z.", param_hint="--now"
        ) from None
