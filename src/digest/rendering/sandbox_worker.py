"""The process that renders owners' templates: `python -m digest.rendering.sandbox_worker`.

It reads jobs (pickled, from the process that started it) and answers each with a line of
JSON, never with a pickle, so that code that escaped the sandbox gains nothing by answering.
It ends when its parent has closed the connection.
"""

from __future__ import annotations

import json
import pickle
import resource
import signal
import socket
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from digest.errors import TemplateError
from digest.rendering.bodies import bodies
from digest.rendering.issue import render_issue  # noqa: F401 - what jobs contain, before the limits apply
from digest.rendering.sandbox import CPU_SECONDS, MEMORY, Job
from digest.rendering.templates import OutOfTime, filled_line
from digest.rendering.undefined_names import refuse_unknown_in_line, refuse_unknown_names


def main() -> None:
    """Answer jobs one by one."""
    with socket.socket(fileno=0) as wire, wire.makefile("rwb") as line:
        _limit()
        line.write(b"ready\n")
        line.flush()
        while True:
            try:
                job = pickle.load(line)  # noqa: S301 - from the process that started this one
            except EOFError:
                return
            line.write(json.dumps(_answer(job)).encode("ascii") + b"\n")
            line.flush()


def _answer(job: Job) -> dict[str, Any]:
    what, arguments = job
    work: Callable[..., list[str]] = {"bodies": _bodies, "line": _line}[what]
    try:
        _allow_time()
        try:
            return {"texts": work(*arguments)}
        finally:
            _take_all_time()
    except TemplateError as error:
        spent = isinstance(error.__cause__, OutOfTime | MemoryError)
        return {"error": error.message, "mend": error.mend, "spent": spent}
    except MemoryError:
        return {"error": "Rendering the issue's HTML needs too much memory.", "mend": _SHORTER, "spent": True}
    except OutOfTime:
        sentence = f"Rendering the issue's HTML takes more than {CPU_SECONDS} seconds."
        return {"error": sentence, "mend": _SHORTER, "spent": True}
    except Exception:  # noqa: BLE001 - reported to the client, which raises it
        return {"bug": traceback.format_exc(), "spent": True}


_SHORTER = "Make the templates print less."


def _bodies(path: Any, variables: Any, unsubscribe: str) -> list[str]:
    refuse_unknown_names(path, ("issue.mjml.j2", "issue.txt.j2"), frozenset(variables))
    return list(bodies(path, variables, unsubscribe))


def _line(source: str, variables: Any, title: str) -> list[str]:
    refuse_unknown_in_line(source, title, frozenset(variables))
    return [filled_line(source, variables, title)]


def _limit() -> None:
    """Limit memory to what a mail can need, forbid writing files, and get a signal when time is up."""
    for what, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        with suppress(ValueError, OSError):  # macOS has no limit on address space
            resource.setrlimit(what, (most, most))
    signal.signal(signal.SIGXCPU, _stop)


def _stop(*_: object) -> None:
    raise OutOfTime


def _allow_time() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _set_time(int(used.ru_utime + used.ru_stime) + CPU_SECONDS)


def _take_all_time() -> None:
    _set_time(resource.RLIM_INFINITY)


def _set_time(soft: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    unlimited = resource.RLIM_INFINITY
    known = [limit for limit in (soft, hard) if limit != unlimited]
    resource.setrlimit(resource.RLIMIT_CPU, (min(known, default=unlimited), hard))


if __name__ == "__main__":
    main()
