"""Schools that nobody would think of: whatever they look like, scopes are what plain SQL says."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from reportapp.constants import EnrollmentRole, ReportType, Role
from reportapp.models import (
    ClassGroup,
    Course,
    Enrollment,
    GuardianLink,
    School,
    TutorLink,
    User,
)
from reportapp.reports import load_scopes
from tests.reports.conftest import memory_session
from tests.reports.oracle import allowed_pairs, school_date

TODAY = date(2026, 11, 24)
ZONES = ("Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC")
MADE = datetime(2026, 1, 1, tzinfo=UTC)
FAMILY = {Role.PARENT, Role.STUDENT}

#: Often open or around today, so that links both hold and do not.
days = st.one_of(
    st.none(),
    st.none(),
    st.sampled_from([-400, -2, -1, 0, 1, 2, 400]).map(lambda n: TODAY + timedelta(days=n)),
)
#: Mostly active; mostly of the first school.
mostly_yes = st.integers(0, 5).map(bool)
mostly_first = st.integers(0, 4).map(lambda n: int(n == 4))


@dataclass
class Plan:
    """The rows of a school, by table."""

    zones: list[str]
    people: list[dict]
    classes: list[dict]
    enrollments: list[dict]
    guardians: list[dict]
    tutors: list[dict]
    now: datetime


@st.composite
def schools(draw):
    zones = draw(st.lists(st.sampled_from(ZONES), min_size=2, max_size=2))
    # Two of every role, then whoever comes.
    roles = [*Role, *Role, *draw(st.lists(st.sampled_from(list(Role)), max_size=3))]
    people = [
        {"id": n, "role": role, "school_id": 1 + draw(mostly_first), "is_active": draw(mostly_yes)}
        for n, role in enumerate(roles, start=1)
    ]
    classes = [
        {"id": n, "school_id": 1 + draw(mostly_first), "is_active": draw(mostly_yes)}
        for n in range(1, 1 + draw(st.integers(1, 4)))
    ]
    by_role = {role: [p["id"] for p in people if p["role"] is role] for role in Role}
    anybody = [person["id"] for person in people]

    def links(
        first: str, firsts: list[int], second: str, seconds: list[int], most: int, **flags: bool
    ):
        """Unique pairs, mostly of fitting roles, sometimes of any; `flags` are mostly so."""
        pair = st.one_of(
            st.tuples(st.sampled_from(firsts), st.sampled_from(seconds)),
            st.tuples(st.sampled_from(firsts), st.sampled_from(seconds)),
            st.tuples(st.sampled_from(firsts), st.sampled_from(anybody)),
        )
        found = draw(st.lists(pair, max_size=most, unique=True))
        return [
            {
                first: a,
                second: b,
                "begin_date": draw(days),
                "end_date": draw(days),
                **{flag: draw(mostly_yes) is odd for flag, odd in flags.items()},
            }
            for a, b in found
        ]

    rooms = [group["id"] for group in classes]
    enrollments = [
        {**row, "role": role}
        for role, seats in (
            (EnrollmentRole.STUDENT, by_role[Role.STUDENT]),
            (EnrollmentRole.TEACHER, by_role[Role.TEACHER]),
        )
        for row in links("class_group_id", rooms, "user_id", seats, 8, is_active=True)
    ]
    tutors = by_role[Role.TUTOR] + by_role[Role.TEACHER][:1]
    return Plan(
        zones,
        people,
        classes,
        enrollments,
        links(
            "guardian_id",
            by_role[Role.PARENT],
            "student_id",
            by_role[Role.STUDENT],
            6,
            is_active=True,
            no_contact=False,
        ),
        links("tutor_id", tutors, "student_id", by_role[Role.STUDENT], 6),
        # Any minute of the day, so that "today" differs between the zones.
        datetime.combine(TODAY, time(), UTC) + timedelta(minutes=draw(st.integers(0, 1439))),
    )


def write(session, plan: Plan) -> None:
    for n, zone in enumerate(plan.zones, start=1):
        session.add(School(id=n, name=f"School {n}", time_zone=zone, created_at=MADE))
        session.add(Course(id=n, school_id=n, title="Course", subject="Subject"))
    session.flush()
    for model, rows in (
        (User, [with_name(row) for row in plan.people]),
        (ClassGroup, [{**row, "title": "Class", "course_id": 1} for row in plan.classes]),
        (Enrollment, plan.enrollments),
        (GuardianLink, plan.guardians),
        (TutorLink, plan.tutors),
    ):
        if rows:
            session.execute(insert(model), rows)
    session.commit()


def kinds_of(plan: Plan):
    """Every type of report, about all classes and about the first one alone."""
    return [(kind, room) for kind in ReportType for room in (None, plan.classes[0]["id"])]


def with_name(row: dict) -> dict:
    return {**row, "given_name": "Any", "family_name": f"Body{row['id']}", "created_at": MADE}


@settings(
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(schools())
def test_scopes_are_what_plain_sql_says_for_every_author_reader_and_type(plan):
    with memory_session() as session:
        write(session, plan)
        people = session.scalars(select(User).order_by(User.id)).all()
        for author in people:
            day = school_date(session, author.id, plan.now)
            for kind, room in kinds_of(plan):
                scopes = load_scopes(session, kind, author, people, plan.now, class_group_id=room)
                assert scopes.keys() == {person.id for person in people}
                for reader in people:
                    expected = allowed_pairs(session, str(kind), author.id, reader.id, day, room)
                    scope = scopes[reader.id]
                    case = (kind, room, author.role, author.id, reader.role, reader.id)
                    assert scope.pairs == expected, case
                    assert bool(scope) is bool(expected), case
                    assert scope.family is (bool(scope) and reader.role in FAMILY) or (not scope), (
                        case
                    )
                    assert scope.students == {student for student, _ in expected}, case


@settings(
    max_examples=10,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(schools())
def test_nobodys_scope_depends_on_who_else_receives_the_report(plan):
    with memory_session() as session:
        write(session, plan)
        people = session.scalars(select(User).order_by(User.id)).all()
        for author in people[:5]:
            for kind, room in kinds_of(plan):
                together = load_scopes(session, kind, author, people, plan.now, class_group_id=room)
                backwards = load_scopes(
                    session, kind, author, people[::-1], plan.now, class_group_id=room
                )
                assert together == backwards
                for reader in people:
                    alone = load_scopes(
                        session, kind, author, [reader], plan.now, class_group_id=room
                    )
                    assert alone == {reader.id: together[reader.id]}


def test_the_day_that_counts_is_the_schools_own():
    now = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
    assert now.astimezone(ZoneInfo("Pacific/Kiritimati")).date() == TODAY + timedelta(days=1)
    assert now.astimezone(ZoneInfo("Pacific/Pago_Pago")).date() == TODAY - timedelta(days=1)
    seen = {}
    for zone in ZONES:
        with memory_session() as session:
            people = [
                {"id": 1, "role": Role.ADMIN, "school_id": 1, "is_active": True},
                {"id": 2, "role": Role.STUDENT, "school_id": 1, "is_active": True},
            ]
            room = {"id": 1, "school_id": 1, "is_active": True}
            place = {
                "class_group_id": 1,
                "user_id": 2,
                "role": EnrollmentRole.STUDENT,
                "begin_date": TODAY,
                "end_date": TODAY,
            }
            write(session, Plan([zone, zone], people, [room], [place], [], [], now))
            admin = session.get_one(User, 1)
            scopes = load_scopes(
                session, ReportType.STUDENT_REPORT, admin, [admin], now, class_group_id=None
            )
            seen[zone] = bool(scopes[1])
    assert seen == {
        "Europe/Berlin": True,
        "UTC": True,
        "Pacific/Kiritimati": False,
        "Pacific/Pago_Pago": False,
    }
