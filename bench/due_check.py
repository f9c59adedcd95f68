"""The due-check: finding 1,000 due schedules among many, and planning their runs.

Finding is measured at several numbers of schedules that are not due. Planning writes an execution
with 10 deliveries for each of the 1,000, as a ratio to a bare-SQL script that writes the same rows
in the same transactions, one for each schedule.
"""

import argparse
import os
import sqlite3
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

sys.path.pop(0)  # this folder's http.py would hide the standard library's
sys.path.insert(0, str(Path(__file__).parent.parent))

import psycopg
from sqlalchemy import delete, event, func, insert, literal, select, update
from sqlalchemy.engine import make_url

from bench.parts.databases import NAMES, bench_app, database, learn_sizes
from bench.parts.school import DUE, colleagues, recipients
from reportapp.delivery import plan_due
from reportapp.delivery.due import due_schedules
from reportapp.extensions import db, transaction
from reportapp.models import (
    ReportDelivery,
    ReportSchedule,
    ReportScheduleExecution,
    ReportScheduleRecipient,
)

DUE_SCHEDULES, DELIVERIES = 1_000, 10
SIZES = (1_000, 100_000, 1_000_000)
#: The bare script stands for the same columns that the engine fills.
_MOVE = "UPDATE report_schedule SET next_scheduled = {0} WHERE id = {0} AND next_scheduled = {0}"
_RUN = (
    "INSERT INTO report_schedule_execution (schedule_id, scheduled_for, period_start, period_end,"
    ' planned_day, "trigger", status, total_recipients, successful_sends, failed_sends, skipped,'
    " unknown_sends, started_at)"
    " VALUES ({0}, {0}, {0}, {0}, {0}, 'schedule', 'started', {0}, 0, 0, 0, 0, {0}) RETURNING id"
)
_MAIL = (
    "INSERT INTO report_delivery"
    " (execution_id, recipient_id, status, attempts, next_attempt_at, message_id, as_link)"
    " VALUES ({0}, {0}, 'pending', 0, {0}, {0}, {0})"
)


def add_schedules(pattern: int, number: int, due: bool) -> None:
    """So many schedules like the `pattern`; due, or later, every tenth of these switched off."""
    series = select(literal(0).label("n")).cte("series", recursive=True)
    series = series.union_all(select(series.c.n + 1).where(series.c.n < number - 1))
    names = [column.name for column in ReportSchedule.__table__.columns if column.name != "id"]
    table = ReportSchedule.__table__
    changed = {}
    if not due:
        changed["next_scheduled"] = literal(DUE + timedelta(days=7), table.c.next_scheduled.type)
        changed["is_active"] = series.c.n % 10 != 0
    rows = (
        select(*(changed.get(name, table.c[name]).label(name) for name in names))
        .select_from(table.join(series, literal(True)))
        .where(table.c.id == pattern)
    )
    with transaction() as session:
        session.execute(insert(table).from_select(names, rows, include_defaults=False))


def best(work, times: int) -> float:
    """Seconds of the quickest time."""
    found = 9e9
    for _ in range(times):
        begin = time.perf_counter()
        work()
        found = min(found, time.perf_counter() - begin)
    return found


def finding() -> float:
    """Seconds; the session's own work is part of it."""

    def find() -> None:
        assert len(due_schedules(DUE)) == DUE_SCHEDULES
        db.session.rollback()

    return best(find, 30)


def planning(people: list[int]) -> tuple[float, int]:
    """Seconds of planning all that is due, and the statements that took."""
    ids = due_schedules(DUE)
    with transaction() as session:
        for start in range(0, len(ids), 100):
            session.execute(
                insert(ReportScheduleRecipient),
                [row for id_ in ids[start : start + 100] for row in recipients(id_, people)],
            )
    learn_sizes()
    count = [0]

    def counting(*_args) -> None:
        count[0] += 1

    event.listen(db.engine, "before_cursor_execute", counting)
    begin = time.perf_counter()
    planned = plan_due(DUE)
    seconds = time.perf_counter() - begin
    event.remove(db.engine, "before_cursor_execute", counting)
    assert planned.executions == DUE_SCHEDULES
    assert planned.deliveries == DUE_SCHEDULES * DELIVERIES
    return seconds, count[0]


def bare(url: str) -> float:
    """Seconds of the same rows by a script that knows them already."""
    rows = [
        (run.schedule_id, run.scheduled_for, run.period_start, run.period_end, run.planned_day)
        for run in db.session.scalars(select(ReportScheduleExecution))
    ]
    moved = dict(db.session.execute(select(ReportSchedule.id, ReportSchedule.next_scheduled)).all())
    people: dict[int, list] = {}
    for schedule_id, person, message_id in db.session.execute(
        select(
            ReportScheduleExecution.schedule_id,
            ReportDelivery.recipient_id,
            ReportDelivery.message_id,
        ).join(ReportDelivery)
    ):
        people.setdefault(schedule_id, []).append((person, message_id))
    with transaction() as session:
        session.execute(delete(ReportDelivery))
        session.execute(delete(ReportScheduleExecution))
        # Due once more: an UPDATE that leaves an indexed column as it is costs less than moving it.
        session.execute(
            update(ReportSchedule).where(ReportSchedule.id.in_(people)).values(next_scheduled=DUE)
        )
    learn_sizes()
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        connection = sqlite3.connect(parsed.database, isolation_level=None)
        for pragma in ("foreign_keys = ON", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")
        mark, begin, instant = "?", "BEGIN IMMEDIATE", lambda value: f"{value:%F %T.%f}"
    else:
        connection = psycopg.connect(
            parsed.set(drivername="postgresql").render_as_string(False), autocommit=True
        )
        mark, begin, instant = "%s", "BEGIN", lambda value: value
    move, add_run, add_mail = (text.format(mark) for text in (_MOVE, _RUN, _MAIL))
    now, cursor, no = instant(DUE), connection.cursor(), mark == "%s" and False
    begun = time.perf_counter()
    for schedule_id, planned, *days in rows:
        cursor.execute(begin)
        cursor.execute(move, (instant(moved[schedule_id]), schedule_id, now))
        assert cursor.rowcount == 1
        values = (schedule_id, instant(planned), *map(str, days), DELIVERIES, now)
        (run_id,) = cursor.execute(add_run, values).fetchone()
        cursor.executemany(
            add_mail,
            [(run_id, person, now, f"x{key}", no) for person, key in people[schedule_id]],
        )
        cursor.execute("COMMIT")
    seconds = time.perf_counter() - begun
    connection.close()
    assert db.session.scalar(select(func.count(ReportDelivery.id))) == DUE_SCHEDULES * DELIVERIES
    return seconds


def measure(name: str, url: str, sizes: list[int]) -> None:
    db.create_all()
    pattern = colleagues(DELIVERIES, 1)
    assert db.session.get_one(ReportSchedule, pattern).next_scheduled == DUE
    people = list(db.session.scalars(select(ReportScheduleRecipient.recipient_id)))
    with transaction() as session:
        session.execute(delete(ReportScheduleRecipient))
    add_schedules(pattern, DUE_SCHEDULES - 1, due=True)
    there, found = DUE_SCHEDULES, {}
    print(f"due_check: {DUE_SCHEDULES:,} schedules due, {name}, load {os.getloadavg()[0]:.1f}")
    for size in sizes:
        if size > there:
            add_schedules(pattern, size - there, due=False)
            there = size
        learn_sizes()
        found[size] = finding()
        print(f"   found among {size:>9,}   {found[size] * 1000:8.2f} ms")
    ratio, worst = found[sizes[-1]] / found[sizes[0]], max(found.values()) * 1000
    show("largest to smallest", ratio, 1.5)
    show("ms", worst, 3)
    seconds, statements = planning(people)
    limit = bare(url)
    for words, taken in ((f"planned, {DELIVERIES} deliveries each", seconds), ("bare SQL", limit)):
        print(f"   {words:29} {taken:6.2f} s  {taken * 1000 / DUE_SCHEDULES:6.2f} ms each")
    print(f"   {statements / DUE_SCHEDULES:.1f} statements for each run")
    show("engine to bare SQL", seconds / limit, 3)


def show(words: str, figure: float, goal: float) -> None:
    verdict = "met" if figure <= goal else "NOT met"
    print(f"     {words:20} {figure:6.2f}  (goal at most {goal:g}: {verdict})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="*", type=int, default=SIZES)
    parser.add_argument("--databases", nargs="*", choices=NAMES, default=NAMES)
    arguments = parser.parse_args()
    for name in arguments.databases:
        with tempfile.TemporaryDirectory() as folder, database(name, Path(folder)) as url:
            if url is None:
                continue
            with bench_app(Path(folder), url).app_context():
                measure(name, url, arguments.sizes)
                db.session.remove()
                db.engine.dispose()


if __name__ == "__main__":
    main()
