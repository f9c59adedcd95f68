"""Claims on deliveries: taking them, keeping them alive, giving them back."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Thread

from flask import Flask
from sqlalchemy import bindparam, or_, select, update

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


#: Made once, since making them costs more than running them.
_DUE = (
    select(ReportDelivery.id)
    # What was taken from this owner by a person, or by a sweeper while its renewals failed, may
    # still be in the hands of one of its sessions: another takes it up.
    .where(
        IS_PENDING,
        ReportDelivery.next_attempt_at <= bindparam("now"),
        or_(
            ReportDelivery.claimed_by.is_(None),
            ReportDelivery.claimed_by != bindparam("owner"),
        ),
    )
    .order_by(ReportDelivery.next_attempt_at, ReportDelivery.id)
    .limit(bindparam("number"))
    # PostgreSQL: locked, so that it still is so when it is taken; another process takes the
    # next ones instead of waiting for these. SQLite has only one writer at a time.
    .with_for_update(skip_locked=True)
    .cte("due")
)
_CLAIM = (
    update(ReportDelivery)
    .where(ReportDelivery.id.in_(select(_DUE.c.id)))
    .values(
        status=DeliveryStatus.SENDING,
        phase=DeliveryPhase.CLAIMED,
        claimed_by=bindparam("owner"),
        claimed_until=bindparam("until"),
    )
    .returning(
        ReportDelivery.next_attempt_at,
        ReportDelivery.id,
        ReportDelivery.execution_id,
        ReportDelivery.recipient_id,
        ReportDelivery.message_id,
        ReportDelivery.attempts,
        ReportDelivery.as_link,
        ReportDelivery.reason,
        ReportDelivery.smtp_reply,
    )
    .execution_options(synchronize_session=False)
)


def claim(owner: str, now: datetime, until: datetime, limit: int) -> list[Claim]:
    """Claim up to `limit` deliveries that may be sent at the aware instant `now`, the longest
    waiting first. The lease runs `until` then by the wall clock, whatever `now` is. Two owners
    never get the same one."""
    values = {"owner": owner, "now": now, "until": until, "number": limit}
    with transaction() as session:
        # Past the session, whose part would take longer than the database's.
        rows = session.connection().execute(_CLAIM, values).all()
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
