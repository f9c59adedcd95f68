"""How people stand to a run at one moment: who gets nothing and why, and whose data the others may
get. One rule, asked for a batch of mails when they are made and again when that was long ago."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.orm import Session

from reportapp.constants import Reason, Trigger
from reportapp.models import (
    AccessChange,
    AddressTrouble,
    ReportSchedule,
    ReportScheduleExecution,
    ReportScheduleRecipient,
    User,
    full_name,
)
from reportapp.reports import Scope, scopes_of
from reportapp.schedules.addresses import IS_OF_USER
from reportapp.schedules.reach import members, why_nothing

# Made once, since making them costs more than running them.
_RUN = (
    select(ReportScheduleExecution, ReportSchedule, User)
    .join(ReportSchedule, ReportSchedule.id == ReportScheduleExecution.schedule_id)
    .join(User, User.id == ReportSchedule.created_by_id)
    .where(ReportScheduleExecution.id == bindparam("execution"))
    .execution_options(populate_existing=True)
)
_PEOPLE = (
    # Asked of the connection, and not for objects: the session's part takes longer than the rest.
    select(
        User.id,
        User.school_id,
        User.role,
        User.is_active,
        User.email,
        User.given_name,
        User.family_name,
        ReportScheduleRecipient.is_direct,
        ReportScheduleRecipient.is_subscribed,
        ReportScheduleRecipient.removed_at,
        ReportScheduleRecipient.unsubscribe_token,
        AddressTrouble.suspended_at,
        AddressTrouble.failures,
    )
    .outerjoin(
        ReportScheduleRecipient,
        and_(
            ReportScheduleRecipient.recipient_id == User.id,
            ReportScheduleRecipient.schedule_id == bindparam("schedule"),
        ),
    )
    .outerjoin(AddressTrouble, IS_OF_USER)
    .where(User.id.in_(bindparam("recipients", expanding=True)))
)


#: Equal numbers: nobody has come to see less in between.
ACCESS_VERSION = select(func.coalesce(func.sum(AccessChange.n), 0))


def access_version(session: Session) -> int:
    """The number of ACCESS_VERSION: what is read after it is at least as new."""
    return int(session.scalar(ACCESS_VERSION) or 0)


@dataclass(frozen=True)
class Standing:
    """One recipient's: the reason to send nothing, or what the mail depends on. A mail may leave
    only while its recipient's standing is the one that it was made for."""

    skip: Reason | None
    name: str
    #: None only with a reason to send nothing.
    email: str | None
    unsubscribe_token: str | None
    scope: Scope
    #: The address has refused a mail before.
    refused_before: bool


@dataclass(frozen=True)
class Run:
    """An execution with what it hangs on, and the standings of some recipients by user id."""

    execution: ReportScheduleExecution
    schedule: ReportSchedule
    author: User
    standings: dict[int, Standing]


def load_run(
    session: Session, execution_id: int, recipient_ids: Sequence[int], now: datetime
) -> Run:
    """The run as the database has it, for the access of the aware instant `now`."""
    execution, schedule, author = session.execute(_RUN, {"execution": execution_id}).one()
    # Each row is a person and, unless `is_direct` is None, that person's row on the schedule.
    people: Sequence[Any] = (
        session.connection()
        .execute(_PEOPLE, {"schedule": schedule.id, "recipients": list(recipient_ids)})
        .all()
    )
    scopes = scopes_of(session, schedule, people, now)
    nobody = _nobody(execution, schedule, author)
    # Who is on it by name needs no audience: without audiences, nothing more is asked.
    through = [person.id for person in people if person.is_direct is False]
    belongs = members(session, schedule, now, through) if through else ()
    is_test = execution.trigger is Trigger.TEST
    return Run(
        execution,
        schedule,
        author,
        {
            person.id: Standing(
                nobody
                or why_nothing(
                    person,
                    # A test goes to who asked for it, on the schedule or not.
                    None if is_test or person.is_direct is None else person,
                    is_test or person.id in belongs,
                    scopes[person.id],
                    person.suspended_at is not None,
                ),
                full_name(person.given_name, person.family_name),
                person.email,
                person.unsubscribe_token,
                scopes[person.id],
                person.failures is not None,
            )
            for person in people
        },
    )


def _nobody(
    execution: ReportScheduleExecution, schedule: ReportSchedule, author: User
) -> Reason | None:
    """Why nobody gets anything."""
    if not author.is_active:
        return Reason.AUTHOR_INACTIVE
    # Somebody who sends by hand, or a test, may do so while the schedule is switched off.
    off = execution.trigger is Trigger.SCHEDULE and not schedule.is_active
    return Reason.SCHEDULE_OFF if off or schedule.deleted_at is not None else None
