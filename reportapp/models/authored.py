"""Reports that a person writes; schedules quote the published ones."""

from datetime import date, datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reportapp.constants import AuthoredStatus, ReportType
from reportapp.extensions import Base
from reportapp.models.types import UtcDateTime, words

_PROGRESS = "progress_percent BETWEEN 0 AND 100"


class Authored:
    """What all written reports share."""

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    student_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    status: Mapped[AuthoredStatus] = mapped_column(words(AuthoredStatus, "status"))
    #: False: stays between teachers, tutors and admins.
    show_to_parent: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Counts from 1. What was sent is corrected by a next version; when that one is sent, this one
    #: is archived.
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: When the first of the family or the tutors opened it.
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    #: The columns that all versions of one report share.
    IDENTITY: ClassVar[tuple[str, ...]]

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells one report, in all its versions, from all others of its kind."""
        return tuple(getattr(self, name) for name in self.IDENTITY)


class StudentReport(Authored, Base):
    """A teacher's report on a student in one class, for the days [period_start, period_end)."""

    __tablename__ = "student_report"
    IDENTITY = ("author_id", "student_id", "class_group_id", "period_start", "period_end")
    __table_args__ = (
        UniqueConstraint(*IDENTITY, "version"),
        Index(None, "student_id", "class_group_id", "period_end"),
        CheckConstraint(_PROGRESS, name="progress_percent"),
        CheckConstraint("period_end > period_start", name="period_in_order"),
    )

    class_group_id: Mapped[int] = mapped_column(ForeignKey("class_group.id"))
    period_start: Mapped[date]
    period_end: Mapped[date]
    #: As the school writes it: "2+", "B", "14/20".
    grade: Mapped[str | None] = mapped_column(String(20))
    progress_percent: Mapped[int | None]
    behaviour: Mapped[str] = mapped_column(Text, default="")
    concerns: Mapped[str] = mapped_column(Text, default="")
    recommendations: Mapped[str] = mapped_column(Text, default="")


class TutorWeeklyReport(Authored, Base):
    """A tutor's report on a student for the week that begins on Monday `week_start`."""

    __tablename__ = "tutor_weekly_report"
    IDENTITY = ("author_id", "student_id", "week_start")
    __table_args__ = (
        UniqueConstraint(*IDENTITY, "version"),
        Index(None, "student_id", "week_start"),
        CheckConstraint(_PROGRESS, name="progress_percent"),
    )

    week_start: Mapped[date]
    summary: Mapped[str] = mapped_column(Text, default="")
    progress_percent: Mapped[int | None]
    notes: Mapped[str] = mapped_column(Text, default="")


class TeacherWeeklyReport(Authored, Base):
    """A teacher's notes on a student in one class for the week that begins on Monday
    `week_start`."""

    __tablename__ = "teacher_weekly_report"
    IDENTITY = ("author_id", "student_id", "class_group_id", "week_start")
    __table_args__ = (
        UniqueConstraint(*IDENTITY, "version"),
        Index(None, "student_id", "class_group_id", "week_start"),
    )

    class_group_id: Mapped[int] = mapped_column(ForeignKey("class_group.id"))
    week_start: Mapped[date]
    notes: Mapped[str] = mapped_column(Text, default="")


class ReportReading(Base):
    """That somebody has read a written report, and whether they said so."""

    __tablename__ = "report_reading"
    __table_args__ = (
        UniqueConstraint("kind", "report_id", "reader_id"),
        Index(None, "reader_id"),
        CheckConstraint(
            "kind IN ('student_report', 'tutor_weekly_report', 'teacher_weekly_report')",
            name="kind",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    #: Which of the three tables `report_id` is of.
    kind: Mapped[ReportType] = mapped_column(
        Enum(
            ReportType,
            native_enum=False,
            create_constraint=False,
            length=30,
            values_callable=lambda members: [member.value for member in members],
        )
    )
    report_id: Mapped[int]
    reader_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    read_at: Mapped[datetime] = mapped_column(UtcDateTime)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
