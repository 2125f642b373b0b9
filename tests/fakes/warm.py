"""Runs `digest` in a process of its own for each command, forked from a parent that has imported everything.

It costs a tenth of a new interpreter; arguments, folder, environment, output and
exit code are those of a program.  `Warm` is the test's side; this file itself,
run as a program, is the parent.  It reads one JSON document a line: {"words",
"folder", "environ", …}, and answers with {"code" (negative: the signal), "out", "err"}.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Self

Order = dict[str, Any]


class Warm:
    """Use as a context manager; `program` is the parent to start."""

    def __init__(self, program: Path = Path(__file__)) -> None:
        # -P: the folder of this file must not be searched for modules, it has a sendgrid of its own.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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
        order = {"words": words, "folder": str(folder), "environ": environ or {}, **more}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: Order = json.loads(self._line())
        return answer

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


# -- the parent ----------------------------------------------------------------------


SENDING = (
    "digest.cli.app",
    "digest.rendering.issue",
    "digest.settings.loading",
    "digest.transports.outbox.transport",
    "digest.transports.sendgrid.transport",
    "digest.transports.smtp.transport",
    "digest.wiring",
    "digest.views.json_output",
    "digest.workflows.sending.send",
)
READING = ("digest.fetch", "digest.sources.feed", "digest.views.status")


def serve(prepare: Callable[[Order], None], *, modules: Sequence[str]) -> None:
    """Fork a child for every order; `prepare` is called in it before the command."""
    for module in modules:
        import_module(module)
    gc.collect()
    gc.freeze()  # children do not touch what they share
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(_forked(json.loads(line), prepare)), flush=True)


def _forked(order: Order, prepare: Callable[[Order], None]) -> Order:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            _be_digest(order, prepare, out.fileno(), err.fileno())
        _, status = os.waitpid(child, 0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "out": _whole(out.fileno()),
            "err": _whole(err.fileno()),
        }


def _whole(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0).decode("utf-8", "replace")


def _be_digest(order: Order, prepare: Callable[[Order], None], out: int, err: int) -> None:
    import traceback

    from digest.cli import main

    code = 70
    try:
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


if __name__ == "__main__":
    serve(lambda _: None, modules=SENDING + READING)
