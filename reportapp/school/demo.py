"""The demo school: made-up people with ten weeks of lessons, reports and schedules."""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from reportapp.errors import Conflict, InvalidInput
from reportapp.extensions import db, transaction
from reportapp.models import School, User
from reportapp.school.demo_calendar import COUNTRY, make_calendar
from reportapp.school.demo_classes import make_classes, year_groups
from reportapp.school.demo_lessons import make_lessons, make_talents
from reportapp.school.demo_people import DEMO_PASSWORD, FIXED_EMAILS, People, make_people
from reportapp.school.demo_reports import make_readings, make_reports
from reportapp.school.demo_runs import make_runs
from reportapp.school.demo_schedules import place_orders
from reportapp.school.demo_stage import ZONE, Stage

__all__ = ["DEMO_PASSWORD", "DemoSummary", "demo_is_loaded", "demo_logins", "load_demo"]

MOST_STUDENTS = 20_000


@dataclass(frozen=True)
class DemoSummary:
    """How many of each thing the demo school has."""

    counts: dict[str, int]


def load_demo(now: datetime, *, students: int = 120, seed: int = 1) -> DemoSummary:
    """Make the demo school as it stands at the aware instant `now`, all of it or nothing.

    The same seed on the same day gives the same school, but for the unsubscribe tokens, which must
    stay unguessable, the password hash, and the runs between two times of that day. Raises
    InvalidInput for an impossible number of students, Conflict when the database has a school.
    """
    if not 1 <= students <= MOST_STUDENTS:
        raise InvalidInput({"students": [f"Choose a number from 1 to {MOST_STUDENTS}."]})
    dice = Random(seed)  # noqa: S311 (made-up data that can be made again, no secret)
    with transaction() as session:
        _refuse_other_data(session)
        return DemoSummary(_make(Stage(session, dice, now), students))


def _refuse_other_data(session: Session) -> None:
    schools = session.scalars(select(School.is_demo)).all()
    if not all(schools):
        raise Conflict("This database has real data; the demo school needs an empty one.")
    if schools:
        raise Conflict("The demo school is already loaded.")


def _make(stage: Stage, students: int) -> dict[str, int]:
    school = School(
        name="Lindenhof School",
        sourced_id="demo-school",
        time_zone=ZONE.key,
        is_demo=True,
        country=COUNTRY,
        created_at=stage.opening,
    )
    stage.session.add(school)
    stage.session.flush()
    stage.school_id = school.id
    people = make_people(stage, students, ceil(students / year_groups(students)))
    groups = make_classes(stage, people)
    make_calendar(stage)
    talents = make_talents(stage, people.students)
    counts = {
        **_count(people),
        "classes": len(groups),
        **make_lessons(stage, groups, talents),
        "written_reports": make_reports(stage, people, groups, talents),
        "readings": make_readings(stage, people),
    }
    placed = place_orders(stage, people, groups)
    executions, deliveries = make_runs(stage, placed)
    return {
        **counts,
        "schedules": len(placed),
        "executions": executions,
        "deliveries": deliveries,
    }


def _count(people: People) -> dict[str, int]:
    return {
        "students": len(people.students),
        "teachers": len(people.teachers),
        "tutors": len(people.tutors),
        "guardians": len(people.guardians),
        "admins": 1,
    }


def demo_is_loaded() -> bool:
    """Whether the database has the demo school."""
    return db.session.scalar(select(School.id).where(School.is_demo).limit(1)) is not None


def demo_logins() -> list[tuple[str, str, str]]:
    """(role, name, e-mail) of the log-ins that are the same in every demo school; empty while it
    is not loaded."""
    people = db.session.scalars(
        select(User).join(School).where(School.is_demo, User.email.in_(FIXED_EMAILS))
    )
    found = {person.email: person for person in people}
    fixed = [found[email] for email in FIXED_EMAILS if email in found]
    return [(str(person.role), person.name, person.email or "") for person in fixed]
