"""Runs that a person asks for, and what became of all runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from reportapp.access import may_manage_schedule_of
from reportapp.constants import (
    RESENDABLE_DELIVERIES,
    DeliveryStatus,
    ExecutionStatus,
    Trigger,
)
from reportapp.errors import Conflict, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import (
    ReportDelivery,
    ReportScheduleExecution,
    User,
)
from reportapp.schedules.find import get_schedule, lock_schedule
from reportapp.schedules.ledger import plan_execution, reopen


@dataclass(frozen=True)
class Progress:
    """An execution and the present counts of its deliveries by status."""

    execution: ReportScheduleExecution
    counts: dict[DeliveryStatus, int]


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


def send_test(actor: User, schedule_id: int, now: datetime, *, message_domain: str) -> int:
    """Mail the actor what the actor would get as a recipient, marked as a test; the execution's
    id. Raises NotFound, or Conflict when the actor has no address."""
    schedule = get_schedule(actor, schedule_id)
    if not actor.email:
        raise Conflict("Your account has no e-mail address to send the test to.")
    with transaction() as session:
        lock_schedule(session, schedule)
        execution_id, _ = plan_execution(
            session,
            schedule,
            now,
            Trigger.TEST,
            now,
            message_domain=message_domain,
            only=[actor.id],
        )
    return execution_id


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


def get_execution(
    actor: User, execution_id: int
) -> tuple[ReportScheduleExecution, Sequence[ReportDelivery]]:
    """One run and all its deliveries, by the recipients' names. Raises NotFound. Runs of deleted
    schedules can still be looked at."""
    execution = db.session.get(ReportScheduleExecution, execution_id)
    if execution is None or not may_manage_schedule_of(actor, execution.schedule.created_by):
        raise NotFound("There is no such run.")
    deliveries = db.session.scalars(
        select(ReportDelivery)
        .join(User, User.id == ReportDelivery.recipient_id)
        .where(ReportDelivery.execution_id == execution_id)
        .options(joinedload(ReportDelivery.recipient))
        .order_by(User.family_name, User.given_name, User.id)
    ).all()
    return execution, deliveries


def resend(actor: User, execution_id: int, now: datetime, *, delivery_id: int | None = None) -> int:
    """Send again, with the same Message-ID, what failed or may not have arrived: one delivery, or
    all such of the run; how many. Raises NotFound, or Conflict when there is nothing to resend."""
    get_execution(actor, execution_id)
    with transaction() as session:
        execution = session.get_one(
            ReportScheduleExecution, execution_id, with_for_update=True, populate_existing=True
        )
        query = select(ReportDelivery).where(
            ReportDelivery.execution_id == execution_id,
            ReportDelivery.status.in_(RESENDABLE_DELIVERIES),
        )
        if delivery_id is not None:
            query = query.where(ReportDelivery.id == delivery_id)
        deliveries = session.scalars(query).all()
        if not deliveries:
            raise Conflict("There is nothing to send again.")
        for delivery in deliveries:
            if delivery.status is not DeliveryStatus.UNKNOWN:
                # One that may have arrived remains so, until the mail server says yes.
                delivery.reason = None
            delivery.status = DeliveryStatus.PENDING
            delivery.phase = None
            delivery.attempts = 0
            delivery.next_attempt_at = delivery.requeued_at = now
        reopen(session, execution)
    return len(deliveries)
