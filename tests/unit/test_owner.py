"""Who holds a claim, and whether that sender is certainly gone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from digest.dispatch import process_identity


def changed(name: str, **parts: str) -> str:
    """An owner's name with some of its parts replaced."""
    host, boot, pid, started, thread = name.split("/")
    now = {"host": host, "boot": boot, "pid": pid, "started": started, "thread": thread} | parts
    return "/".join(now.values())


def test_this_process_lives() -> None:
    assert not process_identity.is_dead(process_identity.this_process())


def test_every_thread_has_its_own_name() -> None:
    names = [process_identity.this_process()]
    thread = threading.Thread(target=lambda: names.append(process_identity.this_process()))
    thread.start()
    thread.join()

    assert names[0] != names[1]
    assert process_identity.this_process() == names[0]


def test_a_thread_that_ended_is_dead_while_its_process_runs() -> None:
    """What failed in a thread of a server is free for the next one, at once."""
    names = []
    goes_on = threading.Event()

    def work() -> None:
        names.append(process_identity.this_process())
        goes_on.wait()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        while not names:
            goes_on.wait(0.01)
        assert process_identity.is_alive(names[0])
        assert not process_identity.is_dead(names[0])
    finally:
        goes_on.set()
        thread.join()
    assert process_identity.is_dead(names[0])
    assert not process_identity.is_alive(names[0])


def test_a_process_that_ended_is_dead() -> None:
    program = "from digest.dispatch.process_identity import this_process; print(this_process())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert process_identity.is_dead(done.stdout.strip())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")
def test_a_process_that_nobody_has_buried_is_dead() -> None:
    """A zombie still has its number, but sends nothing."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        started = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[19]
        assert process_identity.is_dead(
            changed(process_identity.this_process(), pid=str(child), started=started)
        )
    finally:
        os.waitpid(child, 0)


def test_a_living_process_of_another_start_is_another_process() -> None:
    """Process numbers come again; the start time tells them apart."""
    assert process_identity.is_dead(changed(process_identity.this_process(), started="1"))


def test_before_the_last_boot_everybody_is_dead() -> None:
    assert process_identity.is_dead(changed(process_identity.this_process(), boot="0000-another-boot"))


def test_of_another_host_nothing_is_known() -> None:
    """Only the lease tells there."""
    assert not process_identity.is_dead(changed(process_identity.this_process(), host="elsewhere", pid="1"))


@pytest.mark.parametrize("name", ["", "nobody", "a/b/c", "a/b/c/d/e"])
def test_a_name_we_did_not_make_is_not_dead(name: str) -> None:
    assert not process_identity.is_dead(name)


def test_another_living_process_lives() -> None:
    program = (
        "from digest.dispatch.process_identity import this_process as me; print(me(), flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        assert not process_identity.is_dead(name)
        child.kill()
        child.wait()
        assert process_identity.is_dead(name)


def test_a_process_of_another_container_cannot_be_judged() -> None:
    """Two may share host name and boot, and their process numbers mean nothing to each other."""
    assert not process_identity.is_dead(
        changed(process_identity.this_process(), pid="999999@4026530000", started="1")
    )


def test_what_was_cut_off_is_of_this_host_before_its_boot() -> None:
    """Those went down with the machine: what they declared last may be lost."""
    mine = process_identity.this_process()
    before, elsewhere = changed(mine, boot="an-earlier-boot"), changed(mine, host="other", boot="x")

    assert process_identity.cut_off_among([mine, before, elsewhere]) == {before}
