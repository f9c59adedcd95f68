"""Four scheduler processes on one PostgreSQL: each mail once, also when the one at work is gone."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.process import BaseProcess

import pytest

from tests.chaos.conftest import LONG
from tests.chaos.sender import start_scheduler
from tests.chaos.world import compare, create_large_school, run_all, still_open
from tests.e2e.server import ROOT, environment, wait_for
from tests.e2e.world import select

#: Schedules of so many recipients each.
SCHEDULES, RECIPIENTS = (10, 1000) if LONG else (4, 250)
TAKE_OVER_WITHIN = 60

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("postgresql")]


@contextmanager
def scheduler(school, log):
    """In the long form `flask scheduler run`, in the short one a quicker kind; killed at the end if
    it is still there."""
    if not LONG:
        process = start_scheduler(school.env)
        try:
            yield process
        finally:
            process.kill()
            process.join()
        return
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "flask", "scheduler", "run"],
            cwd=ROOT,
            env=dict(school.env),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def exit_code(process, timeout=0):
    """None while it lives."""
    if isinstance(process, BaseProcess):
        process.join(timeout)
        return process.exitcode
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout)
    return process.returncode


def holder(school, processes):
    """The process that holds the lease; None: a dead one, or none yet."""
    rows = select(school.env, "SELECT holder FROM scheduler_lease")
    pids = [int(row.holder.split(":")[1]) for row in rows]
    found = [process for process in processes if process.pid in pids and exit_code(process) is None]
    return found[0] if found else None


def test_four_schedulers_send_each_mail_once_also_when_the_one_at_work_is_gone(
    tmp_path, postgresql, server, record_property
):
    """In the long form it is killed. In the short one it is asked to end, which takes no time; a
    killed one is in tests/e2e/test_two_processes.py."""
    settings = {
        "DATABASE_URL": postgresql,
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_PORT": server.port,
        "DELIVERY_WORKERS": 2,
    }
    school = create_large_school(environment(tmp_path, settings), RECIPIENTS, SCHEDULES)
    mails = SCHEDULES * RECIPIENTS
    with ExitStack() as stack:
        processes = [
            stack.enter_context(scheduler(school, tmp_path / f"scheduler{number}.log"))
            for number in range(4)
        ]
        first = wait_for(lambda: holder(school, processes), "a lease holder")
        runs = run_all(school)
        wait_for(lambda: len(server.kept) >= mails // 5, "the first mails", pause=0.002)
        begun = time.monotonic()
        os.kill(first.pid, signal.SIGKILL if LONG else signal.SIGTERM)
        assert exit_code(first, 60) is not None
        arrived = len(server.kept)
        wait_for(
            lambda: holder(school, processes) not in (None, first), "another", TAKE_OVER_WITHIN
        )
        taken_over = time.monotonic() - begun
        wait_for(lambda: not still_open(school, runs), "the end", 300)
        others = [process for process in processes if process is not first]
        assert [exit_code(process) for process in others] == [None] * 3
        for process in others:
            os.kill(process.pid, signal.SIGTERM)
        assert [exit_code(process, 60) for process in others] == [0] * 3
    found = compare(school, runs, server)
    unknown = found.statuses["unknown"]
    record_property(
        "figures",
        f"four schedulers, {mails} mails, the one at work {'killed' if LONG else 'ended'} after "
        f"{arrived}: another took over within {taken_over:.1f} s; arrived {found.arrived}, "
        f"repeated {found.repeated}, lost {found.lost}, unknown {unknown}",
    )
    assert arrived < mails
    assert (found.repeated, found.lost, found.forgotten) == (0, 0, 0)
    assert unknown <= (2 if LONG else 0)
    assert found.statuses["sent"] + unknown == mails
