"""When a schedule would run next if it were saved as it stands: for saving it, and for showing the
next runs before."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from reportapp.constants import ClosedDays, PeriodKind
from reportapp.errors import InvalidInput
from reportapp.models import ReportSchedule
from reportapp.recurrence import next_run_after
from reportapp.schedules.timing import Timing, day_of, rule_of, timing_of
from reportapp.schedules.validation import RHYTHM


@dataclass(frozen=True)
class Before:
    """What a schedule was before its change."""

    rhythm: dict[str, Any]
    was_active: bool
    next_scheduled: datetime | None
    #: The local day that `next_scheduled` stands for.
    next_day: date | None

    @classmethod
    def of(cls, session: Session, schedule: ReportSchedule) -> "Before":
        planned = schedule.next_scheduled
        return cls(
            {name: getattr(schedule, name) for name in RHYTHM},
            schedule.is_active,
            planned,
            day_of(rule_of(schedule), planned) if planned else None,
        )


def next_run_if_saved(
    session: Session, schedule: ReportSchedule, before: Before | None, now: datetime
) -> datetime | None:
    """The next run of the schedule as it now stands, `before` being what it was (None: new).

    A rhythm left alone keeps its next run. A run whose time has come already is owed, and shown as
    the next one; saving makes it first. Raises InvalidInput where a new rhythm would never run.
    """
    if before is not None and before.was_active:
        if all(getattr(schedule, name) == value for name, value in before.rhythm.items()):
            return before.next_scheduled
        if before.next_scheduled is not None and before.next_scheduled <= now:
            return before.next_scheduled
    timing = timing_of(session, schedule, now)
    if before is not None and before.was_active:
        run = timing.next_after_change(now, before.next_scheduled, before.next_day)
    else:
        run = timing.next_run(now)
    if run is None:
        raise InvalidInput(_why_never(timing, now))
    if schedule.period is PeriodKind.TERM_TO_DATE and not timing.calendar.terms:
        raise InvalidInput(
            {"period": ["The school's calendar has no terms yet: enter them, or choose others."]}
        )
    return run


def _why_never(timing: Timing, now: datetime) -> dict[str, list[str]]:
    """At the field that stops the rule."""
    rule = timing.rule
    if timing.has_ended:
        return {
            "max_runs": [f"It has been sent {timing.sent} times already. Give a higher number."]
        }
    if rule.end is not None:
        return {"end_date": ["It would never run: its rhythm has no time before its last day."]}
    if next_run_after(replace(rule, closed_days=ClosedDays.SEND), now) is not None:
        return {
            "closed_days": ["It would never run: every one of its days is a day without school."]
        }
    field = "cron" if rule.cron is not None else "frequency"
    return {field: ["It would never run: no such day comes."]}
