"""Commands about issues: draft, show, check, proof, approve, cancel, pause, resume, send, resolve."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.articles import AsJson, Name
from digest.cli.context import addresses_checked, parts_of, whoami
from digest.cli.output import cell, moment, out, print_bytes, print_json, progress, say, show, table, warn

if TYPE_CHECKING:
    from digest.checks import RenderingDifference
    from digest.model.delivery import Counts
    from digest.model.issue import Issue
    from digest.model.newsletter import Newsletter
    from digest.wiring import Container
    from digest.workflows.composing.compose import Composer
    from digest.workflows.composing.preflight import Report
    from digest.workflows.sending.deliver import Sent

Ref = Annotated[str, typer.Argument(metavar="ISSUE", help="weekly/3 or weekly/latest.")]
Override = Annotated[
    list[str] | None,
    typer.Option(
        "--override", metavar="CHECK-ID", help="Let this blocking check pass; the issue records it."
    ),
]


class Format(StrEnum):
    html = "html"
    text = "text"
    eml = "eml"
    json = "json"


class Decision(StrEnum):
    resend = "resend"
    skip = "skip"


def register(app: typer.Typer) -> None:
    app.command()(draft)
    app.command("show")(show_issue)
    app.command()(check)
    app.command()(proof)
    app.command()(approve)
    app.command()(cancel)
    app.command()(pause)
    app.command()(resume)
    app.command()(send)
    app.command()(resolve)


def draft(context: typer.Context, newsletter: Name = None, as_json: AsJson = False) -> None:
    """Freeze the plan as a draft issue; an open one is used as it is."""
    from digest.model.issue import Issue
    from digest.storage import issues
    from digest.workflows.composing.images import notes_of
    from digest.workflows.drafting.draft import draft as make_draft

    parts = parts_of(context)
    chosen = parts.newsletter(newsletter)
    with parts.database.read() as connection:
        made = issues.open_one(connection, chosen.name)
    was_open = made is not None
    answer = made or make_draft(
        chosen,
        database=parts.database,
        now=parts.clock(),
        press=parts.press(chosen),
        illustrate=parts.illustrate(chosen),
    )
    if not isinstance(answer, Issue):
        if as_json:
            print_json(
                {"newsletter": chosen.name, "issue": None, "state": "skipped", "reason": answer.nothing}
            )
        else:
            say(answer.nothing)
        raise typer.Exit(3)
    if as_json:
        print_json(_issue_json(answer))
        return
    show(f"Issue {answer.ref} is {answer.state.said}{' already' if was_open else ''}, with:")
    _list_teasers(answer)
    for note in notes_of(answer.layout):
        warn(note)
    if answer.reason:
        warn(answer.reason)
    say(f"Look at it with `digest show {answer.ref}` or `digest serve`, then send it:")
    say(f"  digest send {chosen.name} --yes")


def show_issue(
    context: typer.Context,
    issue: Ref,
    form: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.html,
) -> None:
    """Print a rendered issue, as a sample recipient gets it."""
    from digest.message.parse import parse
    from digest.workflows.composing import compose

    parts = parts_of(context)
    newsletter, found = parts.issue(issue)
    raw = compose.message(parts.press(newsletter), found, now=parts.clock())
    if form is Format.eml:
        print_bytes(raw)
    elif form is Format.json:
        message = parse(raw)
        print_json(
            _issue_json(found)
            | {
                "subject": message.subject,
                "headers": [list(pair) for pair in message.headers],
                "html": message.html,
                "text": message.text,
            }
        )
    else:
        message = parse(raw)
        print_bytes((message.html if form is Format.html else message.text).encode())


def check(
    context: typer.Context,
    issue: Ref,
    online: Annotated[
        bool,
        typer.Option("--online", help="Also ask every link and image, and the unsubscribe address; --spam."),
    ] = False,
    spam: Annotated[bool, typer.Option("--spam", help="Also ask SpamAssassin, if it is installed.")] = False,
    compatibility: Annotated[
        bool, typer.Option("--compatibility", help="Also show what each mail program shows differently.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the pre-flight; leaves with 1 when a check blocks."""
    from digest.workflows.composing.preflight import check as run_checks

    parts = parts_of(context)
    newsletter, found = parts.issue(issue)
    press = parts.press(newsletter)
    report = run_checks(found, press=press, database=parts.database, now=parts.clock())
    if online or spam:
        report = _judged(report, parts=parts, press=press, online=online)
    if as_json:
        print_json(_report_json(report))
    else:
        _tell_report(report)
        if compatibility:
            _tell_compatibility(report)
    if report.blocks:
        raise typer.Exit(1)


def _judged(report: Report, *, parts: Container, press: Composer, online: bool) -> Report:
    """What takes time comes after what does not."""
    from digest.workflows.composing.online_checks import add_online_checks, add_spam_check

    if online:
        with progress("Asking for") as bar:
            report = add_online_checks(report, press=press, fetcher=parts.fetcher, progress=bar)
    return add_spam_check(report)


def proof(
    context: typer.Context,
    issue: Ref,
    to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Who gets the test copy.")],
    as_json: AsJson = False,
) -> None:
    """Send a test copy, marked as such, to one address."""
    from digest.workflows.sending.proof import send_proof

    parts = parts_of(context)
    newsletter, found = parts.issue(issue)
    with addresses_checked(to):
        receipt = send_proof(
            found, to=to, press=parts.press(newsletter), transport=parts.transport(), now=parts.clock()
        )
    accepted = receipt.outcome.value == "accepted"
    if as_json:
        print_json({"issue": found.ref, "to": to, "outcome": receipt.outcome.value, "detail": receipt.detail})
    elif accepted:
        show(f"A proof of {found.ref} is on its way to {to}.")
    else:
        say(f"The proof of {found.ref} was {receipt.outcome.value}: {receipt.detail}", style="red")
    if not accepted:
        raise typer.Exit(1)


def approve(
    context: typer.Context,
    issue: Ref,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="When it goes out: 2026-10-06T09:00, in its own zone."),
    ] = None,
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Freeze content and audience of a draft; it goes out at its slot, or at a time."""
    from digest.rules.time_input import parse_moment
    from digest.storage import ledger
    from digest.views.json_output import counts_json
    from digest.workflows.sending.approve import approve as make_approved

    parts = parts_of(context)
    newsletter, found = parts.issue(issue)
    done = make_approved(
        found,
        press=parts.press(newsletter),
        database=parts.database,
        by=whoami(),
        overrides=override or (),
        send_at=parse_moment(at, timezone=newsletter.timezone) if at is not None else None,
        now=parts.clock(),
    )
    with parts.database.read() as connection:
        counts = ledger.counts(connection, done.id, now=parts.clock())
    if as_json:
        print_json(_issue_json(done) | {"counts": counts_json(counts)})
    else:
        when = f" It goes out {moment(done.send_at, newsletter.timezone)}." if done.send_at else ""
        show(f"Issue {done.ref} is approved for {counts.audience} people.{when}")


def cancel(context: typer.Context, issue: Ref, as_json: AsJson = False) -> None:
    """End an issue; before its first hand-over its articles are free again."""
    from digest.workflows.sending.approve import cancel as make_cancelled

    parts = parts_of(context)
    _, found = parts.issue(issue)
    done = make_cancelled(found, database=parts.database, by=whoami(), now=parts.clock())
    _tell(done, f"Issue {done.ref} is cancelled.", as_json=as_json)


def pause(context: typer.Context, issue: Ref, as_json: AsJson = False) -> None:
    """Stop a running send within one window; `resume` goes on with it."""
    from digest.workflows.sending.pause import pause as make_paused

    parts = parts_of(context)
    _, found = parts.issue(issue)
    done = make_paused(found, database=parts.database, by=whoami(), now=parts.clock())
    _tell(done, f"Issue {done.ref} is paused. `digest resume {done.ref}` goes on with it.", as_json=as_json)


def resume(context: typer.Context, issue: Ref, as_json: AsJson = False) -> None:
    """Go on with a paused send, now."""
    from digest.workflows.sending.deliver import deliver
    from digest.workflows.sending.pause import resume as make_resumed

    parts = parts_of(context)
    newsletter, found = parts.issue(issue)
    wire = parts.wire()  # what is wrong with it is better known before
    resumed = make_resumed(found, database=parts.database, by=whoami(), now=parts.clock())
    with progress("Sending") as bar:
        sent = deliver(
            resumed,
            press=parts.press(newsletter),
            database=parts.database,
            wire=wire,
            clock=parts.clock,
            progress=bar,
        )
    if as_json:
        print_json(sent_json(newsletter, sent))
    else:
        tell_sent(parts, newsletter, sent)
    if sent.state != "sent":
        raise typer.Exit(1)


def send(
    context: typer.Context,
    newsletter: Name = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve it: I have looked.")] = False,
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Draft if needed, check, approve and send now; run again, it resumes."""
    from digest.workflows.composing.images import notes_of

    parts = parts_of(context)
    chosen = parts.newsletter(newsletter)
    sent = send_one(parts, chosen, yes=yes, overrides=override or ())
    if sent.issue is not None:
        for note in notes_of(sent.issue.layout):
            warn(note)
    if as_json:
        print_json(sent_json(chosen, sent))
    else:
        tell_sent(parts, chosen, sent)
    if sent.issue is None:
        raise typer.Exit(3)
    if sent.state != "sent":
        raise typer.Exit(1)


def send_one(
    parts: Container, newsletter: Newsletter, *, yes: bool, overrides: Sequence[str], slot_key: str = ""
) -> Sent:
    from digest.workflows.sending.approve import Blocked
    from digest.workflows.sending.send import send as send_issue

    with progress("Sending") as bar:
        try:
            return send_issue(
                newsletter,
                press=parts.press(newsletter),
                database=parts.database,
                wire=parts.wire(),
                clock=parts.clock,
                by=whoami(),
                yes=yes,
                overrides=overrides,
                slot_key=slot_key,
                illustrate=parts.illustrate(newsletter),
                progress=bar,
            )
        except Blocked as blocked:
            from digest.workflows.sending.deliver import Sent

            return Sent(issue=blocked.report.issue, state="held", reason=str(blocked))


def resolve(
    context: typer.Context,
    issue: Ref,
    uncertain: Annotated[Decision, typer.Option("--uncertain", help="Send again, or leave it at that.")],
    as_json: AsJson = False,
) -> None:
    """Decide on the deliveries that may or may not have arrived."""
    from digest.workflows.sending.deliver import finish
    from digest.workflows.sending.send import resolve as decide

    parts = parts_of(context)
    newsletter, found = parts.issue(issue)
    count = decide(found, decision=uncertain.value, database=parts.database, by=whoami(), now=parts.clock())
    sent = finish(found, database=parts.database, clock=parts.clock)
    if as_json:
        print_json(sent_json(newsletter, sent) | {"resolved": count})
    elif not count:
        show(f"Issue {found.ref} has no uncertain deliveries.")
    elif uncertain is Decision.resend:
        show(f"{count} wait to be sent again: `digest send {newsletter.name}`.")
    else:
        show(f"{count} are left at that. Issue {found.ref} is {sent.state}.")


# -- as JSON -------------------------------------------------------------------


def sent_json(newsletter: Newsletter, sent: Sent) -> dict[str, Any]:
    from digest.views.json_output import counts_json

    issue = sent.issue
    teasers = issue.layout.teasers if issue else ()
    return {
        "newsletter": newsletter.name,
        "number": issue.number if issue else None,
        "issue": issue.ref if issue else None,
        "state": sent.state,
        "reason": sent.reason,
        "articles": [{"title": t.headline, "url": t.url} for t in teasers],
        "counts": counts_json(sent.counts),
    }


def _tell(done: Issue, sentence: str, *, as_json: bool) -> None:
    """What became of an issue, for people or for programs."""
    if as_json:
        print_json(_issue_json(done))
    else:
        show(sentence)


def _issue_json(issue: Issue) -> dict[str, Any]:
    from digest.workflows.composing.images import notes_of

    return {
        "newsletter": issue.newsletter,
        "number": issue.number,
        "issue": issue.ref,
        "state": issue.state.value,
        "reason": issue.reason,
        "articles": [{"title": t.headline, "url": t.url} for t in issue.layout.teasers],
        "content_hash": issue.content_hash,
        "approved_by": issue.approved_by,
        "send_at": issue.send_at.isoformat() if issue.send_at else None,
        "overrides": list(issue.overrides),
        "warnings": list(notes_of(issue.layout)),
    }


def _report_json(report: Report) -> dict[str, Any]:
    from digest.checks import differences, sizes

    message = report.message
    return {
        "issue": report.issue.ref,
        "blocks": len(report.blocks),
        "warnings": len(report.warnings),
        "checks": [
            {
                "id": f.id,
                "severity": f.severity.value,
                "passed": f.passed,
                "message": f.message,
                "where": f.where,
            }
            for f in report.findings
        ],
        "size": sizes(message)._asdict(),
        "compatibility": [
            {
                "client": program.client,
                "platform": program.platform,
                "different": [_difference_json(found) for found in program.different],
            }
            for program in differences(message.html)
        ],
    }


def _difference_json(found: RenderingDifference) -> dict[str, Any]:
    from digest.checks import ACCEPTED

    return {
        "feature": found.feature,
        "title": found.title,
        "support": found.support.value,
        "note": found.note,
        "effect": found.effect,
        "where": found.where,
        "accepted": found.feature in ACCEPTED,
    }


# -- for people ----------------------------------------------------------------


def tell_sent(parts: Container, newsletter: Newsletter, sent: Sent) -> None:
    if sent.issue is None:
        show(f"Nothing to send: {sent.reason}")
        return
    show(f"Issue {sent.issue.ref} is {sent.state}.")
    if sent.state == "sent":
        _list_teasers(sent.issue)
    c = sent.counts
    if c.candidates:
        show(account(c))
    if sent.reason:
        warn(sent.reason)
    if sent.state == "sent" and parts.after_send:
        say(parts.after_send)
    if sent.state == "held":
        say(f"Look at it (`digest show {sent.issue.ref}`), then `digest send {newsletter.name} --yes`.")


def account(c: Counts) -> str:
    """The account of an issue as one line that adds up; what was told later in brackets."""
    told = [
        f"{value} {name}"
        for name, value in (("delivered", c.delivered), ("bounced", c.bounced), ("complained", c.complained))
        if value
    ]
    parts = [
        f"{value} {name}"
        for name, value in (
            (f"accepted ({', '.join(told)})" if told else "accepted", c.accepted),
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
    people = "1 subscriber" if c.candidates == 1 else f"{c.candidates} subscribers"
    return f"{people}: {', '.join(parts) or 'none'}{excluded}."


def _list_teasers(issue: Issue) -> None:
    made = table("", "Story", "Section")
    if issue.layout.lead:
        made.add_row(cell("lead"), cell(issue.layout.lead.headline), cell(issue.layout.lead.topic))
    for section in issue.layout.sections:
        for teaser in section.teasers:
            made.add_row(cell(""), cell(teaser.headline), cell(section.title))
    out().print(made)


def _tell_report(report: Report) -> None:
    failed = [f for f in report.findings if not f.passed]
    passed = len(report.findings) - len(failed)
    if failed:
        made = table("", "Check", "What", "Where")
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


def _tell_compatibility(report: Report) -> None:
    """A row for all programs that differ in the same things, and below what these mean to a reader."""
    from digest.checks import differences

    alike: dict[str, dict[str, list[str]]] = {}
    meanings: dict[str, dict[str, list[str]]] = {}
    for program in differences(report.message.html):
        names = dict.fromkeys(_named(found) for found in program.different)
        alike.setdefault(", ".join(names) or "nothing", {}).setdefault(program.client, []).append(
            program.platform
        )
        for found in program.different:
            known = meanings.setdefault(found.name, {}).setdefault(found.effect, [])
            known.append(f"{program.client} {program.platform}")
    shown = table("Mail program", "Shows differently")
    for names_alike, clients in alike.items():
        programs = (f"{client} ({', '.join(platforms)})" for client, platforms in clients.items())
        shown.add_row(cell("\n".join(programs)), cell(names_alike))
    out().print(shown)
    legend = table("What", "What the reader sees")
    for name, effects in meanings.items():
        lines = (
            f"{', '.join(on)}: {effect}" if len(effects) > 1 else effect for effect, on in effects.items()
        )
        legend.add_row(cell(name), cell("\n".join(lines)))
    out().print(legend)


def _named(found: RenderingDifference) -> str:
    return f"{found.name} (partly)" if found.support.value == "partly" else found.name


def age(issue: Issue, zone: str) -> str:
    return moment(issue.sent_at or issue.created_at, zone)
