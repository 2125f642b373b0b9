"""Commands for subscribers: import, export, list, add, remove, erase, history."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.articles import AsJson, print_import
from digest.cli.context import addresses_checked, application_of, whoami
from digest.cli.output import cell, moment, out, print_json, progress, say, show, table

if TYPE_CHECKING:
    from digest.application import Application

people = typer.Typer(
    name="subscribers", help="Manage subscribers.", no_args_is_help=True, rich_markup_mode=None
)

Address = Annotated[str, typer.Argument(metavar="ADDRESS")]
OfNewsletter = Annotated[
    str | None, typer.Option("--newsletter", "-n", help="Optional if there is only one newsletter.")
]


def register(app: typer.Typer) -> None:
    app.add_typer(people)


@people.command("import")
def import_people(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV: email, name, language, topics.")],
    newsletter: OfNewsletter = None,
    as_json: AsJson = False,
) -> None:
    """Import subscribers from a CSV file; people who unsubscribed are not re-added."""
    from digest.views.json_output import imported_json

    with progress("Importing") as bar:
        done = application_of(context).import_subscribers(newsletter, file, by=whoami(), progress=bar)
    if as_json:
        print_json(imported_json(done) | {"path": str(file)})
    else:
        print_import(done)
    if done.problem or (done.bad_count and done.bad_count == done.rows):
        raise typer.Exit(1)


@people.command("export")
def export_people(context: typer.Context, newsletter: OfNewsletter = None) -> None:
    """Print all subscribers as CSV."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for row in application_of(context).export_subscribers(newsletter):
        writer.writerow(row)


@people.command("list")
def list_people(
    context: typer.Context,
    newsletter: OfNewsletter = None,
    limit: Annotated[int, typer.Option("--limit", help="How many to show.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List subscribers, sorted by address."""
    from digest.views.json_output import subscriber_json

    chosen, counts, shown = application_of(context).subscribers(newsletter, limit=None if as_json else limit)
    if as_json:
        rows = [subscriber_json(one) for one in shown]
        print_json({"newsletter": chosen.name, "counts": counts, "subscribers": rows})
        return
    made = table("Address", "Name", "State", "Since")
    for s in shown:
        made.add_row(
            cell(s.address),
            cell(s.name),
            cell(s.state.value),
            cell(moment(s.since, chosen.timezone, time=False)),
        )
    out().print(made)
    total = sum(counts.values())
    show(
        f"{chosen.title}: "
        + (", ".join(f"{n} {state}" for state, n in counts.items()) or "no subscribers yet")
        + "."
    )
    if total > len(shown):
        say(f"{total - len(shown)} more; see --limit, or `digest subscribers export`.")


@people.command("add")
def add_person(
    context: typer.Context,
    address: Address,
    name: Annotated[str, typer.Option("--name")] = "",
    newsletter: OfNewsletter = None,
    again: Annotated[
        bool, typer.Option("--again", help="Resubscribe someone who unsubscribed and asked to return.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Subscribe one person who asked for it."""
    app = application_of(context)
    chosen = app.newsletter(newsletter)
    with addresses_checked(address):
        mine = app.add_subscriber(chosen.name, address, by=whoami(), name=name, again=again)
    if as_json:
        print_json({"newsletter": chosen.name, "email": mine.address, "state": mine.state.value})
    else:
        show(f"{mine.address} is now subscribed to {chosen.title}.")


@people.command("remove")
def remove_person(
    context: typer.Context, address: Address, newsletter: OfNewsletter = None, as_json: AsJson = False
) -> None:
    """Unsubscribe one person; imports do not re-add them."""
    app = application_of(context)
    chosen = app.newsletter(newsletter)
    with addresses_checked(address):
        app.remove_subscriber(chosen.name, address, by=whoami())
    if as_json:
        print_json({"newsletter": chosen.name, "email": address, "state": "ended"})
    else:
        show(f"{address} is unsubscribed from {chosen.title}.")


@people.command("erase")
def erase_person(context: typer.Context, address: Address, as_json: AsJson = False) -> None:
    """Erase a person's data for good; imports do not re-add them."""
    with addresses_checked(address):
        was_known = application_of(context).erase_subscriber(address, by=whoami())
    if as_json:
        print_json({"email": address, "erased": True, "was_known": was_known})
    else:
        what = "has been erased" if was_known else "was not known; it can no longer be added"
        show(f"{address} {what}.")


@people.command("history")
def history_of_person(context: typer.Context, address: Address, as_json: AsJson = False) -> None:
    """Show a person's subscriptions and the history of their consent."""
    app = application_of(context)
    with addresses_checked(address):
        mine, entries = app.subscriber_history(address)
    if as_json:
        print_json(
            {
                "email": address,
                "subscriptions": [{"newsletter": s.newsletter, "state": s.state.value} for s in mine],
                "history": [
                    {"at": e.at, "newsletter": e.newsletter, "what": e.what, "how": e.how} for e in entries
                ],
            }
        )
        return
    for subscription in mine:
        show(f"{subscription.newsletter}: {subscription.state.value}")
    for entry in entries:
        at = moment(entry.at, _zone(app, entry.newsletter))
        show(f"{at}  {entry.newsletter}  {entry.what}: {entry.how}")


def _zone(app: Application, newsletter: str) -> str:
    known = app.settings.newsletters.get(newsletter)
    return known.timezone if known else "UTC"
