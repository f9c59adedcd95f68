"""An owed run becomes an execution, exactly once."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from reportapp.constants import ExecutionStatus, Trigger
from reportapp.extensions import rows_changed
from reportapp.models import Notice, ReportSchedule, ReportScheduleExecution
from reportapp.schedules.ledger import plan_execution, record_missed
from reportapp.schedules.timing import Timing, period_of, sent_until, timing_of

#: A run that nobody could plan in time is made up for within so long; later it would only surprise.
LATE_RUN = timedelta(hours=24)
#: The due-check comes every hour at the latest, and finds out when the clock was put right.
NOTICED = timedelta(hours=1)

# Made once, since making them costs more than running them, and of the table, which costs less than
# of its class.
_SCHEDULE: Any = ReportSchedule.__table__
#: Locked before anything else is read, so that what is planned follows the schedule, its calendar
#: and its recipients as they are. No more is locked than changing it would.
_ORDER = (
    select(_SCHEDULE).where(_SCHEDULE.c.id == bindparam("schedule")).with_for_update(key_share=True)
)
#: The compare-and-set that makes one execution of a run, whoever plans it.
_MOVE_ON = (
    update(_SCHEDULE)
    .where(
        _SCHEDULE.c.id == bindparam("schedule"),
        _SCHEDULE.c.next_scheduled == bindparam("found"),
    )
    .values(next_scheduled=bindparam("coming"))
)


def plan_owed_run(
    session: Session, schedule_id: int, now: datetime, *, message_domain: str
) -> int | None:
    """Plan the schedule's run if its time has come, in the caller's transaction: its execution and
    deliveries appear and `next_scheduled` moves on. After a downtime that is the newest run missed;
    the older ones are named in the ledger and not sent. If even that one is more than a day late,
    it is written down as missed. Objects in the session do not learn of it by themselves.

    The number of deliveries, or None when nothing is owed or another process was quicker.
    """
    schedule = session.execute(_ORDER, {"schedule": schedule_id}).one()
    found = schedule.next_scheduled
    if found is None or found > now or not schedule.is_active or schedule.deleted_at is not None:
        return None
    timing = timing_of(session, schedule, now)
    planned, earlier, coming = _latest_run(timing, found, now)
    is_late = planned is not None and now - planned > LATE_RUN
    if planned is not None and not is_late and timing.after(planned).has_ended:
        coming = None
    claimed = session.execute(_MOVE_ON, {"schedule": schedule.id, "found": found, "coming": coming})
    if rows_changed(claimed) != 1:
        return None
    if planned is None:
        return None
    if is_late:
        record_missed(session, schedule, planned, now, remark=_too_late_sentence(earlier))
        return 0
    _, deliveries = plan_execution(
        session,
        schedule,
        planned,
        Trigger.SCHEDULE,
        now,
        message_domain=message_domain,
        remark=_missed_sentence(earlier),
        period=period_of(schedule.period, timing, planned, sent_until(session, schedule, planned)),
    )
    return deliveries


def plan_again(session: Session, schedule: ReportSchedule, now: datetime) -> bool:
    """After the clock was ahead and has been put right, in the caller's transaction: the schedule's
    next run is the next one that it has not made yet, and what was called missed before its time
    was not. Whether that changes anything."""
    run = ReportScheduleExecution
    untrue = (
        run.schedule_id == schedule.id,
        run.status == ExecutionStatus.MISSED,
        run.scheduled_for > now,
    )
    their = Notice.execution_id.in_(select(run.id).where(*untrue))
    for statement in (delete(Notice).where(their), delete(run).where(*untrue)):
        session.execute(statement.execution_options(synchronize_session=False))
    # What became due after the clock was put right and before somebody noticed, is owed.
    since = max(now - NOTICED, min(schedule.updated_at, now))
    found, coming = schedule.next_scheduled, timing_of(session, schedule, now).next_run(since)
    if coming is None or (found is not None and found <= coming):
        return False
    schedule.next_scheduled = coming
    return True


def _latest_run(
    timing: Timing, found: datetime, now: datetime
) -> tuple[datetime | None, int, datetime | None]:
    """After a downtime only the newest missed run is sent; how many older ones there were; and the
    next one to come. No run: a later one has been made already, by a clock that was wrong then or
    is now."""
    run: datetime | None = found
    if timing.last is not None and found <= timing.last.instant:
        run = timing.next_run(timing.last.instant)
        if run is None or run > now:
            return None, 0, timing.next_run(now)
    assert run is not None
    missed = 0
    while True:
        # Not the plain next run: after an edit, that could stand for the same day.
        later = timing.without(run).next_run(run)
        if later is None or later > now:
            return run, missed, later
        run, missed = later, missed + 1


def _missed_sentence(missed: int) -> str | None:
    if not missed:
        return None
    runs = "1 earlier run was" if missed == 1 else f"{missed} earlier runs were"
    return f"{runs} missed while nothing was running and will not be sent."


def _too_late_sentence(earlier: int) -> str:
    own = "Nothing was running at its time nor in the day after, so it was not sent."
    return " ".join(filter(None, (own, _missed_sentence(earlier))))
