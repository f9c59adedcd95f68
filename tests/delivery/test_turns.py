"""Several works in one thread take turns: each goes on while the others wait, and none is lost."""

import selectors
import socket
import threading
import time
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest
from flask import current_app, request
from hypothesis import given
from hypothesis import strategies as st

from reportapp.delivery.turns import Turns

STEPS = st.sampled_from(["gather", "socket", "condition", "time"])
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


@pytest.fixture
def pair():
    """Two ends of a connection."""
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def test_while_one_waits_for_a_socket_the_others_go_on(pair):
    here, there = pair
    turns, done = Turns(), []

    def reads():
        turns.wait(here, READ, 10)
        done.append(here.recv(10))

    def writes():
        done.append("writes")
        there.send(b"hello")

    turns.run([reads, writes])
    assert done == ["writes", b"hello"]


def test_room_to_write_is_waited_for_as_well(pair):
    here, there = pair
    here.setblocking(False)
    turns, sent, read = Turns(), [], []

    def writes():
        while sum(sent) < 5_000_000:
            try:
                sent.append(here.send(bytes(100_000)))
            except BlockingIOError:
                turns.wait(here, WRITE, 10)

    def reads():
        while sum(read) < 5_000_000:
            turns.wait(there, READ, 10)
            read.append(len(there.recv(50_000)))

    turns.run([writes, reads])
    assert sum(sent) == sum(read)


def test_who_has_waited_long_enough_is_told_so(pair):
    here, _there = pair
    turns, late = Turns(), []

    def waits(seconds):
        try:
            turns.wait(here, READ, seconds)
        except TimeoutError as error:
            late.append(str(error))
        # The socket can be waited for again.
        turns.wait(here, WRITE, 10)

    turns.run([partial(waits, 0.01)])
    assert late == ["timed out"]


def test_what_came_in_time_is_not_late_however_long_others_took_for_their_turns(pair):
    here, there = pair
    turns, got = Turns(), []

    def waits():
        turns.wait(here, READ, 0.01)
        got.append(here.recv(10))

    def takes_its_time():
        there.send(b"in time")
        time.sleep(0.05)

    turns.run([waits, takes_its_time])
    assert got == [b"in time"]


def test_a_condition_is_waited_for_until_another_work_makes_it_so():
    turns, done = Turns(), []

    def waits():
        done.append(turns.until(lambda: "other" in done, 10))

    turns.run([waits, lambda: done.append("other")])
    assert done == ["other", True]


def test_a_condition_is_not_waited_for_longer_than_allowed():
    turns, answers = Turns(), []
    begun = time.monotonic()
    turns.run([lambda: answers.append(turns.until(lambda: False, 0.05))] * 3)
    assert answers == [False] * 3
    assert 0.05 <= time.monotonic() - begun < 2


def test_what_another_thread_has_done_is_noticed_at_once():
    turns, future, done = Turns(), Future(), []

    def waits():
        turns.done(future)
        done.append(future.result())

    timer = threading.Timer(0.05, lambda: future.set_result("done"))
    timer.start()
    turns.run([waits])  # waits for nothing else, and for as long as it takes
    assert done == ["done"]


def test_however_many_wait_for_another_thread_it_is_not_held_up():
    """It rings for each of them, and nobody listens before it has done so."""
    turns, future = Turns(), Future()
    turns.run([*[partial(turns.done, future)] * 1000, partial(future.set_result, "done")])


def test_who_is_done_when_all_is_over_rings_without_harm(caplog):
    def interrupt():
        raise KeyboardInterrupt

    turns, future = Turns(interrupt), Future()
    with pytest.raises(KeyboardInterrupt):
        turns.run([partial(turns.done, future)])
    future.set_result("done")
    assert caplog.records == []


def test_as_long_as_nothing_happens_nothing_is_done():
    asked = []
    turns = Turns(lambda: asked.append("for what is spared"))

    def waits():
        turns.elsewhere(lambda: None)
        turns.until(lambda: False, 0.1)

    turns.run([waits])
    assert len(asked) < 10


def test_what_waits_by_itself_does_so_elsewhere_while_the_others_go_on():
    turns, called, done = Turns(), threading.Event(), []

    def waits():
        assert called.wait(10)
        return threading.current_thread()

    def asks():
        done.append(turns.elsewhere(waits) is not threading.main_thread())

    turns.run([asks, asks, called.set])
    assert done == [True, True]


def test_all_may_be_elsewhere_at_once():
    """However few processors there are: one server's patience is not another's."""
    turns, barrier = Turns(), threading.Barrier(40)
    turns.run([lambda: turns.elsewhere(lambda: barrier.wait(10))] * 40)


def test_an_error_elsewhere_is_raised_where_it_was_asked_for():
    turns, caught = Turns(), []

    def asks():
        try:
            turns.elsewhere(lambda: 1 / 0)
        except ZeroDivisionError as error:
            caught.append(error)

    turns.run([asks])
    assert len(caught) == 1


def test_who_gather_go_on_when_all_have_come():
    turns, done = Turns(), []

    def work(number):
        done.append(f"{number} comes")
        turns.gather()
        done.append(f"{number} goes on")

    turns.run([partial(work, number) for number in range(3)])
    assert [each[2:] for each in done] == ["comes"] * 3 + ["goes on"] * 3


def test_who_could_come_is_waited_for_by_who_gather_each_time(pair):
    here, there = pair
    there.send(b"x")
    turns, done = Turns(), []

    def gathers():
        for _ in range(2):
            turns.gather()
            done.append("goes on")

    def comes(end):
        for _ in range(2):
            turns.wait(end, READ, 10)
            done.append("comes")
            end.send(end.recv(1))  # the other one can come, too
            turns.gather()

    turns.run([gathers, partial(comes, here), partial(comes, there)])
    assert done == ["comes", "comes", "goes on"] * 2


def test_who_waits_for_something_else_holds_up_nobody_who_gathers(pair):
    here, there = pair
    turns = Turns()

    def waits():
        turns.wait(here, READ, 10)

    def gathers():
        turns.gather()
        there.send(b"go on")

    turns.run([waits, gathers])


def test_who_never_comes_holds_up_nobody_who_gathers(pair):
    """Although it can always go on."""
    here, _there = pair
    turns, done = Turns(), []

    def goes_on_and_on():
        for _ in range(1000):
            turns.wait(here, WRITE, 10)
            if done:
                return
        pytest.fail("the other one never went on")

    def gathers():
        turns.gather()
        done.append(True)

    turns.run([goes_on_and_on, gathers])


@given(st.lists(st.lists(STEPS), min_size=1, max_size=6))
def test_every_work_comes_to_its_end_whatever_it_waits_for(plans):
    turns, ended, together = Turns(), [], []

    def work(number, plan):
        here, there = socket.socketpair()
        with here, there:
            there.send(b"x")
            for step in plan:
                if step == "gather":
                    turns.gather()
                    together.append(number)
                elif step == "socket":
                    turns.wait(here, READ, 10)
                elif step == "condition":
                    known = len(ended)
                    turns.until(lambda known=known: len(ended) > known, 0.001)
                else:
                    turns.until(lambda: False, 0)
        ended.append(number)

    turns.run([partial(work, *each) for each in enumerate(plans)])
    assert sorted(ended) == list(range(len(plans)))
    assert len(together) == sum(plan.count("gather") for plan in plans)


def test_the_first_error_is_raised_when_all_have_come_to_their_ends(pair):
    here, there = pair
    turns, done = Turns(), []

    def fails():
        raise ZeroDivisionError

    def goes_on():
        turns.wait(here, READ, 10)
        done.append(True)
        raise KeyError

    with pytest.raises(ZeroDivisionError):
        turns.run([fails, goes_on, lambda: there.send(b"x")])
    assert done == [True]


def test_what_interrupts_the_waiting_is_raised_in_each_and_each_may_tidy_up(pair):
    here, there = pair

    once = iter([KeyboardInterrupt])

    def interrupt():
        for error in once:
            raise error
        return False

    turns, done = Turns(interrupt), []

    def waits(wait):
        try:
            wait()
        except KeyboardInterrupt:
            there.send(b"bye")
            turns.wait(here, READ, 10)
            done.append(True)
            raise

    with pytest.raises(KeyboardInterrupt):
        turns.run(
            [
                partial(waits, lambda: turns.wait(here, READ, 10)),
                partial(waits, lambda: turns.until(lambda: False)),
            ]
        )
    assert done


def test_an_interrupt_between_two_turns_makes_nobody_wait_for_ever(monkeypatch):
    """As a signal's may come anywhere, also when the one whose turn it is is on no list."""
    plainly, turns, rounds = Turns._go_on, Turns(), iter([KeyboardInterrupt])

    def interrupted(*args):
        for error in rounds:
            raise error
        plainly(*args)

    monkeypatch.setattr(Turns, "_go_on", interrupted)
    with pytest.raises(KeyboardInterrupt):
        turns.run([lambda: turns.until(lambda: False)] * 2)


def test_a_condition_that_cannot_be_told_ends_the_waiting_of_all():
    turns, ended = Turns(), []

    def waits(condition):
        try:
            turns.until(condition)
        finally:
            ended.append(True)

    with pytest.raises(ZeroDivisionError):
        turns.run([partial(waits, lambda: False), partial(waits, lambda: 1 / 0)])
    assert ended == [True, True]


def test_what_interrupts_is_raised_in_who_can_go_on_is_late_or_gathers_as_well(pair):
    """It comes while somebody's condition is looked at."""
    here, _there = pair
    turns, interrupted, tidied_up = Turns(), [], []

    def interrupt():
        raise KeyboardInterrupt

    def waits(wait):
        try:
            wait()
        except KeyboardInterrupt:
            interrupted.append(wait)
            tidied_up.append(turns.until(lambda: False, 0.01))

    conditions = [lambda: True, interrupt, lambda: False]
    places = [partial(turns.wait, here, READ, 0), turns.gather]
    places += (partial(turns.until, each) for each in conditions)
    with pytest.raises(KeyboardInterrupt):
        turns.run([partial(waits, place) for place in places])
    assert interrupted == places
    assert tidied_up == [False] * 5


def test_what_is_spared_is_used_when_all_wait(pair):
    here, there = pair
    asked = []

    def spare():
        asked.append(len(asked))
        if len(asked) == 3:
            there.send(b"x")
        return len(asked) < 5

    turns = Turns(spare)
    turns.run([lambda: turns.wait(here, READ, 10)])
    assert 3 <= len(asked) <= 5


def test_works_are_in_the_application_of_who_runs_them(app):
    turns, names = Turns(), []
    turns.run([lambda: names.append(current_app.import_name)] * 2)
    assert names == [app.import_name] * 2


def test_what_a_work_sets_in_its_context_is_its_own(app):
    turns, paths = Turns(), []

    def work(path):
        with app.test_request_context(path):
            turns.gather()
            paths.append(request.path)

    turns.run([partial(work, path) for path in ("/a", "/b")])
    assert paths == ["/a", "/b"]


def test_nothing_stays_open(pair):
    here, there = pair
    there.send(b"x")

    def files():
        return len(list(Path("/proc/self/fd").iterdir()))

    if not Path("/proc/self/fd").exists():
        pytest.skip("no list of what is open")
    before, threads = files(), threading.active_count()
    for turns in (Turns(), Turns()):
        turns.run([partial(turns.elsewhere, lambda: 1), partial(turns.wait, here, READ, 10)])
    assert (files(), threading.active_count()) == (before, threads)
