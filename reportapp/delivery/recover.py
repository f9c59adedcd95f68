"""Finds what got stuck, for whatever reason, and lets it go on or end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from reportapp.constants import DeliveryPhase, DeliveryStatus, ExecutionStatus, Reason
from reportapp.delivery.claims import record
from reportapp.delivery.policy import SERVER_PATIENCE, after_crash
from reportapp.extensions import rows_changed, transaction
from reportapp.models import ReportDelivery, ReportScheduleExecution
from reportapp.schedules.ledger import settle


@dataclass
class Recovered:
    """Deliveries whose sender vanished, deliveries given up, and executions ended."""

    claims: int = 0
    given_up: int = 0
    executions: int = 0


def recover(now: datetime) -> Recovered:
    """Look for claims that ran out, mails that waited too long for the mail server, and executions
    that nobody ended, at the aware instant `now`."""
    found = Recovered()
    with transaction() as session:
        found.claims = _recover_claims(session, now)
        found.given_up = _give_up(session, now)
        started = session.scalars(
            select(ReportScheduleExecution.id).where(
                ReportScheduleExecution.status == ExecutionStatus.STARTED
            )
        ).all()
        found.executions = len(settle(session, started, now))
    return found


def _recover_claims(session: Session, now: datetime) -> int:
    resend = current_app.config["AMBIGUOUS_DELIVERY"] == "resend"
    expired: Sequence[Any] = session.execute(
        select(ReportDelivery.id, ReportDelivery.claimed_by, ReportDelivery.phase).where(
            ReportDelivery.status == DeliveryStatus.SENDING, ReportDelivery.claimed_until < now
        )
    ).all()
    for delivery_id, owner, phase in expired:
        outcome = after_crash(phase is DeliveryPhase.DATA, now, resend=resend)
        record(session, delivery_id, owner, outcome)
    return len(expired)


def _give_up(session: Session, now: datetime) -> int:
    long_ago = select(ReportScheduleExecution.id).where(
        ReportScheduleExecution.started_at < now - SERVER_PATIENCE,
        ReportScheduleExecution.status == ExecutionStatus.STARTED,
    )
    given_up = session.execute(
        update(ReportDelivery)
        .where(
            ReportDelivery.status == DeliveryStatus.PENDING,
            ReportDelivery.reason == Reason.SERVER,
            ReportDelivery.execution_id.in_(long_ago),
        )
        .values(status=DeliveryStatus.FAILED, next_attempt_at=None)
        .execution_options(synchronize_session=False)
    )
    return rows_changed(given_up)
