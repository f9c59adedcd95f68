"""The progress letter: what has changed comes first, per child, and all of it by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from reportapp import clock
from reportapp.constants import EnrollmentRole, ExportFormat, Reason, ReportType, ScoreStatus
from reportapp.delivery import deliver, plan_due
from reportapp.documents import Period
from reportapp.extensions import db, transaction
from reportapp.models import ClassGroup, ReportDelivery
from reportapp.rendering import render, render_fragment
from reportapp.reports import REPORTS, Order, load_scopes
from tests.cast import (
    NOW,
    WEEK,
    create_class,
    create_guardian_link,
    create_order,
    create_person,
    create_score,
    create_student_report,
    create_teacher_weekly,
    enroll,
)
from tests.reports.opened import tables_in, text_of

KIND = ReportType.PARENT_PROGRESS
PERIOD = Period(WEEK, WEEK + timedelta(days=7))
ENGLISH, MATHS, BIOLOGY = "7a English", "7a Mathematics", "8b Biology"


def letter(author, reader, period=PERIOD):
    scope = load_scopes(db.session(), KIND, author, [reader], NOW, class_group_id=None)[reader.id]
    order = Order(KIND, "School", "Author", period)
    return REPORTS[KIND].build(db.session(), order, [scope])[scope]


def tables(document):
    return {section.title: section.table.rows for section in document.sections}


def test_a_family_of_two_by_hand(cast):
    document = letter(cast.ada, cast.pol)
    assert [section.title for section in document.sections] == [
        "Ana Example: what has changed",
        "Ana Example: in detail",
        "Ana Example: assignments",
        "Cem Example: what has changed",
        "Cem Example: in detail",
        "Cem Example: assignments",
    ]
    shown = tables(document)
    assert shown["Ana Example: what has changed"] == (
        (ENGLISH, "Average score", 71.0, 81.0, 10.0),
        (MATHS, "Average score", 71.0, 81.0, 10.0),
        (ENGLISH, "Attendance", None, 100.0, None),
        (MATHS, "Attendance", None, 100.0, None),
        (MATHS, "New report by the teacher", None, None, None),
    )
    assert [row[:6] for row in shown["Ana Example: in detail"]] == [
        # What Tea wrote is not shown to parents.
        (ENGLISH, 81.0, 100.0, 50.0, None, None),
        (MATHS, 81.0, 100.0, 50.0, "2+", None),
    ]
    assert [row[1:5] for row in shown["Ana Example: assignments"]] == [
        (ENGLISH, WEEK + timedelta(days=2), "Graded", 81.0),
        (ENGLISH, WEEK + timedelta(days=2), "Not handed in", None),
        (MATHS, WEEK + timedelta(days=2), "Graded", 81.0),
        (MATHS, WEEK + timedelta(days=2), "Not handed in", None),
    ]
    assert shown["Cem Example: what has changed"] == (
        (BIOLOGY, "Average score", 98.0, 93.0, -5.0),
        (BIOLOGY, "Attendance", None, 100.0, None),
        (BIOLOGY, "New report by the teacher", None, None, None),
    )
    # (81 + 81 + 93) / 3 against (71 + 71 + 98) / 3; Ana did 2 of 4, Cem 1 of 1, as before.
    assert [(f.label, f.value, f.change) for f in document.figures] == [
        ("Children", 2, None),
        ("Average score", 85.0, 5.0),
        ("Attendance", 100.0, None),
        ("Assignments done", 60.0, 0.0),
    ]


def test_a_teachers_letter_is_about_the_own_classes_only(cast):
    assert set(tables(letter(cast.tom, cast.pol))) == {
        f"Ana Example: {part}" for part in ("what has changed", "in detail", "assignments")
    }
    assert [row[0] for row in tables(letter(cast.tom, cast.pol))["Ana Example: in detail"]] == [
        MATHS
    ]


@pytest.mark.parametrize("reader", ["pia", "ada", "tea", "uma"])
def test_nobody_reads_in_it_what_is_not_shown_to_parents(cast, reader):
    # Teachers' weekly notes are not for families, whatever an old row says.
    create_teacher_weekly(
        cast.tea, cast.ana, cast.classes["english"], notes="Inner notes.", show_to_parent=True
    )
    document = letter(cast.ada, cast.people[reader])
    for export_format in ExportFormat:
        everything = text_of(render(document, export_format), export_format)
        assert "Ana among teachers only" not in everything
        assert "Inner notes" not in everything


@pytest.fixture
def zoe(cast):
    """A child of Nil in a class where nothing is graded or counted."""
    child = create_person(cast.school, "student", "Zoe", email=None)
    create_class(cast.school, "8b Music", "Music", [cast.tea], [child])
    create_guardian_link(cast.nil, child)
    return child


def test_a_new_report_by_the_teacher_is_reason_enough_for_a_letter(cast, zoe):
    music = db.session.query(ClassGroup).filter_by(title="8b Music").one()
    assert letter(cast.ada, cast.nil).has_data is False
    create_student_report(cast.tea, zoe, music)
    document = letter(cast.ada, cast.nil)
    assert document.has_data is True
    assert tables(document)["Zoe Example: what has changed"] == (
        ("8b Music", "New report by the teacher", None, None, None),
    )


@pytest.mark.parametrize(
    ("sent", "is_news"),
    [
        # Midnight in Berlin is 23:00 of the day before in UTC.
        (datetime(2026, 11, 15, 22, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 15, 23, 0, tzinfo=UTC), True),
    ],
)
def test_a_report_about_days_long_past_is_news_when_it_is_sent(cast, zoe, sent, is_news):
    music = db.session.query(ClassGroup).filter_by(title="8b Music").one()
    past = {"period_start": WEEK - timedelta(days=90), "period_end": WEEK - timedelta(days=14)}
    create_student_report(cast.tea, zoe, music, sent_at=sent, **past)
    assert letter(cast.ada, cast.nil).has_data is is_news


def test_a_report_that_was_in_the_letter_before_is_no_news_but_stays_in_detail(cast):
    period = Period(WEEK + timedelta(days=7), WEEK + timedelta(days=14))
    create_score(cast.classes["maths"], cast.ana, 81, WEEK + timedelta(days=8))
    shown = tables(letter(cast.tom, cast.pia, period))
    assert shown["Ana Example: in detail"][0][4] == "2+"
    # 81 as in the week before; of the work due 1 of 1 is done, and 1 of 2 before.
    assert shown["Ana Example: what has changed"] == (
        (MATHS, "Assignments done", 50.0, 100.0, 50.0),
    )


def test_a_letter_without_changes_says_so(cast):
    child = create_person(cast.school, "student", "Zoe", email=None)
    enroll(cast.classes["biology"], child, EnrollmentRole.STUDENT, begin_date=WEEK)
    create_guardian_link(cast.nil, child)
    create_score(cast.classes["biology"], child, None, WEEK, status=ScoreStatus.EXEMPT)
    later = Period(WEEK + timedelta(days=14), WEEK + timedelta(days=21))
    document = letter(cast.ada, cast.nil, later)
    assert document.has_data is False
    assert tables(document)["Zoe Example: what has changed"] == (
        ("All classes", "Nothing has changed", None, None, None),
    )


def test_what_was_due_before_a_child_joined_is_not_asked_of_it(cast):
    child = create_person(cast.school, "student", "Zoe", email=None)
    joined = WEEK + timedelta(days=3)  # the day after Cem's work was due
    enroll(cast.classes["biology"], child, EnrollmentRole.STUDENT, begin_date=joined)
    create_guardian_link(cast.nil, child)
    assert tables(letter(cast.ada, cast.nil))["Zoe Example: assignments"] == ()


def test_its_mail_names_the_children_and_when_it_comes(cast, smtp):
    create_order(cast.ada, cast.pol, report_type=KIND)
    due = NOW + timedelta(minutes=30)
    plan_due(due)
    deliver(clock.fixed(due))
    (mail,) = smtp.arrived
    for body in (mail.text, mail.html):
        assert "about Ana Example and Cem Example" in body
        assert "Sent: Mondays at 09:00, Berlin." in body


def test_the_ledger_says_why_a_letter_was_not_sent(cast, smtp):
    create_order(cast.ada, cast.pia, cast.nil, report_type=KIND, now=NOW + timedelta(weeks=9))
    due = NOW + timedelta(weeks=9, minutes=30)
    plan_due(due)
    assert deliver(clock.fixed(due))["skipped"] == 2
    assert smtp.arrived == []
    reasons = {row.recipient_id: row.reason for row in db.session.query(ReportDelivery)}
    assert reasons == {cast.pia.id: Reason.NO_DATA, cast.nil.id: Reason.OUT_OF_SCOPE}


def test_every_format_has_the_same_rows(cast):
    with transaction():
        create_student_report(
            cast.tea, cast.ana, cast.classes["english"], behaviour="Kind.", version=2
        )
    document = letter(cast.ada, cast.pol)
    as_csv, as_xlsx = (
        [rows for _, rows in tables_in(render(document, kind), kind)]
        for kind in (ExportFormat.CSV, ExportFormat.XLSX)
    )
    assert as_csv == as_xlsx
    assert [len(rows) - 1 for rows in as_csv] == [len(s.table.rows) for s in document.sections]
    page = str(render_fragment(document))
    pdf = text_of(render(document, ExportFormat.PDF), "pdf")
    for words in (*(row[0] for rows in as_csv for row in rows[1:]), "Kind.", "Ana is friendly."):
        assert words in pdf
        assert words in page
