"""The scheduler of one process: holds the lease, and while it does, lets APScheduler fire the jobs
of the table."""

import logging
import os
import socket
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from uuid import uuid4

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask

from reportapp.clock import now
from reportapp.delivery import came_back
from reportapp.extensions import db
from reportapp.jobs.lease import hold_lease, let_go
from reportapp.jobs.table import JOBS, stopping

log = logging.getLogger(__name__)

#: A dead holder's lease runs out after this long; a living one renews it every HEARTBEAT.
LEASE = timedelta(seconds=30)
HEARTBEAT = timedelta(seconds=5)
#: APScheduler keeps the time of each job's next turn; by so much must the clock be set back for
#: them to be planned anew.
SET_BACK = timedelta(minutes=2)

#: The application in which stored jobs run: the job store keeps names, not objects.
_app: Flask | None = None


def run_job(name: str) -> None:
    """What APScheduler calls: one job of the table, inside the application."""
    assert _app is not None, "jobs run in a process that started SchedulerService"
    if stopping.is_set():
        return
    with _app.app_context():
        try:
            JOBS[name].run()
        except Exception:
            log.exception("job %s", name)


class _Pool(ThreadPoolExecutor):
    """Threads for jobs. While the scheduler waits for the mail in hand to end, its clock goes on
    and brings jobs to threads that take none any more: those are left to the next start."""

    def submit_job(self, job: Job, run_times: list[datetime]) -> None:
        if not stopping.is_set():
            super().submit_job(job, run_times)


class SchedulerService:
    """Start it once per process; `stop` ends it cleanly."""

    def __init__(self, app: Flask) -> None:
        global _app
        _app = app
        self.app = app
        self.holder = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid4().hex[:8]}"
        self._ended = Event()
        self._scheduler: BackgroundScheduler | None = None
        self._last_beat = now()
        self._thread = Thread(target=self._run, name="scheduler-lease", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the mail in hand, give back claims and the lease. Takes as long as the mail server
        takes for one mail."""
        stopping.set()
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                self._beat()
            except Exception:
                # The database is away: whether we still hold the lease is unknown, so we do not.
                log.exception("heartbeat")
                self._halt()
            if self._ended.wait(HEARTBEAT.total_seconds()):
                break
        self._halt()
        with self.app.app_context():
            try:
                let_go(self.holder)
            except Exception:
                log.exception("the lease could not be given back; it will run out")

    def _beat(self) -> None:
        moment, before = now(), self._last_beat
        self._last_beat = moment
        if moment < before - SET_BACK:
            log.warning("the clock was set back by %s: the jobs begin anew", before - moment)
            self._halt()
        with self.app.app_context():
            came_back(moment)
            holds = hold_lease(self.holder, moment, LEASE)
            if holds and self._scheduler is None:
                self._scheduler = self._started()
                log.info("%s runs the schedules", self.holder)
        if not holds and self._scheduler is not None:
            log.warning("%s lost the lease", self.holder)
            self._halt()

    def _started(self) -> BackgroundScheduler:
        if not self._ended.is_set():
            stopping.clear()
        scheduler = BackgroundScheduler(
            timezone=UTC,
            jobstores={"default": SQLAlchemyJobStore(engine=db.engine)},
            executors={"default": _Pool(len(JOBS))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 3600},
        )
        for name, job in JOBS.items():
            scheduler.add_job(
                run_job, job.trigger, args=[name], id=name, replace_existing=True, **job.when
            )
        # What became due while nobody was there, at once.
        scheduler.modify_job("peek", next_run_time=now())
        scheduler.start()
        for stored in scheduler.get_jobs():
            if stored.id not in JOBS:  # left by another version of the app
                scheduler.remove_job(stored.id)
        return scheduler

    def _halt(self) -> None:
        if self._scheduler is not None:
            stopping.set()
            self._scheduler.shutdown(wait=True)
            self._scheduler = None
