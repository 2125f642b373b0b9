"""Commands for one issue, from draft to send and afterwards."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.articles import AsJson, Name
from digest.cli.context import addresses_checked, application_of, whoami
from digest.cli.issue_output import (
    print_compatibility,
    print_report,
    print_sent,
    print_teasers,
    subscribers_in_words,
)
from digest.cli.output import moment, print_bytes, print_json, progress, say, show, warn
from digest.errors import TransportError

if TYPE_CHECKING:
    from digest.application import Application
    from digest.application.results import Sent
    from digest.model.issue import Issue

Ref = Annotated[str, typer.Argument(metavar="ISSUE", help="weekly/3 or weekly/latest.")]
Override = Annotated[
    list[str] | None,
    typer.Option(
        "--override", metavar="CHECK-ID", help="Override this blocking check; recorded with the issue."
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
    app.command()(withdraw)
    app.command()(cancel)
    app.command()(pause)
    app.command()(resume)
    app.command()(send)
    app.command()(resolve)


def draft(context: typer.Context, newsletter: Name = None, as_json: AsJson = False) -> None:
    """Freeze the plan as a draft issue; an open issue is left as it is."""
    from digest.model.issue import Issue
    from digest.rules.pictures import notes_of
    from digest.views.json_output import issue_json

    app = application_of(context)
    name = app.newsletter(newsletter).name
    opened = app.open_issue(name)
    answer = opened or app.draft(name, by=whoami())
    if not isinstance(answer, Issue):
        if as_json:
            print_json({"newsletter": name, "issue": None, "state": "skipped", "reason": answer.nothing})
        else:
            say(answer.nothing)
        raise typer.Exit(3)
    if as_json:
        print_json(issue_json(answer))
        return
    show(f"Issue {answer.ref} is {'already ' if opened else ''}{answer.state.said}, with:")
    print_teasers(answer)
    for note in notes_of(answer.layout):
        warn(note)
    if answer.reason:
        warn(answer.reason)
    say(f"Review it with `digest show {answer.ref}` or `digest serve`, then send it:")
    say(f"  digest send {name} --yes")


def show_issue(
    context: typer.Context,
    issue: Ref,
    form: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.html,
) -> None:
    """Print a rendered issue as a sample recipient gets it."""
    from digest.views.json_output import message_json

    app = application_of(context)
    if form is Format.eml:
        print_bytes(app.raw_message(issue)[1])
        return
    found, message = app.message(issue)
    if form is Format.json:
        print_json(message_json(found, message))
    else:
        print_bytes((message.html if form is Format.html else message.text).encode())


def check(
    context: typer.Context,
    issue: Ref,
    online: Annotated[
        bool,
        typer.Option(
            "--online", help="Also test every link, image and the unsubscribe link; includes --spam."
        ),
    ] = False,
    spam: Annotated[bool, typer.Option("--spam", help="Also run SpamAssassin, if installed.")] = False,
    compatibility: Annotated[
        bool, typer.Option("--compatibility", help="Also list what each mail app shows differently.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the pre-flight checks; exits with 1 if one blocks."""
    from digest.views.json_output import report_json

    with progress("Fetching", is_shown=online) as bar:
        report = application_of(context).check(issue, online=online, spam=spam, progress=bar)
    if as_json:
        print_json(report_json(report))
    else:
        print_report(report)
        if compatibility:
            print_compatibility(report)
    if report.blocks:
        raise typer.Exit(1)


def proof(
    context: typer.Context,
    issue: Ref,
    to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Where to send the test copy.")],
    as_json: AsJson = False,
) -> None:
    """Send a test copy, marked as a test, to one address."""
    app = application_of(context)
    ref = app.find(issue)[1].ref
    with addresses_checked(to):
        [sent] = app.proof(ref, to=[to], by=whoami())
    if sent.outcome is None:
        raise sent.error or TransportError(sent.detail)
    outcome = sent.outcome.value
    if as_json:
        print_json({"issue": ref, "to": to, "outcome": outcome, "detail": sent.detail})
    elif sent.accepted:
        show(f"A proof of {ref} is on its way to {to}.")
    else:
        say(f"The proof of {ref} was {outcome}: {sent.detail}", style="red")
    if not sent.accepted:
        raise typer.Exit(1)


def approve(
    context: typer.Context,
    issue: Ref,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="TIME", help="When to send it: 2026-10-06T09:00, in the newsletter's time zone."
        ),
    ] = None,
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Freeze content and audience of a draft; it is sent at its slot, or at --at."""
    from digest.application import AT_SLOT
    from digest.rules.time_input import parse_moment
    from digest.views.json_output import counts_json, issue_json

    app = application_of(context)
    newsletter, _ = app.find(issue)
    when = parse_moment(at, timezone=newsletter.timezone) if at is not None else AT_SLOT
    done = app.approve(issue, by=whoami(), when=when, overrides=override or ())
    counts = app.counts(done)
    if as_json:
        print_json(issue_json(done) | {"counts": counts_json(counts)})
    else:
        time = f" It will be sent {moment(done.send_at, newsletter.timezone)}." if done.send_at else ""
        show(f"Issue {done.ref} is approved for {subscribers_in_words(counts.audience)}.{time}")


def withdraw(context: typer.Context, issue: Ref, as_json: AsJson = False) -> None:
    """Withdraw the approval of an issue that is not yet being sent; it becomes a draft again."""
    done = application_of(context).withdraw_approval(issue, by=whoami())
    _show_done(done, f"The approval of {done.ref} is withdrawn; it is a draft again.", as_json=as_json)


def cancel(context: typer.Context, issue: Ref, as_json: AsJson = False) -> None:
    """Cancel an issue; if no mail was handed over, its articles are free for another."""
    done = application_of(context).cancel(issue, by=whoami())
    _show_done(done, f"Issue {done.ref} is cancelled.", as_json=as_json)


def pause(context: typer.Context, issue: Ref, as_json: AsJson = False) -> None:
    """Pause a running send within one window of recipients; `resume` continues it."""
    done = application_of(context).pause(issue, by=whoami())
    _show_done(
        done, f"Issue {done.ref} is paused. Resume it with `digest resume {done.ref}`.", as_json=as_json
    )


def resume(context: typer.Context, issue: Ref, as_json: AsJson = False) -> None:
    """Resume a paused send now."""
    app = application_of(context)
    app.check_transport()
    resumed = app.resume(issue, by=whoami())
    with progress("Sending") as bar:
        sent = app.deliver(resumed.ref, progress=bar)
    _end_send(app, resumed.newsletter, sent, as_json=as_json)


def send(
    context: typer.Context,
    newsletter: Name = None,
    yes: Annotated[bool, typer.Option("--yes", help="Approve it without asking.")] = False,
    override: Override = None,
    as_json: AsJson = False,
) -> None:
    """Draft if needed, check, approve and send now; if interrupted, run it again to resume."""
    from digest.rules.pictures import notes_of

    app = application_of(context)
    name = app.newsletter(newsletter).name
    with progress("Sending") as bar:
        sent = app.send(name, by=whoami(), yes=yes, overrides=override or (), progress=bar)
    if sent.issue is not None:
        for note in notes_of(sent.issue.layout):
            warn(note)
    _end_send(app, name, sent, as_json=as_json)


def resolve(
    context: typer.Context,
    issue: Ref,
    uncertain: Annotated[
        Decision, typer.Option("--uncertain", help="Send them again, or close them without resending.")
    ],
    as_json: AsJson = False,
) -> None:
    """Decide what to do about uncertain deliveries, which may or may not have arrived."""
    from digest.views.json_output import sent_json

    app = application_of(context)
    newsletter, found = app.find(issue)
    done = app.resolve(issue, decision=uncertain.value, by=whoami())
    if as_json:
        print_json(sent_json(newsletter.name, done.sent) | {"resolved": done.count})
    elif not done.count:
        show(f"Issue {found.ref} has no uncertain deliveries.")
    elif uncertain is Decision.resend:
        show(f"{done.count} queued for resending; run `digest send {newsletter.name}`.")
    else:
        deliveries = "1 uncertain delivery" if done.count == 1 else f"{done.count} uncertain deliveries"
        show(f"{deliveries} closed without resending. Issue {found.ref} is {done.sent.state}.")


def _end_send(app: Application, newsletter: str, sent: Sent, *, as_json: bool) -> None:
    """Print the outcome and exit: 3 if there was nothing to send, 1 if not all was sent."""
    from digest.views.json_output import sent_json

    if as_json:
        print_json(sent_json(newsletter, sent))
    else:
        print_sent(newsletter, sent, after_send=app.after_send)
    if sent.issue is None:
        raise typer.Exit(3)
    if sent.state != "sent":
        raise typer.Exit(1)


def _show_done(done: Issue, sentence: str, *, as_json: bool) -> None:
    """Print the sentence, or the issue as JSON."""
    from digest.views.json_output import issue_json

    if as_json:
        print_json(issue_json(done))
    else:
        show(sentence)
