"""When a schedule runs next and which days a run covers: its rule, its school's calendar, and what
has already been sent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, func, select
from sqlalchemy.orm import Session

from reportapp.constants import ClosedDays, ExecutionStatus, MonthMode, PeriodKind
from reportapp.documents import Period, period_for, planned_day
from reportapp.models import IS_BY_PLAN, ReportSchedule, ReportScheduleExecution, User
from reportapp.recurrence import (
    LEAST_GAP,
    NOTHING_CLOSED,
    Rule,
    SchoolCalendar,
    describe,
    next_run_after,
    parse_cron,
    run_at_or_before,
)
from reportapp.reports.calendar import load_calendar

#: Of the table, a row costs a third of what an object costs: for planning, which reads many.
AnySchedule = ReportSchedule | Row[Any]
_TINY = timedelta(microseconds=1)
#: A day that is today in one zone has begun no longer ago in any other.
_THREE_DAYS = timedelta(days=3)


@dataclass(frozen=True)
class LastRun:
    """A run that a schedule has made by itself: its aware instant and the local day it stood for
    in the zone of that time, which may have been another one."""

    instant: datetime
    day: date


@dataclass(frozen=True)
class Timing:
    """All that decides when a schedule runs."""

    rule: Rule
    calendar: SchoolCalendar
    last: LastRun | None = None
    max_runs: int | None = None
    #: How many runs there have been; counted where there is a highest number of them.
    sent: int = 0
    #: Runs made for days to come, by a clock that was put right since: those have been sent.
    ahead: tuple[LastRun, ...] = ()

    def day_of(self, planned: datetime) -> date:
        """The local day that a run planned for the aware instant `planned` stands for."""
        return day_of(self.rule, planned)

    def after(self, planned: datetime) -> Timing:
        """The same with one run more, sent as planned for that instant."""
        return replace(self.without(planned), sent=self.sent + 1)

    def without(self, planned: datetime) -> Timing:
        """The same after the run planned for that instant was missed: it is over, and does not
        count."""
        return replace(self, last=LastRun(planned, self.day_of(planned)))

    def next_run(self, now: datetime) -> datetime | None:
        """The next run after the aware instant `now` that does not repeat the last one: it stands
        for a later local day (or a later hour of a cron rule's day) and comes at least an hour
        later. So moving the time or the zone of a schedule that has run today does not send today's
        report again. None when there is none any more."""
        last = self.last
        if self.has_ended:
            return None
        soonest = max(now, last.instant + LEAST_GAP - _TINY) if last is not None else now
        run = next_run_after(self.rule, soonest, self.calendar)
        while run is not None and self._repeats(run):
            run = next_run_after(self.rule, run, self.calendar)
        return run

    @property
    def has_ended(self) -> bool:
        """Whether it has run as often as it may."""
        return self.max_runs is not None and self.sent >= self.max_runs

    def _repeats(self, run: datetime) -> bool:
        day = self.day_of(run)
        many_a_day = self.rule.cron is not None and len(self.rule.cron.times) > 1
        if self.last is not None and (day < self.last.day if many_a_day else day <= self.last.day):
            return True
        return any(
            abs(run - made.instant) < LEAST_GAP if many_a_day else day == made.day
            for made in self.ahead
        )

    def next_after_change(
        self, now: datetime, owed: datetime | None, owed_day: date | None
    ) -> datetime | None:
        """The next run where the rule has just been changed and a run of today, planned for `owed`
        and standing for `owed_day`, is still to come: if its new time has gone by, it comes at
        once, or when an hour has passed since the last one, so that no change around now loses
        today's report."""
        coming, last = self.next_run(now), self.last
        # Further east, the day that is owed may be over.
        if owed is None or owed_day is None or owed_day > self.day_of(now):
            return coming
        if coming is not None and self.day_of(coming) <= owed_day:
            return coming
        if self.has_ended or (last is not None and last.day >= owed_day):
            return coming
        soonest = max(now, last.instant + LEAST_GAP) if last else now
        found, run = None, next_run_after(self.rule, now - _THREE_DAYS, self.calendar)
        while run is not None and run <= soonest:
            if self.day_of(run) == owed_day:
                found = run
            run = next_run_after(self.rule, run, self.calendar)
        if found is not None and last is not None:
            found = max(found, last.instant + LEAST_GAP)
        return found if found is not None and self.day_of(found) == owed_day else coming


def rule_of(schedule: AnySchedule) -> Rule:
    """The schedule's rhythm."""
    return Rule(
        schedule.frequency,
        schedule.time,
        ZoneInfo(schedule.time_zone),
        # A script's row may say only `day_of_week`.
        days_of_week=tuple(map(int, schedule.days_of_week or str(schedule.day_of_week or ""))),
        day_of_month=schedule.day_of_month,
        interval=schedule.interval,
        month_mode=schedule.month_mode,
        nth=schedule.nth,
        cron=parse_cron(schedule.cron) if schedule.cron else None,
        start=schedule.start_date,
        end=schedule.end_date,
        paused_until=schedule.paused_until,
        closed_days=schedule.closed_days,
        exams_closed=schedule.exams_closed,
    )


def sentence_of(schedule: ReportSchedule, now: datetime) -> str:
    """The rhythm in words: `Mondays at 09:00, Berlin; 10 times`."""
    rule = rule_of(schedule)
    words = describe(rule, now.astimezone(rule.zone).date())
    if schedule.max_runs is None:
        return words
    return f"{words}; {'once' if schedule.max_runs == 1 else f'{schedule.max_runs} times'}"


def timing_of(session: Session, schedule: AnySchedule, now: datetime) -> Timing:
    """All that decides when the schedule runs, as it stands at the aware instant `now`."""
    rule, calendar = rule_of(schedule), NOTHING_CLOSED
    if follows_calendar(rule) or schedule.period is PeriodKind.TERM_TO_DATE:
        author = session.get_one(User, schedule.created_by_id)
        calendar = load_calendar(session, author.school_id)
    return with_runs(session, schedule, Timing(rule, calendar), now)


def day_of(rule: Rule, planned: datetime) -> date:
    """The local day that a run of the rule, planned for the aware instant `planned`, stands for."""
    times = rule.cron.times if rule.cron is not None else (rule.time,)
    return planned_day(planned, rule.zone, times[-1])


#: Made once, since making them costs more than running them, and of the table, since what
#: SQLAlchemy does for classes takes as long again.
_RUN: Any = ReportScheduleExecution.__table__
_BY_ITSELF = select(_RUN.c.scheduled_for, _RUN.c.planned_day).where(
    _RUN.c.schedule_id == bindparam("schedule"), IS_BY_PLAN
)
_NEWEST = _BY_ITSELF.order_by(_RUN.c.scheduled_for.desc()).limit(1)


def with_runs(session: Session, schedule: AnySchedule, timing: Timing, now: datetime) -> Timing:
    """The timing with the runs that the schedule has made by itself, as it stands at the aware
    instant `now`. Missed ones are over, but do not count."""
    mine = {"schedule": schedule.id}
    last = session.execute(_NEWEST, mine).first()
    ahead: tuple[LastRun, ...] = ()
    if last is not None and last.scheduled_for > now:
        later = session.execute(_BY_ITSELF.where(_RUN.c.scheduled_for > now), mine)
        ahead = tuple(LastRun(*each) for each in later)
        last = session.execute(_NEWEST.where(_RUN.c.scheduled_for <= now), mine).first()
    sent = 0
    if schedule.max_runs is not None:
        counted = _BY_ITSELF.where(_RUN.c.status != ExecutionStatus.MISSED).subquery()
        sent = session.scalar(select(func.count()).select_from(counted), mine) or 0
    return replace(
        timing,
        last=LastRun(*last) if last is not None else None,
        max_runs=schedule.max_runs,
        sent=sent,
        ahead=ahead,
    )


def covered_by(session: Session, schedule: AnySchedule, planned: datetime) -> Period:
    """The days that a run planned for the aware instant `planned` covers: those of the execution
    that has been planned for it, or what its period comes to as things stand."""
    stored = session.execute(
        select(ReportScheduleExecution.period_start, ReportScheduleExecution.period_end).where(
            ReportScheduleExecution.schedule_id == schedule.id,
            IS_BY_PLAN,
            ReportScheduleExecution.scheduled_for == planned,
        )
    ).first()
    if stored is not None:
        return Period(*stored)
    timing = timing_of(session, schedule, planned)
    return period_of(schedule.period, timing, planned, sent_until(session, schedule, planned))


def sent_until(session: Session, schedule: AnySchedule, planned: datetime) -> date | None:
    """The end of the period of the schedule's last run before the aware instant `planned` of which
    a mail was sent; None where its reports do not begin there."""
    if schedule.period is not PeriodKind.SINCE_SENT:
        return None
    return session.scalar(
        select(ReportScheduleExecution.period_end)
        .where(
            ReportScheduleExecution.schedule_id == schedule.id,
            IS_BY_PLAN,
            ReportScheduleExecution.successful_sends > 0,
            ReportScheduleExecution.scheduled_for < planned,
        )
        .order_by(ReportScheduleExecution.scheduled_for.desc())
        .limit(1)
    )


def period_of(
    kind: PeriodKind, timing: Timing, planned: datetime, sent_until: date | None = None
) -> Period:
    """The period of a run planned for the aware instant `planned`."""
    day = timing.day_of(planned)
    term = timing.calendar.term_of(day - timedelta(days=1))
    return period_for(
        kind,
        day,
        run_before=_day_before(timing, planned) if kind in _BY_RUNS else None,
        term=(term.first, term.last) if term else None,
        sent_until=sent_until,
    )


#: Kinds that may need the rule's run before.
_BY_RUNS = {PeriodKind.RHYTHM, PeriodKind.SINCE_SENT, PeriodKind.TERM_TO_DATE}


def _day_before(timing: Timing, planned: datetime) -> date | None:
    """The day of the rule's last run on an earlier day."""
    day, run = timing.day_of(planned), planned
    while True:
        found = run_at_or_before(timing.rule, run - _TINY, timing.calendar)
        if found is None or timing.day_of(found) < day:
            return timing.day_of(found) if found else None
        run = found


def plan_for_now(session: Session, schedule: AnySchedule, now: datetime) -> datetime:
    """The planned run that a person who presses "now" means: today's, at whatever hour, or the last
    one before. So what they send is what the schedule itself sends."""
    timing = timing_of(session, schedule, now)
    zone = timing.rule.zone
    tomorrow = datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(), zone)
    end_of_today = tomorrow.astimezone(UTC) - _TINY
    return run_at_or_before(timing.rule, end_of_today, timing.calendar) or now.astimezone(UTC)


def covered_now(session: Session, schedule: ReportSchedule, now: datetime) -> Period:
    """The days of a report that a person asks for now."""
    return covered_by(session, schedule, plan_for_now(session, schedule, now))


def follows_calendar(rule: Rule) -> bool:
    """Whether the school's calendar decides when the rule runs."""
    return rule.closed_days is not ClosedDays.SEND or rule.month_mode is MonthMode.SCHOOL_DAY
