"""The lease: among all processes on one database, one runs the jobs."""

from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlalchemy.exc import IntegrityError

from reportapp.extensions import rows_changed, transaction
from reportapp.models import LET_GO, SchedulerLease

NAME = "scheduler"
#: Clocks do not differ by so much: a holder who was there later than that had a wrong one.
_WRONG = timedelta(minutes=5)


def hold_lease(holder: str, now: datetime, lasting: timedelta) -> bool:
    """Take or renew the lease until `now` + `lasting`; False while somebody else holds it."""
    values = {"holder": holder, "heartbeat_at": now, "expires_at": now + lasting}
    with transaction() as session:
        taken = session.execute(
            update(SchedulerLease)
            .where(
                SchedulerLease.name == NAME,
                or_(
                    SchedulerLease.holder == holder,
                    SchedulerLease.expires_at < now,
                    SchedulerLease.heartbeat_at > now + _WRONG,
                ),
            )
            .values(values)
            .execution_options(synchronize_session=False)
        )
        if rows_changed(taken):
            return True
    return _first_lease(values)


def _first_lease(values: dict[str, object]) -> bool:
    """Nobody has ever held it: the first to insert the row does."""
    try:
        with transaction() as session:
            if session.get(SchedulerLease, NAME) is not None:
                return False
            session.add(SchedulerLease(name=NAME, **values))
    except IntegrityError:
        return False
    return True


def let_go(holder: str) -> None:
    """Give the lease back, so that another process need not wait for its end. When the holder was
    last there, stays known."""
    with transaction() as session:
        session.execute(
            update(SchedulerLease)
            .where(SchedulerLease.name == NAME, SchedulerLease.holder == holder)
            .values(expires_at=LET_GO)
            .execution_options(synchronize_session=False)
        )
