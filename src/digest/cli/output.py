"""Printing: results and JSON to standard output, everything else to standard error.

Colours and progress bars appear only on a terminal (rich sees to it).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TextIO
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from digest.application import ReportProgress


def out() -> Console:
    """The console for results."""
    from rich.console import Console

    return Console(highlight=False, width=_width(sys.stdout))


def err() -> Console:
    """The console for messages, warnings and progress."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def _width(stream: TextIO) -> int | None:
    """Columns: None for the terminal's own width; 140 for files and pipes."""
    return None if stream.isatty() else 140


def say(text: str = "", *, style: str = "") -> None:
    """Print a message to standard error; text is never markup."""
    err().print(text, markup=False, style=style or None)


def warn(text: str) -> None:
    say(f"Note: {text}", style="yellow")


def print_error(message: str, *, as_json: bool, mend: str = "", findings: Sequence[str] = ()) -> None:
    """Print an error and how to fix it, as text or as a JSON document."""
    if as_json:
        document: dict[str, Any] = {"error": message}
        if mend:
            document["mend"] = mend
        if findings:
            document["findings"] = list(findings)
        print_json(document)
        return
    say(f"{message}", style="bold red")
    for finding in findings:
        say(f"  {finding}")
    if mend:
        say(mend)


def print_json(document: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print the one JSON document of a command."""
    text = json.dumps(document, ensure_ascii=False, indent=2, default=_plain)
    sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()


def print_bytes(raw: bytes) -> None:
    """Print a rendering byte for byte."""
    sys.stdout.buffer.write(raw)
    sys.stdout.buffer.flush()


def show(text: object = "", *, markup: bool = False) -> None:
    """Print one line of a result to standard output."""
    out().print(text, markup=markup, soft_wrap=True)


def table(*columns: str, title: str = "") -> Table:
    """An empty table with these columns."""
    from rich import box
    from rich.table import Table

    made = Table(
        box=box.SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold", pad_edge=False
    )
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def cell(text: object) -> Any:
    """Text for a table, never markup: titles come from outside."""
    from rich.text import Text

    return Text("" if text is None else str(text))


def moment(at: datetime | None, zone: str = "UTC", *, time: bool = True) -> str:
    """A time in this time zone, as "Tue 24 Nov 2026 09:00"; "–" for None."""
    if at is None:
        return "–"
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %Y}" + (f" {local:%H:%M}" if time else "")


@contextmanager
def progress(what: str, *, is_shown: bool = True) -> Iterator[ReportProgress]:
    """A bar for long work, shown to a person only, and gone when it is done."""
    if not is_shown or not sys.stderr.isatty():
        yield lambda _done, _total, _what: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err(), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def advance(done: int, total: int, item: str) -> None:
            bar.update(task, completed=done, total=total or None, description=f"{what} {item[:50]}")

        yield advance


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, frozenset | set):
        return sorted(value)
    return str(value)
