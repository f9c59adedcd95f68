"""The demo school's schedule for a group, and the families that have read something."""

from reportapp.constants import AuthoredStatus, Reason
from reportapp.extensions import db
from reportapp.models import (
    ReportReading,
    ReportSchedule,
    ReportScheduleAudience,
    ReportScheduleRecipient,
    User,
)
from reportapp.schedules.overview import who_gets_what
from reportapp.schedules.reach import members
from reportapp.written.find import readable_by
from reportapp.written.kinds import WRITTEN
from tests.school.reading import NOW


def test_a_schedule_is_for_a_group_and_its_past_went_to_whom_the_group_has(demo):
    (audience,) = db.session.query(ReportScheduleAudience)
    schedule = db.session.get_one(ReportSchedule, audience.schedule_id)
    rows = db.session.query(ReportScheduleRecipient).filter_by(schedule_id=schedule.id).all()
    assert [row.recipient for row in rows if row.is_direct] == [schedule.created_by]
    through = {row.recipient_id for row in rows if not row.is_direct}
    assert through == members(db.session(), schedule, NOW).keys()
    overview = who_gets_what(schedule.created_by, schedule.id, NOW)
    assert overview.gets >= 3
    assert Reason.UNSUBSCRIBED in {reader.reason for reader in overview.others}


def test_who_has_read_a_report_could_read_it(demo):
    readings = db.session.query(ReportReading).all()
    assert len(readings) > 5
    assert {reading.acknowledged_at is None for reading in readings} == {True, False}
    for reading in readings:
        model = WRITTEN[reading.kind].model
        report = db.session.get_one(model, reading.report_id)
        assert (report.status, report.read_at) == (AuthoredStatus.READ, reading.read_at)
        reader = db.session.get_one(User, reading.reader_id)
        may_read = readable_by(reading.kind, reader, NOW.date())
        assert db.session.query(model).filter(model.id == report.id, may_read).count() == 1
