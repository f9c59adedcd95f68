"""Runs that a person asks for, and what became of all runs."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, or_, select, update
from sqlalchemy.orm import Session

from reportapp.access import may_manage_schedule_of
from reportapp.constants import (
    DeliveryActionKind,
    DeliveryPhase,
    DeliveryStatus,
    ExecutionStatus,
    Reason,
    Resendable,
    Trigger,
)
from reportapp.documents import Period
from reportapp.errors import Conflict, Forbidden, NotFound
from reportapp.extensions import db, rows_changed, transaction
from reportapp.keys import plain_address
from reportapp.models import (
    IS_PENDING,
    IS_SENDING,
    DeliveryAction,
    ReportDelivery,
    ReportSchedule,
    ReportScheduleExecution,
    ReportScheduleRecipient,
    User,
)
from reportapp.schedules.find import get_schedule, lock_schedule
from reportapp.schedules.ledger import lock_execution, plan_execution, reopen, settle
from reportapp.schedules.reach import reachable
from reportapp.schedules.timing import covered_now

_SKIPPED = ReportDelivery.status == DeliveryStatus.SKIPPED
#: Which mails are of each kind. Whether what was skipped may be sent now is asked anew when it is.
RESENDABLE: dict[Resendable, ColumnElement[bool]] = {
    Resendable.FAILED: ReportDelivery.status == DeliveryStatus.FAILED,
    Resendable.UNKNOWN: ReportDelivery.status == DeliveryStatus.UNKNOWN,
    Resendable.CANCELLED: _SKIPPED & (ReportDelivery.reason == Reason.CANCELLED),
    Resendable.SKIPPED: _SKIPPED
    & ReportDelivery.reason.not_in((Reason.CANCELLED, Reason.UNSUBSCRIBED)),
}
#: What can be taken back: it has not begun to leave.
CANCELLABLE = or_(IS_PENDING, IS_SENDING & (ReportDelivery.phase == DeliveryPhase.CLAIMED))


@dataclass(frozen=True)
class Progress:
    """An execution and the present counts of its deliveries by status."""

    execution: ReportScheduleExecution
    counts: dict[DeliveryStatus, int]


def covered_if_run_now(
    actor: User, schedule_id: int, now: datetime
) -> tuple[Period, ReportScheduleExecution | None]:
    """The days that a run by hand would cover, and the latest run that covered the very same and
    sent mails. Raises NotFound."""
    period = covered_now(db.session(), get_schedule(actor, schedule_id), now)
    run = ReportScheduleExecution
    before = db.session.scalars(
        select(run)
        .where(
            run.schedule_id == schedule_id,
            run.trigger != Trigger.TEST,
            run.period_start == period.start,
            run.period_end == period.end,
            run.successful_sends > 0,
        )
        .order_by(run.started_at.desc())
        .limit(1)
    ).first()
    return period, before


def run_now(actor: User, schedule_id: int, now: datetime, *, message_domain: str) -> int:
    """Send the schedule's report to all its recipients now; the execution's id. It covers the days
    up to today and leaves the planned runs as they are.

    Raises NotFound, or Conflict while an earlier such run is still under way or when nobody
    would receive it.
    """
    schedule = get_schedule(actor, schedule_id)
    with transaction() as session:
        lock_schedule(session, schedule)
        running = session.scalar(
            select(ReportScheduleExecution.id).where(
                ReportScheduleExecution.schedule_id == schedule_id,
                ReportScheduleExecution.trigger == Trigger.MANUAL,
                ReportScheduleExecution.status == ExecutionStatus.STARTED,
            )
        )
        if running is not None:
            raise Conflict("A run is already under way; its mails are being sent.")
        execution_id, deliveries = plan_execution(
            session, schedule, now, Trigger.MANUAL, now, message_domain=message_domain
        )
        if not deliveries:
            raise Conflict("Nobody receives this schedule yet. Add a recipient first.")
    return execution_id


def send_test(
    actor: User, schedule_id: int, now: datetime, *, message_domain: str, email: str | None = None
) -> int:
    """Mail the actor what the actor would get as a recipient, marked as a test; the execution's
    id. `email`: the address of somebody else whom the schedule's author may send it to, and what
    they would get.

    Raises NotFound, Forbidden for any other address, or Conflict when the actor has no address or
    the other one has unsubscribed.
    """
    schedule = get_schedule(actor, schedule_id)
    if not actor.email and email is None:
        raise Conflict("Your account has no e-mail address to send the test to.")
    with transaction() as session:
        lock_schedule(session, schedule)
        person = actor if email is None else _tested(session, schedule, actor, email, now)
        execution_id, _ = plan_execution(
            session,
            schedule,
            now,
            Trigger.TEST,
            now,
            message_domain=message_domain,
            only=[person.id],
        )
    return execution_id


def _tested(
    session: Session, schedule: ReportSchedule, actor: User, email: str, now: datetime
) -> User:
    """Whom a test mail to this address is for."""
    address = plain_address(email)
    if address and address == actor.email:
        return actor
    person = session.scalar(reachable(schedule, now).where(User.email == address))
    if person is None:
        raise Forbidden("You may send a test to yourself, and to whom you may send this report.")
    left = select(ReportScheduleRecipient.id).where(
        ReportScheduleRecipient.schedule_id == schedule.id,
        ReportScheduleRecipient.recipient_id == person.id,
        ReportScheduleRecipient.is_subscribed.is_(False),
    )
    if session.scalar(left) is not None:
        raise Conflict(f"{person.name} has unsubscribed from this report.")
    return person


def list_executions(
    actor: User, schedule_id: int, limit: int = 10, offset: int = 0
) -> tuple[list[Progress], int]:
    """The schedule's runs, newest first, and how many there are. Raises NotFound."""
    schedule = get_schedule(actor, schedule_id)
    mine = ReportScheduleExecution.schedule_id == schedule.id
    total = db.session.scalar(select(func.count()).select_from(ReportScheduleExecution).where(mine))
    executions = db.session.scalars(
        select(ReportScheduleExecution)
        .where(mine)
        .order_by(ReportScheduleExecution.started_at.desc(), ReportScheduleExecution.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()
    counts: dict[int, dict[DeliveryStatus, int]] = {execution.id: {} for execution in executions}
    for execution_id, status, number in db.session.execute(
        select(ReportDelivery.execution_id, ReportDelivery.status, func.count())
        .where(ReportDelivery.execution_id.in_(counts))
        .group_by(ReportDelivery.execution_id, ReportDelivery.status)
    ):
        counts[execution_id][status] = number
    return [Progress(execution, counts[execution.id]) for execution in executions], total or 0


def get_execution(actor: User, execution_id: int) -> ReportScheduleExecution:
    """One run. Raises NotFound. Runs of deleted schedules can still be looked at."""
    execution = db.session.get(ReportScheduleExecution, execution_id)
    if execution is None or not may_manage_schedule_of(actor, execution.schedule.created_by):
        raise NotFound("There is no such run.")
    return execution


def look_at_execution(actor: User, execution_id: int) -> Progress:
    """One run with its present counts. Raises NotFound."""
    execution = get_execution(actor, execution_id)
    counts = db.session.execute(
        select(ReportDelivery.status, func.count())
        .where(ReportDelivery.execution_id == execution_id)
        .group_by(ReportDelivery.status)
    )
    return Progress(execution, {status: number for status, number in counts})  # noqa: C416 (rows)


def resend(
    actor: User,
    execution_id: int,
    now: datetime,
    *,
    delivery_id: int | None = None,
    kinds: Collection[Resendable] = (Resendable.FAILED, Resendable.UNKNOWN),
) -> int:
    """Send again, with the same Message-ID, those mails of the run that are of one of the `kinds`,
    or one such; how many. It is written down who did it.

    Raises NotFound, or Conflict when there is nothing of these kinds or nothing may be sent.
    """
    get_execution(actor, execution_id)
    row = ReportDelivery
    with transaction() as session:
        execution = lock_execution(session, execution_id)
        _refuse_if_off(session, execution)
        changed = session.execute(
            update(row)
            .where(*_those(execution_id, delivery_id), or_(*(RESENDABLE[kind] for kind in kinds)))
            .values(
                status=DeliveryStatus.PENDING,
                phase=None,
                # One that may have arrived remains so, until the mail server says yes.
                reason=case((row.status == DeliveryStatus.UNKNOWN, row.reason), else_=None),
                attempts=0,
                next_attempt_at=now,
                requeued_at=now,
            )
            .execution_options(synchronize_session=False)
        )
        number = rows_changed(changed)
        if not number:
            raise Conflict("There is nothing to send again.")
        reopen(session, execution)
        _write_down(
            session, DeliveryActionKind.RESEND, actor, execution_id, delivery_id, number, now
        )
    return number


def cancel(actor: User, execution_id: int, now: datetime, *, delivery_id: int | None = None) -> int:
    """Take back what has not left: all such mails of the run, or one; how many. The run ends when
    nothing else is open. It is written down who did it.

    Raises NotFound, or Conflict when everything has left, or is just leaving.
    """
    get_execution(actor, execution_id)
    row = ReportDelivery
    may_have_arrived = row.reason == Reason.AMBIGUOUS
    with transaction() as session:
        lock_execution(session, execution_id)
        waiting = (
            select(row.id)
            # A sender that is about to begin with one asks the very same row, and is refused. It
            # locks several in this order, too.
            .where(*_those(execution_id, delivery_id), CANCELLABLE)
            .order_by(row.id)
            .with_for_update()
            .cte("waiting")
        )
        taken_back = session.scalars(
            update(row)
            .where(row.id.in_(select(waiting.c.id)))
            .values(
                status=case(
                    (may_have_arrived, DeliveryStatus.UNKNOWN), else_=DeliveryStatus.SKIPPED
                ),
                reason=case((may_have_arrived, row.reason), else_=Reason.CANCELLED),
                phase=None,
                next_attempt_at=None,
                # `claimed_by` stays: that sender must not take it up once more.
                claimed_until=None,
            )
            .returning(row.id)
            .execution_options(synchronize_session=False)
        ).all()
        number = len(taken_back)
        if not number:
            raise Conflict("There is nothing left to take back: it has left, or is just leaving.")
        _write_down(
            session, DeliveryActionKind.CANCEL, actor, execution_id, delivery_id, number, now
        )
        settle(session, [execution_id], now)
    return number


def _refuse_if_off(session: Session, execution: ReportScheduleExecution) -> None:
    """The mails would only be skipped, each with that reason."""
    schedule = session.get_one(ReportSchedule, execution.schedule_id, populate_existing=True)
    if schedule.deleted_at is not None:
        raise Conflict("This schedule has been deleted; nothing of it is sent any more.")
    if execution.trigger is Trigger.SCHEDULE and not schedule.is_active:
        raise Conflict("This schedule is switched off. Switch it on first, then send again.")


def _those(execution_id: int, delivery_id: int | None) -> list[ColumnElement[bool]]:
    run = [ReportDelivery.execution_id == execution_id]
    return run if delivery_id is None else [*run, ReportDelivery.id == delivery_id]


def _write_down(
    session: Session,
    kind: DeliveryActionKind,
    actor: User,
    execution_id: int,
    delivery_id: int | None,
    number: int,
    now: datetime,
) -> None:
    session.add(
        DeliveryAction(
            execution_id=execution_id,
            delivery_id=delivery_id,
            kind=kind,
            number=number,
            actor_id=actor.id,
            at=now,
        )
    )
