"""Runs owners' templates in a separate process with limits on time and memory.

This is the client; `sandbox_worker` is the process.  It is started on first use, stays
running, is replaced when it has died, and ends with this process.
"""

from __future__ import annotations

import atexit
import copyreg
import io
import json
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from babel import Locale

from digest.errors import TemplateError
from digest.rendering.templates import owners

CPU_SECONDS = 2  # per job, at least one, since only whole seconds are counted; an issue takes 0.02
MEMORY = 512 << 20  # bytes of address space; ordinary templates use a tenth of that

_WALL_SECONDS = 10.0  # for anything that no signal can interrupt
_START_SECONDS = 60.0  # allows for a cold disk and a busy machine
_ANSWER = 64 << 20

Job = tuple[Literal["bodies", "line"], tuple[Any, ...]]


def bodies(path: tuple[Path, ...], variables: Mapping[str, object], unsubscribe: str) -> tuple[str, str]:
    """Like `bodies.bodies`, under limits.

    Raises:
        TemplateError: the templates' own, or a limit was exceeded.
    """
    absolute = tuple(folder.absolute() for folder in path)
    html, text = _CELL.ask(
        ("bodies", (absolute, dict(variables), unsubscribe)), whose=f"The output of {_one_of(owners(path))}"
    )
    return html, text


def line(source: str, variables: Mapping[str, object], title: str) -> str:
    """Like `templates.filled_line`, under limits.

    Raises:
        TemplateError: the template's own, or a limit was exceeded.
    """
    (filled,) = _CELL.ask(("line", (source, dict(variables), title)), whose=title)
    return filled


def _one_of(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"one of {', '.join(names)}"


def prepare() -> None:
    """Start the process early, while there is other work to do."""
    _CELL.prepare()


class SandboxProcess:
    """The sandbox process; only one thread at a time uses it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._wire: socket.socket | None = None
        self._answers: io.BufferedReader | None = None
        self._is_ready = False
        self._of_parent: object = None

    def prepare(self) -> None:
        """Start the process unless it is running, without waiting for it."""
        with self._lock:
            self._start()

    def ask(self, job: Job, *, whose: str) -> list[str]:
        """The texts the job produces; `whose` is the subject of the error if it kills the process.

        Raises:
            TemplateError: the templates' own, or a limit was exceeded.
        """
        with self._lock:
            told = _dumped(job)
            try:
                answer = self._answer(told, whose)
            except BaseException:  # also Ctrl-C: a later answer would have no recipient
                self._stop()
                raise
            if answer.get("spent"):
                self._stop()
        if "bug" in answer:
            raise RuntimeError(answer["bug"])
        if "error" in answer:
            raise TemplateError(answer["error"], mend=answer["mend"])
        return list(answer["texts"])

    def close(self) -> None:
        """End the process; the next job starts another one."""
        with self._lock:
            self._stop()

    def forget(self) -> None:
        """After a fork: the process is the parent's, and a thread that is not here may hold the lock."""
        self._of_parent = (self._process, self._answers)  # we neither wait for nor close these
        if self._wire is not None:
            os.close(self._wire.detach())
        self._lock, self._process, self._wire, self._answers = threading.Lock(), None, None, None

    def _answer(self, told: bytes, whose: str) -> dict[str, Any]:
        try:
            self._send(told)
            said = self._line()
        except TimeoutError as error:
            raise TemplateError(
                f"{whose} took more than {_WALL_SECONDS:g} seconds and was stopped.", mend=_MEND
            ) from error
        if not said.endswith(b"\n"):
            raise TemplateError(f"{whose} crashed the process that renders templates.", mend=_MEND)
        return dict(json.loads(said))

    def _send(self, told: bytes) -> None:
        try:
            self._ready().sendall(told)
        except ConnectionError:  # it died between two jobs, which was not this job's fault
            self._stop()
            self._ready().sendall(told)

    def _start(self) -> None:
        if self._process and self._process.poll() is None:
            return
        self._stop()
        self._wire, there = socket.socketpair()
        with there:
            # A new program, not a fork: forking a process with threads copies locks that stay locked.
            # No environment: if a template ever gets out of the sandbox, it finds no passwords.
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "digest.rendering.sandbox_worker"],
                    stdin=there.fileno(),
                    stdout=subprocess.DEVNULL,
                    cwd="/",
                    env={"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
                    start_new_session=True,  # Ctrl-C is meant for the client only
                )
            except OSError as error:
                raise TemplateError(_NO_START, mend=f"The system says: {error}.") from error

    def _ready(self) -> socket.socket:
        """The socket to a process that is ready for jobs."""
        self._start()
        if self._wire is not None and self._answers is None:
            self._wire.settimeout(_START_SECONDS)
            self._answers = self._wire.makefile("rb")
            with suppress(TimeoutError):
                self._is_ready = bool(self._line())
        if self._wire is None or not self._is_ready:
            raise TemplateError(_NO_START, mend="Standard error says why; it is probably short of memory.")
        self._wire.settimeout(_WALL_SECONDS)
        return self._wire

    def _line(self) -> bytes:
        """The next answer; without a newline if the process died of the job."""
        try:
            return self._answers.readline(_ANSWER) if self._answers else b""
        except ConnectionError:
            return b""

    def _stop(self) -> None:
        process, self._process = self._process, None
        if self._answers is not None:
            self._answers.close()
        if self._wire is not None:
            self._wire.close()
        self._wire, self._answers, self._is_ready = None, None, False
        if process is not None:  # it holds nothing that needs saving
            process.kill()
            process.wait()


_MEND = "Look for endless loops, very long texts and very deeply nested elements."
_NO_START = "The process that renders your templates does not start."
_CELL = SandboxProcess()
atexit.register(_CELL.close)
os.register_at_fork(after_in_child=_CELL.forget)


class _Pickler(pickle.Pickler):
    # A locale pickles with all its data; its name is enough.
    dispatch_table = copyreg.dispatch_table.copy() | {Locale: lambda locale: (Locale.parse, (str(locale),))}


def _dumped(job: Job) -> bytes:
    written = io.BytesIO()
    _Pickler(written, protocol=5).dump(job)
    return written.getvalue()
