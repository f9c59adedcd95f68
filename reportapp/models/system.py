"""The scheduler's own tables: who runs it, and APScheduler's job store."""

from datetime import datetime

from sqlalchemy import Column, Float, LargeBinary, String, Table, Unicode
from sqlalchemy.orm import Mapped, mapped_column

from reportapp.extensions import Base
from reportapp.models.types import UtcDateTime


class SchedulerLease(Base):
    """One row: the process that runs the periodic jobs, and until when others must wait."""

    __tablename__ = "scheduler_lease"

    name: Mapped[str] = mapped_column(String(30), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80))
    heartbeat_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


# As APScheduler 3.11's SQLAlchemyJobStore defines it; here so that migrations make it.
apscheduler_jobs = Table(
    "apscheduler_jobs",
    Base.metadata,
    Column("id", Unicode(191), primary_key=True),
    Column("next_run_time", Float(25), index=True),
    Column("job_state", LargeBinary, nullable=False),
)
