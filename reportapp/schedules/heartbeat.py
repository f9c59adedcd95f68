"""Whether anything is running the schedules."""

from datetime import datetime, timedelta

from sqlalchemy import func, select

from reportapp.extensions import db
from reportapp.models import SchedulerLease

#: The scheduler gives a sign of life every few seconds; after this long it is called stopped.
PATIENCE = timedelta(seconds=90)


def scheduler_runs(now: datetime) -> bool:
    """Whether some process has shown, within the last 90 s, that it runs the schedules."""
    seen = db.session.scalar(select(func.max(SchedulerLease.heartbeat_at)))
    return seen is not None and seen > now - PATIENCE
