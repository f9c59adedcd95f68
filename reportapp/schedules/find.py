"""Finding schedules that somebody may manage."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from reportapp.access import Action, Person, may_manage_schedule_of, require
from reportapp.constants import Frequency, ReportType
from reportapp.errors import NotFound
from reportapp.extensions import count_found, db
from reportapp.models import (
    ReportSchedule,
    ReportScheduleAudience,
    ReportScheduleRecipient,
    User,
)


@dataclass(frozen=True)
class ListedSchedule:
    """A row of the list, with how many people are on it by name, how many of them have
    unsubscribed, and how many audiences it has."""

    schedule: ReportSchedule
    recipients: int
    unsubscribed: int
    audiences: int


#: By what a list can be ordered, with a "-" before it for the other way round.
ORDERS: dict[str, Any] = {
    "next_scheduled": ReportSchedule.next_scheduled,
    "created_at": ReportSchedule.created_at,
    "name": func.lower(ReportSchedule.name),
}


@dataclass(frozen=True)
class Filter:
    """Which schedules of a list, and their order (see ORDERS). `search`: every word of it is in
    the name, in any case."""

    is_active: bool | None = None
    frequency: Frequency | None = None
    report_type: ReportType | None = None
    search: str = ""
    ordering: str = "next_scheduled"


def get_schedule(actor: Person, schedule_id: int) -> ReportSchedule:
    """The schedule, if `actor` may manage it. Raises NotFound otherwise: that other people's
    schedules exist is not told."""
    schedule = db.session.get(ReportSchedule, schedule_id)
    if (
        schedule is None
        or schedule.deleted_at is not None
        or not may_manage_schedule_of(actor, schedule.created_by)
    ):
        raise NotFound("There is no such schedule.")
    return schedule


def lock_schedule(session: Session, schedule: ReportSchedule) -> None:
    """Read the schedule anew and keep others from changing it until the transaction's end. Raises
    NotFound when it has been deleted meanwhile."""
    session.refresh(schedule, with_for_update=True)
    if schedule.deleted_at is not None:
        raise NotFound("There is no such schedule.")


def list_schedules(
    actor: Person,
    *,
    everybody: bool = False,
    chosen: Filter = Filter(),
    page: int = 1,
    page_size: int = 25,
) -> tuple[list[ListedSchedule], int]:
    """One page of the actor's schedules and how many there are in all: the next to run first, the
    switched-off ones last. `everybody`: those of the whole school (admins)."""
    require(actor, Action.SEE_ALL_SCHEDULES if everybody else Action.MAKE_SCHEDULES)
    query = select(ReportSchedule)
    if everybody:
        query = query.join(User, User.id == ReportSchedule.created_by_id).where(
            User.school_id == actor.school_id
        )
    else:
        query = query.where(ReportSchedule.created_by_id == actor.id)
    return listed_page(query, chosen, page, page_size)


def listed_page(
    query: Select[ReportSchedule], chosen: Filter, page: int, page_size: int
) -> tuple[list[ListedSchedule], int]:
    """One page of those schedules of a query that are chosen and not deleted, and how many these
    are. The number of queries does not grow with them."""
    query = _chosen(query.where(ReportSchedule.deleted_at.is_(None)), chosen)
    total = count_found(query)
    on_it = select(func.count()).where(
        ReportScheduleRecipient.schedule_id == ReportSchedule.id,
        ReportScheduleRecipient.is_direct,
        ReportScheduleRecipient.removed_at.is_(None),
    )
    left = on_it.where(ReportScheduleRecipient.is_subscribed.is_(False))
    groups = select(func.count()).where(ReportScheduleAudience.schedule_id == ReportSchedule.id)
    counts = (count.scalar_subquery() for count in (on_it, left, groups))
    by = ORDERS[chosen.ordering.removeprefix("-")]
    rows = db.session.execute(
        query.add_columns(*counts)
        .options(joinedload(ReportSchedule.created_by), joinedload(ReportSchedule.class_group))
        .order_by(
            by.is_(None), by.desc() if chosen.ordering.startswith("-") else by, ReportSchedule.id
        )
        .limit(page_size)
        .offset((page - 1) * page_size)
    )
    return [ListedSchedule(*row) for row in rows], total


def _chosen(query: Select[ReportSchedule], chosen: Filter) -> Select[ReportSchedule]:
    for column, value in (
        (ReportSchedule.is_active, chosen.is_active),
        (ReportSchedule.frequency, chosen.frequency),
        (ReportSchedule.report_type, chosen.report_type),
    ):
        if value is not None:
            query = query.where(column == value)
    for word in chosen.search.lower().split():
        query = query.where(func.lower(ReportSchedule.name).contains(word, autoescape=True))
    return query
