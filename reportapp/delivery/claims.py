"""Claims on deliveries: taking them, keeping them alive, writing down what became of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any

from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from reportapp.clock import Clock
from reportapp.constants import DeliveryPhase, DeliveryStatus, Reason
from reportapp.delivery.policy import Outcome, doubt
from reportapp.delivery.produce import Claim
from reportapp.delivery.standing import Standing, load_run
from reportapp.extensions import rows_changed, transaction
from reportapp.models import ReportDelivery, ReportScheduleExecution
from reportapp.schedules.ledger import reopen, settle

log = logging.getLogger(__name__)


def claim(owner: str, now: datetime, until: datetime, limit: int) -> list[Claim]:
    """Claim up to `limit` deliveries that may be sent at the aware instant `now`, the longest
    waiting first. The lease runs `until` then by the wall clock, whatever `now` is. Two owners
    never get the same one."""
    with transaction() as session:
        ids = session.scalars(
            select(ReportDelivery.id)
            .where(
                ReportDelivery.status == DeliveryStatus.PENDING,
                ReportDelivery.next_attempt_at <= now,
            )
            .order_by(ReportDelivery.next_attempt_at, ReportDelivery.id)
            .limit(limit)
        ).all()
        if not ids:
            return []
        session.execute(
            update(ReportDelivery)
            .where(ReportDelivery.id.in_(ids), ReportDelivery.status == DeliveryStatus.PENDING)
            .values(
                status=DeliveryStatus.SENDING,
                phase=DeliveryPhase.CLAIMED,
                claimed_by=owner,
                claimed_until=until,
            )
            .execution_options(synchronize_session=False)
        )
        rows = session.execute(
            select(
                ReportDelivery.id,
                ReportDelivery.execution_id,
                ReportDelivery.recipient_id,
                ReportDelivery.message_id,
                ReportDelivery.attempts,
                ReportDelivery.reason,
                ReportDelivery.smtp_reply,
            )
            .where(
                ReportDelivery.id.in_(ids),
                ReportDelivery.claimed_by == owner,
                ReportDelivery.status == DeliveryStatus.SENDING,
            )
            .order_by(ReportDelivery.next_attempt_at, ReportDelivery.id)
        )
        return [
            Claim(id_, execution_id, recipient_id, message_id, attempts, doubt(reason, reply))
            for id_, execution_id, recipient_id, message_id, attempts, reason, reply in rows
        ]


@contextmanager
def kept_alive(app: Flask, owner: str, wall: Clock, lease: timedelta) -> Iterator[None]:
    """Renews the owner's claims in the background, so that a lease may be short (a crash is noticed
    soon) although a slow mail server may take minutes for one mail."""
    done = Event()

    def renew() -> None:
        while not done.wait(lease.total_seconds() / 3):
            try:
                with app.app_context(), transaction() as session:
                    session.execute(
                        update(ReportDelivery)
                        .where(
                            ReportDelivery.claimed_by == owner,
                            ReportDelivery.status == DeliveryStatus.SENDING,
                        )
                        .values(claimed_until=wall() + lease)
                    )
            except Exception:
                log.exception("claims of %s could not be renewed", owner)

    thread = Thread(target=renew, name="claims", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@dataclass
class Recorder:
    """Writes down what became of the owner's claims. An outcome is kept until the next mail's phase
    is committed and goes with it: one commit per mail."""

    owner: str
    clock: Clock
    _waiting: list[tuple[Claim, Outcome]] = field(default_factory=list)

    def note(self, claim: Claim, outcome: Outcome) -> None:
        self._waiting.append((claim, outcome))

    def may_send(self, claim: Claim, standing: Standing) -> bool:
        """Commit, just before the mail's content leaves, that from now on the server may have it.

        False: not this mail, since the claim is no longer ours, or since the mail was made for
        another standing than the present one; then `finish` gives it back, to be made anew or
        skipped.
        """
        with self._writing() as session:
            run = load_run(session, claim.execution_id, [claim.recipient_id], self.clock())
            if run.standings[claim.recipient_id] != standing:
                log.info("delivery %s goes back: things have changed", claim.id)
                return False
            moved = session.execute(
                update(ReportDelivery)
                .where(
                    ReportDelivery.id == claim.id,
                    ReportDelivery.claimed_by == self.owner,
                    ReportDelivery.status == DeliveryStatus.SENDING,
                )
                .values(phase=DeliveryPhase.DATA)
                .execution_options(synchronize_session=False)
            )
            if rows_changed(moved) != 1:
                log.warning("delivery %s was taken over by another process", claim.id)
                return False
            return True

    def finish(self, executions: set[int], pause: Outcome | None = None) -> None:
        """Write what is still kept, give back what was not begun (with the `pause` that the mail
        server's trouble asks for), and end the executions that have nothing open."""
        give_back = (
            update(ReportDelivery)
            .where(
                ReportDelivery.claimed_by == self.owner,
                ReportDelivery.status == DeliveryStatus.SENDING,
                ReportDelivery.phase == DeliveryPhase.CLAIMED,
            )
            .values(status=DeliveryStatus.PENDING, phase=None, claimed_by=None, claimed_until=None)
            .execution_options(synchronize_session=False)
        )
        with self._writing() as session:
            if pause is not None:
                # What may have arrived before keeps its own words.
                session.execute(
                    give_back.where(ReportDelivery.reason == Reason.AMBIGUOUS).values(
                        next_attempt_at=pause.next_attempt_at
                    )
                )
                give_back = give_back.values(
                    reason=pause.reason,
                    smtp_reply=pause.reply,
                    next_attempt_at=pause.next_attempt_at,
                )
            session.execute(give_back)
            settle(session, executions, self.clock())

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """A transaction that writes what is kept; if it fails, everything is still kept."""
        kept = len(self._waiting)
        with transaction() as session:
            for claim, outcome in self._waiting:
                written = record(session, claim.id, self.owner, outcome)
                if not written and outcome.status is DeliveryStatus.SENT:
                    _record_late(session, claim, outcome)
            yield session
        del self._waiting[:kept]


def record(session: Session, delivery_id: int, owner: str | None, outcome: Outcome) -> bool:
    """Write an outcome onto a claimed delivery, if it is still the owner's."""
    written = session.execute(
        update(ReportDelivery)
        .where(
            ReportDelivery.id == delivery_id,
            ReportDelivery.claimed_by == owner,
            ReportDelivery.status == DeliveryStatus.SENDING,
        )
        .values(_values(outcome))
        .execution_options(synchronize_session=False)
    )
    return rows_changed(written) == 1


def _record_late(session: Session, claim: Claim, outcome: Outcome) -> None:
    """The claim was taken from us while the server was thinking, but its yes stands, unless
    somebody has begun to send the mail again."""
    # The execution first, as in `resend`: then the two see each other's work.
    execution = session.get_one(
        ReportScheduleExecution, claim.execution_id, with_for_update=True, populate_existing=True
    )
    written = session.execute(
        update(ReportDelivery)
        .where(
            ReportDelivery.id == claim.id,
            ReportDelivery.status.in_((DeliveryStatus.UNKNOWN, DeliveryStatus.PENDING)),
            ReportDelivery.reason == Reason.AMBIGUOUS,
        )
        .values(_values(outcome))
        .execution_options(synchronize_session=False)
    )
    if rows_changed(written) == 1:
        reopen(session, execution)


def _values(outcome: Outcome) -> dict[str, Any]:
    values: dict[str, Any] = {
        "status": outcome.status,
        "phase": None,
        "reason": outcome.reason,
        "smtp_reply": outcome.reply,
        "next_attempt_at": outcome.next_attempt_at,
        "sent_at": outcome.sent_at,
        "artefact": outcome.artefact,
        "claimed_by": None,
        "claimed_until": None,
    }
    if outcome.charged:
        values["attempts"] = ReportDelivery.attempts + 1
    return values
