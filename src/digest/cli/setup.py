"""Commands that set up a folder: init, demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.articles import AsJson, print_plan
from digest.cli.context import whoami
from digest.cli.issue_output import delivery_report
from digest.cli.output import print_json, progress, say, show

if TYPE_CHECKING:
    from digest.application import Application
    from digest.application.results import Plan
    from digest.cli.context import Invocation


def register(app: typer.Typer) -> None:
    app.command()(init)
    app.command()(demo)


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the new newsletter.")],
    url: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="URL", help="The blog; its feed or list of articles is found for you."
        ),
    ] = None,
    private: Annotated[
        bool, typer.Option("--allow-private-addresses", help="Allow a blog on this machine or an intranet.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create a newsletter folder; with a URL, find its articles and show the first plan."""
    from digest.application.starting import write_newsletter

    new = write_newsletter(folder, url=url, private=private, now=context.obj.clock())
    planned = _first_plan(context.obj, folder) if new.source else None
    if as_json:
        files = [str(path) for path in new.files]
        plan = planned and planned[1]
        print_json({"folder": str(folder), "files": files, "source": new.source, "plan": plan})
        return
    show(f"{folder} is ready: digest.toml, subscribers/weekly.csv, templates/.")
    if planned:
        show(f"Articles come from {new.source}.")
        print_plan(planned[0], planned[2])
    say("Edit the lines marked with → in digest.toml, add subscribers to subscribers/weekly.csv, then run:")
    say(f"  cd {folder}")
    say("  digest collect && digest plan && digest draft && digest show weekly/latest > issue.html")
    say("  digest send --yes")


def _first_plan(invocation: Invocation, folder: Path) -> tuple[Any, dict[str, Any], Plan]:
    from digest.views.json_output import plan_json

    app = invocation.open(folder / "digest.toml")
    try:
        with progress("Collecting") as bar:
            app.collect(None, by=whoami(), progress=bar)
        newsletter, planned = app.plan(None)
        return newsletter, plan_json(newsletter, planned), planned
    finally:
        app.close()


def demo(
    context: typer.Context,
    folder: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Folder for the demo.")] = Path("demo"),
    serve: Annotated[
        bool, typer.Option("--serve", help="Then serve the result, and print a link to the desk.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run every step on the bundled example site, into DIR/outbox."""
    from digest.application.starting import write_demo

    invocation: Invocation = context.obj
    write_demo(folder, now=invocation.clock())
    app = invocation.open(folder / "digest.toml")
    try:
        code = _run_every_step(app, folder, as_json=as_json)
    finally:
        app.close()
    if serve:
        from digest.cli.serving import serve_file

        serve_file(invocation, folder / "digest.toml", host="127.0.0.1", port=8000, with_scheduler=False)
    raise typer.Exit(code)


def _run_every_step(app: Application, folder: Path, *, as_json: bool) -> int:
    """Collect, plan, check and send, printing each step unless JSON is wanted; the exit code."""
    from digest.views.json_output import sent_json

    with progress("Collecting") as bar:
        report = app.collect(None, by=whoami(), progress=bar)
    newsletter, planned = app.plan(None)
    if not as_json:
        show(f"1. Collected from {len(report.sources)} sources of {app.settings.site.name}:")
        for r in report.sources:
            show(f"   {r.source.name} ({r.source.kind}): {r.shown} articles, {r.new} new")
        added = sum(f.added for f in report.files)
        show(f"   and {added} new subscribers from {', '.join(f.path.name for f in report.files)}.")
        show("2. Planned:")
        print_plan(newsletter, planned)
    with progress("Sending") as bar:
        sent = app.send(None, by=whoami(), yes=True, progress=bar)
    if as_json:
        print_json(sent_json(newsletter.name, sent))
    elif sent.issue is None:
        show(f"3. Nothing was sent: {sent.reason} Nothing is ever sent twice.")
    else:
        subject = sent.issue.rendered.subject if sent.issue.rendered else ""
        show(f"3. Rendered, checked, approved and delivered: “{subject}”")
        show(f"   {delivery_report(sent.counts)}")
        show(f"4. Open one of the messages in {folder / 'outbox'} in your mail app, or render the issue with")
        show(f"   digest --config {folder / 'digest.toml'} show {sent.issue.ref} > issue.html")
        show("Run it again: nobody gets anything twice.")
    if sent.issue is None:
        return 3
    return 0 if sent.state == "sent" else 1
