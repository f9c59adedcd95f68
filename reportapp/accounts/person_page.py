"""All that an admin's page about one person shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from reportapp.accounts.links import LINKS, Link
from reportapp.accounts.people import get_person
from reportapp.constants import EnrollmentRole, LinkKind
from reportapp.extensions import db
from reportapp.models import ClassGroup, Course, Enrollment, User
from reportapp.reports.scope import school_day


@dataclass(frozen=True)
class ClassLine:
    """A class of theirs."""

    enrollment: Enrollment
    title: str
    subject: str
    #: The enrolment and its class are still known to the school.
    is_active: bool

    @property
    def teaches(self) -> bool:
        return self.enrollment.role is EnrollmentRole.TEACHER


@dataclass(frozen=True)
class LinkLine:
    """Somebody who belongs to them."""

    link: Link
    other: User

    @property
    def is_active(self) -> bool:
        return getattr(self.link, "is_active", True)

    @property
    def no_contact(self) -> bool:
        return getattr(self.link, "no_contact", False)


Line = ClassLine | LinkLine


@dataclass(frozen=True)
class PersonPage:
    """`today` is the day at the school. `links` has the kinds that the person has or can have."""

    person: User
    today: date
    classes: list[ClassLine]
    links: dict[LinkKind, list[LinkLine]]

    def past(self, lines: Sequence[Line]) -> list[Line]:
        """Those that have ended, or are gone from the school's own system."""
        return [line for line in lines if self._is_over(line)]

    def present(self, lines: Sequence[Line]) -> list[Line]:
        """The others, those to come included."""
        return [line for line in lines if not self._is_over(line)]

    def _is_over(self, line: Line) -> bool:
        end = line.enrollment.end_date if isinstance(line, ClassLine) else line.link.end_date
        return not line.is_active or (end is not None and end < self.today)


def show_person(actor: User, user_id: int, now: datetime) -> PersonPage:
    """The page about somebody of the actor's school, at the aware instant `now`. Raises Forbidden,
    or NotFound."""
    person = get_person(actor, user_id)
    links = {
        kind: lines
        for kind in LinkKind
        if (lines := _links(person, kind)) or LINKS[kind].own_role is person.role
    }
    today = school_day(db.session(), actor, now)
    return PersonPage(person, today, _classes(person), links)


def _classes(person: User) -> list[ClassLine]:
    rows = db.session.execute(
        select(Enrollment, ClassGroup, Course)
        .join(ClassGroup, ClassGroup.id == Enrollment.class_group_id)
        .join(Course, Course.id == ClassGroup.course_id)
        .where(Enrollment.user_id == person.id)
        .order_by(ClassGroup.title, Enrollment.id)
    )
    return [
        ClassLine(enrollment, group.title, course.subject, enrollment.is_active and group.is_active)
        for enrollment, group, course in rows
    ]


def _links(person: User, kind: LinkKind) -> list[LinkLine]:
    shape = LINKS[kind]
    rows: Any = db.session.execute(
        select(shape.table, User)
        .join(User, User.id == getattr(shape.table, shape.other))
        .where(getattr(shape.table, shape.own) == person.id)
        .order_by(User.family_name, User.given_name, User.id)
    )
    return [LinkLine(link, other) for link, other in rows]
