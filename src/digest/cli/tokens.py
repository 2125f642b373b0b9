"""Commands for API tokens: add, list, remove."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli.articles import AsJson
from digest.cli.context import application_of, whoami
from digest.cli.output import cell, moment, out, print_json, say, show, table
from digest.model.editor import Role

tokens = typer.Typer(name="tokens", help="Manage API tokens.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the program, as shown in the log.")]


def register(app: typer.Typer) -> None:
    app.add_typer(tokens)


@tokens.command("add")
def add_token(
    context: typer.Context,
    name: Name,
    role: Annotated[Role, typer.Option("--role", help="What the program may do.")],
    as_json: AsJson = False,
) -> None:
    """Create a token; it is shown only once."""
    app = application_of(context)
    token = app.add_token(name, role=role, by=whoami())
    if as_json:
        print_json({"name": name, "role": role.value, "token": token})
        return
    show(token)
    say("Store it where the program can read it; it is not shown again. Send it with each request:")
    say("  Authorization: Bearer …")
    say(f"API reference: {app.settings.site.public_url}/api/docs")


@tokens.command("list")
def list_tokens(context: typer.Context, as_json: AsJson = False) -> None:
    """List tokens by name; the tokens themselves are not stored."""
    found = application_of(context).tokens()
    if as_json:
        rows = [
            {"name": t.name, "role": t.role.value, "since": t.created_at, "last_used": t.last_used_at}
            for t in found
        ]
        print_json({"tokens": rows})
        return
    made = table("Name", "Role", "Since", "Last used")
    for t in found:
        made.add_row(
            cell(t.name),
            cell(t.role.value),
            cell(moment(t.created_at, time=False)),
            cell(moment(t.last_used_at)),
        )
    if found:
        out().print(made)
    else:
        show("No tokens yet. Create one with `digest tokens add NAME --role ROLE`.")


@tokens.command("remove")
def remove_token(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Revoke a token at once."""
    name = application_of(context).remove_token(name, by=whoami())
    if as_json:
        print_json({"name": name, "removed": True})
    else:
        show(f"Token {name} has been revoked.")
