"""Whether anything is running the schedules."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from reportapp.extensions import db
from reportapp.models import LET_GO, SchedulerLease

#: The scheduler gives a sign of life every few seconds; after this long it is called stopped.
PATIENCE = timedelta(minutes=5)


def scheduler_runs(now: datetime) -> bool:
    """Whether some process has shown, within the last 5 minutes, that it runs the schedules, and
    has not stopped on purpose since."""
    lease = SchedulerLease
    seen = db.session.scalar(select(func.max(lease.heartbeat_at)).where(lease.expires_at > LET_GO))
    return seen is not None and seen > now - PATIENCE
