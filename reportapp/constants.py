"""Status strings, kinds and their named groups: every word that the database stores."""

from enum import StrEnum


class Role(StrEnum):
    ADMIN = "admin"
    TEACHER = "teacher"
    TUTOR = "tutor"
    PARENT = "parent"
    STUDENT = "student"


#: Who may make schedules.
AUTHOR_ROLES = frozenset({Role.ADMIN, Role.TEACHER, Role.TUTOR})
#: Who reads as a family: only what is shown to parents.
FAMILY_ROLES = frozenset({Role.PARENT, Role.STUDENT})


class LinkKind(StrEnum):
    """What somebody is to the person whose page lists them."""

    GUARDIAN = "guardian"
    CHILD = "child"
    TUTOR = "tutor"
    STUDENT = "student"


class PeopleShown(StrEnum):
    """Which people a list holds."""

    ACTIVE = "active"
    #: Active, with an address, and without a password: have never been here.
    NEW = "new"
    INACTIVE = "inactive"


class ReportType(StrEnum):
    STUDENT_REPORT = "student_report"
    TUTOR_WEEKLY_REPORT = "tutor_weekly_report"
    TEACHER_WEEKLY_REPORT = "teacher_weekly_report"
    CLASS_ANALYTICS = "class_analytics"
    PARENT_PROGRESS = "parent_progress"


class Frequency(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    CRON = "cron"


class MonthMode(StrEnum):
    """By what a monthly rule counts."""

    DAY = "day"
    WEEKDAY = "weekday"
    SCHOOL_DAY = "school_day"


class ClosedDays(StrEnum):
    """What becomes of a run that falls on a day without school."""

    SEND = "send"
    SKIP = "skip"
    BEFORE = "before"
    AFTER = "after"


class PeriodKind(StrEnum):
    """Which days a report covers."""

    #: From the rule's run before up to this one's day.
    RHYTHM = "rhythm"
    LAST_DAY = "last_day"
    LAST_WEEK = "last_week"
    LAST_MONTH = "last_month"
    LAST_7_DAYS = "last_7_days"
    LAST_30_DAYS = "last_30_days"
    TERM_TO_DATE = "term_to_date"
    #: From the end of the last run of which a mail was sent.
    SINCE_SENT = "since_sent"


class ExportFormat(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


class DeliveryMode(StrEnum):
    """How a file reaches its readers."""

    ATTACHMENT = "attachment"
    LINK = "link"
    BOTH = "both"


class LinkAccess(StrEnum):
    """What the link to a file asks of who follows it."""

    LOGIN = "login"
    #: Nothing; it works once.
    ONE_TIME = "one_time"


class WhenEmpty(StrEnum):
    """What becomes of a mail whose report would hold no data."""

    SKIP = "skip"
    #: A mail without a file that says so.
    NOTE = "note"
    #: Skip, and tell the author.
    TELL = "tell"


class Trigger(StrEnum):
    SCHEDULE = "schedule"
    MANUAL = "manual"
    TEST = "test"


class ExecutionStatus(StrEnum):
    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    PARTIAL = "partial"
    #: Its time had passed by too long when somebody looked; nothing was sent.
    MISSED = "missed"


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


#: Deliveries that still have something to do; an execution ends when it has none of these.
OPEN_DELIVERIES = frozenset({DeliveryStatus.PENDING, DeliveryStatus.SENDING})


class Resendable(StrEnum):
    """What a person may send once more: never what was sent, nor what its reader does not want."""

    FAILED = "failed"
    #: May have arrived, so that it may arrive twice.
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    #: For another reason than a person's will: it may have healed.
    SKIPPED = "skipped"


#: What has arrived, may have, or is about to.
ARRIVING_DELIVERIES = frozenset(
    {DeliveryStatus.SENT, DeliveryStatus.UNKNOWN, DeliveryStatus.SENDING}
)


class DeliveryPhase(StrEnum):
    """How far a claimed delivery has come. From DATA on, the server may have accepted it."""

    CLAIMED = "claimed"
    DATA = "data"


class Reason(StrEnum):
    """Why a delivery was skipped or ended without being sent."""

    UNSUBSCRIBED = "unsubscribed"
    NO_DATA = "no_data"
    NO_ADDRESS = "no_address"
    INACTIVE = "inactive"
    OUT_OF_SCOPE = "out_of_scope"
    AUTHOR_INACTIVE = "author_inactive"
    SCHEDULE_OFF = "schedule_off"
    REMOVED = "removed"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    SERVER = "server"
    AMBIGUOUS = "ambiguous"
    TOO_LARGE = "too_large"
    ERROR = "error"
    #: A person took it back before it left.
    CANCELLED = "cancelled"
    #: Its address has refused mails again and again.
    SUSPENDED = "suspended"
    #: The mail server does not let us in, or not write in our own name.
    CONFIGURATION = "configuration"
    #: It waited so long that it would be of no use any more.
    TOO_LATE = "too_late"
    #: Making the file took longer, or more memory, than there is for one.
    TOO_HEAVY = "too_heavy"


class DeliveryActionKind(StrEnum):
    """What a person has done to a run or to one of its mails."""

    RESEND = "resend"
    CANCEL = "cancel"


class NoticeKind(StrEnum):
    """What somebody is told about because the system noticed it by itself."""

    #: A run that should have been and was not.
    MISSED_RUN = "missed_run"
    #: The first run of a schedule that failed after one that did not.
    FAILED_RUN = "failed_run"
    #: So many runs failed in a row that the schedule was switched off.
    PAUSED_SCHEDULE = "paused_schedule"
    #: A run had nothing to tell some of its readers.
    NO_DATA = "no_data"
    #: The mail server refuses us: wrong password, unknown sender, bad certificate.
    MAIL_STOPPED = "mail_stopped"
    #: Nobody has run the schedules for a while.
    NO_HEARTBEAT = "no_heartbeat"
    #: An address refused so many mails that none go there any more.
    SUSPENDED_ADDRESS = "suspended_address"


class AuthoredStatus(StrEnum):
    """Of a report that a person writes."""

    DRAFT = "draft"
    SENT = "sent"
    READ = "read"
    ARCHIVED = "archived"


#: Written reports that others may read: a draft has not left its author yet, an archived one was
#: taken out of circulation.
PUBLISHED_REPORTS = frozenset({AuthoredStatus.SENT, AuthoredStatus.READ})


class AttendanceStatus(StrEnum):
    PRESENT = "present"
    LATE = "late"
    ABSENT = "absent"
    EXCUSED = "excused"
    #: There for a part of the lesson or day.
    PARTIAL = "partial"
    LEFT_EARLY = "left_early"


#: Counts as having been there.
ATTENDED = frozenset(AttendanceStatus) - {AttendanceStatus.ABSENT, AttendanceStatus.EXCUSED}


class ScoreStatus(StrEnum):
    """OneRoster 1.2 scoreStatus, in the spelling of our database."""

    FULLY_GRADED = "fully graded"
    PARTIALLY_GRADED = "partially graded"
    SUBMITTED = "submitted"
    NOT_SUBMITTED = "not submitted"
    EXEMPT = "exempt"


#: The student has handed it in.
DONE_SCORES = frozenset(
    {ScoreStatus.FULLY_GRADED, ScoreStatus.PARTIALLY_GRADED, ScoreStatus.SUBMITTED}
)


class CalendarKind(StrEnum):
    """What a school has said about some days."""

    HOLIDAY = "holiday"
    CLOSURE = "closure"
    EXAM = "exam"


#: No lessons, and nobody there.
CLOSED_KINDS = frozenset({CalendarKind.HOLIDAY, CalendarKind.CLOSURE})


class CalendarSource(StrEnum):
    """Where an entry of the calendar has come from; an import touches only its own."""

    FORM = "form"
    CSV = "csv"
    ICS = "ics"
    COUNTRY = "country"


#: OneRoster's types of sessions that are a school's terms; without any of them, its years are.
TERM_TYPES = ("term", "semester")
YEAR_TYPE = "schoolYear"


class EnrollmentRole(StrEnum):
    STUDENT = "student"
    TEACHER = "teacher"


class AudienceKind(StrEnum):
    """A group of recipients that is told apart anew for every run."""

    #: Of the schedule's author: of the classes that they teach, or whom they tutor.
    MY_GUARDIANS = "my_guardians"
    #: Of one class.
    CLASS_GUARDIANS = "class_guardians"
    CLASS_TEACHERS = "class_teachers"
    CLASS_TUTORS = "class_tutors"
    ALL_TUTORS = "all_tutors"


#: Audiences that are of one class.
CLASS_AUDIENCES = frozenset(
    {AudienceKind.CLASS_GUARDIANS, AudienceKind.CLASS_TEACHERS, AudienceKind.CLASS_TUTORS}
)


class ImportKind(StrEnum):
    """What a file of school data holds."""

    ONEROSTER = "oneroster"
    ATTENDANCE = "attendance"
    MARKS = "marks"


class DateOrder(StrEnum):
    """How a file writes its days."""

    YEAR_FIRST = "year_first"
    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


class Others(StrEnum):
    """What an attendance file means for students whom it does not list."""

    #: Nothing: everybody has a row.
    UNKNOWN = "unknown"
    #: It lists exceptions: they were there on every school day that it covers.
    PRESENT = "present"
    #: The same, but only in the lessons (or on the days) in which it lists somebody.
    PRESENT_WHERE_LISTED = "present_where_listed"


class ImportStatus(StrEnum):
    """How far an import has come."""

    #: Lies there; nothing of it is read yet.
    RECEIVED = "received"
    #: Being read and compared; nothing is written.
    CHECKING = "checking"
    #: Looked at; waits for a person's yes.
    CHECKED = "checked"
    SAVING = "saving"
    DONE = "done"
    #: Refused or broken off; nothing was written.
    FAILED = "failed"


#: Somebody is at work on it.
RUNNING_IMPORTS = frozenset({ImportStatus.CHECKING, ImportStatus.SAVING})
