"""Who receives a schedule, and whom its author may send to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import aliased, contains_eager

from reportapp.access import REPORT_READERS
from reportapp.constants import Role
from reportapp.errors import Conflict, NotFound
from reportapp.extensions import db, transaction
from reportapp.models import (
    GuardianLink,
    ReportSchedule,
    ReportScheduleRecipient,
    User,
)
from reportapp.reports import scopes_of
from reportapp.reports.scope import holds, school_day
from reportapp.schedules.find import get_schedule, lock_schedule
from reportapp.schedules.name_search import find_people
from reportapp.schedules.reach import students_of
from reportapp.tokens import new_unsubscribe_token

_STAFF = (Role.ADMIN, Role.TEACHER, Role.TUTOR)


#: Up to so many students are named one by one; more are counted.
_NAMED = 3


@dataclass(frozen=True)
class Subjects:
    """Whom somebody's next report would be about, as things stand: how many students, and the
    names of a few; no names where there are many."""

    count: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListedRecipient:
    """Somebody on the schedule."""

    row: ReportScheduleRecipient
    subjects: Subjects


@dataclass(frozen=True)
class Candidate:
    """Somebody who can be added."""

    person: User
    subjects: Subjects


def list_recipients(actor: User, schedule_id: int, now: datetime) -> list[ListedRecipient]:
    """Everybody on the schedule, by name; removed people are left out. Raises NotFound."""
    schedule = get_schedule(actor, schedule_id)
    rows = list(
        db.session.scalars(
            select(ReportScheduleRecipient)
            .join(ReportScheduleRecipient.recipient)
            .options(contains_eager(ReportScheduleRecipient.recipient))
            .where(
                ReportScheduleRecipient.schedule_id == schedule.id,
                ReportScheduleRecipient.removed_at.is_(None),
            )
            .order_by(User.family_name, User.given_name, User.id)
        )
    )
    subjects = _subjects(schedule, [row.recipient for row in rows], now)
    return [ListedRecipient(row, subjects[row.recipient_id]) for row in rows]


def search_candidates(
    actor: User, schedule_id: int, text: str, now: datetime, limit: int = 20
) -> list[Candidate]:
    """People who can be added to the schedule, by name: every word of `text` is in their name or
    address, or in the name of a child of theirs. Raises NotFound."""
    schedule = get_schedule(actor, schedule_id)
    already = select(ReportScheduleRecipient.recipient_id).where(
        ReportScheduleRecipient.schedule_id == schedule.id,
        ReportScheduleRecipient.removed_at.is_(None),
    )
    found = find_people(
        db.session(),
        reachable(schedule, now).where(User.id.not_in(already)),
        _children(schedule.created_by, now),
        text,
        limit,
    )
    subjects = _subjects(schedule, found, now)
    return [Candidate(person, subjects[person.id]) for person in found]


def _children(author: User, now: datetime) -> Select[int, str, str]:
    """Who is whose guardian. Only children whom the author may see: a search must not tell whose
    parent somebody is."""
    child = aliased(User)
    day = school_day(db.session(), author, now)
    return (
        select(GuardianLink.guardian_id, child.given_name, child.family_name)
        .join(child, child.id == GuardianLink.student_id)
        .where(
            child.school_id == author.school_id,
            child.is_active,
            holds(GuardianLink, day),
            child.id.in_(students_of(author, day)),
        )
    )


def _subjects(
    schedule: ReportSchedule, people: Sequence[User], now: datetime
) -> dict[int, Subjects]:
    """Of each person, by user id."""
    session = db.session()
    scopes = scopes_of(session, schedule, people, now)
    students = {person_id: scope.students for person_id, scope in scopes.items()}
    few = set().union(*(ids for ids in students.values() if len(ids) <= _NAMED))
    names = {
        student.id: student.name
        for student in session.scalars(
            select(User).where(User.id.in_(few)).order_by(User.given_name, User.id)
        )
    }
    return {
        person_id: Subjects(
            len(ids),
            tuple(name for student, name in names.items() if student in ids)
            if len(ids) <= _NAMED
            else (),
        )
        for person_id, ids in students.items()
    }


def add_recipient(
    actor: User, schedule_id: int, user_id: int, now: datetime
) -> ReportScheduleRecipient:
    """Put a person on the schedule; doing it again changes nothing.

    Raises NotFound for a schedule or a person out of reach, Conflict for one who unsubscribed: only
    they can take that back.
    """
    schedule = get_schedule(actor, schedule_id)
    with transaction() as session:
        lock_schedule(session, schedule)
        person = session.scalar(reachable(schedule, now).where(User.id == user_id))
        if person is None:
            raise NotFound("Recipient not found.")
        row = session.scalar(
            select(ReportScheduleRecipient).where(
                ReportScheduleRecipient.schedule_id == schedule.id,
                ReportScheduleRecipient.recipient_id == user_id,
            )
        )
        if row is None:
            row = ReportScheduleRecipient(
                schedule_id=schedule.id,
                recipient_id=user_id,
                unsubscribe_token=new_unsubscribe_token(),
                added_at=now,
            )
            session.add(row)
        elif not row.is_subscribed:
            raise Conflict(
                f"{person.name} has unsubscribed from this report; only they can subscribe again."
            )
        row.removed_at = None
    return row


def remove_recipient(
    actor: User, schedule_id: int, user_id: int, now: datetime
) -> ReportScheduleRecipient:
    """Take a person off the schedule; what they were on it. Raises NotFound when they are not."""
    schedule = get_schedule(actor, schedule_id)
    with transaction() as session:
        row = session.scalar(
            select(ReportScheduleRecipient).where(
                ReportScheduleRecipient.schedule_id == schedule.id,
                ReportScheduleRecipient.recipient_id == user_id,
                ReportScheduleRecipient.removed_at.is_(None),
            )
        )
        if row is None:
            raise NotFound("Recipient not found.")
        row.removed_at = now
    return row


def reachable(schedule: ReportSchedule, now: datetime) -> Select[Any]:
    """The people to whom the schedule's author may send its type of report: an admin to everybody
    in the school, a teacher or tutor to colleagues, to own students and to those students'
    guardians. What each of them then gets is the scope's business."""
    author = schedule.created_by
    query = select(User).where(
        User.school_id == author.school_id,
        User.is_active,
        User.role.in_(REPORT_READERS[schedule.report_type]),
    )
    if author.role is Role.ADMIN:
        return query
    day = school_day(db.session(), author, now)
    students = students_of(author, day)
    guardians = select(GuardianLink.guardian_id).where(
        GuardianLink.student_id.in_(students), holds(GuardianLink, day)
    )
    return query.where(or_(User.role.in_(_STAFF), User.id.in_(students), User.id.in_(guardians)))
