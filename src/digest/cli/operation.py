"""Commands of the operator: status, run, serve, doctor."""

from __future__ import annotations

import secrets
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.articles import AsJson, Name, collect_one
from digest.cli.context import parts_of
from digest.cli.issues import account, send_one
from digest.cli.output import cell, moment, out, print_json, say, show, table, warn

if TYPE_CHECKING:
    from digest.model.issue import Issue
    from digest.model.newsletter import Newsletter
    from digest.views.status import NewsletterStatus
    from digest.wiring import Container
    from digest.workflows.operating.doctor import Diagnosis
    from digest.workflows.sending.deliver import Sent
    from digest.workflows.sending.schedule import ScheduleEvent


def register(app: typer.Typer) -> None:
    app.command()(status)
    app.command()(run)
    app.command()(serve)
    app.command()(doctor)


def status(context: typer.Context, newsletter: Name = None, as_json: AsJson = False) -> None:
    """Show issues, deliveries by state, next slots and the health of the sources."""
    from digest.views.json_output import status_json
    from digest.views.status import status as look

    parts = parts_of(context)
    chosen = [parts.newsletter(newsletter)] if newsletter else list(parts.newsletters)
    standings = [look(one, database=parts.database, now=parts.clock()) for one in chosen]
    if as_json:
        print_json({"newsletters": [status_json(standing) for standing in standings]})
        return
    for standing in standings:
        _tell_standing(standing)


def run(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="Look at the clock once, do what is due, leave.")
    ] = False,
) -> None:
    """Collect, draft and send on schedule until stopped."""
    from digest.jobs.timer import run as run_clock

    parts = parts_of(context)
    schedule = make_schedule(parts)
    if once:
        schedule.tick(parts.clock())
        if schedule.had_trouble:
            raise typer.Exit(1)
        return
    for newsletter in parts.newsletters:
        say(f"{newsletter.title}: {newsletter.schedule.text}, {newsletter.timezone}.")
    say("Running; stop with Ctrl-C.")
    run_clock(schedule.tick, now=parts.clock, stop=threading.Event())


def make_schedule(parts: Container) -> Any:
    """The schedule of all newsletters, its duties bound to this process's parts."""
    from digest.model.issue import Selection
    from digest.workflows.drafting.draft import draft as make_draft
    from digest.workflows.sending.deliver import deliver
    from digest.workflows.sending.remind import tell_editors as remind
    from digest.workflows.sending.schedule import ScheduleEvent, ScheduleHandlers, Scheduler

    def collect(newsletter: Newsletter) -> list[ScheduleEvent]:
        _, results, files, _ = collect_one(parts, newsletter)
        told = [
            ScheduleEvent(newsletter=newsletter.name, what=f"{r.source.name}: {r.message}", is_trouble=True)
            for r in results
            if not r.ok
        ]
        told += [
            ScheduleEvent(newsletter=newsletter.name, what=f"{r.source.name}: {warning}", is_trouble=True)
            for r in results
            for warning in r.warnings
        ]
        told += [
            ScheduleEvent(newsletter=newsletter.name, what=f.problem, is_trouble=True)
            for f in files
            if f.problem
        ]
        new = sum(r.new for r in results)
        return [*told, ScheduleEvent(newsletter=newsletter.name, what=f"collected, {new} new")]

    def send(newsletter: Newsletter, slot_key: str) -> Sent:
        return send_one(parts, parts.newsletter(newsletter.name), yes=False, overrides=(), slot_key=slot_key)

    def resume(newsletter: Newsletter, issue: Issue) -> Sent:
        return deliver(
            issue,
            press=parts.press(parts.newsletter(newsletter.name)),
            database=parts.database,
            wire=parts.wire(),
            clock=parts.clock,
        )

    def tell(happened: ScheduleEvent) -> None:
        line = f"{parts.clock():%Y-%m-%dT%H:%M:%SZ} {happened.newsletter}: {happened.what}"
        say(line, style="yellow" if happened.is_trouble else "")

    def draft(newsletter: Newsletter, slot_key: str) -> Issue | None:
        made = make_draft(
            parts.newsletter(newsletter.name),
            database=parts.database,
            now=parts.clock(),
            press=parts.press(parts.newsletter(newsletter.name)),
            illustrate=parts.illustrate(newsletter),
            slot_key=slot_key,
        )
        return None if isinstance(made, Selection) else made

    def tell_editors(newsletter: Newsletter, issue: Issue) -> str:
        return remind(
            issue,
            press=parts.press(parts.newsletter(newsletter.name)),
            database=parts.database,
            open_transport=parts.transport,
            now=parts.clock(),
        )

    duties = ScheduleHandlers(
        collect=collect, send=send, resume=resume, draft=draft, tell_editors=tell_editors
    )
    return Scheduler(parts.newsletters, database=parts.database, duties=duties, tell=tell)


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The port; 0 takes a free one.")
    ] = 8000,
    with_scheduler: Annotated[
        bool, typer.Option("--with-scheduler", help="Run the schedule in this process too.")
    ] = False,
) -> None:
    """Serve the pages of readers, and the desk for editors."""
    serve_parts(parts_of(context), host=host, port=port, with_scheduler=with_scheduler)


def serve_parts(parts: Container, *, host: str, port: int, with_scheduler: bool) -> None:
    from digest.views.public import AccountAnswers, DeskViews, HealthViews, HookAnswers, PublicViews
    from digest.web import hooks
    from digest.web.actions import Actions
    from digest.web.api import routes as api_routes
    from digest.web.app import create_app
    from digest.web.serve import serve as serve_app
    from digest.workflows.operating import accounts

    secret = secrets.token_urlsafe(24)
    actions = Actions(parts)
    app = create_app(
        site=parts.settings.site,
        readers=PublicViews(parts),
        desk=DeskViews(parts),
        probes=HealthViews(parts),
        accounts=AccountAnswers(parts),
        one_time_secret=secret,
        clock=parts.clock,
        hooks=[
            *hooks.routes(parts.webhooks(), receive=HookAnswers(parts).receive, clock=parts.clock),
            *api_routes(actions=actions, parts=parts),
        ],
        actions=actions,
    )
    parts.database  # noqa: B018 - a database that cannot be opened is told before the port is open

    def announce(address: str) -> None:
        actions.take_up()
        say(f"Serving on {address}; stop with Ctrl-C.")
        if accounts.any_exist(database=parts.database):
            say(f"The desk, for editors with an account: {address}/desk")
        else:
            say(f"The desk, on this machine and for one visit: {address}/desk/enter/{secret}")

    stop = threading.Event()
    clock = _scheduler_thread(parts, stop) if with_scheduler else None
    try:
        serve_app(app, host=host, port=port, on_start=announce)
    finally:
        stop.set()
        actions.close()
        if clock is not None:
            clock.join(timeout=60)


def _scheduler_thread(parts: Container, stop: threading.Event) -> threading.Thread:
    from digest.jobs.timer import run as run_clock

    schedule = make_schedule(parts)
    thread = threading.Thread(
        target=lambda: run_clock(schedule.tick, now=parts.clock, stop=stop), name="scheduler", daemon=True
    )
    thread.start()
    return thread


def doctor(
    context: typer.Context,
    offline: Annotated[bool, typer.Option("--offline", help="Ask neither DNS nor the provider.")] = False,
    as_json: AsJson = False,
) -> None:
    """Examine settings, database, provider, DNS, public URL and clock; each finding with its mend."""
    from digest.workflows.operating.doctor import examine

    parts = parts_of(context)
    findings = examine(
        keys=lambda: parts.secret_keys,
        site=parts.settings.site,
        newsletters=parts.newsletters,
        open_database=lambda: parts.database,
        open_transport=None if offline else parts.transport,
        settings_warnings=parts.settings.warnings,
        ask_dns=not offline and parts.provider.reaches_people,
        transport_name=parts.settings.delivery.transport,
        now=parts.clock(),
    )
    if as_json:
        print_json({"findings": [asdict(f) for f in findings]})
    else:
        _tell_diagnosis(findings)
    if any(f.severity == "error" for f in findings):
        raise typer.Exit(1)


# -- as JSON and for people ------------------------------------------------------


def _tell_standing(standing: NewsletterStatus) -> None:
    newsletter, zone = standing.newsletter, standing.newsletter.timezone
    confirmed = standing.subscribers.get("confirmed", 0)
    people = "1 subscriber" if confirmed == 1 else f"{confirmed} subscribers"
    show(f"{newsletter.title} ({newsletter.name}), {people}")
    if standing.next_slots:
        show(f"Next: {moment(standing.next_slots[0].due, zone)} in {zone}.")
    for record in standing.recent_slots:
        if record.state.value not in {"done", "due"}:
            warn(f"Slot {moment(record.slot.due, zone)}, {record.state.value}: {record.reason}")
    if standing.issues:
        made = table("Issue", "State", "When", "Account")
        for issue, counts in standing.issues:
            made.add_row(
                cell(issue.ref),
                cell(issue.state.value),
                cell(moment(issue.sent_at or issue.created_at, zone)),
                cell(account(counts) if counts.candidates else issue.reason),
            )
        out().print(made)
    made = table("Source", "Works", "Last look", "Last new", "")
    for health in standing.sources:
        made.add_row(
            cell(health.name),
            cell("yes" if health.ok else "no"),
            cell(moment(health.last_fetched, zone)),
            cell(moment(health.last_new, zone)),
            cell(health.message),
        )
    out().print(made)


def _tell_diagnosis(findings: list[Diagnosis]) -> None:
    made = table("", "What", "Finding", "What to do")
    for f in findings:
        made.add_row(cell(f.severity), cell(f.what), cell(f.finding), cell(f.mend))
    out().print(made)
