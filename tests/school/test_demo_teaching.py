"""The demo school's lessons, marks and written reports."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select

from reportapp.constants import AttendanceStatus, AuthoredStatus, ScoreStatus
from reportapp.extensions import db
from reportapp.models import (
    AttendanceRecord,
    ClassGroup,
    LineItem,
    Result,
    StudentReport,
    TeacherWeeklyReport,
    TutorWeeklyReport,
)
from tests.school.reading import NOW, WRITTEN, count, values


def test_lessons_are_on_weekdays_of_the_last_ten_weeks_up_to_today(demo):
    days = values(AttendanceRecord.date)
    assert all(day.weekday() < 5 for day in days)
    assert max(days) <= NOW.date()
    assert (NOW.date() - min(days)).days >= 63
    statuses = Counter(db.session.scalars(select(AttendanceRecord.status)))
    assert set(statuses) == set(AttendanceStatus)
    assert 0.90 < statuses[AttendanceStatus.PRESENT] / statuses.total() < 0.94


def test_only_graded_work_has_a_score_and_it_fits_the_points(demo):
    rows = db.session.execute(
        select(Result.score, Result.score_status, LineItem.result_value_max).join(LineItem)
    ).all()
    graded = {ScoreStatus.FULLY_GRADED, ScoreStatus.PARTIALLY_GRADED}
    for score, status, most in rows:
        assert (score is not None) == (status in graded)
        assert score is None or 0 <= score <= most
    assert {status for _, status, _ in rows} == set(ScoreStatus)
    assert values(LineItem.result_value_max) == {10, 20, 50, 100}
    per_class = count(LineItem) / count(ClassGroup)
    assert 20 <= per_class <= 22


@pytest.mark.parametrize("model", WRITTEN)
def test_written_reports_have_every_status_and_both_audiences(demo, model):
    assert values(model.status) == set(AuthoredStatus)
    # Teachers' weekly notes are never for families.
    shown = {False} if model is TeacherWeeklyReport else {True, False}
    assert values(model.show_to_parent) == shown
    for report in db.session.scalars(select(model)):
        assert (report.sent_at is None) == (report.status is AuthoredStatus.DRAFT)
        assert (report.read_at or report.sent_at or report.created_at) <= NOW


def test_written_reports_reach_up_to_last_week(demo):
    last_monday = NOW.date() - timedelta(days=8)
    assert last_monday == max(values(TutorWeeklyReport.week_start))
    assert last_monday == max(values(TeacherWeeklyReport.week_start))
    assert last_monday + timedelta(days=7) == max(values(StudentReport.period_end))
