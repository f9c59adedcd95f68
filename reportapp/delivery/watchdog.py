"""The watchdog: what nobody would notice becomes a notice, and what has healed goes away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from reportapp.constants import ExecutionStatus, NoticeKind, Role, Trigger
from reportapp.delivery.health import standstill
from reportapp.extensions import db, transaction
from reportapp.models import (
    AddressTrouble,
    MailServerState,
    Notice,
    ReportSchedule,
    ReportScheduleExecution,
    ReportScheduleRecipient,
    SchedulerLease,
    User,
)
from reportapp.recurrence import moment
from reportapp.schedules.addresses import IS_OF_USER, IS_SUSPENDED
from reportapp.schedules.notices import author_and_admins, write_notices

#: A run is planned within a minute of its time; after so long something keeps it from it.
OVERDUE = timedelta(minutes=15)
#: So long may nobody run the schedules before it is told afterwards.
AWAY = timedelta(minutes=15)
#: What has happened once and cannot heal is of no interest any more after so long.
OLD = timedelta(days=30)
_LASTING = (NoticeKind.PAUSED_SCHEDULE, NoticeKind.MAIL_STOPPED, NoticeKind.SUSPENDED_ADDRESS)


def watch(config: Mapping[str, Any], now: datetime) -> None:
    """Look, at the aware instant `now`, for runs that are not made, a mail server that refuses us
    and addresses that nothing is sent to, and close the notices of what has healed. Meant for the
    process that runs the schedules."""
    with transaction() as session:
        _tell_overdue(session, now)
        _tell_mail_stopped(session, config, now)
        suspended = _tell_suspended(session, now)
        _heal(session, suspended, now)


def came_back(now: datetime) -> None:
    """Tell the admins that nobody ran the schedules for a while, if something was due meanwhile.
    To be called before the lease is taken or renewed."""
    seen = db.session.scalar(select(func.max(SchedulerLease.heartbeat_at)))
    if seen is None or now - seen <= AWAY:
        return
    with transaction() as session:
        for school_id, number in session.execute(
            select(User.school_id, func.count())
            .join(ReportSchedule, ReportSchedule.created_by_id == User.id)
            .where(_runs(), ReportSchedule.next_scheduled <= now)
            .group_by(User.school_id)
        ):
            for admin in _admins(session, school_id):
                zone = ZoneInfo(admin.zone_name)
                what = "1 schedule" if number == 1 else f"{number} schedules"
                write_notices(
                    session,
                    [admin.id],
                    NoticeKind.NO_HEARTBEAT,
                    f"no_heartbeat:{seen.isoformat()}",
                    now,
                    detail=f"From {moment(seen, zone)} to {moment(now, zone)} nothing was running, "
                    f"so {what} could not be sent in time.",
                )


def _runs() -> ColumnElement[bool]:
    return and_(ReportSchedule.is_active, ReportSchedule.deleted_at.is_(None))


def _admins(session: Session, school_id: int | None = None) -> list[User]:
    query = select(User).where(User.is_active, User.role == Role.ADMIN).order_by(User.id)
    if school_id is not None:
        query = query.where(User.school_id == school_id)
    return list(session.scalars(query))


def _tell_overdue(session: Session, now: datetime) -> None:
    order = ReportSchedule
    late = select(order.id, order.created_by_id, order.next_scheduled).where(
        _runs(), order.next_scheduled < now - OVERDUE
    )
    for schedule_id, author_id, planned in session.execute(late).all():
        write_notices(
            session,
            author_and_admins(session, author_id),
            NoticeKind.MISSED_RUN,
            f"overdue:{schedule_id}:{planned}",
            now,
            schedule_id=schedule_id,
        )


def _tell_mail_stopped(session: Session, config: Mapping[str, Any], now: datetime) -> None:
    found = standstill(config, now)
    if found is None or not found.refused:
        return
    # The server is asked again every hour: one refusal, told at most once a day.
    told = exists().where(
        Notice.user_id == User.id,
        Notice.kind == NoticeKind.MAIL_STOPPED,
        Notice.closed_at.is_(None),
    )
    people = session.scalars(
        select(User.id).where(User.is_active, User.role == Role.ADMIN, ~told)
    ).all()
    write_notices(
        session,
        people,
        NoticeKind.MAIL_STOPPED,
        f"mail_stopped:{now:%Y-%m-%d}",
        now,
        detail=_quoted(found.reply),
    )


def _tell_suspended(session: Session, now: datetime) -> set[str]:
    """The keys of all that is suspended now."""
    people = session.execute(
        select(User, AddressTrouble)
        .join(AddressTrouble, IS_OF_USER)
        .where(User.is_active, IS_SUSPENDED)
    ).all()
    keys = {_suspended_key(person, trouble): (person, trouble) for person, trouble in people}
    told = session.execute(select(Notice.key, Notice.user_id).where(Notice.key.in_(keys)))
    known = {(key, user_id) for key, user_id in told}
    for key, (person, trouble) in keys.items():
        schedules = _authors_concerned(session, person)
        schedules |= {admin.id: None for admin in _admins(session, person.school_id)}
        detail = (
            f"{person.name} ({person.email}) has refused {trouble.failures} mails in a row: "
            f"{_quoted(trouble.reply)}"
        )
        for user_id, schedule_id in schedules.items():
            if (key, user_id) not in known:
                write_notices(
                    session,
                    [user_id],
                    NoticeKind.SUSPENDED_ADDRESS,
                    key,
                    now,
                    schedule_id=schedule_id,
                    detail=detail,
                )
    return set(keys)


def _suspended_key(person: User, trouble: AddressTrouble) -> str:
    assert trouble.suspended_at is not None
    return f"suspended_address:{person.id}:{trouble.suspended_at.isoformat()}"


def _authors_concerned(session: Session, person: User) -> dict[int, int | None]:
    """Active authors whose schedules the person is on, each with one of these."""
    row, author = ReportScheduleRecipient, User
    found: Any = session.execute(
        select(ReportSchedule.created_by_id, func.min(ReportSchedule.id))
        .join(row, row.schedule_id == ReportSchedule.id)
        .join(author, author.id == ReportSchedule.created_by_id)
        .where(
            _runs(),
            author.is_active,
            row.recipient_id == person.id,
            row.is_subscribed,
            row.removed_at.is_(None),
        )
        .group_by(ReportSchedule.created_by_id)
    )
    return dict(found.all())


def _quoted(reply: str) -> str:
    words = " ".join(reply.split())[:300]
    return f"“{words}”"


def _heal(session: Session, suspended: set[str], now: datetime) -> None:
    """Close what is mended, and what is too old to matter."""
    run, kind = ReportScheduleExecution, Notice.kind
    of_it = run.schedule_id == Notice.schedule_id
    reached = run.successful_sends > 0
    schedule = ReportSchedule.id == Notice.schedule_id
    later = exists().where(
        of_it, reached, run.trigger == Trigger.MANUAL, run.started_at >= Notice.created_at
    )
    well = exists().where(
        of_it,
        reached,
        run.trigger != Trigger.TEST,
        run.status == ExecutionStatus.COMPLETED,
        run.id >= Notice.execution_id,
    )
    waits = exists().where(schedule, _runs(), ReportSchedule.next_scheduled < now - OVERDUE)
    off = exists().where(schedule, ReportSchedule.paused_reason.is_not(None))
    refused = exists().where(MailServerState.stopped_at.is_not(None))
    healed = or_(
        exists().where(schedule, ReportSchedule.deleted_at.is_not(None)),
        and_(kind == NoticeKind.FAILED_RUN, well),
        and_(kind == NoticeKind.MISSED_RUN, Notice.execution_id.is_not(None), later),
        and_(kind == NoticeKind.MISSED_RUN, Notice.execution_id.is_(None), ~waits),
        and_(kind == NoticeKind.PAUSED_SCHEDULE, ~off),
        and_(kind == NoticeKind.MAIL_STOPPED, ~refused),
        and_(kind == NoticeKind.SUSPENDED_ADDRESS, Notice.key.not_in(suspended)),
        and_(kind.not_in(_LASTING), Notice.created_at < now - OLD),
    )
    session.execute(
        update(Notice)
        .where(Notice.closed_at.is_(None), healed)
        .values(closed_at=now)
        .execution_options(synchronize_session=False)
    )
