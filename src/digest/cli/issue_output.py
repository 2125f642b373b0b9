"""How issues, sends and pre-flight checks are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digest.cli.output import cell, out, say, show, table, warn

if TYPE_CHECKING:
    from digest.application.results import Report, Sent
    from digest.checks import RenderingDifference
    from digest.model.delivery import Counts
    from digest.model.issue import Issue


def print_sent(newsletter: str, sent: Sent, *, after_send: str) -> None:
    if sent.issue is None:
        show(f"Nothing to send: {sent.reason}")
        return
    show(f"Issue {sent.issue.ref} is {sent.state}.")
    if sent.state == "sent":
        print_teasers(sent.issue)
    c = sent.counts
    if c.candidates:
        show(delivery_report(c))
    if sent.reason:
        warn(sent.reason)
    if sent.state == "sent" and after_send:
        say(after_send)
    if sent.state == "held":
        say(f"Review it with `digest show {sent.issue.ref}`, then run `digest send {newsletter} --yes`.")


def delivery_report(c: Counts) -> str:
    """The delivery report of an issue in one line that adds up; later events are in brackets."""
    reported = [
        f"{value} {name}"
        for name, value in (("delivered", c.delivered), ("bounced", c.bounced), ("complained", c.complained))
        if value
    ]
    parts = [
        f"{value} {name}"
        for name, value in (
            (f"accepted ({', '.join(reported)})" if reported else "accepted", c.accepted),
            ("refused", c.refused),
            ("uncertain", c.uncertain),
            ("suppressed", c.suppressed),
            ("abandoned", c.abandoned),
            ("deferred", c.deferred),
            ("pending", c.pending),
            ("in flight", c.in_flight),
        )
        if value
    ]
    excluded = "".join(f", {count} {reason}" for reason, count in c.exclusions.items())
    return f"{subscribers_in_words(c.candidates)}: {', '.join(parts) or 'none'}{excluded}."


def subscribers_in_words(count: int) -> str:
    return "1 subscriber" if count == 1 else f"{count} subscribers"


def print_teasers(issue: Issue) -> None:
    made = table("", "Story", "Section")
    if issue.layout.lead:
        made.add_row(cell("lead"), cell(issue.layout.lead.headline), cell(issue.layout.lead.topic))
    for section in issue.layout.sections:
        for teaser in section.teasers:
            made.add_row(cell(""), cell(teaser.headline), cell(section.title))
    out().print(made)


def print_report(report: Report) -> None:
    failed = [f for f in report.findings if not f.passed]
    passed = len(report.findings) - len(failed)
    if failed:
        made = table("", "Check", "Finding", "Where")
        for f in sorted(failed, key=lambda f: ("block", "warn", "info").index(f.severity.value)):
            made.add_row(cell(f.severity.value), cell(f.id), cell(f.message), cell(f.where))
        out().print(made)
    from digest.checks import sizes

    html_bytes = sizes(report.message).html_bytes
    show(
        f"Issue {report.issue.ref}: {len(report.blocks)} block, {len(report.warnings)} warn, "
        f"{passed} passed. "
        f"HTML {html_bytes / 1024:.1f} KB of 100 KB."
    )


def print_compatibility(report: Report) -> None:
    """A row for all mail apps that differ in the same things, then what subscribers see instead."""
    from digest.checks import differences

    alike: dict[str, dict[str, list[str]]] = {}
    meanings: dict[str, dict[str, list[str]]] = {}
    for app in differences(report.message.html):
        names = dict.fromkeys(_named(found) for found in app.different)
        alike.setdefault(", ".join(names) or "nothing", {}).setdefault(app.client, []).append(app.platform)
        for found in app.different:
            known = meanings.setdefault(found.name, {}).setdefault(found.effect, [])
            known.append(f"{app.client} {app.platform}")
    shown = table("Mail app", "Shows differently")
    for names_alike, clients in alike.items():
        apps = (f"{client} ({', '.join(platforms)})" for client, platforms in clients.items())
        shown.add_row(cell("\n".join(apps)), cell(names_alike))
    out().print(shown)
    legend = table("Difference", "What the subscriber sees")
    for name, effects in meanings.items():
        lines = (
            f"{', '.join(on)}: {effect}" if len(effects) > 1 else effect for effect, on in effects.items()
        )
        legend.add_row(cell(name), cell("\n".join(lines)))
    out().print(legend)


def _named(found: RenderingDifference) -> str:
    return f"{found.name} (partly)" if found.support.value == "partly" else found.name
