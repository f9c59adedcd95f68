"""What the database's words mean to a person."""

from datetime import datetime, timedelta

from reportapp.constants import (
    DeliveryStatus,
    ExecutionStatus,
    ExportFormat,
    Frequency,
    Reason,
    Role,
    Trigger,
)

ROLE: dict[Role, str] = {
    Role.ADMIN: "Administrator",
    Role.TEACHER: "Teacher",
    Role.TUTOR: "Tutor",
    Role.PARENT: "Parent",
    Role.STUDENT: "Student",
}

FREQUENCY: dict[Frequency, str] = {
    Frequency.DAILY: "Daily",
    Frequency.WEEKLY: "Weekly",
    Frequency.MONTHLY: "Monthly",
}

FORMAT: dict[ExportFormat, str] = {
    ExportFormat.CSV: "CSV",
    ExportFormat.XLSX: "Excel",
    ExportFormat.PDF: "PDF",
}

FORMAT_USE: dict[ExportFormat, str] = {
    ExportFormat.CSV: "CSV – a plain table for any program",
    ExportFormat.XLSX: "Excel – a table to sort and calculate with",
    ExportFormat.PDF: "PDF – to read and print",
}

TRIGGER: dict[Trigger, str] = {
    Trigger.SCHEDULE: "Planned",
    Trigger.MANUAL: "Sent by hand",
    Trigger.TEST: "Test mail",
}

RUN: dict[ExecutionStatus, str] = {
    ExecutionStatus.STARTED: "Under way",
    ExecutionStatus.COMPLETED: "Done",
    ExecutionStatus.FAILED: "Failed",
    ExecutionStatus.PARTIAL: "Partly sent",
}

MAIL: dict[DeliveryStatus, str] = {
    DeliveryStatus.PENDING: "Waiting",
    DeliveryStatus.SENDING: "Being sent",
    DeliveryStatus.SENT: "Sent",
    DeliveryStatus.FAILED: "Failed",
    DeliveryStatus.SKIPPED: "Not sent",
    DeliveryStatus.UNKNOWN: "Uncertain",
}

#: Why somebody got nothing (or may have got nothing), as one sentence.
REASON: dict[Reason, str] = {
    Reason.UNSUBSCRIBED: "They have unsubscribed from this report.",
    Reason.NO_DATA: "There was nothing to report for this period.",
    Reason.NO_ADDRESS: "There is no e-mail address for them.",
    Reason.INACTIVE: "Their account is switched off.",
    Reason.OUT_OF_SCOPE: "Nothing in this report is about a student of theirs.",
    Reason.AUTHOR_INACTIVE: "The account of the schedule's author is switched off.",
    Reason.SCHEDULE_OFF: "The schedule was switched off or deleted before it was their turn.",
    Reason.REMOVED: "They were taken off the schedule before it was their turn.",
    Reason.TEMPORARY: "The mail server put it off again and again, so we gave up.",
    Reason.PERMANENT: "The mail server refused it for good; the address may be wrong.",
    Reason.SERVER: "The mail server could not be reached or did not accept our mails.",
    Reason.AMBIGUOUS: "We were interrupted while sending: it may or may not have arrived.",
    Reason.TOO_LARGE: "The attachment is too large to be sent by e-mail.",
    Reason.ERROR: "Something went wrong on our side while making this report.",
}


def relative(instant: datetime, now: datetime) -> str:
    """How far the aware `instant` is from `now`: `in 5 minutes`, `3 days ago`."""
    gap = instant - now
    if abs(gap) < timedelta(minutes=1):
        return "now"
    words = span(abs(gap))
    return f"in {words}" if gap > timedelta(0) else f"{words} ago"


def span(gap: timedelta) -> str:
    """A length of time in its largest unit: `5 minutes`, `1 hour`, `3 days`."""
    minutes = round(gap.total_seconds() / 60)
    for size, unit in ((7 * 24 * 60, "week"), (24 * 60, "day"), (60, "hour")):
        if minutes >= size * (2 if unit == "week" else 1):
            return _count(minutes // size, unit)
    return _count(minutes, "minute")


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
