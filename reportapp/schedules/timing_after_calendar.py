"""What becomes of planned runs when a school's calendar has changed."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from reportapp.constants import ClosedDays, MonthMode
from reportapp.models import ReportSchedule, User
from reportapp.recurrence import next_run_after
from reportapp.reports.calendar import load_calendar
from reportapp.schedules.timing import LastRun, Timing, follows_calendar, rule_of, with_runs


def calendar_changed(session: Session, school_id: int, now: datetime) -> int:
    """Plan anew what follows the school's calendar, after a change of it at the aware instant `now`
    and in the same transaction; how many schedules moved. A run whose time has come stays. One that
    was to come later than its rhythm says, since its day was closed, comes at once when that day
    turns out to have been open; one that came earlier does not come again."""
    calendar, moved = load_calendar(session, school_id), 0
    for schedule in session.scalars(
        select(ReportSchedule)
        .join(User, User.id == ReportSchedule.created_by_id)
        .where(
            User.school_id == school_id,
            ReportSchedule.is_active,
            ReportSchedule.deleted_at.is_(None),
        )
        .with_for_update(of=ReportSchedule)
    ):
        rule, found = rule_of(schedule), schedule.next_scheduled
        if not follows_calendar(rule) or (found is not None and found <= now):
            continue
        timing = with_runs(session, schedule, Timing(rule, calendar), now)
        if timing.last is not None and timing.last.instant >= schedule.updated_at:
            timing = replace(timing, last=_as_meant(timing, timing.last))
        # Since its last run or change the schedule has made no other, so what the new calendar
        # has between then and now is what the old one had moved to `found`.
        moved_on = rule.closed_days is ClosedDays.AFTER or rule.month_mode is MonthMode.SCHOOL_DAY
        since = schedule.updated_at if found is not None and moved_on else now
        schedule.next_scheduled = timing.next_run(since)
        moved += schedule.next_scheduled != found
    return moved


def _as_meant(timing: Timing, last: LastRun) -> LastRun:
    """The last run, standing for the latest day that its rhythm may have meant by it."""
    rule = timing.rule
    if rule.month_mode is MonthMode.SCHOOL_DAY:
        # Whichever school day of the month it was: it was this month's.
        next_month = last.day.replace(day=28) + timedelta(days=4)
        return replace(last, day=next_month - timedelta(days=next_month.day))
    if rule.closed_days is ClosedDays.BEFORE:
        tiny = timedelta(microseconds=1)
        meant = next_run_after(replace(rule, closed_days=ClosedDays.SEND), last.instant - tiny)
        return replace(last, day=timing.day_of(meant)) if meant else last
    return last
