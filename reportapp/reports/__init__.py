"""Reports from school data: the one table of report types, and their scopes and builders."""

from reportapp.constants import ReportType
from reportapp.reports import (
    class_analytics,
    parent_progress,
    student_report,
    teacher_weekly_report,
    tutor_weekly_report,
)
from reportapp.reports.kinds import Order, ReportKind
from reportapp.reports.scope import Scope, load_scopes, scopes_of

REPORTS: dict[ReportType, ReportKind] = {
    ReportType.STUDENT_REPORT: ReportKind(
        "Student report",
        "Scores, attendance, assignments and the teacher's latest report, per student and class.",
        student_report.build,
    ),
    ReportType.TUTOR_WEEKLY_REPORT: ReportKind(
        "Tutor's weekly report",
        "The tutor's summary, progress and notes with days attended, per student and week.",
        tutor_weekly_report.build,
    ),
    ReportType.TEACHER_WEEKLY_REPORT: ReportKind(
        "Teacher's weekly report",
        "Assignments, scores, attendance and the teacher's notes, per student and subject.",
        teacher_weekly_report.build,
    ),
    ReportType.CLASS_ANALYTICS: ReportKind(
        "Class analytics",
        "How a class is doing: averages and attendance, who moved most, and missing work.",
        class_analytics.build,
    ),
    ReportType.PARENT_PROGRESS: ReportKind(
        "Progress letter to parents",
        "One letter per family, a part per child: what has changed first, then the details.",
        parent_progress.build,
    ),
}

__all__ = ["REPORTS", "Order", "ReportKind", "Scope", "load_scopes", "scopes_of"]
