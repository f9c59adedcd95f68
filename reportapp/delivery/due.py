"""The due-check: plans an execution for every schedule whose time has come, exactly once."""

import logging
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy import Select, select

from reportapp.extensions import db, transaction
from reportapp.models import ReportSchedule
from reportapp.schedules.planning import plan_owed_run

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
                schedule = session.get_one(ReportSchedule, schedule_id, populate_existing=True)
                deliveries = plan_owed_run(
                    session,
                    schedule,
                    now,
                    message_domain=current_app.config["MESSAGE_ID_DOMAIN"],
                )
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
