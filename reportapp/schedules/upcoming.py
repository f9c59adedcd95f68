"""When a schedule would run, shown to somebody who is filling in its form."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reportapp.access import Action, require
from reportapp.documents import Period, period_for
from reportapp.extensions import db
from reportapp.models import ReportSchedule, User
from reportapp.recurrence import Rule, next_runs
from reportapp.schedules.find import get_schedule
from reportapp.schedules.timing import first_run_after, last_run, rule_of
from reportapp.schedules.validation import check_rule


@dataclass(frozen=True)
class Upcoming:
    """A run to come, and the days that it will cover."""

    run: datetime
    period: Period


def upcoming_runs(
    actor: User,
    data: Mapping[str, Any],
    now: datetime,
    *,
    schedule_id: int | None = None,
    count: int = 5,
) -> tuple[Rule, list[Upcoming]]:
    """The rhythm in `data` (as `check_rule` reads it) and its next runs, if it were saved now and
    switched on. `schedule_id`: the schedule being changed, whose report of today is not repeated.

    Raises Forbidden, NotFound, or InvalidInput with all fields that are wrong.
    """
    require(actor, Action.MAKE_SCHEDULES)
    schedule = get_schedule(actor, schedule_id) if schedule_id is not None else None
    rule = check_rule(data)
    first = _first(rule, schedule, now)
    runs = [first, *next_runs(rule, first, count - 1)]
    return rule, [
        Upcoming(run, period_for(rule.frequency, run, rule.zone, rule.day_of_month, rule.time))
        for run in runs
    ]


def _first(rule: Rule, schedule: ReportSchedule | None, now: datetime) -> datetime:
    if schedule is None:
        return first_run_after(rule, now, None)
    if schedule.next_scheduled is not None and rule_of(schedule) == rule:
        return schedule.next_scheduled
    return first_run_after(rule, now, last_run(db.session(), schedule.id))
