"""Schedules whose reports are about one class only."""

import pytest

from reportapp import clock
from reportapp.constants import DeliveryStatus, EnrollmentRole, Reason
from reportapp.delivery import deliver, plan_due
from reportapp.errors import InvalidInput
from reportapp.extensions import db, transaction
from reportapp.models import Enrollment, ReportDelivery, ReportSchedule
from reportapp.schedules.edit import update_schedule
from reportapp.schedules.preview import preview
from tests.cast import NOW, create_order
from tests.reports.opened import rows_of_csv
from tests.schedules.help import count

TEXT = "Choose one of your present classes, or all of them."
#: Monday 09:00 in Berlin.
DUE = NOW.replace(hour=8, minute=0)


def send():
    assert plan_due(DUE).executions == 1
    return deliver(clock.fixed(DUE))


def classes_in(mail):
    return {row[1] for row in rows_of_csv(mail.attachment[1])[1:]}


def test_its_mails_are_about_this_class_only(cast, smtp):
    create_order(cast.ada, cast.pol, cast.ada, class_group_id=cast.classes["maths"].id)
    assert send()["sent"] == 2
    assert [classes_in(mail) for mail in smtp.arrived] == [{"7a Mathematics"}] * 2


def test_a_preview_is_about_this_class_only(cast):
    schedule = create_order(cast.ada, cast.ada, class_group_id=cast.classes["biology"].id)
    shown = preview(cast.ada, schedule.id, cast.ada.id, NOW)
    assert [row[1] for row in shown.document.sections[0].table.rows] == ["8b Biology"]


def test_a_family_without_a_child_in_it_gets_nothing_and_the_ledger_says_why(cast, smtp):
    create_order(cast.ada, cast.pia, class_group_id=cast.classes["biology"].id)
    assert send()["skipped"] == 1
    assert db.session.query(ReportDelivery).one().reason is Reason.OUT_OF_SCOPE
    assert smtp.arrived == []


@pytest.mark.parametrize("how", ["class", "enrolment", "lesson taken over"])
def test_a_class_that_has_ended_is_an_empty_scope_in_the_ledger(cast, smtp, how):
    maths = cast.classes["maths"]
    create_order(cast.tom, cast.tom, cast.pia, class_group_id=maths.id)
    with transaction():
        if how == "class":
            maths.is_active = False
        else:
            role = EnrollmentRole.STUDENT if how == "enrolment" else EnrollmentRole.TEACHER
            for seat in db.session.query(Enrollment).filter_by(class_group_id=maths.id, role=role):
                seat.is_active = False
    send()
    assert smtp.arrived == []
    for row in db.session.query(ReportDelivery):
        assert (row.status, row.reason) == (DeliveryStatus.SKIPPED, Reason.OUT_OF_SCOPE)


@pytest.mark.parametrize(
    "value", ["english", "other", 0, -1, 2**31, 10**30, "1; drop", "\x00", "\ud800", True, 1.0, [1]]
)
def test_a_foreign_class_or_nonsense_is_refused_at_its_field(cast, value):
    room = cast.classes[value].id if value in ("english", "other") else value
    with pytest.raises(InvalidInput) as error:
        create_order(cast.tom, class_group_id=room)
    assert error.value.fields == {"class_group_id": [TEXT]}
    assert count(ReportSchedule) == 0
    kept = create_order(cast.tom, class_group_id=cast.classes["maths"].id)
    with pytest.raises(InvalidInput):
        update_schedule(cast.tom, kept.id, {"class_group_id": room}, NOW)
    assert kept.class_group_id == cast.classes["maths"].id


def test_a_tutor_may_name_the_classes_of_own_students_only(cast):
    assert create_order(cast.uma, class_group_id=str(cast.classes["maths"].id)).class_group_id
    with pytest.raises(InvalidInput):
        create_order(cast.uwe, class_group_id=cast.classes["biology"].id)


def test_a_report_on_tutoring_has_no_class(cast):
    schedule = create_order(
        cast.ada, report_type="tutor_weekly_report", class_group_id=cast.classes["maths"].id
    )
    assert schedule.class_group_id is None
