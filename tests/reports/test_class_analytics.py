"""Class analytics: figures by hand, and what readers get who may see some of a class only."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportapp.access import FEWEST_STUDENTS
from reportapp.constants import AttendanceStatus, EnrollmentRole, ExportFormat, ReportType
from reportapp.documents import Period
from reportapp.extensions import db
from reportapp.models import AttendanceRecord, Enrollment, User
from reportapp.rendering import render, render_fragment
from reportapp.reports import REPORTS, Order, load_scopes
from reportapp.reports.class_figures import ClassFigures, Known
from reportapp.reports.facts import Scores
from reportapp.reports.names import ClassName, Name
from tests.cast import NOW, WEEK, create_attendance, create_person, create_score, enroll
from tests.reports.opened import tables_in, text_of

KIND = ReportType.CLASS_ANALYTICS
PERIOD = Period(WEEK, WEEK + timedelta(days=7))


def letter(author, reader, group=None, period=PERIOD):
    """What a reader gets of an author's order."""
    room = group and group.id
    scope = load_scopes(db.session(), KIND, author, [reader], NOW, class_group_id=room)[reader.id]
    order = Order(KIND, "School", "Author", period)
    return REPORTS[KIND].build(db.session(), order, [scope])[scope]


def tables(document):
    return {section.title: section.table.rows for section in document.sections}


def add_students(cast, scores):
    """Newcomers of 7a Mathematics, one per score."""
    for number, score in enumerate(scores):
        person = create_person(cast.school, "student", f"New{number}", email=None)
        enroll(cast.classes["maths"], person, EnrollmentRole.STUDENT)
        create_score(cast.classes["maths"], person, score, WEEK)


def test_a_class_by_hand(cast):
    document = letter(cast.ada, cast.tom)
    title = "7a Mathematics"
    # Ana 71 to 81 and there on 5 of 5 days; Ben 62 as before and there on 4 of 5. Two assignments
    # were due, of which each of them did one.
    assert tables(document) == {
        "Classes": ((title, 2, 71.5, 5.0, 90.0, 50.0),),
        "How the averages are spread": (
            (title, "0–50 %", 0),
            (title, "50–60 %", 0),
            (title, "60–70 %", 1),
            (title, "70–80 %", 0),
            (title, "80–90 %", 1),
            (title, "90–100 %", 0),
        ),
        "Attendance by week": ((title, WEEK, 90.0),),
        "Who moved most": ((title, "Ana Example", 71.0, 81.0, 10.0),),
        "Missing work": ((title, "Ana Example", 1, 2), (title, "Ben Example", 1, 2)),
    }
    assert [(f.label, f.value, f.change) for f in document.figures] == [
        ("Class", 1, None),
        ("Students", 2, None),
        ("Average score", 71.5, 5.0),
        ("Attendance", 90.0, None),
        ("Assignments done", 50.0, None),
    ]


def test_an_order_about_one_class_is_about_no_other(cast):
    assert [row[0] for row in tables(letter(cast.ada, cast.ada))["Classes"]] == [
        "7a English",
        "7a Mathematics",
        "8b Biology",
    ]
    alone = letter(cast.ada, cast.ada, cast.classes["biology"])
    assert [row[0] for row in tables(alone)["Classes"]] == ["8b Biology"]


def test_a_tutor_gets_no_figure_behind_which_fewer_than_five_others_stand(cast):
    add_students(cast, [50, 55, 60])  # with Ben, four beside Ana
    document = letter(cast.ada, cast.uma, cast.classes["maths"])
    assert tables(document)["Classes"] == (("7a Mathematics", None, None, None, None, None),)
    assert tables(document)["How the averages are spread"] == ()
    assert tables(document)["Attendance by week"] == ()
    assert [figure.value for figure in document.figures] == [1, None, None, None, None]


def test_a_tutor_gets_figures_of_five_others_and_the_names_of_none_of_them(cast):
    add_students(cast, [50, 55, 60, 69])
    document = letter(cast.ada, cast.uma, cast.classes["maths"])
    ((title, students, average, change, attendance, work),) = tables(document)["Classes"]
    assert (students, average) == (6, 62.8)  # (81 + 62 + 50 + 55 + 60 + 69) / 6
    # What was before is not for tutors, and two had lessons: too few.
    assert (change, attendance) == (None, None)
    assert work == 16.7  # each did 1 of the 6 that were due
    assert tables(document)["How the averages are spread"] == ((title, "0–100 %", 6),)
    assert tables(document)["Who moved most"] == ((title, "Ana Example", 71.0, 81.0, 10.0),)
    assert [row[1] for row in tables(document)["Missing work"]] == ["Ana Example"]
    for export_format in ExportFormat:
        everything = text_of(render(document, export_format), export_format)
        assert "Ana" in everything
        assert not any(name in everything for name in ("Ben", "New0", "New3"))


def test_two_reports_around_somebodys_leaving_do_not_tell_their_average(cast):
    add_students(cast, [50, 55, 60, 69, 75, 80])
    group = cast.classes["maths"]
    everybody = db.session.query(Enrollment).filter_by(class_group_id=group.id)
    students = [one for one in everybody if one.role is EnrollmentRole.STUDENT]
    for number, one in enumerate(students):
        student = db.session.get_one(User, one.user_id)
        create_score(group, student, 40 + number, WEEK - timedelta(days=3))
    first = letter(cast.ada, cast.uma, group, PERIOD.before())
    students[-1].end_date = WEEK
    second = letter(cast.ada, cast.uma, group)
    assert first.figures[2].value is not None
    assert second.figures[2].value is not None
    # The class's average of the period before, without the one who left, is in no figure.
    assert tables(second)["Classes"][0][3] is None
    assert {figure.change for figure in second.figures} == {None}
    assert second.sections[3].table.rows  # of the own student, as ever
    assert tables(letter(cast.ada, cast.tom, group))["Classes"][0][3] is not None


def test_days_at_school_do_not_tell_who_is_in_one_class_and_not_in_the_other(cast):
    add_students(cast, [50, 55, 60, 69, 75, 80])
    *most, alone = db.session.query(User).filter(User.given_name.like("New%")).order_by(User.id)
    for student in most:
        enroll(cast.classes["english"], student, EnrollmentRole.STUDENT)
    absent, present = AttendanceStatus.ABSENT, AttendanceStatus.PRESENT
    for student in [*most, alone]:
        status = absent if student is alone else present
        db.session.add(AttendanceRecord(student_id=student.id, date=WEEK, lesson=0, status=status))
    db.session.flush()
    # The difference of both classes' days would be one child's.
    tutors = letter(cast.ada, cast.uma)
    assert tables(tutors)["Attendance by week"] == ()
    assert tutors.figures[3].value is None
    assert len(tables(letter(cast.ada, cast.ada))["Attendance by week"]) == 3
    for student in most:
        create_attendance(cast.classes["english"], student, WEEK, present)
    assert [row[0] for row in tables(letter(cast.ada, cast.uma))["Attendance by week"]] == [
        "7a English"
    ]


def test_a_teacher_gets_small_classes_too_and_no_class_of_others(cast):
    assert tables(letter(cast.ada, cast.tea))["Classes"] == (
        ("7a English", 2, 71.5, 5.0, 90.0, 50.0),
        ("8b Biology", 1, 93.0, -5.0, 100.0, 100.0),
    )


@pytest.mark.parametrize("name", ["pia", "ana", "nil", "olga", "otto"])
def test_who_is_not_staff_of_the_school_gets_nothing(cast, name):
    reader = cast.people[name]
    scopes = load_scopes(db.session(), KIND, cast.ada, [reader], NOW, class_group_id=None)
    assert not scopes[reader.id]


def test_a_period_without_anything_has_no_data(cast):
    scope = load_scopes(db.session(), KIND, cast.ada, [cast.ada], NOW, class_group_id=None)
    later = Period(WEEK + timedelta(days=70), WEEK + timedelta(days=77))
    order = Order(KIND, "School", "Author", later)
    (document,) = REPORTS[KIND].build(db.session(), order, [scope[cast.ada.id]]).values()
    assert document.has_data is False


def test_every_format_has_the_same_rows(cast):
    document = letter(cast.ada, cast.ada)
    as_csv, as_xlsx = (
        [rows for _, rows in tables_in(render(document, kind), kind)]
        for kind in (ExportFormat.CSV, ExportFormat.XLSX)
    )
    assert [len(rows) - 1 for rows in as_csv] == [len(s.table.rows) for s in document.sections]
    assert as_csv == as_xlsx
    page = str(render_fragment(document))
    pdf = text_of(render(document, ExportFormat.PDF), "pdf")
    for rows in as_csv:
        for row in rows[1:]:
            assert row[0] in pdf
            assert row[0] in page
            assert row[1].startswith("2026") or (row[1] in pdf and row[1] in page)


_PERCENTS = st.one_of(st.none(), st.floats(-10, 120).map(lambda value: round(value, 1)))


@given(st.lists(_PERCENTS, max_size=4), st.lists(_PERCENTS, max_size=30))
def test_nothing_in_a_spread_tells_fewer_than_five_others(own, others):
    averages = dict(enumerate([*own, *others]))
    pairs = [(student, 1) for student in averages]
    known = Known(
        {student: Name(str(student), ("", "")) for student in averages},
        {1: ClassName("Class", "Subject")},
        {pair: Scores(averages[pair[0]], 1, 0) for pair in pairs},
        {},
        {},
        {},
        {},
    )
    mine = frozenset(pairs[: len(own)])
    figures = ClassFigures(1, pairs, mine, known)
    graded = [value for value in averages.values() if value is not None]
    strangers = [value for value in others if value is not None]
    if len(strangers) < FEWEST_STUDENTS:
        assert (figures.spread, figures.average) == ([], None)
        return
    assert sum(count for _, count in figures.spread) == len(graded)
    for band, count in figures.spread:
        low, high = (int(end) for end in band.removesuffix(" %").split("–"))
        inside = [v for v in strangers if (v >= low or low == 0) and (v < high or high == 100)]
        assert len(inside) >= FEWEST_STUDENTS
        assert count >= len(inside)
