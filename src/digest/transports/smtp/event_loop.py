"""Runs several network conversations at once, in one thread.

A conversation is a generator.  It yields a `Wait` when it cannot continue until a
socket is ready, a `Declare` when it is about to send bytes that can cause
delivery, and a `Receipt` when it has one.  Conversations that declare at the same
moment are declared together, so one commit serves many.

There is one thread, not one per connection: threads would pass the interpreter
lock to each other several times per message (measured in docs/decisions/wire.md).
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
    """Waits until the socket is ready, or the monotonic time `until`; the answer says whether it is ready."""

    on: HasFileno
    until: float = float("inf")
    for_writing: bool = False
    is_idle: bool = False  # nothing is lost if it never continues


class Declare(NamedTuple):
    """Asks whether this delivery may be sent; if so, its bytes are sent at once."""

    delivery_id: DeliveryId


Coroutine = Generator[Wait | Declare | Receipt, bool, _Answer]  # a part of a conversation, and its result
Conversation = Coroutine[None]
Step = Generator[Wait, bool, _Answer]  # a part that only waits


class EventLoop:
    """Runs conversations to their end.

    `more` is asked for another conversation whenever all others wait, until it
    returns None.  When only idle ones are left and `is_done` is true, they are
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
        self._ready: deque[_Carried] = deque()  # can continue now
        self._declaring: list[_Carried] = []
        self._trouble: Exception | None = None  # the first error; nothing more is declared after it

    def run(self) -> Iterator[Receipt]:
        """The receipts of all conversations, each as it is known.

        After an error in one of them, or in `on_wire`, nothing more is declared;
        messages on their way still get their receipts, and then it is raised.
        """
        try:
            while True:
                if self._ready:
                    yield from self._continue(self._ready.popleft())
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
        """Start another conversation, or notice that one can continue; True in both cases."""
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

    def _continue(self, talk: _Carried) -> Iterator[Receipt]:
        """Run it until it waits for something, or ends."""
        try:
            want = talk.advance()
            while type(want) is Receipt:
                yield want
                want = talk.advance()
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
        """Declare all that are waiting for it, in one call."""
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
            return  # as before, which is almost always the case
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
            with contextlib.suppress(KeyError, ValueError):  # it may already be closed
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
        """Whether the rest wait only for something that is no longer needed; if so, closes them."""
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
    """One conversation, and what it is waiting for."""

    __slots__ = ("_has_begun", "answer", "conversation", "events", "want", "watched")

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.want: Wait | Declare | None = None
        self.answer = False
        self.watched: HasFileno | None = None
        self.events = 0
        self._has_begun = False

    def advance(self) -> Wait | Declare | Receipt:
        if self._has_begun:
            return self.conversation.send(self.answer)
        self._has_begun = True
        return next(self.conversation)


def alone(step: Step[_Answer]) -> _Answer:
    """Run one step to its end and return its result."""
    return together([step])[0]


def together(steps: Iterable[Step[_Answer]]) -> list[_Answer]:
    """Run all steps at the same time; returns their results in the order of completion."""
    come_to: list[_Answer] = []

    def conversation(step: Step[_Answer]) -> Conversation:
        come_to.append((yield from step))

    some = map(conversation, steps)
    for _ in EventLoop(on_wire=lambda _ids: (), more=lambda: next(some, None)).run():
        pass
    return come_to


def in_thread(call: Callable[[], _Answer], *, discard: Callable[[_Answer], Any]) -> Step[_Answer]:
    """Run a blocking call in a thread.  If its result is no longer needed, it is passed to `discard`.

    Raises:
        Exception: whatever the call raised.
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
        except BaseException as error:  # noqa: BLE001 - raised by `take`
            found = []
            self._error = error
        with self._lock:
            if self._is_abandoned:
                self._throw_away(found)
            else:
                self._found = found
        self._signal.close()  # wakes the waiting end

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
