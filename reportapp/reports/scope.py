"""Whose data one delivery may hold: what its author and its recipient both may see, now.

A scope is a set of pairs, because seeing a student is not enough: a teacher sees a student in the
own classes only, a tutor's notes are for that tutor and the family.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Date,
    Integer,
    Select,
    and_,
    bindparam,
    false,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session, aliased

from reportapp.access import REPORT_AUTHORS, REPORT_READERS, WHOLE_CLASS_ROLES, Person
from reportapp.constants import FAMILY_ROLES, EnrollmentRole, ReportType, Role
from reportapp.models import (
    ClassGroup,
    Enrollment,
    GuardianLink,
    ReportSchedule,
    School,
    TutorLink,
    User,
)


class Basis(StrEnum):
    """What a student is paired with in a report type's scope."""

    CLASS = "class"
    TUTOR = "tutor"


BASIS: dict[ReportType, Basis] = {
    ReportType.STUDENT_REPORT: Basis.CLASS,
    ReportType.TUTOR_WEEKLY_REPORT: Basis.TUTOR,
    ReportType.TEACHER_WEEKLY_REPORT: Basis.CLASS,
    ReportType.CLASS_ANALYTICS: Basis.CLASS,
    ReportType.PARENT_PROGRESS: Basis.CLASS,
}
#: Their figures are of whole classes, also where the reader may see some of the students only.
OF_WHOLE_CLASSES = frozenset({ReportType.CLASS_ANALYTICS})


@dataclass(frozen=True)
class Scope:
    """Pairs (student id, class id or tutor id); `family`: only what is shown to parents.

    `crowd`: all pairs of the classes of which the reader may see some students only. They count in
    figures from which nobody can be told apart (`access.FEWEST_STUDENTS`), and are never named.
    None: there is no such limit.
    """

    pairs: frozenset[tuple[int, int]]
    family: bool = False
    crowd: frozenset[tuple[int, int]] | None = None

    def __bool__(self) -> bool:
        return bool(self.pairs)

    @property
    def students(self) -> frozenset[int]:
        return frozenset(student for student, _ in self.pairs)


EMPTY = Scope(frozenset())
#: So many students can be asked for by name in one query.
_FEW = 500
#: What the queries are asked with.
_SCHOOL, _DAY = bindparam("school", type_=Integer), bindparam("day", type_=Date)
_GROUP = bindparam("group", type_=Integer)
_VIEWERS = bindparam("viewers", type_=Integer, expanding=True)
_STUDENTS = bindparam("students", type_=Integer, expanding=True)


def scopes_of(
    session: Session, schedule: ReportSchedule, recipients: Sequence[Person], now: datetime
) -> dict[int, Scope]:
    """The scope of each recipient's delivery of the schedule's report, as `load_scopes` says."""
    return load_scopes(
        session,
        schedule.report_type,
        schedule.created_by,
        recipients,
        now,
        class_group_id=schedule.class_group_id,
    )


def load_scopes(
    session: Session,
    kind: ReportType,
    author: User,
    recipients: Sequence[Person],
    now: datetime,
    *,
    class_group_id: int | None,
) -> dict[int, Scope]:
    """The scope of each recipient's delivery of a `kind` report ordered by `author`, by user id,
    as access stands at the aware instant `now`; of one class only where `class_group_id` says so.
    The number of queries does not grow with the number of recipients."""
    scopes = {recipient.id: EMPTY for recipient in recipients}
    if not author.is_active or author.role not in REPORT_AUTHORS[kind]:
        return scopes
    readers = [
        person
        for person in recipients
        if person.is_active
        and person.school_id == author.school_id
        and person.role in REPORT_READERS[kind]
    ]
    if not readers:
        return scopes
    day = school_day(session, author, now)
    reach = _Reach(session, BASIS[kind], author.school_id, day, class_group_id)
    seen = reach.of(readers)
    crowded = kind in OF_WHOLE_CLASSES and any(r.role not in WHOLE_CLASS_ROLES for r in readers)
    students = None if crowded else _students(seen.values())
    authors = reach.of([author], students)[author.id]
    everybody = authors & _Everything(reach) if crowded else frozenset()
    #: Equal ones are the same object, which is compared at no cost.
    alike: dict[Scope, Scope] = {}
    for reader in readers:
        pairs = frozenset(authors & seen[reader.id])
        crowd = None
        if crowded and reader.role not in WHOLE_CLASS_ROLES:
            classes = {group for _, group in pairs}
            crowd = frozenset(pair for pair in everybody if pair[1] in classes)
        scope = Scope(pairs, reader.role in FAMILY_ROLES, crowd)
        scopes[reader.id] = alike.setdefault(scope, scope)
    return scopes


def seen_pairs(kind: ReportType, person: User, day: date) -> Select[int, int]:
    """A query for the (student, class or tutor) pairs of a `kind` report that `person` may see on
    `day`, to be part of other queries about the same person and day."""
    role = None if person.role is Role.ADMIN else person.role
    if not person.is_active or person.role not in REPORT_READERS[kind]:
        return _query(BASIS[kind], None, of_students=False).where(false())
    query = _query(BASIS[kind], role, of_students=False)
    # The third column says whose pairs they are, and here they are one person's.
    pairs: Any = query.with_only_columns(*list(query.selected_columns)[:2])
    return pairs.params(school=person.school_id, day=day, viewers=[person.id])


def _students(seen: Iterable[Any]) -> set[int] | None:
    """The students whom a delivery can be about at all, for its readers see no others; None: too
    many to ask for by name. So a check for one family reads two rows and not all of a teacher's."""
    students: set[int] = set()
    for pairs in seen:
        if isinstance(pairs, _Everything):
            return None
        students.update(student for student, _ in pairs)
    return students if len(students) <= _FEW else None


def school_day(session: Session, person: User, now: datetime) -> date:
    """The date at `now` where the person's school is: links and enrolments end with a day."""
    zone = session.scalar(select(School.time_zone).where(School.id == person.school_id))
    assert zone is not None
    return now.astimezone(ZoneInfo(zone)).date()


def holds(link: Any, day: date | BindParameter[date]) -> ColumnElement[bool]:
    """Whether a link or enrolment runs on `day`: it has begun, has not ended, is still known to the
    school's own system, and nobody has forbidden the contact."""
    return and_(
        # Nobody imports who tutors whom, and contact is forbidden to guardians only.
        getattr(link, "is_active", true()),
        not_(getattr(link, "no_contact", false())),
        or_(link.begin_date.is_(None), link.begin_date <= day),
        or_(link.end_date.is_(None), link.end_date >= day),
    )


class _Everything:
    """What an admin sees: the neutral element of `&`, read from the database only if both sides
    of a delivery are admins."""

    def __init__(self, reach: _Reach) -> None:
        self.reach = reach

    def __and__(self, other: Any) -> Any:
        return self.reach.whole_school() if isinstance(other, _Everything) else other

    __rand__ = __and__


class _Reach:
    """Reads what people may see, one query per role."""

    def __init__(
        self, session: Session, basis: Basis, school_id: int, day: date, class_group_id: int | None
    ) -> None:
        self.session, self.basis, self.school_id, self.day = session, basis, school_id, day
        self.class_group_id = class_group_id if basis is Basis.CLASS else None
        self._whole: frozenset[tuple[int, int]] | None = None

    def of(self, people: Iterable[Person], students: set[int] | None = None) -> dict[int, Any]:
        """The pairs that each of the people may see, all or of some `students` only."""
        seen: dict[int, Any] = defaultdict(set)
        by_role: dict[Role, set[int]] = defaultdict(set)
        for person in people:
            if person.role is Role.ADMIN:
                seen[person.id] = _Everything(self)
            else:
                by_role[person.role].add(person.id)
        for role, ids in by_role.items():
            for student, other, viewer in self._rows(role, viewers=ids, students=students):
                seen[viewer].add((student, other))
        return seen

    def whole_school(self) -> frozenset[tuple[int, int]]:
        if self._whole is None:
            self._whole = frozenset((row[0], row[1]) for row in self._rows(None))
        return self._whole

    def _rows(
        self, role: Role | None, viewers: Iterable[int] = (), students: set[int] | None = None
    ) -> Any:
        values: dict[str, Any] = {"school": self.school_id, "day": self.day}
        if role is not None:
            values["viewers"] = list(viewers)
        if students is not None:
            values["students"] = list(students)
        if self.class_group_id is not None:
            values["group"] = self.class_group_id
        query = _query(
            self.basis,
            role,
            of_students=students is not None,
            of_class=self.class_group_id is not None,
        )
        return self.session.execute(query, values)


@cache
def _query(
    basis: Basis, role: Role | None, *, of_students: bool, of_class: bool = False
) -> Select[Any]:
    """The pairs that people of `role` may see, with who sees them; None: all of the school. Made
    once, since making it costs more than running it for one family."""
    query: Any = _all(basis)
    student = TutorLink.student_id if basis is Basis.TUTOR else Enrollment.user_id
    if role is not None:
        viewer, query = _seen_by(role, basis, student, query)
        query = query.add_columns(viewer).where(viewer.in_(_VIEWERS))
    if of_class:
        query = query.where(Enrollment.class_group_id == _GROUP)
    return query.where(student.in_(_STUDENTS)) if of_students else query


def _all(basis: Basis) -> Select[int, int]:
    """Every (student, class) or (student, tutor) of the school that holds today."""
    student = aliased(User)
    active = and_(student.is_active, student.role == Role.STUDENT, student.school_id == _SCHOOL)
    if basis is Basis.TUTOR:
        tutor = aliased(User)
        return (
            select(TutorLink.student_id, TutorLink.tutor_id)
            .join(student, student.id == TutorLink.student_id)
            .join(tutor, tutor.id == TutorLink.tutor_id)
            .where(active, tutor.is_active, tutor.school_id == _SCHOOL, holds(TutorLink, _DAY))
        )
    return (
        select(Enrollment.user_id, Enrollment.class_group_id)
        .join(student, student.id == Enrollment.user_id)
        .join(ClassGroup, ClassGroup.id == Enrollment.class_group_id)
        .where(
            active,
            ClassGroup.is_active,
            ClassGroup.school_id == _SCHOOL,
            Enrollment.role == EnrollmentRole.STUDENT,
            holds(Enrollment, _DAY),
        )
    )


def _seen_by(role: Role, basis: Basis, student: Any, query: Select[Any]) -> tuple[Any, Select[Any]]:
    """The viewer's column, and `query` with it for people of `role`."""
    if role is Role.PARENT:
        return GuardianLink.guardian_id, query.join(
            GuardianLink, GuardianLink.student_id == student
        ).where(holds(GuardianLink, _DAY))
    if role is Role.STUDENT:
        return student, query
    if role is Role.TUTOR and basis is Basis.TUTOR:
        return TutorLink.tutor_id, query
    if role is Role.TUTOR:
        return TutorLink.tutor_id, query.join(TutorLink, TutorLink.student_id == student).where(
            holds(TutorLink, _DAY)
        )
    assert role is Role.TEACHER
    assert basis is Basis.CLASS, "no report on tutoring is for teachers"
    teaching = aliased(Enrollment)
    return teaching.user_id, query.join(
        teaching, teaching.class_group_id == Enrollment.class_group_id
    ).where(teaching.role == EnrollmentRole.TEACHER, holds(teaching, _DAY))
