"""The ledger's pages."""

from datetime import timedelta

import pytest

from reportapp.constants import DeliveryStatus, Reason, Trigger
from reportapp.extensions import db, transaction
from reportapp.models import ReportDelivery, ReportScheduleExecution
from reportapp.schedules.ledger import plan_execution, settle
from tests.cast import NOW, create_order
from tests.web.visitor import words_of


@pytest.fixture
def run(cast):
    """A planned run of Tom's, hours late: Pia has it, Pol's mail failed, Uma's is uncertain."""
    order = create_order(cast.tom, cast.pia, cast.pol, cast.uma, cast.tea)
    with transaction() as session:
        planned = NOW - timedelta(hours=5)
        execution_id, _ = plan_execution(
            session, order, planned, Trigger.SCHEDULE, NOW, message_domain="x.example"
        )
        for person, status, reason in (
            (cast.pia, DeliveryStatus.SENT, None),
            (cast.pol, DeliveryStatus.FAILED, Reason.PERMANENT),
            (cast.uma, DeliveryStatus.UNKNOWN, Reason.AMBIGUOUS),
            (cast.tea, DeliveryStatus.SKIPPED, Reason.OUT_OF_SCOPE),
        ):
            delivery = (
                session.query(ReportDelivery)
                .filter_by(execution_id=execution_id, recipient_id=person.id)
                .one()
            )
            delivery.status, delivery.reason, delivery.attempts = status, reason, 1
            delivery.sent_at = NOW if status is DeliveryStatus.SENT else None
            delivery.smtp_reply = "550 <no> such user" if person is cast.pol else None
        session.flush()
        settle(session, [execution_id], NOW)
    return db.session.get(ReportScheduleExecution, execution_id)


def statuses():
    rows = db.session.query(ReportDelivery).all()
    return {row.recipient.given_name: row.status for row in rows}


def test_a_run_tells_what_became_of_each_mail_problems_first(run, logged_in):
    page = logged_in("tom").get(f"/executions/{run.id}").text
    assert "Partly sent" in page
    assert "It started 5 hours late" in page
    assert "The mail server refused it for good" in page
    assert "550 &lt;no&gt; such user" in page
    assert "it may or may not have arrived" in page
    assert "There is nothing in this report that they may see." in page
    order = [page.index(name) for name in ("Pol Example", "Tea Example", "Pia Example")]
    assert order == sorted(order)


def test_the_history_lists_the_runs_with_their_counts(run, logged_in):
    visitor = logged_in("tom")
    for path in (f"/schedules/{run.schedule_id}", f"/schedules/{run.schedule_id}/history"):
        page = visitor.get(path).text
        assert f"/executions/{run.id}" in page
        row = words_of(page.split("<tbody>")[-1].split("</tr>")[0])
        assert row.endswith("On schedule 4 recipients: 1 sent 1 failed 1 skipped 1 unclear")


def test_a_run_counts_everybody_it_was_for(run, logged_in):
    page = logged_in("tom").get(f"/executions/{run.id}").text
    assert "4 recipients 1 sent 1 failed 1 skipped 1 unclear" in words_of(page)


def test_one_mail_is_sent_again(run, logged_in):
    (pol,) = (row for row in db.session.query(ReportDelivery) if row.recipient.given_name == "Pol")
    answer = logged_in("tom").post(f"/executions/{run.id}/resend", {"delivery": pol.id})
    assert answer.status_code == 302
    assert statuses() == {"Pol": "pending", "Uma": "unknown", "Tea": "skipped", "Pia": "sent"}


def test_all_that_did_not_arrive_is_sent_again(run, logged_in):
    visitor = logged_in("tom")
    answer = visitor.post(f"/executions/{run.id}/resend", follow_redirects=True)
    assert "2 mails are being sent again." in answer.text
    assert statuses() == {"Pol": "pending", "Uma": "pending", "Tea": "skipped", "Pia": "sent"}
    again = visitor.post(f"/executions/{run.id}/resend")
    assert again.status_code == 409
    assert "There is nothing to send again." in again.text


@pytest.mark.parametrize(
    ("delivery", "status"), [("x", 404), ("9" * 40, 404), ("-1", 404), ("2147483647", 409)]
)
def test_an_impossible_mail_is_not_sent_again(run, logged_in, delivery, status):
    before = statuses()
    answer = logged_in("tom").post(f"/executions/{run.id}/resend", {"delivery": delivery})
    assert answer.status_code == status
    assert statuses() == before


def test_a_run_of_somebody_else_does_not_exist(run, logged_in):
    visitor = logged_in("tea")
    assert visitor.get(f"/executions/{run.id}").status_code == 404
    assert visitor.post(f"/executions/{run.id}/resend").status_code == 404


def test_the_ledger_of_a_deleted_schedule_can_still_be_read(run, logged_in):
    visitor = logged_in("tom")
    visitor.post(f"/schedules/{run.schedule_id}/delete")
    page = visitor.get(f"/executions/{run.id}")
    assert page.status_code == 200
    assert "deleted" in page.text
    assert "Send again" not in page.text


def test_times_are_the_readers(run, cast, logged_in):
    cast.tom.time_zone = "Asia/Tokyo"
    db.session.commit()
    assert "Mon 23 Nov 2026, 16:30" in logged_in("tom").get(f"/executions/{run.id}").text
