"""Commands for editor accounts: add, list, password, role, remove, log; and for share links."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Annotated

import typer

from digest.cli.articles import AsJson
from digest.cli.context import application_of, whoami
from digest.cli.output import cell, moment, out, print_json, show, table
from digest.model.editor import Role

editors = typer.Typer(
    name="editors", help="Manage editor accounts.", no_args_is_help=True, rich_markup_mode=None
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name the editor logs in with.")]
FromStdin = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from the first line of standard input."),
]


def register(app: typer.Typer) -> None:
    app.add_typer(editors)
    app.command()(share)


@editors.command("add")
def add_editor(
    context: typer.Context,
    name: Name,
    role: Annotated[Role, typer.Option("--role", help="What the editor may do.")],
    password_stdin: FromStdin = False,
    as_json: AsJson = False,
) -> None:
    """Create an account; asks for a password."""
    app = application_of(context)
    app.add_editor(name, role=role, password=_password(from_stdin=password_stdin), by=whoami())
    if as_json:
        print_json({"name": name, "role": role.value})
    else:
        show(f"{name} can log in at {app.settings.site.public_url}/desk as {role.value}.")


@editors.command("list")
def list_editors(context: typer.Context, as_json: AsJson = False) -> None:
    """List accounts."""
    found = application_of(context).editors()
    if as_json:
        rows = [
            {
                "name": editor.name,
                "role": editor.role.value,
                "since": editor.created_at,
                "password_since": editor.password_at,
                "last_seen": seen,
            }
            for editor, seen in found
        ]
        print_json({"editors": rows})
        return
    made = table("Name", "Role", "Since", "Password since", "Last seen")
    for editor, seen in found:
        dates = (moment(editor.created_at, time=False), moment(editor.password_at, time=False), moment(seen))
        made.add_row(cell(editor.name), cell(editor.role.value), *(cell(date) for date in dates))
    if found:
        out().print(made)
    else:
        show(
            "No accounts yet: the desk is only available on this machine, via the link `digest serve` prints."
        )


@editors.command("password")
def change_password(
    context: typer.Context, name: Name, password_stdin: FromStdin = False, as_json: AsJson = False
) -> None:
    """Set a new password for an editor and log them out everywhere."""
    app = application_of(context)
    app.editor(name)  # an unknown name is reported before a password is asked for
    name = app.change_password(name, _password(from_stdin=password_stdin), by=whoami())
    if as_json:
        print_json({"name": name, "changed": "password"})
    else:
        show(f"{name} has a new password and is logged out everywhere.")


@editors.command("role")
def change_role(
    context: typer.Context,
    name: Name,
    role: Annotated[Role, typer.Argument(metavar="ROLE", help="editor, publisher or admin.")],
    as_json: AsJson = False,
) -> None:
    """Change an editor's role and log them out everywhere."""
    name = application_of(context).change_role(name, role, by=whoami())
    if as_json:
        print_json({"name": name, "role": role.value})
    else:
        show(f"{name} is now {role.value} and must log in again.")


@editors.command("remove")
def remove_editor(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Delete an account and end its sessions; the log keeps what the editor did."""
    name = application_of(context).remove_editor(name, by=whoami())
    if as_json:
        print_json({"name": name, "removed": True})
    else:
        show(f"The account of {name} has been removed.")


@editors.command("log")
def show_log(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Number of entries to show.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show logins, and changes to accounts and tokens; newest first."""
    entries = application_of(context).account_log(limit=limit).entries
    if as_json:
        rows = [
            {"at": e.at, "who": e.who, "what": e.detail, "subject": e.subject, "where": e.where}
            for e in entries
        ]
        print_json({"log": rows})
        return
    made = table("When (UTC)", "Who", "What", "Of", "From")
    for e in entries:
        made.add_row(cell(moment(e.at)), cell(e.who or "–"), cell(e.detail), cell(e.subject), cell(e.where))
    out().print(made)


def share(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="weekly/3, or weekly/latest.")],
    days: Annotated[int, typer.Option("--days", min=1, max=90, help="How long the link works, in days.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Create a link that shows one draft, and nothing else, to anyone who has it."""
    app = application_of(context)
    newsletter, found = app.find(issue)
    url, until = app.share(issue, length=timedelta(days=days), by=whoami())
    if as_json:
        print_json({"issue": found.ref, "url": url, "until": until})
    else:
        show(url)
        show(f"It works until {moment(until, newsletter.timezone)} in {newsletter.timezone}.")


def _password(*, from_stdin: bool) -> str:
    """The password, asked for twice and never shown, or one line of standard input; never an argument."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            "there is no terminal to ask for the password; use --password-stdin and pipe it in."
        )
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Repeat password", err=True)
    return answer
