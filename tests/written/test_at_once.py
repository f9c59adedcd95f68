"""Two windows, or two people, at the very same moment."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from reportapp.constants import AuthoredStatus
from reportapp.errors import Conflict
from reportapp.extensions import db
from reportapp.models import ReportReading, StudentReport, User
from reportapp.written.find import versions
from reportapp.written.reading import open_report
from reportapp.written.writing import save, send
from tests.at_once import at_once
from tests.cast import NOW
from tests.written.help import STUDENT, TEACHER, about, now_seen, publish, write


def person(user_id):
    return db.session.get_one(User, user_id)


@pytest.fixture
def week(cast):
    return about(TEACHER, cast.ana, cast.classes["maths"])


def test_of_windows_that_begin_a_report_together_one_has_it(app, cast, week):
    tom = cast.tom.id
    found = at_once(
        app,
        *[
            lambda n=n: save(person(tom), week, {"notes": f"Window {n}"}, "", NOW).id
            for n in range(4)
        ],
    )
    assert sum(isinstance(one, Conflict) for one in found) == 3
    assert len(versions(db.session, TEACHER, week.identity(cast.tom))) == 1


def test_a_double_click_sends_once(app, cast, week):
    draft = write(cast.tom, week, notes="Fine.")
    tom, seen = cast.tom.id, {draft.id: now_seen(cast.tom, week)}
    found = at_once(app, *[lambda: len(send(person(tom), TEACHER, seen, NOW))] * 3)
    assert found == [1, 1, 1]
    (report,) = versions(db.session, TEACHER, week.identity(cast.tom))
    assert (report.status, report.sent_at) == (AuthoredStatus.SENT, NOW)


def test_a_reader_is_noted_once_from_however_many_windows(app, cast):
    subject = about(STUDENT, cast.ana, cast.classes["maths"])
    report_id = publish(cast.tom, subject, grade="1", show_to_parent=True).id
    readers = [cast.pia.id, cast.pol.id] * 2
    at_once(
        app,
        *[lambda r=r: open_report(person(r), STUDENT, report_id, NOW).report.id for r in readers],
    )
    noted = db.session.scalars(select(ReportReading.reader_id)).all()
    assert sorted(noted) == sorted({cast.pia.id, cast.pol.id})


def test_reading_while_a_correction_is_sent_leaves_one_version_published(app, cast):
    subject = about(STUDENT, cast.ana, cast.classes["maths"])
    old = publish(cast.tom, subject, grade="2", show_to_parent=True).id
    draft = write(cast.tom, subject, grade="1", show_to_parent=True)
    tom, pia, seen = cast.tom.id, cast.pia.id, {draft.id: now_seen(cast.tom, subject)}
    later = NOW + timedelta(hours=1)
    at_once(
        app,
        lambda: open_report(person(pia), STUDENT, old, later).report.id,
        lambda: send(person(tom), STUDENT, seen, later)[0].id,
    )
    mine = StudentReport.period_start == subject.period.start
    rows = db.session.execute(
        select(StudentReport.version, StudentReport.status).where(mine).order_by("version")
    )
    assert [(version, str(status)) for version, status in rows] == [
        (1, str(AuthoredStatus.ARCHIVED)),
        (2, str(AuthoredStatus.SENT)),
    ]
