"""Commands that begin something: init, demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from digest.cli.articles import AsJson, collect_one, tell_plan
from digest.cli.context import whoami
from digest.cli.issues import account, send_one, sent_json
from digest.cli.output import print_json, say, show

if TYPE_CHECKING:
    from digest.cli.context import Invocation
    from digest.sources.discovery import Discovery
    from digest.wiring import Container
    from digest.workflows.drafting.draft import Plan

_POSTAL_ADDRESS = "Example Ltd, 1 Example Street, Example Town"


def register(app: typer.Typer) -> None:
    app.command()(init)
    app.command()(demo)


def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The new newsletter's folder.")],
    url: Annotated[
        str | None,
        typer.Option("--from", metavar="URL", help="The blog: its feed or listing is found there."),
    ] = None,
    private: Annotated[
        bool, typer.Option("--allow-private-addresses", help="The blog is on this machine or an intranet.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a new newsletter folder; with a URL, find its articles and show the first plan."""
    from digest.scaffold import write_newsletter

    if url is not None and "://" not in url:
        url = f"https://{url}"
    found = _discover(context.obj, url, private=private) if url else None
    source, what = _source(found, url, private=private)
    written = write_newsletter(folder, values=_values(found, url), source=source)
    planned = _first_plan(context.obj, folder) if found else None
    if as_json:
        files = [str(path) for path in written]
        print_json({"folder": str(folder), "files": files, "source": what, "plan": planned and planned[1]})
        return
    show(f"{folder} is ready: digest.toml, subscribers/weekly.csv, templates/.")
    if planned:
        show(f"Articles come from {what}.")
        tell_plan(planned[0], planned[2])
    say("Edit the lines marked with → in digest.toml, put your readers into subscribers/weekly.csv, then:")
    say(f"  cd {folder}")
    say("  digest collect && digest plan && digest draft && digest show weekly/latest > issue.html")
    say("  digest send --yes")


def _discover(invocation: Invocation, url: str, *, private: bool) -> Discovery:
    from digest.fetch import Fetcher
    from digest.sources.discovery import discover

    with Fetcher() as fetcher:
        return discover(url, fetcher=fetcher, now=invocation.clock(), allow_private=private)


def _source(found: Discovery | None, url: str | None, *, private: bool) -> tuple[str, str]:
    """The table of the first source, and a word for people."""
    from digest.errors import NotAllowed
    from digest.scaffold import source_table

    if found is None:
        return source_table("feed", {"url": "https://blog.example.com/index.xml"}), ""
    if found.feeds:
        kind, location, what = "feed", found.feeds[0][0], f"the feed {found.feeds[0][0]}"
    elif found.listing_url:
        kind, location, what = "listing", found.listing_url, f"the listing page {found.listing_url}"
    else:
        raise NotAllowed(
            f"Neither a feed nor a listing of articles was found at {url}.",
            mend="Name the address of the feed, or of the page that lists the articles.",
        )
    table = source_table(kind, {"url": location})
    return (f"{table}\nallow_private_addresses = true" if private else table), what


def _values(found: Discovery | None, url: str | None) -> dict[str, str]:
    parts = urlsplit(url or "https://blog.example.com")
    host = (parts.hostname or "blog.example.com").removeprefix("www.")
    domain = host.split(".", 1)[1] if host.count(".") > 1 else host
    mail_domain = domain if "." in domain and not domain.replace(".", "").isdigit() else "example.com"
    of_feed = found.feeds[0][1] if found and found.feeds else ""
    name = of_feed or (found.title if found else "") or "Example Engineering"
    return {
        "name": name,
        "url": f"{parts.scheme}://{parts.netloc}",
        "public_url": f"https://news.{mail_domain}",
        "postal_address": _POSTAL_ADDRESS,
        "title": f"{name} Weekly",
        "sender": f"{_plain_name(name)} <digest@news.{mail_domain}>",
        "language": (found.language if found else "") or "en",
        "timezone": _own_zone(),
    }


def _plain_name(name: str) -> str:
    """Without what a display name in digest.toml would have to quote."""
    return "".join(c for c in name if c not in '<>",;:@()[]\\').strip() or "Digest"


def _own_zone() -> str:
    """This machine's zone, or UTC where it has none that is named."""
    from zoneinfo import ZoneInfoNotFoundError

    from tzlocal import get_localzone_name

    try:
        name = get_localzone_name()
    except (ZoneInfoNotFoundError, LookupError, ValueError):
        return "UTC"
    return "UTC" if name in {None, "Etc/UTC", "UTC", "local"} else name


def _first_plan(invocation: Invocation, folder: Path) -> tuple[Any, dict[str, Any], Plan]:
    from digest.views.json_output import plan_json
    from digest.wiring import Container
    from digest.workflows.drafting.draft import plan

    parts = Container.from_file(folder / "digest.toml", environ=invocation.environ, clock=invocation.clock)
    try:
        newsletter = parts.newsletter(None)
        collect_one(parts, newsletter, by=whoami())
        planned = plan(newsletter, database=parts.database, now=parts.clock())
        return newsletter, plan_json(newsletter, planned), planned
    finally:
        parts.close()


def demo(
    context: typer.Context,
    folder: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where the demo lives.")] = Path(
        "demo"
    ),
    serve: Annotated[bool, typer.Option("--serve", help="Then open the desk in a browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """The whole job on the bundled example site, into DIR/outbox."""
    from digest.example import write_demo
    from digest.wiring import Container

    invocation: Invocation = context.obj
    write_demo(folder, now=invocation.clock())
    parts = Container.from_file(folder / "digest.toml", environ=invocation.environ, clock=invocation.clock)
    try:
        code = _whole_job(parts, folder, as_json=as_json)
        if serve:
            from digest.cli.operation import serve_parts

            serve_parts(parts, host="127.0.0.1", port=8000, with_scheduler=False)
    finally:
        parts.close()
    raise typer.Exit(code)


def _whole_job(parts: Container, folder: Path, *, as_json: bool) -> int:
    """Collect, plan, check and send; tells the story unless JSON is wanted."""
    from digest.workflows.drafting.draft import plan

    newsletter = parts.newsletter(None)
    _, results, files, _ = collect_one(parts, newsletter, by=whoami())
    planned = plan(newsletter, database=parts.database, now=parts.clock())
    if not as_json:
        show(f"1. Collected from {len(results)} sources of {parts.settings.site.name}:")
        for r in results:
            show(f"   {r.source.name} ({r.source.kind}): shows {r.shown}, {r.new} new")
        added = sum(f.added for f in files)
        show(f"   and {added} new subscribers from {', '.join(f.path.name for f in files)}.")
        show("2. Planned:")
        tell_plan(newsletter, planned)
    sent = send_one(parts, newsletter, by=whoami(), yes=True, overrides=())
    if as_json:
        print_json(sent_json(newsletter, sent))
    elif sent.issue is None:
        show(f"3. Nothing was sent: {sent.reason} Whatever was sent once is never sent again.")
    else:
        subject = sent.issue.rendered.subject if sent.issue.rendered else ""
        show(f"3. Rendered, checked, approved and delivered: “{subject}”")
        show(f"   {account(sent.counts)}")
        show(f"4. Open one of the messages in {folder / 'outbox'} with your mail program, or look at it with")
        show(f"   digest --config {folder / 'digest.toml'} show {sent.issue.ref} > issue.html")
        show("Run it again: nobody gets anything twice.")
    if sent.issue is None:
        return 3
    return 0 if sent.state == "sent" else 1
