"""The program `digest`: its global options and its commands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from digest import __version__
from digest.cli import articles, editors, feedback, issues, log, operation, people, serving, setup, tokens

app = typer.Typer(
    name="digest",
    help="Turns what is new on your blog into an email newsletter.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"digest {__version__}")
        raise typer.Exit


@app.callback()
def program(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="Settings file (default: DIGEST_CONFIG, or digest.toml in this folder).",
        ),
    ] = None,
    now: Annotated[
        str | None, typer.Option("--now", metavar="ISO-TIME", help="Start the clock at this time.")
    ] = None,
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Turns what is new on your blog into an email newsletter."""
    from digest.cli.context import Invocation

    file = config or Path(os.environ.get("DIGEST_CONFIG") or "digest.toml")
    context.obj = Invocation(file=file, now=now, environ=os.environ)
    context.call_on_close(context.obj.close)


for family in (setup, articles, issues, people, editors, tokens, operation, serving, feedback, log):
    family.register(app)
