"""What editors and programs do to an issue, over a real database and a real wire: who got what, what is told.

The truth is the accept log of the server, or the files in the outbox.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from digest.application import AT_SLOT, SendProgress
from digest.application import NOW as AT_ONCE
from digest.clock import Clock
from digest.errors import Busy, NotAllowed
from digest.model.edit import IssueText, SetText
from digest.model.issue import Issue, IssueState
from digest.rules.email_addresses import InvalidAddress
from digest.wiring import Container
from digest.workflows.drafting.share import share
from fakes.activity import actor, told
from fakes.databases import NOW
from fakes.folders import SETTINGS, prepare
from fakes.processes import Process
from fakes.smtp import ScriptedServer

PEOPLE = [f"p{number}@example.org" for number in range(12)]
WAIT = 15.0  # seconds for what takes a few hundredths of one
FIRST = "weekly/1"


@pytest.fixture(scope="session")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A newsletter folder with people and one story, to be copied."""
    folder = tmp_path_factory.mktemp("actions") / "folder"
    assert prepare(folder, people=len(PEOPLE), is_approved=False) == PEOPLE
    return folder


class Gate:
    """The server takes so many messages, and the next one only when it is let."""

    def __init__(self, server: ScriptedServer) -> None:
        self._passes = threading.Semaphore(0)
        self._is_open = False
        self.reached = 0  # messages that came to it
        server.before_accept = self._wait

    def let(self, number: int) -> None:
        self._passes.release(number)

    def open(self) -> None:
        self._is_open = True
        self.let(1)

    def _wait(self) -> None:
        self.reached += 1
        if not self._is_open:
            assert self._passes.acquire(timeout=WAIT)
        if self._is_open:
            self.let(1)  # for whoever came to wait just before


@dataclass
class World:
    """A newsletter folder, and processes that act on it."""

    folder: Path
    opened: list[tuple[Container, Process]] = field(default_factory=list)

    @property
    def parts(self) -> Container:
        return self.opened[0][0]

    @property
    def actions(self) -> Process:
        return self.opened[0][1]

    def start(self, kind: Callable[..., Container] = Container.from_file) -> Process:
        """Another process, as far as the database can tell."""
        parts = kind(self.folder / "digest.toml", environ={}, clock=Clock(NOW))
        self.opened.append((parts, Process(parts)))
        return self.opened[-1][1]

    def draft(self) -> Issue:
        made = self.actions.draft("weekly", by=actor("ann"))
        assert isinstance(made, Issue)
        return made

    def approve_now(self) -> Issue:
        return self.actions.approve(FIRST, by=actor("ann"), seen=self.draft().revision, when=AT_ONCE)

    def issue(self) -> Issue:
        return self.actions.find(FIRST)[1]

    def progress(self) -> SendProgress:
        """Whatever it tells adds up."""
        told = self.actions.progress(FIRST)
        counts = told.counts
        assert counts.adds_up
        waiting = counts.pending + counts.deferred + counts.in_flight
        expected = (counts.audience - waiting) / counts.audience if counts.audience else 0.0
        assert told.share == pytest.approx(expected)
        return told

    def events(self) -> list[tuple[str, str]]:
        return told(self.parts.database)

    def close(self) -> None:
        for parts, actions in self.opened:
            actions.senders.close()
            parts.close()


@contextmanager
def world_of(drafted: Path, folder: Path, **settings: Any) -> Iterator[World]:
    shutil.copytree(drafted, folder)
    given = {"transport": "outbox", "port": 1, "connections": 1, "batch_size": 2, "policy": "hold"}
    (folder / "digest.toml").write_text(SETTINGS.format(**given | settings))
    world = World(folder)
    world.start()
    try:
        yield world
    finally:
        world.close()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as started:
        yield started


@pytest.fixture
def gate(server: ScriptedServer) -> Gate:
    return Gate(server)


@pytest.fixture
def world(drafted: Path, tmp_path: Path, server: ScriptedServer, gate: Gate) -> Iterator[World]:
    """It sends to the server, which takes nothing until it is let."""
    with world_of(drafted, tmp_path / "smtp", transport="smtp", port=server.port) as made:
        yield made
        gate.open()


@pytest.fixture
def outbox_world(drafted: Path, tmp_path: Path) -> Iterator[World]:
    with world_of(drafted, tmp_path / "outbox") as made:
        yield made


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not is_so():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.01)


def got(server: ScriptedServer) -> Counter[str]:
    return Counter(address for taken in server.taken for address in taken.recipients)


def files(world: World) -> Counter[str]:
    return Counter(path.stem.rpartition("-")[2] for path in (world.folder / "outbox").glob("*.eml"))


# -- for now ---------------------------------------------------------------------------


def test_approved_for_now_it_goes_to_everybody_in_the_background_and_the_figures_add_up(
    world: World, server: ScriptedServer, gate: Gate
) -> None:
    gate.let(3)
    approved = world.approve_now()
    assert approved.state in {IssueState.APPROVED, IssueState.SENDING}

    until(lambda: world.progress().counts.accepted >= 2)
    first = world.progress()
    assert (first.is_running, first.trouble, first.issue.state) == (True, "", IssueState.SENDING)
    assert first.counts.accepted <= 3
    assert 0 < first.share < 1
    gate.let(4)
    until(lambda: server.taken[6:] != [])
    until(lambda: world.actions.progress(FIRST).counts.accepted >= 6)
    gate.open()
    until(lambda: world.issue().state is IssueState.SENT)
    world.actions.senders.close()

    last = world.progress()
    assert (last.share, last.left, last.is_running, last.trouble) == (1.0, None, False, "")
    assert (last.counts.audience, last.counts.accepted) == (len(PEOPLE), len(PEOPLE))
    assert got(server) == Counter(PEOPLE)


def test_what_is_left_is_told_from_the_rate_since_it_was_asked_before(
    world: World, server: ScriptedServer, gate: Gate
) -> None:
    world.approve_now()
    until(lambda: len(server.commands) > 0)
    assert (world.progress().per_second, world.progress().left) == (0.0, None)
    gate.let(6)
    until(lambda: len(server.taken) == 6)
    time.sleep(0.2)  # the last of the six may still be on its way into the ledger

    told = world.progress()
    waiting = told.counts.pending + told.counts.in_flight
    assert told.per_second > 0
    assert told.left == timedelta(seconds=waiting / told.per_second)


def test_close_waits_for_what_is_being_sent(world: World, server: ScriptedServer, gate: Gate) -> None:
    gate.let(2)
    world.approve_now()
    until(lambda: len(server.taken) == 2)
    opens = threading.Timer(0.3, gate.open)
    opens.start()

    world.actions.senders.close()

    assert got(server) == Counter(PEOPLE)
    assert world.issue().state is IssueState.SENT
    opens.join()


def test_an_older_revision_is_not_approved(world: World, server: ScriptedServer) -> None:
    seen = world.draft().revision
    change = SetText(text=IssueText.SUBJECT, value="Another", was="")
    world.actions.edit(FIRST, change, by=actor("bo"), seen=seen)

    with pytest.raises(Busy, match="edited since you looked"):
        world.actions.approve(FIRST, by=actor("ann"), seen=seen, when=AT_ONCE)

    world.actions.senders.close()
    assert (world.issue().state, server.connections) == (IssueState.DRAFT, 0)


@pytest.mark.parametrize("when", [AT_SLOT, NOW + timedelta(hours=3)])
def test_approved_for_later_it_does_not_begin(world: World, server: ScriptedServer, when: Any) -> None:
    approved = world.actions.approve(FIRST, by=actor("ann"), seen=world.draft().revision, when=when)
    world.actions.senders.close()

    assert (approved.state, approved.send_at) == (IssueState.APPROVED, None if when is AT_SLOT else when)
    assert (world.progress().is_running, world.progress().counts.pending) == (False, len(PEOPLE))
    assert server.connections == 0


# -- pause, resume, take back ------------------------------------------------------------


def test_pause_stops_within_a_window_and_resume_finishes_with_nobody_twice(
    world: World, server: ScriptedServer, gate: Gate
) -> None:
    gate.let(4)
    world.approve_now()
    until(lambda: world.progress().counts.accepted >= 3 and len(server.taken) == 4)
    paused = world.actions.pause(FIRST, by=actor("bo"))
    assert (paused.state, paused.reason) == (IssueState.HELD, "paused by bo")
    gate.open()
    until(lambda: not world.actions.progress(FIRST).counts.in_flight)
    world.actions.senders.close()

    still = world.progress()
    assert 4 <= still.counts.accepted <= 5, "the window of SMTP is one message for each connection"
    assert still.counts.accepted == len(server.taken)
    assert (still.is_running, still.counts.uncertain) == (False, 0)
    assert still.counts.pending == len(PEOPLE) - still.counts.accepted

    world.actions.resume(FIRST, by=actor("ann"))
    until(lambda: world.issue().state is IssueState.SENT)
    assert got(server) == Counter(PEOPLE)
    assert {("paused", "bo"), ("resumed", "ann")} <= set(world.events())


def test_an_approval_is_taken_back_and_given_again(world: World, server: ScriptedServer, gate: Gate) -> None:
    world.actions.approve(FIRST, by=actor("ann"), seen=world.draft().revision)
    back = world.actions.withdraw_approval(FIRST, by=actor("bo"))

    assert (back.state, back.content_hash) == (IssueState.DRAFT, "")
    assert world.progress().counts.audience == 0
    assert ("approval withdrawn", "bo") in world.events()
    with pytest.raises(NotAllowed, match="is a draft, so there is no approval"):
        world.actions.withdraw_approval(FIRST, by=actor("bo"))

    gate.open()
    world.actions.approve(FIRST, by=actor("ann"), seen=back.revision, when=AT_ONCE)
    until(lambda: world.issue().state is IssueState.SENT)
    assert got(server) == Counter(PEOPLE)


def test_an_approval_is_not_taken_back_in_the_middle_of_a_send(
    world: World, server: ScriptedServer, gate: Gate
) -> None:
    gate.let(1)
    world.approve_now()
    until(lambda: len(server.taken) == 1)

    with pytest.raises(NotAllowed, match="is being sent, so there is no approval"):
        world.actions.withdraw_approval(FIRST, by=actor("bo"))

    gate.open()
    until(lambda: world.issue().state is IssueState.SENT)
    assert got(server) == Counter(PEOPLE)


# -- proofs ----------------------------------------------------------------------------


def test_a_proof_to_several_of_which_one_is_no_address_goes_to_nobody(
    world: World, server: ScriptedServer
) -> None:
    world.draft()
    before = world.events()

    with pytest.raises(InvalidAddress):
        world.actions.proof(FIRST, to=["ann@example.com", "no address", "bo@example.com"], by=actor("ann"))

    assert (server.connections, world.events()) == (0, before)


@pytest.mark.parametrize("number", [0, 11])
def test_a_proof_goes_to_one_to_ten(world: World, server: ScriptedServer, number: int) -> None:
    world.draft()
    with pytest.raises(NotAllowed, match=f"not to {number}"):
        world.actions.proof(FIRST, to=[f"a{n}@example.com" for n in range(number)], by=actor("ann"))
    assert server.connections == 0


def test_a_proof_tells_of_each_address_and_counts_nowhere(
    world: World, server: ScriptedServer, gate: Gate
) -> None:
    gate.open()
    world.draft()
    told = world.actions.proof(FIRST, to=["ann@example.com", "bo@example.com"], by=actor("ann"))

    assert [(one.address, one.accepted) for one in told] == [
        ("ann@example.com", True),
        ("bo@example.com", True),
    ]
    assert got(server) == Counter(["ann@example.com", "bo@example.com"])
    assert world.progress().counts.audience == 0
    assert ("proof sent to 2 of 2 addresses", "ann") in world.events()


# -- what goes wrong -------------------------------------------------------------------


def test_a_server_that_is_not_there_is_told_and_once_it_is_there_the_send_goes_on(
    drafted: Path, tmp_path: Path
) -> None:
    with ScriptedServer() as gone:
        port = gone.port
    with world_of(drafted, tmp_path / "smtp", transport="smtp", port=port) as world:
        world.approve_now()
        world.actions.senders.close()

        told = world.progress()
        assert str(port) in told.trouble
        assert (told.is_running, told.counts.pending) == (False, len(PEOPLE))
        assert any(what.startswith("sending stopped: ") and str(port) in what for what, _ in world.events())

        with ScriptedServer() as back:
            settings = world.folder / "digest.toml"
            settings.write_text(settings.read_text().replace(f"port = {port}", f"port = {back.port}"))
            later = world.start()
            later.pause(FIRST, by=actor("ann"))
            later.resume(FIRST, by=actor("ann"))
            until(lambda: world.issue().state is IssueState.SENT)
            later.senders.close()
            assert got(back) == Counter(PEOPLE)


def test_a_trouble_is_forgotten_when_the_send_is_tried_again(outbox_world: World) -> None:
    blocking = outbox_world.folder / "outbox"
    blocking.write_text("a file where the folder should be")
    outbox_world.approve_now()
    outbox_world.actions.senders.close()
    assert outbox_world.progress().trouble

    blocking.unlink()
    outbox_world.actions.pause(FIRST, by=actor("ann"))
    outbox_world.actions.resume(FIRST, by=actor("ann"))
    outbox_world.actions.senders.close()

    assert (outbox_world.issue().state, outbox_world.progress().trouble) == (IssueState.SENT, "")
    assert files(outbox_world) == Counter(PEOPLE)


def test_who_takes_up_a_send_that_stopped_is_told(outbox_world: World) -> None:
    blocking = outbox_world.folder / "outbox"
    blocking.write_text("a file where the folder should be")
    outbox_world.approve_now()
    outbox_world.actions.senders.close()
    assert outbox_world.issue().state is IssueState.SENDING

    blocking.unlink()
    outbox_world.actions.resume(FIRST, by=actor("bo"))
    outbox_world.actions.senders.close()

    assert outbox_world.issue().state is IssueState.SENT
    assert outbox_world.events().count(("resumed", "bo")) == 1


# -- two processes ---------------------------------------------------------------------


def test_two_processes_that_resume_the_same_issue_send_it_once(
    world: World, server: ScriptedServer, gate: Gate
) -> None:
    """Both may find it paused; one of them is refused, or finds the other at work."""
    other = world.start()
    gate.let(3)
    world.approve_now()
    until(lambda: len(server.taken) == 3)
    other.pause(FIRST, by=actor("bo"))
    gate.let(1)
    world.actions.senders.close()
    assert world.progress().counts.pending in {len(PEOPLE) - 4, len(PEOPLE) - 3}

    both, refused = threading.Barrier(2), []

    def resume(actions: Process) -> None:
        both.wait(timeout=WAIT)
        try:
            actions.resume(FIRST, by=actor("somebody"))
        except NotAllowed as error:
            refused.append(error.message)

    threads = [threading.Thread(target=resume, args=(one,)) for one in (world.actions, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=WAIT)
    gate.open()
    until(lambda: world.issue().state is IssueState.SENT)
    other.senders.close()

    assert refused in ([], ["Issue weekly/1 is being sent: only a paused send can be resumed."])
    assert got(server) == Counter(PEOPLE)


def test_a_second_process_that_begins_while_the_first_sends_leaves_it_alone(
    world: World, server: ScriptedServer, gate: Gate
) -> None:
    other = world.start()
    gate.let(2)
    world.approve_now()
    until(lambda: gate.reached == 3)  # a sender between two messages could see the pause, and end

    other.pause(FIRST, by=actor("bo"))
    other.resume(FIRST, by=actor("bo"))
    other.senders.close()
    assert other.progress(FIRST).trouble == ""
    assert len(server.taken) == 2

    gate.open()
    until(lambda: world.issue().state is IssueState.SENT)
    assert got(server) == Counter(PEOPLE)


@pytest.mark.parametrize(
    ("length", "is_made"),
    [
        (timedelta(hours=23), False),
        (timedelta(days=1), True),
        (timedelta(days=90), True),
        (timedelta(days=90, seconds=1), False),
        (timedelta(days=-7), False),
    ],
)
def test_a_share_link_works_for_one_to_ninety_days(world: World, length: timedelta, is_made: bool) -> None:
    """Whichever door asks: the limit is the workflow's."""
    issue = world.draft()
    before = len(told(world.parts.database))

    def made() -> tuple[str, datetime]:
        return share(
            issue,
            length=length,
            public_url="https://news.example.com",
            keys=["k" * 32],
            database=world.parts.database,
            by=actor("ann"),
            now=NOW,
        )

    if is_made:
        assert made()[1] == NOW + length
    else:
        with pytest.raises(NotAllowed, match="1 to 90 days"):
            made()
    assert len(told(world.parts.database)) == before + is_made
