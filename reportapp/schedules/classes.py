"""The classes that an author may use, and those of their students whom the author may see."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager

from reportapp.access import Action, require
from reportapp.constants import ReportType
from reportapp.errors import NotFound
from reportapp.extensions import count_found, db
from reportapp.models import ClassGroup, Course, User
from reportapp.reports.scope import school_day, seen_pairs
from reportapp.schedules.reach import classes_of


def search_classes(
    actor: User, text: str, now: datetime, *, page: int = 1, page_size: int = 25
) -> tuple[Sequence[ClassGroup], int]:
    """One page of the classes to which the actor may limit a schedule, with their courses, by
    title, and how many there are: every word of `text` is in the title. Raises Forbidden."""
    require(actor, Action.MAKE_SCHEDULES)
    query = classes_of(actor, school_day(db.session(), actor, now))
    for word in text.lower().split():
        query = query.where(func.lower(ClassGroup.title).contains(word, autoescape=True))
    total = count_found(query)
    found = db.session.scalars(
        query.join(Course, Course.id == ClassGroup.course_id)
        .options(contains_eager(ClassGroup.course))
        .order_by(ClassGroup.title, ClassGroup.id)
        .limit(page_size)
        .offset((page - 1) * page_size)
    ).all()
    return found, total


def list_students(
    actor: User, class_id: int, now: datetime, *, page: int = 1, page_size: int = 25
) -> tuple[Sequence[User], int]:
    """One page of those students of one of these classes whom the actor may see, by name, and how
    many these are: a tutor's are those in their care. Raises Forbidden, or NotFound for any other
    class."""
    require(actor, Action.MAKE_SCHEDULES)
    day = school_day(db.session(), actor, now)
    own = classes_of(actor, day).where(ClassGroup.id == class_id)
    if db.session.scalar(own) is None:
        raise NotFound("There is no such class.")
    # Every author sees who is in their classes by the report that all of them may order.
    pairs = seen_pairs(ReportType.STUDENT_REPORT, actor, day).subquery()
    query = select(User).where(User.id.in_(select(pairs.c[0]).where(pairs.c[1] == class_id)))
    total = count_found(query)
    found = db.session.scalars(
        query.order_by(User.family_name, User.given_name, User.id)
        .limit(page_size)
        .offset((page - 1) * page_size)
    ).all()
    return found, total
