"""Commands about subscribers: import, export, list, add, remove, erase, history."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.articles import AsJson, tell_import
from digest.cli.context import addresses_checked, parts_of, whoami
from digest.cli.output import cell, moment, out, print_json, progress, say, show, table

if TYPE_CHECKING:
    from digest.wiring import Container

people = typer.Typer(
    name="subscribers", help="Who gets the newsletter.", no_args_is_help=True, rich_markup_mode=None
)

Address = Annotated[str, typer.Argument(metavar="ADDRESS")]
OfNewsletter = Annotated[
    str | None, typer.Option("--newsletter", "-n", help="May be left out where there is only one.")
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
    """Add the people of a CSV file; who has left stays out."""
    from digest.workflows.people.subscribers import import_file

    parts = parts_of(context)
    with progress("Importing") as bar:
        done = import_file(
            parts.newsletter(newsletter),
            file,
            database=parts.database,
            by=whoami(),
            now=parts.clock(),
            progress=bar,
        )
    if as_json:
        bad = [{"line": line, "message": message} for line, message in done.bad]
        print_json(
            {
                "path": str(file),
                "rows": done.rows,
                "added": done.added,
                "repeated": done.repeated,
                "bad": bad,
                "bad_count": done.bad_count,
                "problem": done.problem,
            }
        )
    else:
        tell_import(done)
    if done.problem or (done.bad_count and done.bad_count == done.rows):
        raise typer.Exit(1)


@people.command("export")
def export_people(context: typer.Context, newsletter: OfNewsletter = None) -> None:
    """Print all subscribers as CSV."""
    from digest.workflows.people.subscribers import export

    parts = parts_of(context)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for row in export(parts.newsletter(newsletter), database=parts.database):
        writer.writerow(row)


@people.command("list")
def list_people(
    context: typer.Context,
    newsletter: OfNewsletter = None,
    limit: Annotated[int, typer.Option("--limit", help="How many to show.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List subscribers in the order of their addresses."""
    from itertools import islice

    from digest.storage import subscribers

    parts = parts_of(context)
    chosen = parts.newsletter(newsletter)
    with parts.database.read() as connection:
        counts = subscribers.count(connection, chosen.name)
        shown = list(islice(subscribers.all_of(connection, chosen.name), None if as_json else limit))
    if as_json:
        rows = [
            {
                "email": s.address,
                "name": s.name,
                "language": s.language,
                "topics": list(s.topics),
                "state": s.state.value,
                "since": s.since,
            }
            for s in shown
        ]
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
        f"{chosen.title}: " + (", ".join(f"{n} {state}" for state, n in counts.items()) or "nobody yet") + "."
    )
    if total > len(shown):
        say(f"{total - len(shown)} more; see --limit, or `digest subscribers export`.")


@people.command("add")
def add_person(
    context: typer.Context,
    address: Address,
    name: Annotated[str, typer.Option("--name")] = "",
    newsletter: OfNewsletter = None,
    again: Annotated[bool, typer.Option("--again", help="The person left and asked to come back.")] = False,
    as_json: AsJson = False,
) -> None:
    """Subscribe one person who asked for it."""
    from digest.workflows.people.subscribers import add

    parts = parts_of(context)
    chosen = parts.newsletter(newsletter)
    with addresses_checked(address):
        mine = add(
            chosen,
            address,
            name=name,
            database=parts.database,
            again=again,
            by=whoami(),
            now=parts.clock(),
        )
    if as_json:
        print_json({"newsletter": chosen.name, "email": mine.address, "state": mine.state.value})
    else:
        show(f"{mine.address} gets {chosen.title}.")


@people.command("remove")
def remove_person(
    context: typer.Context, address: Address, newsletter: OfNewsletter = None, as_json: AsJson = False
) -> None:
    """End a subscription; no import brings it back."""
    from digest.workflows.people.subscribers import remove

    parts = parts_of(context)
    chosen = parts.newsletter(newsletter)
    with addresses_checked(address):
        remove(chosen, address, database=parts.database, by=whoami(), now=parts.clock())
    if as_json:
        print_json({"newsletter": chosen.name, "email": address, "state": "ended"})
    else:
        show(f"{address} gets {chosen.title} no more.")


@people.command("erase")
def erase_person(context: typer.Context, address: Address, as_json: AsJson = False) -> None:
    """Forget a person for good; an import does not bring them back."""
    from digest.workflows.people.subscribers import erase

    parts = parts_of(context)
    with addresses_checked(address):
        was_known = erase(address, database=parts.database, by=whoami(), now=parts.clock())
    if as_json:
        print_json({"email": address, "erased": True, "was_known": was_known})
    else:
        what = "is erased" if was_known else "was not known; it is barred from now on"
        show(f"{address} {what}.")


@people.command("history")
def history_of_person(context: typer.Context, address: Address, as_json: AsJson = False) -> None:
    """Show what is known of a person, and what happened to their consent."""
    from digest.workflows.people.subscribers import history

    parts = parts_of(context)
    with addresses_checked(address):
        mine, entries = history(address, database=parts.database)
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
        at = moment(entry.at, _zone(parts, entry.newsletter))
        show(f"{at}  {entry.newsletter}  {entry.what}: {entry.how}")


def _zone(parts: Container, newsletter: str) -> str:
    known = parts.settings.newsletters.get(newsletter)
    return known.timezone if known else "UTC"
