"""When a schedule would run, shown to somebody who is filling in its form."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from reportapp.access import Action, require
from reportapp.constants import Frequency
from reportapp.documents import Period
from reportapp.extensions import db
from reportapp.models import ReportSchedule, User
from reportapp.recurrence import Occurrence, Rule, next_occurrences
from reportapp.schedules.find import get_schedule
from reportapp.schedules.saving import Before, next_run_if_saved
from reportapp.schedules.timing import Timing, period_of, rule_of, sent_until, timing_of
from reportapp.schedules.validation import check_rhythm

_TINY = timedelta(microseconds=1)


@dataclass(frozen=True)
class Upcoming:
    """A day of the rhythm to come: its run and the days that it will cover, both None where it is
    skipped; why it is skipped or moved."""

    meant: date
    run: datetime | None
    period: Period | None
    reason: str | None


def upcoming_runs(
    actor: User,
    data: Mapping[str, Any],
    now: datetime,
    *,
    schedule_id: int | None = None,
    count: int = 10,
) -> tuple[Rule, list[Upcoming]]:
    """The rhythm in `data` (as `check_rhythm` reads it) and its next `count` runs, with the days
    skipped between them, if it were saved now and switched on. `schedule_id`: the schedule being
    changed, whose report of today is neither lost nor repeated. Nothing is stored.

    Raises Forbidden, NotFound, or InvalidInput with all fields that are wrong.
    """
    require(actor, Action.MAKE_SCHEDULES)
    schedule = get_schedule(actor, schedule_id) if schedule_id is not None else None
    rhythm = check_rhythm(data, now)
    session = db.session()
    # Without the session: a draft is never stored.
    draft = ReportSchedule(**rhythm)
    draft.id = schedule.id if schedule else 0
    draft.created_by_id = schedule.created_by_id if schedule else actor.id
    before = Before.of(session, schedule) if schedule else None
    first = next_run_if_saved(session, draft, before, now)
    assert first is not None
    return rule_of(draft), _from(timing_of(session, draft, now), draft, first, now, count)


def next_runs_of(schedule: ReportSchedule, now: datetime, count: int = 10) -> list[Upcoming]:
    """The same for a schedule as it stands; none while it is switched off or has ended."""
    if schedule.next_scheduled is None:
        return []
    timing = timing_of(db.session(), schedule, now)
    return _from(timing, schedule, schedule.next_scheduled, now, count)


def why_no_runs(schedule: ReportSchedule) -> str | None:
    """Why a schedule as it stands has no runs to come, as a sentence; None: it has."""
    if schedule.next_scheduled is not None:
        return None
    if schedule.is_active:
        return "Its rhythm has ended."
    return " ".join(filter(None, ("It is switched off.", schedule.paused_reason)))


def _from(
    timing: Timing, schedule: ReportSchedule, first: datetime, now: datetime, count: int
) -> list[Upcoming]:
    if schedule.max_runs is not None:
        count = min(count, schedule.max_runs - timing.sent)
    rule, calendar = timing.rule, timing.calendar
    day = timing.day_of(first)
    before = [
        one
        for one in next_occurrences(rule, now, 1, calendar)
        if one.run is None and one.meant < day
    ]
    coming = next_occurrences(rule, first - _TINY, count, calendar)
    if not coming or coming[0].run != first:
        # One that is owed, by an older rhythm maybe.
        coming = [Occurrence(day, first), *next_occurrences(rule, first, count - 1, calendar)]
    told: list[Upcoming] = []
    sent = sent_until(db.session(), schedule, first)
    for one in [*before, *coming]:
        period = period_of(schedule.period, timing, one.run, sent) if one.run else None
        if period is not None and sent is not None:
            # As if every run to come were sent.
            sent = period.end
        if _worth_telling(timing, one):
            told.append(Upcoming(one.meant, one.run, period, one.reason))
    return told


def _worth_telling(timing: Timing, one: Occurrence) -> bool:
    """That "every school day" leaves weekends out is no news."""
    every_school_day = timing.rule.frequency is Frequency.DAILY
    return not (
        one.run is None and every_school_day and timing.calendar.closed_until(one.meant) is None
    )
