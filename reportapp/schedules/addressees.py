"""Finding the people to whom somebody may send reports, before there is a schedule."""

from collections.abc import Sequence
from datetime import datetime

from reportapp.access import Action, require
from reportapp.constants import ReportType
from reportapp.extensions import db
from reportapp.models import User
from reportapp.reports.scope import school_day
from reportapp.schedules.name_search import find_people
from reportapp.schedules.reach import children_of, reachable_by


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
