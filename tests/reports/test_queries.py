"""What reports cost: queries do not grow with students, classes or scopes."""

from datetime import timedelta

import pytest

from reportapp.constants import ReportType, Role
from reportapp.documents import Period
from reportapp.extensions import db
from reportapp.reports import REPORTS, Order, load_scopes
from tests.cast import (
    NOW,
    WEEK,
    create_attendance,
    create_class,
    create_guardian_link,
    create_person,
    create_score,
    create_student_report,
    create_tutor_link,
    create_tutor_weekly,
)
from tests.schedules.help import queries_of

PERIOD = Period(WEEK, WEEK + timedelta(days=7))


def create_many(cast) -> None:
    """Ten more classes of three, each student with a parent and a tutor of their own."""
    for number in range(10):
        students = [
            create_person(cast.school, Role.STUDENT, f"S{number}x{n}", email=None) for n in range(3)
        ]
        group = create_class(cast.school, f"K{number}", "Art", [cast.tea], students)
        for student in students:
            parent = create_person(cast.school, Role.PARENT, f"Of{student.given_name}")
            tutor = create_person(cast.school, Role.TUTOR, f"For{student.given_name}")
            create_guardian_link(parent, student)
            create_tutor_link(tutor, student)
            create_score(group, student, 70, WEEK)
            create_attendance(group, student, WEEK, "present")
            create_student_report(cast.tea, student, group)
            create_tutor_weekly(tutor, student)


@pytest.mark.parametrize("kind", list(ReportType))
def test_ten_times_the_students_and_readers_need_no_more_queries(cast, kind):
    def everybody():
        people = db.session.query(type(cast.ada)).filter_by(school_id=cast.school.id).all()
        scopes = load_scopes(db.session(), kind, cast.ada, people, NOW, class_group_id=None)
        distinct = {scope for scope in scopes.values() if scope}
        documents = REPORTS[kind].build(
            db.session(), Order(kind, "School", "Author", PERIOD), distinct
        )
        return len(documents)

    few = queries_of(everybody)
    small = everybody()
    create_many(cast)
    assert queries_of(everybody) == few < 25
    assert everybody() > small
