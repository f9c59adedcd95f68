"""The scheduler's threads and jobs."""

from datetime import UTC, timedelta
from threading import Event

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import event, insert

from reportapp import clock
from reportapp.constants import ReportType, Role
from reportapp.extensions import db, transaction
from reportapp.jobs import service, table
from reportapp.models import User
from reportapp.reports import load_scopes
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


def test_once_sqlite_knows_that_there_are_many_pupils_it_does_not_go_through_all_of_them(cast):
    """For the readers of each batch of mails."""
    person = {
        "school_id": cast.school.id,
        "family_name": "Many",
        "is_active": True,
        "created_at": NOW,
        "locale": "en",
        "session_version": 1,
    }
    with transaction() as session:
        pupils = [{**person, "given_name": f"P{n}", "role": Role.STUDENT} for n in range(3_000)]
        session.execute(insert(User), pupils)
    parents, asked = [cast.pia, cast.pol], []

    def plan():
        """The tables in the order in which they are gone through."""
        listener = lambda *args: asked.append(args[2:4])  # noqa: E731
        event.listen(db.engine, "before_cursor_execute", listener)
        load_scopes(
            db.session(), ReportType.STUDENT_REPORT, cast.ada, parents, NOW, class_group_id=None
        )
        event.remove(db.engine, "before_cursor_execute", listener)
        sql, values = next(each for each in asked if "guardian_link.guardian_id IN" in each[0])
        with db.engine.connect() as connection:
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all()
            return [step[3].split()[1] for step in steps]

    assert plan()[0] == "user_1"
    table.JOBS["learn-sizes"].run()
    db.engine.dispose()
    assert plan()[0] != "user_1"


def test_what_is_learned_is_known_to_connections_that_were_there_before(app):
    """They are other processes', too, and keep what they know for as long as they live."""
    query = "SELECT * FROM ways WHERE short = 1 AND long = 1"

    def way(connection, comment):
        """By which index."""
        connection.exec_driver_sql(query).all()  # EXPLAIN alone notices nothing
        steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query} -- {comment}").all()
        connection.rollback()
        return [step[3].split()[-2:] for step in steps]

    def fill(statement):
        with db.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM ways")
            connection.exec_driver_sql(
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000)"
                f" INSERT INTO ways {statement} FROM n"
            )

    with db.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE ways (short, long)")
        connection.exec_driver_sql("CREATE INDEX by_short ON ways (short)")
        connection.exec_driver_sql("CREATE INDEX by_long ON ways (long)")
    fill("SELECT 1, n")
    table.JOBS["learn-sizes"].run()
    with db.engine.connect() as another:
        assert way(another, "before") == [["by_long", "(long=?)"]]
        fill("SELECT n, 1")
        table.JOBS["learn-sizes"].run()
        assert way(another, "after") == [["by_short", "(short=?)"]]
