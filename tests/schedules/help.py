"""What several files here need: a look at the tables, a crowd of people, and a count of queries."""

from sqlalchemy import event, func, select

from reportapp.constants import EnrollmentRole, Role
from reportapp.extensions import db, transaction
from reportapp.models import ReportScheduleExecution, ReportScheduleRecipient
from tests.cast import create_guardian_link, create_person, enroll

#: Where the Message-IDs of runs that a test asks for belong.
DOMAIN = "lindenhof.example"


def count(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model))


def executions() -> list[ReportScheduleExecution]:
    return list(
        db.session.scalars(select(ReportScheduleExecution).order_by(ReportScheduleExecution.id))
    )


def row_of(schedule, person) -> ReportScheduleRecipient:
    return db.session.scalars(
        select(ReportScheduleRecipient).filter_by(schedule_id=schedule.id, recipient_id=person.id)
    ).one()


def create_crowd(cast, role: Role, size: int):
    """People whom Tom may write to, each with an own account."""
    with transaction():
        people = [create_person(cast.school, role, f"{role}{n:02}") for n in range(size)]
        for person in people:
            if role is Role.PARENT:
                create_guardian_link(person, cast.ana)
            if role is Role.STUDENT:
                enroll(cast.classes["maths"], person, EnrollmentRole.STUDENT)
    return people


def queries_of(call) -> int:
    """How many statements `call` sends when nothing is remembered from before."""
    db.session.commit()  # expires all that was loaded, so that lazy loading shows
    seen = []

    def note(*args):
        seen.append(args[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        call()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)
