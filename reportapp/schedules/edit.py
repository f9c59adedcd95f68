"""Making, changing, switching and deleting schedules."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from reportapp.access import Action, require
from reportapp.errors import Stale
from reportapp.extensions import transaction
from reportapp.models import ReportSchedule, ReportScheduleRecipient, User
from reportapp.schedules.find import get_schedule, lock_schedule
from reportapp.schedules.planning import plan_owed_run
from reportapp.schedules.reach import list_classes
from reportapp.schedules.saving import Before, next_run_if_saved
from reportapp.schedules.validation import FIELDS, ScheduleInput, check_schedule
from reportapp.tokens import new_unsubscribe_token

#: What a new schedule is where its maker says nothing.
DEFAULTS: dict[str, Any] = {
    "frequency": "weekly",
    "day_of_week": 1,
    "days_of_week": "1",
    "interval": 1,
    "day_of_month": 1,
    "month_mode": "day",
    "nth": 1,
    "time": "09:00",
    "closed_days": "send",
    "exams_closed": False,
    "period": "rhythm",
    "export_format": "csv",
    "delivery_mode": "attachment",
    "link_access": "login",
    "when_empty": "skip",
    "is_active": True,
}


def create_schedule(
    actor: User, data: Mapping[str, Any], now: datetime, *, to_author: bool = False
) -> ReportSchedule:
    """A new schedule of the actor's, its first run planned. `to_author`: the actor receives it.

    Raises Forbidden, or InvalidInput with all fields that are wrong.
    """
    require(actor, Action.MAKE_SCHEDULES)
    checked = check_schedule(data, actor.role, now, _class_ids(actor, data, now))
    with transaction() as session:
        schedule = ReportSchedule(created_by_id=actor.id, created_at=now)
        _apply(session, schedule, checked, now)
        session.add(schedule)
        session.flush()
        if to_author:
            session.add(
                ReportScheduleRecipient(
                    schedule_id=schedule.id,
                    recipient_id=actor.id,
                    unsubscribe_token=new_unsubscribe_token(),
                    added_at=now,
                )
            )
    return schedule


def update_schedule(
    actor: User,
    schedule_id: int,
    data: Mapping[str, Any],
    now: datetime,
    *,
    versions: Collection[str] | None = None,
) -> ReportSchedule:
    """The schedule with the fields in `data` changed and its next run planned anew; today's run is
    neither lost nor repeated. `versions`: only if it is still of one of these, see `version_of`.

    Raises NotFound, Stale, or InvalidInput with all fields that are wrong, judged with the kept
    ones.
    """
    schedule = get_schedule(actor, schedule_id)
    with transaction() as session:
        lock_schedule(session, schedule)
        _refuse_if_stale(schedule, versions)
        kept = fields_of(schedule)
        # The newer word on the weekdays counts, also that there is none.
        if "day_of_week" in data or not schedule.days_of_week:
            del kept["days_of_week"]
        if "days_of_week" in data:
            del kept["day_of_week"]
        author, wanted = schedule.created_by, {**kept, **data}
        checked = check_schedule(wanted, author.role, now, _class_ids(author, wanted, now))
        if checked.is_active:
            # A run that is owed already is made as it was ordered, before anything changes.
            domain = current_app.config["MESSAGE_ID_DOMAIN"]
            plan_owed_run(session, schedule_id, now, message_domain=domain)
            session.refresh(schedule)
        _apply(session, schedule, checked, now)
    return schedule


def switch_schedule(actor: User, schedule_id: int, active: bool, now: datetime) -> ReportSchedule:
    """Switch a schedule on or off. What was due while it was off is not sent afterwards.

    Raises NotFound; InvalidInput when it can no longer be on, since its author may no longer order
    such reports. Off it can always be.
    """
    if active:
        return update_schedule(actor, schedule_id, {"is_active": True}, now)
    schedule = get_schedule(actor, schedule_id)
    with transaction() as session:
        lock_schedule(session, schedule)
        _switch_off(schedule, now)
    return schedule


def delete_schedule(
    actor: User, schedule_id: int, now: datetime, *, versions: Collection[str] | None = None
) -> None:
    """Take a schedule away for good; the ledger of what it sent stays. `versions`: only if it is
    still of one of these. Raises NotFound, or Stale."""
    schedule = get_schedule(actor, schedule_id)
    with transaction() as session:
        lock_schedule(session, schedule)
        _refuse_if_stale(schedule, versions)
        schedule.deleted_at = now
        _switch_off(schedule, now)


def _class_ids(author: User, data: Mapping[str, Any], now: datetime) -> set[int]:
    """To which classes the author may limit a schedule; not asked for where none is."""
    return (
        {group.id for group in list_classes(author, now)} if data.get("class_group_id") else set()
    )


def fields_of(schedule: ReportSchedule) -> dict[str, Any]:
    """The fields that a person can set, as they stand."""
    return {name: getattr(schedule, name) for name in FIELDS}


def version_of(schedule: ReportSchedule) -> str:
    """A word that changes whenever a person changes the schedule's fields: 16 hex digits."""
    fields = json.dumps(fields_of(schedule), default=str)
    return hashlib.sha256(fields.encode()).hexdigest()[:16]


def _refuse_if_stale(schedule: ReportSchedule, versions: Collection[str] | None) -> None:
    if versions is not None and version_of(schedule) not in versions:
        raise Stale("Somebody has changed this schedule since you read it. Read it again.")


def _apply(
    session: Session, schedule: ReportSchedule, checked: ScheduleInput, now: datetime
) -> None:
    before = Before.of(session, schedule) if schedule.id else None
    if checked.is_active and not (before and before.was_active):
        # A person has looked after it.
        schedule.paused_reason, schedule.failed_runs = None, 0
    for name, value in asdict(checked).items():
        setattr(schedule, name, value)
    schedule.updated_at = now
    if not schedule.is_active:
        _switch_off(schedule, now)
    else:
        schedule.next_scheduled = next_run_if_saved(session, schedule, before, now)


def _switch_off(schedule: ReportSchedule, now: datetime) -> None:
    schedule.is_active = False
    schedule.next_scheduled = None
    schedule.updated_at = now
