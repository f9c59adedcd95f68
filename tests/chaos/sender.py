"""A process that sends what is due, as `flask reports deliver` does, and dies on its way; and one
that runs the schedules."""

import os
import random
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from types import SimpleNamespace
from typing import Any

from reportapp import clock
from reportapp.cli.stopping import asked_to_end
from reportapp.delivery import claims, deliver, record, recover, send, work
from reportapp.delivery.record import Recorder
from reportapp.delivery.statements import Writer
from reportapp.jobs import JOBS, SchedulerService, service
from reportapp.mail import MailSession, Stage
from tests.e2e.world import inside

#: The interpreter with the application's modules already in it: a start takes no second.
_processes = get_context("forkserver")
_processes.set_forkserver_preload(["tests.chaos.sender", "tests.chaos.warm"])

_Tick = Callable[[], None]


def start_sender(
    env: Mapping[str, str], point: str | None = None, number: int = 1, *, alone: bool = True
) -> BaseProcess:
    """A new process that sends with the application's environment `env`, and is killed when it
    comes to a point of POINTS for the `number`-th time. `alone`: every sender before it is dead, so
    that their claims have not to be waited for."""
    process = _processes.Process(target=_send, args=(dict(env), point, number, alone))
    process.start()
    return process


def _send(env: dict[str, str], point: str | None, number: int, alone: bool) -> None:
    with inside(env):
        random.seed()
        if point is not None:
            POINTS[point](_nth(number))
        present = clock.now()
        recover(present, clock.fixed(present + timedelta(hours=1)) if alone else clock.now)
        deliver(clock.now)


def start_scheduler(env: Mapping[str, str]) -> BaseProcess:
    """A new process that does what `flask scheduler run` does, only that it looks around ten times
    a second instead of every five."""
    process = _processes.Process(target=_run_schedules, args=(dict(env),))
    process.start()
    return process


def _run_schedules(env: dict[str, str]) -> None:
    service.HEARTBEAT = timedelta(seconds=0.1)
    JOBS["send"] = replace(JOBS["send"], when={"seconds": 0.1})
    with inside(env) as app:
        end = asked_to_end()
        running = SchedulerService(app)
        running.start()
        end.wait()
        running.stop()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _nth(number: int) -> _Tick:
    calls = count(1)
    return lambda: _die() if next(calls) == number else None


def _before(owner: Any, name: str) -> Callable[[_Tick], None]:
    def arm(tick: _Tick) -> None:
        plainly = getattr(owner, name)

        def interrupted(*args: Any, **named: Any) -> Any:
            tick()
            return plainly(*args, **named)

        setattr(owner, name, interrupted)

    return arm


def _after(owner: Any, name: str) -> Callable[[_Tick], None]:
    def arm(tick: _Tick) -> None:
        plainly = getattr(owner, name)

        def interrupted(*args: Any, **named: Any) -> Any:
            answer = plainly(*args, **named)
            tick()
            return answer

        setattr(owner, name, interrupted)

    return arm


def _before_commit(owner: Any, name: str) -> Callable[[_Tick], None]:
    """All is written, nothing committed: `name` is a context manager that commits at its end."""

    def arm(tick: _Tick) -> None:
        plainly = getattr(owner, name)

        @contextmanager
        def interrupted(*args: Any) -> Iterator[Any]:
            with plainly(*args) as given:
                yield given
                tick()

        setattr(owner, name, interrupted)

    return arm


def _in_content(part: float) -> Callable[[_Tick], None]:
    """So much of the content has been sent."""

    def arm(tick: _Tick) -> None:
        plainly = MailSession._content

        def interrupted(self: MailSession, mail: Any, *others: Any) -> str:
            # The rest follows if it was not this one's turn.
            cut = int(len(mail.wire) * part)
            self.host.send(mail.wire[:cut])
            tick()
            rest: Any = SimpleNamespace(wire=mail.wire[cut:])
            return plainly(self, rest, *others)

        MailSession._content = interrupted  # type: ignore[method-assign]

    return arm


def _after_reply(stage: Stage) -> Callable[[_Tick], None]:
    """The server has taken what was said at a stage."""

    def arm(tick: _Tick) -> None:
        plainly = MailSession._expect

        def interrupted(self: MailSession, at: Stage, *args: Any, **named: Any) -> None:
            plainly(self, at, *args, **named)
            if at is stage:
                tick()

        MailSession._expect = interrupted  # type: ignore[method-assign]

    return arm


#: Where a sender may be killed. Those "per mail" come up for every mail, the others per batch or
#: once at the end.
PER_MAIL: dict[str, Callable[[_Tick], None]] = {
    "before MAIL": _before(MailSession, "_envelope"),
    "addresses said": _after(MailSession, "_say"),
    "MAIL": _after_reply(Stage.MAIL),
    "RCPT": _after_reply(Stage.RCPT),
    "DATA": _after_reply(Stage.DATA),
    "phase, before its commit": _after(Writer, "_told"),
    "phase, after its commit": _after(Recorder, "_written"),
    "half of the content": _in_content(0.5),
    "all of the content": _in_content(1.0),
    "after 250": _after(MailSession, "_content"),
    "record": _after(Recorder, "note"),
}
PER_BATCH = {
    "claim, before its commit": _before_commit(claims, "transaction"),
    "claim, after its commit": _after(work, "claim"),
    "record of a batch": _after(Recorder, "write"),
}
AT_THE_END = {
    "before finish": _before(Recorder, "finish"),
    "finish, before its commit": _before_commit(record, "transaction"),
    "after finish": _after(send._Delivering, "_finish"),
}
POINTS = {**PER_MAIL, **PER_BATCH, **AT_THE_END}
