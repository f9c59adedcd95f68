"""Claims on deliveries: taking them, keeping them alive, giving them back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread

from flask import Flask
from sqlalchemy import or_, select, update

from reportapp.clock import Clock
from reportapp.constants import DeliveryPhase, DeliveryStatus
from reportapp.delivery.policy import doubt
from reportapp.extensions import transaction
from reportapp.models import IS_PENDING, IS_SENDING, ReportDelivery

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """A delivery that this process has claimed."""

    id: int
    execution_id: int
    recipient_id: int
    message_id: str
    attempts: int
    #: The mail holds a link whatever the schedule says.
    as_link: bool
    #: Not None: it may have arrived before (see `policy.doubt`).
    doubt: str | None


def claim(owner: str, now: datetime, until: datetime, limit: int) -> list[Claim]:
    """Claim up to `limit` deliveries that may be sent at the aware instant `now`, the longest
    waiting first. The lease runs `until` then by the wall clock, whatever `now` is. Two owners
    never get the same one."""
    row = ReportDelivery
    due = (
        select(row.id)
        # What was taken from this owner by a person, or by a sweeper while its renewals failed, may
        # still be in the hands of one of its sessions: another takes it up.
        .where(
            IS_PENDING,
            row.next_attempt_at <= now,
            or_(row.claimed_by.is_(None), row.claimed_by != owner),
        )
        .order_by(row.next_attempt_at, row.id)
        .limit(limit)
        # PostgreSQL: locked, so that it still is so when it is taken; another process takes the
        # next ones instead of waiting for these. SQLite has only one writer at a time.
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    with transaction() as session:
        rows = session.execute(
            update(row)
            .where(row.id.in_(select(due.c.id)))
            .values(
                status=DeliveryStatus.SENDING,
                phase=DeliveryPhase.CLAIMED,
                claimed_by=owner,
                claimed_until=until,
            )
            .returning(
                row.next_attempt_at,
                row.id,
                row.execution_id,
                row.recipient_id,
                row.message_id,
                row.attempts,
                row.as_link,
                row.reason,
                row.smtp_reply,
            )
            .execution_options(synchronize_session=False)
        ).all()
    return [
        Claim(id_, run, who, message_id, attempts, as_link, doubt(reason, reply))
        for _at, id_, run, who, message_id, attempts, as_link, reason, reply in sorted(rows)
    ]


@contextmanager
def kept_alive(app: Flask, owner: str, wall: Clock, lease: timedelta) -> Iterator[None]:
    """Renews the owner's claims in the background, so that a lease may be short (a crash is noticed
    soon) although a slow mail server may take minutes for one mail."""
    done = Event()
    mine = (
        select(ReportDelivery.id)
        .where(IS_SENDING, ReportDelivery.claimed_by == owner)
        # What is just being written down is left for the next time: who locks many rows must not
        # wait for one who locks some of them.
        .with_for_update(skip_locked=True)
        .cte("mine")
    )

    def renew() -> None:
        while not done.wait(lease.total_seconds() / 3):
            try:
                with app.app_context(), transaction() as session:
                    session.execute(
                        update(ReportDelivery)
                        .where(ReportDelivery.id.in_(select(mine.c.id)))
                        .values(claimed_until=wall() + lease)
                        .execution_options(synchronize_session=False)
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
