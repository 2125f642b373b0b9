"""Several conversations over the network at once, in one thread.

A conversation is a generator.  It yields a `Wait` when it cannot go on before a
socket is ready, a `Declare` when it is about to let bytes go that can cause
delivery, and a `Receipt` when it knows one.  Those who want to declare at the
same moment are declared together: that is what makes one commit serve many.

One thread rather than one for each connection: threads would hand the
interpreter lock to each other several times per message (measured in
docs/decisions/wire.md).
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from digest.model.delivery import DeliveryId, Receipt
from digest.transports import OnWire

_Answer = TypeVar("_Answer")


class HasFileno(Protocol):
    def fileno(self) -> int: ...


class Wait(NamedTuple):
    """Until the socket is ready, or the monotonic time `until`; the answer tells whether it is ready."""

    on: HasFileno
    until: float = float("inf")
    for_writing: bool = False
    is_idle: bool = False  # nothing is lost if it never goes on


class Declare(NamedTuple):
    """Whether this delivery may go is the answer; where it is yes, its bytes go at once."""

    delivery_id: DeliveryId


Coroutine = Generator[Wait | Declare | Receipt, bool, _Answer]  # a part of one, and what it comes to
Conversation = Coroutine[None]
Step = Generator[Wait, bool, _Answer]  # a part that only waits


class EventLoop:
    """Carries conversations to their ends.

    `more` is asked for another conversation whenever all others wait, until it
    has none to give.  When only idle ones are left and `is_done`, these are
    closed.  `on_trouble` is called at the first error: nothing new should begin.
    """

    def __init__(
        self,
        *,
        on_wire: OnWire,
        more: Callable[[], Conversation | None],
        is_done: Callable[[], bool] = lambda: True,
        on_trouble: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_wire = on_wire
        self._more: Callable[[], Conversation | None] | None = more
        self._is_done = is_done
        self._on_trouble = on_trouble
        self._selector = selectors.DefaultSelector()
        self._talks: set[_Carried] = set()
        self._ready: deque[_Carried] = deque()  # may go on now
        self._declaring: list[_Carried] = []
        self._trouble: Exception | None = None  # the first error; nothing more is declared after it

    def run(self) -> Iterator[Receipt]:
        """The receipts of all conversations, each as it is known.

        An error in one of them, or in `on_wire`, stops what is not declared
        yet; what is on its way is brought to its receipt, and then it is raised.
        """
        try:
            while True:
                if self._ready:
                    yield from self._go_on(self._ready.popleft())
                elif self._declaring:
                    self._declare()
                elif self._grow():
                    continue
                elif self._talks and not self._is_over():
                    self._wait()
                else:
                    break
        finally:
            self._close()
        if self._trouble:
            raise self._trouble

    def _grow(self) -> bool:
        """Take in another conversation, or find that there is something to do all the same; True then."""
        if self._more is None:
            return False
        if self._poll(0):
            return True
        try:
            conversation = self._more()
        except Exception as error:  # noqa: BLE001 - raised by `run`
            self._stop(error)
            return False
        if conversation is None:
            self._more = None
            return False
        talk = _Carried(conversation)
        self._talks.add(talk)
        self._ready.append(talk)
        return True

    def _go_on(self, talk: _Carried) -> Iterator[Receipt]:
        """Until it waits for something, or ends."""
        try:
            want = talk.go_on()
            while type(want) is Receipt:
                yield want
                want = talk.go_on()
        except StopIteration:
            self._forget(talk)
        except Exception as error:  # noqa: BLE001 - raised by `run`, when the others are done
            self._forget(talk)
            self._stop(error)
        else:
            talk.want = want  # type: ignore[assignment]
            if type(want) is Declare:
                self._declaring.append(talk)
            else:
                self._watch(talk, want)  # type: ignore[arg-type]

    def _declare(self) -> None:
        """All who have come so far, in one call."""
        talks, self._declaring = self._declaring, []
        going: set[DeliveryId] = set()
        if not self._trouble:
            try:
                going.update(self._on_wire([talk.want.delivery_id for talk in talks]))  # type: ignore[union-attr]
            except Exception as error:  # noqa: BLE001 - raised by `run`, when the others are done
                self._stop(error)
        for talk in talks:
            talk.answer, talk.want = talk.want.delivery_id in going, None  # type: ignore[union-attr]
        self._ready.extend(talks)

    def _stop(self, error: Exception) -> None:
        if self._trouble is None:
            self._trouble, self._more = error, None
            self._on_trouble()

    # Waiting.

    def _watch(self, talk: _Carried, want: Wait) -> None:
        if talk.watched is want.on and not (want.for_writing or talk.events != selectors.EVENT_READ):
            return  # as last time, which is how it nearly always is
        events = selectors.EVENT_WRITE if want.for_writing else selectors.EVENT_READ
        if talk.watched is want.on:
            if talk.events != events:
                self._selector.modify(want.on, events, talk)
        else:
            self._unwatch(talk)
            self._selector.register(want.on, events, talk)
        talk.watched, talk.events = want.on, events

    def _unwatch(self, talk: _Carried) -> None:
        if talk.watched is not None:
            with contextlib.suppress(KeyError, ValueError):  # it may be closed by now
                self._selector.unregister(talk.watched)
            talk.watched = None

    def _wait(self) -> None:
        nearest = min(talk.want.until for talk in self._talks)  # type: ignore[union-attr]
        self._poll(None if nearest == float("inf") else max(0.0, nearest - time.monotonic()))
        now = time.monotonic()
        if now >= nearest:
            late = [t for t in self._talks if t.want is not None and t.want.until <= now]  # type: ignore[union-attr]
            for talk in late:
                self._resume(talk, is_ready=False)

    def _poll(self, timeout: float | None) -> bool:
        for key, _ in self._selector.select(timeout):
            self._resume(key.data, is_ready=True)
        return bool(self._ready)

    def _resume(self, talk: _Carried, *, is_ready: bool) -> None:
        if talk.want is not None:
            talk.want, talk.answer = None, is_ready
            self._ready.append(talk)

    # Ends.

    def _is_over(self) -> bool:
        """Whether those who are left wait for what is of no use any more; they are closed then."""
        if not all(talk.want is not None and talk.want.is_idle for talk in self._talks):  # type: ignore[union-attr]
            return False
        try:
            over = self._trouble is not None or self._is_done()
        except Exception as error:  # noqa: BLE001 - raised by `run`
            self._stop(error)
            over = True
        if over:
            for talk in list(self._talks):
                self._forget(talk)
        return over

    def _forget(self, talk: _Carried) -> None:
        self._unwatch(talk)
        self._talks.discard(talk)
        talk.conversation.close()

    def _close(self) -> None:
        for talk in list(self._talks):
            self._forget(talk)
        self._selector.close()


class _Carried:
    """One conversation, and what it waits for."""

    __slots__ = ("_has_begun", "answer", "conversation", "events", "want", "watched")

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.want: Wait | Declare | None = None
        self.answer = False
        self.watched: HasFileno | None = None
        self.events = 0
        self._has_begun = False

    def go_on(self) -> Wait | Declare | Receipt:
        if self._has_begun:
            return self.conversation.send(self.answer)
        self._has_begun = True
        return next(self.conversation)


def alone(step: Step[_Answer]) -> _Answer:
    """Carry one step to its end and wait for it."""
    return together([step])[0]


def together(steps: Iterable[Step[_Answer]]) -> list[_Answer]:
    """Carry all of them to their ends at the same time; their answers, as they came."""
    come_to: list[_Answer] = []

    def conversation(step: Step[_Answer]) -> Conversation:
        come_to.append((yield from step))

    some = map(conversation, steps)
    for _ in EventLoop(on_wire=lambda _ids: (), more=lambda: next(some, None)).run():
        pass
    return come_to


def in_thread(call: Callable[[], _Answer], *, discard: Callable[[_Answer], Any]) -> Step[_Answer]:
    """The answer of a call that blocks.  When nobody waits for it any more, it is discarded.

    Raises:
        Exception: what the call raised.
    """
    here, there = socket.socketpair()
    aside = _Aside(call, discard, there)
    thread = threading.Thread(target=aside.run, name="aside", daemon=True)
    try:
        thread.start()
        yield Wait(here, is_idle=True)
        return aside.take()
    finally:
        aside.abandon()
        here.close()


class _Aside(Generic[_Answer]):
    def __init__(
        self, call: Callable[[], _Answer], discard: Callable[[_Answer], Any], signal: socket.socket
    ) -> None:
        self._call = call
        self._discard = discard
        self._signal = signal
        self._lock = threading.Lock()
        self._found: list[_Answer] = []
        self._error: BaseException | None = None
        self._is_abandoned = False

    def run(self) -> None:
        try:
            found = [self._call()]
        except BaseException as error:  # noqa: BLE001 - raised where the answer is taken
            found = []
            self._error = error
        with self._lock:
            if self._is_abandoned:
                self._throw_away(found)
            else:
                self._found = found
        self._signal.close()  # wakes who waits at the other end

    def take(self) -> _Answer:
        with self._lock:
            if self._error is not None:
                raise self._error
            return self._found.pop()

    def abandon(self) -> None:
        with self._lock:
            self._is_abandoned = True
            self._throw_away(self._found)
            self._found = []

    def _throw_away(self, found: list[_Answer]) -> None:
        for each in found:
            self._discard(each)
