"""Commands about articles: collect, plan, feature, unfeature, exclude, why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import application_of, whoami
from digest.cli.output import cell, moment, out, print_json, progress, say, show, table, warn

if TYPE_CHECKING:
    from digest.application import CollectReport
    from digest.application.results import Imported, Plan
    from digest.model.issue import Choice
    from digest.model.newsletter import Newsletter

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Name = Annotated[
    str | None, typer.Argument(metavar="NEWSLETTER", help="Optional if there is only one newsletter.")
]
Url = Annotated[str, typer.Argument(metavar="URL", help="The article's address.")]


def register(app: typer.Typer) -> None:
    app.command()(collect)
    app.command()(plan)
    app.command()(feature)
    app.command()(unfeature)
    app.command()(exclude)
    app.command()(why)


def collect(context: typer.Context, newsletter: Name = None, as_json: AsJson = False) -> None:
    """Fetch new articles from the sources, and import changed subscriber files."""
    from digest.views.json_output import newsletter_collected_json

    app = application_of(context)
    chosen = [app.newsletter(newsletter)] if newsletter else list(app.newsletters)
    reports = []
    for one in chosen:
        with progress("Collecting") as bar:
            reports.append(app.collect(one.name, by=whoami(), progress=bar))
    if as_json:
        print_json(
            {
                "newsletters": [
                    newsletter_collected_json(r.newsletter.name, r.sources, r.files, r.pages_asked)
                    for r in reports
                ]
            }
        )
    else:
        for report in reports:
            _print_collected(report)
    if not any(report.worked for report in reports):
        raise typer.Exit(1)


def plan(
    context: typer.Context,
    newsletter: Name = None,
    everything: Annotated[bool, typer.Option("--all", help="Also list articles settled long ago.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what the next issue would contain, and why; changes nothing."""
    from digest.views.json_output import plan_json

    chosen, planned = application_of(context).plan(newsletter, everything=everything)
    if as_json:
        print_json(plan_json(chosen, planned))
    else:
        print_plan(chosen, planned)
    if planned.selection.nothing:
        raise typer.Exit(3)


def feature(context: typer.Context, url: Url, as_json: AsJson = False) -> None:
    """Put an article into the next issue, even if it is old or was sent before."""
    _mark(context, url, "featured", "is featured", as_json=as_json)


def unfeature(context: typer.Context, url: Url, as_json: AsJson = False) -> None:
    """Remove a feature mark, including one set by the source."""
    _mark(context, url, "unfeatured", "is no longer featured", as_json=as_json)


def exclude(
    context: typer.Context,
    url: Url,
    reason: Annotated[str, typer.Option("--why", help="Why; recorded with the article.")] = "",
    as_json: AsJson = False,
) -> None:
    """Exclude an article from all future issues; `feature` undoes it."""
    _mark(context, url, "excluded", "is excluded from all future issues", why=reason, as_json=as_json)


def why(context: typer.Context, url: Url, as_json: AsJson = False) -> None:
    """Show where an article is, and why."""
    from digest.views.json_output import article_status_json

    app = application_of(context)
    found = app.why(url)
    if as_json:
        print_json({"url": url, "standings": [article_status_json(one) for one in found]})
        return
    for one in found:
        zone = app.newsletter(one.newsletter).timezone
        show(f"{one.newsletter}: {one.article.title}")
        show(f"  {one.sentence}")
        seen = moment(one.article.first_seen, zone)
        show(f"  Published {moment(one.article.published, zone)}, first seen {seen}.")


def _mark(context: typer.Context, url: str, mark: str, done: str, *, why: str = "", as_json: bool) -> None:
    """Mark the article, then print its new status."""
    from digest.model.article import Mark

    app = application_of(context)
    articles = app.mark(url, Mark(mark), by=whoami(), why=why)
    notes = [
        f"Open issue {ref} contains it and does not change. Cancel that issue to plan again."
        for ref in map(app.open_issue_with, articles)
        if ref
    ]
    if as_json:
        rows = [{"newsletter": a.newsletter, "title": a.title, "url": a.url} for a in articles]
        print_json({"articles": rows, "done": done, "warnings": notes})
        return
    for article in articles:
        show(f"{article.newsletter}: “{article.title}” {done}.")
        for one in app.why(article.url):
            if one.article.id == article.id:
                show(f"  {one.sentence}")
    for note in notes:
        warn(note)


# -- for people ----------------------------------------------------------------


def print_plan(newsletter: Newsletter, planned: Plan) -> None:
    selection, zone = planned.selection, newsletter.timezone
    sources = {spec.key: spec.name for spec in newsletter.sources}
    since = f"since {moment(selection.since, zone)}" if selection.since else "first issue"
    show(f"{newsletter.title}, issue {planned.number} ({since})")
    if selection.chosen:
        _list_choices(f"In: {len(selection.chosen)}", selection.chosen, sources, zone, "Why")
    if selection.nothing:
        show(selection.nothing)
    if selection.held:
        show(f"It would be held for approval: {selection.held}")
    if selection.left_out:
        _list_choices(f"Out: {len(selection.left_out)}", selection.left_out, sources, zone, "Why not")
    for reason, count in selection.earlier.items():
        show(f"Earlier: {count} {reason}.")
    for warning in planned.warnings:
        warn(warning)


def _list_choices(
    title: str, choices: tuple[Choice, ...], sources: dict[str, str], zone: str, last: str
) -> None:
    made = table("Published", "Article", "From", last, title=title)
    for choice in choices:
        a = choice.article
        star = "★ " if choice.is_featured else ""
        date = moment(a.published, zone, time=False) if a.published else "undated"
        made.add_row(
            cell(date), cell(star + a.title), cell(sources.get(a.source, a.source)), cell(choice.reason)
        )
    out().print(made)


def _print_collected(report: CollectReport) -> None:
    made = table("Source", "Articles", "New", "", title=report.newsletter.title)
    for r in report.sources:
        note = r.message if not r.ok else "unchanged" if r.unchanged else "first fetch" if r.is_first else ""
        made.add_row(
            cell(r.source.name), cell(r.shown if r.ok else "–"), cell(r.new if r.ok else "–"), cell(note)
        )
    out().print(made)
    if report.pages_asked:
        say(f"Fetched {report.pages_asked} article pages for details missing from their source.")
    for r in report.sources:
        for warning in r.warnings:
            warn(f"{r.source.name}: {warning}")
    for f in report.files:
        print_import(f)


def print_import(done: Imported) -> None:
    if done.problem:
        warn(done.problem)
        return
    if done.unchanged:
        return
    people = "1 person" if done.added == 1 else f"{done.added} people"
    repeated = f", {done.repeated} repeated" if done.repeated else ""
    rows = "1 row" if done.rows == 1 else f"{done.rows} rows"
    say(f"{done.path.name}: {rows}, {people} added{repeated}.")
    for line, message in done.bad[:20]:
        warn(f"{done.path.name}, line {line}: {message}")
    if done.bad_count > 20:
        warn(f"{done.path.name}: {done.bad_count - 20} more rows could not be read.")
