"""What the database's words mean to a person."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from reportapp.constants import (
    OPEN_DELIVERIES,
    AttendanceStatus,
    AuthoredStatus,
    CalendarKind,
    CalendarSource,
    ClosedDays,
    DeliveryMode,
    DeliveryStatus,
    ExecutionStatus,
    ExportFormat,
    Frequency,
    LinkAccess,
    LinkKind,
    PeopleShown,
    PeriodKind,
    Reason,
    Role,
    Trigger,
    WhenEmpty,
)
from reportapp.models import ReportDelivery

#: From so many days on, distances are told in weeks.
_WEEKS_FROM = 14

ROLE: dict[Role, str] = {
    Role.ADMIN: "Administrator",
    Role.TEACHER: "Teacher",
    Role.TUTOR: "Tutor",
    Role.PARENT: "Parent",
    Role.STUDENT: "Student",
}

#: What somebody is to the person whose page lists them, and several of them.
LINK_KIND: dict[LinkKind, str] = {
    LinkKind.GUARDIAN: "guardian",
    LinkKind.CHILD: "child",
    LinkKind.TUTOR: "tutor",
    LinkKind.STUDENT: "student",
}
LINK_KINDS: dict[LinkKind, str] = {
    LinkKind.GUARDIAN: "Guardians",
    LinkKind.CHILD: "Children",
    LinkKind.TUTOR: "Tutors",
    LinkKind.STUDENT: "Students",
}

PEOPLE_SHOWN: dict[PeopleShown, str] = {
    PeopleShown.ACTIVE: "Active",
    PeopleShown.NEW: "No password yet",
    PeopleShown.INACTIVE: "Switched off",
}

FREQUENCY: dict[Frequency, str] = {
    Frequency.DAILY: "Daily",
    Frequency.WEEKLY: "Weekly",
    Frequency.MONTHLY: "Monthly",
    Frequency.CRON: "Cron",
}

FREQUENCY_CHOICE: dict[Frequency, str] = {
    **FREQUENCY,
    Frequency.CRON: "Cron rule, for experts",
}

CLOSED_DAYS: dict[ClosedDays, str] = {
    ClosedDays.SEND: "Send it anyway",
    ClosedDays.SKIP: "Leave it out",
    ClosedDays.BEFORE: "The school day before",
    ClosedDays.AFTER: "The school day after",
}

PERIOD: dict[PeriodKind, str] = {
    PeriodKind.RHYTHM: "Since the time before",
    PeriodKind.SINCE_SENT: "Since it was last sent",
    PeriodKind.LAST_DAY: "The day before",
    PeriodKind.LAST_WEEK: "The last full week",
    PeriodKind.LAST_MONTH: "The last full month",
    PeriodKind.LAST_7_DAYS: "The last 7 days",
    PeriodKind.LAST_30_DAYS: "The last 30 days",
    PeriodKind.TERM_TO_DATE: "The term so far",
}

CALENDAR_KIND: dict[CalendarKind, str] = {
    CalendarKind.HOLIDAY: "Holidays",
    CalendarKind.CLOSURE: "Closure",
    CalendarKind.EXAM: "Exams",
}

CALENDAR_SOURCE: dict[CalendarSource, str] = {
    CalendarSource.FORM: "typed in",
    CalendarSource.CSV: "from a CSV file",
    CalendarSource.ICS: "from a calendar file",
    CalendarSource.COUNTRY: "public holiday",
}

ATTENDANCE_STATUS: dict[AttendanceStatus, str] = {
    AttendanceStatus.PRESENT: "Present",
    AttendanceStatus.ABSENT: "Absent",
    AttendanceStatus.LATE: "Late",
    AttendanceStatus.EXCUSED: "Excused",
    AttendanceStatus.PARTIAL: "There for a part",
    AttendanceStatus.LEFT_EARLY: "Left early",
}

FORMAT: dict[ExportFormat, str] = {
    ExportFormat.CSV: "CSV",
    ExportFormat.XLSX: "Excel",
    ExportFormat.PDF: "PDF",
}

FORMAT_USE: dict[ExportFormat, str] = {
    ExportFormat.PDF: "PDF – to read and print",
    ExportFormat.XLSX: "Excel – to sort and calculate",
    ExportFormat.CSV: "CSV – for other programs",
}

DELIVERY_MODE: dict[DeliveryMode, str] = {
    DeliveryMode.ATTACHMENT: "Attached to the mail",
    DeliveryMode.LINK: "By a link in the mail",
    DeliveryMode.BOTH: "Attached, and by a link",
}

LINK_ACCESS: dict[LinkAccess, str] = {
    LinkAccess.LOGIN: "Asks for log-in",
    LinkAccess.ONE_TIME: "Works once, without log-in",
}

WHEN_EMPTY: dict[WhenEmpty, str] = {
    WhenEmpty.SKIP: "Send nothing",
    WhenEmpty.NOTE: "Send a short note",
    WhenEmpty.TELL: "Send nothing, and tell the author",
}

TRIGGER: dict[Trigger, str] = {
    Trigger.SCHEDULE: "On schedule",
    Trigger.MANUAL: "Sent by hand",
    Trigger.TEST: "Test",
}

RUN: dict[ExecutionStatus, str] = {
    ExecutionStatus.STARTED: "Under way",
    ExecutionStatus.COMPLETED: "Done",
    ExecutionStatus.FAILED: "Failed",
    ExecutionStatus.PARTIAL: "Partly sent",
    ExecutionStatus.MISSED: "Missed",
}

MAIL: dict[DeliveryStatus, str] = {
    DeliveryStatus.PENDING: "Waiting",
    DeliveryStatus.SENDING: "Being sent",
    DeliveryStatus.SENT: "Sent",
    DeliveryStatus.FAILED: "Failed",
    DeliveryStatus.SKIPPED: "Skipped",
    DeliveryStatus.UNKNOWN: "Unclear",
}

#: Of a report that somebody writes.
WRITTEN: dict[AuthoredStatus, str] = {
    AuthoredStatus.DRAFT: "Draft",
    AuthoredStatus.SENT: "Sent",
    AuthoredStatus.READ: "Read",
    AuthoredStatus.ARCHIVED: "Replaced",
}

#: Why somebody got nothing (or may have got nothing), as one sentence.
REASON: dict[Reason, str] = {
    Reason.UNSUBSCRIBED: "They have unsubscribed from this report.",
    Reason.NO_DATA: "There was nothing to report for this period.",
    Reason.NO_ADDRESS: "There is no e-mail address for them.",
    Reason.INACTIVE: "Their account is switched off.",
    Reason.OUT_OF_SCOPE: "There is nothing in this report that they may see.",
    Reason.AUTHOR_INACTIVE: "The account of the schedule's author is switched off.",
    Reason.SCHEDULE_OFF: "The schedule was switched off or deleted before it was their turn.",
    Reason.REMOVED: "They were no longer on the schedule when it was their turn.",
    Reason.TEMPORARY: "The mail server put it off again and again, so we gave up.",
    Reason.PERMANENT: "The mail server refused it for good; the address may be wrong.",
    Reason.SERVER: "The mail server could not be reached or did not accept our mails.",
    Reason.AMBIGUOUS: "We were interrupted while sending: it may or may not have arrived.",
    Reason.TOO_LARGE: "The attachment is too large to be sent by e-mail.",
    Reason.ERROR: "Something went wrong on our side while making this report.",
    Reason.CANCELLED: "Taken back by hand before it left.",
    Reason.SUSPENDED: "This address has refused our mails again and again, so none are sent to it.",
    Reason.CONFIGURATION: "The mail server does not let us send; an admin has to look at it.",
    Reason.TOO_HEAVY: "The report is too long for this format; Excel or CSV can hold it.",
    Reason.TOO_LATE: "It waited for more than a day and would have come too late.",
}

#: The same of a mail that still waits, where that is another sentence.
WAITS: dict[Reason, str] = {
    Reason.TEMPORARY: "The mail server has put it off; it is tried again by itself.",
    Reason.SERVER: "The mail server is out of order; it is tried again by itself.",
    Reason.CONFIGURATION: "The mail server does not let us send; an admin has to look at it.",
    Reason.AMBIGUOUS: "It may have arrived before; it is being sent once more.",
    Reason.TOO_LARGE: "The attachment was too large; it goes again with a link in its place.",
    Reason.ERROR: "Something went wrong on our side; it is tried again by itself.",
}


def what_happened(delivery: ReportDelivery) -> str:
    """Why a mail was not sent or may not have arrived, or why it still waits; empty where there is
    nothing to tell."""
    if delivery.reason is None:
        return ""
    if delivery.status in OPEN_DELIVERIES:
        return WAITS.get(delivery.reason, REASON[delivery.reason])
    return REASON[delivery.reason]


def relative(instant: datetime, now: datetime, zone: ZoneInfo) -> str:
    """How far the aware `instant` is from `now`, as people in `zone` count: within their day in
    hours and minutes, beyond it in calendar days (`in 3 days` on a Tuesday is Friday, at any
    hour)."""
    gap = instant - now
    if abs(gap) < timedelta(minutes=1):
        return "in less than a minute" if gap > timedelta(0) else "now"
    days = (instant.astimezone(zone).date() - now.astimezone(zone).date()).days
    if days == 0 or abs(gap) < timedelta(hours=1):
        length = span(abs(gap))
    elif abs(days) == 1:
        return "tomorrow" if days > 0 else "yesterday"
    elif abs(days) < _WEEKS_FROM:
        length = _count(abs(days), "day")
    else:
        length = _count(round(abs(days) / 7), "week")
    return f"in {length}" if gap > timedelta(0) else f"{length} ago"


def span(gap: timedelta) -> str:
    """A length of time in its largest unit: `5 minutes`, `1 hour`, `3 days`."""
    minutes = round(gap.total_seconds() / 60)
    for size, unit in ((24 * 60, "day"), (60, "hour")):
        if minutes >= size:
            return _count(round(minutes / size), unit)
    return _count(minutes, "minute")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def days(first: date, last: date) -> str:
    """`Mon 21 December 2026 – Wed 6 January 2027, 17 days`; a year that both have is said once."""
    end = f"{last:%a} {last.day} {last:%B} {last.year}"
    if first == last:
        return end
    year = "" if first.year == last.year else f" {first.year}"
    return f"{first:%a} {first.day} {first:%B}{year} – {end}, {(last - first).days + 1} days"
