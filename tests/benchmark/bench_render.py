"""What a mail of 12 cards costs: `./dev bench -k render`, printed, never asserted by the clock.

npm's mjml is the peer of the MJML step; it is brought into a temporary folder where npm is.
Set DIGEST_BENCH_MJML to a folder with `node_modules/mjml` to spare the download.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import mjml
import premailer.cache

from benchmark.figures import note
from data.issues import Example, of_teasers, teaser
from digest.model.article import Image
from digest.rendering import bodies, inlining, sandbox
from digest.rendering.mjml import _without_places, to_html

TESTS = Path(__file__).parent.parent
ROUNDS = 40
PEER = "mjml@5.4.1"
FOOTER = (
    "<mj-section><mj-column><mj-text>{} <a href='{{{{ slots.unsubscribe_url }}}}'>Leave</a></mj-text>"
    "</mj-column></mj-section>"
)
IMAGE = Image(url="https://img.lockstep.example/a.png", alt="Dots", width=1200, height=675)


def issue(edition: int = 0, cards: int = 12) -> Example:
    """Twelve cards with picture and text; each edition has texts of its own."""
    text = "We measured it on five replicas in three cities. The median hardly moves; the tail is of one."
    return of_teasers(
        *(teaser(n, image=IMAGE, text=f"{text} {n}, {edition}", minutes=5) for n in range(1, cards + 1))
    )


# One fresh process: wall clock of the first rendering, after the imports and with them.
COLD = f"""
import sys, time
begin = time.perf_counter()
import digest.rendering.issue, digest.rendering.bodies
imported = time.perf_counter()
sys.path.insert(0, {str(TESTS)!r})
from benchmark.bench_render import issue
made = issue()
first = time.perf_counter()
made.rendered()
print(time.perf_counter() - first, imported - begin)
"""

NODE = """
const compile = require('mjml'); const mjml = compile.default || compile;
const source = require('fs').readFileSync(process.argv[2], 'utf8');
(async () => {
  const taken = [];
  for (let n = 0; n < 30; n++) {
    const begin = process.hrtime.bigint();
    await mjml(source);
    taken.push(Number(process.hrtime.bigint() - begin) / 1e6);
  }
  console.log(taken.slice(5).sort((a, b) => a - b)[12], taken[0]);
})();
"""


def bench_render(tmp_path: Path, capsys, monkeypatch) -> None:
    source = mjml_of(monkeypatch)
    html = to_html(source)
    plain = _without_places(source)[0]
    warm = median(lambda edition: issue(edition).rendered())
    first, with_imports = cold()
    note("render: the same, first in a fresh process, with imports", with_imports, "ms")
    rows = [
        measured("12 cards, warm: rendered, inlined, text part", warm, ".1f"),
        measured("the same, first in a fresh process", first, ".0f", f"; with imports {with_imports:.0f} ms"),
        measured("of it MJML, checked and compiled", median(lambda _: to_html(source))),
        measured("of it inlining", median(lambda _: inlining.inline(html))),
        measured("inlining, no CSS cached", median(lambda _: uncached(html), 10)),
        measured("inlining, style sheets read anew", median(lambda _: without_sheets(html))),
        *owners(tmp_path, warm),
    ]
    ours = median(lambda _: mjml.mjml2html(plain, fonts={}))
    theirs = peer(tmp_path, plain)
    rows.append(measured("MJML alone", ours))
    if theirs:
        rows.append((f"npm {PEER}, warm; first", f"{theirs[0]:.1f} ms; {theirs[1]:.0f} ms"))
        note(f"render: npm's {PEER}, warm", theirs[0], "ms")
        note(f"render: npm's {PEER}, first", theirs[1], "ms")
        checked = theirs[0] / median(lambda _: to_html(source))
        rows.append(("times as fast; checked and compiled", f"{theirs[0] / ours:.0f}; {checked:.0f}"))
        note("render: MJML alone against npm's", theirs[0] / ours, "times")
        note("render: MJML checked and compiled against npm's", checked, "times")
    else:
        rows.append((f"npm {PEER}", "not to be had here"))
    with capsys.disabled():
        print(f"\n\n{platform.machine()}, {os.cpu_count()} cores, CPython {platform.python_version()}")
        print("\n".join(f"{what:<48} {figure}" for what, figure in rows))


def measured(what: str, taken: float, form: str = ".2f", more: str = "") -> tuple[str, str]:
    """A row of milliseconds, which are noted as well."""
    note(f"render: {what}", taken, "ms")
    return what, f"{taken:{form}} ms{more}"


def mjml_of(monkeypatch) -> str:
    """What Jinja2 hands to MJML for this issue."""
    kept: list[str] = []

    def keep(source: str) -> str:
        kept.append(source)
        return to_html(source)

    monkeypatch.setattr(bodies, "to_html", keep)
    issue().rendered()
    monkeypatch.undo()
    return kept[0]


def cold() -> tuple[float, float]:
    first, imports = [], []
    for _ in range(7):
        done = subprocess.run([sys.executable, "-c", COLD], capture_output=True, text=True, check=True)
        took, importing = map(float, done.stdout.split())
        first.append(took)
        imports.append(took + importing)
    return statistics.median(first) * 1000, statistics.median(imports) * 1000


def owners(tmp_path: Path, warm: float) -> list[tuple[str, str]]:
    """An owner's template in play: the first look, and a look after each change."""
    footer = tmp_path / "footer.mjml.j2"
    sandbox._CELL.close()

    def changed(edition: int) -> None:
        footer.write_text(FOOTER.format(f"edition {edition}"))
        assert f"edition {edition} " in issue(edition).rendered(tmp_path).html

    begin = time.perf_counter()
    changed(-1)
    first = (time.perf_counter() - begin) * 1000
    same = median(lambda edition: issue(edition).rendered(tmp_path))
    note("render: an owner's template, unchanged, warm, for the process", same - warm, "ms")
    return [
        measured(
            "an owner's template, unchanged, warm", same, ".1f", f" ({same - warm:+.1f} ms for the process)"
        ),
        measured("an owner's template: written, and seen", median(changed), ".1f"),
        measured("an owner's template, first look of a process", first, ".0f"),
    ]


def uncached(html: str) -> None:
    inlining._rules.cache_clear()
    inlining._pairs.cache_clear()
    premailer.cache.cache.clear()
    inlining.inline(html)


def without_sheets(html: str) -> None:
    inlining._rules.cache_clear()
    inlining.inline(html)


def peer(tmp_path: Path, source: str) -> tuple[float, float] | None:
    folder = Path(os.environ.get("DIGEST_BENCH_MJML", tmp_path))
    if not shutil.which("node"):
        return None
    if not (folder / "node_modules" / "mjml").exists():
        npm = shutil.which("npm")
        install = [npm or "npm", "install", "--no-audit", "--no-fund", "--silent", PEER]
        if not npm or subprocess.run(install, cwd=folder, check=False, timeout=300).returncode:
            return None
    (tmp_path / "issue.mjml").write_text(source)
    command = ["node", "-e", NODE, "--", "peer", str(tmp_path / "issue.mjml")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    warm, first = map(float, done.stdout.split())
    return warm, first


def median(work: Callable[[int], object], rounds: int = ROUNDS) -> float:
    """Milliseconds; the first three are for warming up."""
    taken = []
    for n in range(rounds + 3):
        begin = time.perf_counter()
        work(n)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken[3:]) * 1000
