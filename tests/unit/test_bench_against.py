"""`./dev bench --against REV`: what is read of two revisions, and what is told of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmark import against
from benchmark.figures import FILE, Figure, note, noted
from benchmark.printed import printed

PRINTED = """
x86_64, 2 cores, CPython 3.11.7
500 issues, 100,000 articles, 253 MB; filled in 14 s
                                                     median    p95    first
GET /desk, no draft: the next issue is planned         28.0   32.5    240.1 ms
12 cards, warm: rendered, inlined, text part     11.2 ms
the same, first in a fresh process               92 ms; with imports 325 ms
an owner's template, unchanged, warm             13.1 ms (+1.5 ms for the process)
npm mjml@5.4.1, warm; first                      19.0 ms; 402 ms
times as fast; checked and compiled              37; 13
 articles       plan   ratio   collect 1,000   ratio
  100,000     129 ms    12.9          194 ms     1.9
peak memory 142 MB
1,000,000 people, 50 MB of CSV in no order; medians of 3
                         rows/s  seconds    CPU  × reader  MB more  WAL MB
import again             96,154     10.4   10.1      20.8     11.0     4.2
the database is 180 MB
| personalising one 60 KB message                              | 13.3 µs      | 20 µs |
| 60 KB messages, 10 connections, against smtp-source -d       | 1.00 (2,718/s to 2,707/s) | 0.9 |
| 10 KB messages, 10 connections, against smtp-source -d       | 900/s, no peer here | 0.75 |
| the same against smtplib and EmailMessage per recipient      | 13 times (207/s) | 15 times |
| ledger: claim, intent and settle in batches                  | 106,465 rows/s | 50,000 rows/s |
| the same beyond that at 100,000                              | +2 MB | 10 MB |
| uncertain after kill -9, 10 connections, most of 8           | 10 | 10 |
.
1 passed in 3.21s
"""
READ = [
    ("desk: GET /desk, no draft: the next issue is planned, median", 28.0, "ms"),
    ("desk: GET /desk, no draft: the next issue is planned, p95", 32.5, "ms"),
    ("desk: GET /desk, no draft: the next issue is planned, first answer", 240.1, "ms"),
    ("render: 12 cards, warm: rendered, inlined, text part", 11.2, "ms"),
    ("render: the same, first in a fresh process", 92, "ms"),
    ("render: the same, first in a fresh process, with imports", 325, "ms"),
    ("render: an owner's template, unchanged, warm", 13.1, "ms"),
    ("render: an owner's template, unchanged, warm, for the process", 1.5, "ms"),
    ("render: npm's mjml@5.4.1, warm", 19.0, "ms"),
    ("render: npm's mjml@5.4.1, first", 402, "ms"),
    ("render: MJML alone against npm's", 37, "times"),
    ("render: MJML checked and compiled against npm's", 13, "times"),
    ("store: plan, 100,000 articles", 129, "ms"),
    ("store: collect 1,000 known ones, 100,000 articles", 194, "ms"),
    ("store: peak memory", 142, "MB"),
    ("import: import again, rows", 96154, "/s"),
    ("import: import again, time", 10.4, "s"),
    ("import: import again, CPU", 10.1, "s"),
    ("import: import again, against csv.reader", 20.8, "times as long"),
    ("import: import again, memory beyond the idle process", 11.0, "MB"),
    ("import: import again, write-ahead log", 4.2, "MB"),
    ("delivery: personalising one 60 KB message", 13.3, "µs"),
    ("delivery: 60 KB messages, 10 connections, against smtp-source -d", 1.0, "ratio"),
    ("delivery: 60 KB messages, 10 connections, against smtp-source -d: ours", 2718, "/s"),
    ("delivery: 60 KB messages, 10 connections, against smtp-source -d: the peer", 2707, "/s"),
    ("delivery: 10 KB messages, 10 connections, against smtp-source -d: ours", 900, "/s"),
    ("delivery: the same against smtplib and EmailMessage per recipient", 13, "times"),
    ("delivery: the same against smtplib and EmailMessage per recipient: the peer", 207, "/s"),
    ("delivery: ledger: claim, intent and settle in batches", 106465, "/s"),
    ("delivery: the same beyond that at 100,000", 2, "MB"),
    ("delivery: uncertain after kill -9, 10 connections, most of 8", 10, ""),
]


def test_figures_are_read_from_what_an_older_revision_prints() -> None:
    assert [(one.name, one.value, one.unit) for one in printed(PRINTED)] == READ


def test_a_figure_that_is_noted_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "figures.jsonl"
    monkeypatch.setenv(FILE, str(file))
    assert noted(file) == []

    note("desk: GET /desk, median", 28.25, "ms")
    note("import: import, rows", 96154, "/s")

    assert noted(file) == [
        Figure("desk: GET /desk, median", 28.25, "ms"),
        Figure("import: import, rows", 96154, "/s"),
    ]


def test_nothing_is_noted_where_nobody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FILE, raising=False)
    monkeypatch.chdir(tmp_path)
    note("desk: GET /desk, median", 28.25, "ms")

    assert list(tmp_path.iterdir()) == []


def rounds(before: list[float], here: list[float], unit: str = "ms") -> list[against.Round]:
    return [
        ({"a": Figure("a", old, unit)}, {"a": Figure("a", new, unit)})
        for old, new in zip(before, here, strict=True)
    ]


@pytest.mark.parametrize(
    ("before", "here", "unit", "told"),
    [
        ([10, 20, 40], [5, 12, 32], "ms", "0.60 (0.50 to 0.80)  better"),
        ([10, 10, 10], [12, 11, 13], "ms", "1.20 (1.10 to 1.30)  worse"),
        ([10, 10, 10], [9, 10, 12], "ms", "1.00 (0.90 to 1.20)"),
        ([100, 100, 100], [150, 160, 170], "/s", "1.60 (1.50 to 1.70)  better"),
        ([100, 100, 100], [50, 60, 70], "times", "0.60 (0.50 to 0.70)  worse"),
        ([0, 10, 10], [1, 10, 10], "ms", "no ratio in every round"),
    ],
)
def test_the_ratio_is_that_of_each_round_with_its_spread(
    before: list[float], here: list[float], unit: str, told: str
) -> None:
    [line] = [one for one in against.report(rounds(before, here, unit), rev="old") if one.startswith("a ")]

    assert line.endswith(f" {told}")
    assert f"{sorted(before)[1]:.3g} {unit}" in line
    assert f"{sorted(here)[1]:.3g} {unit}" in line


def test_what_only_one_of_them_measures_is_named() -> None:
    figure = Figure("x", 1, "ms")
    told = against.report([({"gone": figure}, {"new": figure})] * 3, rev="a5e2332")

    assert "only this checkout has: new" in told
    assert "only a5e2332 has: gone" in told


def test_without_any_figure_that_is_said() -> None:
    assert against.report([({}, {})] * 3, rev="old") == ["No figures were measured."]


class TestSide:
    """A checkout whose `dev` is a script of the test's."""

    @pytest.fixture
    def checkout(self, tmp_path: Path) -> Path:
        (tmp_path / "checkout").mkdir()
        return tmp_path / "checkout"

    def test_its_own_benchmarks_run_and_their_file_is_read(self, checkout: Path, tmp_path: Path) -> None:
        (checkout / "dev").write_text(
            "import json, os, sys\n"
            "assert sys.argv[1:] == ['bench', '-k', 'desk'], sys.argv\n"
            "with open(os.environ['DIGEST_BENCH_FILE'], 'a') as file:\n"
            "    file.write(json.dumps({'name': 'x', 'value': 2.5, 'unit': 'ms'}) + '\\n')\n"
        )
        measured = [against.Side("here", checkout).measured(["-k", "desk"], tmp_path) for _ in range(2)]

        assert measured == [{"x": Figure("x", 2.5, "ms")}] * 2

    def test_one_that_writes_no_file_is_read_as_it_prints(self, checkout: Path, tmp_path: Path) -> None:
        (checkout / "dev").write_text("print('peak memory 142 MB')\n")

        assert against.Side("old", checkout).measured([], tmp_path) == {
            "store: peak memory": Figure("store: peak memory", 142, "MB")
        }

    def test_one_that_has_none_of_the_chosen_measures_nothing(self, checkout: Path, tmp_path: Path) -> None:
        (checkout / "dev").write_text(f"raise SystemExit({against.NOTHING_CHOSEN})\n")

        assert against.Side("old", checkout).measured(["-k", "new"], tmp_path) == {}

    def test_one_that_fails_is_told_with_what_it_said(self, checkout: Path, tmp_path: Path) -> None:
        (checkout / "dev").write_text("print('E  no such module'); raise SystemExit(1)\n")

        with pytest.raises(SystemExit, match=r"(?s)no such module.*The benchmarks of old failed"):
            against.Side("old", checkout).measured([], tmp_path)


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    return subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With two revisions, each of which tells another figure."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    for number in (100, 50):
        (folder / "dev").write_text(f"print('peak memory {number} MB')\n")
        git(folder, "add", "dev")
        git(folder, "commit", "-qm", f"{number}")
    monkeypatch.setattr(against, "ROOT", folder)
    monkeypatch.setattr(against.tempfile, "tempdir", str(tmp_path))
    return folder


def test_both_are_measured_in_turn_and_nothing_is_left_behind(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert against.main(["--against", "HEAD~1", "-q"]) == 0

    said = capsys.readouterr()
    [line] = [line for line in said.out.splitlines() if line.startswith("store: peak memory")]
    assert line.split()[3:] == ["100", "MB", "50", "MB", "0.50", "(0.50", "to", "0.50)", "better"]
    assert "Round 3 of 3" in said.err
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    assert list(repository.parent.iterdir()) == [repository]


def test_a_revision_that_nobody_knows_is_told(repository: Path) -> None:
    with pytest.raises(SystemExit, match="There is no revision “nowhere” here"):
        against.main(["--against", "nowhere"])


def test_fewer_than_three_rounds_are_refused(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        against.main(["--against", "HEAD", "--rounds", "2"])

    assert stop.value.code == 2
    assert "say nothing about the spread" in capsys.readouterr().err


def test_it_starts_as_a_program() -> None:
    program = Path(against.__file__)
    done = subprocess.run(
        [sys.executable, str(program), "--rounds=3"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "--against" in done.stderr
