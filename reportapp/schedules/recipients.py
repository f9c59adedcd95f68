"""Who receives a schedule, and whom its author may send to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, contains_eager

from reportapp.errors import Conflict, NotFound
from reportapp.extensions import count_found, db, transaction
from reportapp.models import (
    AddressTrouble,
    ReportSchedule,
    ReportScheduleRecipient,
    User,
)
from reportapp.reports import Scope, scopes_of
from reportapp.reports.scope import school_day
from reportapp.schedules.addressees import children_of
from reportapp.schedules.addresses import troubles_at
from reportapp.schedules.find import get_schedule, lock_schedule
from reportapp.schedules.name_search import find_people
from reportapp.schedules.reach import is_on, members, reachable
from reportapp.tokens import new_unsubscribe_token

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
    #: What their address has refused, where nothing is sent there any more.
    trouble: AddressTrouble | None


@dataclass(frozen=True)
class Candidate:
    """Somebody who can be added."""

    person: User
    subjects: Subjects


def list_recipients(actor: User, schedule_id: int, now: datetime) -> list[ListedRecipient]:
    """Everybody who was put on the schedule by name, in the order of their names; removed people
    are left out. Raises NotFound."""
    schedule = get_schedule(actor, schedule_id)
    rows = recipient_rows(actor, schedule_id)
    subjects = _subjects(schedule, [row.recipient for row in rows], now)
    troubles = troubles_at(schedule.created_by.school_id)
    return [
        ListedRecipient(row, subjects[row.recipient_id], troubles.get(row.recipient_id))
        for row in rows
    ]


def recipient_rows(actor: User, schedule_id: int) -> Sequence[ReportScheduleRecipient]:
    """The same people without what they would get. Raises NotFound."""
    return db.session.scalars(_by_name(get_schedule(actor, schedule_id))).all()


def page_of_recipients(
    actor: User, schedule_id: int, *, page: int, page_size: int
) -> tuple[Sequence[ReportScheduleRecipient], int]:
    """One page of these rows, and how many there are in all. Raises NotFound."""
    query = _by_name(get_schedule(actor, schedule_id))
    rows = db.session.scalars(query.limit(page_size).offset((page - 1) * page_size)).all()
    return rows, count_found(query)


def _by_name(schedule: ReportSchedule) -> Select[ReportScheduleRecipient]:
    return (
        select(ReportScheduleRecipient)
        .join(ReportScheduleRecipient.recipient)
        .options(contains_eager(ReportScheduleRecipient.recipient))
        .where(
            ReportScheduleRecipient.schedule_id == schedule.id,
            ReportScheduleRecipient.is_direct,
            ReportScheduleRecipient.removed_at.is_(None),
        )
        .order_by(User.family_name, User.given_name, User.id)
    )


def search_candidates(
    actor: User, schedule_id: int, text: str, now: datetime, limit: int = 20
) -> list[Candidate]:
    """People who can be added to the schedule, by name: every word of `text` is in their name or
    address, or in the name of a child of theirs. Raises NotFound."""
    schedule = get_schedule(actor, schedule_id)
    already = select(ReportScheduleRecipient.recipient_id).where(
        ReportScheduleRecipient.schedule_id == schedule.id,
        ReportScheduleRecipient.is_direct,
        ReportScheduleRecipient.removed_at.is_(None),
    )
    author = schedule.created_by
    found, _ = find_people(
        db.session(),
        reachable(schedule, now).where(User.id.not_in(already)),
        children_of(author, school_day(db.session(), author, now)),
        text,
        limit=limit,
    )
    subjects = _subjects(schedule, found, now)
    return [Candidate(person, subjects[person.id]) for person in found]


def _subjects(
    schedule: ReportSchedule, people: Sequence[User], now: datetime
) -> dict[int, Subjects]:
    """Of each person, by user id."""
    return named_subjects(scopes_of(db.session(), schedule, people, now))


def named_subjects(scopes: Mapping[int, Scope]) -> dict[int, Subjects]:
    """The students of each scope, by the same keys."""
    students = {key: scope.students for key, scope in scopes.items()}
    few = set().union(*(ids for ids in students.values() if len(ids) <= _NAMED))
    names = {
        student.id: student.name
        for student in db.session.scalars(
            select(User).where(User.id.in_(few)).order_by(User.given_name, User.id)
        )
    }
    return {
        key: Subjects(
            len(ids),
            tuple(name for student, name in names.items() if student in ids)
            if len(ids) <= _NAMED
            else (),
        )
        for key, ids in students.items()
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
            raise NotFound("Recipient not found")
        row = _row(session, schedule, user_id)
        if row is None:
            row = _new_row(session, schedule, user_id, now)
        elif not row.is_subscribed:
            raise Conflict(
                f"{person.name} has unsubscribed from this report; only they can subscribe again."
            )
        row.is_direct, row.removed_at = True, None
    return row


def remove_recipient(
    actor: User, schedule_id: int, user_id: int, now: datetime
) -> ReportScheduleRecipient:
    """Take a person off the schedule; what they were on it. They stay off, also as members of its
    audiences, until they are let in or added again. Raises NotFound when they are not on it."""
    schedule = get_schedule(actor, schedule_id)
    with transaction() as session:
        lock_schedule(session, schedule)
        row = _row(session, schedule, user_id)
        belongs = bool(members(session, schedule, now, [user_id]))
        if not is_on(row, belongs):
            raise NotFound("Recipient not found")
        if row is None:
            row = _new_row(session, schedule, user_id, now)
            row.is_direct = False
        row.removed_at = now
    return row


def let_in(actor: User, schedule_id: int, user_id: int) -> ReportScheduleRecipient:
    """Take back that a person was taken off: they belong to the schedule as members of its
    audiences, if of any. Doing it again changes nothing. Raises NotFound."""
    schedule = get_schedule(actor, schedule_id)
    with transaction() as session:
        lock_schedule(session, schedule)
        row = _row(session, schedule, user_id)
        if row is None:
            raise NotFound("Recipient not found")
        if row.removed_at is not None:
            row.is_direct, row.removed_at = False, None
    return row


def _row(
    session: Session, schedule: ReportSchedule, user_id: int
) -> ReportScheduleRecipient | None:
    return session.scalar(
        select(ReportScheduleRecipient).where(
            ReportScheduleRecipient.schedule_id == schedule.id,
            ReportScheduleRecipient.recipient_id == user_id,
        )
    )


def _new_row(
    session: Session, schedule: ReportSchedule, user_id: int, now: datetime
) -> ReportScheduleRecipient:
    row = ReportScheduleRecipient(
        schedule_id=schedule.id,
        recipient_id=user_id,
        unsubscribe_token=new_unsubscribe_token(),
        added_at=now,
    )
    session.add(row)
    return row
