"""Short ways to read what the demo school holds."""

from datetime import UTC, datetime

from sqlalchemy import func, select

from reportapp.constants import Role
from reportapp.extensions import db
from reportapp.models import StudentReport, TeacherWeeklyReport, TutorWeeklyReport, User

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
WRITTEN = (StudentReport, TutorWeeklyReport, TeacherWeeklyReport)


def count(model, *where) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*where))


def people(role: Role) -> list[User]:
    return list(db.session.scalars(select(User).where(User.role == role).order_by(User.id)))


def values(column) -> set:
    return set(db.session.scalars(select(column).distinct()))
