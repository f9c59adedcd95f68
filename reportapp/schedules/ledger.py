"""The ledger's writing side: an execution with its deliveries, and its honest end."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, func, insert, select, update
from sqlalchemy.orm import Session

from reportapp.constants import (
    OPEN_DELIVERIES,
    DeliveryStatus,
    ExecutionStatus,
    Reason,
    Trigger,
)
from reportapp.documents import Period
from reportapp.models import (
    IS_OPEN,
    ReportDelivery,
    ReportSchedule,
    ReportScheduleAudience,
    ReportScheduleExecution,
    ReportScheduleRecipient,
)
from reportapp.schedules.notices import tell_of_end, tell_of_missed
from reportapp.schedules.reach import is_on, members
from reportapp.schedules.timing import AnySchedule, covered_by, day_of, plan_for_now, rule_of
from reportapp.tokens import new_message_key, new_unsubscribe_token

# Statements are made once, since making them costs more than running them, and of the tables, since
# what SQLAlchemy does for classes takes as long again.
_SCHEDULE: Any = ReportSchedule.__table__
_AUDIENCE: Any = ReportScheduleAudience.__table__
_ROW: Any = ReportScheduleRecipient.__table__
#: Where there are none, one of nobody, so that one question is enough.
_ROWS = (
    select(
        _ROW.c.recipient_id,
        _ROW.c.is_subscribed,
        _ROW.c.is_direct,
        _ROW.c.removed_at,
        exists().where(_AUDIENCE.c.schedule_id == bindparam("schedule")).label("has_audiences"),
    )
    .select_from(_SCHEDULE.outerjoin(_ROW, _ROW.c.schedule_id == _SCHEDULE.c.id))
    .where(_SCHEDULE.c.id == bindparam("schedule"))
    .order_by(_ROW.c.id)
)
_EXECUTION: Any = ReportScheduleExecution.__table__
_DELIVERY: Any = ReportDelivery.__table__
_NEW_EXECUTION = insert(_EXECUTION).returning(_EXECUTION.c.id)
_NEW_DELIVERIES = insert(_DELIVERY)


def plan_execution(
    session: Session,
    schedule: AnySchedule,
    scheduled_for: datetime,
    trigger: Trigger,
    now: datetime,
    *,
    message_domain: str,
    only: Collection[int] | None = None,
    remark: str | None = None,
    period: Period | None = None,
) -> tuple[int, int]:
    """Write one execution and a delivery for everybody on the schedule by name or as a member of
    its audiences, in the caller's transaction; (execution id, deliveries). Who has unsubscribed is
    skipped at once, with the reason. `only`: these user ids instead of the recipients.
    `message_domain`: the domain of the Message-IDs. `remark`: a plain sentence for the ledger.
    `period`: the days it covers, where they are known."""
    planned = scheduled_for
    if trigger is not Trigger.SCHEDULE:
        planned = plan_for_now(session, schedule, scheduled_for)
    period = period or covered_by(session, schedule, planned)
    if only is not None:
        subscribed = [(user_id, True) for user_id in only]
    else:
        subscribed = _on_the_list(session, schedule, now)
    execution_id = session.execute(
        _NEW_EXECUTION,
        {
            "schedule_id": schedule.id,
            "scheduled_for": scheduled_for,
            "period_start": period.start,
            "period_end": period.end,
            "planned_day": day_of(rule_of(schedule), planned),
            "trigger": trigger,
            "status": ExecutionStatus.STARTED,
            "total_recipients": len(subscribed),
            "started_at": now,
            "error_message": remark,
        },
    ).scalar_one()
    if subscribed:
        session.execute(
            _NEW_DELIVERIES,
            [
                {
                    "execution_id": execution_id,
                    "recipient_id": user_id,
                    "status": DeliveryStatus.PENDING if wanted else DeliveryStatus.SKIPPED,
                    "reason": None if wanted else Reason.UNSUBSCRIBED,
                    "next_attempt_at": now if wanted else None,
                    "message_id": f"{new_message_key()}@{message_domain}",
                }
                for user_id, wanted in subscribed
            ],
        )
    if not any(wanted for _, wanted in subscribed):
        settle(session, [execution_id], now)
    return execution_id, len(subscribed)


def record_missed(
    session: Session, schedule: AnySchedule, planned: datetime, now: datetime, *, remark: str
) -> None:
    """Write down, in the caller's transaction, a run that was not made and will not be."""
    period = covered_by(session, schedule, planned)
    execution = ReportScheduleExecution(
        schedule_id=schedule.id,
        scheduled_for=planned,
        period_start=period.start,
        period_end=period.end,
        planned_day=day_of(rule_of(schedule), planned),
        trigger=Trigger.SCHEDULE,
        status=ExecutionStatus.MISSED,
        started_at=now,
        completed_at=now,
        error_message=remark,
    )
    session.add(execution)
    session.flush()
    tell_of_missed(session, schedule, execution, now)


def _on_the_list(session: Session, schedule: AnySchedule, now: datetime) -> list[tuple[int, bool]]:
    """Who is on the schedule by name or belongs to its audiences, and whether they are subscribed.
    New members get their row, which keeps their subscription, now."""
    mine = {"schedule": schedule.id}
    rows = session.execute(_ROWS, mine).all()
    belongs: Collection[int] = ()
    if rows[0].has_audiences:
        belongs = members(session, session.get_one(ReportSchedule, schedule.id), now)
    new = [
        {
            "schedule_id": schedule.id,
            "recipient_id": user_id,
            "is_direct": False,
            "unsubscribe_token": new_unsubscribe_token(),
            "added_at": now,
        }
        for user_id in sorted(set(belongs) - {row.recipient_id for row in rows})
    ]
    if new:
        session.execute(insert(_ROW), new)
        rows = session.execute(_ROWS, mine).all()
    return [
        (row.recipient_id, row.is_subscribed)
        for row in rows
        if row.recipient_id is not None and is_on(row, row.recipient_id in belongs)
    ]


def lock_execution(session: Session, execution_id: int) -> ReportScheduleExecution:
    """The execution, locked before its deliveries, as everybody does it who changes both: then they
    see each other's work."""
    return session.get_one(
        ReportScheduleExecution, execution_id, with_for_update=True, populate_existing=True
    )


def settle(session: Session, execution_ids: Collection[int], now: datetime) -> list[int]:
    """End those executions whose last delivery has ended, with true counts, in the caller's
    transaction; the ids of those that ended."""
    # Most have something open and need not be counted.
    execution_ids = session.scalars(
        select(ReportScheduleExecution.id).where(
            ReportScheduleExecution.id.in_(execution_ids),
            ~exists().where(ReportDelivery.execution_id == ReportScheduleExecution.id, IS_OPEN),
        )
    ).all()
    # Locked before they are counted: otherwise a delivery that a person sends again meanwhile would
    # be left open in an ended execution.
    executions = {
        execution.id: execution
        for execution in session.scalars(
            select(ReportScheduleExecution)
            .where(
                ReportScheduleExecution.id.in_(execution_ids),
                ReportScheduleExecution.status == ExecutionStatus.STARTED,
            )
            .order_by(ReportScheduleExecution.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    counts: dict[int, dict[DeliveryStatus, int]] = {id_: defaultdict(int) for id_ in executions}
    for execution_id, status, number in session.execute(
        select(ReportDelivery.execution_id, ReportDelivery.status, func.count())
        .where(ReportDelivery.execution_id.in_(counts))
        .group_by(ReportDelivery.execution_id, ReportDelivery.status)
    ):
        counts[execution_id][status] = number
    ended = [id_ for id_, found in counts.items() if not any(found.get(s) for s in OPEN_DELIVERIES)]
    # In the schedules' order, since ending locks them, too.
    for id_ in sorted(ended, key=lambda id_: executions[id_].schedule_id):
        _end(session, executions[id_], counts[id_], now)
    return ended


def _end(
    session: Session,
    execution: ReportScheduleExecution,
    counts: dict[DeliveryStatus, int],
    now: datetime,
) -> None:
    execution.successful_sends = counts[DeliveryStatus.SENT]
    execution.failed_sends = counts[DeliveryStatus.FAILED]
    execution.skipped = counts[DeliveryStatus.SKIPPED]
    execution.unknown_sends = counts[DeliveryStatus.UNKNOWN]
    execution.status = _outcome(counts)
    execution.completed_at = now
    words = f"{execution.error_message or ''} {_ending(execution)}".strip()
    execution.error_message = words or None
    if execution.trigger is Trigger.TEST:
        return  # The schedule's recipients got nothing.
    if execution.trigger is Trigger.SCHEDULE:
        tell_of_end(session, execution, now)
    made = execution.successful_sends + execution.failed_sends + execution.unknown_sends
    if made:
        values = {"last_generated": now}
        if execution.successful_sends:
            values["last_sent"] = now
        session.execute(
            update(ReportSchedule).where(ReportSchedule.id == execution.schedule_id).values(values)
        )


def _outcome(counts: dict[DeliveryStatus, int]) -> ExecutionStatus:
    """Skipped mails were not to be sent, so they spoil nothing."""
    not_sent = counts[DeliveryStatus.FAILED] + counts[DeliveryStatus.UNKNOWN]
    if not not_sent:
        return ExecutionStatus.COMPLETED
    if counts[DeliveryStatus.SENT] or counts[DeliveryStatus.UNKNOWN]:
        return ExecutionStatus.PARTIAL
    return ExecutionStatus.FAILED


def _ending(execution: ReportScheduleExecution) -> str:
    """What its end adds to an execution's message, from its counts."""
    sentences = [
        _sentence(execution.failed_sends, "could not be delivered"),
        _sentence(execution.unknown_sends, "may or may not have arrived"),
        None if execution.total_recipients else "The schedule had no recipients.",
    ]
    return " ".join(filter(None, sentences))


def _sentence(number: int, fate: str) -> str | None:
    if not number:
        return None
    return f"{number} {'mail' if number == 1 else 'mails'} {fate}."


def reopen(session: Session, execution: ReportScheduleExecution) -> None:
    """Take back an execution's end, since one of its deliveries has not come to its own. What its
    planning remarked stays."""
    remark = (execution.error_message or "").removesuffix(_ending(execution)).strip()
    execution.error_message = remark or None
    execution.status = ExecutionStatus.STARTED
    execution.completed_at = None
    session.flush()
