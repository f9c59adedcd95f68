"""A student's figures count what lies within the own enrolment, in every report about classes."""

from datetime import timedelta

import pytest

from reportapp.constants import AttendanceStatus, EnrollmentRole, ReportType, Role
from reportapp.documents import Period
from reportapp.extensions import db, transaction
from reportapp.models import AttendanceRecord
from reportapp.reports import REPORTS, Order, Scope, facts
from tests.cast import WEEK, create_attendance, create_class, create_person, create_score, enroll

PERIOD = Period(WEEK, WEEK + timedelta(days=7))
PRESENT, ABSENT = AttendanceStatus.PRESENT, AttendanceStatus.ABSENT
DAYS = [WEEK + timedelta(days=n) for n in range(5)]


@pytest.fixture
def group(cast):
    return create_class(cast.school, "Chess", "Chess", [cast.tom])


def create_member(cast, group, **dates):
    """A student with work, a lesson and a whole day at school on each day of the week; score and
    presence tell the days apart."""
    with transaction():
        person = create_person(cast.school, Role.STUDENT, "Dora")
        enroll(group, person, EnrollmentRole.STUDENT, **dates)
        for number, day in enumerate(DAYS):
            create_score(group, person, 10 * number, day)
            create_attendance(group, person, day, PRESENT if number % 2 else ABSENT)
            db.session.add(
                AttendanceRecord(student_id=person.id, date=day, lesson=0, status=PRESENT)
            )
    return person


#: The first and the last day of an enrolment, as numbers in DAYS; None: open.
WITHIN = [
    (None, None, DAYS),
    (0, 4, DAYS),
    (2, None, DAYS[2:]),
    (None, 2, DAYS[:3]),
    (1, 3, DAYS[1:4]),
    (3, 3, DAYS[3:4]),
]


def member(cast, group, first, last):
    return create_member(
        cast,
        group,
        begin_date=None if first is None else DAYS[first],
        end_date=None if last is None else DAYS[last],
    )


@pytest.mark.parametrize(("first", "last", "days"), WITHIN)
def test_facts_are_of_the_days_from_the_first_to_the_last_of_the_enrolment(
    cast, group, first, last, days
):
    person = member(cast, group, first, last)
    pair, session = (person.id, group.id), db.session()
    scores = [10 * DAYS.index(day) for day in days]
    found = facts.scores(session, [pair], PERIOD)[pair]
    assert (found.average, found.done) == (sum(scores) / len(scores), len(scores))
    assert facts.assignments_due(session, [pair], PERIOD) == {pair: len(days)}
    work = facts.assignments(session, [pair], PERIOD)[pair]
    assert [(one.due, one.percent) for one in work] == list(zip(days, scores, strict=True))
    there = sum(DAYS.index(day) % 2 for day in days)
    # Each day counts twice: as a lesson, and as a day at school with the student there.
    assert facts.attendance(session, [pair], PERIOD) == {pair: (there + len(days), 2 * len(days))}


@pytest.mark.parametrize(
    "kind",
    [
        ReportType.STUDENT_REPORT,
        ReportType.TEACHER_WEEKLY_REPORT,
        ReportType.CLASS_ANALYTICS,
        ReportType.PARENT_PROGRESS,
    ],
)
def test_no_report_measures_somebody_new_against_what_was_before(cast, group, kind):
    """It is the same report as of a school in which nothing had been before."""
    scope = Scope(frozenset({(member(cast, group, 3, None).id, group.id)}))
    order = Order(kind, "School", "Author", PERIOD)
    late = REPORTS[kind].build(db.session(), order, [scope])[scope]
    from_then = Order(kind, "School", "Author", Period(DAYS[3], PERIOD.end))
    alone = REPORTS[kind].build(db.session(), from_then, [scope])[scope]
    assert late.figures == alone.figures
    assert [s.table for s in late.sections] == [s.table for s in alone.sections]


def test_whole_days_count_in_each_class_within_its_own_enrolment(cast, group):
    other = create_class(cast.school, "Go", "Go", [cast.tom])
    person = create_member(cast, group, begin_date=DAYS[3])
    with transaction():
        enroll(other, person, EnrollmentRole.STUDENT, end_date=DAYS[0])
    pairs = [(person.id, group.id), (person.id, other.id)]
    found = facts.attendance(db.session(), pairs, PERIOD)
    assert found == {pairs[0]: (1 + 2, 4), pairs[1]: (1, 1)}


def test_a_teachers_own_place_in_the_class_lets_no_students_work_in(cast, group):
    """Somebody enrolled both as teacher and as student counts once, by the student's dates."""
    person = member(cast, group, 4, None)
    with transaction():
        enroll(group, person, EnrollmentRole.TEACHER)
    pair = (person.id, group.id)
    assert facts.assignments_due(db.session(), [pair], PERIOD) == {pair: 1}


def test_lessons_are_told_apart_by_weeks_and_the_weeks_add_up(cast, group):
    person = member(cast, group, 1, None)
    pair, monday = (person.id, group.id), WEEK + timedelta(days=7)
    with transaction():
        create_attendance(group, person, monday, PRESENT)
        create_attendance(group, person, monday + timedelta(days=7), ABSENT)
    period = Period(WEEK + timedelta(days=3), monday + timedelta(days=8))
    found = facts.attendance_by_week(db.session(), [pair], period)
    # Thursday and Friday, each as a lesson and as a day at school; two lessons later on.
    assert found == {
        (pair, WEEK): (1 + 2, 4),
        (pair, monday): (1, 1),
        (pair, monday + timedelta(days=7)): (0, 1),
    }
    assert facts.attendance(db.session(), [pair], period) == {pair: (4, 6)}
