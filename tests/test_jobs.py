"""The scheduler's threads."""

from datetime import UTC, timedelta
from threading import Event

import pytest
from apscheduler.schedulers.background import BackgroundScheduler

from reportapp import clock
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


def test_a_clock_that_is_set_back_makes_the_jobs_begin_anew(app, monkeypatch):
    """APScheduler would wait for the old time of their next turn, be it in 40 days."""
    ran = Event()
    monkeypatch.setattr(
        service, "JOBS", {"peek": table.Job(ran.set, "interval", {"days": 90})}, raising=True
    )
    schedules = service.SchedulerService(app)
    present = clock.now()
    try:
        beats = []
        for hours in (0, 1, 40 * 24, 0, 1):
            monkeypatch.setattr(service, "now", clock.fixed(present + timedelta(hours=hours)))
            schedules._beat()
            beats.append(schedules._scheduler)
        assert beats[0] is beats[1] is beats[2]
        assert beats[3] is not beats[2]
        assert beats[3] is beats[4]
        # What is due is looked for at once, not only at the next full minute.
        assert ran.wait(10)
    finally:
        schedules._halt()
        table.stopping.clear()
