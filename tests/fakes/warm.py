"""Runs `digest` in a process of its own for each command, forked from a parent that has imported everything.

It costs a tenth of a new interpreter; arguments, folder, environment, output and
exit code are those of a program.  `Warm` is the test's side; this file itself,
run as a program, is the parent.  It reads one JSON document a line: {"words",
"folder", "environ", …}, and answers with {"code" (negative: the signal), "out", "err"}.
With "log", a file, the command goes on beside the next ones and writes there; the
answer is its {"pid"}, and the order {"awaits": pid} is answered with its {"code"}.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Self

TESTS = str(Path(__file__).resolve().parents[1])
if TESTS not in sys.path:
    sys.path.append(TESTS)

Order = dict[str, Any]


class Warm:
    """Use as a context manager; `program` is the parent to start."""

    def __init__(self, program: Path = Path(__file__), *, words: Sequence[str] = ()) -> None:
        # -P: the folder of this file must not be searched for modules, it has a sendgrid of its own.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(program), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        assert self._line() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()

    def run(self, *words: str, folder: Path, environ: dict[str, str] | None = None, **more: Any) -> Order:
        """What one command answered; `stdin=` is what it may read."""
        return self._ask({"words": words, "folder": str(folder), "environ": environ or {}, **more})

    def start(self, *words: str, folder: Path, log: Path) -> int:
        """Begin a command that stays, such as a server; all it says goes to `log`.  Its process id."""
        order = {"words": words, "folder": str(folder), "environ": {}, "log": str(log)}
        return int(self._ask(order)["pid"])

    def stop(self, pid: int, how: signal.Signals = signal.SIGTERM) -> int:
        """Have what was started end; its exit code."""
        os.kill(pid, how)
        return int(self._ask({"awaits": pid})["code"])

    def _ask(self, order: Order) -> Order:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: Order = json.loads(self._line())
        return answer

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


# -- the parent ----------------------------------------------------------------------


RENDERING, PAGES = "digest.rendering.issue", "digest.web.pages"
SENDING = (
    "digest.application.results",
    "digest.cli.app",
    RENDERING,
    "digest.settings.loading",
    "digest.storage.migrations",
    "digest.transports.outbox.provider",
    "digest.transports.outbox.transport",
    "digest.transports.sendgrid.provider",
    "digest.transports.sendgrid.transport",
    "digest.transports.smtp.provider",
    "digest.transports.smtp.transport",
    "digest.wiring",
    "digest.views.json_output",
    "digest.workflows.sending.send",
    "rich.console",
    "rich.table",
)
READING = (
    "dateutil.parser",
    "digest.fetch",
    "digest.sources.article_page",
    "digest.sources.feed",
    "digest.sources.listing",
    "digest.sources.markdown",
    "digest.storage.import_sqlite",
    "digest.views.desk",
    "digest.views.health",
    "digest.views.public",
    "digest.views.status",
    "digest.workflows.collecting.enrich",
)
SERVING = (
    "digest.cli.serving",
    "digest.jobs.sender",
    "digest.views.desk",
    "digest.views.health",
    "digest.views.public",
    "digest.web.api",
    "digest.web.app",
    PAGES,
    "digest.web.serve",
)


def serve(prepare: Callable[[Order], None], *, modules: Sequence[str]) -> None:
    """Fork a child for every order; `prepare` is called in it before the command."""
    from compiled import compile_once

    compile_once()
    for module in modules:
        import_module(module)
    if RENDERING in modules:
        _render_once()
    if PAGES in modules:
        _compile_pages()
    gc.collect()
    gc.freeze()  # children do not touch what they share
    print("ready", flush=True)
    started: set[int] = set()
    for line in sys.stdin:
        print(json.dumps(_obeyed(json.loads(line), prepare, started)), flush=True)
    for pid in started:  # by tests that came to no end
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _render_once() -> None:
    """What a first rendering loads and compiles, children have from their parent."""
    from data.issues import of_teasers, teaser

    of_teasers(teaser(1), teaser(2)).rendered()


def _compile_pages() -> None:
    """The same for the pages that a server shows."""
    from data.issues import SITE
    from digest.clock import Clock
    from digest.web.pages import Pages

    environment = Pages(site=SITE, clock=Clock())._environment
    for name in environment.list_templates(extensions=["html"]):
        environment.get_template(name)


def _obeyed(order: Order, prepare: Callable[[Order], None], started: set[int]) -> Order:
    if "awaits" in order:
        started.remove(order["awaits"])
        return {"code": _end_of(order["awaits"])}
    if "log" in order:
        with Path(order["log"]).open("ab") as log:
            pid = _forked(order, prepare, log.fileno(), log.fileno())
        started.add(pid)
        return {"pid": pid}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        code = _end_of(_forked(order, prepare, out.fileno(), err.fileno()))
        return {"code": code, "out": _whole(out.fileno()), "err": _whole(err.fileno())}


def _forked(order: Order, prepare: Callable[[Order], None], out: int, err: int) -> int:
    child = os.fork()
    if child == 0:
        _be_digest(order, prepare, out, err)
    return child


def _end_of(pid: int) -> int:
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _whole(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0).decode("utf-8", "replace")


def _be_digest(order: Order, prepare: Callable[[Order], None], out: int, err: int) -> None:
    import traceback

    from digest.cli import main

    code = 70
    try:
        _read_from(order.get("stdin", ""))
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.chdir(order["folder"])
        for name in [name for name in os.environ if name.startswith("DIGEST_")]:
            del os.environ[name]
        os.environ.update(order["environ"])
        time.tzset()
        prepare(order)
        main(order["words"])
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:  # noqa: BLE001 - told to the test
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _read_from(text: str) -> None:
    """Give the command its own standard input: that of the parent holds the orders to come."""
    with tempfile.TemporaryFile() as given:
        given.write(text.encode())
        given.seek(0)
        os.dup2(given.fileno(), 0)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)


if __name__ == "__main__":
    with_server = SERVING if "--serving" in sys.argv else ()
    serve(lambda _: None, modules=SENDING + READING + with_server)
