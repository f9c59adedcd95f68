"""Whom and which classes a schedule's author may reach."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import aliased

from reportapp.constants import EnrollmentRole, Role
from reportapp.extensions import db
from reportapp.models import ClassGroup, Enrollment, TutorLink, User
from reportapp.reports.scope import holds, school_day


def list_classes(author: User, now: datetime) -> Sequence[ClassGroup]:
    """The classes to which an author may limit a schedule, by title."""
    day = school_day(db.session(), author, now)
    query = classes_of(author, day).order_by(ClassGroup.title, ClassGroup.id)
    return db.session.scalars(query).all()


def students_of(author: User, day: date) -> Select[Any]:
    """The ids of an author's students on a day: all of the school's for an admin."""
    if author.role is Role.ADMIN:
        return select(User.id).where(
            User.school_id == author.school_id, User.role == Role.STUDENT, User.is_active
        )
    if author.role is Role.TUTOR:
        return select(TutorLink.student_id).where(
            TutorLink.tutor_id == author.id, holds(TutorLink, day)
        )
    teaching = aliased(Enrollment)
    return (
        select(Enrollment.user_id)
        .join(teaching, teaching.class_group_id == Enrollment.class_group_id)
        .join(ClassGroup, ClassGroup.id == Enrollment.class_group_id)
        .where(
            ClassGroup.is_active,
            teaching.user_id == author.id,
            teaching.role == EnrollmentRole.TEACHER,
            Enrollment.role == EnrollmentRole.STUDENT,
            holds(teaching, day),
            holds(Enrollment, day),
        )
    )


def classes_of(author: User, day: date) -> Select[Any]:
    """The classes that an author may see on a day: all of the school's, those that they teach, or
    those in which somebody sits whom they tutor. Classes that have ended are left out."""
    query = select(ClassGroup).where(ClassGroup.is_active, ClassGroup.school_id == author.school_id)
    if author.role is Role.ADMIN:
        return query
    seat = aliased(Enrollment)
    if author.role is Role.TUTOR:
        own = and_(seat.role == EnrollmentRole.STUDENT, seat.user_id.in_(students_of(author, day)))
    else:
        own = and_(seat.role == EnrollmentRole.TEACHER, seat.user_id == author.id)
    return query.where(ClassGroup.id.in_(select(seat.class_group_id).where(own, holds(seat, day))))
