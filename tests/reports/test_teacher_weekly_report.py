"""The teacher's weekly report's numbers and notes, each worked out by hand."""

from datetime import date, timedelta

import pytest

from reportapp import clock
from reportapp.constants import (
    AttendanceStatus,
    AuthoredStatus,
    DeliveryStatus,
    Reason,
    ReportType,
    ScoreStatus,
)
from reportapp.delivery import deliver, plan_due
from reportapp.documents import Kind, Period
from reportapp.extensions import db
from reportapp.models import ReportDelivery
from reportapp.reports import REPORTS, Order, Scope
from tests.cast import (
    NOW,
    WEEK,
    create_attendance,
    create_class,
    create_order,
    create_person,
    create_score,
    create_teacher_weekly,
)

KIND = ReportType.TEACHER_WEEKLY_REPORT
PERIOD = Period(WEEK, WEEK + timedelta(days=7))
COLUMNS = (
    "Student",
    "Subject",
    "Class",
    "Assignments completed",
    "Assignments total",
    "Average score %",
    "Attendance %",
    "Notes",
)


@pytest.fixture
def group(cast):
    """A class without any data yet, of Tom's, with Ana and Ben in it."""
    return create_class(cast.school, "Club", "Chess", [cast.tom], [cast.ana, cast.ben])


def build(*pairs, period=PERIOD):
    scope = Scope(frozenset((student.id, group.id) for student, group in pairs))
    order = Order(KIND, "School", "Author", period)
    return REPORTS[KIND].build(db.session(), order, [scope])[scope]


def rows(*pairs, **options) -> list[dict]:
    table = build(*pairs, **options).sections[0].table
    assert tuple(column.title for column in table.columns) == COLUMNS
    return [dict(zip(COLUMNS, cells, strict=True)) for cells in table.rows]


def test_a_row_has_work_scores_lessons_and_notes(cast, group):
    create_score(group, cast.ana, 3, WEEK, out_of=4)
    create_score(group, cast.ana, 10, WEEK + timedelta(days=6), out_of=20)
    create_score(group, cast.ana, 0, WEEK + timedelta(days=7))
    create_score(group, cast.ana, None, WEEK, status=ScoreStatus.EXEMPT)
    create_score(group, cast.ana, None, WEEK, status=ScoreStatus.NOT_SUBMITTED)
    create_score(group, cast.ben, 50, WEEK)  # Ana has no result
    for day, status in enumerate(
        (
            AttendanceStatus.LATE,
            AttendanceStatus.PRESENT,
            AttendanceStatus.EXCUSED,
            AttendanceStatus.ABSENT,
        )
    ):
        create_attendance(group, cast.ana, WEEK + timedelta(days=day), status)
    create_teacher_weekly(cast.tom, cast.ana, group, notes="Fine week.")
    assert rows((cast.ana, group)) == [
        {
            "Student": "Ana Example",
            "Subject": "Chess",
            "Class": "Club",
            "Assignments completed": 2,
            "Assignments total": 4,
            "Average score %": 62.5,
            "Attendance %": 66.7,
            "Notes": "Fine week.",
        }
    ]


def test_a_student_without_anything_has_a_row_of_nothing(cast, group):
    (row,) = rows((cast.ana, group))
    assert [row[title] for title in COLUMNS[3:]] == [0, 0, None, None, None]
    assert build((cast.ana, group)).has_data is False


def test_notes_of_drafts_archives_other_weeks_classes_and_students_stay_away(cast, group):
    create_teacher_weekly(cast.tom, cast.ana, group, notes="a", status=AuthoredStatus.DRAFT)
    create_teacher_weekly(cast.tea, cast.ana, group, notes="b", status=AuthoredStatus.ARCHIVED)
    create_teacher_weekly(cast.tom, cast.ana, group, WEEK - timedelta(days=7), notes="c")
    create_teacher_weekly(cast.tom, cast.ana, group, WEEK + timedelta(days=7), notes="d")
    create_teacher_weekly(cast.tom, cast.ben, group, notes="e")
    create_teacher_weekly(cast.tom, cast.ana, cast.classes["english"], notes="f")
    assert rows((cast.ana, group))[0]["Notes"] is None


def test_notes_of_two_teachers_stand_one_below_the_other(cast, group):
    create_teacher_weekly(cast.tom, cast.ana, group, notes="Tom's.")
    create_teacher_weekly(cast.tea, cast.ana, group, notes="Tea's.", status=AuthoredStatus.READ)
    create_teacher_weekly(cast.uma, cast.ana, group, notes="")
    assert rows((cast.ana, group))[0]["Notes"] == "Tom's.\nTea's."


def test_notes_of_a_month_come_in_the_order_of_their_weeks(cast, group):
    november = Period(date(2026, 11, 1), date(2026, 12, 1))
    for number, day in enumerate((16, 2, 23, 9)):
        report = create_teacher_weekly(
            cast.tom, cast.ana, group, date(2026, 11, day), notes=f"Week of {day}."
        )
        report.updated_at = NOW + timedelta(days=number)  # the second was corrected last but two
    create_teacher_weekly(cast.tom, cast.ana, group, date(2026, 10, 26), notes="October.")
    create_teacher_weekly(cast.tom, cast.ana, group, date(2026, 11, 30), notes="December.")
    assert rows((cast.ana, group), period=november)[0]["Notes"] == (
        "Week of 2.\nWeek of 9.\nWeek of 16.\nWeek of 23."
    )


def test_rows_come_by_student_then_subject_then_class(cast, group):
    second = create_class(cast.school, "Beginners", "Chess")
    art = create_class(cast.school, "Studio", "Art")
    anna = create_person(cast.school, "student", "Anna", "Éclair")
    found = rows((cast.ana, group), (cast.ana, second), (cast.ana, art), (anna, group))
    assert [(row["Student"], row["Subject"], row["Class"]) for row in found] == [
        ("Anna Éclair", "Chess", "Club"),
        ("Ana Example", "Art", "Studio"),
        ("Ana Example", "Chess", "Beginners"),
        ("Ana Example", "Chess", "Club"),
    ]


def test_the_figures_sum_up_the_rows(cast, group):
    create_score(group, cast.ana, 80, WEEK)
    create_score(group, cast.ben, 40, WEEK)
    for student, status in (
        (cast.ana, AttendanceStatus.PRESENT),
        (cast.ben, AttendanceStatus.ABSENT),
    ):
        create_attendance(group, student, WEEK, status)
    document = build((cast.ana, group), (cast.ben, group))
    assert [(figure.label, figure.value, figure.kind) for figure in document.figures] == [
        ("Students", 2, Kind.COUNT),
        ("Average score", 60, Kind.PERCENT),
        ("Attendance", 50, Kind.PERCENT),
        ("Assignments completed", 50, Kind.PERCENT),  # each 1 of 2
    ]
    assert document.has_data is True


def test_notes_alone_are_something_to_say(cast, group):
    create_teacher_weekly(cast.tom, cast.ana, group, notes="Was away with the choir.")
    assert build((cast.ana, group)).has_data is True


def test_a_week_without_anything_is_not_sent_and_the_ledger_says_why(cast, smtp):
    later = NOW + timedelta(weeks=4)
    create_order(cast.tom, cast.tom, cast.uma, report_type=KIND, now=later)
    plan_due(later + timedelta(minutes=30))
    assert deliver(clock.fixed(later + timedelta(minutes=30)))["skipped"] == 2
    assert smtp.arrived == []
    for delivery in db.session.query(ReportDelivery):
        assert (delivery.status, delivery.reason) == (DeliveryStatus.SKIPPED, Reason.NO_DATA)
