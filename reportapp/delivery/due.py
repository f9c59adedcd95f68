"""The due-check: plans an execution for every schedule whose time has come, exactly once."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import Select, exists, func, select

from reportapp.constants import Trigger
from reportapp.extensions import db, own_session, transaction
from reportapp.models import ReportSchedule, ReportScheduleExecution
from reportapp.schedules.planning import plan_again, plan_owed_run

log = logging.getLogger(__name__)

#: Clocks of several machines differ; by more than this, one has been put right.
_CLOCKS_DIFFER = timedelta(minutes=2)
#: Of so many of the latest executions, one that was begun later than now gives the clock away.
_LATEST = 100


@dataclass
class Planned:
    """What one due-check found and planned."""

    schedules_due: int = 0
    executions: int = 0
    deliveries: int = 0


def anything_due(now: datetime) -> bool:
    """Whether a schedule's time has come at the aware instant `now`: one look at an index."""
    return bool(db.session.scalar(_due(now).limit(1)))


def due_schedules(now: datetime) -> list[int]:
    """The ids of the schedules whose time has come at the aware instant `now`, the longest waiting
    first."""
    return list(db.session.scalars(_due(now)))


def plan_due(now: datetime) -> Planned:
    """Plan what is due at the aware instant `now`. Safe to call from several processes at once:
    each planned run becomes one execution. One schedule's trouble does not stop the others."""
    _after_wrong_clock(now)
    planned, domain = Planned(), current_app.config["MESSAGE_ID_DOMAIN"]
    due = due_schedules(now)
    planned.schedules_due = len(due)
    with own_session() as session:
        for schedule_id in due:
            try:
                with session.begin():
                    deliveries = plan_owed_run(session, schedule_id, now, message_domain=domain)
            except Exception:
                log.exception("schedule %s could not be planned", schedule_id)
                continue
            if deliveries is not None:
                planned.executions += 1
                planned.deliveries += deliveries
    return planned


def _after_wrong_clock(now: datetime) -> None:
    """A clock that was ahead has moved schedules on by as much; once it has been put right, they
    would be silent until then. Those with runs for days to come are planned anew."""
    run = ReportScheduleExecution
    latest = select(run.started_at).order_by(run.id.desc()).limit(_LATEST).subquery()
    begun = db.session.scalar(select(func.max(latest.c.started_at)))
    if begun is None or begun <= now + _CLOCKS_DIFFER:
        return
    affected = db.session.scalars(
        select(ReportSchedule.id).where(
            ReportSchedule.is_active,
            ReportSchedule.deleted_at.is_(None),
            # Else it is this clock that is behind.
            ReportSchedule.created_at <= now,
            exists().where(
                run.schedule_id == ReportSchedule.id,
                run.trigger == Trigger.SCHEDULE,
                run.scheduled_for > now,
            ),
        )
    ).all()
    for schedule_id in affected:
        try:
            with transaction() as session:
                schedule = session.get_one(
                    ReportSchedule, schedule_id, populate_existing=True, with_for_update=True
                )
                if plan_again(session, schedule, now):
                    log.warning("schedule %s is planned anew after a wrong clock", schedule_id)
        except Exception:
            log.exception("schedule %s could not be planned anew", schedule_id)


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
