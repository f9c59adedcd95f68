"""The tables. No queries and no commits live here."""

from reportapp.models.authored import (
    ReportReading,
    StudentReport,
    TeacherWeeklyReport,
    TutorWeeklyReport,
)
from reportapp.models.calendar import CalendarEntry
from reportapp.models.execution import ReportDelivery, ReportScheduleExecution
from reportapp.models.imports import ImportMapping, ImportRun
from reportapp.models.people import ApiToken, GuardianLink, TutorLink, User
from reportapp.models.schedule import (
    ReportSchedule,
    ReportScheduleAudience,
    ReportScheduleRecipient,
)
from reportapp.models.school import (
    AcademicSession,
    AttendanceRecord,
    ClassGroup,
    Course,
    Enrollment,
    LineItem,
    Result,
    School,
)
from reportapp.models.system import SchedulerLease

__all__ = [
    "AcademicSession",
    "ApiToken",
    "AttendanceRecord",
    "CalendarEntry",
    "ClassGroup",
    "Course",
    "Enrollment",
    "GuardianLink",
    "ImportMapping",
    "ImportRun",
    "LineItem",
    "ReportDelivery",
    "ReportReading",
    "ReportSchedule",
    "ReportScheduleAudience",
    "ReportScheduleExecution",
    "ReportScheduleRecipient",
    "Result",
    "SchedulerLease",
    "School",
    "StudentReport",
    "TeacherWeeklyReport",
    "TutorLink",
    "TutorWeeklyReport",
    "User",
]
