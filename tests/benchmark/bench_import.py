"""A million people from a CSV file: rows a second, memory, size of the log.  `./dev bench -k import`.

Each measurement is a process of its own; the same file read by a bare
`csv.reader` in the same run is the unit, since machines and their load differ.
Memory is that beyond a process with the same modules and an open database.
DIGEST_BENCH_ROWS sets another size.
"""

from __future__ import annotations

import csv
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmark.figures import note
from digest.model.newsletter import Mailbox, Newsletter, Policy
from digest.rules.slots import parse_schedule
from digest.storage.database import Database
from fakes.activity import actor

ROWS = int(os.environ.get("DIGEST_BENCH_ROWS", "1000000"))
ROUNDS = 3
NOW = datetime(2026, 11, 1, tzinfo=UTC)
WEEKLY = Newsletter(
    name="weekly",
    title="Weekly",
    sender=Mailbox("Weekly", "digest@news.example.com"),
    sources=(),
    policy=Policy(),
    schedule=parse_schedule("Mon 09:00"),
)

_FIRST = (
    "anna ben carla david emma felix greta hans ida jonas karla leo mia nina oscar paula rosa sven".split()
)
_LAST = "müller smith jones garcia rossi novak silva nguyen kim tanaka olsen fischer weber dubois lee".split()
_HOSTS = ["gmail.com"] * 6 + ["outlook.com"] * 2 + ["yahoo.com", "gmx.example", "web.example"]
_ASCII = str.maketrans("ü", "u")


def bench_import(tmp_path: Path, capsys: Any) -> None:
    people = _written(tmp_path / "people.csv")
    ours = tmp_path / "digest.db"
    columns: dict[str, list[dict[str, float]]] = {}
    for _ in range(ROUNDS):
        _new_database(ours)
        idle = _child("idle", ours, people)["peak"]
        for name in ("read by csv.reader", "import", "import again", "export", "list"):
            found = _child(name, ours, people)
            columns.setdefault(name, []).append(found | {"above": found["peak"] - idle})
    with capsys.disabled():
        _print(columns, people, ours)


def _print(columns: dict[str, list[dict[str, float]]], people: Path, ours: Path) -> None:
    plain = _median(columns["read by csv.reader"], "seconds")
    print(
        f"\n\n{ROWS:,} people, {people.stat().st_size / 1e6:.0f} MB of CSV in no order; medians of {ROUNDS}"
    )
    print(f"{'':20} {'rows/s':>10} {'seconds':>8} {'CPU':>6} {'× reader':>9} {'MB more':>8} {'WAL MB':>7}")
    for name, found in columns.items():
        seconds, cpu = _median(found, "seconds"), _median(found, "cpu")
        above, wal = _median(found, "above"), _median(found, "wal")
        print(
            f"{name:20} {ROWS / seconds:>10,.0f} {seconds:>8.1f} {cpu:>6.1f}"
            f" {seconds / plain:>9.1f} {above:>8.1f} {wal:>7.1f}"
        )
        note(f"import: {name}, rows", ROWS / seconds, "/s")
        note(f"import: {name}, time", seconds, "s")
        note(f"import: {name}, CPU", cpu, "s")
        note(f"import: {name}, against csv.reader", seconds / plain, "times as long")
        note(f"import: {name}, memory beyond the idle process", above, "MB")
        note(f"import: {name}, write-ahead log", wal, "MB")
    print(f"the database is {ours.stat().st_size / 1e6:.0f} MB")


def _median(found: list[dict[str, float]], what: str) -> float:
    return statistics.median(each[what] for each in found)


def _written(path: Path) -> Path:
    """Addresses in no order, most at a few hosts; one in fifty stands there in capitals or is no address."""
    chance = random.Random(11)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["email", "name", "language", "topics"])
        for number in range(ROWS):
            first, last = chance.choice(_FIRST), chance.choice(_LAST)
            host = (
                chance.choice(_HOSTS)
                if chance.random() < 0.7
                else f"mail{chance.randrange(60_000)}.example.org"
            )
            forms = (f"{first}.{last}{number}", f"{first[0]}{last}{number}", f"{number}.{first}+news")
            local = chance.choice(forms).translate(_ASCII)
            local = local.upper() if chance.random() < 0.02 else local
            name = f"{first.title()} {last.title()}"
            writer.writerow(
                [f"{local}@{host}", name, chance.choice(["", "de"]), chance.choice(["", "web;python"])]
            )
    return path


def _new_database(file: Path) -> None:
    for old in file.parent.glob(f"{file.name}*"):
        old.unlink()
    Database(f"sqlite:///{file}").close()


def _child(what: str, database: Path, people: Path) -> dict[str, float]:
    command = [sys.executable, __file__, what, str(database), str(people)]
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(command, check=True, capture_output=True, text=True, env=environ)
    found: dict[str, float] = json.loads(ended.stdout)
    return found


# -- in the child -----------------------------------------------------------------


def _measured(what: str, database: Path, people: Path) -> dict[str, float]:
    from email_validator import validate_email  # noqa: F401 - belongs to the idle process as well

    from digest.workflows.people import subscribers as subscribe

    opened = Database(f"sqlite:///{database}")

    def read_by_import() -> None:
        done = subscribe.import_file(WEEKLY, people, database=opened, by=actor("a test"), now=NOW)
        assert done.rows == ROWS, done
        assert done.added == (ROWS if what == "import" else 0), done

    def read_plainly() -> None:
        with people.open(encoding="utf-8", newline="") as file:
            assert sum(1 for _ in csv.reader(file)) == ROWS + 1

    def export() -> None:
        with Path(os.devnull).open("w") as file:
            csv.writer(file).writerows(subscribe.export(WEEKLY, database=opened))

    work: dict[str, Callable[[], object]] = {
        "idle": lambda: None,
        "read by csv.reader": read_plainly,
        "import": read_by_import,
        "import again": read_by_import,
        "export": export,
        "list": lambda: _first_page(opened),
    }
    largest = _LargestLog(database.with_name(f"{database.name}-wal"))
    begin, cpu = time.perf_counter(), time.process_time()
    work[what]()
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    wal = largest.stop()
    opened.close()
    return {"seconds": seconds, "cpu": cpu, "peak": _peak(), "wal": wal / 1e6}


def _peak() -> float:
    """Megabytes.  Linux counts the starting process into getrusage's figure, and not into VmHWM."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)  # octets on macOS
    [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def _first_page(database: Database) -> None:
    from itertools import islice

    from digest.storage import subscribers

    with database.read() as connection:
        assert sum(subscribers.count(connection, WEEKLY.name).values()) == ROWS
        assert len(list(islice(subscribers.all_of(connection, WEEKLY.name), 50))) == 50


class _LargestLog:
    """How large SQLite's write-ahead log gets meanwhile."""

    def __init__(self, file: Path) -> None:
        self._file, self._largest, self._ended = file, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> int:
        self._ended.set()
        self._thread.join()
        return self._largest

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            if self._file.exists():
                self._largest = max(self._largest, self._file.stat().st_size)


if __name__ == "__main__":
    print(json.dumps(_measured(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
