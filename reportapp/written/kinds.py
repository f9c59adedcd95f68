"""The one table of what people write: each kind's text fields, and what a report is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from reportapp.access import REPORT_READERS, REPORT_WRITERS, Action, require
from reportapp.constants import FAMILY_ROLES, ReportType, Role
from reportapp.documents import Period
from reportapp.errors import Forbidden, NotFound
from reportapp.models import StudentReport, TeacherWeeklyReport, TutorWeeklyReport, User
from reportapp.reports.scope import BASIS, Basis

MOST_TEXT = 4_000
MOST_GRADE = 20


@dataclass(frozen=True)
class WrittenKind:
    """`texts`: the label of each text field, in the order of reading. `weekly`: the period is a
    week from Monday; otherwise any days."""

    model: Any
    texts: dict[str, str]
    has_grade: bool
    has_progress: bool
    weekly: bool

    @property
    def fields(self) -> list[str]:
        """The names of all that an author types in."""
        short = ["grade"] * self.has_grade + ["progress_percent"] * self.has_progress
        return [*short, *self.texts]


WRITTEN: dict[ReportType, WrittenKind] = {
    ReportType.STUDENT_REPORT: WrittenKind(
        StudentReport,
        {
            "behaviour": "Behaviour",
            "concerns": "Concerns",
            "recommendations": "Recommendations",
        },
        has_grade=True,
        has_progress=True,
        weekly=False,
    ),
    ReportType.TEACHER_WEEKLY_REPORT: WrittenKind(
        TeacherWeeklyReport,
        {"notes": "Notes"},
        has_grade=False,
        has_progress=False,
        weekly=True,
    ),
    ReportType.TUTOR_WEEKLY_REPORT: WrittenKind(
        TutorWeeklyReport,
        {"summary": "Summary", "notes": "Notes"},
        has_grade=False,
        has_progress=True,
        weekly=True,
    ),
}


def kind_of(word: str | None) -> ReportType:
    """The kind of written report that `word` names. Raises NotFound."""
    found = next((kind for kind in WRITTEN if kind == word), None)
    if found is None:
        raise NotFound("There is no such kind of report.")
    return found


def kinds_by(role: Role) -> list[ReportType]:
    """What somebody of `role` writes."""
    return [kind for kind in WRITTEN if role in REPORT_WRITERS[kind]]


def require_writer(actor: User, kind: ReportType) -> None:
    """Raises Forbidden for those who do not write reports of this kind."""
    require(actor, Action.WRITE_REPORTS)
    if actor.role not in REPORT_WRITERS[kind]:
        raise Forbidden("Reports of this kind are written by others.")


def is_for_families(kind: ReportType) -> bool:
    """Whether a family may read any report of this kind, if it is shown to them."""
    return bool(REPORT_READERS[kind] & FAMILY_ROLES)


def of_class(kind: ReportType) -> bool:
    """Whether it is about a student in one class; otherwise about one whom its author tutors."""
    return BASIS[kind] is Basis.CLASS


@dataclass(frozen=True)
class Subject:
    """What one report is about, in all its versions: with its author, it is the only one."""

    kind: ReportType
    #: None: of a tutor.
    class_id: int | None
    student_id: int
    period: Period

    def identity(self, author: User) -> dict[str, Any]:
        """The values of the model's columns that tell this report from all others."""
        days: dict[str, Any] = {"week_start": self.period.start}
        if not WRITTEN[self.kind].weekly:
            days = {"period_start": self.period.start, "period_end": self.period.end}
        place = {"class_group_id": self.class_id} if of_class(self.kind) else {}
        return {"author_id": author.id, "student_id": self.student_id, **place, **days}


def period_of(report: Any) -> Period:
    """The days that a written report is about."""
    if isinstance(report, StudentReport):
        return Period(report.period_start, report.period_end)
    return Period(report.week_start, report.week_start + timedelta(days=7))


def subject_of(kind: ReportType, report: Any) -> Subject:
    return Subject(
        kind, getattr(report, "class_group_id", None), report.student_id, period_of(report)
    )
