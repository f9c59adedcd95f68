"""The tables. No queries and no commits live here."""

from reportapp.models.access_change import AccessChange
from reportapp.models.authored import (
    ReportReading,
    StudentReport,
    TeacherWeeklyReport,
    TutorWeeklyReport,
)
from reportapp.models.calendar import CalendarEntry
from reportapp.models.execution import (
    IS_BY_PLAN,
    IS_OPEN,
    IS_PENDING,
    IS_SENDING,
    DeliveryAction,
    ReportDelivery,
    ReportFile,
    ReportScheduleExecution,
)
from reportapp.models.imports import ImportMapping, ImportRun
from reportapp.models.people import ApiToken, GuardianLink, TutorLink, User, full_name
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
from reportapp.models.system import (
    LET_GO,
    AddressTrouble,
    IdempotencyKey,
    MailServerState,
    Notice,
    SchedulerLease,
)

__all__ = [
    "IS_BY_PLAN",
    "IS_OPEN",
    "IS_PENDING",
    "IS_SENDING",
    "LET_GO",
    "AcademicSession",
    "AccessChange",
    "AddressTrouble",
    "ApiToken",
    "AttendanceRecord",
    "CalendarEntry",
    "ClassGroup",
    "Course",
    "DeliveryAction",
    "Enrollment",
    "GuardianLink",
    "IdempotencyKey",
    "ImportMapping",
    "ImportRun",
    "LineItem",
    "MailServerState",
    "Notice",
    "ReportDelivery",
    "ReportFile",
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
    "full_name",
]
