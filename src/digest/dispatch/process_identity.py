"""Who a sender is, and whether it still runs.

A claim carries its owner: host, boot, process, its start time and thread.  On
the same host a dead owner's rows are free at once; of another host only the lease
tells.  A thread that ended is dead although its process runs: a desk may go on
with what failed in it.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterable
from pathlib import Path


def this_process() -> str:
    """Names this thread's sender uniquely."""
    pid = os.getpid()
    return f"{_here()}/{pid}@{_namespace()}/{_started(pid)}/{threading.current_thread().native_id}"


def is_dead(owner: str) -> bool:
    """Certainly not running any more; False where that cannot be known from here."""
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
        return False  # another container: its process numbers say nothing here
    return not _runs(int(number), started, thread)


def is_alive(owner: str) -> bool:
    """Certainly running, on this machine; False where that cannot be known from here."""
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
    """Those on this host before its last boot: the machine went down over them."""
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
    """Of process numbers: containers on one machine may share host name and boot."""
    try:
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return ""


def _runs(pid: int, started: str, thread: str) -> bool:
    return _started(pid) == started and _has_thread(pid, thread)


def _has_thread(pid: int, thread: str) -> bool:
    """Threads have numbers like processes; of another process without /proc nothing is known."""
    if pid == os.getpid():  # the system may show one of ours for a moment longer
        return thread in {str(running.native_id) for running in threading.enumerate()}
    tasks = Path(f"/proc/{pid}/task")
    return (tasks / thread).exists() or not tasks.exists()


def _started(pid: int) -> str:
    """The start time of a process in clock ticks since boot; "gone" where there is none.

    Where there is no /proc, the process number alone has to do.
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
