"""The ledger: every run and what became of every mail."""

from datetime import date, datetime

from sqlalchemy import (
    JSON,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from reportapp.constants import (
    ARRIVING_DELIVERIES,
    DeliveryActionKind,
    DeliveryPhase,
    DeliveryStatus,
    ExecutionStatus,
    Reason,
    ReportType,
    Trigger,
)
from reportapp.extensions import Base
from reportapp.models.people import User
from reportapp.models.schedule import ReportSchedule
from reportapp.models.types import UtcDateTime, words

_SCHEDULED = text("trigger = 'schedule'")
_PENDING = text("status = 'pending'")
_SENDING = text("status = 'sending'")
_OPEN = text("status IN ('pending', 'sending')")
_WITH_FILE = text("report_file_id IS NOT NULL")


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
    def sent_nothing(self) -> bool:
        """Whether it has ended well and no mail has left: all were skipped or taken back, or nobody
        was on it."""
        return self.status is ExecutionStatus.COMPLETED and not self.successful_sends

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
        # Of open ones only: few, whatever the ledger has come to.
        Index(
            "ix_report_delivery_pending",
            "next_attempt_at",
            "id",
            sqlite_where=_PENDING,
            postgresql_where=_PENDING,
        ),
        Index(
            "ix_report_delivery_sending",
            "claimed_until",
            sqlite_where=_SENDING,
            postgresql_where=_SENDING,
        ),
        Index(
            "ix_report_delivery_open",
            "execution_id",
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index(None, "recipient_id"),
        # For taking files away, which looks for the deliveries that have each.
        Index(
            "ix_report_delivery_report_file_id",
            "report_file_id",
            sqlite_where=_WITH_FILE,
            postgresql_where=_WITH_FILE,
        ),
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
    #: SHA-256 of the file that was sent or linked to, as 64 hex digits.
    artefact: Mapped[str | None] = mapped_column(String(64))
    #: What is known of that file.
    report_file_id: Mapped[int | None] = mapped_column(ForeignKey("report_file.id"))
    #: The mail holds a link to the file, whatever the schedule says: the file is too large.
    as_link: Mapped[bool] = mapped_column(default=False, server_default=false())
    #: When a link that works once was used.
    fetched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    execution: Mapped[ReportScheduleExecution] = relationship()
    recipient: Mapped[User] = relationship()
    report_file: Mapped["ReportFile | None"] = relationship()

    @property
    def may_have_arrived(self) -> bool:
        """Whether its mail, with its file, is or may be in somebody's inbox."""
        return self.status in ARRIVING_DELIVERIES or (
            self.status is DeliveryStatus.PENDING and self.reason is Reason.AMBIGUOUS
        )


#: In the very words of the partial indexes: with bound parameters these would not be used.
IS_BY_PLAN = ReportScheduleExecution.__table__.c.trigger == literal_column("'schedule'")
IS_PENDING = ReportDelivery.status == literal_column("'pending'")
IS_SENDING = ReportDelivery.status == literal_column("'sending'")
IS_OPEN = ReportDelivery.status.in_((literal_column("'pending'"), literal_column("'sending'")))


class ReportFile(Base):
    """A file that was sent, kept in `instance/artefacts` under its SHA-256, and whom it is about:
    who may see them all may have it."""

    __tablename__ = "report_file"
    __table_args__ = (
        UniqueConstraint("sha256", "scope_digest"),
        Index(None, "last_used_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Of its bytes, as 64 hex digits.
    sha256: Mapped[str] = mapped_column(String(64))
    #: SHA-256 of `report_type` and `pairs`.
    scope_digest: Mapped[str] = mapped_column(String(64))
    report_type: Mapped[ReportType] = mapped_column(words(ReportType, "report_type"))
    #: [[student id, class or tutor id], …], rising: the scope of its document.
    pairs: Mapped[list[list[int]]] = mapped_column(JSON)
    name: Mapped[str] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(100))
    #: Bytes.
    size: Mapped[int]
    #: When it last became part of a mail; it is removed ARTEFACT_DAYS later.
    last_used_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DeliveryAction(Base):
    """What a person has done to a run, or to one of its mails: the ledger's answer to who."""

    __tablename__ = "delivery_action"
    __table_args__ = (Index(None, "execution_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    execution_id: Mapped[int] = mapped_column(ForeignKey("report_schedule_execution.id"))
    #: One mail; None: all of the run that it could be done to.
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("report_delivery.id"))
    kind: Mapped[DeliveryActionKind] = mapped_column(words(DeliveryActionKind, "kind"))
    #: How many mails it was done to.
    number: Mapped[int]
    actor_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    actor: Mapped[User] = relationship()
