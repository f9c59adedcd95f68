"""Whom and which classes the rows of a file mean, by the identifiers of the school's own system."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from reportapp.constants import EnrollmentRole, Role
from reportapp.models import ClassGroup, Enrollment, User

_Span = tuple[date, date]


@dataclass(frozen=True)
class Directory:
    """Everybody of a school by identifier and by e-mail address, and its classes by identifier;
    `places`: when (first and last day) a student is in a class, by class and student."""

    by_id: dict[str, tuple[int, Role]]
    by_email: dict[str, tuple[int, Role]]
    groups: dict[str, int]
    places: dict[int, dict[int, _Span]]

    def student(self, text: str) -> int:
        """The student whom an identifier or an address means. Raises ValueError with what would be
        right."""
        if not text:
            raise ValueError("Give the student's identifier or e-mail address.")
        found = {
            person
            for person in (self.by_id.get(text), self.by_email.get(text.lower()))
            if person is not None
        }
        if not found:
            raise ValueError(
                "No student of this school has this identifier or e-mail address. Import the "
                "people first, or correct it."
            )
        if len(found) > 1:
            raise ValueError("This is one person's identifier and another one's e-mail address.")
        id_, role = found.pop()
        if role is not Role.STUDENT:
            raise ValueError(f"This person is not a student; their role here is {role}.")
        return id_

    def group(self, text: str) -> int:
        """The class that an identifier means. Raises ValueError with what would be right."""
        if not text:
            raise ValueError("Give the identifier of the class.")
        if text not in self.groups:
            raise ValueError(
                "No class of this school has this identifier. Import the classes first, or "
                "correct it."
            )
        return self.groups[text]

    def is_in(self, student: int, group: int, day: date) -> bool:
        """Whether the student was in the class on that day."""
        first, last = self.places.get(group, {}).get(student, (date.max, date.min))
        return first <= day <= last


def load_directory(session: Session, school_id: int) -> Directory:
    """In three queries. Enrolments that the school's own system knows no longer, and those of
    people who were switched off, are not among the places."""
    by_id: dict[str, tuple[int, Role]] = {}
    by_email: dict[str, tuple[int, Role]] = {}
    people = select(User.id, User.sourced_id, User.email, User.role)
    for id_, sourced_id, email, role in session.execute(people.where(User.school_id == school_id)):
        if sourced_id:
            by_id[sourced_id] = (id_, role)
        if email:
            by_email[email] = (id_, role)
    groups = select(ClassGroup.sourced_id, ClassGroup.id).where(
        ClassGroup.school_id == school_id, ClassGroup.sourced_id.is_not(None)
    )
    return Directory(
        by_id,
        by_email,
        {sourced_id: id_ for sourced_id, id_ in session.execute(groups) if sourced_id},
        _places(session, school_id),
    )


def _places(session: Session, school_id: int) -> dict[int, dict[int, _Span]]:
    rows = session.execute(
        select(
            Enrollment.class_group_id,
            Enrollment.user_id,
            Enrollment.begin_date,
            Enrollment.end_date,
        )
        .join(ClassGroup, ClassGroup.id == Enrollment.class_group_id)
        .join(User, User.id == Enrollment.user_id)
        .where(
            ClassGroup.school_id == school_id,
            Enrollment.role == EnrollmentRole.STUDENT,
            Enrollment.is_active,
            User.is_active,
            User.role == Role.STUDENT,
        )
    )
    places: dict[int, dict[int, _Span]] = defaultdict(dict)
    for group, student, begin, end in rows:
        places[group][student] = (begin or date.min, end or date.max)
    return dict(places)
