"""When a schedule runs next: its rule, and what has already been sent."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reportapp.constants import Trigger
from reportapp.documents import Period, period_for, planned_day
from reportapp.models import ReportSchedule, ReportScheduleExecution
from reportapp.recurrence import Rule, next_run_after

#: A schedule runs by itself at most once an hour, whatever is edited.
LEAST_GAP = timedelta(hours=1)


def rule_of(schedule: ReportSchedule) -> Rule:
    """The schedule's rhythm."""
    return Rule(
        schedule.frequency,
        schedule.time,
        ZoneInfo(schedule.time_zone),
        schedule.day_of_week,
        schedule.day_of_month,
    )


def period_of(schedule: ReportSchedule, planned: datetime) -> Period:
    """The days that a run planned for the aware instant `planned` covers."""
    zone = ZoneInfo(schedule.time_zone)
    return period_for(schedule.frequency, planned, zone, schedule.day_of_month, schedule.time)


def first_run_after(rule: Rule, now: datetime, last_planned: datetime | None) -> datetime:
    """The next run after the aware instant `now` that does not repeat the last planned one: never
    on the same local day, nor within an hour of it. So moving the time of a schedule that has run
    today does not send today's report again."""
    run = next_run_after(rule, now)
    if last_planned is None:
        return run
    last_day = planned_day(last_planned, rule.zone, rule.time)
    while planned_day(run, rule.zone, rule.time) <= last_day or run < last_planned + LEAST_GAP:
        run = next_run_after(rule, run)
    return run


def last_planned_run(session: Session, schedule_id: int) -> datetime | None:
    """The newest instant for which the schedule has been run by itself."""
    return session.scalar(
        select(func.max(ReportScheduleExecution.scheduled_for)).where(
            ReportScheduleExecution.schedule_id == schedule_id,
            ReportScheduleExecution.trigger == Trigger.SCHEDULE,
        )
    )
