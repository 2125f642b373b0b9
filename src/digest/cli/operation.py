"""Commands for the health of an installation: status, doctor."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.articles import AsJson, Name
from digest.cli.context import application_of
from digest.cli.issue_output import delivery_report, subscribers_in_words
from digest.cli.output import cell, moment, out, print_json, show, table, warn

if TYPE_CHECKING:
    from digest.application.results import Diagnosis
    from digest.views.status import NewsletterStatus


def register(app: typer.Typer) -> None:
    app.command()(status)
    app.command()(doctor)


def status(context: typer.Context, newsletter: Name = None, as_json: AsJson = False) -> None:
    """Show issues, deliveries by state, the next slots and the health of the sources."""
    from digest.views.json_output import status_json

    found = application_of(context).status(newsletter)
    if as_json:
        print_json({"newsletters": [status_json(one) for one in found]})
        return
    for one in found:
        _print_status(one)


def doctor(
    context: typer.Context,
    offline: Annotated[bool, typer.Option("--offline", help="Do not query DNS or the provider.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check settings, database, provider, DNS, public URL and clock, and say how to fix each problem."""
    findings = application_of(context).doctor(offline=offline)
    if as_json:
        print_json({"findings": [asdict(f) for f in findings]})
    else:
        _print_diagnosis(findings)
    if any(f.severity == "error" for f in findings):
        raise typer.Exit(1)


def _print_status(status: NewsletterStatus) -> None:
    from digest.model.slot import described

    newsletter, zone = status.newsletter, status.newsletter.timezone
    confirmed = status.subscribers.get("confirmed", 0)
    show(f"{newsletter.title} ({newsletter.name}), {subscribers_in_words(confirmed)}")
    if status.next_slots:
        show(f"Next: {moment(status.next_slots[0].due, zone)} in {zone}.")
    for record in status.recent_slots:
        if record.state.value not in {"done", "due"}:
            warn(f"Slot {moment(record.slot.due, zone)}, {described(record.state, record.reason)}")
    if status.issues:
        made = table("Issue", "State", "When", "Delivery report")
        for issue, counts in status.issues:
            made.add_row(
                cell(issue.ref),
                cell(issue.state.value),
                cell(moment(issue.sent_at or issue.created_at, zone)),
                cell(delivery_report(counts) if counts.candidates else issue.reason),
            )
        out().print(made)
    made = table("Source", "Works", "Last fetched", "Last new", "")
    for health in status.sources:
        made.add_row(
            cell(health.name),
            cell("yes" if health.ok else "no"),
            cell(moment(health.last_fetched, zone)),
            cell(moment(health.last_new, zone)),
            cell(health.message),
        )
    out().print(made)


def _print_diagnosis(findings: list[Diagnosis]) -> None:
    made = table("", "Checked", "Finding", "How to fix it")
    for f in findings:
        made.add_row(cell(f.severity), cell(f.what), cell(f.finding), cell(f.mend))
    out().print(made)
