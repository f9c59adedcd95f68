"""Standing orders and who receives them."""

from datetime import datetime, time

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from reportapp.constants import ExportFormat, Frequency, ReportType
from reportapp.extensions import Base
from reportapp.models.people import User
from reportapp.models.types import UtcDateTime, words


class ReportSchedule(Base):
    __tablename__ = "report_schedule"
    __table_args__ = (
        Index(None, "is_active", "next_scheduled"),
        Index(None, "created_by_id", "is_active"),
        CheckConstraint("day_of_week BETWEEN 1 AND 7", name="day_of_week"),
        CheckConstraint("day_of_month BETWEEN 1 AND 31", name="day_of_month"),
        CheckConstraint("frequency <> 'weekly' OR day_of_week IS NOT NULL", name="weekly_day"),
        CheckConstraint("frequency <> 'monthly' OR day_of_month IS NOT NULL", name="monthly_day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    report_type: Mapped[ReportType] = mapped_column(words(ReportType, "report_type"))
    frequency: Mapped[Frequency] = mapped_column(words(Frequency, "frequency"))
    #: 1 = Monday .. 7 = Sunday; for weekly ones.
    day_of_week: Mapped[int | None]
    #: 1-31, a day that the month lacks being its last; for monthly ones.
    day_of_month: Mapped[int | None]
    #: Local time in `time_zone`, whole minutes.
    time: Mapped[time]
    #: IANA name.
    time_zone: Mapped[str] = mapped_column(String(64))
    export_format: Mapped[ExportFormat] = mapped_column(words(ExportFormat, "export_format"))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    is_active: Mapped[bool] = mapped_column(default=True)
    #: When a run last ended with at least one mail sent.
    last_sent: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: When a run last ended for which a document was made.
    last_generated: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The next planned run; None while switched off.
    next_scheduled: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Set: gone for everybody, but for the ledger of what it sent.
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    created_by: Mapped[User] = relationship()


class ReportScheduleRecipient(Base):
    __tablename__ = "report_schedule_recipient"
    __table_args__ = (
        UniqueConstraint("schedule_id", "recipient_id"),
        UniqueConstraint("unsubscribe_token"),
        Index(None, "recipient_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("report_schedule.id"))
    recipient_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    is_subscribed: Mapped[bool] = mapped_column(default=True)
    unsubscribe_token: Mapped[str] = mapped_column(String(43))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    unsubscribed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Set: the author took this person off. The row stays, so that links in old mails go on
    #: working and a person who unsubscribed cannot be subscribed again by being re-added.
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    schedule: Mapped[ReportSchedule] = relationship()
    recipient: Mapped[User] = relationship()
