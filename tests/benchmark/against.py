"""The benchmarks of this checkout and of another revision, in turn: `./dev bench --against REV [-k …]`.

The other revision is built in a git worktree in a temporary folder, with an
environment of its own from its own locks, and runs its own benchmarks: those of
today could not import its modules.  Figures meet by name.  What is told of each is
the ratio of this checkout to REV in the same round: the machine's speed drifts, and
it drifts for both alike.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from benchmark.figures import FILE, Figure, noted  # noqa: E402 - found by the path above
from benchmark.printed import printed  # noqa: E402

FEWEST_ROUNDS = 3
NOTHING_CHOSEN = 5  # pytest's exit code
HERE = "this checkout"

Measured = dict[str, Figure]  # by name
Round = tuple[Measured, Measured]  # of REV, and of this checkout


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev bench", allow_abbrev=False, add_help=False)
    parser.add_argument("--against", metavar="REV", required=True)
    parser.add_argument("--rounds", type=int, default=FEWEST_ROUNDS)
    given, chosen = parser.parse_known_args(words)
    if given.rounds < FEWEST_ROUNDS:
        parser.error(f"--rounds: fewer than {FEWEST_ROUNDS} say nothing about the spread")
    with checked_out(given.against) as other, tempfile.TemporaryDirectory() as scratch:
        # So that npm's packages are fetched once and not by every run.
        os.environ.setdefault("DIGEST_BENCH_MJML", scratch)
        sides = (Side(given.against, other), Side(HERE, ROOT))
        for side in sides:
            side.set_up(chosen)
        rounds: list[Round] = []
        for number in range(given.rounds):
            print(f"Round {number + 1} of {given.rounds} …", file=sys.stderr, flush=True)
            before, here = (side.measured(chosen, Path(scratch)) for side in sides)
            rounds.append((before, here))
    print("\n".join(report(rounds, rev=given.against)))
    return 0


@contextmanager
def checked_out(rev: str) -> Iterator[Path]:
    """A folder with this revision, as long as it is needed.

    Raises:
        SystemExit: git knows no such revision.
    """
    found = _git("rev-parse", "--verify", "--quiet", f"{rev}^{{commit}}")
    if found.returncode:
        raise SystemExit(f"There is no revision “{rev}” here.")
    with tempfile.TemporaryDirectory(prefix="digest-bench-") as parent:
        folder = Path(parent) / "digest"
        added = _git("worktree", "add", "--quiet", "--detach", str(folder), found.stdout.strip())
        if added.returncode:
            raise SystemExit(added.stderr.strip())
        try:
            yield folder
        finally:
            _git("worktree", "remove", "--force", str(folder))


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Side:
    """One of the two that are measured."""

    name: str
    root: Path

    def set_up(self, chosen: Sequence[str]) -> None:
        """Build its environment before anything is measured, and find its benchmarks."""
        print(f"Setting up {self.name} …", file=sys.stderr, flush=True)
        self._bench("--collect-only", *chosen)

    def measured(self, chosen: Sequence[str], scratch: Path) -> Measured:
        """All figures of one run."""
        file = scratch / "figures.jsonl"
        file.unlink(missing_ok=True)
        said = self._bench(*chosen, file=file)
        return {figure.name: figure for figure in noted(file) or printed(said)}

    def _bench(self, *words: str, file: Path | None = None) -> str:
        done = subprocess.run(
            [sys.executable, str(self.root / "dev"), "bench", *words],
            cwd=self.root,
            env=os.environ | ({FILE: str(file)} if file else {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode not in {0, NOTHING_CHOSEN}:
            raise SystemExit(f"{done.stdout.strip()}\n\nThe benchmarks of {self.name} failed.")
        return done.stdout


# -- what is told --------------------------------------------------------------------


def report(rounds: Sequence[Round], *, rev: str) -> list[str]:
    """A line for each figure that both have, then those that only one has."""
    before, here = (_names(rounds, side) for side in (0, 1))
    both = [name for name in here if name in before]
    width = max([len(name) for name in both], default=0)
    lines = [
        f"{HERE} to {rev}, {len(rounds)} rounds in turn",
        f"{'':<{width}}  {rev[:12]:>14} {HERE:>14}   ratio (least to most)",
    ]
    lines += [_line(name, rounds, width) for name in both]
    for whose, others, mine in ((HERE, before, here), (rev, here, before)):
        lines += [f"only {whose} has: {name}" for name in mine if name not in others]
    return lines if before or here else ["No figures were measured."]


def _names(rounds: Sequence[Round], side: int) -> list[str]:
    """In the order in which they were first measured."""
    return list(dict.fromkeys(name for measured in rounds for name in measured[side]))


def _line(name: str, rounds: Sequence[Round], width: int) -> str:
    pairs = [(before[name], here[name]) for before, here in rounds if name in before and name in here]
    old = statistics.median(each.value for each, _ in pairs) if pairs else 0.0
    new = statistics.median(each.value for _, each in pairs) if pairs else 0.0
    ratios = [each.value / was.value for was, each in pairs if was.value > 0]
    unit = pairs[0][1].unit if pairs else ""
    told = f"{name:<{width}}  {_amount(old, unit):>14} {_amount(new, unit):>14}   "
    if len(ratios) < len(rounds):
        return f"{told}no ratio in every round"
    spread = f"{statistics.median(ratios):5.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    return f"{told}{spread}  {_verdict(ratios, is_more_better=pairs[0][1].is_better_when_more)}".rstrip()


def _verdict(ratios: Sequence[float], *, is_more_better: bool) -> str:
    """Only where every round says the same."""
    if min(ratios) <= 1 <= max(ratios):
        return ""
    return "better" if (min(ratios) > 1) == is_more_better else "worse"


def _amount(value: float, unit: str) -> str:
    shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{shown} {unit}".strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
