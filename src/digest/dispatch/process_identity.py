"""Identifies a sender and tells whether it is still running.

A claim records its owner: host, boot, process, process start time and thread.  On
the same host, a dead owner's rows are free at once; for another host, only the lease
can tell.  A thread that has ended counts as dead even if its process still runs, so
that a desk can resume a send that failed in one of its threads.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterable
from pathlib import Path


def this_process() -> str:
    """A unique name for the sender in this thread."""
    pid = os.getpid()
    return f"{_here()}/{pid}@{_namespace()}/{_started(pid)}/{threading.current_thread().native_id}"


def is_dead(owner: str) -> bool:
    """Whether the owner has certainly stopped; False if that cannot be known from here."""
    try:
        here, pid, started, thread = owner.rsplit("/", 3)
    except ValueError:
        return False
    if here.split("/")[0] != _here().split("/")[0]:
        return False
    if here != _here():
        return True  # this host, but before its last boot
    number, _, namespace = pid.partition("@")
    if namespace and namespace != _namespace():
        return False  # another container, whose process numbers mean nothing here
    return not _runs(int(number), started, thread)


def is_alive(owner: str) -> bool:
    """Whether the owner is certainly running on this machine; False if that cannot be known from here."""
    try:
        here, pid, started, thread = owner.rsplit("/", 3)
    except ValueError:
        return False
    number, _, namespace = pid.partition("@")
    return here == _here() and namespace == _namespace() and _runs(int(number), started, thread)


def alive_among(owners: Iterable[str]) -> set[str]:
    return {owner for owner in owners if is_alive(owner)}


def dead_among(owners: Iterable[str]) -> set[str]:
    return {owner for owner in owners if is_dead(owner)}


def cut_off_among(owners: Iterable[str]) -> set[str]:
    """The owners that ran on this host before its last boot, and so were cut off when it went down."""
    host, _, boot = _here().partition("/")
    return {
        o for o in owners if o.split("/")[0] == host and o.split("/")[1:2] != [boot] and boot != "unknown"
    }


def _here() -> str:
    return f"{socket.gethostname()}/{_boot()}"


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


def _namespace() -> str:
    """The process number namespace: containers on one machine may share host name and boot."""
    try:
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return ""


def _runs(pid: int, started: str, thread: str) -> bool:
    return _started(pid) == started and _has_thread(pid, thread)


def _has_thread(pid: int, thread: str) -> bool:
    """Threads are numbered like processes; without /proc, nothing is known about another process's."""
    if pid == os.getpid():  # the system may list an ended thread of ours a moment longer
        return thread in {str(running.native_id) for running in threading.enumerate()}
    tasks = Path(f"/proc/{pid}/task")
    return (tasks / thread).exists() or not tasks.exists()


def _started(pid: int) -> str:
    """The start time of a process in clock ticks since boot; "gone" if there is no such process.

    Without /proc, the process number has to suffice.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = stat.rpartition(")")[2].split()
        return "gone" if fields[0] == "Z" else fields[19]
    except OSError:
        pass
    if Path("/proc/self").exists():
        return "gone"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        return "alive"
    return "alive"
