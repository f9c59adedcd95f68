"""Turns: several pieces of work in one thread, each of which goes on while the others wait.

Sessions with a mail server do little but wait. In threads of their own they would take Python's
lock from each other at every step, which costs more than the steps do.
"""

from __future__ import annotations

import selectors
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from contextvars import copy_context
from math import inf
from typing import NamedTuple, TypeVar

from greenlet import getcurrent, greenlet

from reportapp.clock import stopwatch

T = TypeVar("T")


def _never() -> bool:
    return False


class _Waiting(NamedTuple):
    """A work that waits, at most `until` then by the stopwatch."""

    turn: greenlet
    until: float
    condition: Callable[[], bool] = _never


class Turns:
    """Gives works their turns. The methods but `run` are for the works: each is a place where the
    others may go on, and there is no other such place.

    `spare` is called when all of them wait: whether it has done something, and may have more to do.
    """

    def __init__(self, spare: Callable[[], bool] = _never) -> None:
        self._spare = spare
        #: Who has not come to its end, whatever it waits for.
        self._alive: list[greenlet] = []
        self._errors: list[BaseException] = []
        #: Who can go on: whether what they waited for has come, or what ends their waiting.
        self._ready: deque[tuple[greenlet, bool | BaseException]] = deque()
        #: By the number of the socket's file.
        self._at_sockets: dict[int, _Waiting] = {}
        self._at_conditions: list[_Waiting] = []
        self._gathered: list[greenlet] = []
        #: How many of these there were when it was last looked who could come.
        self._seen = 0

    def run(self, works: Sequence[Callable[[], object]]) -> None:
        """Do the works to their ends, all of them even if one fails; then the first error is raised
        that was. What interrupts the waiting is raised in each of them."""
        self._hub = getcurrent()
        with self._tools(len(works)):
            for work in works:
                turn = greenlet(lambda _first, work=work: work(), self._hub)
                turn.gr_context = copy_context()  # Flask's application is theirs, too
                self._alive.append(turn)
                self._ready.append((turn, True))
            while self._alive:
                try:
                    self._round()
                except BaseException as error:
                    self._errors.append(error)
                    self._interrupt(error)
        if self._errors:
            raise self._errors[0]

    @contextmanager
    def _tools(self, number: int) -> Iterator[None]:
        with ExitStack() as tools:
            self._selector = tools.enter_context(selectors.DefaultSelector())
            # Other threads ring, and are heard by who waits at sockets.
            self._bell, ringing = (tools.enter_context(end) for end in socket.socketpair())
            self._bell.setblocking(False)
            self._selector.register(ringing, selectors.EVENT_READ, lambda: ringing.recv(4096))
            self._pool = tools.enter_context(
                ThreadPoolExecutor(number, thread_name_prefix="elsewhere")
            )
            yield

    def wait(self, sock: socket.socket, events: int, seconds: float) -> None:
        """Wait for one of the selectors' `events` at a socket. Raises TimeoutError if it takes more
        than so many seconds."""
        number = sock.fileno()
        self._selector.register(number, events)
        self._at_sockets[number] = _Waiting(getcurrent(), stopwatch() + seconds)
        if not self._hub.switch():
            raise TimeoutError("timed out")

    def until(self, condition: Callable[[], bool], seconds: float = inf) -> bool:
        """Wait until the condition is so, and so many seconds at most; whether it is so. What
        another thread does about it is not noticed before something else happens."""
        waiting = _Waiting(getcurrent(), stopwatch() + seconds, condition)
        self._at_conditions.append(waiting)
        return bool(self._hub.switch())

    def done(self, future: Future[T]) -> None:
        """Wait until a future is done, well or not."""
        future.add_done_callback(self._ring)
        self.until(future.done)

    def elsewhere(self, call: Callable[[], T]) -> T:
        """What a call returns or raises that is to wait in another thread."""
        future = self._pool.submit(call)
        self.done(future)
        return future.result()

    def gather(self) -> None:
        """Wait until those who can go on have come here, too, or wait for something else: what
        they are here for, the first who comes back can do for all."""
        if len(self._alive) > 1:  # looking for others takes its time
            self._gathered.append(getcurrent())
            self._hub.switch()

    def _ring(self, _future: object) -> None:
        # A full pipe rings as well, and a closed one is of works that have ended.
        with suppress(OSError):
            self._bell.send(b"\0")

    def _round(self) -> None:
        if self._ready:
            self._go_on(*self._ready.popleft())
        elif self._gathered:
            # As long as more come: who does other things must not hold them up.
            if len(self._gathered) > self._seen:
                self._seen = len(self._gathered)
                self._look(wait=False)
            if not self._ready:
                self._ready.extend((turn, True) for turn in self._gathered)
                self._gathered.clear()
                self._seen = 0
        else:
            self._look(wait=not self._spare())

    def _go_on(self, turn: greenlet, news: bool | BaseException) -> None:
        try:
            turn.throw(news) if isinstance(news, BaseException) else turn.switch(news)
        except BaseException as error:
            self._errors.append(error)
        if turn.dead:
            self._alive = [each for each in self._alive if not each.dead]

    def _look(self, *, wait: bool) -> None:
        """Find out who can go on; `wait` until somebody can."""
        self._look_at_conditions()
        seconds = self._patience() if wait and not self._ready else 0.0
        for key, _events in self._selector.select(seconds):
            if key.data is None:
                self._come(key.fd, True)
            else:
                key.data()
        now = stopwatch()
        # Who has got something is not late, however long the others took for their turns.
        for number in [number for number, each in self._at_sockets.items() if each.until <= now]:
            self._come(number, False)

    def _look_at_conditions(self) -> None:
        now = stopwatch()
        for each in list(self._at_conditions):
            has_come = each.condition()
            if has_come or each.until <= now:
                self._at_conditions.remove(each)
                self._ready.append((each.turn, has_come))

    def _patience(self) -> float | None:
        """Seconds until the first has waited long enough; None: nobody ever has."""
        waiting = (*self._at_sockets.values(), *self._at_conditions)
        first = min((each.until for each in waiting), default=inf)
        return None if first == inf else max(0.0, first - stopwatch())

    def _come(self, number: int, has_come: bool) -> None:
        self._selector.unregister(number)
        self._ready.append((self._at_sockets.pop(number).turn, has_come))

    def _interrupt(self, error: BaseException) -> None:
        """Nobody waits any longer: whoever is alive, since one that was just being looked at when
        it came is on no list."""
        for key in [key for key in self._selector.get_map().values() if key.data is None]:
            self._selector.unregister(key.fd)
        self._at_sockets.clear()
        self._at_conditions.clear()
        self._gathered.clear()
        self._alive = [each for each in self._alive if not each.dead]
        self._ready = deque((turn, error) for turn in self._alive)
