"""Finds what got stuck, for whatever reason, and lets it go on or end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, and_, delete, func, or_, select, true, update
from sqlalchemy.orm import Session

from reportapp.clock import Clock
from reportapp.clock import now as wall_clock
from reportapp.constants import DeliveryPhase, DeliveryStatus, ExecutionStatus, Reason
from reportapp.delivery.policy import LONGEST_WAIT, PATIENCE, after_crash, doubt, in_doubt
from reportapp.delivery.record import record
from reportapp.extensions import rows_changed, transaction
from reportapp.models import (
    IS_PENDING,
    IS_SENDING,
    AccessChange,
    ReportDelivery,
    ReportScheduleExecution,
)
from reportapp.schedules.ledger import settle

#: Say by themselves why it has waited.
_TOLD = (Reason.SERVER, Reason.CONFIGURATION, Reason.TEMPORARY, Reason.ERROR)


#: Rows that are summed up for every mail at no cost.
_MANY_CHANGES = 100


@dataclass
class Recovered:
    """Deliveries whose sender vanished, deliveries given up, and executions ended."""

    claims: int = 0
    given_up: int = 0
    executions: int = 0


def recover(now: datetime, wall: Clock = wall_clock) -> Recovered:
    """Look for claims that ran out by the `wall` clock, and for mails that waited too long for the
    mail server and executions that nobody ended at the aware instant `now`."""
    found = Recovered()
    with transaction() as session:
        found.claims = _recover_claims(session, now, wall())
        found.given_up = _give_up(session, now)
        # A replay of another day does not tell what the time is.
        _bring_back(session, max(now, wall()))
    # Apart: whoever changes both locks the execution before its mails.
    with transaction() as session:
        started = session.scalars(
            select(ReportScheduleExecution.id).where(
                ReportScheduleExecution.status == ExecutionStatus.STARTED
            )
        ).all()
        found.executions = len(settle(session, started, now))
        _add_up(session)
    return found


def _add_up(session: Session) -> None:
    """PostgreSQL's rows of access changes become one; their sum stays."""
    if (session.scalar(select(func.count()).select_from(AccessChange)) or 0) <= _MANY_CHANGES:
        return
    gone = session.scalars(delete(AccessChange).returning(AccessChange.n)).all()
    session.add(AccessChange(n=sum(gone)))


def _recover_claims(session: Session, now: datetime, present: datetime) -> int:
    resend = current_app.config["AMBIGUOUS_DELIVERY"] == "resend"
    expired: Sequence[Any] = session.execute(
        select(
            ReportDelivery.id,
            ReportDelivery.claimed_by,
            ReportDelivery.phase,
            ReportDelivery.reason,
            ReportDelivery.smtp_reply,
        )
        .where(
            IS_SENDING,
            or_(
                ReportDelivery.claimed_until < present,
                # No lease is as long: a clock that was ahead has set it.
                ReportDelivery.claimed_until > present + LONGEST_WAIT,
            ),
        )
        # Else a sender could let the content leave after its phase was read here. One whose row is
        # locked is alive.
        .with_for_update(skip_locked=True)
    ).all()
    for delivery_id, owner, phase, reason, reply in expired:
        outcome = after_crash(phase is DeliveryPhase.DATA, now, resend=resend)
        record(session, delivery_id, owner, in_doubt(outcome, doubt(reason, reply)))
    return len(expired)


def _give_up(session: Session, now: datetime) -> int:
    """What has waited too long, for whatever reason, would only surprise. A person's asking again
    begins the patience anew. What may have arrived before does not become a plain failure."""
    limit = now - PATIENCE
    row = ReportDelivery
    long_ago = select(ReportScheduleExecution.id).where(
        ReportScheduleExecution.started_at < limit,
        ReportScheduleExecution.status == ExecutionStatus.STARTED,
    )
    number = 0
    for waiting, values in (
        (row.reason == Reason.AMBIGUOUS, {"status": DeliveryStatus.UNKNOWN}),
        (row.reason.in_(_TOLD), {"status": DeliveryStatus.FAILED}),
        (true(), {"status": DeliveryStatus.FAILED, "reason": Reason.TOO_LATE}),
    ):
        given_up = session.execute(
            update(row)
            .where(
                _free(
                    waiting,
                    or_(
                        row.requeued_at < limit,
                        and_(row.requeued_at.is_(None), row.execution_id.in_(long_ago)),
                    ),
                )
            )
            .values(next_attempt_at=None, **values)
            .execution_options(synchronize_session=False)
        )
        number += rows_changed(given_up)
    return number


def _bring_back(session: Session, now: datetime) -> None:
    """Attempts that a clock that was ahead has put off for longer than anything else does."""
    session.execute(
        update(ReportDelivery)
        .where(_free(ReportDelivery.next_attempt_at > now + LONGEST_WAIT))
        .values(next_attempt_at=now)
        .execution_options(synchronize_session=False)
    )


def _free(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of waiting mails, those that meet the conditions and that nobody is changing: whoever changes
    them locks several, and waiting for each other could go in a circle. The others have time until
    the next look."""
    row = ReportDelivery
    return row.id.in_(
        select(row.id).where(IS_PENDING, *conditions).with_for_update(skip_locked=True)
    )
