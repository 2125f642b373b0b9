"""Commands that run until stopped: run, serve."""

from __future__ import annotations

import secrets
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import application_of
from digest.cli.output import say

if TYPE_CHECKING:
    from digest.application import Application
    from digest.application.results import Scheduler
    from digest.cli.context import Invocation


def register(app: typer.Typer) -> None:
    app.command()(run)
    app.command()(serve)


def run(
    context: typer.Context,
    once: Annotated[
        bool, typer.Option("--once", help="Check the schedule once, run what is due, exit.")
    ] = False,
) -> None:
    """Collect, draft and send on schedule until stopped."""
    from digest.jobs.timer import run as run_timer

    app = application_of(context)
    scheduler = _scheduler(app)
    if once:
        scheduler.tick(app.clock())
        if scheduler.had_trouble:
            raise typer.Exit(1)
        return
    for newsletter in app.newsletters:
        say(f"{newsletter.title}: {newsletter.schedule.text}, {newsletter.timezone}.")
    say("Running; stop with Ctrl-C.")
    run_timer(scheduler.tick, now=app.clock, stop=threading.Event())


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The port to listen on; 0 picks a free one.")
    ] = 8000,
    with_scheduler: Annotated[
        bool, typer.Option("--with-scheduler", help="Also run the schedule in this process.")
    ] = False,
) -> None:
    """Serve the pages for subscribers and the desk for editors."""
    invocation: Invocation = context.obj
    serve_file(invocation, invocation.file, host=host, port=port, with_scheduler=with_scheduler, warns=True)


def serve_file(
    invocation: Invocation,
    file: Path,
    *,
    host: str,
    port: int,
    with_scheduler: bool,
    warns: bool = False,
) -> None:
    """Serve the newsletters of this settings file until a signal arrives."""
    from digest.jobs.sender import BackgroundSenders
    from digest.web.app import create_app
    from digest.web.serve import serve as serve_app

    senders, secret, stop = BackgroundSenders(), secrets.token_urlsafe(24), threading.Event()
    app = invocation.open(file, senders=senders, warns=warns)
    web = create_app(app, one_time_secret=secret)
    app.open_database()  # a database that cannot be opened is reported before the port is open

    def announce(address: str) -> None:
        app.resume_interrupted()
        say(f"Serving on {address}; stop with Ctrl-C.")
        if app.has_editors():
            say(f"Desk, for editors with an account: {address}/desk")
        else:
            say(f"One-time desk link (this machine only): {address}/desk/enter/{secret}")

    timer = _timer_thread(app, stop) if with_scheduler else None
    try:
        serve_app(web, host=host, port=port, on_start=announce)
    finally:
        stop.set()
        senders.close()
        if timer is not None:
            timer.join(timeout=60)
        app.close()


def _scheduler(app: Application) -> Scheduler:
    from digest.application.results import ScheduleEvent

    def report(event: ScheduleEvent) -> None:
        line = f"{app.clock():%Y-%m-%dT%H:%M:%SZ} {event.newsletter}: {event.what}"
        say(line, style="yellow" if event.is_trouble else "")

    return app.scheduler(report)


def _timer_thread(app: Application, stop: threading.Event) -> threading.Thread:
    from digest.jobs.timer import run as run_timer

    scheduler = _scheduler(app)
    thread = threading.Thread(
        target=lambda: run_timer(scheduler.tick, now=app.clock, stop=stop), name="scheduler", daemon=True
    )
    thread.start()
    return thread
