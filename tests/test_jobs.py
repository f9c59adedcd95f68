"""The scheduler's threads."""

from datetime import UTC
from threading import Event

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from reportapp.jobs import service, table
from tests.cast import NOW


@pytest.fixture
def pool():
    scheduler = BackgroundScheduler(timezone=UTC)
    pool = service._Pool(1)
    scheduler.add_executor(pool)
    scheduler.start(paused=True)
    yield pool
    table.stopping.clear()
    scheduler.shutdown()


@pytest.fixture
def job(pool):
    return pool._scheduler.add_job(int, "interval", hours=1, next_run_time=NOW)


def test_a_job_that_comes_while_the_scheduler_stops_is_left_to_the_next_start(pool, job):
    table.stopping.set()
    pool.shutdown()
    pool.submit_job(job, [NOW])
    table.stopping.clear()
    with pytest.raises(RuntimeError):
        pool.submit_job(job, [NOW])


def test_a_job_that_comes_in_time_runs(pool):
    ran = Event()
    job = pool._scheduler.add_job(
        ran.set, "interval", hours=1, next_run_time=NOW, misfire_grace_time=None
    )
    pool.submit_job(job, [NOW])
    assert ran.wait(10)
