"""Finding the people to whom somebody may send reports, before there is a schedule."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from reportapp.access import Action, require
from reportapp.constants import ReportType
from reportapp.extensions import db
from reportapp.models import GuardianLink, User
from reportapp.reports.scope import holds, school_day
from reportapp.schedules.name_search import find_people
from reportapp.schedules.reach import reachable_by, students_of


def search_addressees(
    actor: User,
    text: str,
    now: datetime,
    *,
    report_type: ReportType | None = None,
    page: int = 1,
    page_size: int = 25,
) -> tuple[Sequence[User], int]:
    """One page of those to whom the actor may send reports (of this type), by name, and how many
    there are: every word of `text` is in their name or address, or in the name of a child of theirs
    whom the actor may see. Raises Forbidden."""
    require(actor, Action.MAKE_SCHEDULES)
    day = school_day(db.session(), actor, now)
    return find_people(
        db.session(),
        # Everybody may read a student report.
        reachable_by(actor, report_type or ReportType.STUDENT_REPORT, day),
        children_of(actor, day),
        text,
        limit=page_size,
        offset=(page - 1) * page_size,
    )


def children_of(author: User, day: date) -> Select[int, str, str]:
    """Who is whose guardian: rows of guardian's id, the child's given and family name. Only
    children whom the author may see: a search must not tell whose parent somebody is."""
    child = aliased(User)
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
