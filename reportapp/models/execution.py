"""The ledger: every run and what became of every mail."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from reportapp.constants import DeliveryPhase, DeliveryStatus, ExecutionStatus, Reason, Trigger
from reportapp.extensions import Base
from reportapp.models.people import User
from reportapp.models.schedule import ReportSchedule
from reportapp.models.types import UtcDateTime, words

_SCHEDULED = text("trigger = 'schedule'")


class ReportScheduleExecution(Base):
    """One planned run of one schedule. Its counts are those of its ended deliveries."""

    __tablename__ = "report_schedule_execution"
    __table_args__ = (
        # One plan, one execution; somebody who presses "run now" may do so at any time.
        Index(
            "uq_report_schedule_execution_schedule_id_scheduled_for",
            "schedule_id",
            "scheduled_for",
            unique=True,
            sqlite_where=_SCHEDULED,
            postgresql_where=_SCHEDULED,
        ),
        Index(None, "schedule_id", "started_at"),
        Index(None, "status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("report_schedule.id"))
    #: The planned instant, which also decides the period; for a manual run, when it was asked for.
    scheduled_for: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The days covered, [period_start, period_end), in the schedule's zone.
    period_start: Mapped[date]
    period_end: Mapped[date]
    #: The local day that the run stands for, in the zone that the schedule had then.
    planned_day: Mapped[date]
    trigger: Mapped[Trigger] = mapped_column(words(Trigger, "trigger"))
    status: Mapped[ExecutionStatus] = mapped_column(words(ExecutionStatus, "status"))
    total_recipients: Mapped[int] = mapped_column(default=0)
    successful_sends: Mapped[int] = mapped_column(default=0)
    failed_sends: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    #: Mails that may or may not have left when a process died.
    unknown_sends: Mapped[int] = mapped_column(default=0)
    error_message: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    schedule: Mapped[ReportSchedule] = relationship()

    @property
    def duration(self) -> float | None:
        """Seconds from planning to the end of the last delivery; None while it runs."""
        if self.completed_at is None:
            return None
        return (self.completed_at - self.started_at).total_seconds()

    @property
    def success_rate(self) -> float | None:
        """Percent (0-100) of the mails that were to be sent which were; skipped ones were not to
        be. None when there were none."""
        due = self.total_recipients - self.skipped
        return 100.0 * self.successful_sends / due if due else None


class ReportDelivery(Base):
    """One execution x one recipient: a row of the ledger, and of the queue."""

    __tablename__ = "report_delivery"
    __table_args__ = (
        UniqueConstraint("execution_id", "recipient_id"),
        UniqueConstraint("message_id"),
        Index(None, "status", "next_attempt_at"),
        Index(None, "status", "claimed_until"),
        Index(None, "recipient_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    execution_id: Mapped[int] = mapped_column(ForeignKey("report_schedule_execution.id"))
    recipient_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    status: Mapped[DeliveryStatus] = mapped_column(words(DeliveryStatus, "status"))
    #: While `sending`: how far the attempt has come.
    phase: Mapped[DeliveryPhase | None] = mapped_column(words(DeliveryPhase, "phase"))
    reason: Mapped[Reason | None] = mapped_column(words(Reason, "reason"))
    #: Ended attempts; a crash before DATA or an unreachable server is not charged.
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: When a person last asked to send it again; None: it waits since its execution's start.
    requeued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The sender at work on it, and until when that is believed.
    claimed_by: Mapped[str | None] = mapped_column(String(80))
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Without angle brackets; the same on every attempt, so that a receiver can tell a repeat.
    message_id: Mapped[str] = mapped_column(String(255))
    #: The server's last words, or ours where it had none.
    smtp_reply: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: SHA-256 of the attachment that was sent, as 64 hex digits.
    artefact: Mapped[str | None] = mapped_column(String(64))

    execution: Mapped[ReportScheduleExecution] = relationship()
    recipient: Mapped[User] = relationship()
