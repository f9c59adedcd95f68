"""When a schedule runs next: its rule, and what has already been sent."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
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


@dataclass(frozen=True)
class LastRun:
    """A run that a schedule has made by itself: its aware instant and the local day it stood for
    in the zone of that time, which may have been another one."""

    instant: datetime
    day: date


def first_run_after(rule: Rule, now: datetime, last: LastRun | None) -> datetime:
    """The next run after the aware instant `now` that does not repeat the last one: it stands for
    a later local day and comes at least an hour later. So moving the time or the zone of a schedule
    that has run today does not send today's report again."""
    run = next_run_after(rule, now)
    if last is None:
        return run
    while planned_day(run, rule.zone, rule.time) <= last.day or run < last.instant + LEAST_GAP:
        run = next_run_after(rule, run)
    return run


def last_run(session: Session, schedule_id: int) -> LastRun | None:
    """The newest run that the schedule has made by itself."""
    row = session.execute(
        # A period ends with the day that its run stands for.
        select(ReportScheduleExecution.scheduled_for, ReportScheduleExecution.period_end)
        .where(
            ReportScheduleExecution.schedule_id == schedule_id,
            ReportScheduleExecution.trigger == Trigger.SCHEDULE,
        )
        .order_by(ReportScheduleExecution.scheduled_for.desc())
        .limit(1)
    ).first()
    return LastRun(*row) if row else None
