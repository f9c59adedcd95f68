"""What somebody sees of schedules: those that they manage, and those that they receive."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from reportapp.access import Action, may
from reportapp.errors import NotFound
from reportapp.models import ReportSchedule, ReportScheduleRecipient, User
from reportapp.schedules.audiences import ListedAudience, list_audiences
from reportapp.schedules.find import (
    Filter,
    ListedSchedule,
    get_schedule,
    list_schedules,
    listed_page,
)
from reportapp.schedules.recipients import recipient_rows
from reportapp.schedules.runs import Progress, list_executions
from reportapp.schedules.subscriptions import my_subscriptions

_LATEST_RUNS = 5


@dataclass(frozen=True)
class SeenSchedule:
    """A schedule with its people and latest runs. Who only receives it sees themselves on it and
    nobody else, and no runs."""

    schedule: ReportSchedule
    manages: bool
    recipients: Sequence[ReportScheduleRecipient]
    audiences: Sequence[ListedAudience]
    runs: Sequence[Progress]


def list_seen(
    actor: User, now: datetime, chosen: Filter, page: int, page_size: int
) -> tuple[list[ListedSchedule], int]:
    """One page of the schedules that the actor sees, and how many there are in all: admins those of
    the whole school, other authors their own, everybody else those that they receive."""
    if may(actor, Action.SEE_ALL_SCHEDULES):
        return list_schedules(actor, everybody=True, chosen=chosen, page=page, page_size=page_size)
    if may(actor, Action.MAKE_SCHEDULES):
        return list_schedules(actor, chosen=chosen, page=page, page_size=page_size)
    received = [row.schedule_id for row in my_subscriptions(actor, now) if row.is_subscribed]
    query = select(ReportSchedule).where(ReportSchedule.id.in_(received))
    return listed_page(query, chosen, page, page_size)


def see_schedule(actor: User, schedule_id: int, now: datetime) -> SeenSchedule:
    """One schedule, for who manages it or receives it. Raises NotFound for everybody else."""
    try:
        schedule = get_schedule(actor, schedule_id)
    except NotFound:
        own = [
            row
            for row in my_subscriptions(actor, now)
            if row.schedule_id == schedule_id and row.is_subscribed
        ]
        if not own:
            raise
        return SeenSchedule(own[0].schedule, False, own, (), ())
    runs, _ = list_executions(actor, schedule_id, limit=_LATEST_RUNS)
    people = recipient_rows(actor, schedule_id)
    return SeenSchedule(schedule, True, people, list_audiences(actor, schedule_id, now), runs)
