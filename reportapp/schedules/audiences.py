"""The audiences of a schedule: groups that receive it, told apart anew for every run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from reportapp.access import REPORT_READERS
from reportapp.constants import CLASS_AUDIENCES, AudienceKind, Role
from reportapp.errors import InvalidInput, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import ClassGroup, ReportSchedule, ReportScheduleAudience, User
from reportapp.reports.scope import school_day
from reportapp.schedules.find import get_schedule, lock_schedule
from reportapp.schedules.reach import classes_of, members
from reportapp.schedules.validation import choice_of

#: What people of a kind of audience are to the report.
_ROLES = {
    AudienceKind.MY_GUARDIANS: Role.PARENT,
    AudienceKind.CLASS_GUARDIANS: Role.PARENT,
    AudienceKind.CLASS_TEACHERS: Role.TEACHER,
    AudienceKind.CLASS_TUTORS: Role.TUTOR,
    AudienceKind.ALL_TUTORS: Role.TUTOR,
}
_OF_A_CLASS = {
    AudienceKind.CLASS_GUARDIANS: "Guardians",
    AudienceKind.CLASS_TEACHERS: "Teachers",
    AudienceKind.CLASS_TUTORS: "Tutors",
}


@dataclass(frozen=True)
class ListedAudience:
    """An audience of a schedule, what it is called, and how many people are in it now: nobody
    where such people may not read this type of report (`may_read`)."""

    audience: ReportScheduleAudience
    title: str
    people: int
    may_read: bool


@dataclass(frozen=True)
class Choices:
    """The audiences that a schedule can have: kinds with their titles, and the classes for those
    that are of one."""

    kinds: dict[AudienceKind, str]
    classes: Sequence[ClassGroup]


@dataclass(frozen=True)
class Wanted:
    """An audience that a schedule may get, or has."""

    kind: AudienceKind
    class_group_id: int | None
    title: str


def list_audiences(actor: User, schedule_id: int, now: datetime) -> list[ListedAudience]:
    """The schedule's audiences, in the order in which they were added. Raises NotFound."""
    schedule = get_schedule(actor, schedule_id)
    titles = audience_titles(actor, schedule)
    if not titles:
        return []
    belonging = members(db.session(), schedule, now).values()
    people = Counter(audience_id for audiences in belonging for audience_id in audiences)
    readers = REPORT_READERS[schedule.report_type]
    return [
        ListedAudience(audience, title, people[audience.id], _ROLES[audience.kind] in readers)
        for audience, title in titles.items()
    ]


def audience_titles(actor: User, schedule: ReportSchedule) -> dict[ReportScheduleAudience, str]:
    """The schedule's audiences and what the actor calls them, in the order of their adding."""
    rows = db.session.execute(
        select(ReportScheduleAudience, ClassGroup.title)
        .outerjoin(ClassGroup, ClassGroup.id == ReportScheduleAudience.class_group_id)
        .where(ReportScheduleAudience.schedule_id == schedule.id)
        .order_by(ReportScheduleAudience.id)
    )
    return {audience: _title(actor, schedule, audience.kind, title) for audience, title in rows}


def needs_look(actor: User, schedule_id: int) -> bool:
    """Whether people should see who would get what before they switch the schedule on: it is off
    and has audiences. Raises NotFound."""
    schedule = get_schedule(actor, schedule_id)
    return not schedule.is_active and bool(audience_titles(actor, schedule))


def audience_choices(actor: User, schedule_id: int, now: datetime) -> Choices:
    """What can be added: groups whose people may read this type of report, and the classes that
    the schedule's author may see. Raises NotFound."""
    schedule = get_schedule(actor, schedule_id)
    readers = REPORT_READERS[schedule.report_type]
    classes = db.session.scalars(
        _classes(schedule, now).order_by(ClassGroup.title, ClassGroup.id)
    ).all()
    kinds = {
        kind: _title(actor, schedule, kind, "a class")
        for kind in AudienceKind
        if _ROLES[kind] in readers and (classes or kind not in CLASS_AUDIENCES)
    }
    return Choices(kinds, classes)


def check_audience(
    actor: User, schedule_id: int, kind: str, class_group_id: int | None, now: datetime
) -> Wanted:
    """An audience that could be added. Raises NotFound for a schedule or class out of reach,
    InvalidInput for a kind that does not exist or lacks its class."""
    schedule = get_schedule(actor, schedule_id)
    try:
        wanted = choice_of(kind, AudienceKind)
    except ValueError as error:
        raise InvalidInput({"kind": [str(error)]}) from None
    if wanted not in CLASS_AUDIENCES:
        return Wanted(wanted, None, _title(actor, schedule, wanted, None))
    if class_group_id is None:
        raise InvalidInput({"class_group_id": ["Choose the class."]})
    group = db.session.scalar(_classes(schedule, now).where(ClassGroup.id == class_group_id))
    if group is None:
        raise NotFound("There is no such class.")
    return Wanted(wanted, group.id, _title(actor, schedule, wanted, group.title))


def add_audience(
    actor: User, schedule_id: int, kind: str, class_group_id: int | None, now: datetime
) -> Wanted:
    """Let a group receive the schedule; doing it again changes nothing. What is not of a class
    ignores the class. Raises as `check_audience` does."""
    schedule = get_schedule(actor, schedule_id)
    with transaction() as session:
        lock_schedule(session, schedule)
        wanted = check_audience(actor, schedule_id, kind, class_group_id, now)
        row = ReportScheduleAudience
        known = session.scalar(
            select(row.id).where(
                row.schedule_id == schedule_id,
                row.kind == wanted.kind,
                # NULL is equal to nothing, so the table's own uniqueness does not cover it.
                row.class_group_id.is_not_distinct_from(wanted.class_group_id),
            )
        )
        if known is None:
            session.add(
                row(
                    schedule_id=schedule_id,
                    kind=wanted.kind,
                    class_group_id=wanted.class_group_id,
                    added_at=now,
                )
            )
    return wanted


def remove_audience(actor: User, schedule_id: int, audience_id: int) -> str:
    """Take a group off the schedule; what it was called. Who is on the schedule by name or through
    another group stays. Raises NotFound."""
    schedule = get_schedule(actor, schedule_id)
    with transaction() as session:
        lock_schedule(session, schedule)
        for audience, title in audience_titles(actor, schedule).items():
            if audience.id == audience_id:
                session.delete(audience)
                return title
    raise NotFound("There is no such group on this schedule.")


def _classes(schedule: ReportSchedule, now: datetime) -> Select[Any]:
    author = schedule.created_by
    return classes_of(author, school_day(db.session(), author, now))


def _title(
    actor: User, schedule: ReportSchedule, kind: AudienceKind, class_title: str | None
) -> str:
    if kind in CLASS_AUDIENCES:
        return f"{_OF_A_CLASS[kind]} of {class_title}"
    if kind is AudienceKind.ALL_TUTORS:
        return "All tutors"
    author = schedule.created_by
    if author.role is Role.ADMIN:
        return "Guardians of all students"
    return f"Guardians of {'my' if actor.id == author.id else f'{author.name}’s'} students"
