"""Notices: what the system tells authors and admins by itself, each thing once per person."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from reportapp.constants import (
    DeliveryStatus,
    ExecutionStatus,
    NoticeKind,
    Reason,
    Role,
    WhenEmpty,
)
from reportapp.extensions import insert_into, rows_changed
from reportapp.models import (
    IS_BY_PLAN,
    Notice,
    ReportDelivery,
    ReportSchedule,
    ReportScheduleExecution,
    User,
)
from reportapp.schedules.timing import AnySchedule

#: A schedule of which so many runs in a row have failed altogether is switched off.
FAILED_RUNS = 3
#: The mail server's trouble is no schedule's own: switching them all off would only make it last.
_NOT_ITS_OWN = (Reason.SERVER, Reason.CONFIGURATION, Reason.TOO_LATE)
_SPOILT = (ExecutionStatus.FAILED, ExecutionStatus.PARTIAL)


def write_notices(
    session: Session, people: Iterable[int], kind: NoticeKind, key: str, now: datetime, **more: Any
) -> None:
    """Tell the people (user ids) something, in the caller's transaction; who has been told it by
    this `key` is not told again. `more`: schedule_id, execution_id, detail (plain words)."""
    rows = [
        {"user_id": user_id, "kind": kind, "key": key, "created_at": now, "detail": "", **more}
        for user_id in people
    ]
    if not rows:
        return
    insert = insert_into(Notice, session.connection().dialect)
    session.execute(insert.values(rows).on_conflict_do_nothing())


def author_and_admins(session: Session, author_id: int) -> list[int]:
    """The ids of the author and of the admins of the author's school, as far as they are active."""
    author = session.get_one(User, author_id)
    is_admin = and_(User.role == Role.ADMIN, User.school_id == author.school_id)
    query = select(User.id).where(User.is_active, or_(User.id == author_id, is_admin))
    return list(session.scalars(query.order_by(User.id)))


def tell_of_missed(
    session: Session, schedule: AnySchedule, execution: ReportScheduleExecution, now: datetime
) -> None:
    """A run was not made and will not be."""
    write_notices(
        session,
        author_and_admins(session, schedule.created_by_id),
        NoticeKind.MISSED_RUN,
        f"missed_run:{schedule.id}:{execution.scheduled_for.isoformat()}",
        now,
        schedule_id=schedule.id,
        execution_id=execution.id,
    )


def tell_of_end(session: Session, execution: ReportScheduleExecution, now: datetime) -> None:
    """A planned run has ended, with its counts: the first that was spoilt is told, a schedule whose
    runs go on failing is switched off, and an author who wants to hear of it learns that there was
    nothing to report. In the caller's transaction."""
    session.flush()
    if execution.status in _SPOILT and _was_well_before(session, execution):
        _tell_of_run(session, execution, NoticeKind.FAILED_RUN, now)
    if execution.status is not ExecutionStatus.FAILED:
        _change(session, execution, ReportSchedule.failed_runs > 0, failed_runs=0)
    elif _counts(session, execution):
        _change(session, execution, failed_runs=ReportSchedule.failed_runs + 1)
        _switch_off_if_hopeless(session, execution, now)
    if execution.skipped:
        _tell_of_no_data(session, execution, now)


def _was_well_before(session: Session, execution: ReportScheduleExecution) -> bool:
    """Whether the planned run before this one ended without a failure, or there was none."""
    run = ReportScheduleExecution
    before = session.scalar(
        select(run.status)
        .where(
            run.schedule_id == execution.schedule_id,
            IS_BY_PLAN,
            run.scheduled_for < execution.scheduled_for,
            run.status.not_in((ExecutionStatus.STARTED, ExecutionStatus.MISSED)),
        )
        .order_by(run.scheduled_for.desc())
        .limit(1)
    )
    return before not in _SPOILT


def _counts(session: Session, execution: ReportScheduleExecution) -> bool:
    """Whether the failed run says something about the schedule: it has not been counted before it
    was sent again, and it was not the mail server that took nothing from anybody."""
    row = ReportDelivery
    own, again = session.execute(
        select(
            func.count().filter(row.reason.not_in(_NOT_ITS_OWN)), func.count(row.requeued_at)
        ).where(row.execution_id == execution.id, row.status == DeliveryStatus.FAILED)
    ).one()
    return bool(own) and not again


def _switch_off_if_hopeless(
    session: Session, execution: ReportScheduleExecution, now: datetime
) -> None:
    switched_off = _change(
        session,
        execution,
        ReportSchedule.failed_runs >= FAILED_RUNS,
        ReportSchedule.is_active,
        is_active=False,
        next_scheduled=None,
        paused_reason=f"Its last {FAILED_RUNS} runs reached nobody.",
        updated_at=now,
    )
    if switched_off:
        _tell_of_run(session, execution, NoticeKind.PAUSED_SCHEDULE, now)


def _tell_of_no_data(session: Session, execution: ReportScheduleExecution, now: datetime) -> None:
    author_id = session.scalar(
        select(ReportSchedule.created_by_id)
        .join(User, User.id == ReportSchedule.created_by_id)
        .where(
            ReportSchedule.id == execution.schedule_id,
            ReportSchedule.when_empty == WhenEmpty.TELL,
            User.is_active,
        )
    )
    number = author_id and session.scalar(
        select(func.count()).where(
            ReportDelivery.execution_id == execution.id, ReportDelivery.reason == Reason.NO_DATA
        )
    )
    if author_id and number:
        write_notices(
            session,
            [author_id],
            NoticeKind.NO_DATA,
            f"no_data:{execution.id}",
            now,
            schedule_id=execution.schedule_id,
            execution_id=execution.id,
            detail=f"{number} of {execution.total_recipients}",
        )


def _change(
    session: Session, execution: ReportScheduleExecution, *where: Any, **values: Any
) -> bool:
    """Change the execution's schedule where that holds; whether it did."""
    changed = session.execute(
        update(ReportSchedule)
        .where(ReportSchedule.id == execution.schedule_id, *where)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    return rows_changed(changed) == 1


def _tell_of_run(
    session: Session, execution: ReportScheduleExecution, kind: NoticeKind, now: datetime
) -> None:
    """Tell the author and the admins something about a run, once."""
    schedule = session.get_one(ReportSchedule, execution.schedule_id)
    write_notices(
        session,
        author_and_admins(session, schedule.created_by_id),
        kind,
        f"{kind}:{execution.id}",
        now,
        schedule_id=schedule.id,
        execution_id=execution.id,
    )
