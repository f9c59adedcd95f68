"""The student report's numbers, each worked out by hand."""

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportapp import clock
from reportapp.constants import (
    AttendanceStatus,
    AuthoredStatus,
    DeliveryStatus,
    EnrollmentRole,
    Reason,
    ReportType,
    ScoreStatus,
)
from reportapp.delivery import deliver, plan_due
from reportapp.documents import Kind, Period
from reportapp.extensions import db, transaction
from reportapp.models import LineItem, ReportDelivery, Result
from reportapp.reports import REPORTS, Order, Scope, facts
from tests.cast import (
    NOW,
    WEEK,
    create_attendance,
    create_class,
    create_order,
    create_person,
    create_score,
    create_student_report,
    enroll,
)

PERIOD = Period(WEEK, WEEK + timedelta(days=7))
COLUMNS = (
    "Student",
    "Class",
    "Average score %",
    "Change (points)",
    "Attendance %",
    "Assignments done",
    "Assignments total",
    "Latest grade",
    "Progress %",
    "Behaviour",
    "Concerns",
    "Recommendations",
)
WEDNESDAY = WEEK + timedelta(days=2)


@pytest.fixture
def group(cast):
    """A class without any data yet, of Tom's, with Ana and Ben in it."""
    return create_class(cast.school, "Chess", "Chess", [cast.tom], [cast.ana, cast.ben])


def build(*pairs, period=PERIOD, family=False):
    scope = Scope(frozenset((student.id, group.id) for student, group in pairs), family)
    order = Order(ReportType.STUDENT_REPORT, "School", "Author", period)
    return REPORTS[ReportType.STUDENT_REPORT].build(db.session(), order, [scope])[scope]


def row(*pairs, **options) -> dict:
    """The only row, by column."""
    document = build(*pairs, **options)
    table = document.sections[0].table
    assert tuple(column.title for column in table.columns) == COLUMNS
    (only,) = table.rows
    return dict(zip(COLUMNS, only, strict=True))


def figures(document) -> dict:
    return {figure.label: figure.value for figure in document.figures}


def test_the_average_is_of_percentages_whatever_the_highest_score_is(cast, group):
    create_score(group, cast.ana, 15, WEDNESDAY, out_of=20)  # 75 %
    create_score(group, cast.ana, 3, WEDNESDAY, out_of=4)  # 75 %
    create_score(group, cast.ana, 150, WEDNESDAY, out_of=200)  # 75 %
    create_score(group, cast.ana, 0.5, WEDNESDAY, out_of=5)  # 10 %
    assert row((cast.ana, group))["Average score %"] == 58.8  # 235 / 4 = 58.75


def test_the_lowest_score_counts_as_nothing(cast, group):
    item = create_score(group, cast.ana, 3, WEDNESDAY, out_of=5)
    item.result_value_min = 1
    assert row((cast.ana, group))["Average score %"] == 50


def test_whole_points_are_not_divided_as_whole_numbers(cast, group):
    create_score(group, cast.ana, 1, WEDNESDAY, out_of=3)
    assert row((cast.ana, group))["Average score %"] == 33.3


def test_what_each_score_status_counts_for(cast, group):
    for status, score in (
        (ScoreStatus.FULLY_GRADED, 80),
        (ScoreStatus.PARTIALLY_GRADED, 60),
        (ScoreStatus.SUBMITTED, None),  # handed in, not graded yet
        (ScoreStatus.NOT_SUBMITTED, None),  # missing, without a score
        (ScoreStatus.NOT_SUBMITTED, 10),  # missing, and graded as such
        (ScoreStatus.EXEMPT, 100),  # neither average nor total
        (ScoreStatus.EXEMPT, None),
    ):
        create_score(group, cast.ana, score, WEDNESDAY, status=status)
    shown = row((cast.ana, group))
    assert shown["Average score %"] == 50  # (80 + 60 + 10) / 3
    assert shown["Assignments done"] == 3
    assert shown["Assignments total"] == 5


def test_an_assignment_without_a_result_counts_in_the_total_only(cast, group):
    create_score(group, cast.ana, 90, WEDNESDAY)
    create_score(group, cast.ben, 40, WEDNESDAY)
    shown = row((cast.ana, group))
    assert (shown["Assignments done"], shown["Assignments total"]) == (1, 2)
    assert shown["Average score %"] == 90


def test_one_students_exemption_leaves_the_others_total_alone(cast, group):
    item = create_score(group, cast.ana, None, WEDNESDAY, status=ScoreStatus.EXEMPT)
    db.session.add(
        Result(
            line_item_id=item.id,
            student_id=cast.ben.id,
            score=70,
            score_status=ScoreStatus.FULLY_GRADED,
        )
    )
    create_score(group, cast.ana, 50, WEDNESDAY)
    assert row((cast.ana, group))["Assignments total"] == 1
    assert row((cast.ben, group))["Assignments total"] == 2


def test_nothing_graded_is_no_average_rather_than_zero(cast, group):
    create_score(group, cast.ana, None, WEDNESDAY, status=ScoreStatus.SUBMITTED)
    shown = row((cast.ana, group))
    assert shown["Average score %"] is None
    assert shown["Change (points)"] is None
    assert shown["Attendance %"] is None
    assert (shown["Assignments done"], shown["Assignments total"]) == (1, 1)


def test_zero_points_are_zero_percent(cast, group):
    create_score(group, cast.ana, 0, WEDNESDAY)
    assert row((cast.ana, group))["Average score %"] == 0


def test_work_belongs_to_the_period_of_its_due_date_alone(cast, group):
    for day, score in ((-1, 1), (0, 20), (6, 40), (7, 99)):
        create_score(group, cast.ana, score, WEEK + timedelta(days=day))
    shown = row((cast.ana, group))
    assert shown["Average score %"] == 30
    assert shown["Assignments total"] == 2


def test_the_change_is_against_the_week_before(cast, group):
    create_score(group, cast.ana, 70, WEEK + timedelta(days=6))
    create_score(group, cast.ana, 81.26, WEEK - timedelta(days=1))
    create_score(group, cast.ana, 83.26, WEEK - timedelta(days=7))
    create_score(group, cast.ana, 5, WEEK - timedelta(days=8))  # too long ago
    assert row((cast.ana, group))["Change (points)"] == -12.3


def test_without_scores_before_there_is_no_change(cast, group):
    create_score(group, cast.ana, 70, WEDNESDAY)
    assert row((cast.ana, group))["Change (points)"] is None


@pytest.mark.parametrize(
    ("month", "before"),
    [
        (Period(date(2026, 3, 1), date(2026, 4, 1)), (date(2026, 2, 1), date(2026, 2, 28))),
        (Period(date(2026, 2, 1), date(2026, 3, 1)), (date(2026, 1, 1), date(2026, 1, 31))),
        (Period(date(2026, 1, 1), date(2026, 2, 1)), (date(2025, 12, 1), date(2025, 12, 31))),
    ],
)
def test_a_calendar_month_is_compared_with_the_whole_calendar_month_before(
    cast, group, month, before
):
    first, last = before
    create_score(group, cast.ana, 80, month.start)
    create_score(group, cast.ana, 80, month.last_day)
    create_score(group, cast.ana, 40, first)
    create_score(group, cast.ana, 60, last)
    create_score(group, cast.ana, 0, first - timedelta(days=1))  # the month before that
    shown = row((cast.ana, group), period=month)
    assert shown["Average score %"] == 80
    assert shown["Change (points)"] == 30


def test_late_is_there_and_excused_does_not_count(cast, group):
    for day, status in enumerate(
        (
            AttendanceStatus.PRESENT,
            AttendanceStatus.LATE,
            AttendanceStatus.ABSENT,
            AttendanceStatus.EXCUSED,
        )
    ):
        create_attendance(group, cast.ana, WEEK + timedelta(days=day), status)
    create_attendance(group, cast.ana, WEEK - timedelta(days=1), AttendanceStatus.ABSENT)
    create_attendance(group, cast.ana, WEEK + timedelta(days=7), AttendanceStatus.ABSENT)
    create_attendance(group, cast.ben, WEEK, AttendanceStatus.ABSENT)
    assert row((cast.ana, group))["Attendance %"] == 66.7  # 2 of 3


def test_only_excused_lessons_are_no_attendance_rather_than_zero(cast, group):
    create_attendance(group, cast.ana, WEEK, AttendanceStatus.EXCUSED)
    assert row((cast.ana, group))["Attendance %"] is None


def test_several_lessons_of_one_day_count_each(cast, group):
    create_attendance(group, cast.ana, WEEK, AttendanceStatus.PRESENT, lesson=1)
    create_attendance(group, cast.ana, WEEK, AttendanceStatus.ABSENT, lesson=2)
    assert row((cast.ana, group))["Attendance %"] == 50


def test_the_grade_is_the_one_of_the_report_that_ends_last(cast, group):
    def written(ends_after, grade, **fields):
        create_student_report(
            cast.tom,
            cast.ana,
            group,
            period_start=WEEK - timedelta(days=60 - ends_after),
            period_end=WEEK + timedelta(days=ends_after),
            grade=grade,
            progress_percent=len(grade),
            **fields,
        )

    written(7, "B+")  # ends with the period
    written(-10, "A")  # written later, about earlier days
    written(8, "later")  # ends after it
    written(6, "draft", status=AuthoredStatus.DRAFT)
    written(5, "archived", status=AuthoredStatus.ARCHIVED)
    shown = row((cast.ana, group))
    assert (shown["Latest grade"], shown["Progress %"]) == ("B+", 2)


def test_a_family_reads_the_latest_of_those_that_are_shown_to_parents(cast, group):
    for weeks, shown, word in ((2, True, "open"), (1, False, "inner")):
        create_student_report(
            cast.tom,
            cast.ana,
            group,
            period_start=WEEK - timedelta(weeks=weeks),
            period_end=WEEK - timedelta(weeks=weeks - 1),
            show_to_parent=shown,
            grade=word,
            behaviour=f"{word} behaviour",
            concerns=f"{word} concerns",
            recommendations=f"{word} recommendations",
        )
    for family, word in ((False, "inner"), (True, "open")):
        shown = row((cast.ana, group), family=family)
        assert shown["Latest grade"] == word
        assert shown["Behaviour"] == f"{word} behaviour"
        assert shown["Concerns"] == f"{word} concerns"
        assert shown["Recommendations"] == f"{word} recommendations"


def test_a_family_without_a_text_for_it_gets_the_numbers_alone(cast, group):
    create_score(group, cast.ana, 80, WEDNESDAY)
    create_student_report(cast.tom, cast.ana, group, show_to_parent=False, behaviour="Inner.")
    shown = row((cast.ana, group), family=True)
    assert shown["Average score %"] == 80
    assert [shown[title] for title in COLUMNS[7:]] == [None] * 5


def test_a_text_about_another_class_or_student_is_not_quoted(cast, group):
    create_student_report(cast.tom, cast.ben, group, behaviour="Ben.")
    assert row((cast.ana, group))["Behaviour"] is None


def test_one_batch_for_many_scopes_gives_each_its_own_document(cast):
    maths, english = cast.classes["maths"], cast.classes["english"]
    ana, ben = (cast.ana.id, maths.id), (cast.ben.id, maths.id)
    scopes = [
        Scope(frozenset({ana, ben})),
        Scope(frozenset({ana})),
        Scope(frozenset({ana}), family=True),
        Scope(frozenset({(cast.ana.id, english.id)}), family=True),
        Scope(frozenset({(cast.ana.id, english.id)})),
    ]
    order = Order(ReportType.STUDENT_REPORT, "School", "Author", PERIOD)
    builder = REPORTS[ReportType.STUDENT_REPORT].build
    together = builder(db.session(), order, scopes)
    for scope in scopes:
        assert together[scope] == builder(db.session(), order, [scope])[scope]
    rows = [len(together[scope].sections[0].table.rows) for scope in scopes]
    assert rows == [2, 1, 1, 1, 1]
    concerns = [together[scope].sections[0].table.rows[0][10] for scope in scopes[3:]]
    assert concerns == [None, "Ana among teachers only."]


@pytest.mark.parametrize("kind", list(ReportType))
def test_more_ids_than_a_query_can_bind_change_nothing(cast, monkeypatch, kind):
    pair = (cast.ana.id, cast.uma.id if "tutor" in kind else cast.classes["maths"].id)
    scope = Scope(frozenset({pair}))
    order = Order(kind, "School", "Author", PERIOD)
    usual = REPORTS[kind].build(db.session(), order, [scope])[scope]
    monkeypatch.setattr(facts, "_MOST_IDS", 0)
    assert REPORTS[kind].build(db.session(), order, [scope])[scope] == usual
    assert usual.has_data
    assert usual.sections[0].table.rows


def test_students_come_by_family_name_regardless_of_accents_and_case(cast, group):
    names = [
        ("Zoe", "Abel"),
        ("Aaron", "Ábel"),
        ("Émile", "de Bruyn"),
        ("Eda", "Öz"),
        ("Ida", "Ozols"),
        ("Ina", "Zweig"),
        ("Eva", "Łuk"),
        ("Eve", "Lynch"),
        ("Ole", "Ørsted"),
        ("Olga", "Петрова"),
    ]
    people = [
        create_person(cast.school, "student", given, family, email=None)
        for given, family in reversed(names)
    ]
    document = build(*((person, group) for person in people))
    assert [cells[0] for cells in document.sections[0].table.rows] == [
        "Aaron Ábel",
        "Zoe Abel",
        "Émile de Bruyn",
        "Eva Łuk",
        "Eve Lynch",
        "Ole Ørsted",
        "Eda Öz",
        "Ida Ozols",
        "Ina Zweig",
        "Olga Петрова",
    ]


def test_the_figures_sum_up_the_rows(cast, group):
    other = create_class(cast.school, "Go", "Go", [cast.tom], [cast.ana])
    create_score(group, cast.ana, 80, WEDNESDAY)
    create_score(group, cast.ana, 70, WEEK - timedelta(days=1))
    create_score(other, cast.ana, 60, WEDNESDAY)
    create_score(group, cast.ben, None, WEDNESDAY, status=ScoreStatus.NOT_SUBMITTED)
    for day, status in enumerate((AttendanceStatus.PRESENT, AttendanceStatus.ABSENT)):
        create_attendance(group, cast.ben, WEEK + timedelta(days=day), status)
    create_attendance(other, cast.ana, WEEK, AttendanceStatus.PRESENT)
    document = build((cast.ana, group), (cast.ana, other), (cast.ben, group))
    assert figures(document) == {
        "Students": 2,
        "Average score": 70,  # of 80 and 60
        "Attendance": 66.7,  # 2 of 3 lessons
        "Assignments done": 40,  # Ana 1 of 2 and 1 of 1, Ben 0 of 2
    }
    assert document.figures[1].change == 0  # the average before was 70, too
    assert [figure.kind for figure in document.figures] == [Kind.COUNT, *[Kind.PERCENT] * 3]
    assert figures(build((cast.ana, group)))["Student"] == 1


def test_one_child_has_a_bar_for_each_class_and_several_for_each_student(cast, group):
    other = create_class(cast.school, "Go", "Go", [cast.tom], [cast.ana])
    create_score(group, cast.ana, 80, WEDNESDAY)
    assert build((cast.ana, group)).sections[0].chart is None
    create_score(other, cast.ana, 60, WEDNESDAY)
    chart = build((cast.ana, group), (cast.ana, other)).sections[0].chart
    assert (chart.bars, chart.maximum) == ((("Chess", 80), ("Go", 60)), 100)
    create_score(group, cast.ben, 40, WEDNESDAY)
    chart = build((cast.ana, group), (cast.ben, group)).sections[0].chart
    assert chart.bars == (("Ana Example, Chess", 80), ("Ben Example, Chess", 40))


def test_many_averages_are_shown_by_how_they_are_spread_and_none_is_left_out(cast, group):
    scores = [0, 49.9, 50, 59.9, 60, 79.9, 80, 90, 100, 104, 130]
    people = [
        create_person(cast.school, "student", f"S{n}", email=None) for n in range(len(scores))
    ]
    for person, score in zip(people, scores, strict=True):
        enroll(group, person, EnrollmentRole.STUDENT)
        create_score(group, person, score, WEDNESDAY)
    chart = build(*((person, group) for person in people)).sections[0].chart
    assert chart.bars == (
        ("0–50 %", 2),
        ("50–60 %", 2),
        ("60–70 %", 1),
        ("70–80 %", 1),
        ("80–90 %", 1),
        ("90–100 %", 4),
    )
    assert chart.maximum == 4


def test_a_period_without_anything_is_not_sent_and_the_ledger_says_why(cast, group, smtp):
    with transaction():
        create_student_report(cast.tom, cast.ana, group, behaviour="An old text is no news.")
    document = build((cast.ana, group))
    assert document.has_data is False
    create_order(cast.ada, cast.ana, cast.pia, now=NOW + timedelta(weeks=4))
    due = NOW + timedelta(weeks=4, minutes=30)
    plan_due(due)
    assert deliver(clock.fixed(due))["skipped"] == 2
    assert smtp.arrived == []
    for delivery in db.session.query(ReportDelivery):
        assert (delivery.status, delivery.reason) == (DeliveryStatus.SKIPPED, Reason.NO_DATA)


@pytest.mark.parametrize("what", ["score", "missing work", "lesson"])
def test_a_single_event_is_enough_to_be_sent(cast, group, what):
    if what == "score":
        create_score(group, cast.ana, 0, WEDNESDAY)
    elif what == "missing work":
        create_score(group, cast.ben, 90, WEDNESDAY)
    else:
        create_attendance(group, cast.ana, WEEK, AttendanceStatus.ABSENT)
    assert build((cast.ana, group)).has_data is True


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    works=st.lists(
        st.tuples(
            st.integers(-9, 9),  # day after the beginning of the week
            st.sampled_from([1, 3, 7, 20, 100, 250]),  # highest score
            st.one_of(st.none(), st.floats(0, 1)),  # part of it that was reached
            st.sampled_from([None, *ScoreStatus]),  # None: no result
        ),
        max_size=8,
    ),
    lessons=st.lists(st.tuples(st.integers(-2, 8), st.sampled_from(AttendanceStatus)), max_size=8),
)
def test_all_numbers_are_those_of_a_naive_computation(cast, group, works, lessons):
    db.session.commit()
    try:
        for day, highest, part, status in works:
            item = create_score(group, cast.ben, 1, WEEK + timedelta(days=day), out_of=highest)
            if status is not None:
                score = None if part is None else part * highest
                db.session.add(
                    Result(
                        line_item_id=item.id,
                        student_id=cast.ana.id,
                        score=score,
                        score_status=status,
                    )
                )
        for number, (day, status) in enumerate(lessons):
            create_attendance(group, cast.ana, WEEK + timedelta(days=day), status, number)
        db.session.flush()
        assert db.session.query(LineItem).filter_by(class_group_id=group.id).count() == len(works)
        shown = row((cast.ana, group))
    finally:
        db.session.rollback()

    def average(first, end):
        percents = [
            100 * part
            for day, _, part, status in works
            if first <= day < end and part is not None and status not in (None, ScoreStatus.EXEMPT)
        ]
        return sum(percents) / len(percents) if percents else None

    now, before = average(0, 7), average(-7, 0)
    assert shown["Average score %"] == near(now)
    if now is None or before is None:
        assert shown["Change (points)"] is None
    else:
        assert shown["Change (points)"] == pytest.approx(now - before, abs=0.151)
    due = [status for day, _, _, status in works if 0 <= day < 7]
    handed_in = {"fully graded", "partially graded", "submitted"}
    assert shown["Assignments done"] == sum(status in handed_in for status in due)
    assert shown["Assignments total"] == sum(status != ScoreStatus.EXEMPT for status in due)
    counted = [str(status) for day, status in lessons if 0 <= day < 7 and status != "excused"]
    there = sum(status != "absent" for status in counted)
    assert shown["Attendance %"] == near(100 * there / len(counted) if counted else None)


def near(value):
    return None if value is None else pytest.approx(value, abs=0.051)


def test_who_has_left_a_class_is_not_in_the_next_report(cast, smtp):
    with transaction():
        maths = cast.classes["maths"]
        newcomer = create_person(cast.school, "student", "New")
        enroll(maths, newcomer, EnrollmentRole.STUDENT, end_date=NOW.date() - timedelta(days=1))
        create_score(maths, newcomer, 50, WEDNESDAY)
    create_order(cast.tom, cast.tom)
    due = NOW + timedelta(minutes=30)
    plan_due(due)
    deliver(clock.fixed(due))
    assert "New Example" not in smtp.arrived[0].attachment[1].decode("utf-8-sig")
