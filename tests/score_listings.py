"""Scores the listing detector's weights over the pages in tests/data/listings.

Each page there lies beside the articles that must be found on it, and the score compares their addresses:
precision is the share of the found ones that are right, recall that of the expected ones that were found.
A weight moves step by step in a scan, at most 6 either way; `inf` says that no page became wrong on the way.

    tests/score_listings.py                                      the weights in use
    tests/score_listings.py --set enough=4 --set sign_dated=2    changed weights, compared with those in use
    tests/score_listings.py --scan                               how far each weight can move

Exit codes: 0 every page is right, 1 a page is wrong, 2 a wrong option.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from digest.sources.cards import WEIGHTS, Card, Detection, MeasuredPage, Weights
from digest.sources.listing import with_structured
from digest.sources.page_tree import Page, parse

PAGES = Path(__file__).parent / "data" / "listings"
STEP = 0.1  # of the scan
REACH = 6.0  # how far the scan moves a weight either way


@dataclass(frozen=True)
class Fixture:
    """A page that is measured once, and the addresses of its articles."""

    name: str
    page: Page
    measured: MeasuredPage
    now: datetime
    expected: tuple[str, ...]
    known: dict[tuple[Card, ...], Score] = field(default_factory=dict)  # most changes find the same cards

    def score(self, weights: Weights) -> Score:
        detection = self.measured.detect(weights)
        if detection.cards not in self.known:
            self.known[detection.cards] = self._score(detection)
        return self.known[detection.cards]

    def _score(self, detection: Detection) -> Score:
        articles = with_structured(self.page, detection.articles(), now=self.now)
        found = [article.url for article in articles]
        right = (Counter(found) & Counter(self.expected)).total()
        return Score(self.name, right=right, found=len(found), expected=len(self.expected))


@dataclass(frozen=True)
class Score:
    """How many addresses were found, were expected, and are both."""

    name: str
    right: int
    found: int
    expected: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.expected if self.expected else 1.0

    @property
    def is_right(self) -> bool:
        return self.right == self.found == self.expected


@dataclass(frozen=True)
class Range:
    """How far one weight can move while every page stays right, and which pages are wrong just beyond."""

    name: str
    low: float  # -inf where the scan reached its end
    high: float  # inf where the scan reached its end
    wrong_below: tuple[str, ...]
    wrong_above: tuple[str, ...]


def load(folder: Path = PAGES) -> list[Fixture]:
    """Every page of the folder, measured."""
    return [_fixture(path) for path in sorted(folder.glob("*.html"))]


def _fixture(path: Path) -> Fixture:
    beside = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    page, now = parse(path.read_bytes(), url=beside["url"]), datetime.fromisoformat(beside["now"])
    expected = tuple(article["url"] for article in beside["articles"])
    return Fixture(path.stem, page, MeasuredPage(page, now=now), now, expected)


def scan(fixtures: Sequence[Fixture], name: str, weights: Weights = WEIGHTS) -> Range:
    """Move one weight away from its value until a page that was right becomes wrong."""
    right = [fixture for fixture in fixtures if fixture.score(weights).is_right]
    low, wrong_below = _reach(right, name, weights, -STEP)
    high, wrong_above = _reach(right, name, weights, STEP)
    return Range(name, low, high, wrong_below, wrong_above)


def _reach(
    fixtures: Iterable[Fixture], name: str, weights: Weights, step: float
) -> tuple[float, tuple[str, ...]]:
    start = last = getattr(weights, name)
    for count in range(1, round(REACH / abs(step)) + 1):
        value = round(start + count * step, 6)
        changed = replace(weights, **{name: value})
        wrong = tuple(fixture.name for fixture in fixtures if not fixture.score(changed).is_right)
        if wrong:
            return last, wrong
        last = value
    return math.copysign(math.inf, step), ()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the scores or the scan; the exit code of the command."""
    options = _parser().parse_args(arguments)
    weights = replace(WEIGHTS, **dict(options.set))
    fixtures = load(options.folder)
    if not fixtures:
        sys.exit(f"There are no pages in {options.folder}.")
    print(*_report(fixtures, weights), sep="\n")
    if options.scan:
        print(*_scanned(fixtures, weights), sep="\n")
    return 0 if all(fixture.score(weights).is_right for fixture in fixtures) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="score_listings.py", description="Score the listing detector's weights over its test pages."
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        help="change a weight for this run; can be given several times",
    )
    parser.add_argument("--scan", action="store_true", help="show how far each weight can move")
    parser.add_argument("--folder", type=Path, default=PAGES, help="pages to score, each beside its .json")
    return parser


def _setting(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    if name not in {known for known, _, _ in WEIGHTS.provenance()}:
        raise argparse.ArgumentTypeError(f"there is no weight “{name}”; --scan lists them")
    try:
        number = float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{name} needs a number, not “{value}”") from None
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{name} needs a finite number, not “{value}”")
    return name, number


def _report(fixtures: Sequence[Fixture], weights: Weights) -> Iterator[str]:
    scores = [fixture.score(weights) for fixture in fixtures]
    before = [fixture.score(WEIGHTS) for fixture in fixtures]
    yield f"{'page':40} {'right':>5} {'found':>5} {'expected':>8} {'precision':>9} {'recall':>6}"
    for score, old in zip(scores, before, strict=True):
        yield _line(score) + _change(score, old)
    total, old_total = _total(scores), _total(before)
    yield _line(total) + _change(total, old_total)
    wrong, old_wrong = sum(not s.is_right for s in scores), sum(not s.is_right for s in before)
    count = len(scores)
    yield f"{count - wrong} of {count} pages are right; with the weights in use, {count - old_wrong}."


def _line(score: Score) -> str:
    numbers = f"{score.right:5} {score.found:5} {score.expected:8} {score.precision:9.3f} {score.recall:6.3f}"
    return f"{score.name:40} {numbers}{'' if score.is_right else '  WRONG'}"


def _change(score: Score, old: Score) -> str:
    if score == old:
        return ""
    return f"  (precision {score.precision - old.precision:+.3f}, recall {score.recall - old.recall:+.3f})"


def _total(scores: Sequence[Score]) -> Score:
    return Score(
        "total",
        right=sum(s.right for s in scores),
        found=sum(s.found for s in scores),
        expected=sum(s.expected for s in scores),
    )


def _scanned(fixtures: Sequence[Fixture], weights: Weights) -> Iterator[str]:
    yield ""
    yield f"{'weight':25} {'value':>6} {'from':>6} {'to':>6}  what it stands for; what goes wrong beyond"
    for name, value, provenance in weights.provenance():
        moved = scan(fixtures, name, weights)
        below = f"; below: {', '.join(moved.wrong_below)}" if moved.wrong_below else ""
        above = f"; above: {', '.join(moved.wrong_above)}" if moved.wrong_above else ""
        numbers = f"{value:6.2f} {moved.low:6.2f} {moved.high:6.2f}"
        yield f"{name:25} {numbers}  {provenance.meaning}{below}{above}"


if __name__ == "__main__":
    sys.exit(main())
