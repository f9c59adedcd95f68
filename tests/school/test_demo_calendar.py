"""The demo school's calendar fits its lessons on whatever day it is loaded."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from reportapp.constants import CalendarKind
from reportapp.extensions import db
from reportapp.models import School
from reportapp.reports.calendar import load_calendar
from reportapp.school.demo_calendar import make_calendar
from reportapp.school.demo_stage import Stage
from tests.school.reading import NOW


def rows_of(now: datetime) -> tuple[Stage, list[SimpleNamespace]]:
    taken = []
    stage = Stage(None, None, now, school_id=1)
    stage.add = lambda _model, rows: taken.extend(rows)
    make_calendar(stage)
    return stage, [SimpleNamespace(**row) for row in taken]


@pytest.mark.parametrize("day", range(0, 366, 3))
def test_no_day_that_has_been_taught_is_closed(day):
    stage, rows = rows_of(datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(days=day))
    closed = [row for row in rows if row.kind is not CalendarKind.EXAM]
    for row in rows:
        assert row.first_day <= row.last_day
        assert row.last_day < stage.first_monday or row.first_day > stage.today
    [exams] = [row for row in rows if row.kind is CalendarKind.EXAM]
    assert not any(
        row.first_day <= exams.last_day and exams.first_day <= row.last_day for row in closed
    )


def test_the_rules_see_the_terms_the_holidays_and_the_exams(demo):
    school = db.session.query(School).one()
    calendar = load_calendar(db.session, school.id)
    assert school.country == "DE-BE"
    assert [term.title for term in calendar.terms] == [
        "First term 2026/2027",
        "Second term 2026/2027",
    ]
    assert {"Christmas holidays", "Autumn holidays"} <= {span.title for span in calendar.closed}
    assert [(span.title, span.first.isoformat()) for span in calendar.exams] == [
        ("Exam week", "2026-12-07")
    ]
    assert calendar.is_open(NOW.date())
