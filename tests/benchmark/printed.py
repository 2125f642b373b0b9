"""Figures read from what benchmarks print: for revisions that keep no file of figures.

Each kind of line has a pattern; the groups of a match fill in the names of the
figures and give their values.  The names are those that the benchmarks of today
give the same measurements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchmark.figures import Figure

NUMBER = r"[+-]?[\d,]*\d(?:\.\d+)?"

# A label of bench_render, and the figures that follow it.
RENDERING = {
    "12 cards, warm: rendered, inlined, text part": [("{}", "ms")],
    "the same, first in a fresh process": [("{}", "ms"), ("{}, with imports", "ms")],
    "of it MJML, checked and compiled": [("{}", "ms")],
    "of it inlining": [("{}", "ms")],
    "inlining, no CSS cached": [("{}", "ms")],
    "inlining, style sheets read anew": [("{}", "ms")],
    "an owner's template, unchanged, warm": [("{}", "ms"), ("{}, for the process", "ms")],
    "an owner's template: written, and seen": [("{}", "ms")],
    "an owner's template, first look of a process": [("{}", "ms")],
    "MJML alone": [("{}", "ms")],
    "times as fast; checked and compiled": [
        ("MJML alone against npm's", "times"),
        ("MJML checked and compiled against npm's", "times"),
    ],
}
IMPORTING = (("rows", "/s"), ("time", "s"), ("CPU", "s"), ("against csv.reader", "times as long"),
             ("memory beyond the idle process", "MB"), ("write-ahead log", "MB"))  # fmt: skip


def printed(text: str) -> list[Figure]:
    """All figures of the lines that are known; other lines are passed over."""
    return [figure for line in text.splitlines() for read in READERS for figure in read(line)]


def _desk(line: str) -> Iterator[Figure]:
    found = re.fullmatch(rf"(GET .+?) +({NUMBER}) +({NUMBER}) +({NUMBER}) ms", line)
    if found:
        for what, value in zip(("median", "p95", "first answer"), found.groups()[1:], strict=True):
            yield Figure(f"desk: {found[1]}, {what}", _number(value), "ms")


def _render(line: str) -> Iterator[Figure]:
    label, rest = line[:48].strip(), line[48:].replace("npm ", "")
    if peer := re.fullmatch(r"npm (mjml@\S+), warm; first", label):
        kinds = [(f"npm's {peer[1]}, warm", "ms"), (f"npm's {peer[1]}, first", "ms")]
    else:
        kinds = RENDERING.get(label, [])
    for (name, unit), value in zip(kinds, re.findall(NUMBER, rest), strict=False):
        yield Figure(f"render: {name.format(label)}", _number(value), unit)


def _store(line: str) -> Iterator[Figure]:
    row = re.fullmatch(rf" *({NUMBER}) +({NUMBER}) ms +{NUMBER} +({NUMBER}) ms +{NUMBER}", line)
    if row:
        yield Figure(f"store: plan, {row[1]} articles", _number(row[2]), "ms")
        yield Figure(f"store: collect 1,000 known ones, {row[1]} articles", _number(row[3]), "ms")
    if peak := re.fullmatch(rf"peak memory ({NUMBER}) MB", line):
        yield Figure("store: peak memory", _number(peak[1]), "MB")


def _import(line: str) -> Iterator[Figure]:
    work = "read by csv.reader|import again|import|export|list"
    row = re.fullmatch(rf"({work}) +" + " +".join([rf"({NUMBER})"] * len(IMPORTING)), line)
    if row:
        for (what, unit), value in zip(IMPORTING, row.groups()[1:], strict=True):
            yield Figure(f"import: {row[1]}, {what}", _number(value), unit)


def _delivery(line: str) -> Iterator[Figure]:
    row = re.fullmatch(r"\| (.+?) +\| (.+?) +\| .*\|", line)
    if not row:
        return
    what, measured = f"delivery: {row[1]}", row[2]
    if raced := re.fullmatch(rf"({NUMBER})( times)? \(({NUMBER})/s to ({NUMBER})/s\)", measured):
        yield Figure(what, _number(raced[1]), "times" if raced[2] else "ratio")
        yield Figure(f"{what}: ours", _number(raced[3]), "/s")
        yield Figure(f"{what}: the peer", _number(raced[4]), "/s")
    elif peer := re.fullmatch(rf"({NUMBER}) times \(({NUMBER})/s\)", measured):
        yield Figure(what, _number(peer[1]), "times")
        yield Figure(f"{what}: the peer", _number(peer[2]), "/s")
    elif alone := re.fullmatch(rf"({NUMBER})/s, no peer here", measured):
        yield Figure(f"{what}: ours", _number(alone[1]), "/s")
    elif plain := re.fullmatch(rf"({NUMBER})(?: (µs|MB|rows/s))?", measured):
        yield Figure(what, _number(plain[1]), {"rows/s": "/s"}.get(plain[2], plain[2] or ""))


def _number(text: str) -> float:
    return float(text.replace(",", ""))


READERS = (_desk, _render, _store, _import, _delivery)
