"""The command that shows the activity log: who did what, when and where."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from digest.cli.articles import AsJson
from digest.cli.context import application_of
from digest.cli.output import cell, moment, out, print_json, say, show, table
from digest.model.activity import Activity, ActivityFilter, ActivityKind, Door

if TYPE_CHECKING:
    from digest.application import Application
    from digest.views.activity import ActivityPage

_DOORS = ", ".join(door.value for door in Door if door is not Door.NONE)


def register(app: typer.Typer) -> None:
    app.command("log")(show_log)


def show_log(  # noqa: PLR0913, PLR0917 - each is an option of the command
    context: typer.Context,
    about: Annotated[
        str | None, typer.Argument(metavar="[NEWSLETTER|ISSUE]", help="weekly, weekly/3 or weekly/latest.")
    ] = None,
    who: Annotated[str, typer.Option("--who", metavar="NAME", help="Only actions by this person.")] = "",
    door: Annotated[
        str, typer.Option("--door", metavar="DOOR", help=f"Only actions from here: {_DOORS}.")
    ] = "",
    action: Annotated[
        str, typer.Option("--action", metavar="ACTION", help="Only this action, such as approved.")
    ] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="DATE", help="Only from this day onward: 2026-11-24.")
    ] = "",
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="Only before this day.")] = "",
    before: Annotated[
        int | None, typer.Option("--before", metavar="ID", help="Only entries older than this one.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Number of entries to show.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show who did what, when and from where; newest first."""
    from digest.views.activity import activity_json

    app = application_of(context)
    newsletter, issue, zone = _about(app, about)
    which = ActivityFilter(
        newsletter=newsletter,
        issue=issue,
        who=who,
        door=_door(door) if door else None,
        kinds=frozenset({_kind(action)}) if action else frozenset(),
        since=_day(since, zone, "--since"),
        until=_day(until, zone, "--until"),
    )
    page = app.activity(which, before=before, limit=limit)
    if as_json:
        print_json(activity_json(page))
        return
    _print_page(page, zone)


def _print_page(page: ActivityPage, zone: str) -> None:
    if not page.entries:
        show("No entries match.")
        return
    made = table(f"When ({zone})", "Who", "Door", "About", "What")
    for entry in page.entries:
        made.add_row(*(cell(text) for text in _row(entry, zone)))
    out().print(made)
    if page.next is not None:
        say(f"For older entries, add --before {page.next}.")


def _row(entry: Activity, zone: str) -> tuple[str, str, str, str, str]:
    of = entry.subject or entry.newsletter
    return moment(entry.at, zone), entry.who or "–", entry.door.said or "–", of, entry.detail


def _about(app: Application, about: str | None) -> tuple[str, str, str]:
    """Newsletter, issue and time zone; empty and UTC for the whole log."""
    if about is None:
        return "", "", "UTC"
    if "/" not in about:
        newsletter = app.newsletter(about)
        return newsletter.name, "", newsletter.timezone
    newsletter, issue = app.find(about)
    return newsletter.name, issue.ref, newsletter.timezone


def _door(written: str) -> Door:
    if written not in {door.value for door in Door}:
        raise typer.BadParameter(f"“{written}” is not a door; choose one of: {_DOORS}.", param_hint="--door")
    return Door(written)


def _kind(written: str) -> ActivityKind:
    if written not in {kind.value for kind in ActivityKind}:
        known = ", ".join(kind.value for kind in ActivityKind)
        raise typer.BadParameter(
            f"“{written}” is not an action; choose one of: {known}.", param_hint="--action"
        )
    return ActivityKind(written)


def _day(written: str, zone: str, option: str) -> datetime | None:
    """A day or time in the newsletter's time zone; None if the option was not given."""
    if not written:
        return None
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise typer.BadParameter(
            f"“{written[:40]}” is not a date; write it like 2026-11-24.", param_hint=option
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)
