"""Commands about articles: collect, plan, feature, unfeature, exclude, why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.context import parts_of, whoami
from digest.cli.output import cell, moment, out, print_json, progress, say, show, table, warn

if TYPE_CHECKING:
    from digest.model.article import Article
    from digest.model.issue import Choice
    from digest.model.newsletter import Newsletter
    from digest.wiring import Container
    from digest.workflows.collecting.collect import Collected
    from digest.workflows.drafting.draft import Plan
    from digest.workflows.people.subscribers import Imported

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Name = Annotated[str | None, typer.Argument(metavar="NEWSLETTER", help="May be left out where there is one.")]
Url = Annotated[str, typer.Argument(metavar="URL", help="The article's address.")]


def register(app: typer.Typer) -> None:
    app.command()(collect)
    app.command()(plan)
    app.command()(feature)
    app.command()(unfeature)
    app.command()(exclude)
    app.command()(why)


def collect(context: typer.Context, newsletter: Name = None, as_json: AsJson = False) -> None:
    """Fetch the sources into the article store, and read changed subscriber files."""
    parts = parts_of(context)
    chosen = [parts.newsletter(newsletter)] if newsletter else list(parts.newsletters)
    reports = [collect_one(parts, one) for one in chosen]
    if as_json:
        print_json({"newsletters": [_collected_json(*report) for report in reports]})
    else:
        for report in reports:
            _tell_collected(*report)
    if not any(result.ok for _, results, _, _ in reports for result in results):
        raise typer.Exit(1)


def collect_one(
    parts: Container, newsletter: Newsletter
) -> tuple[Newsletter, list[Collected], list[Imported], int]:
    """Collect one newsletter whole: sources, gaps from the articles' own pages, subscriber files."""
    from digest.workflows.collecting.collect import collect as collect_sources
    from digest.workflows.collecting.enrich import enrich
    from digest.workflows.people.subscribers import read_files

    now = parts.clock()
    with progress("Reading") as bar:
        results = collect_sources(
            newsletter, database=parts.database, read=parts.read_source, now=now, progress=bar
        )
    with progress("Completing") as bar:
        asked = enrich(
            newsletter,
            site=parts.settings.site,
            database=parts.database,
            ask=parts.ask_page,
            now=now,
            progress=bar,
        )
    with progress("Importing") as bar:
        files = read_files(newsletter, database=parts.database, now=now, progress=bar)
    return newsletter, results, files, asked


def plan(
    context: typer.Context,
    newsletter: Name = None,
    everything: Annotated[bool, typer.Option("--all", help="List also what was settled long ago.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what the next issue would hold and why; changes nothing."""
    from digest.views.json_output import plan_json
    from digest.workflows.drafting.draft import plan as make_plan

    parts = parts_of(context)
    chosen = parts.newsletter(newsletter)
    planned = make_plan(chosen, database=parts.database, now=parts.clock(), everything=everything)
    if as_json:
        print_json(plan_json(chosen, planned))
    else:
        tell_plan(chosen, planned)
    if planned.selection.nothing:
        raise typer.Exit(3)


def feature(context: typer.Context, url: Url, as_json: AsJson = False) -> None:
    """Put an article into the next issue, even if it is old or was sent before."""
    from digest.workflows.drafting import marks

    parts = parts_of(context)
    found = marks.feature(
        url, newsletters=parts.newsletters, database=parts.database, by=whoami(), now=parts.clock()
    )
    _tell_marked(parts, found, "is featured", as_json=as_json)


def unfeature(context: typer.Context, url: Url, as_json: AsJson = False) -> None:
    """Take a feature mark back, also one that the source gave."""
    from digest.workflows.drafting import marks

    parts = parts_of(context)
    found = marks.unfeature(
        url, newsletters=parts.newsletters, database=parts.database, by=whoami(), now=parts.clock()
    )
    _tell_marked(parts, found, "is not featured any more", as_json=as_json)


def exclude(
    context: typer.Context,
    url: Url,
    reason: Annotated[str, typer.Option("--why", help="The reason, kept for the record.")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep an article out of every issue to come; `feature` undoes it."""
    from digest.workflows.drafting import marks

    parts = parts_of(context)
    found = marks.exclude(
        url,
        newsletters=parts.newsletters,
        database=parts.database,
        by=whoami(),
        why=reason,
        now=parts.clock(),
    )
    _tell_marked(parts, found, "stays out from now on", as_json=as_json)


def why(context: typer.Context, url: Url, as_json: AsJson = False) -> None:
    """Tell where an article stands, and why."""
    from digest.workflows.drafting import article_status

    parts = parts_of(context)
    standings = article_status.why(
        url, newsletters=parts.newsletters, database=parts.database, now=parts.clock()
    )
    if as_json:
        print_json(
            {
                "url": url,
                "standings": [
                    {
                        "newsletter": s.newsletter,
                        "title": s.article.title,
                        "url": s.article.url,
                        "chosen": bool(s.choice and s.choice.chosen),
                        "reason": s.sentence,
                        "published": s.article.published,
                        "first_seen": s.article.first_seen,
                        "issue": s.article.last_issue,
                    }
                    for s in standings
                ],
            }
        )
        return
    for standing in standings:
        zone = parts.newsletter(standing.newsletter).timezone
        show(f"{standing.newsletter}: {standing.article.title}")
        show(f"  {standing.sentence}")
        seen = moment(standing.article.first_seen, zone)
        show(f"  Published {moment(standing.article.published, zone)}, first seen {seen}.")


# -- as JSON -------------------------------------------------------------------


def _collected_json(
    newsletter: Newsletter, results: list[Collected], files: list[Imported], asked: int
) -> dict[str, Any]:
    from digest.views.json_output import collected_json

    return {
        "newsletter": newsletter.name,
        "sources": [collected_json(r) for r in results],
        "pages_asked": asked,
        "files": [
            {
                "path": str(f.path),
                "unchanged": f.unchanged,
                "rows": f.rows,
                "added": f.added,
                "repeated": f.repeated,
                "bad": [{"line": line, "message": message} for line, message in f.bad],
                "bad_count": f.bad_count,
                "problem": f.problem,
            }
            for f in files
        ],
    }


# -- for people ----------------------------------------------------------------


def tell_plan(newsletter: Newsletter, planned: Plan) -> None:
    selection, zone = planned.selection, newsletter.timezone
    sources = {spec.key: spec.name for spec in newsletter.sources}
    since = f"since {moment(selection.since, zone)}" if selection.since else "the first one"
    show(f"{newsletter.title}, issue {planned.number} ({since})")
    if selection.chosen:
        _list_choices(f"In: {len(selection.chosen)}", selection.chosen, sources, zone, "Why")
    if selection.nothing:
        show(selection.nothing)
    if selection.held:
        show(f"It would be held: {selection.held}")
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


def _tell_collected(
    newsletter: Newsletter, results: list[Collected], files: list[Imported], asked: int
) -> None:
    made = table("Source", "Shows", "New", "", title=newsletter.title)
    for r in results:
        note = r.message if not r.ok else "unchanged" if r.unchanged else "first look" if r.is_first else ""
        made.add_row(
            cell(r.source.name), cell(r.shown if r.ok else "–"), cell(r.new if r.ok else "–"), cell(note)
        )
    out().print(made)
    if asked:
        say(f"Asked {asked} article pages for what their source does not say.")
    for r in results:
        for warning in r.warnings:
            warn(f"{r.source.name}: {warning}")
    for f in files:
        tell_import(f)


def tell_import(done: Imported) -> None:
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
        warn(f"{done.path.name}: {done.bad_count - 20} more rows are wrong.")


def _tell_marked(parts: Container, found: list[Article], what: str, *, as_json: bool) -> None:
    from digest.workflows.drafting import article_status

    now = parts.clock()
    notes = []
    for article in found:
        ref = article_status.in_open_issue(article, newsletter=article.newsletter, database=parts.database)
        if ref:
            notes.append(
                f"Issue {ref} is open and holds it; that issue does not change. Cancel it to plan anew."
            )
    if as_json:
        articles = [{"newsletter": a.newsletter, "title": a.title, "url": a.url} for a in found]
        print_json({"articles": articles, "done": what, "warnings": notes})
        return
    for article in found:
        show(f"{article.newsletter}: “{article.title}” {what}.")
        for standing in article_status.why(
            article.url, newsletters=parts.newsletters, database=parts.database, now=now
        ):
            if standing.article.id == article.id:
                show(f"  {standing.sentence}")
    for note in notes:
        warn(note)
