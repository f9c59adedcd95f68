"""Standing orders and who receives them."""

from datetime import date, datetime, time

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from reportapp.constants import (
    AudienceKind,
    ClosedDays,
    DeliveryMode,
    ExportFormat,
    Frequency,
    LinkAccess,
    MonthMode,
    PeriodKind,
    ReportType,
    WhenEmpty,
)
from reportapp.extensions import Base
from reportapp.models.people import User
from reportapp.models.school import ClassGroup
from reportapp.models.types import UtcDateTime, words


class ReportSchedule(Base):
    __tablename__ = "report_schedule"
    __table_args__ = (
        Index(None, "is_active", "next_scheduled"),
        Index(None, "created_by_id", "is_active"),
        CheckConstraint("day_of_week BETWEEN 1 AND 7", name="day_of_week"),
        CheckConstraint("day_of_month BETWEEN 1 AND 31", name="day_of_month"),
        CheckConstraint("frequency <> 'weekly' OR day_of_week IS NOT NULL", name="weekly_day"),
        CheckConstraint(
            "frequency <> 'monthly' OR month_mode <> 'day' OR day_of_month IS NOT NULL",
            name="monthly_day",
        ),
        CheckConstraint("frequency <> 'cron' OR cron IS NOT NULL", name="cron_rule"),
        CheckConstraint("interval BETWEEN 1 AND 52", name="interval"),
        CheckConstraint("end_date >= start_date", name="dates_in_order"),
        CheckConstraint("max_runs > 0", name="max_runs"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    report_type: Mapped[ReportType] = mapped_column(words(ReportType, "report_type"))
    frequency: Mapped[Frequency] = mapped_column(words(Frequency, "frequency"))
    #: 1 = Monday .. 7 = Sunday: the first of `days_of_week`.
    day_of_week: Mapped[int | None]
    #: The weekdays' digits, rising: "135". Several for weekly ones, one for "the first Monday".
    days_of_week: Mapped[str] = mapped_column(String(7), default="")
    #: Every so many weeks, counted from that of `start_date`; for weekly ones.
    interval: Mapped[int] = mapped_column(default=1)
    #: 1-31, a day that the month lacks being its last; for monthly ones.
    day_of_month: Mapped[int | None]
    #: By what a monthly one counts.
    month_mode: Mapped[MonthMode] = mapped_column(
        words(MonthMode, "month_mode"), default=MonthMode.DAY
    )
    #: The 1st to 4th, or -1, the last: weekday or school day of the month.
    nth: Mapped[int] = mapped_column(default=1)
    #: Five fields; for cron ones.
    cron: Mapped[str | None] = mapped_column(String(100))
    #: The first and the last day on which it may run, and the first one after a pause.
    start_date: Mapped[date | None]
    end_date: Mapped[date | None]
    paused_until: Mapped[date | None]
    #: After so many runs of its own it has ended.
    max_runs: Mapped[int | None]
    #: What becomes of a run that falls on a day without school.
    closed_days: Mapped[ClosedDays] = mapped_column(
        words(ClosedDays, "closed_days"), default=ClosedDays.SEND
    )
    #: Exam weeks count as days without school.
    exams_closed: Mapped[bool] = mapped_column(default=False)
    #: Which days its reports cover.
    period: Mapped[PeriodKind] = mapped_column(
        words(PeriodKind, "period"), default=PeriodKind.RHYTHM
    )
    #: Local time in `time_zone`, whole minutes.
    time: Mapped[time]
    #: IANA name.
    time_zone: Mapped[str] = mapped_column(String(64))
    #: Its reports are about this class only; None: about all that author and recipient may see.
    class_group_id: Mapped[int | None] = mapped_column(ForeignKey("class_group.id"))
    export_format: Mapped[ExportFormat] = mapped_column(words(ExportFormat, "export_format"))
    #: How the file reaches its readers.
    delivery_mode: Mapped[DeliveryMode] = mapped_column(
        words(DeliveryMode, "delivery_mode"),
        default=DeliveryMode.ATTACHMENT,
        server_default=DeliveryMode.ATTACHMENT,
    )
    #: What a link to the file asks for; a file that is too large becomes a link in any mode.
    link_access: Mapped[LinkAccess] = mapped_column(
        words(LinkAccess, "link_access"), default=LinkAccess.LOGIN, server_default=LinkAccess.LOGIN
    )
    when_empty: Mapped[WhenEmpty] = mapped_column(
        words(WhenEmpty, "when_empty"), default=WhenEmpty.SKIP, server_default=WhenEmpty.SKIP
    )
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    is_active: Mapped[bool] = mapped_column(default=True)
    #: When a run last ended with at least one mail sent.
    last_sent: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: When a run last ended for which a document was made.
    last_generated: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The next planned run; None while switched off, and once the rule has ended.
    next_scheduled: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Runs by plan that have failed since the last one that did not.
    failed_runs: Mapped[int] = mapped_column(default=0, server_default="0")
    #: Set: switched off by the system itself, for this reason, and nobody has switched it on since.
    paused_reason: Mapped[str | None] = mapped_column(Text)
    #: Set: gone for everybody, but for the ledger of what it sent.
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    created_by: Mapped[User] = relationship()
    class_group: Mapped[ClassGroup | None] = relationship()


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
    #: Put on by name. False: belongs to one of the audiences, or did.
    is_direct: Mapped[bool] = mapped_column(default=True, server_default=true())
    unsubscribe_token: Mapped[str] = mapped_column(String(43))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)
    unsubscribed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Set: the author took this person off. The row stays, so that links in old mails go on
    #: working and a person who unsubscribed cannot be subscribed again by being re-added.
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    schedule: Mapped[ReportSchedule] = relationship()
    recipient: Mapped[User] = relationship()


class ReportScheduleAudience(Base):
    """A group that receives a schedule: who that is, is told apart anew for every run."""

    __tablename__ = "report_schedule_audience"
    __table_args__ = (
        UniqueConstraint("schedule_id", "kind", "class_group_id"),
        Index(None, "schedule_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    schedule_id: Mapped[int] = mapped_column(ForeignKey("report_schedule.id"))
    kind: Mapped[AudienceKind] = mapped_column(words(AudienceKind, "kind"))
    #: For those that are of one class.
    class_group_id: Mapped[int | None] = mapped_column(ForeignKey("class_group.id"))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)

    schedule: Mapped[ReportSchedule] = relationship()
