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
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session, aliased

from reportapp.access import REPORT_AUTHORS, REPORT_READERS
from reportapp.constants import FAMILY_ROLES, EnrollmentRole, ReportType, Role
from reportapp.models import ClassGroup, Enrollment, GuardianLink, School, TutorLink, User


class Basis(StrEnum):
    """What a student is paired with in a report type's scope."""

    CLASS = "class"
    TUTOR = "tutor"


BASIS: dict[ReportType, Basis] = {
    ReportType.STUDENT_REPORT: Basis.CLASS,
    ReportType.TUTOR_WEEKLY_REPORT: Basis.TUTOR,
    ReportType.TEACHER_WEEKLY_REPORT: Basis.CLASS,
}


@dataclass(frozen=True)
class Scope:
    """Pairs (student id, class id or tutor id); `family`: only what is shown to parents."""

    pairs: frozenset[tuple[int, int]]
    family: bool = False

    def __bool__(self) -> bool:
        return bool(self.pairs)

    @property
    def students(self) -> frozenset[int]:
        return frozenset(student for student, _ in self.pairs)


EMPTY = Scope(frozenset())
#: So many students can be asked for by name in one query.
_FEW = 500


def load_scopes(
    session: Session, kind: ReportType, author: User, recipients: Sequence[User], now: datetime
) -> dict[int, Scope]:
    """The scope of each recipient's delivery of a `kind` report ordered by `author`, by user id,
    as access stands at the aware instant `now`. The number of queries does not grow with the
    number of recipients."""
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
    reach = _Reach(session, BASIS[kind], author.school_id, school_day(session, author, now))
    seen = reach.of(readers)
    authors = reach.of([author], _students(seen.values()))[author.id]
    for reader in readers:
        pairs = authors & seen[reader.id]
        scopes[reader.id] = Scope(frozenset(pairs), reader.role in FAMILY_ROLES)
    return scopes


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


def holds(link: Any, day: date) -> ColumnElement[bool]:
    """Whether a link or enrolment (anything with begin_date and end_date) runs on `day`."""
    return and_(
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

    def __init__(self, session: Session, basis: Basis, school_id: int, day: date) -> None:
        self.session, self.basis, self.school_id, self.day = session, basis, school_id, day
        self._whole: set[tuple[int, int]] | None = None

    def of(self, people: Iterable[User], students: set[int] | None = None) -> dict[int, Any]:
        """The pairs that each of the people may see, all or of some `students` only."""
        seen: dict[int, Any] = defaultdict(set)
        by_role: dict[Role, set[int]] = defaultdict(set)
        for person in people:
            if person.role is Role.ADMIN:
                seen[person.id] = _Everything(self)
            else:
                by_role[person.role].add(person.id)
        for role, ids in by_role.items():
            viewer, query = self._pairs(role)
            if students is not None:
                query = query.where(self._student.in_(students))
            for student, other, viewer_id in self.session.execute(
                query.add_columns(viewer).where(viewer.in_(ids))
            ):
                seen[viewer_id].add((student, other))
        return seen

    @property
    def _student(self) -> Any:
        return TutorLink.student_id if self.basis is Basis.TUTOR else Enrollment.user_id

    def whole_school(self) -> set[tuple[int, int]]:
        if self._whole is None:
            self._whole = {(row[0], row[1]) for row in self.session.execute(self._all())}
        return self._whole

    def _all(self) -> Select[int, int]:
        """Every (student, class) or (student, tutor) of the school that holds today."""
        student = aliased(User)
        active = and_(
            student.is_active,
            student.role == Role.STUDENT,
            student.school_id == self.school_id,
        )
        if self.basis is Basis.TUTOR:
            tutor = aliased(User)
            return (
                select(TutorLink.student_id, TutorLink.tutor_id)
                .join(student, student.id == TutorLink.student_id)
                .join(tutor, tutor.id == TutorLink.tutor_id)
                .where(
                    active,
                    tutor.is_active,
                    tutor.school_id == self.school_id,
                    self._holds(TutorLink),
                )
            )
        return (
            select(Enrollment.user_id, Enrollment.class_group_id)
            .join(student, student.id == Enrollment.user_id)
            .join(ClassGroup, ClassGroup.id == Enrollment.class_group_id)
            .where(
                active,
                ClassGroup.is_active,
                ClassGroup.school_id == self.school_id,
                Enrollment.role == EnrollmentRole.STUDENT,
                self._holds(Enrollment),
            )
        )

    def _pairs(self, role: Role) -> tuple[Any, Select[int, int]]:
        """The viewer's column and the query of the pairs that people of `role` may see."""
        query = self._all()
        student = self._student
        if role is Role.PARENT:
            return GuardianLink.guardian_id, query.join(
                GuardianLink, GuardianLink.student_id == student
            ).where(self._holds(GuardianLink))
        if role is Role.STUDENT:
            return student, query
        if role is Role.TUTOR and self.basis is Basis.TUTOR:
            return TutorLink.tutor_id, query
        if role is Role.TUTOR:
            return TutorLink.tutor_id, query.join(TutorLink, TutorLink.student_id == student).where(
                self._holds(TutorLink)
            )
        assert role is Role.TEACHER
        assert self.basis is Basis.CLASS, "no report on tutoring is for teachers"
        teaching = aliased(Enrollment)
        return teaching.user_id, query.join(
            teaching, teaching.class_group_id == Enrollment.class_group_id
        ).where(teaching.role == EnrollmentRole.TEACHER, self._holds(teaching))

    def _holds(self, link: Any) -> ColumnElement[bool]:
        return holds(link, self.day)
