"""A school and its teaching; names follow OneRoster where it has one."""

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from reportapp.constants import AttendanceStatus, EnrollmentRole, ScoreStatus
from reportapp.extensions import Base
from reportapp.models.types import UtcDateTime, words


class School(Base):
    __tablename__ = "school"
    __table_args__ = (UniqueConstraint("sourced_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sourced_id: Mapped[str | None] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(200))
    #: IANA name.
    time_zone: Mapped[str] = mapped_column(String(64))
    #: Made by `flask demo load`; real data is never mixed with it.
    is_demo: Mapped[bool] = mapped_column(default=False)
    #: The ISO weekdays with lessons as rising digits, 1 = Monday.
    weekdays: Mapped[str] = mapped_column(String(7), default="12345", server_default="12345")
    #: Whose public holidays were chosen: ISO 3166, such as `DE` or `DE-BE`.
    country: Mapped[str | None] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AcademicSession(Base):
    """A school year, term or grading period; `end_date` is its last day."""

    __tablename__ = "academic_session"
    __table_args__ = (
        UniqueConstraint("school_id", "sourced_id"),
        CheckConstraint("end_date >= start_date", name="dates_in_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    sourced_id: Mapped[str | None] = mapped_column(String(255))
    title: Mapped[str] = mapped_column(String(200))
    #: OneRoster: schoolYear, semester, term, gradingPeriod.
    type: Mapped[str] = mapped_column(String(30))
    start_date: Mapped[date]
    end_date: Mapped[date]
    #: False: gone from the school's own system.
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())


class Course(Base):
    """What is taught; `subject` is the name that reports show."""

    __tablename__ = "course"
    __table_args__ = (UniqueConstraint("school_id", "sourced_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    sourced_id: Mapped[str | None] = mapped_column(String(255))
    title: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(100))
    #: False: gone from the school's own system.
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())


class ClassGroup(Base):
    """One course taught to one group of students."""

    __tablename__ = "class_group"
    __table_args__ = (UniqueConstraint("school_id", "sourced_id"), Index(None, "course_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    school_id: Mapped[int] = mapped_column(ForeignKey("school.id"))
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    academic_session_id: Mapped[int | None] = mapped_column(ForeignKey("academic_session.id"))
    sourced_id: Mapped[str | None] = mapped_column(String(255))
    title: Mapped[str] = mapped_column(String(200))
    is_active: Mapped[bool] = mapped_column(default=True)

    course: Mapped[Course] = relationship()


class Enrollment(Base):
    """Somebody's place in a class, as student or teacher (both dates included)."""

    __tablename__ = "enrollment"
    __table_args__ = (
        UniqueConstraint("class_group_id", "user_id", "role"),
        UniqueConstraint("class_group_id", "sourced_id"),
        Index(None, "user_id", "role"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    class_group_id: Mapped[int] = mapped_column(ForeignKey("class_group.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    sourced_id: Mapped[str | None] = mapped_column(String(255))
    role: Mapped[EnrollmentRole] = mapped_column(words(EnrollmentRole, "role"))
    begin_date: Mapped[date | None]
    end_date: Mapped[date | None]
    #: False: gone from the school's own system.
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())


class LineItem(Base):
    """An assignment, test or anything else that gets a score."""

    __tablename__ = "line_item"
    __table_args__ = (
        UniqueConstraint("class_group_id", "sourced_id"),
        Index(None, "class_group_id", "due_date"),
        CheckConstraint("result_value_max > result_value_min", name="values_in_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    class_group_id: Mapped[int] = mapped_column(ForeignKey("class_group.id"))
    sourced_id: Mapped[str | None] = mapped_column(String(255))
    title: Mapped[str] = mapped_column(String(200))
    category: Mapped[str] = mapped_column(String(100))
    assign_date: Mapped[date]
    due_date: Mapped[date]
    result_value_min: Mapped[float] = mapped_column(default=0.0)
    result_value_max: Mapped[float] = mapped_column(default=100.0)
    #: False: gone from the school's own system.
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())


class Result(Base):
    """One student's score for one line item, in the line item's own points."""

    __tablename__ = "result"
    __table_args__ = (
        UniqueConstraint("line_item_id", "student_id"),
        UniqueConstraint("line_item_id", "sourced_id"),
        Index(None, "student_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    line_item_id: Mapped[int] = mapped_column(ForeignKey("line_item.id"))
    student_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    sourced_id: Mapped[str | None] = mapped_column(String(255))
    score_status: Mapped[ScoreStatus] = mapped_column(words(ScoreStatus, "score_status"))
    #: None until graded.
    score: Mapped[float | None]
    #: A mark in the school's own words, such as "A-" or "2+".
    text_score: Mapped[str | None] = mapped_column(String(50))
    score_date: Mapped[date | None]
    comment: Mapped[str | None] = mapped_column(Text)
    #: False: gone from the school's own system.
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())


_WHOLE_DAYS = text("class_group_id IS NULL")


class AttendanceRecord(Base):
    """Whether a student was there: in one lesson of one class, or, without a class, on a day (or a
    part of it) at school, which counts in every class of theirs."""

    __tablename__ = "attendance_record"
    __table_args__ = (
        UniqueConstraint("student_id", "date", "class_group_id", "lesson"),
        Index(
            "uq_attendance_record_student_id_date_lesson",
            "student_id",
            "date",
            "lesson",
            unique=True,
            sqlite_where=_WHOLE_DAYS,
            postgresql_where=_WHOLE_DAYS,
        ),
        Index(None, "class_group_id", "date"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    student_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    class_group_id: Mapped[int | None] = mapped_column(ForeignKey("class_group.id"))
    date: Mapped[date]
    #: The lesson (or, without a class, the part) of the day, 1 being the first; 0: all of the day.
    lesson: Mapped[int] = mapped_column(default=1)
    status: Mapped[AttendanceStatus] = mapped_column(words(AttendanceStatus, "status"))
    note: Mapped[str | None] = mapped_column(String(500))
