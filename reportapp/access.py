"""The one table of who may do what. Which students somebody may see is in `reports/scope.py`."""

from enum import StrEnum
from typing import Protocol

from reportapp.constants import AUTHOR_ROLES, ReportType, Role
from reportapp.errors import Forbidden


class Action(StrEnum):
    MAKE_SCHEDULES = "make schedules"
    SEE_ALL_SCHEDULES = "see everybody's schedules"
    READ_MAILBOX = "read the mailbox"
    READ_CALENDAR = "read the school calendar"
    EDIT_CALENDAR = "change the school calendar"
    IMPORT_DATA = "import the school's data"
    MANAGE_PEOPLE = "manage the people of the school"
    WRITE_REPORTS = "write reports"
    READ_WRITTEN_REPORTS = "read written reports"
    ACKNOWLEDGE_REPORTS = "acknowledge reports"
    WATCH_SENDING = "look after the sending of mails"


MAY: dict[Action, frozenset[Role]] = {
    Action.MAKE_SCHEDULES: AUTHOR_ROLES,
    Action.SEE_ALL_SCHEDULES: frozenset({Role.ADMIN}),
    Action.READ_MAILBOX: frozenset({Role.ADMIN}),
    Action.READ_CALENDAR: AUTHOR_ROLES,
    Action.EDIT_CALENDAR: frozenset({Role.ADMIN}),
    Action.IMPORT_DATA: frozenset({Role.ADMIN}),
    Action.MANAGE_PEOPLE: frozenset({Role.ADMIN}),
    Action.WRITE_REPORTS: frozenset({Role.TEACHER, Role.TUTOR}),
    Action.READ_WRITTEN_REPORTS: frozenset(Role),
    Action.ACKNOWLEDGE_REPORTS: frozenset({Role.PARENT}),
    Action.WATCH_SENDING: frozenset({Role.ADMIN}),
}

#: Who may order a report of each type.
REPORT_AUTHORS: dict[ReportType, frozenset[Role]] = {
    ReportType.STUDENT_REPORT: AUTHOR_ROLES,
    ReportType.TUTOR_WEEKLY_REPORT: frozenset({Role.ADMIN, Role.TUTOR}),
    ReportType.TEACHER_WEEKLY_REPORT: frozenset({Role.ADMIN, Role.TEACHER}),
    ReportType.CLASS_ANALYTICS: frozenset({Role.ADMIN, Role.TEACHER}),
    ReportType.PARENT_PROGRESS: AUTHOR_ROLES,
}

#: Who may receive a report of each type; for everyone else its scope is empty.
REPORT_READERS: dict[ReportType, frozenset[Role]] = {
    ReportType.STUDENT_REPORT: frozenset(Role),
    ReportType.TUTOR_WEEKLY_REPORT: frozenset({Role.ADMIN, Role.TUTOR, Role.PARENT}),
    ReportType.TEACHER_WEEKLY_REPORT: frozenset({Role.ADMIN, Role.TEACHER, Role.TUTOR}),
    ReportType.CLASS_ANALYTICS: frozenset({Role.ADMIN, Role.TEACHER, Role.TUTOR}),
    # Staff for looking: the same words as the families'.
    ReportType.PARENT_PROGRESS: frozenset({Role.ADMIN, Role.TEACHER, Role.TUTOR, Role.PARENT}),
}

#: Who sees whole classes, and not only some students in them. Other readers of a class's figures
#: get those of at least `FEWEST_STUDENTS` students beside their own, and no names but their own's.
WHOLE_CLASS_ROLES = frozenset({Role.ADMIN, Role.TEACHER})
FEWEST_STUDENTS = 5

#: Who may write a report of each type, on whom their scope of it holds.
REPORT_WRITERS: dict[ReportType, frozenset[Role]] = {
    ReportType.STUDENT_REPORT: frozenset({Role.TEACHER}),
    ReportType.TUTOR_WEEKLY_REPORT: frozenset({Role.TUTOR}),
    ReportType.TEACHER_WEEKLY_REPORT: frozenset({Role.TEACHER}),
}


class Person(Protocol):
    """What access looks at; `models.User` is one, and so is a row with these columns."""

    @property
    def id(self) -> int: ...
    @property
    def role(self) -> Role: ...
    @property
    def school_id(self) -> int: ...
    @property
    def is_active(self) -> bool: ...


def may(actor: Person, action: Action) -> bool:
    """Whether `actor` may do `action` at all; deactivated people may do nothing."""
    return actor.is_active and actor.role in MAY[action]


def require(actor: Person, action: Action) -> None:
    """Raises Forbidden, in words, when `actor` may not do `action`."""
    if not may(actor, action):
        raise Forbidden(f"You may not {action}.")


def may_manage_schedule_of(actor: Person, author: Person) -> bool:
    """A schedule is managed by its author and by the admins of the author's school."""
    if not may(actor, Action.MAKE_SCHEDULES):
        return False
    return actor.id == author.id or (
        may(actor, Action.SEE_ALL_SCHEDULES) and actor.school_id == author.school_id
    )


def report_types_for(role: Role) -> list[ReportType]:
    """The report types that a person of `role` may order, in their usual order."""
    return [kind for kind in ReportType if role in REPORT_AUTHORS[kind]]
