"""The tutor's weekly report: whose words, which weeks, which days; all worked out by hand."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportapp import clock
from reportapp.constants import (
    AttendanceStatus,
    AuthoredStatus,
    DeliveryStatus,
    EnrollmentRole,
    Frequency,
    PeriodKind,
    Reason,
    ReportType,
    Role,
)
from reportapp.delivery import deliver, plan_due
from reportapp.documents import Kind, Period
from reportapp.extensions import db, transaction
from reportapp.models import ReportDelivery, TutorWeeklyReport
from reportapp.recurrence import NOTHING_CLOSED, Rule, next_runs
from reportapp.reports import REPORTS, Order, Scope
from reportapp.schedules.timing import Timing, period_of
from tests.cast import (
    NOW,
    WEEK,
    create_attendance,
    create_order,
    create_person,
    create_tutor_link,
    create_tutor_weekly,
    enroll,
)

KIND = ReportType.TUTOR_WEEKLY_REPORT
PERIOD = Period(WEEK, WEEK + timedelta(days=7))
COLUMNS = (
    "Student",
    "Tutor",
    "Week of",
    "Progress %",
    "Days attended",
    "School days",
    "Summary",
    "Notes",
)
PRESENT, LATE = AttendanceStatus.PRESENT, AttendanceStatus.LATE
ABSENT, EXCUSED = AttendanceStatus.ABSENT, AttendanceStatus.EXCUSED


@pytest.fixture
def dora(cast):
    """A student of Uma's without any data yet."""
    student = create_person(cast.school, Role.STUDENT, "Dora")
    for name in ("maths", "english"):
        enroll(cast.classes[name], student, EnrollmentRole.STUDENT)
    create_tutor_link(cast.uma, student)
    return student


def build(*pairs, period=PERIOD, family=False):
    scope = Scope(frozenset((student.id, tutor.id) for student, tutor in pairs), family)
    order = Order(KIND, "School", "Author", period)
    return REPORTS[KIND].build(db.session(), order, [scope])[scope]


def rows(*pairs, **options) -> list[dict]:
    table = build(*pairs, **options).sections[0].table
    assert tuple(column.title for column in table.columns) == COLUMNS
    return [dict(zip(COLUMNS, cells, strict=True)) for cells in table.rows]


def test_a_row_has_the_tutors_words_and_the_days_of_the_week(cast, dora):
    create_tutor_weekly(
        cast.uma, dora, summary="Went well.", notes="Read more.", progress_percent=64
    )
    maths, english = cast.classes["maths"], cast.classes["english"]
    for group, day, status in (
        (maths, 0, PRESENT),
        (english, 0, ABSENT),  # there in one lesson of the day is there
        (maths, 1, LATE),
        (maths, 2, ABSENT),
        (english, 2, EXCUSED),
        (maths, 3, EXCUSED),  # excused all day: not missed
        (maths, -1, ABSENT),
        (maths, 7, ABSENT),
    ):
        create_attendance(group, dora, WEEK + timedelta(days=day), status)
    assert rows((dora, cast.uma)) == [
        {
            "Student": "Dora Example",
            "Tutor": "Uma Example",
            "Week of": WEEK,
            "Progress %": 64,
            "Days attended": 2,
            "School days": 3,
            "Summary": "Went well.",
            "Notes": "Read more.",
        }
    ]


def test_a_student_without_a_report_has_a_row_that_says_so(cast, dora):
    (row,) = rows((dora, cast.uma))
    assert [row[title] for title in COLUMNS[3:]] == [None, 0, 0, None, None]


def test_another_tutors_words_are_not_in_the_pairs_row(cast, dora):
    create_tutor_weekly(cast.uwe, dora, summary="Uwe's.")
    assert rows((dora, cast.uma))[0]["Summary"] is None
    both = rows((dora, cast.uma), (dora, cast.uwe))
    assert [(row["Tutor"], row["Summary"]) for row in both] == [
        ("Uma Example", None),
        ("Uwe Example", "Uwe's."),
    ]


@pytest.mark.parametrize("status", [AuthoredStatus.DRAFT, AuthoredStatus.ARCHIVED])
@pytest.mark.parametrize("family", [False, True])
def test_drafts_and_archived_reports_are_quoted_to_nobody(cast, dora, status, family):
    create_tutor_weekly(cast.uma, dora, summary="Not out.", progress_percent=9, status=status)
    document = build((dora, cast.uma), family=family)
    assert "Not out." not in str(document)
    assert document.has_data is False
    assert [figure.value for figure in document.figures] == [1, 0, None, None]


def test_a_family_reads_only_what_is_shown_to_parents(cast, dora):
    create_tutor_weekly(
        cast.uma, dora, summary="Inner.", notes="Inner.", progress_percent=9, show_to_parent=False
    )
    assert rows((dora, cast.uma))[0]["Summary"] == "Inner."
    document = build((dora, cast.uma), family=True)
    assert "Inner." not in str(document)
    # Neither in the row nor hidden in an average.
    assert document.sections[0].table.rows[0][3] is None
    assert document.figures[2].value is None
    assert document.has_data is False


def test_a_month_has_a_row_for_every_week_whose_thursday_lies_in_it(cast, dora):
    november = Period(date(2026, 11, 1), date(2026, 12, 1))
    mondays = [date(2026, 11, day) for day in (2, 9, 16, 23)]
    for monday in (date(2026, 10, 26), *mondays, date(2026, 11, 30)):
        create_tutor_weekly(cast.uma, dora, monday, summary=monday.isoformat())
    # The 1st and the 30th are in weeks of other months: the nearest listed one takes them in.
    for day in (1, 2, 8, 9, 30):
        create_attendance(cast.classes["maths"], dora, date(2026, 11, day), PRESENT)
    for day in (date(2026, 10, 31), date(2026, 12, 1)):
        create_attendance(cast.classes["maths"], dora, day, PRESENT)
    found = rows((dora, cast.uma), period=november)
    assert [(row["Week of"], row["Summary"]) for row in found] == [
        (monday, monday.isoformat()) for monday in mondays
    ]
    assert [row["School days"] for row in found] == [3, 1, 0, 1]


def test_a_day_shows_the_report_of_the_week_it_is_in(cast, dora):
    create_tutor_weekly(cast.uma, dora, summary="This week.")
    thursday = WEEK + timedelta(days=3)
    for day in range(5):
        create_attendance(cast.classes["maths"], dora, WEEK + timedelta(days=day), PRESENT)
    (row,) = rows((dora, cast.uma), period=Period(thursday, thursday + timedelta(days=1)))
    assert (row["Week of"], row["Summary"], row["School days"]) == (WEEK, "This week.", 1)


def test_a_friday_report_is_on_this_week_and_has_all_days_of_its_period(cast, dora):
    friday = WEEK + timedelta(days=4)
    create_tutor_weekly(cast.uma, dora, summary="This week.")
    create_tutor_weekly(cast.uma, dora, WEEK - timedelta(days=7), summary="Week before.")
    for day in range(-7, 5):
        create_attendance(cast.classes["maths"], dora, WEEK + timedelta(days=day), PRESENT)
    (row,) = rows((dora, cast.uma), period=Period(friday - timedelta(days=7), friday))
    assert (row["Week of"], row["Summary"], row["School days"]) == (WEEK, "This week.", 7)


rhythms = st.one_of(
    st.builds(lambda day: (Frequency.WEEKLY, day, None), st.integers(1, 7)),
    st.builds(lambda day: (Frequency.MONTHLY, None, day), st.integers(1, 31)),
)


@settings(max_examples=60)
@given(
    rhythms, st.dates(date(2026, 1, 1), date(2027, 6, 1)), st.sampled_from(["UTC", "Asia/Tokyo"])
)
def test_each_written_week_is_in_exactly_one_of_consecutive_periods(rhythm, start, zone):
    frequency, day_of_week, day_of_month = rhythm
    days_of_week = (day_of_week,) if day_of_week else ()
    rule = Rule(frequency, time(9), ZoneInfo(zone), days_of_week, day_of_month)
    instant = datetime.combine(start, time(), UTC)
    periods = [
        period_of(PeriodKind.RHYTHM, Timing(rule, NOTHING_CLOSED), run)
        for run in next_runs(rule, instant, 14)
    ]
    quoted = Counter(monday for period in periods for monday in period.mondays())
    assert set(quoted.values()) == {1}
    monday = min(quoted)
    while monday in quoted:
        assert monday.weekday() == 0
        monday += timedelta(days=7)
    assert monday > max(quoted)
    assert monday + timedelta(days=3) >= periods[-1].end


@pytest.mark.parametrize(
    ("order", "runs"),
    [
        ({"frequency": "weekly", "day_of_week": 1}, 5),
        ({"frequency": "weekly", "day_of_week": 5}, 5),
        ({"frequency": "monthly", "day_of_month": 1}, 2),
        ({"frequency": "monthly", "day_of_month": 31}, 2),
    ],
)
def test_sent_week_after_week_every_report_arrives_exactly_once(cast, smtp, order, runs):
    first = NOW + timedelta(days=7)
    mondays = [WEEK + timedelta(weeks=n) for n in range(20)]
    with transaction() as session:
        session.query(TutorWeeklyReport).delete()
        for monday in mondays:
            create_tutor_weekly(cast.uma, cast.ana, monday, summary=f"week-{monday}")
    schedule = create_order(
        cast.uma, cast.pia, report_type=KIND, export_format="csv", now=first, **order
    )
    for _ in range(runs):
        due = schedule.next_scheduled
        plan_due(due)
        assert deliver(clock.fixed(due))["sent"] == 1
        db.session.refresh(schedule)
    together = "\n".join(mail.attachment[1].decode("utf-8-sig") for mail in smtp.arrived)
    counts = [together.count(f"week-{monday}") for monday in mondays]
    quoted = [n for n, count in enumerate(counts) if count]
    assert set(counts) == {0, 1}
    assert len(quoted) >= 5
    assert quoted == list(range(quoted[0], quoted[-1] + 1))


def test_rows_come_by_student_then_tutor_then_week(cast):
    zoe = create_person(cast.school, Role.STUDENT, "Zoe", "Ähre")
    adam = create_person(cast.school, Role.STUDENT, "Adam", "Zorn")
    period = Period(WEEK, WEEK + timedelta(days=14))
    found = rows((adam, cast.uma), (zoe, cast.uwe), (zoe, cast.uma), period=period)
    weeks = [WEEK, WEEK + timedelta(days=7)]
    assert [(row["Student"], row["Tutor"], row["Week of"]) for row in found] == [
        (student, tutor, week)
        for student, tutor in (
            ("Zoe Ähre", "Uma Example"),
            ("Zoe Ähre", "Uwe Example"),
            ("Adam Zorn", "Uma Example"),
        )
        for week in weeks
    ]


def test_the_figures_sum_up_and_count_a_students_days_once(cast, dora):
    create_tutor_weekly(cast.uma, dora, progress_percent=50)
    create_tutor_weekly(cast.uwe, dora, progress_percent=75)
    emil = create_person(cast.school, Role.STUDENT, "Emil")
    enroll(cast.classes["maths"], emil, EnrollmentRole.STUDENT)
    create_tutor_weekly(cast.uma, emil, summary="No number.")
    for day, status in enumerate((PRESENT, PRESENT, ABSENT)):
        create_attendance(cast.classes["maths"], dora, WEEK + timedelta(days=day), status)
    create_attendance(cast.classes["maths"], emil, WEEK, PRESENT)
    document = build((dora, cast.uma), (dora, cast.uwe), (emil, cast.uma))
    assert [(figure.label, figure.value, figure.kind) for figure in document.figures] == [
        ("Students", 2, Kind.COUNT),
        ("Reports written", 3, Kind.COUNT),
        ("Average progress", 62.5, Kind.PERCENT),
        ("Days attended", 75, Kind.PERCENT),  # Dora 2 of 3, Emil 1 of 1
    ]
    assert document.has_data is True


def test_days_alone_are_no_report_and_the_ledger_says_so(cast, smtp):
    with transaction() as session:
        session.query(TutorWeeklyReport).delete()
    create_order(cast.uma, cast.uma, cast.pia, report_type=KIND)
    due = NOW + timedelta(minutes=30)
    plan_due(due)
    assert deliver(clock.fixed(due))["skipped"] == 2
    assert smtp.arrived == []
    for delivery in db.session.query(ReportDelivery):
        assert (delivery.status, delivery.reason) == (DeliveryStatus.SKIPPED, Reason.NO_DATA)


def test_a_parent_for_whom_all_is_hidden_gets_nothing_while_the_tutor_does(cast, smtp):
    with transaction() as session:
        session.query(TutorWeeklyReport).update({"show_to_parent": False})
    create_order(cast.uma, cast.uma, cast.pia, report_type=KIND)
    due = NOW + timedelta(minutes=30)
    plan_due(due)
    deliver(clock.fixed(due))
    assert smtp.addresses == ["uma@tutor.example"]
    reasons = {row.recipient.given_name: row.reason for row in db.session.query(ReportDelivery)}
    assert reasons == {"Uma": None, "Pia": Reason.NO_DATA}
