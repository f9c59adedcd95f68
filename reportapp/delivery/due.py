"""The due-check: plans an execution for every schedule whose time has come, exactly once."""

import logging
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from reportapp.constants import Trigger
from reportapp.documents import planned_day
from reportapp.extensions import db, rows_changed, transaction
from reportapp.models import ReportSchedule
from reportapp.recurrence import Rule
from reportapp.schedules.ledger import plan_execution
from reportapp.schedules.timing import LastRun, first_run_after, rule_of

log = logging.getLogger(__name__)


@dataclass
class Planned:
    """What one due-check found and planned."""

    schedules_due: int = 0
    executions: int = 0
    deliveries: int = 0


def anything_due(now: datetime) -> bool:
    """Whether a schedule's time has come at the aware instant `now`: one look at an index."""
    return bool(db.session.scalar(_due(now).limit(1)))


def plan_due(now: datetime) -> Planned:
    """Plan what is due at the aware instant `now`. Safe to call from several processes at once:
    each planned run becomes one execution. One schedule's trouble does not stop the others."""
    planned = Planned()
    due = list(db.session.scalars(_due(now)))
    planned.schedules_due = len(due)
    for schedule_id in due:
        try:
            with transaction() as session:
                deliveries = _plan(session, schedule_id, now)
        except Exception:
            log.exception("schedule %s could not be planned", schedule_id)
            continue
        if deliveries is not None:
            planned.executions += 1
            planned.deliveries += deliveries
    return planned


def _due(now: datetime) -> Select[int]:
    return (
        select(ReportSchedule.id)
        .where(
            ReportSchedule.is_active,
            ReportSchedule.deleted_at.is_(None),
            ReportSchedule.next_scheduled <= now,
        )
        .order_by(ReportSchedule.next_scheduled, ReportSchedule.id)
    )


def _plan(session: Session, schedule_id: int, now: datetime) -> int | None:
    """The number of deliveries planned, or None when another process was quicker."""
    schedule = session.get_one(ReportSchedule, schedule_id, populate_existing=True)
    found = schedule.next_scheduled
    if found is None or found > now or not schedule.is_active or schedule.deleted_at is not None:
        return None
    rule = rule_of(schedule)
    planned, missed = _latest_run(rule, found, now)
    this = LastRun(planned, planned_day(planned, rule.zone, rule.time))
    claimed = session.execute(
        update(ReportSchedule)
        .where(ReportSchedule.id == schedule_id, ReportSchedule.next_scheduled == found)
        .values(next_scheduled=first_run_after(rule, now, this))
        .execution_options(synchronize_session=False)
    )
    if rows_changed(claimed) != 1:
        return None
    _, deliveries = plan_execution(
        session,
        schedule,
        planned,
        Trigger.SCHEDULE,
        now,
        message_domain=current_app.config["MESSAGE_ID_DOMAIN"],
        remark=_missed_sentence(missed),
    )
    return deliveries


def _latest_run(rule: Rule, found: datetime, now: datetime) -> tuple[datetime, int]:
    """After a downtime only the newest missed run is sent; how many older ones there were."""
    missed = 0
    while True:
        last = LastRun(found, planned_day(found, rule.zone, rule.time))
        # Not the plain next run: after an edit, that could stand for the same day.
        later = first_run_after(rule, found, last)
        if later > now:
            return found, missed
        found, missed = later, missed + 1


def _missed_sentence(missed: int) -> str | None:
    if not missed:
        return None
    runs = "1 earlier run was" if missed == 1 else f"{missed} earlier runs were"
    return f"{runs} missed while nothing was running and will not be sent."
