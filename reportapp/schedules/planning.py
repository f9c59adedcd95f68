"""An owed run becomes an execution, exactly once."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from reportapp.constants import Trigger
from reportapp.extensions import rows_changed
from reportapp.models import ReportSchedule
from reportapp.schedules.ledger import plan_execution
from reportapp.schedules.timing import Timing, timing_of


def plan_owed_run(
    session: Session, schedule: ReportSchedule, now: datetime, *, message_domain: str
) -> int | None:
    """Plan the schedule's run if its time has come, in the caller's transaction: its execution and
    deliveries appear and `next_scheduled` moves on. After a downtime that is the newest run missed;
    the older ones are named in the ledger and not sent.

    The number of deliveries, or None when nothing is owed or another process was quicker.
    """
    found = schedule.next_scheduled
    if found is None or found > now or not schedule.is_active or schedule.deleted_at is not None:
        return None
    timing = timing_of(session, schedule)
    planned, missed = _latest_run(timing, found, now)
    claimed = session.execute(
        update(ReportSchedule)
        .where(ReportSchedule.id == schedule.id, ReportSchedule.next_scheduled == found)
        .values(next_scheduled=timing.after(planned).next_run(now))
        .execution_options(synchronize_session=False)
    )
    if rows_changed(claimed) != 1:
        return None
    session.refresh(schedule, ["next_scheduled"])
    _, deliveries = plan_execution(
        session,
        schedule,
        planned,
        Trigger.SCHEDULE,
        now,
        message_domain=message_domain,
        remark=_missed_sentence(missed),
    )
    return deliveries


def _latest_run(timing: Timing, found: datetime, now: datetime) -> tuple[datetime, int]:
    """After a downtime only the newest missed run is sent; how many older ones there were."""
    missed = 0
    while True:
        # Not the plain next run: after an edit, that could stand for the same day.
        later = timing.after(found).next_run(found)
        if later is None or later > now:
            return found, missed
        found, missed = later, missed + 1


def _missed_sentence(missed: int) -> str | None:
    if not missed:
        return None
    runs = "1 earlier run was" if missed == 1 else f"{missed} earlier runs were"
    return f"{runs} missed while nothing was running and will not be sent."
